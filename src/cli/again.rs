//! `fanlane resume` and `fanlane rerun`: a run of the history gone on with, or done again, with the job as it was then. That
//! its inputs still are what they were is checked task by task.

use std::io::IsTerminal;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use super::Status;
use super::args::RunArgs;
use super::history;
use super::keep_args::KeepArgs;
use super::plan::Plan;
use super::report_args::ReportArgs;
use super::run::{self, Which};
use super::worker_count::{self, WorkerCount};
use crate::job::{Input, Job};
use crate::store::history::{History, RunRow};

/// What both print and how many workers they have.
#[derive(Debug, Default, Args)]
pub struct AgainArgs {
    /// How many workers: N, +N or -N, N% of the cores, 0 for one per task [default: as in the run]
    #[arg(short = 'j', long, visible_alias = "jobs", value_name = "N", allow_hyphen_values = true)]
    #[arg(value_parser = worker_count::parse)]
    pub workers: Option<WorkerCount>,
    /// What it prints.
    #[command(flatten)]
    pub report: ReportArgs,
    /// Run in a process of its own and return at once: fanlane attach watches it, fanlane stop ends it
    #[arg(long)]
    pub background: bool,
    /// Print the command lines and run nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Do not record this run in the history
    #[arg(long)]
    pub no_history: bool,
}

/// The words after `fanlane resume`.
#[derive(Debug, Args)]
pub struct ResumeArgs {
    /// The number of a run, or last
    #[arg(value_name = "RUN")]
    pub run: String,
    /// Run the tasks that failed again, too
    #[arg(long)]
    pub failed: bool,
    /// How.
    #[command(flatten)]
    pub again: AgainArgs,
}

/// The words after `fanlane rerun`.
#[derive(Debug, Args)]
pub struct RerunArgs {
    /// The number of a run, or last
    #[arg(value_name = "RUN")]
    pub run: String,
    /// Only the tasks that did not succeed
    #[arg(long, conflicts_with = "task")]
    pub failed: bool,
    /// Only the tasks with these numbers
    #[arg(long, value_name = "N", num_args = 1..)]
    pub task: Vec<u64>,
    /// How.
    #[command(flatten)]
    pub again: AgainArgs,
}

/// Does what a run of the history has left to be done.
///
/// # Errors
/// When nothing was run: there is no such run, or its job or its inputs have changed.
pub fn resume(args: &ResumeArgs) -> Result<Status> {
    let (history, row) = history::find(&args.run)?;
    let plan = plan(&history, &row)?;
    drop(history);
    let keep = KeepArgs { resume_run: Some(row.id.to_string()), resume_failed: args.failed, ..KeepArgs::default() };
    run::run_plan(plan, &run_args(&args.again, keep), Which::All)
}

/// Does a run of the history again, or some of its tasks.
///
/// # Errors
/// When nothing was run: there is no such run, or its job or its inputs have changed.
pub fn rerun(args: &RerunArgs) -> Result<Status> {
    let (history, row) = history::find(&args.run)?;
    let plan = plan(&history, &row)?;
    let which = match (&*args.task, args.failed) {
        ([], false) => Which::All,
        ([], true) => Which::FailedOf(row.id),
        (numbers, _) => Which::Numbers(numbers.to_vec()),
    };
    drop(history);
    run::run_plan(plan, &run_args(&args.again, KeepArgs::default()), which)
}

fn plan(history: &History, row: &RunRow) -> Result<Plan> {
    let id = row.id;
    let Some(text) = history.job(id)? else {
        bail!(
            "the job of run {id} was too long to be kept; give its command and inputs to fanlane run --resume-run {id}"
        )
    };
    let job = Job::parse(&text).with_context(|| format!("the job of run {id} cannot be read"))?;
    ensure!(
        !(job.inputs.iter().any(Input::reads_stdin) && std::io::stdin().is_terminal()),
        "run {id} read its inputs from standard input; pipe the same ones to this command"
    );
    ensure!(row.folder.is_dir(), "the folder of run {id} is gone: {}", row.folder.display());
    Ok(Plan { job, folder: row.folder.clone() })
}

fn run_args(again: &AgainArgs, keep: KeepArgs) -> RunArgs {
    RunArgs {
        workers: again.workers,
        report: again.report.clone(),
        background: again.background,
        dry_run: again.dry_run,
        keep: KeepArgs { no_history: again.no_history, ..keep },
        ..RunArgs::default()
    }
}
