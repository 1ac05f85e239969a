//! How the inputs' rows become tasks, and in which order these begin.

use egui::Ui;

use crate::session::{Field, JobDraft, JobEditor};

use crate::ui::theme;

use super::section::{FieldWords, field_ui, help_ui, section_ui};

const FIELDS: [Field; 5] = [Field::MaxArgs, Field::Order, Field::Seed, Field::Sample, Field::SampleSeed];

/// Draws the fields; true when one was changed.
pub fn order_ui(ui: &mut Ui, draft: &mut JobDraft, editor: &JobEditor) -> bool {
    let filled = draft.order.filled();
    let draft = &mut draft.order;
    let preview = editor.preview();
    section_ui(ui, "Order", filled, preview, &FIELDS, |ui| {
        let field = |ui: &mut Ui, field, label, example, help, text: &mut String| {
            field_ui(ui, &FieldWords { label, example, help }, text, preview.error(field))
        };
        let help = "How many rows of the inputs go into one task; 0: one row, but none of its values";
        let mut changed = field(ui, Field::MaxArgs, "Rows a task", "1", help, &mut draft.max_args);
        let help = "By values: priority:COLUMN, longest-first:COLUMN with seconds, longest-first-in:JOBLOG, or \
                    longest-first-by-history";
        changed |= field(ui, Field::Order, "Begin first", "priority:1", help, &mut draft.by_values);
        if !draft.by_values.trim().is_empty() {
            draft.shuffled = false;
        }
        changed |= ui.checkbox(&mut draft.shuffled, "Shuffle").changed();
        help_ui(ui, "On: tasks begin in a mixed order. Off: in the order of the inputs");
        ui.add_space(theme::HALF);
        if draft.shuffled {
            let help = "The same number mixes the same way";
            changed |= field(ui, Field::Seed, "Shuffle seed", "0", help, &mut draft.seed);
        }
        let help = "Only so many rows, chosen at random and kept in their order";
        changed |= field(ui, Field::Sample, "Sample", "all", help, &mut draft.sample);
        let help = "The same number chooses the same rows";
        changed |= field(ui, Field::SampleSeed, "Sample seed", "0", help, &mut draft.sample_seed);
        changed
    })
}
