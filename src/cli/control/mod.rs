//! `fanlane pause`, `workers`, `cancel`, `retry`, `priority`, `skip` and `raise`, and the part of `resume` and `stop` that is about
//! runs which are going on: detached ones, those of the window and of scripts, and those of terminals.

pub mod args;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::detached::{absent, detached_runs};
use super::exit_status::Status;
use super::run_name::RunName;
use super::terminal::remark;
use fanlane_core::engine::{RunCommand, RunStanding, TaskStanding};
use fanlane_core::host::{ControlledRun, DetachedError, DetachedInfo, DetachedRun};
use fanlane_core::store::history::{self, History, RunState};

/// Maximum wait for a run in a terminal that has begun just now, and cannot be reached yet.
const BEGINNING_TIMEOUT: Duration = Duration::from_secs(3);
/// How often it is looked for meanwhile.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// What is asked of a run.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    /// With the number of its task instead of the id.
    command: RunCommand,
    task: Option<u64>,
}

impl Wish {
    /// Something about the run as a whole.
    pub const fn new(command: RunCommand) -> Self {
        Self { command, task: None }
    }

    /// Something about the task with this number.
    pub const fn of_task(command: RunCommand, task: u64) -> Self {
        Self { command, task: Some(task) }
    }
}

/// A run that is going on, and can be asked for something.
pub struct Reached {
    /// What it is.
    pub info: DetachedInfo,
    folder: PathBuf,
}

/// Finds the run of this name among those that are going on: a number, a name, or `last`; without one, the only one.
///
/// # Errors
/// When there is none of this name, or several without a name.
pub fn find(name: Option<&str>) -> Result<Reached> {
    let runs = detached_runs();
    runs.check_folder()?;
    let until = Instant::now() + BEGINNING_TIMEOUT;
    loop {
        let mut found = runs.list_reachable();
        found.retain(|(info, _)| !info.ended);
        let place = match (name, name.map(str::parse::<RunName>)) {
            (None, _) => {
                ensure!(!found.is_empty(), "no run is going on; fanlane history lists runs that have ended");
                let names: Vec<String> = found.iter().map(|(info, _)| called(info)).collect();
                ensure!(found.len() == 1, "several runs are going on: {}; give one of them", names.join(", "));
                Some(0)
            }
            (Some(_), Some(Ok(RunName::Number(number)))) => found.iter().position(|(info, _)| info.run == Some(number)),
            (Some(_), Some(Ok(RunName::Last))) => {
                ensure!(!found.is_empty(), "no run is going on; fanlane history lists runs that have ended");
                Some(found.len() - 1)
            }
            (Some(name), _) => found.iter().rposition(|(info, _)| info.name == name),
        };
        if let Some(place) = place {
            let (info, folder) = found.swap_remove(place);
            return Ok(Reached { info, folder });
        }
        let name = name.unwrap_or_default();
        if !is_beginning(name)? || Instant::now() >= until {
            bail!("{}", not_found(name)?);
        }
        std::thread::sleep(POLL_INTERVAL);
    }
}

/// Whether the history says of a run that it is going on, although it cannot be reached.
fn is_beginning(name: &str) -> Result<bool> {
    let Some(history) = History::existing(&history::default_folder()?)? else { return Ok(false) };
    Ok(match name.parse() {
        Ok(RunName::Number(number)) => history.run(number).is_ok_and(|row| row.state == RunState::Running),
        Ok(RunName::Last) => false,
        Err(_) => history.runs()?.iter().any(|row| row.name == name && row.state == RunState::Running),
    })
}

fn not_found(name: &str) -> Result<String> {
    match name.parse() {
        Ok(RunName::Number(number)) => match absent(number)? {
            words if is_beginning(name)? => Ok(format!("{words}, and it cannot be reached from here")),
            words => Ok(words),
        },
        _ => Ok(format!("no run called '{name}' is going on; fanlane history lists the runs")),
    }
}

/// How a run is named in commands.
fn called(info: &DetachedInfo) -> String {
    info.run.map_or_else(|| format!("'{}'", info.name), |number| number.to_string())
}

impl Reached {
    /// The run in the words of a message.
    fn words(&self) -> String {
        format!("run {}", called(&self.info))
    }

    /// Watches the run from its start.
    ///
    /// # Errors
    /// When it runs in a terminal, or has ended.
    pub fn watch(self) -> Result<DetachedRun> {
        detached_runs().watch(self.folder).context("the detached run cannot be reached")
    }

    /// Asks the run for something.
    ///
    /// # Errors
    /// When it has no such task, cannot do that, or does not answer.
    pub fn ask(&self, command: RunCommand) -> Result<ControlledRun> {
        detached_runs().control(self.folder.clone(), command).map_err(|error| match error {
            DetachedError::Refused(words) => anyhow::anyhow!("{}: {words}", self.words()),
            error => anyhow::Error::new(error).context(format!("{} cannot be asked", self.words())),
        })
    }
}

/// Asks a run for something, and says what comes of it.
///
/// # Errors
/// As [`find`] and [`Reached::ask`].
pub fn control(name: Option<&str>, wish: Wish) -> Result<Status> {
    control_all(name, std::iter::once(wish))
}

