//! A message to the person at the window: what happened, to what, and what can be done.

use super::presets::PresetId;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Something was done.
    Info,
    /// Something could not be done.
    Error,
}

/// A message with what can be done about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// How bad it is.
    pub severity: Severity,
    /// What happened, to what, and what to do.
    pub text: String,
    /// A preset was deleted and can be brought back.
    pub undo_delete: Option<PresetId>,
    /// It speaks of a mistake in the open job, and goes when that job is changed or another is opened.
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
