//! What a run keeps beside its report: the job log, the results, the record of its events, the history. A file that can no
//! longer be written is closed with a message, and the run continues.

use std::collections::HashMap;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Tasks;
use super::workers::Workers;
use fanlane_core::event::{AttemptRecord, Event, EventKind, RunEvent, TaskEvent, TaskId};
use fanlane_core::job::lossless::Bytes;
use fanlane_core::store::history::HistoryRecorder;
use fanlane_core::store::joblog::JobLog;
use fanlane_core::store::junit::JUnitReport;
use fanlane_core::store::record::{RecordWriter, TaskWords};
use fanlane_core::store::results_folder::ResultsFolder;
use fanlane_core::store::results_table::ResultsTable;

/// Maximum number of results that cannot be kept that are reported one by one.
const MAX_REPORTED_FAILURES: u64 = 10;

/// Everything that is kept of a run.
#[derive(Default)]
pub struct Keepers {
    /// A line for each task.
    pub job_log: Option<JobLog>,
    /// What each task printed, in files.
    pub results: Option<ResultsFolder>,
    /// What each task printed, as the rows of a table.
    pub table: Option<ResultsTable>,
    /// A report in the XML of JUnit.
    pub junit: Option<JUnitReport>,
    /// The events.
    pub recorder: Option<RecordWriter>,
    /// The run in the history. Its faults are reported and are no failure of the run.
    pub history: Option<HistoryRecorder>,
    started_unix_ms: u64,
    /// When the run was suspended, on its clock, which stood still then, and for how long; in nanoseconds and milliseconds.
    suspensions: Vec<(u64, u64)>,
    failures: u64,
    /// The results folders of tasks that are still to be printed.
    paths: HashMap<TaskId, PathBuf>,
    remembers_paths: bool,
}

impl Keepers {
    /// Number of failures: results that could not be kept, and files that were closed.
    pub const fn failures(&self) -> u64 {
        self.failures
    }

    /// Sets whether [`Keepers::take_results_path`] will be called for each task.
    pub fn remembering_paths(self, wanted: bool) -> Self {
        Self { remembers_paths: wanted, ..self }
    }

    /// Takes the folder with the results of a task, if they are kept in one.
    pub fn take_results_path(&mut self, task: TaskId) -> Option<PathBuf> {
        self.paths.remove(&task)
    }

    /// Keeps what is to be kept of an event; returns messages.
    pub fn apply(
        &mut self,
        event: &Event,
        tasks: &dyn Tasks,
        workers: &Workers,
        spill_folder: Option<&Path>,
    ) -> Vec<String> {
        let mut said = Vec::new();
        if let EventKind::Run(RunEvent::Started(header)) = &event.kind {
            self.started_unix_ms = header.started_unix_ms;
        }
        if let EventKind::Task(TaskEvent::Finished(records)) = &event.kind {
            for record in records {
                self.keep_task(record, tasks, workers, spill_folder, &mut said);
            }
        }
        if let (EventKind::Run(RunEvent::Finished(_)), Some(junit)) = (&event.kind, &mut self.junit) {
            let finished = junit.finish();
            close_on_error(finished, &mut self.junit, "report for JUnit", &mut self.failures, &mut said);
        }
        self.record(event, tasks, workers, &mut said);
        if let Some(history) = &mut self.history {
            said.extend(history.add(event));
        }
        if !self.remembers_paths {
            self.paths.clear();
        }
        said
    }

    /// The run was suspended at `at_ns` on its clock.
    pub fn suspended(&mut self, at_ns: u64, lasted: Duration) {
        self.suspensions.push((at_ns, u64::try_from(lasted.as_millis()).unwrap_or(u64::MAX)));
    }

    /// What the times of an attempt count from on the clock of the day.
    fn base_unix_ms(&self, record: &AttemptRecord) -> u64 {
        let before = self.suspensions.iter().filter(|(at_ns, _)| *at_ns <= record.start_ns);
        self.started_unix_ms.saturating_add(before.map(|(_, lasted_ms)| lasted_ms).sum())
    }

