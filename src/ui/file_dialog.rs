//! The desktop's own dialog for choosing a job file, in a thread of its own, so that the window is not blocked.
//!
//! Without such a dialog it answers as if it had been cancelled: the path can also be typed.

use std::path::PathBuf;

use crossbeam_channel::{Receiver, TryRecvError};
use egui::Context;

/// The desktop's file dialog.
#[derive(Default)]
pub struct FileDialog {
    answer: Option<Receiver<Option<PathBuf>>>,
}

impl FileDialog {
    /// The dialog is open.
    pub const fn is_open(&self) -> bool {
        self.answer.is_some()
    }

    /// Opens the dialog, unless it is open.
    pub fn open(&mut self, ctx: &Context) {
        if self.is_open() {
            return;
        }
        let (sender, receiver) = crossbeam_channel::bounded(1);
        let ctx = ctx.clone();
        let thread = std::thread::Builder::new().name("file-dialog".to_owned()).spawn(move || {
            let file =
                rfd::FileDialog::new().set_title("Open a job file").add_filter("Job files", &["ron"]).pick_file();
            // The window may be gone by now.
            drop(sender.send(file));
            ctx.request_repaint();
        });
        self.answer = thread.is_ok().then_some(receiver);
    }

    /// The file that was chosen, once.
    pub fn poll(&mut self) -> Option<PathBuf> {
        match self.answer.as_ref()?.try_recv() {
            Err(TryRecvError::Empty) => None,
            Ok(file) => {
                self.answer = None;
                file
            }
            Err(TryRecvError::Disconnected) => {
                self.answer = None;
                None
            }
        }
    }
}