/// The same for several wishes; a task that cannot be found ends it.
fn control_all(name: Option<&str>, wishes: impl Iterator<Item = Wish>) -> Result<Status> {
    let run = find(name)?;
    let mut status = Status::AllDone;
    for wish in wishes {
        let standing = run.ask(wish.command)?.standing;
        match outcome(&run.info, wish, standing) {
            Ok(words) => remark(&words),
            Err(words) => {
                remark(&words);
                status = Status::SomeFailed;
            }
        }
    }
    Ok(status)
}

/// Stops a run of a terminal and waits for its end.
///
/// # Errors
/// As [`Reached::ask`].
pub fn stop(run: &Reached, now: bool) -> Result<Status> {
    let asked = run.ask(if now { RunCommand::StopNow } else { RunCommand::Stop })?;
    asked.wait_for_end().with_context(|| format!("the end of {} cannot be seen", run.words()))?;
    remark(&format!("{} is stopped; its terminal has the summary", run.words()));
    Ok(Status::AllDone)
}

/// What a wish came to, given where the run and the task were before; an error where nothing came of it.
fn outcome(info: &DetachedInfo, wish: Wish, standing: RunStanding) -> Result<String, String> {
    use TaskStanding::{Absent, Ended, Running, Waiting};
    let name = called(info);
    let run = format!("run {name}");
    if standing.is_stopping {
        return Err(format!("{run} is being stopped, so nothing else can be asked of it"));
    }
    let Some(number) = wish.task else {
        return Ok(match wish.command {
            RunCommand::Pause if standing.is_paused => format!("{run} is paused already"),
            RunCommand::Pause => {
                format!("{run} is paused: running tasks go on, and no other begins until fanlane resume {name}")
            }
            RunCommand::Resume if standing.is_paused => format!("{run} goes on"),
            RunCommand::Resume => return Err(format!("{run} is not paused")),
            RunCommand::SetWorkers(0) => format!("{run} has no worker: no task begins until it has some"),
            RunCommand::SetWorkers(workers) => format!("{run}: {workers} workers, {} before", standing.workers),
            _ => run,
        });
    };
    let task = format!("task {number} of {run}");
    let again = match info.run {
        Some(id) => format!("; fanlane rerun {id} --task {number} runs it again, as a run of its own"),
        None => String::new(),
    };
    match (wish.command, standing.task.unwrap_or(Absent)) {
        (_, Absent) => Err(format!("{run} has no task {number}")),
        (RunCommand::Restart(_), Ended) => Err(format!("{task} has ended{again}")),
        (_, Ended) => Err(format!("{task} has ended")),
        (RunCommand::Cancel(_), Waiting) => Ok(format!("{task} is cancelled; it had not begun")),
        (RunCommand::Cancel(_), Running) => Ok(format!("{task} is being ended")),
        (RunCommand::Restart(_), Waiting) => Err(format!("{task} is not running: its next attempt waits for its turn")),
        (RunCommand::Restart(_), Running) => Ok(format!("{task} is being ended, and begins again")),
        (RunCommand::Skip(_), _) => Ok(format!("{task} is skipped: tasks that wait for it may begin")),
        (RunCommand::Raise(_), Waiting) => Ok(format!("{task} begins before all others")),
        (RunCommand::Raise(_), Running) => Err(format!("{task} is running")),
        (RunCommand::SetPriority { priority, .. }, _) => Ok(format!("{task} has the priority {priority}")),
        _ => Ok(task),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fanlane_core::event::TaskId;

    fn said(wish: Wish, task: Option<TaskStanding>, is_paused: bool) -> Result<String, String> {
        let standing = RunStanding { is_paused, is_stopping: false, workers: 2, task };
        outcome(&DetachedInfo::unnumbered("Nightly"), wish, standing)
    }

    #[test]
    fn each_command_says_what_it_came_to_where_its_task_was() {
        use TaskStanding::{Ended, Running, Waiting};
        let id = TaskId(3);
        let table = [
            (RunCommand::Cancel(id), Waiting, Ok("had not begun")),
            (RunCommand::Cancel(id), Running, Ok("being ended")),
            (RunCommand::Cancel(id), Ended, Err("has ended")),
            (RunCommand::Restart(id), Running, Ok("begins again")),
            (RunCommand::Restart(id), Waiting, Err("not running")),
            (RunCommand::Restart(id), Ended, Err("has ended")),
            (RunCommand::Raise(id), Waiting, Ok("before all others")),
            (RunCommand::Raise(id), Running, Err("is running")),
            (RunCommand::Skip(id), Waiting, Ok("skipped")),
            (RunCommand::SetPriority { task: id, priority: -2 }, Waiting, Ok("priority -2")),
            (RunCommand::Cancel(id), TaskStanding::Absent, Err("no task 3")),
        ];
        for (command, standing, expected) in table {
            let came_to = said(Wish::of_task(command, 3), Some(standing), false);
            let (words, is_as_expected) = match (&came_to, expected) {
                (Ok(words), Ok(part)) | (Err(words), Err(part)) => (words, words.contains(part)),
                (Ok(words), Err(_)) | (Err(words), Ok(_)) => (words, false),
            };
            assert!(is_as_expected && words.contains("'Nightly'"), "{command:?} {standing:?}: {came_to:?}");
        }
        assert!(
            said(Wish::new(RunCommand::Pause), None, false).is_ok_and(|words| words.contains("until fanlane resume"))
        );
        assert!(said(Wish::new(RunCommand::Pause), None, true).is_ok_and(|words| words.contains("already")));
        assert!(said(Wish::new(RunCommand::Resume), None, false).is_err());
    }
}
