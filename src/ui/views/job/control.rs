//! When the run ends early, waits or holds back.

use egui::Ui;

use crate::session::{ControlDraft, Field, JobDraft, JobEditor};

use super::message_ui;
use super::section::{FieldWords, field_ui, section_ui};

type Text = fn(&mut ControlDraft) -> &mut String;

const FIELDS: [(Field, FieldWords, Text); 11] = [
    (
        Field::Halt,
        FieldWords {
            label: "Halt",
            example: "soon,fail=1",
            help: "End early: now or soon, at how many (or what share) of fail, success or done",
        },
        |draft| &mut draft.halt,
    ),
    (
        Field::Delay,
        FieldWords { label: "Delay", example: "0.5", help: "Wait this long between two starts: seconds, or 500ms, 2m" },
        |draft| &mut draft.delay,
    ),
    (
        Field::RetryWait,
        FieldWords {
            label: "Retry wait",
            example: "1..60",
            help: "Wait before a retry: seconds, or 1..60 for twice as long each time",
        },
        |draft| &mut draft.retry_wait,
    ),
    (
        Field::TimeoutPercent,
        FieldWords {
            label: "Slow tasks",
            example: "300%",
            help: "End tasks that take more than this share of the median",
        },
        |draft| &mut draft.timeout_percent,
    ),
    (
        Field::MemFree,
        FieldWords {
            label: "Free memory",
            example: "4G",
            help: "Start tasks only while so much memory is free, end the youngest below half of it: bytes, or 500M, 4G",
        },
        |draft| &mut draft.memfree,
    ),
    (
        Field::Load,
        FieldWords {
            label: "Highest load",
            example: "2",
            help: "Start tasks only while no more processes want to run; or a share of the cores: 50%",
        },
        |draft| &mut draft.load,
    ),
    (Field::Nice, FieldWords { label: "Nice", example: "10", help: "Let other programs go first: 0 to 19" }, |draft| {
        &mut draft.nice
    }),
    (
        Field::Heartbeat,
        FieldWords {
            label: "Heartbeat",
            example: "30",
            help: "Ask a worker that gives no sign of life for so long, kill it after twice that: seconds, or 2m; without it 5",
        },
        |draft| &mut draft.heartbeat,
    ),
    (
        Field::Slots,
        FieldWords {
            label: "Places",
            example: "1",
            help: "How many places of the pool a task takes, or a template: {cores}",
        },
        |draft| &mut draft.slots,
    ),
    (
        Field::Resources,
        FieldWords { label: "Resources", example: "gpu=2 licence=1", help: "Things that there are only so many of" },
        |draft| &mut draft.resources,
    ),
    (
        Field::Needs,
        FieldWords {
            label: "Needs",
            example: "gpu=1",
            help: "How many of these a task takes, or a template: gpu={n}; it finds which in FANLANE_GPU",
        },
        |draft| &mut draft.needs,
    ),
];

/// Draws the fields; true when one was changed.
pub fn control_ui(ui: &mut Ui, draft: &mut JobDraft, editor: &JobEditor) -> bool {
    let fields: Vec<Field> = FIELDS.iter().map(|(field, ..)| *field).chain([Field::After]).collect();
    let filled = draft.control.filled();
    let control = &mut draft.control;
    let preview = editor.preview();
    section_ui(ui, "Control", filled, preview, &fields, |ui| {
        let mut changed = false;
        for (field, words, text) in &FIELDS {
            changed |= field_ui(ui, words, text(control), preview.error(*field));
        }
        let name = FieldWords { label: "Task names", example: "name", help: "The column that names each task" };
        changed |= field_ui(ui, &name, &mut control.name_column, None);
        let help = "The column with the names of the tasks to wait for, with blanks between them";
        let after = FieldWords { label: "Wait for", example: "after", help };
        changed |= field_ui(ui, &after, &mut control.after_column, None);
        if let Some(message) = preview.error(Field::After) {
            message_ui(ui, message);
        }
        changed
    })
}
