//! The page for users of pueue is true: every command and option of pueue stands in it once, what it says is there is there, and its
//! numbers are those of its rows.

use std::collections::BTreeSet;

use clap::Command;

use crate::cli::help;

const PAGE: &str = include_str!("../../../docs/from-pueue.md");

/// The commands of pueue 4.0.4 with their options, and what stands for its own.
const PUEUE: [(&str, &[&str]); 27] = [
    (
        "add",
        &[
            "working-directory",
            "escape",
            "immediate",
            "follow",
            "stashed",
            "delay",
            "group",
            "after",
            "priority",
            "label",
            "print-task-id",
        ],
    ),
    ("remove", &[]),
    ("switch", &[]),
    ("stash", &["group", "all", "delay"]),
    ("enqueue", &["group", "all", "delay"]),
    ("start", &["group", "all"]),
    ("restart", &["all-failed", "failed-in-group", "immediate", "stashed", "in-place", "not-in-place", "edit"]),
    ("pause", &["group", "all", "wait"]),
    ("kill", &["group", "all", "signal"]),
    ("send", &[]),
    ("edit", &[]),
    ("env set", &[]),
    ("env unset", &[]),
    ("group", &["json"]),
    ("group add", &["parallel"]),
    ("group remove", &[]),
    ("status", &["json", "group"]),
    ("status QUERY", &[]),
    ("log", &["group", "all", "json", "lines", "full"]),
    ("follow", &["lines"]),
    ("wait", &["group", "all", "quiet", "status"]),
    ("clean", &["successful-only", "group"]),
    ("reset", &["groups", "force"]),
    ("shutdown", &[]),
    ("parallel", &["group"]),
    ("completions", &[]),
    ("", &["verbose", "color", "config", "profile"]),
];

/// A row of the page: what of pueue it is about, how that is here, and with which commands.
struct Row {
    names: Vec<&'static str>,
    here: &'static str,
    with: Vec<&'static str>,
    words: &'static str,
}

fn spans(cell: &'static str) -> Vec<&'static str> {
    cell.split('`').skip(1).step_by(2).collect()
}

fn rows() -> Vec<Row> {
    let cells = PAGE.lines().filter_map(|line| line.strip_prefix("| `").map(|_| line.split('|').map(str::trim)));
    cells
        .filter_map(|mut cells| {
            let (names, here, with) = (cells.nth(1)?, cells.next()?, cells.next()?);
            Some(Row { names: spans(names), here, with: spans(with), words: cells.next().unwrap_or_default() })
        })
        .collect()
}

/// Whether a command line such as `fanlane queue wait --all` names a command and options of it.
fn is_there(line: &str, whole: &Command) -> bool {
    let mut command = whole;
    for word in line.split(' ').skip(1) {
        if let Some(option) = word.strip_prefix("--") {
            let is_it = |arg: &clap::Arg| {
                arg.get_long() == Some(option) || arg.get_all_aliases().is_some_and(|all| all.contains(&option))
            };
            if !command.get_arguments().any(is_it) {
                return false;
            }
        } else if let Some(inner) = command.find_subcommand(word) {
            command = inner;
        } else if word.chars().any(char::is_lowercase) {
            return false;
        }
    }
    true
}

#[test]
fn each_command_and_option_of_pueue_has_its_row_and_what_is_there_is_there() {
    let all: BTreeSet<String> = PUEUE
        .iter()
        .flat_map(|(command, options)| {
            let own = (!command.is_empty()).then(|| (*command).to_owned());
            let options = options.iter().map(move |option| format!("{command} --{option}").trim().to_owned());
            own.into_iter().chain(options)
        })
        .collect();
    let rows = rows();
    let named: Vec<String> = rows.iter().flat_map(|row| &row.names).map(|name| (*name).to_owned()).collect();
    let known: BTreeSet<String> = named.iter().cloned().collect();
    assert_eq!(known, all, "the page and the options of pueue");
    assert_eq!(named.len(), known.len(), "each stands in one row");
    let whole = help::commands();
    for Row { names, here, with, words } in &rows {
        match *here {
            "whole" | "other" => assert!(!with.is_empty(), "{names:?}: how?"),
            "left out" => assert!(with.is_empty() && words.len() > 10, "{names:?}: why?"),
            here => panic!("{names:?} is {here:?}"),
        }
        for line in with {
            assert!(line.starts_with("fanlane ") && is_there(line, &whole), "{names:?}: {line}");
        }
    }
    let count = |here: &str| rows.iter().filter(|row| row.here == here).map(|row| row.names.len()).sum::<usize>();
    let sentence = format!(
        "Of {} commands and options {} are whole here, {} are reached in another way, and {} are left out.",
        named.len(),
        count("whole"),
        count("other"),
        count("left out")
    );
    assert!(PAGE.contains(&sentence), "the page says: {sentence}");
}
