//! A part of the page that is folded at first: the fields of one group of the table of fields.

use egui::{CollapsingHeader, RichText, Ui};

use crate::session::{JobDraft, JobEditor};
use crate::ui::theme;
use crate::ui::widgets::describe_fold;
use fanlane_core::job::field::{FieldGroup, LIMIT_GROUP};

use super::field::{field_ui, help_ui};

/// Draws the group; true when one of its fields was changed. It begins folded, says how many of its fields are filled in,
/// and cannot hide a mistake.
pub fn group_ui(ui: &mut Ui, group: &FieldGroup, draft: &mut JobDraft, editor: &JobEditor) -> bool {
    let has_error = editor.preview().errors().iter().any(|error| group.fields.contains(&error.field));
    let filled: usize = group.fields.iter().map(|field| draft.filled(field)).sum();
    let words = if filled == 0 { group.title.to_owned() } else { format!("{} ({filled} set)", group.title) };
    let words = RichText::new(words).text_style(theme::title_style()).color(theme::palette(ui).text_strong);
    let section = CollapsingHeader::new(words).id_salt(group.title).open(has_error.then_some(true));
    let contents = |ui: &mut Ui| {
        let means_nothing = group.about_processes && !draft.kind.traits().has_own_process;
        if means_nothing {
            help_ui(ui, "These are for commands: a call shares its worker's process.");
        }
        let mut changed = false;
        // What is there can be removed also where it means nothing.
        let is_enabled = !means_nothing || filled > 0 || *group != LIMIT_GROUP;
        ui.add_enabled_ui(is_enabled, |ui| {
            for field in group.fields {
                changed |= field_ui(ui, field, draft, editor);
            }
        });
        changed
    };
    let section = section.show_unindented(ui, contents);
    describe_fold(ui, &section);
    section.body_returned.unwrap_or(false)
}
