//! The examples as cards: what each does, what it needs, and one click to open a copy.

use egui::{Frame, Label, Response, RichText, ScrollArea, Sense, Stroke, Ui, UiBuilder, WidgetInfo, accesskit::Role};

use super::Asked;
use crate::session::{Preset, PresetCommand, Session};
use crate::ui::sanitize;
use crate::ui::theme;

/// Width of a card, in points, at least.
const MIN_CARD_WIDTH: f32 = 34.0 * theme::UNIT;
/// Height of a card: its title, four lines about it, and what it needs.
const CARD_HEIGHT: f32 = 13.0 * theme::UNIT;
/// Maximum width of the sheet.
const MAX_WIDTH: f32 = 122.0 * theme::UNIT;
/// Room that is left around the sheet.
const MARGIN: f32 = 12.0 * theme::UNIT;

/// Width of the sheet.
pub(super) fn width(ui: &Ui) -> f32 {
    (ui.ctx().content_rect().width() - MARGIN).min(MAX_WIDTH)
}

impl Asked<'_> {
    pub(super) fn examples_ui(&mut self, session: &Session) -> bool {
        self.title("Examples");
        self.ui.label("Each opens as a copy: change it, run it, save it under a name of your own.");
        self.ui.add_space(theme::UNIT);
        let height = self.ui.ctx().content_rect().height() - 2.0 * MARGIN - 8.0 * theme::UNIT;
        let mut chosen = None;
        ScrollArea::vertical().id_salt("examples").max_height(height).show(self.ui, |ui| {
            let room = ui.available_width() - theme::GAP;
            let columns = (room / MIN_CARD_WIDTH).floor().max(1.0);
            let width = (room - (columns - 1.0) * theme::UNIT) / columns;
            for group in session.presets.built_in().chunk_by(|one, next| one.group == next.group) {
                ui.add_space(theme::UNIT);
                let title = RichText::new(group[0].group).text_style(theme::title_style());
                ui.label(title.color(theme::palette(ui).text_strong));
                for row in group.chunks(columns as usize) {
                    ui.horizontal_top(|ui| {
                        for preset in row {
                            let card = card_ui(ui, preset, width);
                            if card.clicked() {
                                chosen = Some(preset.id.clone());
                            }
                        }
                    });
                }
            }
        });
        let is_chosen = chosen.is_some();
        if let Some(id) = chosen {
            self.requests.command(PresetCommand::Open(id));
        }
        self.buttons_ui(|asked| asked.stay_ui("Close", true)) || is_chosen
    }
}

fn card_ui(ui: &mut Ui, preset: &Preset, width: f32) -> Response {
    let name = sanitize::command(&preset.name);
    let about = preset.job.as_ref().map_or("", |job| &job.description);
    let is_form = preset.job.as_ref().is_ok_and(|job| !job.parameters.is_empty());
    let needs =
        if preset.needs.is_empty() { "Needs nothing else".to_owned() } else { format!("Needs {}", preset.needs) };
    let needs = if is_form { format!("Opens as a form. {needs}") } else { needs };
    let builder = UiBuilder::new().id_salt(&preset.name).sense(Sense::click());
    let card = ui.scope_builder(builder, |ui| {
        let look = *ui.style().interact(&ui.response());
        // As wide in every state, so that nothing moves.
        let edge = Stroke::new(theme::FOCUS, look.bg_stroke.color);
        let frame = Frame::new().fill(look.weak_bg_fill).stroke(edge).corner_radius(look.corner_radius);
        let margins = 2.0 * (theme::UNIT + theme::FOCUS);
        frame.inner_margin(theme::UNIT).show(ui, |ui| {
            ui.set_width(width - margins);
            ui.set_height(CARD_HEIGHT);
            // The row that the cards stand in is no layout for their words.
            ui.vertical(|ui| words_ui(ui, &name, about, &needs));
        });
    });
    let spoken = format!("Example {name}");
    card.response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &spoken));
    card.response.on_hover_cursor(egui::CursorIcon::PointingHand)
}

fn words_ui(ui: &mut Ui, name: &str, about: &str, needs: &str) {
    ui.spacing_mut().item_spacing.y = theme::HALF;
    let palette = theme::palette(ui);
    let small = |text: &str| RichText::new(text).text_style(egui::TextStyle::Small);
    let about = sanitize::text(about.as_bytes());
    ui.add(Label::new(RichText::new(name).color(palette.text_strong)).truncate().selectable(false));
    ui.add(Label::new(small(&about).color(palette.text)).wrap().selectable(false));
    ui.add(Label::new(small(needs).color(palette.text_weak)).wrap().selectable(false));
}
