//! What a workload's argument may be, and the reading of it: one place for the ranges in the docs and in the errors.

use std::fmt;

use bstr::ByteSlice;

/// What the argument of a workload means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ArgumentInfo {
    /// What it is, as a noun: `number of samples`.
    pub meaning: &'static str,
    /// Its unit; empty where it has none.
    pub unit: &'static str,
    /// What it may be.
    pub kind: ArgumentKind,
}

/// What an argument may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ArgumentKind {
    /// A whole number in decimal digits.
    Whole {
        /// The smallest value allowed.
        min: i64,
        /// The largest value allowed.
        max: i64,
    },
    /// A number, with a decimal point or without.
    Number {
        /// The smallest value allowed.
        min: f64,
        /// The largest value allowed.
        max: f64,
    },
    /// The path of a file, taken as it is; relative to the job's working directory.
    Path,
}

impl fmt::Display for ArgumentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole { min, max } => write!(f, "a whole number from {min} to {max}"),
            Self::Number { min, max } => write!(f, "a number from {min} to {max}"),
            Self::Path => f.write_str("the path of a file"),
        }
    }
}

impl ArgumentInfo {
    /// Reads a whole number; spaces around it do not matter.
    pub(super) fn whole(&self, argument: &[u8]) -> Result<i64, String> {
        let ArgumentKind::Whole { min, max } = self.kind else { return Err(self.wrong(argument)) };
        let number = std::str::from_utf8(argument.trim_ascii()).ok().and_then(|digits| digits.parse().ok());
        number.filter(|number| (min..=max).contains(number)).ok_or_else(|| self.wrong(argument))
    }

    /// Reads a whole number that counts something.
    pub(super) fn count(&self, argument: &[u8]) -> Result<u64, String> {
        self.whole(argument)?.try_into().map_err(|_| self.wrong(argument))
    }

    /// Reads a number; spaces around it do not matter.
    pub(super) fn number(&self, argument: &[u8]) -> Result<f64, String> {
        let ArgumentKind::Number { min, max } = self.kind else { return Err(self.wrong(argument)) };
        let number = std::str::from_utf8(argument.trim_ascii()).ok().and_then(|digits| digits.parse::<f64>().ok());
        number.filter(|number| (min..=max).contains(number)).ok_or_else(|| self.wrong(argument))
    }

    /// The error for an argument that is not what it should be.
    #[cold]
    pub(super) fn wrong(&self, argument: &[u8]) -> String {
        let unit = if self.unit.is_empty() { String::new() } else { format!(" ({})", self.unit) };
        format!("the {} is {}, expected {}{unit}", self.meaning, shown(argument), self.kind)
    }
}

/// Maximum number of bytes of an argument that an error repeats.
const SHOWN_BYTES: usize = 80;

/// An argument as an error shows it: quoted, with what cannot be printed escaped, and not longer than a line.
pub(super) fn shown(argument: &[u8]) -> String {
    match argument.get(..SHOWN_BYTES) {
        _ if argument.is_empty() => "empty".to_owned(),
        Some(head) if argument.len() > SHOWN_BYTES => format!("{:?}…", head.as_bstr()),
        _ => format!("{:?}", argument.as_bstr()),
    }
}
