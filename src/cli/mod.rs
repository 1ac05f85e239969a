//! The command line: what its words mean, and what commands print. It knows no window; the program's `main` decides whether
//! one is opened.
//!
//! Each command has a folder or a file with its arguments; [`commands`] is the table of them. Commands parse their arguments
//! once, into plain values, and import only from the shared parts: `plan` (words to a job), `execute` (a plan to an exit
//! status), `report` (what a run prints), `detached`, `run_name`, `choices`, and the rest below them.

mod choices;
mod commands;
mod detached;
mod execute;
mod exit_status;
mod export;
mod history;
mod import;
mod manager;
mod output_file;
mod plan;
mod presets;
pub mod progress;
mod race;
mod report;
mod rerun;
mod run;
mod run_name;
mod subcommand;
mod terminal;
mod watch;
mod worker_count;
mod workloads;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser};

use commands::{Cli, Command};
use execute::RunRequest;
use plan::Plan;
use subcommand::Subcommand;
use terminal::{complain, print};

pub use exit_status::Status;
pub use terminal::{in_one_line, remark};

/// What the words of the command line ask for.
#[derive(Debug)]
pub enum Request {
    /// The window, on this job file or on the first example.
    Window(Option<PathBuf>),
    /// A command in the terminal.
    Headless(Headless),
    /// Nothing more: help or an error was printed.
    Answered(Status),
}

/// A command in the terminal.
#[derive(Debug)]
pub struct Headless(Command);

/// Parses the words of the command line, the program's name first. Help and errors are printed.
pub fn understand(words: Vec<OsString>) -> Request {
    match parse(words) {
        Ok(Cli { command: Some(command), .. }) => Request::Headless(Headless(command)),
        Ok(Cli { command: None, job }) => match job.as_deref().map_or(Ok(()), check_job_path) {
            Ok(()) => Request::Window(job),
            Err(error) => Request::Answered(complain(&error)),
        },
        Err(error) => {
            if !error.use_stderr() {
                return Request::Answered(print(|| error.print()).unwrap_or_else(|error| complain(&error)));
            }
            remark(&complaint(&error));
            Request::Answered(Status::NothingRun)
        }
    }
}

/// What is wrong with the words of the command line, and for an option of GNU parallel what there is in its place.
fn complaint(error: &clap::Error) -> String {
    if error.kind() == ErrorKind::UnknownArgument
        && let Some(ContextValue::String(option)) = error.get(ContextKind::InvalidArg)
        && let Some(answer) = run::parallel_options::answer(option)
    {
        return answer;
    }
    let text = error.render().to_string();
    text.strip_prefix("error: ").unwrap_or(&text).trim_end().to_owned()
}

fn parse(words: Vec<OsString>) -> Result<Cli, clap::Error> {
    let mut cli = Cli::try_parse_from(&words)?;
    if let Some(behind) = cli.command.as_mut().and_then(Command::words)
        && plan::job_file(behind).is_some()
    {
        // A command takes all words after its first; behind a job file, options still are options.
        let job_file = words.len() - behind.len();
        cli = Cli::try_parse_from(words[..job_file].iter().chain(&words[job_file + 1..]))?;
        if let Some(behind) = cli.command.as_mut().and_then(Command::words) {
            behind.insert(0, words[job_file].clone());
        }
    }
    Ok(cli)
}

/// A first word that is no command is taken as a job file, unless there is none.
fn check_job_path(path: &Path) -> anyhow::Result<()> {
    if path.exists() {
        return Ok(());
    }
    let cli = Cli::command();
    let commands: Vec<_> = cli.get_subcommands().map(|command| command.get_name()).collect();
    anyhow::bail!(
        "'{}' is neither an existing job file nor a command; the commands are {}",
        path.display(),
        commands.join(", ")
    )
}

/// Carries out a command.
pub fn perform(headless: Headless) -> Status {
    headless.0.perform().unwrap_or_else(|error| complain(&error))
}

/// Runs in the terminal what the window would have opened on: a job file, or the first example.
pub fn run_instead_of_window(job: Option<&Path>) -> Status {
    let plan = match job {
        Some(path) => Plan::from_file(path),
        None => presets::first_example(),
    };
    plan.and_then(|plan| execute::run(RunRequest::new(plan))).unwrap_or_else(|error| complain(&error))
}
