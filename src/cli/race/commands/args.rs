//! The arguments of a race of commands. Names and meanings are those of hyperfine.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Result, bail, ensure};
use clap::{ArgAction, Args};

/// What a race of different commands takes beside what every race takes.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Races of commands")]
pub struct CommandRaceArgs {
    /// Run each command in turns at least N times [default: 10, or 3 once the time limit is reached]
    #[arg(short = 'm', long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub min_runs: Option<u32>,
    /// Run each command at most N times [default: 1000]
    #[arg(short = 'M', long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_runs: Option<u32>,
    /// Run CMD before each timed run: once for all commands, or once for each of them
    #[arg(short = 'p', long, value_name = "CMD", action = ArgAction::Append)]
    pub prepare: Vec<String>,
    /// Run CMD after each timed run: once for all commands, or once for each of them
    #[arg(short = 'C', long, value_name = "CMD", action = ArgAction::Append)]
    pub conclude: Vec<String>,
    /// Run CMD before the first run of each command; the commands run one after the other then, not in turns
    #[arg(short = 's', long, value_name = "CMD")]
    pub setup: Option<String>,
    /// Run CMD after the last run of each command; the commands run one after the other then, not in turns
    #[arg(short = 'c', long, value_name = "CMD")]
    pub cleanup: Option<String>,
    /// Race a command for each of these values of {VAR}; several lists are combined
    #[arg(short = 'L', long, value_names = ["VAR", "VALUES"], num_args = 2, action = ArgAction::Append, allow_hyphen_values = true)]
    pub parameter_list: Vec<String>,
    /// Race a command for each number of {VAR} from MIN to MAX
    #[arg(short = 'P', long, value_names = ["VAR", "MIN", "MAX"], num_args = 3, action = ArgAction::Append, allow_hyphen_values = true)]
    pub parameter_scan: Vec<String>,
    /// Step between the numbers of --parameter-scan [default: 1]
    #[arg(short = 'D', long, value_name = "DELTA", action = ArgAction::Append, allow_hyphen_values = true)]
    pub parameter_step_size: Vec<String>,
    /// Shell of the commands, with its options; none: each command is started without one
    #[arg(short = 'S', long, value_name = "SHELL", default_value = "default")]
    pub shell: String,
    /// The same as --shell none
    #[arg(short = 'N')]
    pub no_shell: bool,
    /// Go on where a command fails, and count its failures
    #[arg(short = 'i', long)]
    pub ignore_failure: bool,
    /// What the commands read: null, or a file
    #[arg(long, value_name = "WHERE", default_value = "null")]
    pub input: PathBuf,
    /// Where their output goes: null, pipe, inherit, or a file
    #[arg(long, value_name = "WHERE", default_value = "null")]
    pub output: PathBuf,
    /// The same as --output inherit
    #[arg(long)]
    pub show_output: bool,
    /// Compare with this command, which takes part first, in place of the fastest
    #[arg(long, value_name = "CMD")]
    pub reference: Option<String>,
    /// Name of the reference in reports
    #[arg(long, value_name = "NAME", requires = "reference")]
    pub reference_name: Option<String>,
    /// Order of the report: auto and command: as given; mean-time: the fastest first
    #[arg(long, value_name = "ORDER", default_value = "auto", value_parser = ["auto", "command", "mean-time"])]
    pub sort: String,
    /// Unit of times in tables [default: the one that fits the first command]
    #[arg(short = 'u', long, value_name = "UNIT", value_parser = ["microsecond", "millisecond", "second"])]
    pub time_unit: Option<String>,
    /// Name of a command; once for each of them
    #[arg(short = 'n', long, value_name = "NAME", action = ArgAction::Append)]
    pub command_name: Vec<String>,
    /// Write every run as JSON, as hyperfine does; --show reads it
    #[arg(long, value_name = "FILE")]
    pub export_json: Vec<PathBuf>,
    /// Write a row for each command as CSV
    #[arg(long, value_name = "FILE")]
    pub export_csv: Vec<PathBuf>,
    /// Write a table of Markdown
    #[arg(long, value_name = "FILE")]
    pub export_markdown: Vec<PathBuf>,
    /// Write a table of AsciiDoc
    #[arg(long, value_name = "FILE")]
    pub export_asciidoc: Vec<PathBuf>,
    /// Write a table of org-mode
    #[arg(long, value_name = "FILE")]
    pub export_orgmode: Vec<PathBuf>,
}

