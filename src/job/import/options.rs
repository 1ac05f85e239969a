//! Options as `getopt` reads them: short ones in bundles with the value behind them, long ones with `=` or a second word.

use super::ImportError;
use super::words::Word;

/// What a program knows of one of its options.
pub struct Known<M: 'static> {
    /// Its names without dashes; those of one character are short.
    pub names: &'static [&'static str],
    /// Whether a value follows.
    pub value: ValueRule,
    /// What it means.
    pub meaning: M,
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
pub struct Found<'a, M: 'static> {
    /// With its dashes.
    pub name: String,
    /// Its value.
    pub value: Option<String>,
    /// What the program knows of it; `None`: nothing.
    pub known: Option<&'a M>,
}

/// What is said of an option that nobody knows.
pub const UNKNOWN: &str =
    "this option is not known; it was left out, with any value behind it taken as a word of the command";

impl<M> Found<'_, M> {
    /// The option with its value, as notes name it.
    pub fn written(&self) -> String {
        match self.value.as_deref() {
            None | Some("") => self.name.clone(),
            Some(value) => format!("{} {value}", self.name),
        }
    }
}

/// The options in front; the rest begins with the first word that is none.
///
/// # Errors
/// [`ImportError::NoValue`].
pub fn parse<'a, M>(words: &[Word], known: &'a [Known<M>]) -> Result<(Vec<Found<'a, M>>, usize), ImportError> {
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
            found.push(Found { name, value, known: option.map(|option| &option.meaning) });
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
            found.push(Found { name: written, value, known: option.map(|option| &option.meaning) });
            if ends {
                break;
            }
        }
    }
    Ok((found, at.min(words.len())))
}
