//! The objects that tasks share.

use egui::Ui;

use crate::job::SharedSpec;
use crate::session::{Field, Session};

use super::message_ui;
use super::section::{help_ui, section_ui};
use super::surroundings::text_ui;

/// Draws the field; true when it was changed.
pub fn shared_ui(ui: &mut Ui, session: &mut Session) -> bool {
    let filled = session.draft.shared.filled();
    let mut draft = std::mem::take(&mut session.draft.shared);
    let preview = session.preview();
    let changed = section_ui(ui, "Shared objects", filled, preview, &[Field::Shared], |ui| {
        let help =
            "What all tasks of the run can use, one a line; a script does it with \u{201c}fanlane manager\u{201d}";
        let changed = text_ui(ui, "Objects", &mut draft.objects, "seen = Set", help);
        if let Some(message) = preview.error(Field::Shared) {
            message_ui(ui, message);
        }
        help_ui(ui, &format!("Kinds: {}", SharedSpec::EXAMPLES));
        changed
    });
    session.draft.shared = draft;
    changed
}
