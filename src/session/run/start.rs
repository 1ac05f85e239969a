//! Starts runs and reruns.

use std::sync::Arc;

use super::{CurrentRun, RunOrigin, Whole};
use crate::session::job_editor::{FieldError, expand};
use crate::session::notices::{Notice, Topic, sentence};
use crate::session::{Page, RunWay, Session};
use fanlane_core::engine::{EngineChoice, RunOptions};
use fanlane_core::event::TaskId;
use fanlane_core::job::{Job, MAX_WORKERS, Mode};
use fanlane_core::model::{Earlier, RunModel};

/// A run to be started; it may continue a run of the history.
#[derive(Clone)]
pub(in crate::session) struct StartRequest {
    pub origin: RunOrigin,
    /// The number of the run that is continued, and its counts.
    pub continues: Option<(i64, Earlier)>,
    /// The shown run, which goes on with it; `None`: a run of its own.
    pub whole: Option<Whole>,
    /// The shown run can be shown again.
    pub keeps_shown: bool,
    /// It is the shown one, which could not be started elsewhere.
    pub takes_place: bool,
    /// The job that it is started from, by the count of opened jobs; `None`: a run.
    pub opening: Option<u64>,
    /// What runs its tasks.
    pub engine: EngineChoice,
}

impl StartRequest {
    pub(in crate::session) const fn new(origin: RunOrigin) -> Self {
        let engine = EngineChoice::Local;
        Self { origin, continues: None, whole: None, keeps_shown: false, takes_place: false, opening: None, engine }
    }
}

impl Session {
    /// Why [`Command::Run`](crate::session::Command::Run) would do nothing; `None` when it would run the job, or ask whether
    /// beside the run under way or after it.
    pub fn run_obstacle(&self) -> Option<String> {
        self.obstacle_to(if self.can_run_beside() { RunWay::After } else { RunWay::Shown })
    }

    /// Why the open job cannot be started as the shown run.
    pub(in crate::session) fn start_obstacle(&self) -> Option<String> {
        self.obstacle_to(RunWay::Shown)
    }

    fn obstacle_to(&self, way: RunWay) -> Option<String> {
        if self.is_running() && (way == RunWay::Shown || !self.can_run_beside()) {
            return Some("A run is under way: stop it or wait for its end.".to_owned());
        }
        if self.is_racing() {
            return Some("A race is under way, and a run beside it would distort it: stop the race first.".to_owned());
        }
        let obstacle = self.editor.preview().obstacle();
        let cannot = || self.engine_obstacle(self.engines.chosen()).map(|words| sentence(&words));
        obstacle.or_else(cannot)
    }

    /// Shows a finished run of `job`.
    ///
    /// # Errors
    /// When the job has a mistake.
    pub fn show_recorded(&mut self, job: Job, model: RunModel) -> Result<(), FieldError> {
        let folder = self.editor.folder().to_owned();
        let batch = Arc::clone(&expand(&job, &folder, None)?.batch);
        let origin = RunOrigin { job, batch, folder };
        let serial = self.run.next_serial();
        self.run.show(CurrentRun::recorded(None, serial, origin, model, Earlier::default(), None));
        Ok(())
    }

    pub(in crate::session) fn run(&mut self, way: RunWay) {
        let way = self.way_now(way);
        if let Some(obstacle) = self.obstacle_to(way) {
            return self.notices.show(Notice::mistake(format!("Nothing was started. {obstacle}")));
        }
        // Files may have changed since the preview was made.
        self.editor.refresh();
        if self.editor.preview().is_under_way() {
            self.run_wanted = Some(way);
        } else {
            self.start_previewed(way);
        }
    }

    /// Where the run has ended meanwhile, there is nothing to run beside or after.
    fn way_now(&self, way: RunWay) -> RunWay {
        if self.is_running() { way } else { RunWay::Shown }
    }

    pub(in crate::session) fn start_previewed(&mut self, way: RunWay) {
        let way = self.way_now(way);
        if let Some(obstacle) = self.obstacle_to(way) {
            return self.notices.show(Notice::mistake(format!("Nothing was started. {obstacle}")));
        }
        self.remember_values();
        let preview = self.editor.preview();
        let (Some(job), Some(expanded)) = (preview.job(), preview.expanded()) else { return };
        let (job, batch, folder) = (job.clone(), Arc::clone(&expanded.batch), self.editor.folder().to_owned());
        let origin = RunOrigin { job, batch, folder };
        if way != RunWay::Shown {
            return self.run_otherwise(way, origin);
        }
        self.start(StartRequest { opening: Some(self.editor.opening()), ..StartRequest::new(origin) });
    }

