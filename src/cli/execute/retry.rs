//! The failed tasks of a run in the terminal, run again from its view.

use super::{RunRequest, Selection};
use crate::cli::plan::Plan;
use crate::cli::report::args::ReportOptions;
use crate::cli::watch::Situation;
use crate::cli::worker_count::WorkerCount;
use fanlane_core::engine::EngineChoice;

/// How the failed tasks of a run in the terminal are run again from its view.
pub struct Retry<'a> {
    /// What it ran.
    pub plan: &'a Plan,
    /// What ran it.
    pub engine: &'a EngineChoice,
    /// The size of its pool, as it was given.
    pub workers: Option<WorkerCount>,
    /// How it is reported.
    pub report: ReportOptions,
    /// The history records it.
    pub is_recorded: bool,
}

impl Retry<'_> {
    /// What its view may offer.
    pub fn situation(&self) -> Situation {
        let reads_stdin = self.plan.job.reads_stdin();
        let obstacles = [
            (!self.is_recorded, "only a run that the history records can be run again from here"),
            (reads_stdin, "the inputs came from standard input: fanlane rerun --failed reads them again"),
        ];
        let retry_obstacle = obstacles.into_iter().find_map(|(holds, words)| holds.then_some(words));
        Situation { is_detached: false, retry_obstacle }
    }

    /// The run of its failed tasks; `run` is its number in the history.
    pub fn request(&self, run: i64) -> RunRequest {
        let Self { plan, engine, workers, report, .. } = *self;
        let selection = Selection::FailedOf(run);
        RunRequest { engine: engine.clone(), workers, report, selection, ..RunRequest::new(plan.clone()) }
    }
}
