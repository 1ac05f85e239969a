//! `--tty`: what a run is whose tasks have the terminal, one at a time.

use anyhow::{Context, Result, ensure};

use crate::cli::plan::Plan;
use crate::cli::report::Grouping;
use crate::cli::report::args::ReportOptions;
use crate::cli::terminal::remark;
use crate::cli::worker_count::WorkerCount;
use fanlane_core::job::{Mode, TaskKind};
use fanlane_os::lent_terminal::LentTerminal;

/// Takes the terminal, and makes the run one of one task at a time that draws nothing itself.
///
/// # Errors
/// When there is no terminal, or tasks are calls, which can have none.
pub fn take(plan: &mut Plan, workers: &mut Option<WorkerCount>, report: &mut ReportOptions) -> Result<LentTerminal> {
    ensure!(
        plan.job.task.kind() == TaskKind::Command,
        "--tty gives commands the terminal, and this job calls a workload; leave it out"
    );
    ensure!(
        plan.job.control.limits.output_bytes.is_none(),
        "--tty gives tasks the terminal itself, so that --limit-output cannot count what they print; leave one out"
    );
    let terminal = LentTerminal::open()
        .context("--tty cannot be used here: this process has no terminal; start it from one, or leave it out")?;
    const ONE: WorkerCount = WorkerCount::Exactly(1);
    let asked = workers.or(plan.job.workers.map(WorkerCount::Exactly));
    if asked.is_some_and(|asked| asked != ONE) {
        remark("--tty runs one task at a time, whatever the number of workers");
    }
    *workers = Some(ONE);
    plan.job.mode = Mode::One;
    report.bar = Some(false);
    report.style.grouping = Grouping::Ungrouped;
    Ok(terminal)
}
