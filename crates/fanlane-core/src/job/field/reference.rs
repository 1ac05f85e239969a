//! The reference of all fields as text: `docs/job-fields.md`. Each row has an example as a job file has it, each group a job
//! that uses its fields.

use std::fmt::Write as _;

use ron::ser::PrettyConfig;

use super::{Field, FieldGroup, GROUPS, MAX_CHARS, NEEDS, PARAMETERS, RESOURCES, SPREAD, VALUES};
use crate::job::file::options;
use crate::job::{Job, SharedSpec, TaskTemplate};

const HEAD: &str = "\
# Fields of a job

A job file is a value `Job(key: value, ...)` in RON. Keys with a dot lie in one another: `control.limits.cpu_secs` is
`control: Control(limits: Limits(cpu_secs: 90))`. A field that is not given has its default. The flags are those of `fanlane run`,
where lengths of time and sizes may have a unit (`90s`, `500M`); in a job file they are numbers of seconds and of bytes.

This page is made from `crates/fanlane-core/src/job/field`; `FANLANE_WRITE_DOCS=1 cargo test -p fanlane-core --lib job::field` writes it.
";

/// What stands below the table of each group, in their order.
const EXAMPLES: [&str; 9] = [
    include_str!("examples/work.md"),
    include_str!("examples/parameters.md"),
    include_str!("examples/options.md"),
    include_str!("examples/control.md"),
    include_str!("examples/limits.md"),
    include_str!("examples/command.md"),
    include_str!("examples/remote_files.md"),
    include_str!("examples/shared.md"),
    include_str!("examples/order.md"),
];

/// Each kind of input by an example, and what its values are.
pub(super) const INPUTS: [(&str, &str); 13] = [
    ("Range(1, 10)", "whole numbers, both ends included"),
    ("Numbers(\"1\", \"10\")", "the same, with ends that may be parameters: `Numbers(\"1\", \"{@last}\")`"),
    ("List([\"a\", \"b\"])", "these texts"),
    ("Lines(\"files.txt\")", "the lines of a file"),
    ("Glob(\"photos/**/*.jpg\")", "names of files and folders, sorted; `**` for any folders; no match is an error"),
    ("Csv(\"people.csv\")", "rows of a table, whose first row names the columns"),
    ("Json(\"people.json\")", "elements of a JSON array or of JSON lines; keys name the columns"),
    ("Stdin", "the lines of standard input"),
    (
        "Table(file: \"people.txt\", format: csv, separator: ';', encoding: windows1252)",
        "a table of which not all can be recognised; without `file` from standard input",
    ),
    (
        "Records(file: \"names\", separator: \"\\0\")",
        "pieces of a file that end with a separator; with `skip: 1` not the first, with `until: \"END\"` those before a piece `END`",
    ),
    (
        "Columns(from: Lines(\"table.txt\"), separator: \"\\\\s+\", header: true, trim: true)",
        "values of another input, cut into columns at a regular expression",
    ),
    (
        "Linked([Range(1, 2), List([\"a\", \"b\"])])",
        "several inputs walked side by side, up to the end of the shortest",
    ),
    ("Bytes([b\"caf\\xe9\"])", "texts of any bytes"),
];

/// The page about all fields, in Markdown.
pub fn reference() -> String {
    let mut page = HEAD.to_owned();
    for (group, example) in GROUPS.into_iter().zip(EXAMPLES) {
        write_group(group, &mut page);
        let example = example.replace("{inputs}", &inputs()).replace("{kinds of shared objects}", &kinds());
        let _ = write!(page, "\n{example}");
    }
    page
}

fn write_group(group: &FieldGroup, page: &mut String) {
    let title = group.title;
    let _ = write!(
        page,
        "\n## {title}\n\n| key | meaning | values | default | in a job file | flag | in the window |\n\
         | --- | --- | --- | --- | --- | --- | --- |\n"
    );
    for field in group.fields {
        let (meaning, default) = meaning_and_default(field);
        let cells = [
            code(field.key),
            meaning,
            field.values.to_owned(),
            default,
            code(&in_file(field)),
            code(field.flag),
            field.label.to_owned(),
        ];
        let _ = writeln!(page, "| {} |", cells.map(|cell| cell.replace('|', "\\|")).join(" | "));
    }
}

fn code(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("`{text}`") }
}

/// Help says the default in brackets, here it has a cell of its own.
fn meaning_and_default(field: &Field) -> (String, String) {
    if let Some(meaning) = field.help.strip_suffix(". Required") {
        return (meaning.to_owned(), "required".to_owned());
    }
    if let Some((before, rest)) = field.help.split_once(" [default: ")
        && let Some((default, after)) = rest.split_once(']')
    {
        return (format!("{before}{after}"), default.to_owned());
    }
    let default = field.get(&Job::default());
    (field.help.to_owned(), if default.is_empty() { "none".to_owned() } else { code(&default) })
}

/// The field with its example, as a job file has it.
pub(super) fn in_file(field: &'static Field) -> String {
    let before = Job { task: TaskTemplate::Command("true".to_owned()), ..Job::default() };
    let mut job = before.clone();
    // There has to be what is needed, and what has a value.
    let first = [(&NEEDS, &RESOURCES), (&VALUES, &PARAMETERS), (&SPREAD, &MAX_CHARS)]
        .into_iter()
        .find(|(own, _)| *own == field);
    if let Some((_, first)) = first {
        first.set(&mut job, first.example).expect("a test reads each example");
    }
    field.set(&mut job, field.example).expect("a test reads each example");
    if meaning_and_default(field).1 == "required" {
        return format!("{}: {}", field.key, field.example);
    }
    let line = |job: &Job| {
        let config =
            PrettyConfig::new().struct_names(true).compact_structs(true).compact_maps(true).compact_arrays(true);
        options().to_string_pretty(job, config).expect("a job of the examples can be written")
    };
    inserted(&line(&before), &line(&job)).trim_matches([',', ' ']).to_owned()
}

/// What `with` has in addition to `without`.
fn inserted<'a>(without: &str, with: &'a str) -> &'a str {
    let start = without.bytes().zip(with.bytes()).take_while(|(one, other)| one == other).count();
    &with[start..start + with.len() - without.len()]
}

fn inputs() -> String {
    let row = |(example, meaning): &(&str, &str)| format!("| `{example}` | {meaning} |\n");
    format!("| input | values |\n| --- | --- |\n{}", INPUTS.iter().map(row).collect::<String>())
}

fn kinds() -> String {
    // A comma inside brackets belongs to its kind.
    let kinds = SharedSpec::EXAMPLES.split_inclusive([' ']).fold(vec![String::new()], |mut kinds, word| {
        let last = kinds.last_mut().expect("there is one");
        *last += word;
        if last.matches('(').count() == last.matches(')').count() {
            kinds.push(String::new());
        }
        kinds
    });
    let kinds = kinds.iter().map(|kind| kind.trim_end_matches([',', ' '])).filter(|kind| !kind.is_empty());
    kinds.map(code).collect::<Vec<_>>().join(", ")
}
