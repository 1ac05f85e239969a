//! What a button or a key stands for: the words, explanation and key of each action. Some actions become commands of the
//! session, some only open a question.

use egui::{Key, Modifiers};

/// What a button or a key stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Run the open job.
    Run,
    /// Pause, or resume.
    PauseResume,
    /// Ask whether to stop.
    Stop,
    /// Ask for a job file.
    Open,
    /// Save the open job over its preset, or ask for a name.
    Save,
    /// Ask for a name and save the open job under it.
    SaveAs,
    /// Go to the search field of the results.
    Search,
    /// Run all failed tasks again.
    RerunFailed,
    /// List the keys.
    Keys,
}

/// A key with what is held down beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortcut {
    /// Ctrl is held, or Command on a Mac.
    pub ctrl: bool,
    /// Shift is held.
    pub shift: bool,
    /// The key.
    pub key: Key,
    /// A text field that has the focus takes this key for itself.
    pub yields_to_text: bool,
}

impl Shortcut {
    /// The key with Ctrl.
    pub const fn ctrl(key: Key) -> Self {
        Self { ctrl: true, shift: false, key, yields_to_text: false }
    }

    /// The key alone.
    const fn plain(key: Key) -> Self {
        Self { ctrl: false, shift: false, key, yields_to_text: false }
    }

    /// The key alone, where no text field has the focus.
    const fn outside_text(key: Key) -> Self {
        Self { yields_to_text: true, ..Self::plain(key) }
    }

    /// What is held down beside the key.
    pub fn modifiers(self) -> Modifiers {
        let ctrl = if self.ctrl { Modifiers::COMMAND } else { Modifiers::NONE };
        if self.shift { ctrl | Modifiers::SHIFT } else { ctrl }
    }

    /// What an action does, with its key, as a hint over its button.
    pub fn hint(shortcut: Option<Self>, explanation: &str) -> String {
        shortcut.map_or_else(|| explanation.to_owned(), |shortcut| format!("{explanation} ({shortcut})"))
    }
}

impl std::fmt::Display for Shortcut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let key = match self.key {
            Key::Escape => "Esc",
            Key::Slash => "/",
            key => key.name(),
        };
        write!(f, "{}{}{key}", if self.ctrl { "Ctrl+" } else { "" }, if self.shift { "Shift+" } else { "" })
    }
}

impl Action {
    /// All actions, in the order of the list of keys.
    pub const ALL: [Self; 9] = [
        Self::Run,
        Self::PauseResume,
        Self::Stop,
        Self::Open,
        Self::Save,
        Self::SaveAs,
        Self::Search,
        Self::RerunFailed,
        Self::Keys,
    ];

    /// The words on its button.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Run => "Run",
            Self::PauseResume => "Pause",
            Self::Stop => "Stop",
            Self::Open => "Open…",
            Self::Save => "Save",
            Self::SaveAs => "Save as…",
            Self::Search => "Search",
            Self::RerunFailed => "Run all failed again",
            Self::Keys => "Keys",
        }
    }

    /// What it does.
    pub const fn explanation(self) -> &'static str {
        match self {
            Self::Run => "Run the open job",
            Self::PauseResume => "Stop starting tasks, or start them again; running tasks go on",
            Self::Stop => "End the run: cancel queued tasks and end running ones",
            Self::Open => "Open a job file",
            Self::Save => "Save the job as a preset",
            Self::SaveAs => "Save the job as a preset with another name",
            Self::Search => "Search the results",
            Self::RerunFailed => "Run every task that did not succeed again, as a new run",
            Self::Keys => "Show the keyboard shortcuts",
        }
    }

    /// The key that does the same.
    pub const fn shortcut(self) -> Option<Shortcut> {
        Some(match self {
            Self::Run => Shortcut::ctrl(Key::Enter),
            Self::PauseResume => Shortcut::outside_text(Key::Space),
            Self::Stop => Shortcut::outside_text(Key::Escape),
            Self::Open => Shortcut::ctrl(Key::O),
            Self::Save => Shortcut::ctrl(Key::S),
            Self::SaveAs => Shortcut { shift: true, ..Shortcut::ctrl(Key::S) },
            Self::Search => Shortcut::outside_text(Key::Slash),
            Self::RerunFailed => return None,
            Self::Keys => Shortcut::plain(Key::F1),
        })
    }

    /// What it does with its key, as a hint over its button says it.
    pub fn hint(self) -> String {
        Shortcut::hint(self.shortcut(), self.explanation())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::pages::Pages;

    #[test]
    fn no_two_actions_or_pages_share_a_key() {
        let of_pages = Pages::default();
        let of_pages = of_pages.iter().filter_map(|(_, shortcut)| shortcut);
        let keys = Action::ALL.iter().filter_map(|action| action.shortcut()).chain(of_pages);
        let keys: Vec<String> = keys.map(|shortcut| shortcut.to_string()).collect();
        let mut distinct = keys.clone();
        distinct.sort();
        distinct.dedup();
        assert_eq!(distinct.len(), keys.len(), "{keys:?}");
    }

    #[test]
    fn a_shortcut_is_written_as_usual() {
        assert_eq!(Action::SaveAs.shortcut().expect("has one").to_string(), "Ctrl+Shift+S");
        assert_eq!(Action::Run.hint(), "Run the open job (Ctrl+Enter)");
        assert_eq!(Action::Search.shortcut().expect("has one").to_string(), "/");
    }
}
