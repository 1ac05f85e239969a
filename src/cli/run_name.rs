//! How the command line names a run of the history: by its number, or as the last.

use std::str::FromStr;

use anyhow::Result;

use fanlane_core::store::history::{self, History, HistoryError, RunRow};

/// A run, as it was named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunName {
    /// The newest.
    Last,
    /// The run with this number.
    Number(i64),
}

impl FromStr for RunName {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name.parse() {
            Ok(number) => Ok(Self::Number(number)),
            Err(_) if name == "last" => Ok(Self::Last),
            Err(_) => Err("not a run; give its number as fanlane history lists it, or last"),
        }
    }
}

impl RunName {
    /// Finds the run in an open history.
    ///
    /// # Errors
    /// When there is no such run, or the history cannot be read.
    pub fn find_in(self, history: &History) -> Result<RunRow, HistoryError> {
        let number = match self {
            Self::Number(number) => number,
            Self::Last => history.last()?,
        };
        history.run(number)
    }

    /// Opens the history and finds the run.
    ///
    /// # Errors
    /// When there is no such run, or the history cannot be read.
    pub fn find(self) -> Result<(History, RunRow)> {
        let history = History::existing(&history::default_folder()?)?.ok_or(HistoryError::Empty)?;
        let run = self.find_in(&history)?;
        Ok((history, run))
    }
}
