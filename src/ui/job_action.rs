//! What can be done to a job that waits in the queue: the one table behind its buttons, its keys and the palette.

use egui::Key;
use egui_material_icons::MaterialIcon;
use egui_material_icons::icons::{
    ICON_ARROW_DOWNWARD, ICON_ARROW_UPWARD, ICON_DELETE, ICON_PAUSE, ICON_PLAY_ARROW, ICON_PLAYLIST_PLAY, ICON_SCHEDULE,
};

use crate::session::{Page, QueueCommand};

use super::action::Shortcut;
use super::request::{Question, Request};
use fanlane_core::store::queue::{Change, JobList, JobState, Place, QueuedJob};

/// Something that can be done to a job that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JobAction {
    /// Move it one place forward.
    Earlier,
    /// Move it one place back.
    Later,
    /// Hold it, or release it.
    Hold,
    /// Start it as soon as possible.
    Start,
    /// Ask for its earliest start.
    At,
    /// Ask whether to take it out of the queue.
    Drop,
}

impl JobAction {
    /// All of them, in the order of the buttons.
    pub const ALL: [Self; 6] = [Self::Earlier, Self::Later, Self::Hold, Self::Start, Self::At, Self::Drop];

    /// Its label where no job is meant yet.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Earlier => "Move up in the queue",
            Self::Later => "Move down in the queue",
            Self::Hold => "Hold or release",
            Self::Start => "Start now",
            Self::At => "Start at a time…",
            Self::Drop => "Drop from the queue…",
        }
    }

    /// The label of its button for a job, and the icon.
    pub const fn button(self, job: &QueuedJob) -> (&'static str, MaterialIcon) {
        match self {
            Self::Earlier => ("Move up", ICON_ARROW_UPWARD),
            Self::Later => ("Move down", ICON_ARROW_DOWNWARD),
            Self::Hold if job.is_held() => ("Release", ICON_PLAYLIST_PLAY),
            Self::Hold => ("Hold", ICON_PAUSE),
            Self::Start => ("Start now", ICON_PLAY_ARROW),
            Self::At => ("Start at a time", ICON_SCHEDULE),
            Self::Drop => ("Drop from the queue", ICON_DELETE),
        }
    }

    /// What it does.
    pub const fn explanation(self) -> &'static str {
        match self {
            Self::Earlier => "Let the selected job of the queue start before the one above it",
            Self::Later => "Let the selected job of the queue start after the one below it",
            Self::Hold => "Hold the selected job of the queue, or release it",
            Self::Start => "Start the selected job of the queue now, beside what runs",
            Self::At => "Start the selected job of the queue not before a time",
            Self::Drop => "Take the selected job out of the queue",
        }
    }

    /// Its key, on the page Runs.
    pub const fn shortcut(self) -> Shortcut {
        let (alt, key) = match self {
            Self::Earlier => (true, Key::ArrowUp),
            Self::Later => (true, Key::ArrowDown),
            Self::Hold => (false, Key::H),
            Self::Start => (false, Key::S),
            Self::At => (false, Key::T),
            Self::Drop => (false, Key::Delete),
        };
        Shortcut { alt, ..Shortcut::on_page(Page::RUNS, key) }
    }

    /// What it asks for; `None` where it would do nothing to this job, or does not go.
    pub fn request(self, list: &JobList, job: &QueuedJob) -> Option<Request> {
        let place = list.place(job.id)?;
        let change = |change| Some(Request::Command(QueueCommand::Change(job.id, change).into()));
        if self == Self::Drop {
            return Some(Request::Ask(Question::DropJob(job.id, job.name().to_owned())));
        }
        if matches!(job.state, JobState::Unreadable { .. }) {
            return None;
        }
        match self {
            Self::Earlier if place > 1 => change(Change::Move(Place::Number(place - 1))),
            Self::Later if place < list.waiting().count() => change(Change::Move(Place::Number(place + 1))),
            Self::Hold if job.is_held() => change(Change::Release),
            Self::Hold => change(Change::Hold),
            Self::Start if job.state != JobState::Wanted => change(Change::Start),
            Self::At => Some(Request::Ask(Question::StartAt { id: job.id, time: String::new(), fault: None })),
            _ => None,
        }
    }
}
