//! One input of the open job as a person edits it.

mod columns;
mod kind;

use std::path::PathBuf;

use fanlane_core::job::{Input, escapes};

pub use columns::ColumnsDraft;
pub use kind::InputKind;

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
    /// What records end with, with escapes; for standard input empty where it is read by lines.
    pub separator: String,
    /// How values are cut into columns.
    pub columns: ColumnsDraft,
    /// The inputs that are linked.
    pub members: Vec<InputDraft>,
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

    /// An input made ready to be edited. What the fields would change is kept as it is.
    pub fn from_input(input: &Input) -> Self {
        match Self::typed(input) {
            Some(draft) if draft.to_input().as_ref() == Ok(input) => draft,
            _ => Self {
                kind: InputKind::Kept,
                kept_text: shortened(input.to_ron()),
                kept: Some(input.clone()),
                ..Self::default()
            },
        }
    }

    /// The fields for an input; `None` where there are none, or where they would have to hold what cannot be typed.
    fn typed(input: &Input) -> Option<Self> {
        let path = |kind, path: Option<&str>| {
            Some(Self { kind, path: path.filter(|path| is_typed(path))?.to_owned(), ..Self::default() })
        };
        match input {
            Input::Range(from, to) => Some(Self::range(*from, *to)),
            Input::Numbers(from, to) => {
                Some(Self { kind: InputKind::Range, from: from.clone(), to: to.clone(), ..Self::default() })
            }
            Input::List(values) => {
                let mut values = values.join("\n");
                if values.is_empty() || values.ends_with('\n') {
                    values.push('\n');
                }
                Some(Self { kind: InputKind::List, values, ..Self::default() })
            }
            Input::Lines(file) => path(InputKind::Lines, file.to_str()),
            Input::Glob(pattern) => path(InputKind::Glob, Some(pattern)),
            Input::Csv(file) => path(InputKind::Csv, file.to_str()),
            Input::Json(file) => path(InputKind::Json, file.to_str()),
            Input::Records { skip: 1.., .. } | Input::Records { until: Some(_), .. } => None,
            Input::Records { file: Some(file), separator, .. } => {
                let draft = path(InputKind::Records, file.to_str())?;
                Some(Self { separator: escapes::escaped(separator), ..draft })
            }
            Input::Records { file: None, separator, .. } => {
                Some(Self { kind: InputKind::Stdin, separator: escapes::escaped(separator), ..Self::default() })
            }
            Input::Stdin => Some(Self { kind: InputKind::Stdin, ..Self::default() }),
            Input::Columns { from, separator, header, trim } => {
                let draft = Self::typed(from).filter(|draft| !draft.columns.wanted)?;
                let separator = separator.clone().unwrap_or_default();
                Some(Self { columns: ColumnsDraft { wanted: true, separator, header: *header, trim: *trim }, ..draft })
            }
            Input::Linked(inputs) => {
                let members = inputs.iter().map(Self::from_input).collect();
                Some(Self { kind: InputKind::Linked, members, ..Self::default() })
            }
            Input::Table { .. } | Input::Bytes(_) => None,
        }
    }

    /// Makes it an input of another kind. A group of linked inputs begins with what it was before.
    pub fn choose(&mut self, kind: InputKind) {
        if kind == InputKind::Linked && self.members.is_empty() {
            self.members = vec![self.clone(), Self::range(1, 10)];
        }
        self.kind = kind;
    }

    /// The input that the fields say.
    ///
    /// # Errors
    /// What is wrong and what is expected.
    pub fn to_input(&self) -> Result<Input, String> {
        let plain = self.to_plain()?;
        if !(self.columns.wanted && self.kind.can_have_columns()) {
            return Ok(plain);
        }
        let ColumnsDraft { separator, header, trim, .. } = &self.columns;
        let separator = Some(separator.clone()).filter(|separator| !separator.is_empty());
        Ok(Input::Columns { from: Box::new(plain), separator, header: *header, trim: *trim })
    }

    fn to_plain(&self) -> Result<Input, String> {
        let path = |what: &str| match self.path.trim() {
            "" => Err(format!("Type {what}.")),
            path => Ok(path.to_owned()),
        };
        match self.kind {
            InputKind::Range if [&self.from, &self.to].iter().any(|end| end.contains("{@")) => {
                Ok(Input::Numbers(self.from.clone(), self.to.clone()))
            }
            InputKind::Range => Ok(Input::Range(whole(&self.from)?, whole(&self.to)?)),
            InputKind::List if self.values.is_empty() => Err("Type the values, one a line.".to_owned()),
            InputKind::List => Ok(Input::List(self.values.lines().map(str::to_owned).collect())),
            InputKind::Lines => Ok(Input::Lines(PathBuf::from(path("the path of a file")?))),
            InputKind::Glob => Ok(Input::Glob(path("a pattern such as photos/*.jpg")?)),
            InputKind::Csv => Ok(Input::Csv(PathBuf::from(path("the path of a CSV file")?))),
            InputKind::Json => Ok(Input::Json(PathBuf::from(path("the path of a JSON file")?))),
            InputKind::Records => {
                let file = Some(PathBuf::from(path("the path of a file")?));
                Ok(Input::records(file, self.separator()?))
            }
            InputKind::Stdin if self.separator.is_empty() => Ok(Input::Stdin),
            InputKind::Stdin => Ok(Input::records(None, self.separator()?)),
            InputKind::Linked if self.members.is_empty() => Err("Add the inputs that are linked.".to_owned()),
            InputKind::Linked => {
                let members = self.members.iter().zip(1..).map(|(member, number)| {
                    member.to_input().map_err(|message| format!("Linked input {number}: {message}"))
                });
                Ok(Input::Linked(members.collect::<Result<_, _>>()?))
            }
            InputKind::Kept => self.kept.clone().ok_or_else(|| "Choose a kind of input.".to_owned()),
        }
    }

    fn separator(&self) -> Result<String, String> {
        match escapes::unescape(&self.separator) {
            Ok(separator) if separator.is_empty() => {
                Err("Type what each record ends with: \\0 for a NUL byte, \\n for a line end, or any text.".to_owned())
            }
            Ok(separator) => Ok(separator),
            Err(message) => Err(format!("The end of records cannot be read: {message}.")),
        }
    }
}

