//! Values by name that are typed one a line: the variables of the environment, and shared objects.

use std::collections::BTreeMap;

/// Reads lines such as `NAME=VALUE`, the values by `parse`; empty lines say nothing. `example` is told where a line has no
/// value.
pub(super) fn read<T>(
    typed: &str,
    example: &str,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<BTreeMap<String, T>, String> {
    let mut found = BTreeMap::new();
    for line in typed.lines().filter(|line| !line.trim().is_empty()) {
        let (name, value) = line.split_once('=').ok_or_else(|| format!("{line:?} has no value: type {example}."))?;
        if found.insert(name.trim().to_owned(), parse(value)?).is_some() {
            return Err(format!("{:?} is there twice: remove one of the two.", name.trim()));
        }
    }
    Ok(found)
}
