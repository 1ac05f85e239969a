//! What a command gets besides its line: a shell, variables, and a standard input.

use egui::{TextEdit, Ui};

use crate::session::{CommandEnvironmentDraft, Field, JobDraft, JobEditor};

use crate::ui::sanitize;
use crate::ui::theme;

use super::section::{FieldWords, field_ui, help_ui, section_ui};
use super::{label_ui, message_ui};

const FIELDS: [Field; 4] = [Field::Environment, Field::Stdin, Field::StdinFile, Field::Tagstring];

/// Draws the fields; true when one was changed.
pub fn command_environment_ui(ui: &mut Ui, draft: &mut JobDraft, editor: &JobEditor) -> bool {
    let filled = draft.command_environment.filled();
    let has_own_process = draft.kind.traits().has_own_process;
    let draft = &mut draft.command_environment;
    let preview = editor.preview();
    section_ui(ui, "Environment and input", filled, preview, &FIELDS, |ui| {
        if !has_own_process {
            help_ui(ui, "These are for commands: a workload is called without them.");
        }
        let mut changed = ui.checkbox(&mut draft.shell, "Run by a shell").changed();
        help_ui(ui, "Off: the program is started directly; pipes, $ and * mean nothing then");
        ui.add_space(theme::HALF);
        changed |= environment_ui(ui, draft, preview.error(Field::Environment));
        let help = "What each command reads from its standard input; {} and columns are replaced";
        changed |= text_ui(ui, "Text for standard input", &mut draft.stdin, "nothing", help);
        if let Some(message) = preview.error(Field::Stdin) {
            message_ui(ui, message);
        }
        let file = FieldWords {
            label: "Input file",
            example: "{}.txt",
            help: "Or the file that it reads there, in the working folder",
        };
        changed |= field_ui(ui, &file, &mut draft.stdin_file, preview.error(Field::StdinFile));
        let tag = FieldWords {
            label: "Tag",
            example: "{}",
            help: "What a run in the terminal puts before each line of a task's output; {} and columns are replaced",
        };
        changed |= field_ui(ui, &tag, &mut draft.tagstring, preview.error(Field::Tagstring));
        changed
    })
}

fn environment_ui(ui: &mut Ui, draft: &mut CommandEnvironmentDraft, error: Option<&str>) -> bool {
    let help = "Variables for each command, one a line; {} and columns are replaced in the values";
    let changed = text_ui(ui, "Environment", &mut draft.environment, "NAME=VALUE", help);
    for (name, value) in &draft.kept {
        let words = format!("Kept as in the job file: {name}={}", sanitize::command(value));
        ui.add(egui::Label::new(egui::RichText::new(words).monospace()).truncate());
    }
    if let Some(message) = error {
        message_ui(ui, message);
    }
    changed
}

/// Several lines of text under their label, with their meaning below.
pub(super) fn text_ui(ui: &mut Ui, label: &str, text: &mut String, hint: &str, help: &str) -> bool {
    let label = label_ui(ui, label);
    let field = TextEdit::multiline(text).font(egui::TextStyle::Monospace).desired_rows(2).hint_text(hint.to_owned());
    let mut changed = false;
    egui::ScrollArea::vertical().id_salt(label.id).max_height(14.0 * theme::UNIT).show(ui, |ui| {
        changed = ui.add(field.desired_width(f32::INFINITY)).labelled_by(label.id).changed();
    });
    help_ui(ui, help);
    ui.add_space(theme::HALF);
    changed
}
