//! Requests of the drawn parts. They only read the session; the app carries the requests out after the frame, so that a frame
//! shows one state.

use std::path::PathBuf;
use std::time::Instant;

use crate::session::{Command, DoneAction, Messages, OtherWork, PresetId};

use super::action::Action;
use super::command_palette::PaletteQuery;
use super::file_dialog::PathWanted;
use super::widgets::TaskOrder;
use fanlane_core::event::TaskId;

/// A request of a drawn part.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// A command to the session. If it replaces an edited job, the user is asked first.
    Command(Command),
    /// A command whose losses the user has accepted.
    Confirmed(Command),
    /// An action.
    Action(Action),
    /// Open a dialog.
    Ask(Question),
    /// Ask the desktop for a file or a folder.
    ChoosePath(PathWanted),
    /// Copy a text to the clipboard.
    Copy(String),
    /// Stop what is under way, and close the window when it has ended.
    StopAndClose,
    /// Close the window; the run continues in its own process.
    LeaveAndClose,
    /// Shut the machine down.
    ShutDown,
}

/// A dialog.
#[derive(Clone, Debug, PartialEq)]
pub enum Question {
    /// Shall the run be stopped?
    StopRun,
    /// Shall the race be stopped?
    StopRace,
    /// Shall the open job run beside the run under way, or after it?
    RunBeside,
    /// Shall a job be dropped from the queue? Holds its number and its name.
    DropJob(u64, String),
    /// When shall a job of the queue start at the earliest?
    StartAt {
        /// Its number.
        id: u64,
        /// The time as it is typed.
        time: String,
        /// Why the one that was entered was not taken.
        fault: Option<String>,
    },
    /// Shall the window be closed, and what becomes of what is under way?
    Close {
        /// Something was under way when it was asked. The question is void once that has ended.
        busy: bool,
    },
    /// Which job file shall be opened?
    Open {
        /// The path as it is typed.
        path: String,
        /// Why the one that was entered was not opened.
        fault: Option<String>,
    },
    /// Under which name shall the job be saved? Holds the name as it is typed.
    SaveAs(String),
    /// What shall the preset be called? Holds the name as it is typed.
    Rename(PresetId, String),
    /// Discard the changes of the open job before this command?
    Discard(Box<Command>),
    /// Shall the run be removed from the history? Holds its number and its name.
    RemoveRun(i64, String),
    /// Shall the saved race be deleted?
    RemoveRace(PathBuf),
    /// What happens when the run under way is done?
    WhenDone {
        /// What is chosen.
        action: DoneAction,
        /// The command line as it is typed.
        line: String,
        /// The messages of the desktop.
        messages: Messages,
    },
    /// Shall the machine be shut down, as was chosen?
    ShutDown {
        /// When it is without an answer.
        at: Instant,
        /// What has to end before that time begins to run.
        after: OtherWork,
    },
    /// What shall be done?
    Palette(PaletteQuery),
    /// Which example shall be opened?
    Examples,
    /// The list of keyboard shortcuts.
    Keys,
}

/// The requests of a frame.
#[derive(Default)]
pub struct Requests(Vec<Request>);

impl Requests {
    /// Adds a command to the session.
    pub fn command(&mut self, command: impl Into<Command>) {
        self.0.push(Request::Command(command.into()));
    }

    /// Adds what is asked about one task.
    pub(super) fn order(&mut self, task: TaskId, order: TaskOrder) {
        self.command(match order {
            TaskOrder::Locate => Command::LocateTask(task),
            TaskOrder::Kill => Command::CancelTask(task),
            TaskOrder::Restart => Command::RestartTask(task),
            TaskOrder::Skip => Command::SkipTask(task),
            TaskOrder::Raise => Command::RaiseTask(task),
            TaskOrder::SetPriority(priority) => Command::SetPriority(task, priority),
            TaskOrder::SetBreakpoint(is_set) => Command::SetBreakpoint(task, is_set),
        });
    }

    /// Adds a request.
    pub(super) fn request(&mut self, request: Request) {
        self.0.push(request);
    }

    /// Adds a command whose losses the user has accepted.
    pub(super) fn confirmed(&mut self, command: impl Into<Command>) {
        self.0.push(Request::Confirmed(command.into()));
    }

    /// Adds an action.
    pub(super) fn action(&mut self, action: Action) {
        self.0.push(Request::Action(action));
    }

    /// Opens a dialog.
    pub(super) fn ask(&mut self, question: Question) {
        self.0.push(Request::Ask(question));
    }

    /// Copies a text to the clipboard.
    pub fn copy(&mut self, text: impl Into<String>) {
        self.0.push(Request::Copy(text.into()));
    }

    /// Stops what is under way and closes the window.
    pub(super) fn stop_and_close(&mut self) {
        self.0.push(Request::StopAndClose);
    }

    /// Closes the window; the run continues in its own process.
    pub(super) fn leave_and_close(&mut self) {
        self.0.push(Request::LeaveAndClose);
    }

    /// Takes all requests.
    pub(super) fn take(&mut self) -> Vec<Request> {
        std::mem::take(&mut self.0)
    }
}
