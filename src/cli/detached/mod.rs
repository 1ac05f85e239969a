//! Detached runs: `fanlane run --background` starts one, `fanlane attach` reports on it as `fanlane run` does, and
//! `fanlane stop` stops it.

pub mod attach;
pub mod follow;
pub mod locate;
pub mod start;
pub mod stop;
pub mod window;

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};

use super::run_name::RunName;
use fanlane_core::event::TaskId;
use fanlane_core::host::{DetachedInfo, DetachedRun, DetachedRuns};
use fanlane_core::job::Batch;
use fanlane_core::store::history::{self, History, RunState};
use fanlane_os::child::OWN_EXECUTABLE;
use fanlane_os::machine;

/// The detached runs that have not ended, the oldest first.
pub fn list() -> Vec<(DetachedInfo, PathBuf)> {
    let mut found = detached_runs().list();
    found.retain(|(info, _)| !info.ended);
    found
}

/// The detached runs of this user.
pub fn detached_runs() -> DetachedRuns {
    DetachedRuns::new(OWN_EXECUTABLE.into())
}

/// Finds a run by its name; without one, the only one.
///
/// # Errors
/// When there is none of this name, or several without a name.
pub fn find(name: Option<RunName>) -> Result<DetachedRun> {
    detached_runs().watch(folder_of(name)?).context("the detached run cannot be reached")
}

/// The folder of the process of the run that [`find`] finds.
fn folder_of(name: Option<RunName>) -> Result<PathBuf> {
    detached_runs().check_folder()?;
    let mut found = detached_runs().list();
    // A run that has ended is there until its watchers have read its end. One that the history lacks can still be
    // watched: its end is stored nowhere else.
    found.retain(|(info, _)| !info.ended || info.run.is_none());
    let place = match name {
        Some(RunName::Number(number)) => match found.iter().position(|(info, _)| info.run == Some(number)) {
            Some(place) => place,
            None => bail!("{}", absent(number)?),
        },
        Some(RunName::Last) | None => {
            ensure!(!found.is_empty(), "no detached run is running; fanlane history lists runs that have ended");
            let numbers: Vec<String> = found.iter().filter_map(|(info, _)| Some(info.run?.to_string())).collect();
            ensure!(
                found.len() == 1 || name.is_some(),
                "several detached runs are running: {}; give the number of one, or last",
                numbers.join(", ")
            );
            found.len() - 1
        }
    };
    Ok(found.swap_remove(place).1)
}

/// The detached run of this name that is running; the newest, if there are several.
fn detached_named(name: &str) -> Option<DetachedRun> {
    let is_it = |info: &DetachedInfo| match name.parse() {
        Ok(RunName::Last) => true,
        Ok(RunName::Number(number)) => info.run == Some(number),
        Err(_) => info.name == name,
    };
    let (_, folder) = list().into_iter().rfind(|(info, _)| is_it(info))?;
    // One that has ended meanwhile is in the history.
    detached_runs().watch(folder).ok()
}

/// The task of a batch with this number.
///
/// # Errors
/// When there is none.
fn task_of(watching: &DetachedRun, batch: &Batch, number: u64) -> Result<TaskId> {
    if watching.grows() && number > batch.len() {
        // Its row comes later than this connection, or has not been added yet.
        return Ok(TaskId(number - 1));
    }
    let absent = || format!("the run has no task {number}; fanlane export lists the tasks of a run that has ended");
    batch.with_number(number).with_context(absent)
}

/// Why a run is not among the detached ones.
///
/// # Errors
/// When the history cannot be read.
pub fn absent(number: i64) -> Result<String> {
    let folder = history::default_folder()?;
    let row = History::existing(&folder)?.map(|history| history.run(number)).transpose()?;
    Ok(match row {
        Some(row) if row.state == RunState::Running && row.environment.host != machine::host_name() => {
            format!("run {number} is going on on {host}: ask for it there", host = row.environment.host)
        }
        Some(row) if row.state == RunState::Running => format!("run {number} is running in a terminal, not detached"),
        Some(row) => {
            let state = row.state.name();
            format!("run {number} is not running: it is {state}; fanlane show {number} shows how it ended")
        }
        None => format!("there is no run {number}"),
    })
}
