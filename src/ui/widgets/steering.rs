//! What steers a queued task: its priority, and whether the run pauses before it.

use egui::{Button, DragValue, Response, RichText, Role, Ui, WidgetInfo};
use egui_material_icons::icons::{ICON_HOURGLASS_EMPTY, ICON_PAUSE_CIRCLE};

use super::badge::badge_ui;
use super::lanes::TaskOrder;
use crate::ui::icon_button::icon_text;
use crate::ui::theme;
use fanlane_core::event::TaskId;
use fanlane_core::model::{Priority, Steering};

/// Priorities that the field takes.
const PRIORITIES: std::ops::RangeInclusive<i32> = -999..=999;

/// The number that the priority of a task is changed from; a task that was put in front of all others has none.
pub fn priority_number(steering: &Steering, task: TaskId) -> i32 {
    match steering.priority_of(task) {
        Priority::Number(number) => number,
        Priority::First => 0,
    }
}

/// A task that waits: with its priority, and in place of the hourglass the sign of its breakpoint.
pub fn waiting_badge_ui(ui: &mut Ui, steering: &Steering, task: TaskId) -> Response {
    let words = match steering.priority_of(task) {
        Priority::Number(0) => "Waiting".to_owned(),
        Priority::Number(number) => format!("Priority {number}"),
        Priority::First => "Next".to_owned(),
    };
    let palette = theme::palette(ui);
    if !steering.has_breakpoint(task) {
        return badge_ui(ui, ICON_HOURGLASS_EMPTY, palette.queued, words);
    }
    let response = badge_ui(ui, ICON_PAUSE_CIRCLE, palette.warning, words.clone());
    let spoken = format!("{words}, pause before");
    response.widget_info(|| WidgetInfo::labeled(Role::Label, ui.is_enabled(), &spoken));
    response.on_hover_text("The run pauses before this task begins")
}

/// A field for the priority of a task, and a switch for its breakpoint; `number` is the task's.
pub fn steering_ui(ui: &mut Ui, steering: &Steering, task: TaskId, number: &str) -> Option<TaskOrder> {
    let mut order = None;
    let is_first = steering.priority_of(task) == Priority::First;
    let mut priority = priority_number(steering, task);
    let before = priority;
    let prefix = if is_first { "next, " } else { "" };
    let field = DragValue::new(&mut priority).range(PRIORITIES).speed(0.05).update_while_editing(false);
    let field = ui.add(field.prefix(format!("{prefix}priority ")));
    let field = field.accessible_name(format!("Priority of task {number}"));
    if field.on_hover_text(TaskOrder::SetPriority(0).explanation()).changed() && priority != before {
        order = Some(TaskOrder::SetPriority(priority));
    }
    let is_set = steering.has_breakpoint(task);
    let turned = TaskOrder::SetBreakpoint(!is_set);
    let icon = icon_text(turned.icon()).size(theme::BODY_SIZE);
    let button = ui.add(Button::selectable(is_set, (icon, RichText::new(turned.text(false)))));
    if button.on_hover_text(turned.explanation()).accessible_name(format!("Pause before task {number}")).clicked() {
        order = Some(turned);
    }
    order
}
