//! `fanlane follow`: what the tasks of a detached run print, while they print; of a run that has ended, what is recorded.

use anyhow::{Context, Result, bail};
use bstr::BString;
use clap::Args;

use super::{detached_named, task_of};
use crate::cli::exit_status::Status;
use crate::cli::report::tag::Colouring;
use crate::cli::report::{Bar, Format, Grouping, RecordedTask, Report, Streams, Style, Tasks};
use crate::cli::run_name::RunName;
use crate::cli::subcommand::Subcommand;
use crate::cli::terminal::{is_closed_pipe, remark};
use fanlane_core::engine::{OutputLevel, RunCommand};
use fanlane_core::event::{AttemptRecord, EventKind, Outcome, RunEvent, TaskEvent, TaskId};
use fanlane_core::host::{DetachedRun, DetachedUpdate};
use fanlane_core::job::TaskKind;
use fanlane_core::store::history::{self, History, HistoryError, RunRow, RunState};
use fanlane_os::clock::monotonic_ns;

/// The arguments of `fanlane follow`.
#[derive(Debug, Args)]
#[command(after_help = "\
Of a detached run that is running, the tasks that run now and those that begin later; what a task has printed so far comes
first. A task that prints faster than it can be shown is shown in part, and the rest when it has ended. Ctrl-C ends
following; the run goes on.

Exit status: 0   1 the followed task failed, or what is recorded is not whole   2 there is no such run or task

Examples:
  fanlane follow last            all tasks, each line behind its input
  fanlane follow 12 3            task 3 of run 12, until it has ended
  fanlane follow Thumbnails 3    the same of the newest run of that name")]
pub struct FollowArgs {
    /// A run: its number, its name, or last
    #[arg(value_name = "RUN")]
    run: String,
    /// The number of one task [default: all tasks, each line behind its task's input]
    #[arg(value_name = "TASK")]
    task: Option<u64>,
}

impl Subcommand for FollowArgs {
    fn perform(self) -> Result<Status> {
        let mut streams = Streams::of_program(Bar::Hidden).context("standard output cannot be used")?;
        let followed = match detached_named(&self.run) {
            Some(watching) => follow(watching, self.task, streams),
            None => print_recorded(&self.run, self.task, &mut streams),
        };
        match followed {
            // Its reader has seen enough.
            Err(error) if is_closed_pipe(&*error) => Ok(Status::AllDone),
            followed => followed,
        }
    }
}

/// Tasks whose lines are tagged, or are not.
struct Tagged<'a> {
    tasks: &'a dyn Tasks,
    is_tagged: bool,
}

impl Tasks for Tagged<'_> {
    fn number(&self, task: TaskId) -> u64 {
        self.tasks.number(task)
    }

    fn describe(&self, task: TaskId, slot: u32) -> String {
        self.tasks.describe(task, slot)
    }

    fn command_line(&self, task: TaskId, slot: u32) -> BString {
        self.tasks.command_line(task, slot)
    }

    fn tag(&self, task: TaskId, slot: u32) -> Option<BString> {
        let input = || bstr::join(" ", self.tasks.input(task)).into();
        self.is_tagged.then(|| self.tasks.tag(task, slot).unwrap_or_else(input))
    }

    fn input(&self, task: TaskId) -> Vec<BString> {
        self.tasks.input(task)
    }

    fn kind(&self) -> TaskKind {
        self.tasks.kind()
    }
}

/// Follows a run, or one of its tasks, to its end.
fn follow(mut watching: DetachedRun, number: Option<u64>, streams: Streams) -> Result<Status> {
    let batch = watching.batch().cloned().context("the detached run does not tell its tasks")?;
    let task = number.map(|number| task_of(&watching, &batch, number)).transpose()?;
    let handle = watching.handle();
    handle.command(task.map_or(RunCommand::Watch(OutputLevel::Stream), RunCommand::Follow));
    let tasks = Tagged { tasks: &*batch, is_tagged: task.is_none() };
    let style = Style {
        format: Format::Text,
        grouping: Grouping::Lines,
        keep_order: false,
        quiet: true,
        colouring: Colouring::Never,
        as_files: false,
    };
    let mut report = Report::new(style, &tasks, streams);
    // What ended before was printed before; of one task it is what is asked for.
    let from_ns = if task.is_some() { 0 } else { monotonic_ns().saturating_sub(watching.info.epoch_ns) };
    let is_wanted = |record: &AttemptRecord| match task {
        Some(task) => record.task == task,
        None => record.start_ns + record.wall_ns >= from_ns,
    };
    loop {
        if !watching.has_more() {
            report.flush()?;
        }
        let update = watching.next_update()?;
        let mut event = match update {
            Some(DetachedUpdate::Event(event)) => event,
            Some(DetachedUpdate::Message(words)) => {
                remark(&words);
                continue;
            }
            Some(DetachedUpdate::Recorded(_)) => continue,
            None => break,
        };
        match &mut event.kind {
            EventKind::Task(TaskEvent::Finished(records)) => records.retain(is_wanted),
            EventKind::Task(TaskEvent::Retried(record)) if !is_wanted(record) => continue,
            _ => {}
        }
        let ended = match (&event.kind, task) {
            (EventKind::Task(TaskEvent::Finished(records)), Some(_)) => records.first().map(is_done),
            (EventKind::Run(RunEvent::Finished(_)), _) => Some(true),
            _ => None,
        };
        report.take(event)?;
        if let Some(is_done) = ended {
            report.flush()?;
            return Ok(if is_done { Status::AllDone } else { Status::SomeFailed });
        }
    }
    Ok(Status::AllDone)
}

fn is_done(record: &AttemptRecord) -> bool {
    record.outcome == Outcome::Done
}

/// Prints what is recorded of a run that has ended, or of one of its tasks.
fn print_recorded(name: &str, number: Option<u64>, streams: &mut Streams) -> Result<Status> {
    let (history, run) = recorded_named(name)?;
    if run.state == RunState::Running {
        bail!(
            "run {} is running in a terminal, which is where its tasks' output is printed; only a run that was started with \
             --background or in the window can be followed from elsewhere",
            run.id
        );
    }
    let mut status = None;
    history.each_ended(run.id, |words, record| {
        if number.is_some_and(|number| words.number() != number) {
            return Ok(());
        }
        let is_failed = number.is_some() && !is_done(record);
        status.get_or_insert(Status::AllDone);
        let task = RecordedTask { words: words.clone(), kind: run.header.kind };
        let is_whole = Report::print_recorded(&Tagged { tasks: &task, is_tagged: number.is_none() }, record, streams)?;
        if is_failed || !is_whole {
            status = Some(Status::SomeFailed);
        }
        Ok::<_, anyhow::Error>(())
    })?;
    streams.flush()?;
    match (status, number) {
        (Some(status), _) => Ok(status),
        (None, None) => Ok(Status::AllDone),
        (None, Some(number)) => bail!("no end of a task {number} is recorded in run {}", run.id),
    }
}

/// The run of this name in the history; the newest, if there are several.
fn recorded_named(name: &str) -> Result<(History, RunRow)> {
    if let Ok(name) = name.parse::<RunName>() {
        return name.find();
    }
    let history = History::existing(&history::default_folder()?)?.ok_or(HistoryError::Empty)?;
    match history.runs()?.into_iter().find(|run| run.name == name) {
        Some(run) => Ok((history, run)),
        None => bail!("no run is called '{name}'; fanlane history lists the runs"),
    }
}
