//! The command line: what its words mean, and what commands print. It knows no window; the program's `main` decides whether
//! one is opened.
//!
//! Each command has a folder or a file with its arguments; [`commands`] is the table of them. Commands parse their arguments
//! once, into plain values, and import only from the shared parts: `plan` (words to a job), `execute` (a plan to an exit
//! status), `report` (what a run prints), `detached`, `control`, `run_name`, `choices`, and the rest below them.

mod child;
mod choices;
mod columns;
mod commands;
mod control;
mod detached;
mod engine_args;
mod engines;
mod execute;
mod exit_status;
mod export;
mod help;
mod history;
mod hosts;
mod import;
mod manager;
mod output_file;
mod plan;
mod preset_name;
mod presets;
pub mod progress;
mod queue;
mod race;
#[cfg(test)]
mod reference;
mod report;
mod rerun;
mod run;
mod run_name;
mod scripts;
mod sem;
mod subcommand;
mod suspension;
mod terminal;
mod unknown_command;
mod watch;
mod worker_count;
mod workloads;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::FromArgMatches;

use commands::{Cli, Command};
use detached::window::WindowArgs;
use execute::RunRequest;
use plan::Plan;
pub use race::guard_role;
use run::pack_args::with_one_line;
use run_name::RunName;
use subcommand::Subcommand;
use terminal::{answer, complain};

pub use exit_status::Status;
pub use terminal::{in_one_line, remark};

/// What the words of the command line ask for.
#[derive(Debug)]
pub enum Request {
    /// The window.
    Window(Opening),
    /// A command in the terminal.
    Headless(Headless),
    /// Nothing more: help or an error was printed.
    Answered(Status),
}

/// What the window is opened on; nothing: as it was closed, or on the first example.
#[derive(Clone, Debug, Default)]
pub struct Opening {
    /// A job file.
    pub job: Option<PathBuf>,
    /// The folder of the process of a detached run.
    pub watched: Option<PathBuf>,
    run: Option<RunName>,
}

/// A command in the terminal.
#[derive(Debug)]
pub struct Headless(Command);

/// Parses the words of the command line, the program's name first. Help and errors are printed.
pub fn understand(words: Vec<OsString>) -> Request {
    let is_short = words.iter().any(|word| word == "-h");
    let mut commands = if is_short { help::commands_in_short() } else { help::commands() };
    if let Some(error) = unknown_command::problem(&words, &commands) {
        return Request::Answered(complain(&error));
    }
    let mut words = words;
    let mut parsed = parse(words.clone(), &mut commands);
    if let Some(again) = parsed.as_ref().err().and_then(|error| with_one_line(&words, error)) {
        words = again;
        parsed = parse(words.clone(), &mut commands);
    }
    match parsed.map(|cli| with_profiles(cli, &words, &mut commands)) {
        Ok(Err(error)) => Request::Answered(complain(&error)),
        Ok(Ok(cli)) => request_of(cli),
        Err(error) if error.kind() == clap::error::ErrorKind::InvalidUtf8 => {
            Request::Answered(complain(&no_text(&words, &mut commands)))
        }
        Err(error) => Request::Answered(answer(&error)),
    }
}

fn request_of(cli: Cli) -> Request {
    match cli {
        Cli { command: Some(Command::Window(args)), .. } => match args.folder() {
            Ok(watched) => Request::Window(Opening { watched, run: args.run, job: None }),
            Err(error) => Request::Answered(complain(&error)),
        },
        Cli { command: Some(command), .. } => Request::Headless(Headless(command)),
        Cli { command: None, job } => Request::Window(Opening { job, ..Opening::default() }),
    }
}

/// The arguments of a command with the options of the profiles that it names in front of its own.
fn with_profiles(cli: Cli, words: &[OsString], commands: &mut clap::Command) -> anyhow::Result<Cli> {
    let profiles = profiles_of(&cli);
    let name = if matches!(cli.command, Some(Command::Add(_))) { "add" } else { "run" };
    let Some(place) = words.iter().position(|word| word == name).filter(|_| !profiles.is_empty()) else {
        return Ok(cli);
    };
    let (mut options, mut command) = (Vec::new(), Vec::new());
    for name in profiles {
        let of_profile = words_of_profile(name, &words[..=place], &mut Vec::new(), commands)?;
        options.extend(of_profile.0);
        command.extend(of_profile.1);
    }
    let asked = [&words[..=place], &options, &words[place + 1..]].concat();
    let fault = |error: clap::Error| anyhow::anyhow!("with the profile: {}", error.to_string().trim_end());
    let mut cli = parse(asked, commands).map_err(fault)?;
    if let Some(behind) = cli.command.as_mut().and_then(Command::words) {
        behind.splice(0..0, command);
    }
    Ok(cli)
}

