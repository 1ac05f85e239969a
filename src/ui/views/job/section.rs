//! A part of the page that is folded until someone wants it, and the labelled fields in it.

use egui::{Align, CollapsingHeader, Layout, Response, RichText, Ui, vec2};

use crate::session::{Field, Preview};

use crate::ui::line_edit::line_edit;
use crate::ui::theme;

use super::message_ui;

/// How wide the labels of the fields are, in points.
const LABEL_WIDTH: f32 = 15.0 * theme::UNIT;

/// A part that can be folded. It begins folded, says how many of its fields are filled in, and cannot hide a mistake.
pub fn section_ui(
    ui: &mut Ui,
    title: &str,
    filled: usize,
    preview: &Preview,
    fields: &[Field],
    contents: impl FnOnce(&mut Ui) -> bool,
) -> bool {
    let has_error = preview.errors().iter().any(|error| fields.contains(&error.field));
    let words = if filled == 0 { title.to_owned() } else { format!("{title} ({filled} set)") };
    let words = RichText::new(words).text_style(theme::title_style()).color(theme::palette(ui).text_strong);
    let section = CollapsingHeader::new(words).id_salt(title).open(has_error.then_some(true));
    section.show_unindented(ui, contents).body_returned.unwrap_or(false)
}

/// What a field is called, an example of it, and what it means.
pub struct FieldWords {
    /// Its label.
    pub label: &'static str,
    /// What can be typed.
    pub example: &'static str,
    /// What it does, in a line.
    pub help: &'static str,
}

/// A line of text beside its label, with its meaning and what is wrong with it below.
pub fn field_ui(ui: &mut Ui, words: &FieldWords, text: &mut String, error: Option<&str>) -> bool {
    let changed = beside_label_ui(ui, words.label, |ui, label| {
        let field = line_edit(text).hint_text(words.example).desired_width(ui.available_width());
        ui.add(field).labelled_by(label.id).changed()
    });
    help_ui(ui, words.help);
    if let Some(message) = error {
        message_ui(ui, message);
    }
    ui.add_space(theme::HALF);
    changed
}

/// A label at the left of what it names.
pub fn beside_label_ui<R>(ui: &mut Ui, label: &str, contents: impl FnOnce(&mut Ui, &Response) -> R) -> R {
    ui.horizontal(|ui| {
        let size = vec2(LABEL_WIDTH, theme::ROW + theme::HALF);
        let label = ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
            ui.set_min_size(size);
            ui.label(label)
        });
        contents(ui, &label.inner)
    })
    .inner
}

/// What a field means, below it.
pub fn help_ui(ui: &mut Ui, help: &str) {
    let help = RichText::new(help).text_style(egui::TextStyle::Small).color(theme::palette(ui).text_weak);
    ui.add(egui::Label::new(help).wrap());
}
