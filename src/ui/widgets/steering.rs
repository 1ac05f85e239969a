//! What steers a queued task: its priority, and whether the run pauses before it.

use egui::{Button, DragValue, RichText, Ui};

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

/// What was set for a task, in words; empty for nothing.
pub fn steering_words(steering: &Steering, task: TaskId) -> String {
    let priority = match steering.priority_of(task) {
        Priority::Number(0) => None,
        Priority::Number(number) => Some(format!("priority {number}")),
        Priority::First => Some("next".to_owned()),
    };
    let breakpoint = steering.has_breakpoint(task).then(|| "pause before".to_owned());
    priority.into_iter().chain(breakpoint).collect::<Vec<_>>().join(", ")
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
