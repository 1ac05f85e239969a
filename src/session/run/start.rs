//! Starts runs and reruns.

use std::sync::Arc;

use super::{CurrentRun, RunOrigin};
use crate::session::job_editor::{FieldError, expand};
use crate::session::notices::{Notice, sentence};
use crate::session::{Page, Session};
use fanlane_core::engine::{RunCommand, RunOptions};
use fanlane_core::event::TaskId;
use fanlane_core::job::{Job, MAX_WORKERS, Mode};
use fanlane_core::model::{Earlier, RunModel};

/// A run to be started; it may continue a run of the history.
#[derive(Clone)]
pub(in crate::session) struct StartRequest {
    pub origin: RunOrigin,
    /// The number of the run that is continued, and its counts.
    pub continues: Option<(i64, Earlier)>,
}

impl Session {
    /// Why [`Command::Run`](crate::session::Command::Run) would do nothing; `None` when it would run the job.
    pub fn run_obstacle(&self) -> Option<String> {
        if self.is_running() {
            return Some("A run is under way: stop it or wait for its end.".to_owned());
        }
        if self.is_racing() {
            return Some("A race is under way, and a run beside it would distort it: stop the race first.".to_owned());
        }
        self.editor.preview().obstacle()
    }

    /// Shows a finished run of `job`.
    ///
    /// # Errors
    /// When the job has a mistake.
    pub fn show_recorded(&mut self, job: Job, model: RunModel) -> Result<(), FieldError> {
        let folder = self.editor.folder().to_owned();
        let batch = Arc::clone(&expand(&job, &folder, None)?.batch);
        self.show_past(RunOrigin { job, batch, folder }, model, None);
        Ok(())
    }

    pub(in crate::session) fn show_past(&mut self, origin: RunOrigin, model: RunModel, obstacle: Option<String>) {
        let serial = self.run.next_serial();
        self.run.show(CurrentRun::recorded(serial, origin, model, obstacle));
    }

    pub(in crate::session) fn run(&mut self) {
        if let Some(obstacle) = self.run_obstacle() {
            return self.notices.show(Notice::mistake(format!("Nothing was started. {obstacle}")));
        }
        // Files may have changed since the preview was made.
        self.editor.refresh();
        if self.editor.preview().is_under_way() {
            self.run_wanted = true;
        } else {
            self.start_previewed();
        }
    }

    pub(in crate::session) fn start_previewed(&mut self) {
        if let Some(obstacle) = self.run_obstacle() {
            return self.notices.show(Notice::mistake(format!("Nothing was started. {obstacle}")));
        }
        let preview = self.editor.preview();
        let (Some(job), Some(expanded)) = (preview.job(), preview.expanded()) else { return };
        let (job, batch, folder) = (job.clone(), Arc::clone(&expanded.batch), self.editor.folder().to_owned());
        self.start(StartRequest { origin: RunOrigin { job, batch, folder }, continues: None });
    }

    pub(in crate::session) fn start(&mut self, request: StartRequest) {
        // The previous run has ended: this only waits for its last process. Its results stay in case nothing starts.
        self.run.end();
        if let Some(request) = self.start_detached(request) {
            self.start_here(request);
        }
    }

    /// Starts a run in this process.
    pub(super) fn start_here(&mut self, request: StartRequest) {
        let job = &request.origin.job;
        let options = RunOptions::new(job.mode, self.machine.pool_of(job)).monitor(true);
        let serial = self.run.next_serial();
        let recorder = self.history.recorder(&request);
        let options = options.gate(recorder.as_ref().map(|(recorder, _)| recorder.gate()));
        let wake = Arc::clone(&self.wake);
        match CurrentRun::start(serial, request.origin, options, &*self.engine, wake, recorder) {
            Ok(run) => self.show_started(run),
            Err(error) => {
                let text = format!("Nothing was started. {}", sentence(&error.to_string()));
                self.notices.show(Notice::error(text));
            }
        }
    }

    pub(super) fn show_started(&mut self, run: CurrentRun) {
        self.notices.clear();
        self.run.show(run);
        self.page = Page::LIVE;
    }

    pub(in crate::session) fn set_workers(&mut self, workers: u32) {
        let workers = workers.clamp(1, MAX_WORKERS);
        if self.editor.draft().workers != Some(workers) {
            self.edit(|draft| draft.workers = Some(workers));
        }
        if self.run.current().is_some_and(|run| run.job.mode != Mode::One) {
            self.run.command(RunCommand::SetWorkers(workers));
        }
    }

    pub(in crate::session) fn rerun(&mut self, tasks: &[TaskId]) {
        let Some(run) = self.run.current() else { return };
        if run.is_under_way() {
            return self.notices.show(Notice::error("Nothing was started. A run is under way: wait for its end."));
        }
        if let Some(obstacle) = run.obstacle_to_rerun() {
            return self.notices.show(Notice::error(format!("Nothing was started. {obstacle}")));
        }
        if tasks.is_empty() {
            return self.notices.show(Notice::info("Every task succeeded: there is nothing to run again."));
        }
        let name = format!("{} (again)", run.job.name.trim_end_matches(" (again)"));
        let job = Job { name: name.clone(), ..run.job.clone() };
        let batch = Arc::new(run.batch.only(tasks).renamed(name));
        let folder = run.folder().to_owned();
        self.start(StartRequest { origin: RunOrigin { job, batch, folder }, continues: None });
    }
}
