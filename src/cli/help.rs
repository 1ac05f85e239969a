//! The definitions of all commands as `--help`, completions and man pages show them: the derived ones, with the flags of
//! `fanlane run` in groups, the most used first.

use clap::{Arg, ArgAction, Command, CommandFactory};

use super::commands::Cli;

/// Width of all help, in columns.
const HELP_COLUMNS: usize = 80;

/// The group without a heading of its own, which stands first: what people use most.
const MOST_USED: &str = "Options";

/// The flags of `fanlane run` by groups, in their order. A flag that is not here stands behind them, under the heading that it
/// has.
const RUN_GROUPS: [(&str, &[&str]); 8] = [
    (
        MOST_USED,
        &[
            "workers",
            "keep-order",
            "dry-run",
            "tag",
            "bar",
            "quiet",
            "timeout",
            "retries",
            "halt",
            "joblog",
            "resume",
            "resume-failed",
            "results",
            "json",
            "background",
            "preset",
            "csv",
            "colsep",
            "header",
            "max-args",
            "wd",
            "env",
        ],
    ),
    (
        "Inputs",
        &[
            "arg-file",
            "jsonl",
            "null",
            "delimiter",
            "trim",
            "encoding",
            "skip-first-line",
            "eof",
            "shebang",
            "xargs",
            "max-chars",
            "spread",
            "repeat-words",
            "sample",
            "seed",
        ],
    ),
    ("Command", &["shell", "no-shell", "stdin-text", "stdin-file", "replace", "tty"]),
    (
        "Order and pool",
        &["mode", "shuf", "order", "delay", "nice", "memfree", "load", "limit", "noswap", "slots", "resource", "need"],
    ),
    ("Failures and limits", &["retry-wait", "heartbeat", "limit-memory", "limit-cpu", "limit-output"]),
    ("Output", &["no-bar", "line-buffer", "ungroup", "latest-line", "tagstring", "color", "color-failed"]),
    (
        "Results and history",
        &["resume-by-number", "resume-run", "files", "record", "junit", "on-end", "notify", "no-history"],
    ),
    ("Shared objects and large results", &["shared-bytes", "transport"]),
];

/// What stands between the usage and the options of `fanlane run`.
const RUN_FORMS: &str = "\
Inputs, as many sources as you like; each combination is one task:
  ::: VALUE...     these values
  :::: FILE...     the lines of these files; - is standard input
  :::+ ::::+       the same, walked side by side with the source before

