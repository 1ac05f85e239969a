//! The page for users of hyperfine is true: every option of hyperfine stands in it once, and what it says is there is there.

use std::collections::BTreeSet;

use clap::Arg;

use crate::cli::help;

const PAGE: &str = include_str!("../../../../docs/from-hyperfine.md");

/// The options of hyperfine 1.20.
const HYPERFINE: [&str; 31] = [
    "--warmup",
    "--min-runs",
    "--max-runs",
    "--runs",
    "--setup",
    "--reference",
    "--reference-name",
    "--prepare",
    "--conclude",
    "--cleanup",
    "--parameter-scan",
    "--parameter-step-size",
    "--parameter-list",
    "--shell",
    "-N",
    "--ignore-failure",
    "--style",
    "--sort",
    "--time-unit",
    "--export-asciidoc",
    "--export-csv",
    "--export-json",
    "--export-markdown",
    "--export-orgmode",
    "--show-output",
    "--output",
    "--input",
    "--command-name",
    "--min-benchmarking-time",
    "--help",
    "--version",
];

#[test]
fn each_option_of_hyperfine_has_its_row_and_what_is_there_is_there() {
    let rows: Vec<(&str, &str, &str)> = PAGE
        .lines()
        .filter(|line| line.starts_with("| `-"))
        .filter_map(|line| {
            let mut cells = line.split('|').map(str::trim).skip(1);
            Some((cells.next()?.trim_matches('`'), cells.next()?, cells.next()?))
        })
        .collect();
    let named: BTreeSet<&str> = rows.iter().map(|(name, ..)| *name).collect();
    assert_eq!((named.len(), &named), (rows.len(), &HYPERFINE.into_iter().collect()), "each stands in one row");
    let mut whole = help::commands();
    whole.build();
    let race = whole.find_subcommand("race").expect("the command");
    let is_there = |option: &str| {
        let is_it = |arg: &Arg| match option.strip_prefix("--") {
            Some(long) => arg.get_long() == Some(long) || arg.get_all_aliases().is_some_and(|all| all.contains(&long)),
            None => arg.get_short() == option.chars().nth(1),
        };
        option == "--version" || race.get_arguments().any(is_it)
    };
    for (option, here, words) in &rows {
        match *here {
            "same" | "different" => assert!(is_there(option), "{option}"),
            "left out" => assert!(!is_there(option) && words.len() > 10, "{option}"),
            here => panic!("{option} is {here:?}"),
        }
    }
    let count = |here: &str| rows.iter().filter(|row| row.1 == here).count();
    let sentence = format!(
        "Of {} options {} are the same here, {} differ, and {} are left out.",
        rows.len(),
        count("same"),
        count("different"),
        count("left out")
    );
    assert!(PAGE.contains(&sentence), "the page says: {sentence}");
}
