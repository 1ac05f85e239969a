//! A Python function: where it is, which one, and the functions of its file, which are listed on demand.

use egui::{Button, RichText, Ui};
use egui_material_icons::icons::ICON_LIST;

use crate::session::{Command, JobEditor, PythonFunctions};
use crate::ui::icon_button::icon_button;
use crate::ui::line_edit::line_edit;
use crate::ui::theme;
use fanlane_core::job::PythonSpec;
use fanlane_core::model::sanitize;

use super::{label_ui, message_ui};

/// A text of a Python function: what stands before it, what an empty one means, and where it is held.
struct TextField {
    label: &'static str,
    hint: &'static str,
    help: &'static str,
    text: fn(&mut PythonSpec) -> &mut Option<String>,
}

const PLACE: [TextField; 2] = [
    TextField {
        label: "File",
        hint: "model.py",
        help: "The file with the function; a relative path starts in the working folder",
        text: |spec| &mut spec.file,
    },
    TextField {
        label: "or module",
        hint: "pkg.mod",
        help: "The module with the function, as import names it",
        text: |spec| &mut spec.module,
    },
];

const SURROUNDINGS: [TextField; 2] = [
    TextField {
        label: "Initializer",
        hint: "none",
        help: "A function of the same file that each interpreter calls once, before its first task",
        text: |spec| &mut spec.initializer,
    },
    TextField {
        label: "Interpreter",
        hint: "the one that is found",
        help: "The path of the interpreter. Found is that of the active environment, of a .venv beside the file or above it, or \
               python3",
        text: |spec| &mut spec.interpreter,
    },
];

/// Draws the fields; true when one was changed.
pub fn python_ui(ui: &mut Ui, spec: &mut PythonSpec, editor: &JobEditor, asked: &mut Option<Command>) -> bool {
    let mut changed = false;
    egui::Grid::new("python").num_columns(2).spacing([theme::GAP, theme::UNIT]).show(ui, |ui| {
        changed |= fields_ui(ui, &PLACE, spec);
        let label = label_ui(ui, "Function");
        changed |= ui
            .add(line_edit(&mut spec.function).hint_text("cube").desired_width(f32::INFINITY))
            .labelled_by(label.id)
            .changed();
        ui.end_row();
        changed |= fields_ui(ui, &SURROUNDINGS, spec);
    });
    let can_list = spec.file.is_some() != spec.module.is_some();
    if icon_button(ui, ICON_LIST, "List its functions", can_list).clicked() {
        *asked = Some(Command::ListFunctions);
    }
    match editor.python_functions() {
        PythonFunctions::Unasked => {}
        PythonFunctions::Reading => {
            ui.label(RichText::new("Reading its source").color(theme::palette(ui).text_weak));
        }
        PythonFunctions::Known { interpreter, functions } => {
            let weak = theme::palette(ui).text_weak;
            for function in functions {
                ui.horizontal_wrapped(|ui| {
                    let button = Button::selectable(
                        spec.function == function.name,
                        sanitize::line(function.signature.as_bytes()),
                    );
                    if ui.add(button).clicked() && spec.function != function.name {
                        spec.function.clone_from(&function.name);
                        changed = true;
                    }
                    ui.label(RichText::new(sanitize::line(function.doc.as_bytes())).color(weak));
                });
            }
            if functions.is_empty() {
                ui.label(RichText::new("Its source has no function").color(weak));
            }
            ui.label(
                RichText::new(sanitize::line(interpreter.as_bytes())).text_style(egui::TextStyle::Small).color(weak),
            );
        }
        PythonFunctions::Unusable(message) => message_ui(ui, message),
    }
    changed
}

fn fields_ui(ui: &mut Ui, fields: &[TextField], spec: &mut PythonSpec) -> bool {
    let mut changed = false;
    for field in fields {
        let label = label_ui(ui, field.label).on_hover_text(field.help);
        let held = (field.text)(spec);
        let mut text = held.clone().unwrap_or_default();
        let edit = line_edit(&mut text).hint_text(field.hint).desired_width(f32::INFINITY);
        if ui.add(edit).labelled_by(label.id).on_hover_text(field.help).changed() {
            *held = (!text.is_empty()).then_some(text);
            changed = true;
        }
        ui.end_row();
    }
    changed
}
