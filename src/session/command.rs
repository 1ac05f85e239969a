//! What a click, a key or a drop asks of the session, and the words, explanation and key of each action in one place.
//!
//! A [`Command`] carries what it needs and is handled by the session. An [`Action`] is what a button or a key stands
//! for: some become commands, some only open a question in the window.

use std::path::PathBuf;

use crate::event::TaskId;
use crate::job::Mode;

use super::presets::PresetId;
use super::runs::PastRunUse;

/// A page of the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Page {
    /// What to run.
    #[default]
    Job,
    /// What is going on.
    Live,
    /// What came out.
    Results,
    /// What the tasks share.
    Shared,
    /// Whether the pool was worth it.
    Race,
    /// What was run before.
    Runs,
}

impl Page {
    /// All pages, in the order of their tabs.
    pub const ALL: [Self; 6] = [Self::Job, Self::Live, Self::Results, Self::Shared, Self::Race, Self::Runs];

    /// The action that shows this page.
    pub const fn action(self) -> Action {
        match self {
            Self::Job => Action::ShowJob,
            Self::Live => Action::ShowLive,
            Self::Results => Action::ShowResults,
            Self::Shared => Action::ShowShared,
            Self::Race => Action::ShowRace,
            Self::Runs => Action::ShowRuns,
        }
    }
}

/// Something asked of the session.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Run the open job.
    Run,
    /// Start no further task.
    Pause,
    /// Start tasks again.
    Resume,
    /// End the run: queued tasks are cancelled, running ones are ended.
    Stop,
    /// As `Stop`, without the grace time.
    StopNow,
    /// Cancel one task of the run.
    CancelTask(TaskId),
    /// Set the pool's size, of the run under way and of the open job.
    SetWorkers(u32),
    /// Set how the open job is run next.
    SetMode(Mode),
    /// Show a page.
    Show(Page),
    /// Open a job file.
    OpenJob(PathBuf),
    /// Open a preset.
    SelectPreset(PresetId),
    /// Save the open job over the saved preset that it came from.
    SavePreset,
    /// Save the open job as a new preset.
    SavePresetAs(String),
    /// Give a saved preset another name.
    RenamePreset(PresetId, String),
    /// Save a copy of a preset.
    DuplicatePreset(PresetId),
    /// Delete a saved preset; [`Command::UndoDelete`] brings it back.
    DeletePreset(PresetId),
    /// Bring back the preset that was deleted last.
    UndoDelete,
    /// Race the open job.
    StartRace,
    /// Race the six workloads of PEP 371.
    StartPep371,
    /// End the race: what has run counts, the run under way does not.
    StopRace,
    /// Save the race that is shown.
    SaveRace,
    /// Open a saved race.
    OpenRace(PathBuf),
    /// Delete a saved race for good.
    RemoveRace(PathBuf),
    /// Lay a saved race beside the one that is shown, or none.
    LayBeside(Option<PathBuf>),
    /// Show a task's details.
    SelectTask(Option<TaskId>),
    /// Run one task of the finished run again, as a run of its own.
    RerunTask(TaskId),
    /// Run every task again that did not succeed, as a run of its own.
    RerunFailed,
    /// Show the details of a run of the history.
    SelectRun(Option<i64>),
    /// Read a run of the history and do something with it.
    OpenRun(i64, PastRunUse),
    /// Watch a run of the history that goes on in the background.
    WatchRun(i64),
    /// Whether the run under way is stopped when this window is closed or killed.
    EndWithWindow(bool),
    /// Remove a run from the history.
    RemoveRun(i64),
    /// Take a message off the window.
    DismissNotice(usize),
}

/// What a button or a key stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Run the open job.
    Run,
    /// Pause, or resume.
    PauseResume,
    /// Ask whether to stop.
    Stop,
    /// Save the open job over its preset, or ask for a name.
    Save,
    /// Ask for a name and save the open job under it.
    SaveAs,
    /// Ask for a job file.
    Open,
    /// Show the page Job.
    ShowJob,
    /// Show the page Live.
    ShowLive,
    /// Show the page Results.
    ShowResults,
    /// Show the page Shared.
    ShowShared,
    /// Show the page Race.
    ShowRace,
    /// Show the page Runs.
    ShowRuns,
    /// Go to the search field of the results.
    Search,
    /// Run all failed tasks again.
    RerunFailed,
    /// List the keys.
    Keys,
}

/// A key of a keyboard, as far as shortcuts use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// Enter.
    Enter,
    /// The space bar.
    Space,
    /// Escape.
    Escape,
    /// `1`.
    Num1,
    /// `2`.
    Num2,
    /// `3`.
    Num3,
    /// `4`.
    Num4,
    /// `5`.
    Num5,
    /// `6`.
    Num6,
    /// F1.
    F1,
    /// `/`.
    Slash,
    /// `O`.
    O,
    /// `S`.
    S,
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

