//! A task that has not ended, in its details: why, and what can be done with it while it is queued.

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

/// A task that is not running and has no last attempt.
pub(super) fn unended_words(model: &RunModel, task: TaskId) -> &'static str {
    match (model.records.is_rest_cancelled(), model.records.retried(task).len()) {
        (false, 0) => "It has not started yet.",
        (false, _) => "It waits for its next attempt.",
        (true, 0) => "It was cancelled before it started.",
        (true, _) => "It was cancelled while it waited for its next attempt.",
    }
}
