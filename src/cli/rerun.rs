//! `fanlane resume` and `fanlane rerun`: a run of the history is resumed or run again with the job as it was then, also with
//! what its command line had laid over a job file; flags change it for this run. Whether its inputs are still the same is checked task by task.

use anyhow::{Result, ensure};
use clap::Args;

use super::control::{Wish, control};
use super::engine_args::EngineArgs;
use super::execute::keep::Keep;
use super::execute::recorded::recorded_plan;
use super::execute::resume::{Resume, ResumeSource};
use super::execute::{self, Placement, RunRequest, Selection};
use super::exit_status::Status;
use super::report::args::ReportArgs;
use super::run::OverlayArgs;
use super::run_name::RunName;
use super::subcommand::Subcommand;
use fanlane_core::engine::RunCommand;
use fanlane_core::store::history::RunState;

/// The arguments that both have.
#[derive(Debug, Args)]
struct RerunOptions {
    /// How the tasks are run [default: as in the run].
    #[command(flatten)]
    overlay: OverlayArgs,
    /// What runs the tasks [default: this machine].
    #[command(flatten)]
    engine: EngineArgs,
    /// What is printed.
    #[command(flatten)]
    report: ReportArgs,
    /// Start a detached run and return at once: fanlane attach watches it, fanlane stop ends it
    #[arg(long = "background")]
    detached: bool,
    /// Print the command lines and run nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not record this run in the history
    #[arg(long)]
    no_history: bool,
}

/// The arguments of `fanlane resume`.
#[derive(Debug, Args)]
#[command(args_override_self = true)]
pub struct ResumeArgs {
    /// The number of a run, or last; of a run that is going on, also its name [default: the only one that is going on]
    #[arg(value_name = "RUN")]
    run: Option<String>,
    /// Also run the tasks that failed again
    #[arg(long)]
    failed: bool,
    /// How it runs.
    #[command(flatten)]
    options: RerunOptions,
}

/// The arguments of `fanlane rerun`.
#[derive(Debug, Args)]
#[command(args_override_self = true)]
pub struct RerunArgs {
    /// The number of a run, or last
    #[arg(value_name = "RUN")]
    run: RunName,
    /// Only the tasks that did not succeed
    #[arg(long, conflicts_with = "task")]
    failed: bool,
    /// Only the tasks with these numbers
    #[arg(long, value_name = "N", num_args = 1..)]
    task: Vec<u64>,
    /// How it runs.
    #[command(flatten)]
    options: RerunOptions,
}

impl Subcommand for Box<ResumeArgs> {
    fn perform(self) -> Result<Status> {
        let Some(name) = self.recorded()? else {
            ensure!(
                !self.failed,
                "--failed is for a run that has ended, and this one is going on; fanlane resume without it"
            );
            return control(self.run.as_deref(), Wish::new(RunCommand::Resume));
        };
        let (id, request) = self.options.request(name)?;
        let source = ResumeSource::History(RunName::Number(id));
        execute::run(RunRequest { resume: Some(Resume { source, failed_again: self.failed }), ..request })
    }
}

impl ResumeArgs {
    /// The recorded run that is meant; `None` where it is one that is going on.
    fn recorded(&self) -> Result<Option<RunName>> {
        let Some(Ok(name)) = self.run.as_deref().map(str::parse::<RunName>) else { return Ok(None) };
        let goes_on = name.find().is_ok_and(|(_, row)| row.state == RunState::Running);
        Ok((!goes_on).then_some(name))
    }
}

impl Subcommand for Box<RerunArgs> {
    fn perform(self) -> Result<Status> {
        let (id, request) = self.options.request(self.run)?;
        let selection = match (self.task.is_empty(), self.failed) {
            (true, false) => Selection::All,
            (true, true) => Selection::FailedOf(id),
            (false, _) => Selection::Numbers(self.task),
        };
        execute::run(RunRequest { selection, ..request })
    }
}

impl RerunOptions {
    /// The number of a run, and all of it once more.
    fn request(&self, run: RunName) -> Result<(i64, RunRequest)> {
        let placement = Placement::of_flags(self.dry_run, self.detached)?;
        let (id, mut plan) = recorded_plan(run)?;
        self.overlay.merge_into(&mut plan.job);
        let keep = Keep { history: !self.no_history, ..Keep::default() };
        let report = self.report.options();
        Ok((
            id,
            RunRequest {
                engine: self.engine.choice(self.overlay.workers, &self.overlay.env)?,
                placement,
                workers: self.overlay.workers,
                report,
                keep,
                ..RunRequest::new(plan.check()?)
            },
        ))
    }
}