impl std::fmt::Display for Shortcut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let key = match self.key {
            Key::Enter => "Enter",
            Key::Space => "Space",
            Key::Escape => "Esc",
            Key::Num1 => "1",
            Key::Num2 => "2",
            Key::Num3 => "3",
            Key::Num4 => "4",
            Key::Num5 => "5",
            Key::Num6 => "6",
            Key::F1 => "F1",
            Key::Slash => "/",
            Key::O => "O",
            Key::S => "S",
        };
        write!(f, "{}{}{key}", if self.ctrl { "Ctrl+" } else { "" }, if self.shift { "Shift+" } else { "" })
    }
}

impl Action {
    /// All actions, in the order in which the key list names them.
    pub const ALL: [Self; 15] = [
        Self::Run,
        Self::PauseResume,
        Self::Stop,
        Self::Open,
        Self::Save,
        Self::SaveAs,
        Self::ShowJob,
        Self::ShowLive,
        Self::ShowResults,
        Self::ShowShared,
        Self::ShowRace,
        Self::ShowRuns,
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
            Self::Save => "Save",
            Self::SaveAs => "Save as…",
            Self::Open => "Open…",
            Self::ShowJob => "Job",
            Self::ShowLive => "Live",
            Self::ShowResults => "Results",
            Self::ShowShared => "Shared",
            Self::ShowRace => "Race",
            Self::ShowRuns => "Runs",
            Self::Search => "Search",
            Self::RerunFailed => "Run all failed again",
            Self::Keys => "Keys",
        }
    }

    /// What it does, for a hint.
    pub const fn explanation(self) -> &'static str {
        match self {
            Self::Run => "Run the open job",
            Self::PauseResume => "Start no further task, or go on; running tasks are left alone",
            Self::Stop => "End the run: what is queued is cancelled, what is running is ended",
            Self::Save => "Save the job as a preset",
            Self::SaveAs => "Save the job as a preset with another name",
            Self::Open => "Open a job file",
            Self::ShowJob => "What to run",
            Self::ShowLive => "What the workers and the cores are doing",
            Self::ShowResults => "What came out",
            Self::ShowShared => "What the tasks share",
            Self::ShowRace => "Whether the pool was worth it",
            Self::ShowRuns => "What was run before",
            Self::Search => "Search in the results",
            Self::RerunFailed => "Run every task again that did not succeed, as a run of its own",
            Self::Keys => "List the keys",
        }
    }

    /// The key that does the same.
    pub const fn shortcut(self) -> Option<Shortcut> {
        const fn ctrl(key: Key) -> Option<Shortcut> {
            Some(Shortcut { ctrl: true, shift: false, key, yields_to_text: false })
        }
        const fn plain(key: Key, yields_to_text: bool) -> Option<Shortcut> {
            Some(Shortcut { ctrl: false, shift: false, key, yields_to_text })
        }
        match self {
            Self::Run => ctrl(Key::Enter),
            Self::PauseResume => plain(Key::Space, true),
            Self::Stop => plain(Key::Escape, true),
            Self::Save => ctrl(Key::S),
            Self::SaveAs => Some(Shortcut { ctrl: true, shift: true, key: Key::S, yields_to_text: false }),
            Self::Open => ctrl(Key::O),
            Self::ShowJob => ctrl(Key::Num1),
            Self::ShowLive => ctrl(Key::Num2),
            Self::ShowResults => ctrl(Key::Num3),
            Self::ShowShared => ctrl(Key::Num4),
            Self::ShowRace => ctrl(Key::Num5),
            Self::ShowRuns => ctrl(Key::Num6),
            Self::Search => plain(Key::Slash, true),
            Self::RerunFailed => None,
            Self::Keys => plain(Key::F1, false),
        }
    }

    /// What it does with its key, as a hint over its button says it.
    pub fn hint(self) -> String {
        match self.shortcut() {
            Some(shortcut) => format!("{} ({shortcut})", self.explanation()),
            None => self.explanation().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_actions_share_a_key() {
        let keys: Vec<String> = Action::ALL.iter().filter_map(|action| Some(action.shortcut()?.to_string())).collect();
        let mut distinct = keys.clone();
        distinct.sort();
        distinct.dedup();
        assert_eq!(distinct.len(), keys.len(), "{keys:?}");
    }

    #[test]
    fn a_shortcut_reads_as_people_write_it() {
        assert_eq!(Action::SaveAs.shortcut().expect("has one").to_string(), "Ctrl+Shift+S");
        assert_eq!(Action::Run.hint(), "Run the open job (Ctrl+Enter)");
    }
}
