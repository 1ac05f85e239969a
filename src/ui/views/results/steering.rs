//! What can be done with a queued task from its row, its details and by keys.

use egui::{Key, Ui};

use crate::session::{CurrentRun, Session};
use crate::ui::areas::keys_are_free;
use crate::ui::request::Requests;
use crate::ui::widgets::{TaskOrder, priority_number, steering_ui};
use crate::ui::{icon_button::icon_button, theme};
use fanlane_core::engine::RunCommand;
use fanlane_core::event::TaskId;
use fanlane_core::model::{Priority, RunModel, format};

/// The buttons of a task that waits in the queue of a run under way.
pub fn queued_task_ui(ui: &mut Ui, run: &CurrentRun, model: &RunModel, task: TaskId, requests: &mut Requests) {
    if model.is_finished() || model.progress.stopping || !run.allows(RunCommand::Raise(task)) {
        return;
    }
    let number = format::count(run.number(task));
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = theme::UNIT;
        for (order, key) in [(TaskOrder::Raise, " (N)"), (TaskOrder::Skip, "")] {
            let button = icon_button(ui, order.icon(), order.text(false), true);
            if button.on_hover_text(format!("{}{key}", order.explanation())).clicked() {
                requests.order(task, order);
            }
        }
        if let Some(order) = steering_ui(ui, &model.steering, task, &number) {
            requests.order(task, order);
        }
    });
}

/// Keys for the selected task while it waits: N runs it next, B pauses before it, + and - change its priority.
pub fn take_keys(ui: &Ui, session: &Session, requests: &mut Requests) {
    if !keys_are_free(ui.ctx()) {
        return;
    }
    let pressed = |key: Key| ui.input(|input| input.modifiers.is_none() && input.key_pressed(key));
    let plus =
        ui.input(|input| !input.modifiers.command && (input.key_pressed(Key::Plus) || input.key_pressed(Key::Equals)));
    let keys = [pressed(Key::N), pressed(Key::B), plus, pressed(Key::Minus)];
    if keys == [false; 4] {
        return;
    }
    let Some(task) = session.run.selected_queued() else { return };
    let Some(run) = session.run.current() else { return };
    let (number, is_next, is_set) = {
        let steering = &run.model().steering;
        let is_next = steering.priority_of(task) == Priority::First;
        (priority_number(steering, task), is_next, steering.has_breakpoint(task))
    };
    let orders = [
        Some(TaskOrder::Raise),
        Some(TaskOrder::SetBreakpoint(!is_set)),
        // A number would put a task that is next behind others.
        (!is_next).then(|| TaskOrder::SetPriority(number.saturating_add(1))),
        Some(TaskOrder::SetPriority(number.saturating_sub(1))),
    ];
    for order in orders.into_iter().zip(keys).filter(|(_, pressed)| *pressed).filter_map(|(order, _)| order) {
        requests.order(task, order);
    }
}
