//! Messages to the user: what happened, and what can be done.

use std::time::{Duration, Instant};

use super::presets::PresetId;

/// How long information without an undo is shown.
const INFO_TIMEOUT: Duration = Duration::from_secs(10);
/// How long information with an undo is shown.
const UNDO_TIMEOUT: Duration = Duration::from_secs(60);

/// How serious a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Something was done.
    Info,
    /// Something could not be done.
    Error,
}

/// What a message is about. An error disappears when the same succeeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// Nothing that is tried again.
    Other,
    /// A mistake in the open job.
    Job,
    /// Opening a job.
    OpenJob,
    /// Saving and changing presets.
    Presets,
    /// Races.
    Race,
    /// Runs of the history.
    PastRun,
    /// The queue of jobs.
    Queue,
    /// Showing an output elsewhere.
    Output,
    /// Files as inputs.
    Files,
    /// What the window remembers.
    Settings,
    /// What happens when a run is done.
    WhenDone,
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
    /// The last change of the open job can be undone.
    pub undo_edit: bool,
    /// What it is about.
    pub topic: Topic,
    /// When it was made.
    pub since: Instant,
}

impl Notice {
    /// Something was done.
    pub fn info(text: impl Into<String>) -> Self {
        Self::new(Severity::Info, text.into())
    }

    /// Something could not be done.
    pub fn error(text: impl Into<String>) -> Self {
        Self::new(Severity::Error, text.into())
    }

    /// Something could not be done because of a mistake in the open job.
    pub fn mistake(text: impl Into<String>) -> Self {
        Self::error(text).about(Topic::Job)
    }

    fn new(severity: Severity, text: String) -> Self {
        Self { severity, text, undo_delete: None, undo_edit: false, topic: Topic::Other, since: Instant::now() }
    }

    /// The same message about a topic.
    pub fn about(self, topic: Topic) -> Self {
        Self { topic, ..self }
    }

    /// When it disappears by itself.
    fn expiry(&self) -> Option<Instant> {
        let timeout = if self.has_undo() { UNDO_TIMEOUT } else { INFO_TIMEOUT };
        (self.severity == Severity::Info).then(|| self.since + timeout)
    }

    const fn has_undo(&self) -> bool {
        self.undo_delete.is_some() || self.undo_edit
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

    /// Time until the next message disappears by itself.
    pub fn next_expiry(&self) -> Option<Duration> {
        let next = self.0.iter().filter_map(Notice::expiry).min()?;
        Some(next.saturating_duration_since(Instant::now()))
    }

    /// Removes the messages whose time is over.
    pub(super) fn expire(&mut self) {
        let now = Instant::now();
        self.0.retain(|notice| notice.expiry().is_none_or(|expiry| expiry > now));
    }

    /// Shows a message. It replaces earlier information; errors about other topics and offers to undo stay.
    pub(super) fn show(&mut self, notice: Notice) {
        if notice.severity == Severity::Info {
            self.succeeded(notice.topic);
        }
        let undoable = notice.has_undo();
        self.0.retain(|before| match before.severity {
            Severity::Error => before.text != notice.text,
            Severity::Info => before.has_undo() && !undoable,
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

    /// Removes the errors about a topic, in which something has succeeded.
    pub(super) fn succeeded(&mut self, topic: Topic) {
        let is_outdated = |notice: &Notice| notice.severity == Severity::Error && notice.topic == topic;
        self.0.retain(|notice| topic == Topic::Other || !is_outdated(notice));
    }

    /// Removes the offers to undo a change of the open job.
    pub(super) fn remove_undo_of_edit(&mut self) {
        self.0.retain(|notice| !notice.undo_edit);
    }

    /// Removes the newest offer to undo a deletion, which was accepted.
    pub(super) fn remove_undo(&mut self) {
        if let Some(place) = self.0.iter().rposition(|notice| notice.undo_delete.is_some()) {
            self.0.remove(place);
        }
    }
}

/// A library's message as a sentence. A function that it begins with, such as `cube(n)`, keeps its name.
pub(crate) fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    let Some(first) = letters.next() else { return String::new() };
    let end = if message.ends_with(['.', '!', '?']) { "" } else { "." };
    if message.split(' ').next().is_some_and(|word| word.contains('(')) {
        return format!("{message}{end}");
    }
    format!("{}{}{end}", first.to_uppercase(), letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_begins_with_a_capital_and_names_functions_as_they_are() {
        assert_eq!(sentence("the disk is full"), "The disk is full.");
        assert_eq!(sentence("area(width) needs 1 argument"), "area(width) needs 1 argument.");
        assert_eq!(sentence(""), "");
    }
}
