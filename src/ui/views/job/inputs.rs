//! The inputs of the open job, one under the other.

use egui::{ComboBox, RichText, TextEdit, Ui};
use egui_material_icons::icons::{ICON_ADD, ICON_CLOSE};

use crate::session::{Field, InputDraft, InputKind, Session};

use crate::ui::icon_button::{icon_button, small_icon_button};
use crate::ui::line_edit::line_edit;
use crate::ui::theme;

use super::{error_ui, title_ui};

/// Draws the inputs; true when one was changed.
pub fn inputs_ui(ui: &mut Ui, session: &mut Session) -> bool {
    let mut changed = false;
    title_ui(ui, "Inputs");
    if session.draft.inputs.is_empty() {
        let words = "None: one task without a value";
        ui.label(RichText::new(words).color(theme::palette(ui).text_weak));
    }
    let mut removed = None;
    for place in 0..session.draft.inputs.len() {
        let input = &mut session.draft.inputs[place];
        ui.push_id(("input", place), |ui| {
            ui.horizontal(|ui| {
                changed |= kind_ui(ui, input, place);
                changed |= match input.kind {
                    InputKind::Range => range_ui(ui, input, place),
                    InputKind::List => false,
                    InputKind::Lines => path_ui(ui, input, place, "File", "inputs.txt"),
                    InputKind::Glob => path_ui(ui, input, place, "Pattern", "photos/*.jpg"),
                    InputKind::Csv => path_ui(ui, input, place, "CSV file", "table.csv"),
                    InputKind::Json => path_ui(ui, input, place, "JSON file", "table.json"),
                    InputKind::Kept => false,
                };
                if small_icon_button(ui, ICON_CLOSE, &format!("Remove input {}", place + 1)).clicked() {
                    removed = Some(place);
                }
            });
            if input.kind == InputKind::List {
                changed |= list_ui(ui, input, place);
            }
            if input.kind == InputKind::Kept {
                kept_ui(ui, input, place);
            }
        });
        error_ui(ui, session, Field::Input(place));
    }
    if let Some(place) = removed {
        session.draft.inputs.remove(place);
        changed = true;
    }
    error_ui(ui, session, Field::Inputs);
    ui.horizontal(|ui| {
        if icon_button(ui, ICON_ADD, "Add input", true).clicked() {
            session.draft.inputs.push(InputDraft::range(1, 10));
            changed = true;
        }
        if session.draft.inputs.len() > 1 {
            let linked = ui.checkbox(&mut session.draft.linked, "Side by side");
            let hint = "On: the first values together, then the second ones, up to the end of the shortest. \
                        Off: each value with each";
            changed |= linked.on_hover_text(hint).changed();
        }
    });
    ui.add_space(theme::GAP);
    changed
}

fn kind_ui(ui: &mut Ui, input: &mut InputDraft, place: usize) -> bool {
    let mut changed = false;
    let chooser = ComboBox::from_id_salt("kind").selected_text(input.kind.name()).width(17.0 * theme::UNIT);
    let chooser = chooser.show_ui(ui, |ui| {
        for kind in InputKind::CHOICES {
            let entry = ui.selectable_label(kind == input.kind, kind.name()).on_hover_text(kind.explanation());
            if entry.clicked() && kind != input.kind {
                input.kind = kind;
                changed = true;
            }
        }
    });
    chooser.response.on_hover_text(input.kind.explanation()).accessible_name(format!("Kind of input {}", place + 1));
    changed
}

fn range_ui(ui: &mut Ui, input: &mut InputDraft, place: usize) -> bool {
    let mut changed = false;
    let mut number = |ui: &mut Ui, text: &mut String, which: &str| {
        let field = line_edit(text).desired_width(9.0 * theme::UNIT).align(egui::Align2::RIGHT_CENTER);
        let field = ui.add(field).accessible_name(format!("{which} number of input {}", place + 1));
        changed |= field.changed();
    };
    number(ui, &mut input.from, "First");
    ui.label("to");
    number(ui, &mut input.to, "Last");
    changed
}

fn path_ui(ui: &mut Ui, input: &mut InputDraft, place: usize, what: &str, example: &str) -> bool {
    let width = (ui.available_width() - 5.0 * theme::UNIT).max(80.0);
    let field = line_edit(&mut input.path).hint_text(example.to_owned()).desired_width(width);
    ui.add(field).accessible_name(format!("{what} of input {}", place + 1)).changed()
}

fn list_ui(ui: &mut Ui, input: &mut InputDraft, place: usize) -> bool {
    let field = TextEdit::multiline(&mut input.values).desired_rows(4).desired_width(f32::INFINITY);
    let field = field.font(egui::TextStyle::Monospace).hint_text("One value a line");
    let mut changed = false;
    egui::ScrollArea::vertical().max_height(20.0 * theme::UNIT).show(ui, |ui| {
        changed = ui.add(field).accessible_name(format!("Values of input {}", place + 1)).changed();
    });
    changed
}

/// An input without fields of its own, as the job file has it: it can be read and copied, not edited.
fn kept_ui(ui: &mut Ui, input: &InputDraft, place: usize) {
    let mut text = input.kept_text.as_str();
    let field = TextEdit::multiline(&mut text).desired_rows(1).desired_width(f32::INFINITY);
    let field = ui.add(field.font(egui::TextStyle::Monospace));
    field
        .on_hover_text("An input of a kind that can only be edited in the job file; it is kept as it is")
        .accessible_name(format!("Input {} as in the job file", place + 1));
}
