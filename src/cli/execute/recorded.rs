//! A run of the history once more: the job as it was then.

use std::io::IsTerminal;

use anyhow::{Context, Result, bail, ensure};

use super::{Placement, RunRequest, Selection, run};
use crate::cli::exit_status::Status;
use crate::cli::plan::Plan;
use crate::cli::run_name::RunName;
use fanlane_core::job::Job;

/// Runs the tasks of a run that did not succeed again, as a detached run.
///
/// # Errors
/// As `fanlane rerun RUN --failed --background`.
pub fn failed_in_background(id: i64) -> Result<Status> {
    let (id, plan) = recorded_plan(RunName::Number(id))?;
    let selection = Selection::FailedOf(id);
    run(RunRequest { placement: Placement::Detached, selection, ..RunRequest::new(plan.check()?) })
}

/// The number and the plan of a run of the history.
///
/// # Errors
/// When there is no such run, or it cannot be run again from here.
pub fn recorded_plan(run: RunName) -> Result<(i64, Plan)> {
    let (history, row) = run.find()?;
    let id = row.id;
    let Some(text) = history.job(id)? else {
        bail!(
            "the job of run {id} was too long to be kept; give its command and inputs to fanlane run --resume-run {id}"
        )
    };
    let job = Job::parse(&text).with_context(|| format!("the job of run {id} cannot be read"))?;
    if let Some(obstacle) = job.task.obstacle() {
        bail!("run {id} cannot be run again: {obstacle}");
    }
    ensure!(
        !(job.reads_stdin() && std::io::stdin().is_terminal()),
        "run {id} read its inputs from standard input; pipe the same ones to this command"
    );
    ensure!(row.folder.is_dir(), "the folder of run {id} is gone: {}", row.folder.display());
    Ok((id, Plan { job, folder: row.folder }))
}
