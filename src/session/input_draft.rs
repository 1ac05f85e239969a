//! One input of the open job as a person edits it.

use std::path::PathBuf;

use crate::job::Input;

/// Which kind of input a person chose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum InputKind {
    /// Whole numbers from one to another.
    #[default]
    Range,
    /// Values typed here, one a line.
    List,
    /// The lines of a file.
    Lines,
    /// Files whose names match a pattern.
    Glob,
    /// The rows of a CSV file.
    Csv,
    /// The elements of a JSON file.
    Json,
    /// Something that the window has no fields for; it is kept as it is.
    Kept,
}

impl InputKind {
    /// The kinds that can be chosen, in the order of the list.
    pub const CHOICES: [Self; 6] = [Self::Range, Self::List, Self::Lines, Self::Glob, Self::Csv, Self::Json];

    /// The words for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Range => "Range",
            Self::List => "List",
            Self::Lines => "Lines of a file",
            Self::Glob => "Matching files",
            Self::Csv => "CSV file",
            Self::Json => "JSON file",
            Self::Kept => "As in the job file",
        }
    }

    /// What it means.
    pub const fn explanation(self) -> &'static str {
        match self {
            Self::Range => "Whole numbers from one to another, both included",
            Self::List => "Values typed here, one a line",
            Self::Lines => "One value for each line of a file",
            Self::Glob => "One value for each file whose name matches a pattern such as photos/*.jpg",
            Self::Csv => "One set of values for each row; {name} stands for the column of that name",
            Self::Json => "One set of values for each element of the array; {name} stands for the key of that name",
            Self::Kept => "An input of a kind that can only be edited in the job file",
        }
    }
}

/// One input as it is edited. What was typed for another kind is kept while one looks around.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InputDraft {
    /// Which of the fields below is meant.
    pub kind: InputKind,
    /// First number of the range.
    pub from: String,
    /// Last number of the range.
    pub to: String,
    /// The list's values, one a line.
    pub values: String,
    /// The file or the pattern.
    pub path: String,
    /// The input that has no fields here.
    pub kept: Option<Input>,
    /// That input as a job file has it, not more than its beginning.
    pub kept_text: String,
}

/// How many letters of an input without fields are shown.
const SHOWN_LETTERS: usize = 2000;

impl InputDraft {
    /// A new input: the numbers from 1 to 10.
    pub fn range(from: i64, to: i64) -> Self {
        Self { kind: InputKind::Range, from: from.to_string(), to: to.to_string(), ..Self::default() }
    }

    /// An input made ready to be edited.
    pub fn from_input(input: &Input) -> Self {
        let path = |kind, path: String| Self { kind, path, ..Self::default() };
        match input {
            Input::Range(from, to) => Self::range(*from, *to),
            // A value with a line break in it, or no value at all, does not survive being typed as lines.
            Input::List(values) if !values.is_empty() && !values.iter().any(|value| value.contains(['\n', '\r'])) => {
                let mut values = values.join("\n");
                if values.is_empty() || values.ends_with('\n') {
                    values.push('\n');
                }
                Self { kind: InputKind::List, values, ..Self::default() }
            }
            Input::Lines(file) if is_typed(file.to_str()) => path(InputKind::Lines, file.display().to_string()),
            Input::Glob(pattern) if is_typed(Some(pattern)) => path(InputKind::Glob, pattern.clone()),
            Input::Csv(file) if is_typed(file.to_str()) => path(InputKind::Csv, file.display().to_string()),
            Input::Json(file) if is_typed(file.to_str()) => path(InputKind::Json, file.display().to_string()),
            kept => Self {
                kind: InputKind::Kept,
                kept_text: shortened(kept.to_ron()),
                kept: Some(kept.clone()),
                ..Self::default()
            },
        }
    }

    /// The input that the fields say.
    ///
    /// # Errors
    /// What is wrong and what is expected.
    pub fn to_input(&self) -> Result<Input, String> {
        let path = |what: &str| match self.path.trim() {
            "" => Err(format!("Type {what}.")),
            path => Ok(path.to_owned()),
        };
        match self.kind {
            InputKind::Range => Ok(Input::Range(whole(&self.from)?, whole(&self.to)?)),
            InputKind::List if self.values.is_empty() => Err("Type the values, one a line.".to_owned()),
            InputKind::List => Ok(Input::List(self.values.lines().map(str::to_owned).collect())),
            InputKind::Lines => Ok(Input::Lines(PathBuf::from(path("the path of a file")?))),
            InputKind::Glob => Ok(Input::Glob(path("a pattern such as photos/*.jpg")?)),
            InputKind::Csv => Ok(Input::Csv(PathBuf::from(path("the path of a CSV file")?))),
            InputKind::Json => Ok(Input::Json(PathBuf::from(path("the path of a JSON file")?))),
            InputKind::Kept => self.kept.clone().ok_or_else(|| "Choose a kind of input.".to_owned()),
        }
    }
}

fn whole(typed: &str) -> Result<i64, String> {
    let typed = typed.trim();
    typed.parse().map_err(|_| format!("{typed:?} is no whole number: type one such as 100."))
}

/// A path or pattern that is still the same after it was typed into a field, where blanks around it do not count.
fn is_typed(text: Option<&str>) -> bool {
    text.is_some_and(|text| !text.is_empty() && text.trim() == text && !text.contains(['\n', '\r']))
}

fn shortened(text: String) -> String {
    if text.chars().nth(SHOWN_LETTERS).is_none() {
        return text;
    }
    text.chars().take(SHOWN_LETTERS).chain(['…']).collect()
}
