//! What can be done with a task from its bar: the menu of a right click, and the same by keys.

use egui::{Button, Key, Response, RichText, Ui};
use egui_material_icons::MaterialIcon;
use egui_material_icons::icons::{
    ICON_CANCEL, ICON_CONTENT_COPY, ICON_FAST_FORWARD, ICON_LOW_PRIORITY, ICON_MY_LOCATION, ICON_OPEN_IN_NEW,
    ICON_PAUSE_CIRCLE, ICON_REPLAY, ICON_VERTICAL_ALIGN_TOP,
};

use super::find::{Found, found_at};
use super::{LanesAction, LanesData, LanesState};
use crate::ui::icon_button::icon_text;
use crate::ui::widgets::time_window::pressed;
use fanlane_core::event::TaskId;
use fanlane_core::model::format;

/// Something that can be asked of the engine about one task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskOrder {
    /// Tell where it is.
    Locate,
    /// End it; it counts as cancelled.
    Kill,
    /// End its attempt and begin another.
    Restart,
    /// Give it up and let the tasks that wait for it begin.
    Skip,
    /// Begin it before all others that wait.
    Raise,
    /// Give it another priority.
    SetPriority(i32),
    /// Whether the run pauses before it begins.
    SetBreakpoint(bool),
}

impl TaskOrder {
    /// Those for a running task.
    pub const OF_RUNNING: [Self; 4] = [Self::Locate, Self::Kill, Self::Restart, Self::Skip];
    /// Those for a queued task.
    pub const OF_QUEUED: [Self; 3] = [Self::Raise, Self::Skip, Self::Kill];

    /// Its label; a queued task is not killed but cancelled.
    pub const fn text(self, is_running: bool) -> &'static str {
        match self {
            Self::Locate => "Where is it?",
            Self::Kill if is_running => "Kill",
            Self::Kill => "Cancel",
            Self::Restart => "Restart",
            Self::Skip => "Skip",
            Self::Raise => "Run next",
            Self::SetPriority(_) => "Priority",
            Self::SetBreakpoint(_) => "Pause before",
        }
    }

    /// What it does.
    pub const fn explanation(self) -> &'static str {
        match self {
            Self::Locate => {
                "Show the stack of a Python call, and what the processes of a command wait for; the task goes on"
            }
            Self::Kill => "End this task: it is cancelled, and so are the tasks that wait for it",
            Self::Restart => "End this attempt and put the task back into the queue; it counts as no failure",
            Self::Skip => "Give this task up, and let the tasks that wait for it begin as if it were done",
            Self::Raise => "Put this task in front of all others that wait",
            Self::SetPriority(_) => {
                "Tasks with a higher priority begin first, those with the same one in the order of the batch; 0 is usual"
            }
            Self::SetBreakpoint(true) => "Pause the run when this task would begin next; Resume goes on with it",
            Self::SetBreakpoint(false) => "The run does not pause before this task any more",
        }
    }

    /// Every engine can end a task; not each can do more.
    pub fn is_possible(self, can_steer: bool) -> bool {
        can_steer || self == Self::Kill
    }

    /// Its icon.
    pub const fn icon(self) -> MaterialIcon {
        match self {
            Self::Locate => ICON_MY_LOCATION,
            Self::Kill => ICON_CANCEL,
            Self::Restart => ICON_REPLAY,
            Self::Skip => ICON_FAST_FORWARD,
            Self::Raise => ICON_VERTICAL_ALIGN_TOP,
            Self::SetPriority(_) => ICON_LOW_PRIORITY,
            Self::SetBreakpoint(_) => ICON_PAUSE_CIRCLE,
        }
    }

    /// The key for the task at the cursor of the lanes.
    const fn key(self) -> Option<Key> {
        match self {
            Self::Locate => Some(Key::W),
            Self::Kill => Some(Key::K),
            Self::Restart => Some(Key::R),
            Self::Skip => Some(Key::S),
            Self::Raise | Self::SetPriority(_) | Self::SetBreakpoint(_) => None,
        }
    }
}

/// The menu of a right click on a bar.
pub fn menu_ui(
    response: &Response,
    data: &LanesData<'_>,
    state: &mut LanesState,
    found: Option<Found>,
) -> Option<LanesAction> {
    if response.secondary_clicked() {
        state.menu_of = found.map(|found| found.place);
    }
    let found = found_at(data, state.menu_of?)?;
    let mut action = None;
    response.context_menu(|ui| {
        ui.label(RichText::new(format!("Task {}", format::count(data.tasks.number(found.task)))).strong());
        if item_ui(ui, ICON_OPEN_IN_NEW, "Open", "Enter").on_hover_text("Show its results").clicked() {
            action = Some(LanesAction::Open(found.task));
        }
        if item_ui(ui, ICON_CONTENT_COPY, "Copy the command", "").clicked() {
            ui.ctx().copy_text(data.tasks.label(found.task));
            ui.close();
        }
        if data.lanes.finished() {
            ui.separator();
            let item = item_ui(ui, ICON_REPLAY, "Rerun this task", "");
            if item.on_hover_text("Run this task again, as a new attempt of this run").clicked() {
                action = Some(LanesAction::Rerun(found.task));
                ui.close();
            }
        }
        if is_running(data, &found) {
            ui.separator();
            for order in TaskOrder::OF_RUNNING.into_iter().filter(|order| order.is_possible(data.can_steer)) {
                let key = order.key().map_or("", Key::name);
                let item = item_ui(ui, order.icon(), order.text(true), key);
                if item.on_hover_text(order.explanation()).clicked() {
                    action = Some(LanesAction::Order(found.task, order));
                    ui.close();
                }
            }
        }
    });
    action
}

fn item_ui(ui: &mut Ui, icon: MaterialIcon, words: &str, key: &str) -> Response {
    let button = Button::new((icon_text(icon), words)).shortcut_text(key).frame_when_inactive(false);
    ui.add(button).accessible_name(words)
}

/// The order that a key gives for the running task at the cursor.
pub fn keys(ui: &Ui, data: &LanesData<'_>, cursor: Option<&Found>) -> Option<(TaskId, TaskOrder)> {
    let found = cursor.filter(|found| is_running(data, found))?;
    let mut possible = TaskOrder::OF_RUNNING.into_iter().filter(|order| order.is_possible(data.can_steer));
    let order = possible.find(|order| order.key().is_some_and(|key| pressed(ui, key)))?;
    Some((found.task, order))
}

/// The bar is that of a running task of a run that can be asked for something.
pub fn is_running(data: &LanesData<'_>, found: &Found) -> bool {
    found.bar(data).is_none() && !data.lanes.finished()
}
