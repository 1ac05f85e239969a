//! Messages to the user: what happened, and what can be done.

use super::presets::PresetId;

/// How serious a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Something was done.
    Info,
    /// Something could not be done.
    Error,
}

/// A message, possibly with an undo.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// How serious it is.
    pub severity: Severity,
    /// What happened, to what, and what to do.
    pub text: String,
    /// The deleted preset that can be restored.
    pub undo_delete: Option<PresetId>,
    /// It is about a mistake in the open job and disappears when that changes.
    pub about_job: bool,
}

impl Notice {
    /// Something was done.
    pub fn info(text: impl Into<String>) -> Self {
        Self { severity: Severity::Info, text: text.into(), undo_delete: None, about_job: false }
    }

    /// Something could not be done.
    pub fn error(text: impl Into<String>) -> Self {
        Self { severity: Severity::Error, text: text.into(), undo_delete: None, about_job: false }
    }

    /// Something could not be done because of a mistake in the open job.
    pub fn mistake(text: impl Into<String>) -> Self {
        Self { about_job: true, ..Self::error(text) }
    }
}

/// The messages that are shown, oldest first.
#[derive(Default)]
pub struct Notices(Vec<Notice>);

impl Notices {
    /// The messages, oldest first.
    pub fn all(&self) -> &[Notice] {
        &self.0
    }

    /// Shows a message. It replaces earlier information; errors and offers to undo stay.
    pub(super) fn show(&mut self, notice: Notice) {
        let undoable = notice.undo_delete.is_some();
        self.0.retain(|before| match before.severity {
            Severity::Error => before.text != notice.text,
            Severity::Info => before.undo_delete.is_some() && !undoable,
        });
        self.0.push(notice);
    }

    pub(super) fn dismiss(&mut self, index: usize) {
        if index < self.0.len() {
            self.0.remove(index);
        }
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Removes the messages about mistakes in the open job, which has changed.
    pub(super) fn clear_mistakes(&mut self) {
        self.0.retain(|notice| !notice.about_job);
    }

    /// Removes the newest offer to undo a deletion, which was accepted.
    pub(super) fn remove_undo(&mut self) {
        if let Some(place) = self.0.iter().rposition(|notice| notice.undo_delete.is_some()) {
            self.0.remove(place);
        }
    }
}

/// A library's message as a sentence.
pub(super) fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    let Some(first) = letters.next() else { return String::new() };
    let end = if message.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{}{}{end}", first.to_uppercase(), letters.as_str())
}
