//! Starting runs, commanding them, and running tasks again.

use std::path::Path;
use std::sync::Arc;

use crate::engine::{RunCommand, RunOptions};
use crate::event::{OutcomeClass, TaskId};
use crate::job::{Batch, Job, MAX_WORKERS, Mode};
use crate::model::Earlier;

use super::current_run::CurrentRun;
use super::expand::sentence;
use super::hosted::Ordered;
use super::notice::Notice;
use super::{Page, Session};

impl Session {
    /// A run is under way.
    pub fn is_running(&self) -> bool {
        self.run.as_ref().is_some_and(CurrentRun::is_under_way)
    }

    /// Why [`super::Command::Run`] would do nothing; `None` when it would run the job.
    pub fn run_obstacle(&self) -> Option<String> {
        if self.is_running() {
            return Some("A run is under way: stop it or wait for its end.".to_owned());
        }
        if self.is_racing() {
            return Some("A race is under way, and would not be fair with a run beside it: stop it first.".to_owned());
        }
        self.preview.obstacle()
    }

    pub(super) fn run(&mut self) {
        if let Some(obstacle) = self.run_obstacle() {
            return self.tell(Notice::mistake(format!("Nothing was started. {obstacle}")));
        }
        // Files may have changed since the preview was made: what runs is what is there now.
        self.preview.refresh(&self.draft, &self.folder, self.machine, &self.wake);
        if self.preview.is_under_way() {
            self.run_wanted = true;
        } else {
            self.start_previewed();
        }
    }

    pub(super) fn start_previewed(&mut self) {
        if let Some(obstacle) = self.run_obstacle() {
            return self.tell(Notice::mistake(format!("Nothing was started. {obstacle}")));
        }
        let (Some(job), Some(expanded)) = (self.preview.job(), self.preview.expanded()) else { return };
        let (job, batch) = (job.clone(), Arc::clone(&expanded.batch));
        let folder = self.folder.clone();
        self.start_again(job, batch, &folder, None);
    }

    /// Starts a run of some tasks of a job whose paths start in `folder`, which may go on with a run of the history.
    pub(super) fn start_again(
        &mut self,
        job: Job,
        batch: Arc<Batch>,
        folder: &Path,
        continues: Option<(i64, Earlier)>,
    ) {
        if let Some(before) = &mut self.run {
            // It is over: this only waits for its last process to be gone. Its results stay in case nothing starts.
            before.end();
        }
        let workers = self.machine.pool_of(&job);
        let ordered = Ordered { job, batch, folder: folder.to_owned(), continues };
        if let Some(ordered) = self.start_hosted(ordered, workers) {
            self.start_here(ordered);
        }
    }

    /// Starts a run in this process.
    pub(super) fn start_here(&mut self, ordered: Ordered) {
        let Ordered { job, batch, folder, continues } = ordered;
        let options = RunOptions::new(job.mode, self.machine.pool_of(&job)).monitor(true);
        let serial = self.next_serial();
        let recorder = self.recorder(&job, &batch, &folder, continues);
        match CurrentRun::start(serial, job, batch, options, &*self.engine, Arc::clone(&self.wake), recorder) {
            Ok(run) => {
                self.notices.clear();
                self.show_run(run.of_history(folder, None));
                self.page = Page::Live;
            }
            Err(error) => {
                self.tell(Notice::error(format!("Nothing was started. {}", sentence(&error.to_string()))));
            }
        }
    }

    pub(super) const fn next_serial(&mut self) -> u64 {
        self.serials += 1;
        self.serials
    }

    pub(super) fn show_run(&mut self, run: CurrentRun) {
        self.selected = None;
        self.rows.clear();
        self.run = Some(run);
    }

    pub(super) fn command_run(&mut self, command: RunCommand) {
        if let Some(run) = &self.run
            && run.is_under_way()
        {
            run.command(command);
        }
    }

    pub(super) fn set_workers(&mut self, workers: u32) {
        let workers = workers.clamp(1, MAX_WORKERS);
        if self.draft.workers != Some(workers) {
            self.draft.workers = Some(workers);
            self.draft_changed();
        }
        if self.run.as_ref().is_some_and(|run| run.job.mode != Mode::One) {
            self.command_run(RunCommand::SetWorkers(workers));
        }
    }

    pub(super) fn set_mode(&mut self, mode: Mode) {
        if self.draft.mode != mode {
            self.draft.mode = mode;
            self.draft_changed();
        }
    }

    /// The tasks of the run shown that ended without success, in the batch's order.
    pub fn failed_tasks(&self) -> Vec<TaskId> {
        let Some(run) = &self.run else { return Vec::new() };
        let model = run.model();
        let not_done = model.records.iter_from(0).filter(|record| record.outcome.class() != OutcomeClass::Done);
        let mut tasks: Vec<TaskId> = not_done.map(|record| record.task).collect();
        tasks.sort_unstable();
        tasks
    }

    pub(super) fn rerun(&mut self, tasks: &[TaskId]) {
        let Some(run) = &self.run else { return };
        if run.is_under_way() {
            return self.tell(Notice::error("Nothing was started. A run is under way: wait for its end."));
        }
        if let Some(obstacle) = run.obstacle_to_rerun() {
            return self.tell(Notice::error(format!("Nothing was started. {obstacle}")));
        }
        if tasks.is_empty() {
            return self.tell(Notice::info("Every task succeeded: there is nothing to run again."));
        }
        let name = format!("{} (again)", run.job.name.trim_end_matches(" (again)"));
        let job = Job { name: name.clone(), ..run.job.clone() };
        let batch = run.batch.only(tasks).renamed(name);
        let folder = run.folder().unwrap_or(&self.folder).to_owned();
        self.start_again(job, Arc::new(batch), &folder, None);
    }
}
