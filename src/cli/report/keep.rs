//! What a run keeps beside its report: the job log, the results folder, the record of its events. A file that cannot
//! be written any more is given up with a message, and the run goes on.

use std::collections::HashMap;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::Tasks;
use super::workers::Workers;
use crate::event::{AttemptRecord, Event, EventKind, RunEvent, TaskEvent, TaskId};
use crate::job::lossless::Bytes;
use crate::store::history::HistoryRecorder;
use crate::store::joblog::JobLog;
use crate::store::record::{Recorder, TaskWords};
use crate::store::results_folder::ResultsFolder;
use crate::store::results_table::ResultsTable;

/// So many results that cannot be kept are told one by one.
const TOLD_FAILURES: u64 = 10;

/// All that is kept of a run.
#[derive(Default)]
pub struct Keepers {
    /// A line for each task.
    pub job_log: Option<JobLog>,
    /// What each task printed, in files.
    pub results: Option<ResultsFolder>,
    /// What each task printed, as the rows of a table.
    pub table: Option<ResultsTable>,
    /// The events.
    pub recorder: Option<Recorder>,
    /// The run in the history. What goes wrong there is told, and costs the run nothing.
    pub history: Option<HistoryRecorder>,
    started_unix_ms: u64,
    failures: u64,
    /// Where the results of tasks lie that are still to be written about.
    paths: HashMap<TaskId, PathBuf>,
    remembers_paths: bool,
}

impl Keepers {
    /// How much could not be kept: results of tasks, and files that were given up.
    pub const fn failures(&self) -> u64 {
        self.failures
    }

    /// Says whether somebody will ask for [`Keepers::take_results_path`] of each task.
    pub fn remembering_paths(self, wanted: bool) -> Self {
        Self { remembers_paths: wanted, ..self }
    }

    /// The folder that has the results of a task, if they are kept in one; told once.
    pub fn take_results_path(&mut self, task: TaskId) -> Option<PathBuf> {
        self.paths.remove(&task)
    }

    /// Keeps what is to be kept of one event; returns what there is to say about it.
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
                self.keep_task(record, tasks, workers.slot(record.worker), spill_folder, &mut said);
            }
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

    fn keep_task(
        &mut self,
        record: &AttemptRecord,
        tasks: &dyn Tasks,
        slot: u32,
        spill_folder: Option<&Path>,
        said: &mut Vec<String>,
    ) {
        let begun = record.attempt > 0;
        let number = tasks.number(record.task);
        if let Some(results) = self.results.as_mut().filter(|_| begun) {
            match results.keep(number, record, &tasks.input(record.task), spill_folder) {
                Ok(path) => drop(self.paths.insert(record.task, path)),
                Err(error) => {
                    self.failures += 1;
                    if self.failures <= TOLD_FAILURES {
                        said.push(format!("the result of task {number} could not be kept: {error}"));
                    } else if self.failures == TOLD_FAILURES + 1 {
                        said.push("more results could not be kept".to_owned());
                    }
                }
            }
        }
        if let Some(log) = &mut self.job_log {
            let added = log.add(number, record, self.started_unix_ms, &tasks.command_line(record.task, slot));
            given_up(added, &mut self.job_log, "job log", &mut self.failures, said);
        }
        if let Some(table) = self.table.as_mut().filter(|_| begun) {
            let (values, command) = (tasks.input(record.task), tasks.command_line(record.task, slot));
            let added = table.add(number, record, self.started_unix_ms, &values, &command);
            given_up(added, &mut self.table, "table of results", &mut self.failures, said);
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
        given_up(added, &mut self.recorder, "record of the run", &mut self.failures, said);
    }
}

/// What is torn stays as it is: a line behind half a line would be misread.
fn given_up<T>(done: io::Result<()>, file: &mut Option<T>, what: &str, failures: &mut u64, said: &mut Vec<String>) {
    if let Err(error) = done {
        *file = None;
        *failures += 1;
        said.push(format!("the {what} cannot be written and ends here, the run goes on: {error}"));
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::cli::report::samples::{NamedTasks, done};

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
    fn a_log_on_a_full_disk_is_given_up_with_one_message() {
        let job_log = Some(JobLog::to_writer(Box::new(FullSoon(2))).expect("the header fits"));
        let mut keepers = Keepers { job_log, ..Keepers::default() };
        let event = Event { at_ns: 0, kind: EventKind::Task(TaskEvent::Finished(vec![done(0), done(1), done(2)])) };
        let said = keepers.apply(&event, &NamedTasks, &Workers::default(), None);
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].starts_with("the job log cannot be written and ends here, the run goes on: "), "{said:?}");
        assert_eq!(keepers.failures(), 1);
        assert!(keepers.apply(&event, &NamedTasks, &Workers::default(), None).is_empty());
    }
}
