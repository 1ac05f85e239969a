//! The actions of the window, each with its label, explanation and shortcut. Some become commands of the session, some only
//! open a dialog.

use egui::{Key, Modifiers};

use crate::session::Page;

use super::job_action::JobAction;

/// An action that a button or a shortcut starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Open an empty job.
    New,
    /// Run the open job.
    Run,
    /// Pause, or resume.
    PauseResume,
    /// Ask whether to stop.
    Stop,
    /// Ask for a job file.
    Open,
    /// Show the examples.
    Examples,
    /// Save the open job over its preset, or ask for a name.
    Save,
    /// Ask for a name and save the open job under it.
    SaveAs,
    /// Take back the last change of the open job.
    Undo,
    /// Make that change again.
    Redo,
    /// Focus the search field of the results.
    Search,
    /// Find a text in the shown output, or in all of them.
    Find,
    /// Run all failed tasks again.
    RerunFailed,
    /// Put the selected task that waits in front of all others.
    RunNext,
    /// Pause the run before the selected task that waits, or not.
    PauseBefore,
    /// Give the selected task that waits a higher priority.
    RaisePriority,
    /// Give the selected task that waits a lower priority.
    LowerPriority,
    /// Choose what happens when the run under way is done.
    WhenDone,
    /// Start no further job of the queue, or go on.
    PauseQueue,
    /// Change a job that waits in the queue.
    Job(JobAction),
    /// Find anything that can be done.
    Palette,
    /// Put the focus into the next part of the window.
    NextArea,
    /// Draw everything larger.
    ZoomIn,
    /// Draw everything smaller.
    ZoomOut,
    /// Draw everything in the usual size.
    ZoomReset,
    /// List the keyboard shortcuts.
    Keys,
    /// Close the window.
    Quit,
}

/// A key with its modifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortcut {
    /// Ctrl is held, or Command on a Mac.
    pub ctrl: bool,
    /// Shift is held.
    pub shift: bool,
    /// Alt is held.
    pub alt: bool,
    /// The key.
    pub key: Key,
    /// A focused text field takes precedence.
    pub yields_to_text: bool,
    /// The only page on which it has a meaning; `None`: on all.
    pub page: Option<Page>,
}

impl Shortcut {
    /// The key with Ctrl.
    pub const fn ctrl(key: Key) -> Self {
        Self { ctrl: true, ..Self::plain(key) }
    }

    /// The key alone.
    const fn plain(key: Key) -> Self {
        Self { ctrl: false, shift: false, alt: false, key, yields_to_text: false, page: None }
    }

    /// The key alone, unless a text field has the focus.
    const fn outside_text(key: Key) -> Self {
        Self { yields_to_text: true, ..Self::plain(key) }
    }

    /// The key alone, on one page, unless a text field, a menu or a question has the focus.
    pub const fn on_page(page: Page, key: Key) -> Self {
        Self { page: Some(page), ..Self::outside_text(key) }
    }

    /// The modifiers of the key.
    pub fn modifiers(self) -> Modifiers {
        let held = |is_held, modifier| if is_held { modifier } else { Modifiers::NONE };
        held(self.ctrl, Modifiers::COMMAND) | held(self.shift, Modifiers::SHIFT) | held(self.alt, Modifiers::ALT)
    }

    /// The tooltip of a button: its explanation with the shortcut.
    pub fn hint(shortcut: Option<Self>, explanation: &str) -> String {
        shortcut.map_or_else(|| explanation.to_owned(), |shortcut| format!("{explanation} ({shortcut})"))
    }
}

impl std::fmt::Display for Shortcut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let key = match self.key {
            Key::Escape => "Esc",
            Key::Slash => "/",
            Key::ArrowUp => "Up",
            Key::ArrowDown => "Down",
            Key::Plus if !self.ctrl => "+",
            Key::Minus if !self.ctrl => "-",
            key => key.name(),
        };
        let held = [(self.ctrl, "Ctrl+"), (self.alt, "Alt+"), (self.shift, "Shift+")];
        held.into_iter().filter(|(is_held, _)| *is_held).try_for_each(|(_, words)| f.write_str(words))?;
        f.write_str(key)
    }
}

impl Action {
    /// All actions, in the order of the list of shortcuts.
    pub const ALL: [Self; 32] = [
        Self::New,
        Self::Run,
        Self::PauseResume,
        Self::Stop,
        Self::Open,
        Self::Examples,
        Self::Save,
        Self::SaveAs,
        Self::Undo,
        Self::Redo,
        Self::Search,
        Self::Find,
        Self::RerunFailed,
        Self::RunNext,
        Self::PauseBefore,
        Self::RaisePriority,
        Self::LowerPriority,
        Self::WhenDone,
        Self::PauseQueue,
        Self::Job(JobAction::Earlier),
        Self::Job(JobAction::Later),
        Self::Job(JobAction::Hold),
        Self::Job(JobAction::Start),
        Self::Job(JobAction::At),
        Self::Job(JobAction::Drop),
        Self::Palette,
        Self::NextArea,
        Self::ZoomIn,
        Self::ZoomOut,
        Self::ZoomReset,
        Self::Keys,
        Self::Quit,
    ];

