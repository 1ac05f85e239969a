//! The variables of a command's environment, as typed: one a line.

use std::collections::BTreeMap;

use super::lines;

/// The variables of a command's environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EnvironmentDraft {
    /// Variables, one a line: `NAME=VALUE`.
    pub lines: String,
    /// Variables with line breaks in them, which cannot be typed as lines and are kept as they are.
    pub kept: BTreeMap<String, String>,
}

impl EnvironmentDraft {
    pub(super) fn from_variables(variables: &BTreeMap<String, String>) -> Self {
        let (kept, typed): (BTreeMap<_, _>, BTreeMap<_, _>) =
            variables.clone().into_iter().partition(|(name, value)| {
                [name, value].into_iter().any(|text| text.contains(['\n', '\r'])) || name.trim() != name
            });
        Self { lines: typed.iter().map(|(name, value)| format!("{name}={value}\n")).collect(), kept }
    }

    pub(super) fn to_variables(&self) -> Result<BTreeMap<String, String>, String> {
        let mut variables = lines::read(&self.lines, "NAME=VALUE", |value| Ok(value.to_owned()))?;
        match self.kept.keys().find(|name| variables.contains_key(*name)) {
            Some(name) => Err(format!("{name:?} is there twice: remove one of the two.")),
            None => {
                variables.extend(self.kept.clone());
                Ok(variables)
            }
        }
    }
}
