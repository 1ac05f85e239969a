//! One field of the job: its label, what is typed, its meaning, and what is wrong with it, all but the typed text from the
//! table of fields. A field that is one text needs nothing here; one with a form of its own has a row in [`FORMS`].

use egui::{Align, Button, Layout, Response, RichText, ScrollArea, TextEdit, Ui, vec2};

use crate::session::{JobDraft, JobEditor};
use fanlane_core::job::field::{self, Field};
use fanlane_core::job::{SharedSpec, Transport};

use crate::ui::line_edit::line_edit;
use crate::ui::sanitize;
use crate::ui::theme;

use super::parameters::parameters_ui;
use super::{label_ui, message_ui};

/// Width of the labels of the fields, in points.
const LABEL_WIDTH: f32 = 15.0 * theme::UNIT;

/// Draws a field; true when it was changed.
type Form = fn(&mut Ui, &'static Field, &mut JobDraft, &JobEditor) -> bool;

/// The fields that are not drawn as a line of text. Name, task and inputs have parts of the page of their own.
static FORMS: [(&Field, Form); 13] = [
    (&field::PARAMETERS, parameters_ui),
    (&field::VALUES, in_the_form),
    (&field::MODE, in_the_top_bar),
    (&field::WORKERS, in_the_top_bar),
    (&field::WORKING_DIR, folder_ui),
    (&field::TRANSPORT, transport_ui),
    (&field::AFTER, dependencies_ui),
    (&field::ENVIRONMENT, environment_ui),
    (&field::STDIN, |ui, field, draft, _| lines_ui(ui, field, "nothing", draft.text_mut(field))),
    (&field::SHARED, shared_ui),
    (&field::REPEAT_WORDS, check_ui),
    (&field::NO_SWAP, check_ui),
    (&field::ORDER, order_ui),
];

/// Draws a field, with what is wrong with it; true when it was changed.
pub fn field_ui(ui: &mut Ui, field: &'static Field, draft: &mut JobDraft, editor: &JobEditor) -> bool {
    let form = FORMS.iter().find(|(own, _)| *own == field).map(|(_, form)| *form);
    let changed = match form {
        Some(form) => form(ui, field, draft, editor),
        None => line_ui(ui, field.label, field.example, field.help, draft.text_mut(field)),
    };
    if let Some(message) = editor.preview().error(field) {
        message_ui(ui, message);
        ui.add_space(theme::HALF);
    }
    changed
}

/// A line of text beside its label, with its meaning below.
fn line_ui(ui: &mut Ui, label: &str, hint: &str, help: &str, text: &mut String) -> bool {
    let changed = beside_label_ui(ui, label, |ui, label| {
        let line = line_edit(text).hint_text(hint.to_owned()).desired_width(ui.available_width());
        ui.add(line).labelled_by(label.id).changed()
    });
    help_ui(ui, help);
    ui.add_space(theme::HALF);
    changed
}

/// Several lines of text under their label, with their meaning below.
fn lines_ui(ui: &mut Ui, field: &Field, hint: &str, text: &mut String) -> bool {
    let label = label_ui(ui, field.label);
    let lines = TextEdit::multiline(text).font(egui::TextStyle::Monospace).desired_rows(2).hint_text(hint.to_owned());
    let mut changed = false;
    ScrollArea::vertical().id_salt(label.id).max_height(14.0 * theme::UNIT).show(ui, |ui| {
        changed = ui.add(lines.desired_width(f32::INFINITY)).labelled_by(label.id).changed();
    });
    help_ui(ui, field.help);
    ui.add_space(theme::HALF);
    changed
}

/// A label at the left of what it names.
pub(super) fn beside_label_ui<R>(ui: &mut Ui, label: &str, contents: impl FnOnce(&mut Ui, &Response) -> R) -> R {
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

fn in_the_top_bar(_: &mut Ui, _: &'static Field, _: &mut JobDraft, _: &JobEditor) -> bool {
    false
}

fn in_the_form(ui: &mut Ui, field: &'static Field, draft: &mut JobDraft, _: &JobEditor) -> bool {
    if !draft.parameters.is_empty() {
        ui.label(field.label);
        help_ui(ui, "Chosen in the form: the button above the name shows it");
    }
    false
}

fn folder_ui(ui: &mut Ui, field: &'static Field, draft: &mut JobDraft, editor: &JobEditor) -> bool {
    line_ui(ui, field.label, &editor.folder().display().to_string(), field.help, draft.text_mut(field))
}

fn transport_ui(ui: &mut Ui, field: &'static Field, draft: &mut JobDraft, _: &JobEditor) -> bool {
    if !draft.kind.traits().returns_value {
        return false;
    }
    let before = draft.transport;
    beside_label_ui(ui, field.label, |ui, _| {
        for (way, words, hint) in [
            (Transport::Pipe, "By pipe", "Results come through their workers' sockets, copied by the system"),
            (
                Transport::SharedMemory,
                "In shared memory",
                "Results from 32 KiB on come in memory that the worker shares and uses again. A run by pipe measures on a \
                 few results what this would bring, and says so on the page Shared",
            ),
        ] {
            if ui.add(Button::selectable(before == way, words)).on_hover_text(hint).clicked() {
                draft.transport = way;
            }
        }
    });
    draft.transport != before
}

/// A field that is true or not given.
fn check_ui(ui: &mut Ui, field: &'static Field, draft: &mut JobDraft, _: &JobEditor) -> bool {
    let text = draft.text_mut(field);
    let mut is_on = text == "true";
    let changed = ui.checkbox(&mut is_on, field.label).changed();
    if changed {
        *text = if is_on { "true".to_owned() } else { String::new() };
    }
    help_ui(ui, field.help);
    ui.add_space(theme::HALF);
    changed
}

fn dependencies_ui(ui: &mut Ui, field: &'static Field, draft: &mut JobDraft, _: &JobEditor) -> bool {
    ui.label(field.label);
    help_ui(ui, field.help);
    let draft = &mut draft.dependencies;
    let names = line_ui(ui, "Task names", "name", "The column that names each task", &mut draft.name_column);
    let help = "The column with the names of the tasks to wait for, with blanks between them";
    line_ui(ui, "Wait for", "after", help, &mut draft.after_column) || names
}

fn environment_ui(ui: &mut Ui, field: &'static Field, draft: &mut JobDraft, _: &JobEditor) -> bool {
    let changed = lines_ui(ui, field, "NAME=VALUE, one a line", &mut draft.environment.lines);
    for (name, value) in &draft.environment.kept {
        let words = format!("Kept as in the job file: {name}={}", sanitize::command(value));
        ui.add(egui::Label::new(RichText::new(words).monospace()).truncate());
    }
    changed
}

fn shared_ui(ui: &mut Ui, field: &'static Field, draft: &mut JobDraft, _: &JobEditor) -> bool {
    let changed = lines_ui(ui, field, "seen = Set, one a line", &mut draft.shared);
    help_ui(ui, &format!("Kinds: {}", SharedSpec::EXAMPLES));
    ui.add_space(theme::HALF);
    changed
}

fn order_ui(ui: &mut Ui, field: &'static Field, draft: &mut JobDraft, _: &JobEditor) -> bool {
    let draft = &mut draft.order;
    let mut changed = line_ui(ui, field.label, field.example, field.help, &mut draft.by_values);
    if !draft.by_values.trim().is_empty() {
        draft.shuffled = false;
    }
    changed |= ui.checkbox(&mut draft.shuffled, "Shuffle").changed();
    help_ui(ui, "On: tasks start in a mixed order. Off: in the order of the inputs");
    ui.add_space(theme::HALF);
    if draft.shuffled {
        changed |= line_ui(ui, "Shuffle seed", "0", "The same number mixes the same way", &mut draft.seed);
    }
    changed
}
