//! The types of parameters: which values there are, and which text each puts in.

use serde::{Deserialize, Serialize};

use crate::job::is_default;

/// Which values a parameter takes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum ParameterKind {
    /// Any text.
    #[default]
    Text,
    /// A number.
    Number {
        /// The smallest one.
        #[serde(default, skip_serializing_if = "is_default")]
        min: Option<f64>,
        /// The largest one.
        #[serde(default, skip_serializing_if = "is_default")]
        max: Option<f64>,
        /// The distance of two values, counted from the smallest, or from 0; 1: whole numbers.
        #[serde(default, skip_serializing_if = "is_default")]
        step: Option<f64>,
        /// What is counted, shown behind the number.
        #[serde(default, skip_serializing_if = "is_default")]
        unit: String,
    },
    /// One of these texts.
    Choice(Vec<String>),
    /// The path of a file that is there.
    File,
    /// The path of a folder that is there.
    Folder,
    /// The path of something that need not be there yet.
    Path,
    /// Yes or no; each stands for a text, which is put in as the job has it.
    YesNo {
        /// The text for yes.
        #[serde(default = "yes", skip_serializing_if = "is_yes")]
        yes: String,
        /// The text for no.
        #[serde(default = "no", skip_serializing_if = "is_no")]
        no: String,
    },
}

fn yes() -> String {
    "yes".to_owned()
}

fn no() -> String {
    "no".to_owned()
}

fn is_yes(text: &str) -> bool {
    text == "yes"
}

fn is_no(text: &str) -> bool {
    text == "no"
}

/// How far a number may be from a step, as a share of the step: decimal fractions are not exact.
const STEP_TOLERANCE: f64 = 1e-6;

/// What a value puts in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::job) enum Inserted {
    /// A word, whatever it holds; nothing if it is empty.
    Word(String),
    /// The same, of a path, in which a pattern has no wildcards.
    Path(String),
    /// A text that the author of the job wrote: any number of words.
    Written(String),
}

impl Inserted {
    pub(in crate::job) fn text(&self) -> &str {
        match self {
            Self::Word(text) | Self::Path(text) | Self::Written(text) => text,
        }
    }
}

impl ParameterKind {
    /// A type of each kind, as it is chosen in the window.
    pub fn choices() -> [Self; 7] {
        let number = Self::Number { min: None, max: None, step: None, unit: String::new() };
        let yes_no = Self::YesNo { yes: yes(), no: no() };
        [Self::Text, number, Self::Choice(Vec::new()), Self::File, Self::Folder, Self::Path, yes_no]
    }