    fn keep_task(
        &mut self,
        record: &AttemptRecord,
        tasks: &dyn Tasks,
        workers: &Workers,
        spill_folder: Option<&Path>,
        said: &mut Vec<String>,
    ) {
        let (slot, host) = (workers.slot(record.worker), workers.host(record.worker));
        let begun = record.attempt > 0;
        let number = tasks.number(record.task);
        let base_unix_ms = self.base_unix_ms(record);
        if let Some(results) = self.results.as_mut().filter(|_| begun) {
            match results.keep(number, record, &tasks.input(record.task), spill_folder) {
                Ok(path) => drop(self.paths.insert(record.task, path)),
                Err(error) => {
                    self.failures += 1;
                    if self.failures <= MAX_REPORTED_FAILURES {
                        said.push(format!("the result of task {number} could not be kept: {error}"));
                    } else if self.failures == MAX_REPORTED_FAILURES + 1 {
                        said.push("more results could not be kept".to_owned());
                    }
                }
            }
        }
        if let Some(log) = &mut self.job_log {
            let added = log.add(number, record, host, base_unix_ms, &tasks.command_line(record.task, slot));
            close_on_error(added, &mut self.job_log, "job log", &mut self.failures, said);
        }
        if let Some(junit) = &mut self.junit {
            let added = junit.add(number, record, &tasks.command_line(record.task, slot));
            close_on_error(added, &mut self.junit, "report for JUnit", &mut self.failures, said);
        }
        if let Some(table) = self.table.as_mut().filter(|_| begun) {
            let (values, command) = (tasks.input(record.task), tasks.command_line(record.task, slot));
            let added = table.add(number, record, base_unix_ms, &values, &command, spill_folder);
            close_on_error(added, &mut self.table, "table of results", &mut self.failures, said);
        }
    }

    fn record(&mut self, event: &Event, tasks: &dyn Tasks, workers: &Workers, said: &mut Vec<String>) {
        let Some(recorder) = &mut self.recorder else { return };
        // Results are of a task's last attempt.
        let is_last = matches!(event.kind, EventKind::Task(TaskEvent::Finished(_)));
        let words = |record: &AttemptRecord| TaskWords {
            task: record.task.number(),
            number: Some(tasks.number(record.task)).filter(|number| *number != record.task.number()),
            input: tasks.input(record.task).into_iter().map(|value| Bytes(value.into())).collect(),
            results: self
                .paths
                .get(&record.task)
                .filter(|_| is_last)
                .map(|path| Bytes(path.as_os_str().as_bytes().to_vec())),
            command: Bytes(tasks.command_line(record.task, workers.slot(record.worker)).into()),
        };
        let added = recorder.add(event, words);
        close_on_error(added, &mut self.recorder, "record of the run", &mut self.failures, said);
    }
}

/// Closes a file that could not be written. It stays as it is: a line after half a line would be misread.
fn close_on_error<T>(
    done: io::Result<()>,
    file: &mut Option<T>,
    what: &str,
    failures: &mut u64,
    said: &mut Vec<String>,
) {
    if let Err(error) = done {
        *file = None;
        *failures += 1;
        said.push(format!("the {what} cannot be written and ends here; the run continues: {error}"));
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::cli::report::test_records::{NamedTasks, done};

    struct FullSoon(u32);

    impl Write for FullSoon {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(1).ok_or(io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_time_of_day_of_a_task_contains_the_suspensions_before_it() {
        let mut keepers = Keepers { started_unix_ms: 1000, ..Keepers::default() };
        keepers.suspended(5, Duration::from_secs(60));
        keepers.suspended(9, Duration::from_secs(1));
        for (start_ns, base_unix_ms) in [(4, 1000), (5, 61_000), (8, 61_000), (9, 62_000)] {
            assert_eq!(keepers.base_unix_ms(&AttemptRecord { start_ns, ..done(0) }), base_unix_ms);
        }
    }

    #[test]
    fn a_log_on_a_full_disk_is_given_up_with_one_message() {
        let job_log = Some(JobLog::to_writer(Box::new(FullSoon(2))).expect("the header fits"));
        let mut keepers = Keepers { job_log, ..Keepers::default() };
        let event = Event { at_ns: 0, kind: EventKind::Task(TaskEvent::Finished(vec![done(0), done(1), done(2)])) };
        let said = keepers.apply(&event, &NamedTasks, &Workers::default(), None);
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].starts_with("the job log cannot be written and ends here; the run continues: "), "{said:?}");
        assert_eq!(keepers.failures(), 1);
        assert!(keepers.apply(&event, &NamedTasks, &Workers::default(), None).is_empty());
    }
}
