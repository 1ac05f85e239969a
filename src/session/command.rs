//! The commands to the session, from clicks, keys and dropped files. A command carries all that it needs.

use std::path::PathBuf;

use fanlane_core::engine::EngineChoice;
use fanlane_core::event::{StreamName, TaskId};
use fanlane_core::job::Mode;
use fanlane_core::model::CauseId;
use fanlane_core::model::race::pep371::WorkSet;

use super::history::PastRunUse;
use super::job_editor::JobDraft;
use super::page::Page;
use super::presets::PresetId;
use super::queue::QueueCommand;
use super::race::RaceDraft;
use super::run::RowQuery;
use super::scale::Scale;
use super::settings::{Messages, MotionChoice, ThemeChoice};
use super::when_done::DoneAction;

/// A command to the session.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Show a page.
    Show(Page),
    /// Replace the text of the open job.
    Edit(Box<JobDraft>),
    /// List the functions of the Python file that the open job names.
    ListFunctions,
    /// Open an empty job.
    New,
    /// Make a job of a command line of GNU parallel or xargs.
    Import(String),
    /// Make files the inputs of the open job.
    TakeFiles(Vec<PathBuf>),
    /// Take back the last change of the open job, whatever it was.
    UndoEdit,
    /// Make the change again that was undone last.
    RedoEdit,
    /// Open a job file.
    OpenJob(PathBuf),
    /// Set the pool's size of the run under way; if none is, that of the open job.
    SetWorkers(u32),
    /// Set the number of workers with which the open job is run next.
    SetJobWorkers(u32),
    /// Set how the open job is run next.
    SetMode(Mode),
    /// Read the profiles of engines again.
    ListEngines,
    /// Set what runs the next runs.
    SetEngine(EngineChoice),
    /// Run the open job.
    Run,
    /// Run the open job beside the run under way, as another detached run.
    RunBeside,
    /// Add the open job to the queue, to be run after the run under way.
    RunAfter,
    /// Start no further tasks.
    Pause,
    /// Start tasks again.
    Resume,
    /// Stop the run: queued tasks are cancelled, running ones are terminated.
    Stop,
    /// As `Stop`, without a grace period.
    StopNow,
    /// Cancel one task of the run.
    CancelTask(TaskId),
    /// Ask where a running task is, and show it in its details.
    LocateTask(TaskId),
    /// End the running attempt of a task and put it back into the queue.
    RestartTask(TaskId),
    /// Give a task up, and let those that wait for it begin.
    SkipTask(TaskId),
    /// Begin a queued task before all others.
    RaiseTask(TaskId),
    /// Give a queued task another priority; the higher begins first.
    SetPriority(TaskId, i32),
    /// Whether the run pauses before a queued task begins.
    SetBreakpoint(TaskId, bool),
    /// Whether the run under way is stopped when this window is closed or killed.
    EndWithWindow(bool),
    /// Follow a detached run, by its number in the history.
    WatchRun(i64),
    /// Choose which results are shown, and in which order.
    SetQuery(RowQuery),
    /// Show a task's details.
    SelectTask(Option<TaskId>),
    /// Run one task of the finished run again, as another attempt in the same run.
    RerunTask(TaskId),
    /// Run the tasks that failed for one cause again, as other attempts in the same run.
    RerunCause(CauseId),
    /// Run all tasks that did not succeed again, as other attempts in the same run.
    RerunFailed,
    /// Show the run again from which the shown one was rerun.
    Back,
    /// Open a stream of an ended attempt in the user's editor.
    OpenOutput {
        /// The task.
        task: TaskId,
        /// The attempt, from 1.
        attempt: u32,
        /// The stream.
        stream: StreamName,
    },
    /// A command about presets.
    Preset(PresetCommand),
    /// A command about races.
    Race(RaceCommand),
    /// A command about the history.
    History(HistoryCommand),
    /// A command about the queue of jobs.
    Queue(QueueCommand),
    /// Give the window a theme, now and from now on.
    SetTheme(ThemeChoice),
    /// Draw everything in another size, now and from now on.
    SetScale(Scale),
    /// Choose how much moves in the window, now and from now on.
    SetMotion(MotionChoice),
    /// Choose which messages the desktop shows, now and from now on.
    SetMessages(Messages),
    /// Choose what is done when the run under way is done.
    WhenDone(DoneAction),
    /// Remove a message, by its index.
    DismissNotice(usize),
}

/// A command about presets.
#[derive(Clone, Debug, PartialEq)]
pub enum PresetCommand {
    /// Open a preset.
    Open(PresetId),
    /// Save the open job over the saved preset that it came from.
    Save,
    /// Save the open job as a new preset.
    SaveAs(String),
    /// Give a saved preset another name.
    Rename(PresetId, String),
    /// Save a copy of a preset.
    Duplicate(PresetId),
    /// Delete a saved preset; [`PresetCommand::UndoDelete`] restores it.
    Delete(PresetId),
    /// Restore the preset that was deleted last.
    UndoDelete,
}

/// A command about races.
#[derive(Clone, Debug, PartialEq)]
pub enum RaceCommand {
    /// Replace the settings of the next race.
    Edit(RaceDraft),
    /// Make the job of the shown run that of the next race, and show the page.
    OfRun,
    /// Make the open job that of the next race.
    OfOpenJob,
    /// Race that job.
    Start,
    /// Race the six workloads of PEP 371 with this much work.
    StartPep371(WorkSet),
    /// Stop the race: finished runs count, the current one does not.
    Stop,
    /// Save the race that is shown.
    Save,
    /// Open a saved race.
    Open(PathBuf),
    /// Show a race of this session again that was replaced before it was saved, by its serial number.
    Reopen(u64),
    /// Delete a saved race.
    Remove(PathBuf),
    /// Compare the race that is shown with a saved one, or with none.
    Compare(Option<PathBuf>),
}

/// A command about the history.
#[derive(Clone, Debug, PartialEq)]
pub enum HistoryCommand {
    /// Show only runs whose names or command lines contain this text.
    Filter(String),
    /// Show the details of a run.
    Select(Option<i64>),
    /// Read a run and use it.
    Open(i64, PastRunUse),
    /// Show two runs side by side, the earlier one first.
    Compare(i64, i64),
    /// Show the list alone again.
    CloseComparison,
    /// Remove a run.
    Remove(i64),
}

impl From<PresetCommand> for Command {
    fn from(command: PresetCommand) -> Self {
        Self::Preset(command)
    }
}

impl From<RaceCommand> for Command {
    fn from(command: RaceCommand) -> Self {
        Self::Race(command)
    }
}

impl From<QueueCommand> for Command {
    fn from(command: QueueCommand) -> Self {
        Self::Queue(command)
    }
}

impl From<HistoryCommand> for Command {
    fn from(command: HistoryCommand) -> Self {
        Self::History(command)
    }
}