    /// The label of its button.
    pub const fn text(self) -> &'static str {
        match self {
            Self::New => "New",
            Self::Run => "Run",
            Self::PauseResume => "Pause",
            Self::Stop => "Stop",
            Self::Open => "Open…",
            Self::Examples => "Examples…",
            Self::Save => "Save",
            Self::SaveAs => "Save as…",
            Self::Undo => "Undo",
            Self::Redo => "Redo",
            Self::Search => "Search",
            Self::Find => "Find",
            Self::RerunFailed => "Rerun failed tasks",
            Self::RunNext => "Run next",
            Self::PauseBefore => "Pause before",
            Self::RaisePriority => "Raise the priority",
            Self::LowerPriority => "Lower the priority",
            Self::WhenDone => "When done…",
            Self::PauseQueue => "Pause the queue",
            Self::Job(action) => action.text(),
            Self::Palette => "Commands…",
            Self::NextArea => "Next area",
            Self::ZoomIn => "Zoom in",
            Self::ZoomOut => "Zoom out",
            Self::ZoomReset => "Reset zoom",
            Self::Keys => "Keyboard shortcuts",
            Self::Quit => "Quit",
        }
    }

    /// What it does.
    pub const fn explanation(self) -> &'static str {
        match self {
            Self::New => "Open an empty job: a command of your own",
            Self::Run => "Run the open job",
            Self::PauseResume => "Pause or resume; while paused, no task starts and running tasks finish",
            Self::Stop => "Stop the run: cancel queued tasks and terminate running ones",
            Self::Open => "Open a job file",
            Self::Examples => "Show what can be tried out, and open a copy",
            Self::Save => "Save the job as a preset",
            Self::SaveAs => "Save the job as a preset under another name",
            Self::Undo => "Take back the last change of the open job, also another job opened in its place",
            Self::Redo => "Make the change of the open job again that was undone",
            Self::Search => "Search the results",
            Self::Find => "Find in the shown output, or in the outputs of all tasks",
            Self::RerunFailed => "Run all tasks that did not succeed again; the others keep their results",
            Self::RunNext => "Put the waiting task that is selected in Results in front of all others",
            Self::PauseBefore => "Pause the run before the waiting task that is selected in Results, or not any more",
            Self::RaisePriority => "Raise the priority of the waiting task that is selected in Results",
            Self::LowerPriority => "Lower the priority of the waiting task that is selected in Results",
            Self::WhenDone => "Choose what happens when the run is done: a message, a command, a shutdown",
            Self::PauseQueue => "Pause or resume the queue; while it is paused, no job of it starts",
            Self::Job(action) => action.explanation(),
            Self::Palette => "Find anything that can be done by a few letters",
            Self::NextArea => "Go to the next part of the window: Run, pages, jobs, page",
            Self::ZoomIn => "Draw everything in the window larger",
            Self::ZoomOut => "Draw everything in the window smaller",
            Self::ZoomReset => "Draw everything in its usual size",
            Self::Keys => "Show the keyboard shortcuts",
            Self::Quit => "Close the window; asks about what would be lost",
        }
    }

    /// Its keyboard shortcut.
    pub const fn shortcut(self) -> Option<Shortcut> {
        Some(match self {
            Self::New => Shortcut::ctrl(Key::N),
            Self::Run => Shortcut::ctrl(Key::Enter),
            Self::PauseResume => Shortcut::outside_text(Key::Space),
            Self::Stop => Shortcut::outside_text(Key::Escape),
            Self::Open => Shortcut::ctrl(Key::O),
            Self::Save => Shortcut::ctrl(Key::S),
            Self::SaveAs => Shortcut { shift: true, ..Shortcut::ctrl(Key::S) },
            Self::Undo => Shortcut { yields_to_text: true, ..Shortcut::ctrl(Key::Z) },
            Self::Redo => Shortcut { yields_to_text: true, shift: true, ..Shortcut::ctrl(Key::Z) },
            Self::Search => Shortcut::outside_text(Key::Slash),
            Self::Find => Shortcut::ctrl(Key::F),
            Self::RunNext => Shortcut::on_page(Page::RESULTS, Key::N),
            Self::PauseBefore => Shortcut::on_page(Page::RESULTS, Key::B),
            Self::RaisePriority => Shortcut::on_page(Page::RESULTS, Key::Plus),
            Self::LowerPriority => Shortcut::on_page(Page::RESULTS, Key::Minus),
            Self::Job(action) => action.shortcut(),
            Self::Examples | Self::RerunFailed | Self::WhenDone | Self::PauseQueue => return None,
            Self::Palette => Shortcut::ctrl(Key::P),
            Self::NextArea => Shortcut::plain(Key::F6),
            Self::ZoomIn => Shortcut::ctrl(Key::Plus),
            Self::ZoomOut => Shortcut::ctrl(Key::Minus),
            Self::ZoomReset => Shortcut::ctrl(Key::Num0),
            Self::Keys => Shortcut::plain(Key::F1),
            Self::Quit => Shortcut::ctrl(Key::Q),
        })
    }

    /// The tooltip of its button.
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
        // A key of one page may not be one of all pages.
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
        assert_eq!(Action::Job(JobAction::Earlier).shortcut().expect("has one").to_string(), "Alt+Up");
        assert_eq!(Action::RaisePriority.shortcut().expect("has one").to_string(), "+");
        let jobs =
            Action::ALL.iter().filter_map(|action| if let Action::Job(job) = action { Some(*job) } else { None });
        assert_eq!(jobs.collect::<Vec<_>>(), JobAction::ALL);
    }
}