fn whole(typed: &str) -> Result<i64, String> {
    let typed = typed.trim();
    typed.parse().map_err(|_| format!("{typed:?} is no whole number: type one such as 100."))
}

/// A path or pattern that is still the same after it was typed into a field, where blanks around it do not count.
fn is_typed(text: &str) -> bool {
    !text.is_empty() && text.trim() == text && !text.contains(['\n', '\r'])
}

fn shortened(text: String) -> String {
    if text.chars().nth(SHOWN_LETTERS).is_none() {
        return text;
    }
    text.chars().take(SHOWN_LETTERS).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use fanlane_core::job::inputs::{Encoding, TableFormat};

    fn columns(from: Input, separator: Option<&str>, header: bool, trim: bool) -> Input {
        Input::Columns { from: Box::new(from), separator: separator.map(str::to_owned), header, trim }
    }

    fn records(file: Option<&str>, separator: &str) -> Input {
        Input::records(file.map(PathBuf::from), separator)
    }

    #[test]
    fn every_kind_has_fields_that_say_the_same() {
        let list = || Input::List(vec!["a,b".to_owned(), "c,d".to_owned()]);
        let cases = [
            (records(Some("names"), "\0"), InputKind::Records),
            (records(Some("names"), "--\\ é\t\u{1}"), InputKind::Records),
            (records(None, ";"), InputKind::Stdin),
            (Input::Stdin, InputKind::Stdin),
            (columns(Input::Stdin, Some(","), true, false), InputKind::Stdin),
            (columns(list(), Some("\\s*,\\s*"), false, true), InputKind::List),
            (columns(Input::Glob("*.c".to_owned()), None, true, true), InputKind::Glob),
            (columns(records(Some("names"), "\n\n"), Some("\n"), false, false), InputKind::Records),
            (Input::Numbers("1".to_owned(), "{@last}".to_owned()), InputKind::Range),
            (Input::Linked(vec![Input::Range(1, 2), columns(list(), None, true, false)]), InputKind::Linked),
        ];
        for (input, kind) in cases {
            let draft = InputDraft::from_input(&input);
            assert_eq!((draft.kind, draft.to_input()), (kind, Ok(input)));
        }
    }

    #[test]
    fn what_fields_would_change_is_kept_as_it_is() {
        let cases = [
            Input::Numbers("1".to_owned(), "2".to_owned()),
            columns(columns(Input::Stdin, None, true, false), Some(","), false, false),
            columns(Input::Csv("a.csv".into()), Some(","), false, false),
            columns(Input::Stdin, Some(""), false, false),
            records(Some(" blank"), ";"),
            records(Some("names"), ""),
            Input::Linked(Vec::new()),
            Input::Records {
                file: None,
                separator: ";".to_owned(),
                encoding: Encoding::Windows1252,
                skip: 0,
                until: None,
            },
            Input::Records { file: None, separator: "\n".to_owned(), encoding: Encoding::Utf8, skip: 1, until: None },
            Input::Table { file: None, format: TableFormat::Csv, separator: Some(';'), encoding: Encoding::Utf16 },
            Input::Bytes(vec!["a".into()]),
        ];
        for input in cases {
            let draft = InputDraft::from_input(&input);
            assert_eq!((draft.kind, draft.to_input()), (InputKind::Kept, Ok(input)));
        }
    }

    #[test]
    fn what_is_missing_is_said() {
        let of = |kind| InputDraft { kind, path: "names".to_owned(), ..InputDraft::default() };
        let separated = |separator: &str| InputDraft { separator: separator.to_owned(), ..of(InputKind::Records) };
        let linked = InputDraft { members: vec![of(InputKind::Lines), separated("")], ..of(InputKind::Linked) };
        for (draft, words) in [
            (separated(""), "Type what each record ends with"),
            (separated("\\q"), "\\q is not known"),
            (of(InputKind::Linked), "Add the inputs"),
            (linked, "Linked input 2: Type what each record ends with"),
        ] {
            let message = draft.to_input().expect_err("it is not complete");
            assert!(message.contains(words), "{message}");
        }
    }

    #[test]
    fn a_group_of_linked_inputs_begins_with_what_was_there() {
        let mut draft = InputDraft::range(3, 4);
        draft.choose(InputKind::Linked);
        assert_eq!(draft.to_input(), Ok(Input::Linked(vec![Input::Range(3, 4), Input::Range(1, 10)])));
        draft.choose(InputKind::Range);
        draft.choose(InputKind::Linked);
        assert_eq!(draft.members.len(), 2, "what was typed is kept");
    }
}
