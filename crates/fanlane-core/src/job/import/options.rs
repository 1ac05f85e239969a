//! Options as `getopt` reads them: short ones in bundles with the value behind them, long ones with `=` or a second word.
//! Each program has a table of its options; what they mean is applied here to what is made of them.

use super::words::Word;
use super::{ImportError, Note, note};

/// An option of a program, in the table for a `Draft` of a job.
pub struct Known<Draft: 'static> {
    /// Its names without dashes; those of one character are short.
    pub names: &'static [&'static str],
    /// Whether a value follows.
    pub value: ValueRule,
    /// What it means.
    pub meaning: Meaning<Draft>,
}

/// What becomes of an option.
pub enum Meaning<Draft> {
    /// It changes the draft by its value; an error says what the result has in its place.
    Set(fn(&mut Draft, &str) -> Result<(), String>),
    /// Fanlane always behaves like this.
    Same,
    /// It is a flag of `fanlane run`.
    RunFlag(&'static str),
    /// There is no equivalent; the text says what that means.
    Missing(&'static str),
}

/// Whether a value follows an option.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum ValueRule {
    /// Never.
    None,
    /// Always.
    Required,
    /// Only in the same word.
    Attached,
}

/// An option as it was written.
struct Found<'a, Draft: 'static> {
    /// With its dashes.
    name: String,
    value: Option<String>,
    /// `None`: the program has no such option.
    meaning: Option<&'a Meaning<Draft>>,
}

/// The note about an option that is in no table.
const UNKNOWN: &str =
    "this option is unknown; it was left out, and a value after it was taken as a word of the command";

impl<Draft> Known<Draft> {
    /// An option without a value.
    pub const fn flag(names: &'static [&'static str], meaning: Meaning<Draft>) -> Self {
        Self { names, value: ValueRule::None, meaning }
    }

    /// An option with a value.
    pub const fn valued(names: &'static [&'static str], meaning: Meaning<Draft>) -> Self {
        Self { names, value: ValueRule::Required, meaning }
    }

    /// An option with a value that may be missing, in the same word.
    pub const fn attached(names: &'static [&'static str], meaning: Meaning<Draft>) -> Self {
        Self { names, value: ValueRule::Attached, meaning }
    }
}

impl<Draft> Found<'_, Draft> {
    /// The option with its value, as notes name it.
    fn written(&self) -> String {
        match self.value.as_deref() {
            None | Some("") => self.name.clone(),
            Some(value) => format!("{} {value}", self.name),
        }
    }
}

/// Applies the options in front of `words` to the draft, and says at which word the rest begins. What has no meaning here
/// is noted.
///
/// # Errors
/// [`ImportError::NoValue`].
pub fn apply<Draft>(
    words: &[Word],
    known: &[Known<Draft>],
    draft: &mut Draft,
    notes: &mut Vec<Note>,
) -> Result<usize, ImportError> {
    let (found, rest) = parse(words, known)?;
    for option in found {
        let written = option.written();
        let value = option.value.unwrap_or_default();
        match option.meaning {
            None => note(notes, written, UNKNOWN),
            Some(Meaning::Same) => {}
            Some(Meaning::Missing(meaning)) => note(notes, written, *meaning),
            Some(Meaning::RunFlag(flag)) => {
                let value = if value.is_empty() { String::new() } else { format!(" {value}") };
                note(notes, written, format!("a job file has no field for it; add {flag}{value} to fanlane run"));
            }
            Some(Meaning::Set(set)) => {
                if let Err(instead) = set(draft, &value) {
                    note(notes, written, instead);
                }
            }
        }
    }
    Ok(rest)
}

/// The options in front, and at which word the rest begins.
fn parse<'a, Draft>(words: &[Word], known: &'a [Known<Draft>]) -> Result<(Vec<Found<'a, Draft>>, usize), ImportError> {
    let find = |name: &str| known.iter().find(|option| option.names.contains(&name));
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let text = &*word.text;
        if word.operator || !text.starts_with('-') || text == "-" {
            break;
        }
        at += 1;
        if text == "--" {
            break;
        }
        let mut next = |option: &str| {
            let value = words.get(at).filter(|word| !word.operator);
            at += 1;
            value.map(|word| word.text.clone()).ok_or_else(|| ImportError::NoValue { option: option.to_owned() })
        };
        if let Some(long) = text.strip_prefix("--") {
            let (name, attached) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
            let option = find(name);
            let name = format!("--{name}");
            let value = match (attached, option.map(|option| option.value)) {
                (Some(value), _) => Some(value.to_owned()),
                (None, Some(ValueRule::Required)) => Some(next(&name)?),
                (None, _) => None,
            };
            found.push(Found { name, value, meaning: option.map(|option| &option.meaning) });
            continue;
        }
        let bundle = &text[1..];
        for (place, letter) in bundle.char_indices() {
            let name = letter.to_string();
            let option = find(&name);
            let rest = &bundle[place + letter.len_utf8()..];
            let written = format!("-{name}");
            let value = match option.map_or(ValueRule::None, |option| option.value) {
                ValueRule::None => None,
                ValueRule::Attached | ValueRule::Required if !rest.is_empty() => Some(rest.to_owned()),
                ValueRule::Attached => None,
                ValueRule::Required => Some(next(&written)?),
            };
            let ends = value.is_some();
            found.push(Found { name: written, value, meaning: option.map(|option| &option.meaning) });
            if ends {
                break;
            }
        }
    }
    Ok((found, at.min(words.len())))
}
