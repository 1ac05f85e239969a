//! What is refused before anything runs.

use std::ffi::OsStr;

use anyhow::{Result, bail, ensure};

use super::keep::Keep;
use crate::cli::report::args::ReportOptions;
use crate::cli::report::tag::Colouring;
use crate::cli::report::{Format, Grouping};
use fanlane_core::job::Shell;
use fanlane_os::search_path::find_program;

/// Refuses flags that have no meaning for a detached run; `how` it is asked for.
///
/// # Errors
/// The first such flag, and what to use in its place.
pub fn check_detached(report: &ReportOptions, keep: &Keep, how: &str) -> Result<()> {
    const REPORT: &str = "use it with fanlane attach, which prints the report";
    const KEPT: &str = "the history keeps the results; fanlane export RUN writes them";
    let flags = [
        (report.style.format == Format::Json, "--json", REPORT),
        (report.style.keep_order, "--keep-order", REPORT),
        (report.style.grouping == Grouping::Lines, "--line-buffer", REPORT),
        (report.style.grouping == Grouping::Ungrouped, "--ungroup", REPORT),
        (report.style.grouping == Grouping::LatestLine, "--latest-line", REPORT),
        (report.bar == Some(true), "--bar", REPORT),
        (report.watch, "--watch", "use fanlane watch, which shows a detached run"),
        (keep.joblog.is_some(), "--joblog", KEPT),
        (keep.record.is_some(), "--record", KEPT),
        (keep.junit.is_some(), "--junit", KEPT),
        (report.style.colouring != Colouring::Never, "--color", REPORT),
        (report.style.as_files, "--files", "the history keeps what tasks print; have the tasks write files"),
        (
            keep.results.is_some(),
            "--results",
            "the history keeps what tasks print up to a limit; have the tasks write files",
        ),
        (!keep.history, "--no-history", "only the history keeps the result of a detached run"),
    ];
    match flags.into_iter().find(|(given, ..)| *given) {
        Some((_, flag, why)) => bail!("{flag} cannot be used with {how}: {why}"),
        None => Ok(()),
    }
}

/// Refuses a job whose shell is not there, before each task finds that out.
///
/// # Errors
/// When it is not there.
pub fn check_shell(shell: &Shell) -> Result<()> {
    let Some(program) = shell.program() else { return Ok(()) };
    ensure!(
        find_program(OsStr::new(program)).is_some(),
        "the shell {program} that runs the command line is not there; install it, or name another with --shell"
    );
    Ok(())
}
