//! What each task does: a command line with replacement strings, or a built-in workload with its parameters.

use egui::{Button, ComboBox, DragValue, Label, RichText, TextEdit, Ui};

use crate::session::{Command, JobDraft, JobEditor, other_program};
use egui_material_icons::icons::ICON_AUTO_FIX_HIGH;
use fanlane_core::job::field;
use fanlane_core::job::workload::{ParameterInfo, Workload, WorkloadInfo};
use fanlane_core::job::{TaskKind, WorkloadSpec};

use crate::ui::icon_button::icon_button;
use crate::ui::theme;

use super::{error_ui, label_ui, python, title_ui};

/// Draws the fields; true when one was changed. `asked`: what is asked of the session besides.
pub fn task_ui(
    ui: &mut Ui,
    draft: &mut JobDraft,
    editor: &JobEditor,
    wants_focus: bool,
    asked: &mut Option<Command>,
) -> bool {
    let mut changed = false;
    ui.horizontal(|ui| {
        title_ui(ui, field::TASK.label).on_hover_text(field::TASK.help);
        ui.add_space(theme::UNIT);
        for &kind in TaskKind::ALL {
            let traits = kind.traits();
            let button = Button::selectable(draft.kind == kind, traits.label);
            let button = ui.add(button).on_hover_text(traits.help);
            if button.clicked() && draft.kind != kind {
                draft.kind = kind;
                changed = true;
            }
        }
    });
    changed |= match draft.kind {
        TaskKind::Command => command_ui(ui, draft, wants_focus, asked),
        TaskKind::Workload => workload_ui(ui, &mut draft.workload),
        TaskKind::Python => python::python_ui(ui, &mut draft.python, editor, asked),
    };
    // Nothing typed yet is no mistake: the preview says what is missing.
    if draft.kind != TaskKind::Command || !draft.command.trim().is_empty() {
        error_ui(ui, editor, &field::TASK);
    }
    ui.add_space(theme::GAP);
    changed
}

fn command_ui(ui: &mut Ui, draft: &mut JobDraft, wants_focus: bool, asked: &mut Option<Command>) -> bool {
    let label = label_ui(ui, "Command line");
    let field = TextEdit::multiline(&mut draft.command)
        .code_editor()
        .lock_focus(false)
        .hint_text("gzip -k {}\nor paste a line of GNU parallel or xargs here")
        .desired_rows(2)
        .desired_width(f32::INFINITY);
    let field = ui.add(field).labelled_by(label.id);
    if wants_focus {
        field.request_focus();
    }
    if let Some(program) = other_program(&draft.command) {
        ui.horizontal_wrapped(|ui| {
            let name = if program == "parallel" { "GNU parallel" } else { program };
            ui.label(format!("This is a command line of {name}."));
            if icon_button(ui, ICON_AUTO_FIX_HIGH, "Make a job of it", true).clicked() {
                *asked = Some(Command::Import(draft.command.clone()));
            }
        });
    }
    let changed = field.changed();
    let parameter = if draft.parameters.is_empty() { "" } else { " · {@name} a parameter" };
    let words =
        "{} input · {.} without extension · {/} file name · {//} folder · {#} task number · {1} {name} a column";
    let words = RichText::new(format!("{words}{parameter}")).text_style(egui::TextStyle::Small);
    ui.label(words.color(theme::palette(ui).text_weak));
    changed
}

fn workload_ui(ui: &mut Ui, spec: &mut WorkloadSpec) -> bool {
    let mut changed = false;
    let label = label_ui(ui, "Workload");
    let known = Workload::ALL.iter().find(|info| info.name == spec.name);
    let chooser = ComboBox::from_id_salt("workload").selected_text(spec.name.clone()).width(24.0 * theme::UNIT);
    let chooser = chooser.show_ui(ui, |ui| {
        for info in Workload::ALL {
            let entry = ui.selectable_label(info.name == spec.name, info.name).on_hover_text(info.about);
            if entry.clicked() && info.name != spec.name {
                *spec = WorkloadSpec::named(info.name);
                changed = true;
            }
        }
    });
    chooser.response.labelled_by(label.id);
    if let Some(info) = known {
        about_ui(ui, info);
        for parameter in info.parameters {
            changed |= parameter_ui(ui, parameter, value_mut(spec, parameter.name));
        }
    }
    changed
}

fn about_ui(ui: &mut Ui, info: &WorkloadInfo) {
    let weak = theme::palette(ui).text_weak;
    ui.label(RichText::new(info.about).color(weak));
    let unit = if info.argument.unit.is_empty() { String::new() } else { format!(" in {}", info.argument.unit) };
    let all = format!("The {}{unit}: {}", info.argument.meaning, info.argument.kind);
    let words = format!("Its input: the {}, such as {}", info.argument.meaning, info.example);
    ui.label(RichText::new(words).color(weak)).on_hover_text(all);
}

fn value_mut<'a>(spec: &'a mut WorkloadSpec, parameter: &str) -> Option<&'a mut Option<u64>> {
    match parameter {
        "seed" => Some(&mut spec.seed),
        "iterations" => Some(&mut spec.iterations),
        "tiles" => Some(&mut spec.tiles),
        "size" => Some(&mut spec.size),
        _ => None,
    }
}

fn parameter_ui(ui: &mut Ui, parameter: &ParameterInfo, value: Option<&mut Option<u64>>) -> bool {
    let Some(value) = value else { return false };
    let mut number = value.unwrap_or(parameter.default);
    ui.horizontal(|ui| {
        let drag = DragValue::new(&mut number).range(parameter.min..=parameter.max);
        // As wide as the largest numbers that are usual, so that the names stand below each other.
        let field = ui.add_sized([9.0 * theme::UNIT, theme::ROW], drag);
        let field = field.on_hover_text(parameter.about).accessible_name(parameter.name);
        ui.label(parameter.name);
        ui.add(Label::new(RichText::new(parameter.about).color(theme::palette(ui).text_weak)).wrap());
        if field.changed() {
            *value = (number != parameter.default).then_some(number);
        }
        field.changed()
    })
    .inner
}
