//! Values as text and back: what several rows of the table share.

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

pub(super) fn number<T: FromStr>(text: &str) -> Result<T, String> {
    text.trim().parse().map_err(|_| format!("'{text}' is no number that fits here; expected one such as 2"))
}

pub(super) fn flag(text: &str) -> Result<bool, String> {
    text.trim().parse().map_err(|_| format!("expected true or false, found '{text}'"))
}

/// A length of time; 0 is one here.
pub(super) fn secs(text: &str) -> Result<f64, String> {
    if text == "0" { Ok(0.0) } else { duration::parse(text).map(|time| time.secs) }
}

/// A number of bytes, exact where it is a whole one of its unit; 0 is one here.
pub(super) fn size(text: &str) -> Result<u64, String> {
    let units = [("T", 1 << 40), ("G", 1 << 30), ("M", 1 << 20), ("K", 1 << 10), ("", 1_u64)];
    let exact = units.into_iter().find_map(|(unit, bytes)| {
        let count: u64 = text.strip_suffix(unit)?.parse().ok()?;
        count.checked_mul(bytes)
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
pub(super) fn map<K: Serialize, V: Serialize>(map: &std::collections::BTreeMap<K, V>) -> String {
    if map.is_empty() { String::new() } else { ron(map) }
}