    pub(in crate::session) fn start(&mut self, request: StartRequest) {
        // The previous run has ended: this only waits for its last process. Its results stay in case nothing starts.
        self.run.end();
        let engine = self.engines.chosen().clone();
        match self.start_detached(StartRequest { engine, ..request }) {
            Some(request) if request.engine == EngineChoice::Local => self.start_here(request),
            Some(_) => {
                let text = "Nothing was started. A run elsewhere is a process of its own, and none can be started.";
                self.notices.show(Notice::error(text));
            }
            None => {}
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
        let (origin, whole) = (request.origin.clone(), request.whole.clone());
        match CurrentRun::start(serial, origin, whole, options, &*self.engine, wake, recorder) {
            Ok(run) => self.show_started(run, &request),
            Err(error) => {
                let text = format!("Nothing was started. {}", sentence(&error.to_string()));
                self.notices.show(Notice::error(text));
            }
        }
    }

    pub(super) fn show_started(&mut self, run: CurrentRun, request: &StartRequest) {
        self.notices.clear();
        self.run.show_started(run, request, !self.history.is_kept());
        // One that goes on stays where it is looked at.
        if request.whole.is_none() {
            self.page = Page::LIVE;
        }
    }

    /// Shows the run again that the shown one was made from.
    pub(in crate::session) fn back(&mut self) {
        if self.is_running() {
            let text = "A run is under way and would be replaced: wait for its end, or stop it.";
            return self.notices.show(Notice::error(text).about(Topic::PastRun));
        }
        if self.run.back() {
            self.page = Page::RESULTS;
        }
    }

    pub(in crate::session) fn set_workers(&mut self, workers: u32) {
        let workers = workers.clamp(1, MAX_WORKERS);
        match self.run.under_way().map(|run| run.job.mode) {
            Some(Mode::One) => {}
            Some(_) => self.run.set_workers(workers),
            None => self.set_job_workers(workers),
        }
    }

    pub(in crate::session) fn set_job_workers(&mut self, workers: u32) {
        let workers = workers.clamp(1, MAX_WORKERS);
        if self.editor.draft().workers != Some(workers) {
            self.edit(|draft| draft.workers = Some(workers));
        }
    }

    pub(in crate::session) fn refuse_beside_race(&mut self) {
        let text =
            "Nothing was started. A race is under way, and a run beside it would distort it: stop the race first.";
        self.notices.show(Notice::error(text).about(Topic::PastRun));
    }

    /// The shown run goes on with new attempts of tasks, which are in order.
    pub(in crate::session) fn rerun(&mut self, tasks: Vec<TaskId>) {
        if !self.can_rerun() {
            return;
        }
        let Some(run) = self.run.current() else { return };
        if tasks.is_empty() {
            return self.notices.show(Notice::info("Every task succeeded: there is nothing to run again."));
        }
        let batch = Arc::new(run.batch.rest(&tasks));
        let origin = RunOrigin { job: run.job.clone(), batch, folder: run.folder().to_owned() };
        let continues = run.history_id().map(|id| (id, run.left_out(&tasks)));
        let whole = Some(run.whole(tasks));
        self.start(StartRequest { continues, whole, opening: self.run.opening(), ..StartRequest::new(origin) });
    }

    /// Runs all tasks of the shown run once more, as a run of its own.
    pub(in crate::session) fn run_all_again(&mut self) {
        if !self.can_rerun() {
            return;
        }
        let Some(run) = self.run.current() else { return };
        let tasks: Vec<TaskId> = (0..run.batch.len()).map(TaskId).collect();
        let name = format!("{} (again)", run.job.name.trim_end_matches(" (again)"));
        let job = Job { name: name.clone(), ..run.job.clone() };
        let batch = Arc::new(run.batch.only(&tasks).renamed(name));
        let folder = run.folder().to_owned();
        self.start(StartRequest { keeps_shown: true, ..StartRequest::new(RunOrigin { job, batch, folder }) });
    }

    /// Whether tasks of the shown run can be run again; otherwise says why not.
    fn can_rerun(&mut self) -> bool {
        let Some(run) = self.run.current() else { return false };
        if run.is_under_way() {
            let text = "Nothing was started. A run is under way: wait for its end.";
            self.notices.show(Notice::error(text).about(Topic::PastRun));
        } else if let Some(obstacle) = run.obstacle_to_rerun() {
            self.notices.show(Notice::error(format!("Nothing was started. {obstacle}")));
        } else if self.is_racing() {
            self.refuse_beside_race();
        } else {
            return true;
        }
        false
    }
}
