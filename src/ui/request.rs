//! Requests of the drawn parts. They only read the session; the app carries the requests out after the frame, so that a frame
//! shows one state.

use std::path::PathBuf;

use crate::session::{Command, PresetId};

use super::action::Action;

/// A request of a drawn part.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// A command to the session.
    Command(Command),
    /// An action.
    Action(Action),
    /// Open a dialog.
    Ask(Question),
    /// Copy a text to the clipboard.
    Copy(String),
    /// Stop the run, and close the window when it has ended.
    StopAndClose,
    /// Close the window; the run continues in its own process.
    LeaveAndClose,
}

/// A dialog.
#[derive(Clone, Debug, PartialEq)]
pub enum Question {
    /// Shall the run be stopped?
    Stop,
    /// Shall the run go on without the window, or be stopped?
    Close,
    /// Which job file shall be opened? Holds the path as it is typed.
    Open(String),
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

    /// Stops the run and closes the window.
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
