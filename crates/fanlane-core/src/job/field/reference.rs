//! The reference of all fields as text: `docs/job-fields.md`.

use std::fmt::Write as _;

use super::{Field, GROUPS};

/// The page about all fields, in Markdown.
pub fn reference() -> String {
    let mut page = "# Fields of a job\n\nA job file is a value `Job(key: value, ...)` in RON. Keys with a dot lie in one \
                    another: `control.limits.cpu_secs` is `control: Control(limits: Limits(cpu_secs: 90))`. A field that is \
                    not given has its default. The flags are those of `fanlane run`.\n\nThis page is made from \
                    `crates/fanlane-core/src/job/field`; `FANLANE_WRITE_DOCS=1 cargo test -p fanlane-core --lib job::field` writes it.\n"
        .to_owned();
    for group in GROUPS {
        let title = group.title;
        let _ = write!(
            page,
            "\n## {title}\n\n| key | meaning | example | flag | in the window |\n| --- | --- | --- | --- | --- |\n"
        );
        group.fields.iter().for_each(|field| line(field, &mut page));
    }
    page
}

fn line(field: &Field, page: &mut String) {
    let code = |text: &str| if text.is_empty() { String::new() } else { format!("`{}`", text.replace('|', "\\|")) };
    let (key, help, example, flag) =
        (code(field.key), field.help.replace('|', "\\|"), code(field.example), code(field.flag));
    let _ = writeln!(page, "| {key} | {help} | {example} | {flag} | {} |", field.label);
}
