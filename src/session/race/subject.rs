//! What the next race is of: the open job, or the job of a run that was asked whether its pool was worth it.

use std::sync::Arc;

use super::{Estimate, RacePlan, Work};
use crate::session::run::RunOrigin;
use crate::session::{CurrentRun, Page, Session};
use fanlane_core::event::TaskId;
use fanlane_core::job::{Batch, Job};
use fanlane_core::model::race::Rules;
use fanlane_core::store::history::{RunRow, RunState, job_key};

/// Maximum number of tasks of the open job whose earlier runs are looked for on every page.
const MAX_KEYED_TASKS: u64 = 100_000;

/// A run whose job is raced in place of the open job.
pub struct RaceSubject {
    /// `run 12`, or its job's name.
    pub title: String,
    /// Its job and its tasks.
    pub(in crate::session) origin: RunOrigin,
    work: Option<Work>,
}

/// What a race would be, before it begins.
#[derive(Clone, Debug, PartialEq)]
pub struct RaceOffer {
    /// Number of tasks that are raced.
    pub tasks: u64,
    /// Number of tasks of the batch.
    pub whole: u64,
    /// How long it takes; `None`: nothing is known of the tasks.
    pub estimate: Option<Estimate>,
    /// The runs that each way has at least take longer than the time limit.
    pub is_over_limit: bool,
}

/// What is known of the tasks of a run, by the run and the number of its results.
pub type KnownWork = ((u64, usize), Option<Work>);

/// What the history tells of the tasks of a job, when it had a number of runs.
pub type RecordedWork = (Job, usize, Option<Work>);

impl Session {
    /// The run whose job is raced; `None`: the open job is.
    pub fn race_subject(&self) -> Option<&RaceSubject> {
        self.race.subject()
    }

    /// Why the shown run cannot be raced.
    pub fn obstacle_to_ask_worth(&self) -> Option<String> {
        let Some(run) = self.run.current() else { return Some("There is no run.".to_owned()) };
        if run.is_under_way() {
            return Some("The run is under way: wait for its end.".to_owned());
        }
        if self.is_racing() {
            return Some("A race is under way: wait for its end, or stop it.".to_owned());
        }
        run.obstacle_to_rerun().map(str::to_owned)
    }

    /// Makes the job of the shown run that of the next race, and shows the page.
    pub(in crate::session) fn ask_worth(&mut self) {
        if let Some(obstacle) = self.obstacle_to_ask_worth() {
            let text = format!("Nothing can be raced. {obstacle}");
            return self.notices.show(crate::session::Notice::error(text).about(crate::session::Topic::Race));
        }
        let Some(run) = self.run.current() else { return };
        let subject = RaceSubject {
            title: run.title(),
            origin: RunOrigin { job: run.job.clone(), batch: Arc::clone(&run.batch), folder: run.folder().to_owned() },
            work: Work::of_run(&run.model()),
        };
        self.race.set_subject(Some(subject));
        self.page = Page::RACE;
    }

    /// The tasks of the next race; `None` while the inputs of the open job are wrong or being read.
    pub(super) fn race_batch(&self) -> Option<Arc<Batch>> {
        match self.race.subject() {
            Some(subject) => Some(Arc::clone(&subject.origin.batch)),
            None => self.editor.preview().expanded().map(|expanded| Arc::clone(&expanded.batch)),
        }
    }

    fn race_work(&self) -> Option<Work> {
        if let Some(subject) = self.race.subject() {
            return subject.work;
        }
        self.open_job_work()
    }

    /// What is known of the tasks of the open job.
    pub(in crate::session) fn open_job_work(&self) -> Option<Work> {
        let job = self.editor.preview().job()?;
        // The job may have been edited since the run.
        let is_alike = |run: &CurrentRun| {
            (&run.job.task, &run.job.inputs, &run.job.values) == (&job.task, &job.inputs, &job.values)
        };
        if self.is_of_open_job()
            && let Some(((serial, _), work)) = self.race.known_work()
            && self.run.current().is_some_and(|run| run.serial == serial && is_alike(run))
        {
            return work;
        }
        let recorded = self.race.recorded_work(job, self.history.all().len()).flatten();
        recorded.or_else(|| self.race.forecast(job)?.work)
    }

