//! What can be done with a queued task from its details.

use egui::Ui;

use crate::session::CurrentRun;
use crate::ui::action::{Action, Shortcut};
use crate::ui::request::Requests;
use crate::ui::widgets::{TaskOrder, steering_ui};
use crate::ui::{icon_button::icon_button, theme};
use fanlane_core::engine::RunCommand;
use fanlane_core::event::TaskId;
use fanlane_core::model::{RunModel, format};

/// The buttons of a task that waits in the queue of a run under way.
pub fn queued_task_ui(ui: &mut Ui, run: &CurrentRun, model: &RunModel, task: TaskId, requests: &mut Requests) {
    if model.is_finished() || model.progress.stopping || !run.allows(RunCommand::Raise(task)) {
        return;
    }
    let number = format::count(run.number(task));
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = theme::UNIT;
        for (order, key) in [(TaskOrder::Raise, Action::RunNext.shortcut()), (TaskOrder::Skip, None)] {
            let button = icon_button(ui, order.icon(), order.text(false), true);
            if button.on_hover_text(Shortcut::hint(key, order.explanation())).clicked() {
                requests.order(task, order);
            }
        }
        if let Some(order) = steering_ui(ui, &model.steering, task, &number) {
            requests.order(task, order);
        }
    });
}
