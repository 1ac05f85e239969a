//! Flaky tasks: they failed and then succeeded on a retry, or succeeded in one run and failed in another run of the
//! same job.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use super::{History, HistoryError};
use crate::event::Outcome;
use crate::store::record::TaskWords;

/// Number of earlier runs of the same job that are compared.
const EARLIER_RUNS: usize = 10;

/// A flaky task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Flaky {
    /// Its number.
    pub number: u64,
    /// It failed and then succeeded in this run.
    pub when_tried_again: bool,
    /// It ended differently in an earlier run.
    pub between_runs: bool,
}

/// The identity of a task, independent of its number: a hash of its values and its command.
pub(super) type TaskKey = [u8; 16];

/// The key of a task by its values, followed by its command.
pub(super) fn key_of<'a>(parts: impl Iterator<Item = &'a [u8]>) -> TaskKey {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let mut key = TaskKey::default();
    key.copy_from_slice(&hash.finalize()[..16]);
    key
}

/// The key of a task that was recorded.
pub(super) fn key(words: &TaskWords) -> TaskKey {
    key_of(words.input.iter().chain([&words.command]).map(|part| part.0.as_slice()))
}

impl History {
    /// The flaky tasks of a run, by their numbers.
    ///
    /// # Errors
    /// When there is no such run, or the history cannot be read.
    pub fn flaky(&self, id: i64) -> Result<Vec<Flaky>, HistoryError> {
        let run = self.run(id)?;
        let mut here: HashMap<TaskKey, (bool, Flaky)> = HashMap::new();
        self.each_ended(id, |words, record| {
            let is_done = record.outcome == Outcome::Done;
            let when_tried_again = is_done && record.attempt > 1;
            here.insert(key(words), (is_done, Flaky { number: words.number(), when_tried_again, between_runs: false }));
            Ok::<_, HistoryError>(())
        })?;
        for earlier in self.earlier_runs(&run)?.into_iter().take(EARLIER_RUNS) {
            self.each_ended(earlier, |words, record| {
                if let Some((is_done, flaky)) = here.get_mut(&key(words)) {
                    flaky.between_runs |= *is_done != (record.outcome == Outcome::Done);
                }
                Ok::<_, HistoryError>(())
            })?;
        }
        let flaky = here.into_values().map(|(_, flaky)| flaky);
        let mut flaky: Vec<Flaky> = flaky.filter(|task| task.when_tried_again || task.between_runs).collect();
        flaky.sort_unstable_by_key(|task| task.number);
        Ok(flaky)
    }
}
