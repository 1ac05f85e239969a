//! Where a running task is: asked for by a button of its details, and shown there.

use egui::{Frame, Label, RichText, ScrollArea, Ui};
use egui_material_icons::icons::ICON_CONTENT_COPY;

use crate::session::CurrentRun;
use crate::ui::icon_button::icon_button;
use crate::ui::request::Requests;
use crate::ui::theme;
use crate::ui::widgets::TaskOrder;
use fanlane_core::engine::RunCommand;
use fanlane_core::event::TaskId;
use fanlane_core::model::{RunModel, format};

/// Share of the pane that the answer takes before it scrolls.
const MAX_SHARE: f32 = 0.4;

/// The button that asks where a running task is, and the answer, once there is one.
pub fn place_ui(ui: &mut Ui, run: &CurrentRun, model: &RunModel, task: TaskId, room: f32, requests: &mut Requests) {
    if model.is_finished() || !run.allows(RunCommand::Locate(task)) {
        return;
    }
    let order = TaskOrder::Locate;
    let place = model.place_of(task);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = theme::UNIT;
        if icon_button(ui, order.icon(), order.text(true), true).on_hover_text(order.explanation()).clicked() {
            requests.order(task, order);
        }
        let Some(place) = place else { return };
        if let Some(lines) = &place.lines
            && icon_button(ui, ICON_CONTENT_COPY, "Copy where it is", true).clicked()
        {
            requests.copy(lines.as_str());
        }
        let age_ns = run.now_ns(model).saturating_sub(place.at_ns);
        let asked = format!("as it was {} ago", format::duration(age_ns));
        ui.label(RichText::new(asked).small().color(theme::palette(ui).text_weak));
    });
    let Some(place) = place else { return };
    let Some(lines) = &place.lines else {
        ui.label("It was not running when it was asked.");
        return;
    };
    let frame = Frame::new().fill(theme::palette(ui).sunken).corner_radius(theme::RADIUS).inner_margin(theme::UNIT);
    frame.show(ui, |ui| {
        let area = ScrollArea::both().id_salt("place").max_height(room * MAX_SHARE).auto_shrink([false, true]);
        area.show(ui, |ui| ui.add(Label::new(RichText::new(lines).monospace()).extend().selectable(true)));
    });
}
