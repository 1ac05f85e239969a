//! The Python interpreter of a run.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::job::{Mode, lossless};

/// The Python interpreter that does the calls of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InterpreterFacts {
    /// Its path.
    #[serde(with = "lossless::path")]
    pub path: PathBuf,
    /// Its version, such as `3.12.4`.
    pub version: String,
    /// It has a global lock, so that one thread at a time runs Python code in it.
    pub has_gil: bool,
    /// The kind of environment that it belongs to, such as `virtual environment`; empty: none is known.
    pub environment: String,
    /// Where it was named or found, in a few words.
    pub origin: String,
}

impl InterpreterFacts {
    /// The interpreter in a line, without its lock.
    pub fn words(&self) -> String {
        let Self { path, version, environment, origin, .. } = self;
        let separator = if environment.is_empty() { "" } else { ", " };
        format!("Python {version} at {} ({environment}{separator}{origin})", path.display())
    }

    /// The interpreter in a line, and what its lock means in a mode.
    pub fn words_in(&self, mode: Mode) -> String {
        format!("{}, {}", self.words(), self.lock_words(mode == Mode::Threads))
    }

    /// Whether it has the global lock, as the end of a sentence; `is_shared`: threads share it.
    pub const fn lock_words(&self, is_shared: bool) -> &'static str {
        match (self.has_gil, is_shared) {
            (true, true) => "whose global lock lets one thread run Python code at a time",
            (true, false) => "with the global lock",
            (false, true) => "free-threaded: its threads run Python code at the same time",
            (false, false) => "free-threaded",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interpreter_is_told_with_its_environment_and_what_its_lock_means_for_threads() {
        let facts = InterpreterFacts {
            path: "/v/bin/python".into(),
            version: "3.12.4".to_owned(),
            has_gil: true,
            environment: "virtual environment".to_owned(),
            origin: "active by VIRTUAL_ENV".to_owned(),
        };
        let place = "Python 3.12.4 at /v/bin/python (virtual environment, active by VIRTUAL_ENV)";
        assert_eq!(facts.words_in(Mode::Pool), format!("{place}, with the global lock"));
        let shared = "whose global lock lets one thread run Python code at a time";
        assert_eq!(facts.words_in(Mode::Threads), format!("{place}, {shared}"));
        let free = InterpreterFacts { has_gil: false, environment: String::new(), ..facts };
        let place = "Python 3.12.4 at /v/bin/python (active by VIRTUAL_ENV)";
        assert_eq!(free.words_in(Mode::One), format!("{place}, free-threaded"));
        let shared = "free-threaded: its threads run Python code at the same time";
        assert_eq!(free.words_in(Mode::Threads), format!("{place}, {shared}"));
    }
}
