//! The durations of a batch's tasks in earlier runs, and the order that begins with the longest.

use std::collections::HashMap;
use std::path::Path;

use bstr::ByteSlice;

use super::flaky::{TaskKey, key, key_of};
use super::{History, HistoryError};
use crate::event::{Outcome, TaskId};
use crate::job::batch::OrderError;
use crate::job::order::Durations;
use crate::job::{Batch, Order};

/// Maximum number of runs that are read, the newest first.
const RUNS: usize = 100;
/// Number of attempts after which no older run is read.
const ATTEMPTS: u64 = 5_000_000;

/// What the history knows of the durations of a batch's tasks.
#[derive(Debug)]
pub struct KnownDurations {
    /// Number of tasks with a known duration.
    pub tasks: u64,
    /// Number of tasks in the batch.
    pub of: u64,
    /// Why it could not be read; only the order is lost then.
    pub fault: Option<HistoryError>,
}

/// Sorts a batch whose job asks for the longest tasks first by the history, and reports how much was known; any other
/// batch is left unchanged. The history is in `folder`; without one nothing is known, and the tasks stay in the order
/// of the inputs.
///
/// # Errors
/// When the batch has too many tasks.
pub fn longest_first(batch: Batch, folder: Option<&Path>) -> Result<(Batch, Option<KnownDurations>), OrderError> {
    if batch.job().order != Order::LongestFirst(Durations::History) {
        return Ok((batch, None));
    }
    let read = |folder| match History::existing(folder)? {
        Some(history) => history.secs_of(&batch),
        None => Ok(HashMap::new()),
    };
    let (secs, fault) = match folder.map_or_else(|| Ok(HashMap::new()), read) {
        Ok(secs) => (secs, None),
        Err(fault) => (HashMap::new(), Some(fault)),
    };
    let known = KnownDurations { tasks: secs.len() as u64, of: batch.len(), fault };
    Ok((batch.longest_first(&secs)?, Some(known)))
}

impl History {
    /// The duration in seconds of each known task of a batch when it last succeeded. A task is identified by its
    /// command and its values; if the command names the lane, only attempts in the first lane are found.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub fn secs_of(&self, batch: &Batch) -> Result<HashMap<TaskId, f64>, HistoryError> {
        let mut wanted: HashMap<TaskKey, Vec<TaskId>> = HashMap::new();
        let mut command = Vec::new();
        for task in (0..batch.len()).map(TaskId) {
            command.clear();
            batch.command_into(task, 1, &mut command);
            let values = batch.values(task);
            let key = key_of(values.iter().map(|value| value.as_bytes()).chain([&*command]));
            wanted.entry(key).or_default().push(task);
        }
        let mut secs = HashMap::new();
        let mut read = 0;
        for run in self.runs()?.into_iter().take(RUNS) {
            if wanted.is_empty() || read >= ATTEMPTS {
                break;
            }
            // The last attempt of a run counts, and a newer run hides older ones.
            let mut found: HashMap<TaskKey, f64> = HashMap::new();
            self.each_ended(run.id, |words, record| {
                read += 1;
                let key = key(words);
                if record.outcome == Outcome::Done && wanted.contains_key(&key) {
                    found.insert(key, record.wall_ns as f64 / 1e9);
                }
                Ok::<_, HistoryError>(())
            })?;
            for (key, took) in found {
                for task in wanted.remove(&key).into_iter().flatten() {
                    secs.insert(task, took);
                }
            }
        }
        Ok(secs)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::file_in;
    use super::super::tests::{job, keep, record, recorded_run, started};
    use super::*;
    use crate::event::{AttemptRecord, Event, EventKind, TaskEvent};
    use crate::job::{Job, TaskTemplate};

    /// Tasks are identified by what they do, not by their number or job; the newest success counts.
    #[test]
    fn the_longest_first_are_those_that_took_longest_when_they_succeeded_last() {
        let folder = tempfile::tempdir().expect("a folder");
        let took = |task, wall_ns, outcome| AttemptRecord { wall_ns, ..record(task, 1, outcome) };
        let run = |words: &[&str], records: Vec<AttemptRecord>| {
            let kinds = [started(words.len() as u64), EventKind::Task(TaskEvent::Finished(records))];
            let said: Vec<Event> = (0..).zip(kinds).map(|(at_ns, kind)| Event { at_ns, kind }).collect();
            keep(folder.path(), recorded_run(words, None), &said);
        };
        run(&["a", "b"], vec![took(0, 9_000_000_000, Outcome::Done), took(1, 1_000_000_000, Outcome::Done)]);
        run(&["c", "a"], vec![took(0, 5_000_000_000, Outcome::Done), took(1, 2_000_000_000, Outcome::Done)]);
        run(&["a", "d"], vec![took(0, 7_000_000_000, Outcome::Exited { code: 1 }), took(1, 8, Outcome::Cancelled)]);
        let order = Order::LongestFirst(Durations::History);
        let words = ["a", "b", "c", "d", "a"];
        let wanted = Job { order, ..job(&words) };
        let open = |job: &Job| Batch::open(job, Path::new("/"), &mut std::io::empty()).expect("a batch");
        let as_given: Vec<u64> = (0..5).map(|place| open(&wanted).order().task_at(place).0).collect();
        assert_eq!(as_given, [0, 1, 2, 3, 4], "without a history");
        let (batch, known) = longest_first(open(&wanted), Some(folder.path())).expect("an order");
        let known = known.expect("it was asked for");
        assert_eq!((known.tasks, known.of, known.fault.is_none()), (4, 5, true));
        let tasks: Vec<u64> = (0..5).map(|place| batch.order().task_at(place).0).collect();
        assert_eq!(tasks, [3, 2, 0, 4, 1], "the unknown one, 5 s, 2 s twice, 1 s");
        let other = Job { task: TaskTemplate::Command("cat {}".to_owned()), ..wanted.clone() };
        assert_eq!(longest_first(open(&other), Some(folder.path())).expect("an order").1.expect("asked").tasks, 0);
        assert!(longest_first(open(&job(&words)), Some(folder.path())).expect("as it is").1.is_none());
        assert_eq!(longest_first(open(&wanted), None).expect("an order").1.expect("asked").tasks, 0);
        fs::write(file_in(folder.path()), "no history".repeat(100)).expect("written");
        let (batch, known) = longest_first(open(&wanted), Some(folder.path())).expect("an order");
        assert!(known.expect("asked").fault.is_some() && batch.order().task_at(0) == TaskId(0));
    }
}
