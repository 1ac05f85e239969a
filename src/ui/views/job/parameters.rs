//! The editor of a job's parameters: what the form will ask for.

use egui::{ComboBox, Frame, Label, RichText, TextEdit, Ui};
use egui_material_icons::icons::{ICON_ADD, ICON_ARROW_DOWNWARD, ICON_ARROW_UPWARD, ICON_DELETE};

use crate::session::{JobDraft, JobEditor, ParameterDraft};
use fanlane_core::job::ParameterKind;
use fanlane_core::job::field::Field;
use fanlane_core::job::parameter::SETTABLE;

use crate::ui::icon_button::{icon_button, small_icon_button};
use crate::ui::line_edit::line_edit;
use crate::ui::sanitize;
use crate::ui::theme;

use super::field::{beside_label_ui, help_ui};

/// What is done with a parameter as a whole.
enum Move {
    Up,
    Down,
    Away,
}

/// Draws the parameters; true when one was changed.
pub fn parameters_ui(ui: &mut Ui, field: &'static Field, draft: &mut JobDraft, _: &JobEditor) -> bool {
    ui.label(field.label);
    help_ui(ui, field.help);
    let mut changed = false;
    let mut moved = None;
    let count = draft.parameters.len();
    for (place, parameter) in draft.parameters.iter_mut().enumerate() {
        ui.push_id(("parameter", place), |ui| {
            Frame::group(ui.style()).show(ui, |ui| {
                ui.set_width(ui.available_width());
                changed |= parameter_ui(ui, parameter, place, count, &mut moved);
            });
        });
    }
    match moved {
        Some((place, Move::Up)) => draft.parameters.swap(place, place - 1),
        Some((place, Move::Down)) => draft.parameters.swap(place, place + 1),
        Some((place, Move::Away)) => drop(draft.parameters.remove(place)),
        None => {}
    }
    changed |= moved.is_some();
    if icon_button(ui, ICON_ADD, "Add parameter", true).clicked() {
        draft.parameters.push(ParameterDraft::new(&draft.parameters));
        changed = true;
    }
    ui.add_space(theme::HALF);
    changed
}

fn parameter_ui(
    ui: &mut Ui,
    parameter: &mut ParameterDraft,
    place: usize,
    count: usize,
    moved: &mut Option<(usize, Move)>,
) -> bool {
    let of = format!("of parameter {}", place + 1);
    let mut changed = false;
    ui.horizontal(|ui| {
        let stands_for = format!("{{@{}}}", sanitize::command(&parameter.name));
        ui.add(Label::new(RichText::new(stands_for).monospace().color(theme::palette(ui).text_strong)).truncate())
            .on_hover_text("Stands for the value in the command line, the inputs and other texts of the job");
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let buttons = [
                (true, ICON_DELETE, "Remove", Move::Away),
                (place + 1 < count, ICON_ARROW_DOWNWARD, "Move down", Move::Down),
                (place > 0, ICON_ARROW_UPWARD, "Move up", Move::Up),
            ];
            for (is_there, icon, words, step) in buttons {
                let words = format!("{words}: parameter {}", place + 1);
                let button = ui.add_enabled_ui(is_there, |ui| small_icon_button(ui, icon, &words)).inner;
                if button.clicked() {
                    *moved = Some((place, step));
                }
            }
        });
    });
    let mut line = |ui: &mut Ui, label: &str, hint: &str, text: &mut String| {
        beside_label_ui(ui, label, |ui, _| {
            let field = line_edit(text).hint_text(hint.to_owned()).desired_width(ui.available_width());
            changed |= ui.add(field).accessible_name(format!("{label} {of}")).changed();
        });
    };
    line(ui, "Name", "width", &mut parameter.name);
    line(ui, "Label", "as the name", &mut parameter.label);
    line(ui, "Help", "none", &mut parameter.help);
    match &parameter.kind {
        ParameterKind::Number { .. } => {
            line(ui, "Minimum", "none", &mut parameter.min);
            line(ui, "Maximum", "none", &mut parameter.max);
            line(ui, "Step", "any number; 1: whole numbers", &mut parameter.step);
            line(ui, "Unit", "none", &mut parameter.unit);
        }
        ParameterKind::YesNo { .. } => {
            line(ui, "Text for yes", "nothing", &mut parameter.yes);
            line(ui, "Text for no", "nothing", &mut parameter.no);
        }
        _ => {}
    }
    line(ui, "Default", "none", &mut parameter.default);
    changed |= choices_ui(ui, parameter, &of);
    changed |= type_ui(ui, parameter, &of);
    changed
}

/// The texts to choose from, one a line.
fn choices_ui(ui: &mut Ui, parameter: &mut ParameterDraft, of: &str) -> bool {
    if !matches!(parameter.kind, ParameterKind::Choice(_)) {
        return false;
    }
    beside_label_ui(ui, "Choices", |ui, _| {
        let lines = TextEdit::multiline(&mut parameter.choices).desired_rows(3).hint_text("one a line");
        ui.add(lines.desired_width(ui.available_width())).accessible_name(format!("Choices {of}")).changed()
    })
}

/// The type, the field that is set, and whether a value is required.
fn type_ui(ui: &mut Ui, parameter: &mut ParameterDraft, of: &str) -> bool {
    let mut changed = false;
    beside_label_ui(ui, "Type", |ui, _| {
        let chooser = ComboBox::from_id_salt("type").selected_text(parameter.kind.name()).width(20.0 * theme::UNIT);
        let chooser = chooser.show_ui(ui, |ui| {
            for kind in ParameterKind::choices() {
                let is_chosen = kind.name() == parameter.kind.name();
                if ui.selectable_label(is_chosen, kind.name()).clicked() && !is_chosen {
                    parameter.kind = kind;
                    changed = true;
                }
            }
        });
        chooser.response.accessible_name(format!("Type {of}"));
        let required = ui.checkbox(&mut parameter.required, "Required");
        changed |= required.on_hover_text("Nothing runs without a value").changed();
    });
    let label_of = |key: &str| SETTABLE.iter().find(|field| field.key == key).map_or("nothing", |field| field.label);
    beside_label_ui(ui, "Sets", |ui, _| {
        let chooser = ComboBox::from_id_salt("sets").selected_text(label_of(&parameter.sets)).width(20.0 * theme::UNIT);
        let chooser = chooser.show_ui(ui, |ui| {
            for key in std::iter::once("").chain(SETTABLE.iter().map(|field| field.key)) {
                if ui.selectable_label(parameter.sets == key, label_of(key)).clicked() && parameter.sets != key {
                    key.clone_into(&mut parameter.sets);
                    changed = true;
                }
            }
        });
        chooser.response.accessible_name(format!("Sets {of}"));
    });
    changed
}
