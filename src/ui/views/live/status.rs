//! The line above the lanes: what the run does and why tasks wait, loud in a pause; how many attempts ended how; and what is in
//! view.

use egui::{Align, Button, CornerRadius, Layout, Response, RichText, Role, Ui, UiBuilder, WidgetInfo};
use egui_material_icons::MaterialIcon;
use egui_material_icons::icons::{
    ICON_FIT_SCREEN, ICON_LAST_PAGE, ICON_PAUSE, ICON_SELECT, ICON_TABLE_ROWS, ICON_VIEW_COMPACT,
};

use super::{LiveAction, LiveData, LiveState, lists};
use crate::ui::cut_label::cut_label;
use crate::ui::icon_button::icon_text;
use crate::ui::part::{part_ui, right_end_ui};
use crate::ui::widgets::lanes::Density;
use crate::ui::widgets::{count_badge_ui, hold_words, retried_badge_ui, running_badge_ui};
use crate::ui::{sanitize, theme};
use fanlane_core::event::OutcomeClass;
use fanlane_core::model::format;

/// Minimum width of the line for counts with words, in points.
const WIDE: f32 = 120.0 * theme::UNIT;

/// Draws the line.
pub fn status_ui(ui: &mut Ui, data: &LiveData<'_>, state: &mut LiveState) -> Option<LiveAction> {
    let palette = theme::palette(ui);
    let mut action = None;
    let queue = data.waiting().queue_words();
    let rect = ui.max_rect();
    let is_paused = data.model.progress.paused && data.model.progress.summary.is_none();
    let band = rect.expand2(egui::vec2(theme::HALF, 0.0)).with_max_y(rect.bottom() - theme::HALF);
    if is_paused {
        ui.painter().rect_filled(band, CornerRadius::same(theme::RADIUS), palette.selected);
    }
    ui.allocate_ui_with_layout(band.size(), Layout::right_to_left(Align::Center), |ui| {
        let is_wide = rect.width() >= WIDE;
        right_end_ui(ui, "view of the lanes", |ui| view_ui(ui, data, state));
        ui.add_space(theme::UNIT);
        counts_ui(ui, data, is_wide);
        let builder =
            UiBuilder::new().scope_id(ui.scope_id().with("state")).layout(Layout::left_to_right(Align::Center));
        ui.scope_builder(builder, |ui| {
            // Between what is there: parts without contents leave no gap.
            ui.spacing_mut().item_spacing.x = 0.0;
            if is_paused {
                ui.label(icon_text(ICON_PAUSE).color(palette.text_strong));
                ui.add_space(theme::UNIT);
            }
            // Their lists stay open, whatever appears before them.
            let overdue = list_part_ui(ui, "overdue tasks", |ui| lists::overdue_ui(ui, data));
            let queued = list_part_ui(ui, "waiting tasks", |ui| lists::queued_ui(ui, data, queue.is_some()));
            action = overdue.or(queued).or(action);
            let words = sanitize::line(words(data, queue).as_bytes());
            let text = RichText::new(&words).color(match is_paused {
                true => palette.text_strong,
                false if is_held(data) => palette.warning,
                false => palette.text,
            });
            let text = if is_paused { text.strong() } else { text };
            if is_paused {
                // The bar of the run has a button with this word for a name.
                let button = ui.add(Button::new("Resume")).on_hover_text("Start tasks again (Space)");
                if button.accessible_name("Resume the run").clicked() {
                    action = Some(LiveAction::Resume);
                }
                ui.add_space(theme::UNIT);
            }
            ui.add(cut_label(text)).on_hover_text(words);
        });
    });
    action
}

/// A part with what follows a list's button: a gap, if there is a button.
fn list_part_ui(ui: &mut Ui, name: &str, contents: impl FnOnce(&mut Ui) -> Option<LiveAction>) -> Option<LiveAction> {
    part_ui(ui, name, |ui| {
        let action = contents(ui);
        if ui.min_rect().width() > 0.0 {
            ui.add_space(theme::UNIT);
        }
        action
    })
}

/// Something other than a lack of free workers holds up the queue.
const fn is_held(data: &LiveData<'_>) -> bool {
    let progress = &data.model.progress;
    progress.held.is_some() || progress.halted.is_some() || progress.cannot_start.is_some()
}

/// What the run does.
fn words(data: &LiveData<'_>, queue: Option<String>) -> String {
    let progress = &data.model.progress;
    match (&progress.summary, queue) {
        (Some(summary), _) => {
            hold_words(progress).unwrap_or_else(|| format!("Ended after {}", format::duration(summary.wall_ns)))
        }
        (None, Some(words)) => words,
        (None, None) => "No task waits: all have begun".to_owned(),
    }
}

fn view_ui(ui: &mut Ui, data: &LiveData<'_>, state: &mut LiveState) {
    ui.spacing_mut().item_spacing.x = theme::HALF;
    let density = &mut state.lanes.density;
    for (other, icon, name) in
        [(Density::Fit, ICON_VIEW_COMPACT, "All lanes in view"), (Density::Readable, ICON_TABLE_ROWS, "Rows to read")]
    {
        if icon_button_ui(ui, icon, name, *density == other).clicked() {
            *density = other;
        }
    }
    let window = &mut state.window;
    let selects = window.selects;
    if icon_button_ui(ui, ICON_SELECT, "Select a stretch of time by dragging", selects).clicked() {
        window.selects = !selects;
    }
    let follows = window.follows() && !window.is_whole();
    if data.model.progress.summary.is_none()
        && icon_button_ui(ui, ICON_LAST_PAGE, "Follow the newest", follows).clicked()
    {
        window.follow();
    }
    if icon_button_ui(ui, ICON_FIT_SCREEN, "Whole run", window.is_whole()).clicked() {
        window.show_whole();
    }
}

fn counts_ui(ui: &mut Ui, data: &LiveData<'_>, is_wide: bool) {
    // The first drawn is the rightmost.
    ui.spacing_mut().item_spacing.x = theme::UNIT;
    if data.model.progress.retries > 0 {
        retried_badge_ui(ui, data.model.progress.retries, is_wide);
    }
    for class in OutcomeClass::ALL.into_iter().rev() {
        let count = data.model.progress.counts.of(class);
        if count > 0 || class == OutcomeClass::Done {
            count_badge_ui(ui, class, count, is_wide);
        }
    }
    if data.model.progress.summary.is_none() && is_wide {
        running_badge_ui(ui);
    }
}

/// A button that shows only an icon, and whether it is on.
pub fn icon_button_ui(ui: &mut Ui, icon: MaterialIcon, name: &str, on: bool) -> Response {
    let text = icon.rich_text().size(theme::ICON_SIZE);
    let button = Button::new(text).selected(on).frame_when_inactive(on).min_size(egui::Vec2::splat(theme::ROW));
    let response = ui.scope(|ui| {
        ui.spacing_mut().button_padding = egui::Vec2::splat(2.0);
        ui.add(button)
    });
    let response = response.inner;
    response.widget_info(|| WidgetInfo::selected(Role::Button, ui.is_enabled(), on, name));
    response.on_hover_text(name)
}
