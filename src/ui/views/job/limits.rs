//! What a task may take at the most.

use egui::Ui;

use crate::session::{Field, JobDraft, JobEditor, LimitsDraft};
use fanlane_core::job::control::Limits;

use super::section::{FieldWords, field_ui, help_ui, section_ui};

type Text = fn(&mut LimitsDraft) -> &mut String;

const FIELDS: [(Field, FieldWords, Text); 3] = [
    (
        Field::LimitMemory,
        FieldWords {
            label: "Memory",
            example: "4G",
            help: "The most that each process of a task may ask for (its address space): bytes, or 500M, 4G. \
                   Programs that reserve more than they use need more than they take",
        },
        |draft| &mut draft.memory,
    ),
    (
        Field::LimitCpu,
        FieldWords {
            label: "CPU time",
            example: "90",
            help: "The most that each process of a task may compute, in whole seconds, or 2m; waiting does not count",
        },
        |draft| &mut draft.cpu,
    ),
    (
        Field::LimitOutput,
        FieldWords {
            label: "Output",
            example: "500M",
            help: "A task that prints more than this is ended: bytes, or 500M, 4G",
        },
        |draft| &mut draft.output,
    ),
];

/// Draws the fields; true when one was changed.
pub fn limits_ui(ui: &mut Ui, draft: &mut JobDraft, editor: &JobEditor) -> bool {
    let fields: Vec<Field> = FIELDS.iter().map(|(field, ..)| *field).collect();
    let has_own_process = draft.kind.traits().has_own_process;
    let draft = &mut draft.limits;
    let filled = draft.filled();
    let preview = editor.preview();
    section_ui(ui, "Limits of a task", filled, preview, &fields, |ui| {
        if !Limits::ARE_ENFORCED {
            help_ui(ui, "This system has no way to limit a task.");
        } else if !has_own_process {
            help_ui(ui, "These are for commands: a call shares its worker's process.");
        }
        let mut changed = false;
        // What is there can be removed also where it means nothing.
        ui.add_enabled_ui((Limits::ARE_ENFORCED && has_own_process) || filled > 0, |ui| {
            for (field, words, text) in &FIELDS {
                changed |= field_ui(ui, words, text(draft), preview.error(*field));
            }
        });
        changed
    })
}
