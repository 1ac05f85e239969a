//! The objects that tasks share, and the memory that they may take.

use egui::Ui;

use crate::session::{Field, JobDraft, JobEditor};
use crate::ui::theme;
use fanlane_core::job::SharedSpec;

use super::command_environment::text_ui;
use super::message_ui;
use super::section::{FieldWords, field_ui, help_ui, section_ui};

const MEMORY: FieldWords = FieldWords {
    label: "Most memory",
    example: "1G",
    help: "The most that the values of all objects may take together: bytes, or 500M, 4G; without it 1G",
};

/// Draws the fields; true when one was changed.
pub fn shared_ui(ui: &mut Ui, draft: &mut JobDraft, editor: &JobEditor) -> bool {
    let filled = draft.shared.filled();
    let draft = &mut draft.shared;
    let preview = editor.preview();
    section_ui(ui, "Shared objects", filled, preview, &[Field::Shared, Field::SharedMemory], |ui| {
        let help =
            "What all tasks of the run can use, one a line; a script does it with \u{201c}fanlane manager\u{201d}";
        let mut changed = text_ui(ui, "Objects", &mut draft.objects, "seen = Set", help);
        if let Some(message) = preview.error(Field::Shared) {
            message_ui(ui, message);
        }
        help_ui(ui, &format!("Kinds: {}", SharedSpec::EXAMPLES));
        ui.add_space(theme::HALF);
        changed |= field_ui(ui, &MEMORY, &mut draft.memory, preview.error(Field::SharedMemory));
        changed
    })
}