fn profiles_of(cli: &Cli) -> &[String] {
    match &cli.command {
        Some(Command::Run(run)) => run.profiles(),
        Some(Command::Add(add)) => add.profiles(),
        _ => &[],
    }
}

/// The options of a profile and the words of its command, behind those of the profiles that it names itself. `head` is what
/// stands in front of options, `within` the profiles that have named this one.
fn words_of_profile(
    name: &str,
    head: &[OsString],
    within: &mut Vec<String>,
    commands: &mut clap::Command,
) -> anyhow::Result<(Vec<OsString>, Vec<OsString>)> {
    anyhow::ensure!(
        !within.iter().any(|outer| outer == name),
        "the profile {name} is named by itself, by way of {}; remove one of these",
        within.join(", ")
    );
    let mut own = run::profile::read(name)?;
    let fault = |error: clap::Error| anyhow::anyhow!("the profile {name}: {}", error.to_string().trim_end());
    let mut parsed = parse([head, &own].concat(), commands).map_err(fault)?;
    let named = profiles_of(&parsed).to_vec();
    let behind = parsed.command.as_mut().and_then(Command::words).map_or(0, |words| words.len());
    let (mut options, mut command) = (Vec::new(), Vec::new());
    within.push(name.to_owned());
    for inner in &named {
        let of_inner = words_of_profile(inner, head, within, commands)?;
        options.extend(of_inner.0);
        command.extend(of_inner.1);
    }
    within.pop();
    command.extend(own.split_off(own.len() - behind));
    options.extend(own);
    Ok((options, command))
}

/// Names the word that an option takes as text, and that is none.
fn no_text(words: &[OsString], commands: &mut clap::Command) -> anyhow::Error {
    // The first whose replacement by text makes the words readable as far as this goes.
    let culprit = (0..words.len()).filter(|place| words[*place].to_str().is_none()).find(|place| {
        let mut mended = words.to_vec();
        mended[..=*place].iter_mut().for_each(|word| *word = word.to_string_lossy().into_owned().into());
        !parse(mended, commands).is_err_and(|error| error.kind() == clap::error::ErrorKind::InvalidUtf8)
    });
    let place = culprit.unwrap_or(0);
    let option =
        place.checked_sub(1).map(|before| words[before].to_string_lossy()).filter(|word| word.starts_with('-'));
    let option = option.map_or_else(String::new, |option| format!(" of {option}"));
    anyhow::anyhow!("'{}'{option} is not valid UTF-8, and only text can stand there", words[place].display())
}

fn parse(words: Vec<OsString>, commands: &mut clap::Command) -> Result<Cli, clap::Error> {
    let mut cli = read(words.iter(), commands)?;
    if let Some(behind) = cli.command.as_mut().and_then(Command::words)
        && plan::job_file(behind).is_some()
    {
        // A command takes all words after its first; behind a job file, options still are options.
        let job_file = words.len() - behind.len();
        cli = read(words[..job_file].iter().chain(&words[job_file + 1..]), commands)?;
        if let Some(behind) = cli.command.as_mut().and_then(Command::words) {
            behind.insert(0, words[job_file].clone());
        }
    }
    Ok(cli)
}

/// Reads words by the definitions that help shows.
fn read<'a>(words: impl Iterator<Item = &'a OsString>, commands: &mut clap::Command) -> Result<Cli, clap::Error> {
    let matches = commands.try_get_matches_from_mut(words)?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(commands))
}

/// Carries out a command.
pub fn perform(headless: Headless) -> Status {
    headless.0.perform().unwrap_or_else(|error| complain(&error))
}

/// Runs in the terminal what the window would have opened on: a job file, or the first example.
pub fn run_instead_of_window(opening: &Opening) -> Status {
    let done = match opening {
        Opening { run: Some(run), .. } => WindowArgs { run: Some(*run) }.perform(),
        Opening { job: Some(path), .. } => Plan::from_file(path).and_then(|plan| execute::run(RunRequest::new(plan))),
        Opening { .. } => execute::run(RunRequest::new(presets::terminal_example())),
    };
    done.unwrap_or_else(|error| complain(&error))
}
