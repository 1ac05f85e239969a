//! What the drawn parts ask for. They read the session and change nothing; the app does what was asked after the frame, so
//! that a frame shows one state.

use std::path::PathBuf;

use crate::session::{Command, PresetId};

use super::action::Action;

/// Something that a drawn part asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// Something for the session.
    Command(Command),
    /// What a button or a key stands for.
    Action(Action),
    /// Ask for something first.
    Ask(Question),
    /// Put a text into the clipboard.
    Copy(String),
    /// Stop the run, and close the window once nothing of it is left.
    StopAndClose,
    /// Close the window; the run goes on in its own process.
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
    /// The open job has changes: discard them for the sake of what is to be opened?
    Discard(Box<Command>),
    /// Shall the run be removed from the history? Holds its number and its name.
    RemoveRun(i64, String),
    /// Shall the saved race be deleted?
    RemoveRace(PathBuf),
    /// The list of keys.
    Keys,
}

/// What was asked for during a frame.
#[derive(Default)]
pub struct Requests(Vec<Request>);

impl Requests {
    /// Asks the session for something.
    pub fn command(&mut self, command: impl Into<Command>) {
        self.0.push(Request::Command(command.into()));
    }

    /// Asks for what a button or a key stands for.
    pub(super) fn action(&mut self, action: Action) {
        self.0.push(Request::Action(action));
    }

    /// Opens a question.
    pub(super) fn ask(&mut self, question: Question) {
        self.0.push(Request::Ask(question));
    }

    /// Puts a text into the clipboard.
    pub fn copy(&mut self, text: impl Into<String>) {
        self.0.push(Request::Copy(text.into()));
    }

    /// Stops the run and closes the window.
    pub(super) fn stop_and_close(&mut self) {
        self.0.push(Request::StopAndClose);
    }

    /// Closes the window and leaves the run to its own process.
    pub(super) fn leave_and_close(&mut self) {
        self.0.push(Request::LeaveAndClose);
    }

    /// Takes what was asked for.
    pub(super) fn take(&mut self) -> Vec<Request> {
        std::mem::take(&mut self.0)
    }
}
