//! The desktop's own dialogs for choosing a file or a folder, in a thread of its own, so that the window is not blocked. Where the desktop
//! has none, which the library answers as if it had been cancelled, that is found out first, so that the path can be typed.

use std::ffi::OsStr;
use std::path::PathBuf;

use crossbeam_channel::{Receiver, TryRecvError};
use egui::Context;
use fanlane_os::search_path::find_program;

/// The service that shows dialogs for programs.
const PORTAL: &str = "org.freedesktop.portal.Desktop";
/// The program that shows them where there is no such service.
const PROGRAM: &str = "zenity";

/// The desktop's file dialog.
#[derive(Default)]
pub struct FileDialog {
    /// There is a desktop to ask.
    is_offered: bool,
    answer: Option<(PathWanted, Receiver<FileAnswer>)>,
}

/// What a path is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathWanted {
    /// A job file to be opened.
    Job,
    /// The value of a parameter of the open job.
    Value {
        /// The parameter's name.
        parameter: String,
        /// What is chosen.
        kind: PathKind,
    },
}

/// What is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathKind {
    /// A file that is there.
    File,
    /// A folder that is there.
    Folder,
    /// A file that need not be there.
    New,
}

/// What a dialog that was opened brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileAnswer {
    /// A file.
    Chosen(PathBuf),
    /// It was cancelled.
    Cancelled,
    /// The desktop has no dialog.
    Missing,
}

impl FileDialog {
    /// The dialog of the desktop, if it turns out to have one.
    pub fn of_desktop() -> Self {
        Self { is_offered: true, answer: None }
    }

    /// There may be a dialog.
    pub const fn is_offered(&self) -> bool {
        self.is_offered
    }

    /// Opens the dialog, unless it is open; false if there is none.
    pub fn open(&mut self, ctx: &Context, wanted: PathWanted) -> bool {
        if !self.is_offered || self.answer.is_some() {
            return self.is_offered;
        }
        let (sender, receiver) = crossbeam_channel::bounded(1);
        let ctx = ctx.clone();
        let asked = wanted.clone();
        let thread = std::thread::Builder::new().name("file-dialog".to_owned()).spawn(move || {
            let answer = if has_dialog() {
                asked.ask().map_or(FileAnswer::Cancelled, FileAnswer::Chosen)
            } else {
                FileAnswer::Missing
            };
            // The window may be gone by now.
            drop(sender.send(answer));
            ctx.request_repaint();
        });
        self.answer = thread.is_ok().then_some((wanted, receiver));
        self.answer.is_some()
    }

    /// What the dialog brought, once, and what it was asked for.
    pub fn poll(&mut self) -> Option<(PathWanted, FileAnswer)> {
        let (_, receiver) = self.answer.as_ref()?;
        let answer = match receiver.try_recv() {
            Err(TryRecvError::Empty) => return None,
            Ok(answer) => answer,
            Err(TryRecvError::Disconnected) => FileAnswer::Missing,
        };
        self.is_offered = answer != FileAnswer::Missing;
        self.answer.take().map(|(wanted, _)| (wanted, answer))
    }
}

impl PathWanted {
    /// Shows the dialog, and waits for it.
    fn ask(&self) -> Option<PathBuf> {
        let dialog = rfd::FileDialog::new();
        match self {
            Self::Job => dialog.set_title("Open a job file").add_filter("Job files", &["ron"]).pick_file(),
            Self::Value { parameter, kind: PathKind::File } => dialog.set_title(parameter).pick_file(),
            Self::Value { parameter, kind: PathKind::Folder } => dialog.set_title(parameter).pick_folder(),
            Self::Value { parameter, kind: PathKind::New } => dialog.set_title(parameter).save_file(),
        }
    }
}

/// The desktop shows file dialogs in one of the two ways that the library knows.
fn has_dialog() -> bool {
    find_program(OsStr::new(PROGRAM)).is_some() || pollster::block_on(has_portal()).unwrap_or(false)
}

async fn has_portal() -> zbus::Result<bool> {
    let bus = zbus::Connection::session().await?;
    let bus = zbus::fdo::DBusProxy::new(&bus).await?;
    let runs = bus.name_has_owner(PORTAL.try_into()?).await?;
    Ok(runs || bus.list_activatable_names().await?.iter().any(|name| name.as_str() == PORTAL))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_desktop_no_dialog_is_opened() {
        let mut dialog = FileDialog::default();
        assert!(!dialog.open(&Context::default(), PathWanted::Job));
        assert_eq!(dialog.poll(), None);
    }
}