    /// Notes what the shown run tells of its tasks, once it has ended, and what the history tells of those of the open job.
    pub(in crate::session) fn refresh_race_work(&mut self) {
        self.refresh_recorded_work();
        let Some(run) = self.run.current().filter(|run| !run.is_under_way()) else { return };
        let model = run.model();
        let of = (run.serial, model.records.len());
        if self.race.known_work().is_none_or(|(known, _)| known != of) {
            let work = Work::of_run(&model);
            drop(model);
            self.race.set_known_work((of, work));
        }
    }

    fn refresh_recorded_work(&mut self) {
        let runs = self.history.all();
        let preview = self.editor.preview();
        // The key of a job with very many inputs takes a moment.
        let is_wanted =
            self.page == Page::RACE || preview.expanded().is_some_and(|expanded| expanded.tasks <= MAX_KEYED_TASKS);
        let Some(job) = preview.job().filter(|_| is_wanted) else { return };
        if self.race.recorded_work(job, runs.len()).is_some() {
            return;
        }
        let key = job_key(job, self.editor.folder());
        let is_alike = |run: &&RunRow| run.state == RunState::Finished && run.job_key == key && run.counts.done > 0;
        let work = runs.iter().find(is_alike).and_then(Work::of_row);
        self.race.set_recorded_work((job.clone(), runs.len(), work));
    }

    /// What the next race would be; `None` while its settings or its tasks are wrong.
    pub fn race_offer(&self) -> Option<RaceOffer> {
        let rules = self.race.draft().rules(0).ok()?;
        self.race_offer_of(&*self.race_batch()?, &rules, self.race_work()).ok()
    }

    /// What a race of the job of the shown run would be, once it has ended.
    pub fn worth_offer(&self) -> Option<RaceOffer> {
        let run = self.run.current()?;
        let ((serial, _), work) = self.race.known_work()?;
        let rules = self.race.draft().rules(0).ok()?;
        self.race_offer_of(&run.batch, &rules, work.filter(|_| serial == run.serial)).ok()
    }

    fn race_offer_of(&self, batch: &Batch, rules: &Rules, work: Option<Work>) -> Result<RaceOffer, String> {
        let draft = self.race.draft();
        let whole = batch.len();
        // Tasks that wait for others cannot be raced without them.
        let has_order = !batch.dependencies().is_empty();
        let contenders = draft.contenders(whole)?;
        let cores = self.machine.logical_cores;
        let tasks = match (draft.parsed_tasks()?, work) {
            _ if has_order => whole,
            (Some(tasks), _) => tasks.min(whole),
            (None, Some(work)) => work.sample(&contenders, rules, whole, cores),
            (None, None) => whole,
        };
        let estimate = work.map(|work| Estimate::of(work, &contenders, rules, tasks, cores));
        let is_over_limit = estimate.is_some_and(|estimate| estimate.least_secs > rules.time_limit_secs);
        Ok(RaceOffer { tasks, whole, estimate, is_over_limit })
    }

    /// The plan of the next race.
    pub(super) fn race_plan(&self, batch: &Arc<Batch>, seed: u64) -> Result<RacePlan, String> {
        let draft = self.race.draft();
        let rules = draft.rules(seed)?;
        let whole = batch.len();
        let tasks = self.race_offer_of(batch, &rules, self.race_work())?.tasks;
        let contenders = draft.contenders(tasks)?;
        if tasks >= whole {
            return RacePlan::of_batch(Arc::clone(batch), contenders, rules).map_err(|error| error.to_string());
        }
        // From all parts of the batch, since neighbours are often alike.
        let sample: Vec<TaskId> = (0..tasks).map(|place| TaskId(place * whole / tasks)).collect();
        let plan = RacePlan::of_batch(Arc::new(batch.only(&sample)), contenders, rules);
        plan.map(|plan| RacePlan { sample_of: Some(whole), ..plan }).map_err(|error| error.to_string())
    }
}
