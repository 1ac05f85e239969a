//! Values as text and back: what several rows of the table share.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::job::amount::parse_size;
use crate::job::{duration, file};

/// A value that may not be given; then the text is empty.
pub(super) fn shown<T: Display>(value: Option<&T>) -> String {
    value.map_or_else(String::new, T::to_string)
}

/// The value of a text; none where it is blank.
pub(super) fn given<T>(text: &str, read: impl FnOnce(&str) -> Result<T, String>) -> Result<Option<T>, String> {
    Some(text.trim()).filter(|text| !text.is_empty()).map(read).transpose()
}

/// A text that is not given when it is empty; blanks are part of it.
pub(super) fn given_text(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// A whole number.
pub(super) fn number<T: FromStr>(text: &str) -> Result<T, String> {
    text.trim().parse().map_err(|_| "expected a whole number that fits here, such as 2".to_owned())
}

pub(super) fn flag(text: &str) -> Result<bool, String> {
    text.trim().parse().map_err(|_| "expected true or false".to_owned())
}

/// The text of a value that is not given where it is its type's default.
pub(super) fn unless_default<T: Display + Default + PartialEq>(value: &T) -> String {
    if *value == T::default() { String::new() } else { value.to_string() }
}

/// A length of time; 0 is one here.
pub(super) fn secs(text: &str) -> Result<f64, String> {
    if text == "0" { Ok(0.0) } else { duration::parse(text).map(|time| time.secs) }
}

/// A number of bytes above 0, exact where it is a whole one of its unit.
pub(super) fn size(text: &str) -> Result<u64, String> {
    let units = [("T", 1 << 40), ("G", 1 << 30), ("M", 1 << 20), ("K", 1 << 10), ("", 1_u64)];
    let exact = units.into_iter().find_map(|(unit, bytes)| {
        let count: u64 = text.strip_suffix(unit)?.parse().ok()?;
        count.checked_mul(bytes).filter(|bytes| *bytes > 0)
    });
    exact.map_or_else(|| parse_size(text), Ok)
}

/// A value as a job file has it, on one line.
pub(super) fn ron<T: Serialize>(value: &T) -> String {
    file::options().to_string(value).unwrap_or_default()
}

/// Reads a value as a job file has it.
pub(super) fn read_ron<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    file::options().from_str(text).map_err(|error| error.code.to_string())
}

/// A map as a job file has it; an empty one is an empty text.
pub(super) fn map<K: Serialize, V: Serialize>(map: &BTreeMap<K, V>) -> String {
    if map.is_empty() { String::new() } else { ron(map) }
}

/// Amounts by name, such as `gpu=2 licence=1`; as a job file has them where a name is not a plain word.
pub(super) fn amounts<V: Display + Serialize>(amounts: &BTreeMap<String, V>) -> String {
    let is_word = |text: &str| !text.is_empty() && text.chars().all(|c| !c.is_whitespace() && !"{=,\"".contains(c));
    if !amounts.iter().all(|(name, amount)| is_word(name) && !amount.to_string().contains([' ', ',', '\t', '\n'])) {
        return ron(amounts);
    }
    amounts.iter().map(|(name, amount)| format!("{name}={amount}")).collect::<Vec<_>>().join(" ")
}

/// Reads amounts by name, each of them by `parse`.
pub(super) fn read_amounts<V: DeserializeOwned>(
    text: &str,
    parse: impl Fn(&str) -> Result<(String, V), String>,
) -> Result<BTreeMap<String, V>, String> {
    if text.starts_with('{') {
        return read_ron(text);
    }
    let mut found = BTreeMap::new();
    for part in text.split([' ', ',', '\t']).filter(|part| !part.is_empty()) {
        let (name, amount) = parse(part)?;
        if found.insert(name.clone(), amount).is_some() {
            return Err(format!("{name:?} is named twice; give one amount"));
        }
    }
    Ok(found)
}
