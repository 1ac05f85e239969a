//! Lists of single tasks: those that are overdue, and the next ones of the queue, each with what can be done about it.

use egui::{Align, Button, Grid, Layout, Popup, PopupCloseBehavior, Response, RichText, ScrollArea, Ui};
use egui_material_icons::icons::ICON_LIST;

use super::{LiveAction, LiveData};
use crate::ui::icon_button::{icon_text, small_icon_button};
use crate::ui::widgets::lanes::TaskOrder;
use crate::ui::widgets::steering_ui;
use crate::ui::{sanitize, theme};
use fanlane_core::event::TaskId;
use fanlane_core::model::{format, overdue_tasks};

/// Number of queued tasks that are listed.
const MAX_QUEUED: usize = 50;
/// Maximum height of a list, in points.
const MAX_HEIGHT: f32 = 40.0 * theme::UNIT;
/// Maximum length of a task's name, in characters.
const MAX_NAME_CHARS: usize = 40;

/// The button that says how many tasks are overdue, and their list; nothing if none is.
pub fn overdue_ui(ui: &mut Ui, data: &LiveData<'_>) -> Option<LiveAction> {
    if data.model.progress.summary.is_some() {
        return None;
    }
    let overdue = overdue_tasks(&data.model.lanes, &data.model.durations, data.now_ns);
    if overdue.is_empty() {
        return None;
    }
    let color = theme::palette(ui).warning;
    let words = format!("{} overdue", overdue.len());
    let button = Button::new((icon_text(theme::overdue_icon()).color(color), RichText::new(&words).color(color)));
    let response = ui.add(button).accessible_name("Overdue tasks").on_hover_text(
        "Tasks that have run for more than 3 times the median of those that are done, and for more than 1.5 times the 95th \
         percentile. Click: list them",
    );
    list_ui(&response, "Overdue tasks", |ui| {
        let mut action = None;
        for task in &overdue {
            let beside = format!("{} · {:.1} × the median", format::duration(task.elapsed_ns), task.medians);
            action = row_ui(ui, data, task.task, &beside, &[TaskOrder::Kill, TaskOrder::Restart], true).or(action);
        }
        action
    })
}

/// The button that lists the next tasks of the queue; nothing if none `waits`.
pub fn queued_ui(ui: &mut Ui, data: &LiveData<'_>, waits: bool) -> Option<LiveAction> {
    if !waits || data.batch.is_none() {
        return None;
    }
    let response = small_icon_button(ui, ICON_LIST, "Waiting tasks");
    if !Popup::menu(&response).is_open() && !response.clicked() {
        return None;
    }
    let waiting = data.waiting();
    let queued = waiting.next_tasks(MAX_QUEUED);
    list_ui(&response, "Waiting tasks", |ui| {
        let mut action = None;
        if queued.is_empty() {
            ui.label("No task waits.");
            ui.end_row();
        }
        for task in &queued {
            let why = waiting.task_words(*task).unwrap_or_default();
            action = row_ui(ui, data, *task, &why, &TaskOrder::OF_QUEUED, false).or(action);
        }
        action
    })
}

fn list_ui(button: &Response, title: &str, rows: impl FnOnce(&mut Ui) -> Option<LiveAction>) -> Option<LiveAction> {
    let popup = Popup::menu(button).close_behavior(PopupCloseBehavior::CloseOnClickOutside);
    let shown = popup.show(|ui| {
        ui.label(RichText::new(title).text_style(theme::title_style()));
        ScrollArea::vertical()
            .max_height(MAX_HEIGHT)
            .show(ui, |ui| Grid::new(title).num_columns(4).spacing([theme::GAP, theme::HALF]).show(ui, rows).inner)
    });
    shown.and_then(|shown| shown.inner.inner)
}

fn row_ui(
    ui: &mut Ui,
    data: &LiveData<'_>,
    task: TaskId,
    beside: &str,
    orders: &[TaskOrder],
    is_running: bool,
) -> Option<LiveAction> {
    let number = format::count(data.tasks.number(task));
    let mut action = None;
    let open = Button::new(RichText::new(&number).text_style(theme::number_style())).frame_when_inactive(false);
    if ui.add(open).accessible_name(format!("Open task {number}")).on_hover_text("Show its results").clicked() {
        action = Some(LiveAction::OpenTask(task));
    }
    let name = data.tasks.input(task);
    let name: String =
        if name.is_empty() { data.tasks.label(task) } else { name }.chars().take(MAX_NAME_CHARS).collect();
    ui.label(RichText::new(name).monospace());
    ui.label(RichText::new(sanitize::line(beside.as_bytes())).color(theme::palette(ui).text_weak));
    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = theme::HALF;
        if !is_running && data.can_steer {
            let order = steering_ui(ui, &data.model.steering, task, &number);
            action = order.map(|order| LiveAction::Order(task, order)).or(action);
        }
        for order in orders.iter().filter(|order| order.is_possible(data.can_steer)) {
            let words = order.text(is_running);
            let button = Button::new((icon_text(order.icon()).size(theme::BODY_SIZE), words));
            let response = ui.add(button).accessible_name(format!("{words} task {number}"));
            if response.on_hover_text(order.explanation()).clicked() {
                action = Some(LiveAction::Order(task, *order));
            }
        }
    });
    ui.end_row();
    action
}