Replacement strings:
  {}      the input                    {1} {2}   the first, second input
  {.}     without extension            {photo}   the column of that name
  {/}     file name                    {1.} {photo/} ...
  {//}    folder                       {#}       number of the task
  {/.}    file name, no extension      {%}       slot of the task, 1 to N
  {#:%04d} {1:%3d}  padded numbers
Where there is none, the inputs are added at the end. The shell takes each
input as one literal word; only where the first word holds a replacement
string, or where there is no command, inputs are commands and not quoted.";

const RUN_END: &str = "\
Exit status (docs/exit-status.md has all of them):
  0 every task done, or a halt at successes reached
  1 some task failed, or something was not delivered
  2 bad usage or a bad job, nothing was run   130 interrupted

Examples:
  fanlane run gzip -k {} ::: *.log
  fanlane run -j 4 'convert {} -resize 256 thumbs/{/}' ::: photos/*.jpg
  find . -name '*.flac' | fanlane run --bar 'lame {} {.}.mp3'
  fanlane run --csv people.csv 'echo {name} is {age}'
  fanlane run --json cubes.ron > cubes.jsonl";

/// All commands with their flags.
pub fn commands() -> Command {
    // Building adds the flags of help, which are then like the others.
    let whole = Cli::command().max_term_width(HELP_COLUMNS);
    whole.mut_subcommands(|command| match command.get_name() {
        "run" => with_forms(grouped(command)),
        "add" => with_own_flags(command),
        _ => command,
    })
}

/// With what stands around the flags, and one form of help.
fn with_forms(run: Command) -> Command {
    let template =
        format!("{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{RUN_FORMS}\n\n{{all-args}}{{after-help}}");
    let help = Arg::new("help").short('h').long("help").action(ArgAction::HelpShort).display_order(usize::MAX);
    run.next_help_heading(None::<&str>)
        .disable_help_flag(true)
        .help_template(template)
        .after_help(RUN_END)
        .after_long_help(format!("{RUN_FORMS}\n\n{RUN_END}"))
        .arg(help.help("Print help: -h the options above, --help all"))
}

/// What stands behind the options of `fanlane add`.
const ADD_END: &str = "\
All else is as with fanlane run, which see: a job file, or a command with its
inputs, and every option about how it is run. The job keeps its folder and its
environment; its inputs are read when it starts, standard input now. It runs
detached when the jobs before it have ended; fanlane queue lists the jobs.

Exit status: 0 it is in the queue   2 nothing was added

Examples:
  fanlane add job.ron
  fanlane add --name Thumbnails 'convert {} -resize 256 thumbs/{/}' ::: *.jpg
  fanlane add --at 22:30 -j 2 make -C {} ::: one two
  fanlane add --after 3 tar czf thumbs.tgz ::: thumbs";

/// The forms of `fanlane add`.
const ADD_USAGE: &str = "fanlane add [OPTIONS] JOB.ron\n       \
                         fanlane add [OPTIONS] --preset NAME\n       \
                         fanlane add [OPTIONS] COMMAND... ::: VALUE...\n       \
                         some-program | fanlane add [OPTIONS] COMMAND...";

/// With the flags of its own alone: those of `fanlane run` are understood and completed, but shown there.
fn with_own_flags(add: Command) -> Command {
    let is_own = |arg: &Arg| {
        ["name", "at", "hold", "after", "after_run", "job_group", "priority", "immediate"]
            .contains(&arg.get_id().as_str())
    };
    add.mut_args(|arg| {
        let is_shown = is_own(&arg);
        let arg = if is_shown { arg.help_heading(None::<&str>) } else { arg };
        arg.hide_short_help(!is_shown).hide_long_help(!is_shown)
    })
    // Output is grouped anyway; the queue has groups.
    .mut_arg("group", |arg| arg.long("group-output"))
    .mut_arg("job_group", |arg| arg.long("group"))
    .override_usage(ADD_USAGE)
    .after_help(ADD_END)
}

/// All commands, where `fanlane run` shows its most used flags only: `-h`.
pub fn commands_in_short() -> Command {
    let in_short =
        |run: Command| run.mut_args(|arg| if arg.get_help_heading().is_some() { arg.hide(true) } else { arg });
    commands().mut_subcommands(|command| if command.get_name() == "run" { in_short(command) } else { command })
}

/// The group of a flag of `fanlane run`, and its place there.
pub(super) fn place_in_run(arg: &Arg) -> Option<(usize, usize)> {
    let long = arg.get_long()?;
    let of_group = |(_, flags): &(&str, &[&str])| flags.iter().position(|flag| *flag == long);
    let group = RUN_GROUPS.iter().position(|group| of_group(group).is_some())?;
    Some((group, of_group(&RUN_GROUPS[group])?))
}

fn grouped(run: Command) -> Command {
    run.mut_args(|arg| match place_in_run(&arg) {
        Some((group, place)) => {
            let heading = RUN_GROUPS[group].0;
            arg.help_heading((heading != MOST_USED).then_some(heading)).display_order(place)
        }
        None if arg.is_positional() => arg,
        None if arg.get_help_heading().is_some() => arg,
        None => arg.help_heading("Further options"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn help_of(words: &[&str]) -> String {
        let commands = if words.contains(&"-h") { commands_in_short() } else { commands() };
        commands.try_get_matches_from(words).expect_err("it is help").to_string()
    }

    #[test]
    fn the_groups_name_flags_that_there_are_and_the_first_is_short() {
        let run = commands();
        let run = run.find_subcommand("run").expect("the command");
        let flags: Vec<&str> = run.get_arguments().filter_map(Arg::get_long).collect();
        let grouped: Vec<&str> = RUN_GROUPS.iter().flat_map(|(_, flags)| flags.iter().copied()).collect();
        for (at, flag) in grouped.iter().enumerate() {
            assert!(!grouped[..at].contains(flag), "{flag} stands in two groups");
        }
        assert!(RUN_GROUPS[0].1.len() <= 24, "the most used are few");
        let known = grouped.iter().filter(|flag| flags.contains(*flag)).count();
        assert!(known + 8 > grouped.len(), "the table is about the flags of the command: {flags:?}");
    }

    #[test]
    fn help_fits_into_eighty_columns_and_begins_with_what_people_use() {
        let help = help_of(&["fanlane", "run", "--help"]);
        let wide: Vec<&str> = help.lines().filter(|line| line.chars().count() > HELP_COLUMNS).collect();
        assert!(wide.is_empty(), "{wide:#?}");
        let at = |text: &str| help.find(text).unwrap_or_else(|| panic!("{text} is missing: {help}"));
        assert!(at("Replacement strings:") < at("--workers") && at("--workers") < at("Inputs:\n"), "{help}");
        assert!(at("--timeout") < at("--heartbeat"), "{help}");
        // `{n}` is a line end to the library of arguments.
        assert!(
            help.contains("gpu={gpus}") && fanlane_core::job::field::fields().all(|field| !field.help.contains("{n}"))
        );
        let short = help_of(&["fanlane", "run", "-h"]);
        assert!(short.contains("--workers") && !short.contains("--heartbeat"), "{short}");
        assert!(short.lines().count() < 100, "{}", short.lines().count());
    }
}
