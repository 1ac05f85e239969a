//! The reference of all fields as text: `docs/job-fields.md`.

use std::fmt::Write as _;

use super::{Field, command, control, run, work};

/// The page about all fields, in Markdown.
pub fn reference() -> String {
    let mut page = "# Fields of a job\n\nA job file is a value `Job(key: value, ...)` in RON. Keys with a dot lie in one \
                    another: `control.limits.cpu_secs` is `control: Control(limits: Limits(cpu_secs: 90))`. A field that is \
                    not given has its default. The flags are those of `fanlane run`.\n\nThis page is made from \
                    `src/job/field`; `FANLANE_WRITE_DOCS=1 cargo test --lib job::field` writes it.\n"
        .to_owned();
    let parts = [
        ("What the tasks are", work::WORK_FIELDS),
        ("How they are run", run::RUN_FIELDS),
        ("Control", control::CONTROL_FIELDS),
        ("What commands get", command::COMMAND_FIELDS),
    ];
    for (title, fields) in parts {
        let _ = write!(
            page,
            "\n## {title}\n\n| key | meaning | example | flag | in the window |\n| --- | --- | --- | --- | --- |\n"
        );
        fields.iter().for_each(|field| line(field, &mut page));
    }
    page
}

fn line(field: &Field, page: &mut String) {
    let code = |text: &str| if text.is_empty() { String::new() } else { format!("`{}`", text.replace('|', "\\|")) };
    let (key, help, example, flag) =
        (code(field.key), field.help.replace('|', "\\|"), code(field.example), code(field.flag));
    let _ = writeln!(page, "| {key} | {help} | {example} | {flag} | {} |", field.label);
}
