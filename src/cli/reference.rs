//! The page about every command and flag, `docs/command-line.md`, made from the definitions that `--help` shows.

use std::fmt::Write as _;
use std::path::Path;

use clap::{Arg, Command};

use super::help;

const HEAD: &str = "\
# Command line

Every command with its arguments and flags, as `--help` shows them. `fanlane` opens the window, `fanlane JOB.ron`
opens it on a job file. A flag that takes a value is written `--flag VALUE` or `--flag=VALUE`.

This page is made from the definitions in `src/cli`; `FANLANE_WRITE_DOCS=1 cargo test --lib cli::reference` writes it.
";

fn page() -> String {
    let mut whole = help::commands();
    whole.build();
    let mut page = HEAD.to_owned();
    whole.get_subcommands().for_each(|command| write_command(command, 2, &mut page));
    page
}

fn write_command(command: &Command, level: usize, page: &mut String) {
    if command.get_name() == "help" || command.is_hide_set() {
        return;
    }
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name());
    let _ = write!(page, "\n{} {name}\n", "#".repeat(level));
    let about = command.get_long_about().or(command.get_about());
    if let Some(about) = about {
        let _ = write!(page, "\n{}.\n", about.to_string().trim_end_matches('.'));
    }
    let usage = command.clone().render_usage().to_string();
    let _ = write!(page, "\n```text\n{}\n```\n", usage.trim_start_matches("Usage: ").replace("\n       ", "\n"));
    let mut headings: Vec<Option<&str>> = Vec::new();
    let mut arguments: Vec<&Arg> = command
        .get_arguments()
        .filter(|arg| !arg.is_hide_set() && !arg.is_hide_long_help_set() && is_own(arg))
        .collect();
    if command.get_name() == "run" {
        arguments.sort_by_key(|arg| help::place_in_run(arg).unwrap_or((usize::MAX, 0)));
    }
    for arg in &arguments {
        if !headings.contains(&arg.get_help_heading()) {
            headings.push(arg.get_help_heading());
        }
    }
    // The group without a heading stands first, as in help.
    headings.sort_by_key(Option::is_some);
    for heading in headings {
        let mut group: Vec<&Arg> = arguments.iter().copied().filter(|arg| arg.get_help_heading() == heading).collect();
        group.sort_by_key(|arg| !arg.is_positional());
        let _ = write!(page, "\n| {} | |\n| --- | --- |\n", heading.unwrap_or("argument or flag"));
        group.iter().for_each(|arg| write_argument(arg, page));
    }
    if let Some(text) = command.get_after_long_help().or(command.get_after_help()) {
        let _ = write!(page, "\n```text\n{text}\n```\n");
    }
    command.get_subcommands().for_each(|command| write_command(command, level + 1, page));
}

fn is_own(arg: &Arg) -> bool {
    !["help", "version"].contains(&arg.get_id().as_str())
}

fn write_argument(arg: &Arg, page: &mut String) {
    let code = |text: String| format!("`{}`", text.replace('|', "\\|"));
    let values: Vec<&str> = arg.get_value_names().unwrap_or_default().iter().map(|name| name.as_str()).collect();
    let takes_value = arg.get_action().takes_values();
    let mut names: Vec<String> = arg.get_short().map(|short| format!("-{short}")).into_iter().collect();
    names.extend(arg.get_long().map(|long| format!("--{long}")));
    names.extend(arg.get_visible_aliases().unwrap_or_default().iter().map(|alias| format!("--{alias}")));
    if arg.is_positional() {
        names.push(values.join(" "));
    } else if takes_value && let Some(last) = names.last_mut() {
        *last += &format!(" {}", values.join(" "));
    }
    let names: Vec<String> = names.into_iter().map(code).collect();
    let mut meaning = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
    let mut add = |words: &str, values: Vec<String>| {
        if takes_value && !values.is_empty() && !meaning.contains(&format!("[{words}")) {
            meaning += &format!(" [{words}: {}]", values.join(", "));
        }
    };
    add("default", arg.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect());
    let possible = arg.get_possible_values();
    add("possible values", possible.iter().map(|value| value.get_name().to_owned()).collect());
    let meaning = meaning.replace('|', "\\|").replace("\n\n", " ").replace('\n', " ");
    let _ = writeln!(page, "| {} | {meaning} |", names.join(", "));
}

#[test]
fn the_page_of_the_command_line_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/command-line.md");
    let page = page();
    if std::env::var_os("FANLANE_WRITE_DOCS").is_some() {
        std::fs::write(&path, &page).expect("the page is written");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page, "write the page anew: FANLANE_WRITE_DOCS=1 cargo test --lib cli::reference");
}
