//! The inputs of the open job, one under the other.

use egui::{RichText, Ui};
use egui_material_icons::icons::ICON_ADD;

use crate::session::{InputDraft, InputKind, JobDraft, JobEditor};
use fanlane_core::job::field;

use crate::ui::icon_button::icon_button;
use crate::ui::theme;

use super::input::{Change, focus_when_drawn, input_ui};
use super::{error_ui, message_ui, title_ui};

/// Draws the inputs; true when one was changed.
pub fn inputs_ui(ui: &mut Ui, draft: &mut JobDraft, editor: &JobEditor) -> bool {
    let mut changed = false;
    title_ui(ui, field::INPUTS.label).on_hover_text(field::INPUTS.help);
    if draft.inputs.is_empty() {
        let words = "None: one task without a value. Add an input, or drop files on the window.";
        ui.label(RichText::new(words).color(theme::palette(ui).text_weak));
    }
    let mut removed = None;
    for place in 0..draft.inputs.len() {
        let input = &mut draft.inputs[place];
        let change =
            ui.push_id(("input", place), |ui| input_ui(ui, input, &(place + 1).to_string(), &InputKind::CHOICES));
        match change.inner {
            Change::None => {}
            Change::Edited => changed = true,
            Change::Removed => removed = Some(place),
        }
        if let Some(message) = editor.preview().input_error(place) {
            message_ui(ui, message);
        }
    }
    if let Some(place) = removed {
        draft.inputs.remove(place);
        changed = true;
    }
    error_ui(ui, editor, &field::INPUTS);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = theme::HALF;
        if icon_button(ui, ICON_ADD, "Add input", true).clicked() {
            draft.inputs.push(InputDraft::range(1, 10));
            changed = true;
        }
        if draft.inputs.is_empty() {
            for (kind, words) in
                [(InputKind::Glob, "Matching files"), (InputKind::List, "List"), (InputKind::Lines, "Lines of a file")]
            {
                let button = icon_button(ui, ICON_ADD, words, true).on_hover_text(kind.explanation());
                if button.clicked() {
                    draft.inputs.push(InputDraft { kind, ..InputDraft::default() });
                    focus_when_drawn(ui);
                    changed = true;
                }
            }
        }
        if draft.inputs.len() > 1 {
            let linked = ui.checkbox(&mut draft.linked, field::LINKED.label);
            changed |= linked.on_hover_text(field::LINKED.help).changed();
        }
    });
    ui.add_space(theme::GAP);
    changed
}