impl CommandRaceArgs {
    /// The first flag that only a race of commands has.
    pub fn first_given(&self) -> Option<&'static str> {
        let flags = [
            (self.min_runs.is_some(), "--min-runs"),
            (self.max_runs.is_some(), "--max-runs"),
            (!self.prepare.is_empty(), "--prepare"),
            (!self.conclude.is_empty(), "--conclude"),
            (self.setup.is_some(), "--setup"),
            (self.cleanup.is_some(), "--cleanup"),
            (!self.parameter_list.is_empty(), "--parameter-list"),
            (!self.parameter_scan.is_empty(), "--parameter-scan"),
            (!self.parameter_step_size.is_empty(), "--parameter-step-size"),
            ((self.shell != "default" && !self.shell.is_empty()) || self.no_shell, "--shell"),
            (self.ignore_failure, "--ignore-failure"),
            (self.input.as_os_str() != "null", "--input"),
            (self.output.as_os_str() != "null" || self.show_output, "--output"),
            (self.reference.is_some(), "--reference"),
            (self.sort != "auto", "--sort"),
            (self.time_unit.is_some(), "--time-unit"),
            (!self.command_name.is_empty(), "--command-name"),
            (!self.export_json.is_empty(), "--export-json"),
            (!self.export_csv.is_empty(), "--export-csv"),
            (!self.export_markdown.is_empty(), "--export-markdown"),
            (!self.export_asciidoc.is_empty(), "--export-asciidoc"),
            (!self.export_orgmode.is_empty(), "--export-orgmode"),
        ];
        flags.into_iter().find_map(|(given, flag)| given.then_some(flag))
    }

    /// All files that are written.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let tables = self.export_markdown.iter().chain(&self.export_asciidoc).chain(&self.export_orgmode);
        self.export_json.iter().chain(&self.export_csv).chain(tables)
    }
}

/// Whether the words of `fanlane race` are commands that race against each other, and not one batch: there are no inputs and no job
/// file, and a flag of races of commands says so, or a word is a command line of its own.
///
/// # Errors
/// When a flag of such races stands beside a batch.
pub fn are_commands(words: &[OsString], args: &CommandRaceArgs, has_batch_flag: bool) -> Result<bool> {
    let is_marker = |word: &OsString| [":::", "::::", ":::+", "::::+"].iter().any(|marker| word == marker);
    let is_file = |word: &OsString| PathBuf::from(word).extension().is_some_and(|ending| ending == "ron");
    let is_batch = has_batch_flag || words.iter().any(is_marker) || words.first().is_some_and(is_file);
    if let (true, Some(flag)) = (is_batch, args.first_given()) {
        bail!(
            "{flag} is for races of commands, such as fanlane race 'sort a' 'sort --parallel=4 a', and this is a race of one batch"
        );
    }
    let texts: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    if let (false, Some(option)) = (is_batch, texts.iter().skip(1).find(|word| word.starts_with('-'))) {
        let is_whole = texts[0].contains(char::is_whitespace) && !texts.iter().any(|word| word.contains("{}"));
        ensure!(
            args.first_given().is_none() && !is_whole,
            "'{option}' stands behind the first command; options of fanlane race stand before it, and each command is one word"
        );
        return Ok(false);
    }
    let is_line = |word: &String| word.contains(char::is_whitespace) && !word.contains("{}");
    Ok(!is_batch && (args.first_given().is_some() || texts.iter().any(is_line)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_commands_where_nothing_says_that_they_are_one() {
        let plain = CommandRaceArgs {
            shell: "default".into(),
            sort: "auto".into(),
            input: "null".into(),
            output: "null".into(),
            ..CommandRaceArgs::default()
        };
        let prepared = || CommandRaceArgs {
            prepare: vec!["sync".into()],
            shell: "default".into(),
            sort: "auto".into(),
            input: "null".into(),
            output: "null".into(),
            ..CommandRaceArgs::default()
        };
        let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        for (given, expected) in [
            (&["sort a", "sort -r a"][..], true),
            (&["sleep 0.1"], true),
            (&["gzip", "-c", "{}"], false),
            (&["gzip -c {}"], false),
            (&["echo {}", ":::", "a b"], false),
            (&["job.ron"], false),
            (&["true"], false),
        ] {
            assert_eq!(are_commands(&words(given), &plain, false).ok(), Some(expected), "{given:?}");
        }
        assert_eq!(are_commands(&words(&["true", "false"]), &prepared(), false).ok(), Some(true));
        assert!(are_commands(&words(&["job.ron"]), &prepared(), false).is_err());
        assert!(are_commands(&words(&["sort a", "--json"]), &prepared(), false).is_err());
    }
}