    /// Its name in lists.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Text => "Text",
            Self::Number { .. } => "Number",
            Self::Choice(_) => "Choice",
            Self::File => "File",
            Self::Folder => "Folder",
            Self::Path => "New file or folder",
            Self::YesNo { .. } => "Yes or no",
        }
    }

    /// Which values it takes: `a whole number from 16 to 4096 (px)`.
    pub fn takes(&self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::Number { min, max, step, unit } => {
                let what = if *step == Some(1.0) { "a whole number" } else { "a number" };
                let range = match (min, max) {
                    (Some(min), Some(max)) => format!(" from {min} to {max}"),
                    (Some(min), None) => format!(" of {min} or more"),
                    (None, Some(max)) => format!(" up to {max}"),
                    (None, None) => String::new(),
                };
                let steps = step.filter(|step| *step != 1.0).map(|step| format!(" in steps of {step}"));
                let unit = if unit.is_empty() { String::new() } else { format!(" ({unit})") };
                format!("{what}{range}{}{unit}", steps.unwrap_or_default())
            }
            Self::Choice(choices) => format!("one of {}", choices.join(", ")),
            Self::File => "the path of a file".to_owned(),
            Self::Folder => "the path of a folder".to_owned(),
            Self::Path => "a path".to_owned(),
            Self::YesNo { .. } => "yes or no".to_owned(),
        }
    }

    /// Whether its values are looked up among the files before a run.
    pub const fn is_looked_up(&self) -> bool {
        matches!(self, Self::File | Self::Folder)
    }

    /// Whether a value of yes or no is yes; an empty one is no.
    pub fn is_yes(value: &str) -> bool {
        matches!(&*value.to_ascii_lowercase(), "yes" | "true" | "on" | "1")
    }

    /// What the value puts in; `None` where it is none of the values. An empty value puts in nothing, but for yes or no.
    pub(in crate::job) fn inserted(&self, value: &str) -> Option<Inserted> {
        if let Self::YesNo { yes, no } = self {
            let is_no = matches!(&*value.to_ascii_lowercase(), "" | "no" | "false" | "off" | "0");
            let text = if Self::is_yes(value) { Some(yes) } else { Some(no).filter(|_| is_no) };
            return text.cloned().map(Inserted::Written);
        }
        if value.contains('\0') {
            return None;
        }
        match self {
            _ if value.is_empty() => Some(Inserted::Word(String::new())),
            Self::Number { min, max, step, .. } => number(value.trim(), *min, *max, *step).map(Inserted::Word),
            Self::Choice(choices) => choices.iter().find(|choice| *choice == value).cloned().map(Inserted::Word),
            Self::File | Self::Folder | Self::Path => Some(Inserted::Path(value.to_owned())),
            Self::Text | Self::YesNo { .. } => Some(Inserted::Word(value.to_owned())),
        }
    }

    /// The number that is `steps` steps away from this text, or the first one where it is no number, within the limits; `None`: the
    /// type has no steps. Limits that contradict each other are those of a form that is being written: the upper one holds.
    pub fn stepped(&self, text: &str, steps: f64) -> Option<String> {
        let Self::Number { min, max, step: Some(step), .. } = *self else { return None };
        let first = min.filter(|min| min.is_finite()).unwrap_or(0.0);
        if !(step.is_finite() && step > 0.0) {
            return None;
        }
        let now = text.trim().parse::<f64>().ok().filter(|now| now.is_finite());
        let next = now.map_or(first, |now| first + (((now - first) / step).round() + steps) * step);
        let next = max.map_or_else(|| next.max(first), |max| next.max(min.unwrap_or(next)).min(max));
        let exact = format!("{next:.*}", decimals(step).max(decimals(first)));
        Some(exact.parse().map_or(exact, written))
    }

    /// What is wrong with the type.
    pub(super) fn problem(&self) -> Option<String> {
        match self {
            Self::Number { min, max, step, .. } => {
                let is_finite = [min, max, step].into_iter().flatten().all(|number| number.is_finite());
                if !is_finite {
                    return Some("its limits must be finite numbers".to_owned());
                }
                if let (Some(min), Some(max)) = (min, max)
                    && min > max
                {
                    return Some(format!("its smallest value {min} is larger than its largest {max}"));
                }
                step.filter(|step| *step <= 0.0).map(|step| format!("its step is {step}, expected a number above 0"))
            }
            Self::Choice(choices) if choices.is_empty() => {
                Some("it has no values to choose from; list some".to_owned())
            }
            Self::Choice(choices) if choices.iter().any(|choice| choice.is_empty() || choice.contains('\0')) => {
                Some("one of its values is empty; remove it, or write what it stands for".to_owned())
            }
            Self::Choice(choices) => {
                let mut rest = choices.iter().enumerate();
                let twice = rest.find(|(at, choice)| choices[..*at].contains(choice));
                twice.map(|(_, choice)| format!("its value '{choice}' is listed twice; remove one"))
            }
            Self::YesNo { yes, no } if yes.contains('\0') || no.contains('\0') => {
                Some("its texts cannot hold a NUL character".to_owned())
            }
            _ => None,
        }
    }
}

/// A number as it is put in; `None` where the text is none that fits.
fn number(text: &str, min: Option<f64>, max: Option<f64>, step: Option<f64>) -> Option<String> {
    let value: f64 = text.parse().ok().filter(|value: &f64| value.is_finite())?;
    let is_above = min.is_none_or(|min| value >= min);
    let is_below = max.is_none_or(|max| value <= max);
    let is_step = step.is_none_or(|step| {
        let steps = (value - min.unwrap_or(0.0)) / step;
        (steps - steps.round()).abs() <= STEP_TOLERANCE
    });
    (is_above && is_below && is_step).then(|| whole(text).unwrap_or_else(|| written(value)))
}

/// A whole number with all of its digits, and without zeros or a plus in front; `None`: it is none.
fn whole(text: &str) -> Option<String> {
    let (sign, digits) =
        text.strip_prefix('-').map_or(("", text.strip_prefix('+').unwrap_or(text)), |rest| ("-", rest));
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let digits = digits.trim_start_matches('0');
    Some(if digits.is_empty() { "0".to_owned() } else { format!("{sign}{digits}") })
}

/// A number in digits; zero has no sign.
fn written(value: f64) -> String {
    (value + 0.0).to_string()
}

/// Number of digits behind the point.
fn decimals(value: f64) -> usize {
    value.to_string().split_once('.').map_or(0, |(_, digits)| digits.len())
}
