//! The command line: what its words mean, and what a run prints. It knows no window; who opens one is decided in the
//! program's `main`.

mod again;
mod args;
mod background;
mod chaos;
mod control_args;
mod export;
mod failures;
mod history;
mod import;
mod keep_args;
mod manager;
mod plan;
mod presets;
pub mod progress;
mod race;
mod report;
mod report_args;
mod resume;
mod run;

mod sources;
mod tasks;
mod worker_count;
mod workloads;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::mp::interrupts;
use args::{Cli, Command, RunArgs};
use plan::Plan;
pub use run::worker_executable;

/// How a command ended, as its exit status says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Every task is done.
    AllDone,
    /// Some task is not.
    SomeFailed,
    /// Bad usage or a bad job; nothing was run.
    NothingRun,
    /// A job was imported, but not all that it was made from could be carried over.
    NotAllImported,
    /// A signal ended it.
    Interrupted,
    /// As the command that it ran.
    OfCommand(u8),
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(match status {
            Status::AllDone => 0,
            Status::SomeFailed => 1,
            Status::NothingRun => 2,
            Status::NotAllImported => 3,
            Status::Interrupted => interrupts::INTERRUPTED,
            Status::OfCommand(code) => code,
        })
    }
}

/// What the words of the command line ask for.
#[derive(Debug)]
pub enum Request {
    /// The window, on this job file or on the first example.
    Window(Option<PathBuf>),
    /// A command in the terminal.
    Headless(Headless),
    /// Nothing more: what there was to say has been said.
    Answered(Status),
}

/// A command in the terminal.
#[derive(Debug)]
pub struct Headless(Command);

/// Understands the words of the command line, the program's name first. Help and complaints are printed.
pub fn understand(words: Vec<OsString>) -> Request {
    match parse(words) {
        Ok(Cli { command: Some(command), .. }) => Request::Headless(Headless(command)),
        Ok(Cli { command: None, job }) => match job.as_deref().map_or(Ok(()), check_job_path) {
            Ok(()) => Request::Window(job),
            Err(error) => Request::Answered(complain(&error)),
        },
        Err(error) => {
            // There is no other place to say that standard error is closed.
            let _ = error.print();
            Request::Answered(if error.use_stderr() { Status::NothingRun } else { Status::AllDone })
        }
    }
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

/// A first word that is no command is meant as a job file, unless it was a slip.
fn check_job_path(path: &Path) -> anyhow::Result<()> {
    if path.exists() {
        return Ok(());
    }
    let cli = Cli::command();
    let commands = cli.get_subcommands().filter(|command| !command.is_hide_set());
    let commands: Vec<_> = commands.map(|command| command.get_name()).collect();
    anyhow::bail!(
        "'{}' is no job file that is there, and no command either; the commands are {}",
        path.display(),
        commands.join(", ")
    )
}

/// Does what was asked for.
pub fn perform(headless: Headless) -> Status {
    let done = match headless.0 {
        Command::Run(args) => run::run(&args),
        Command::Attach(args) => background::attach(&args),
        Command::Stop(args) => background::stop(&args),
        Command::Race(args) => race::race(&args),
        Command::Presets(args) => presets::presets(&args),
        Command::Import(args) => import::import(&args),
        Command::Export(args) => export::export(&args),
        Command::Chaos(args) => chaos::chaos(&args),
        Command::History(args) => history::history(&args),
        Command::Show(args) => history::show(&args),
        Command::Resume(args) => again::resume(&args),
        Command::Rerun(args) => again::rerun(&args),
        Command::Manager(args) => manager::manager(&args),
        Command::Progress(args) => Ok(progress::report(&args.words())),
        Command::Workloads => print(|| workloads::write_list(&mut io::stdout().lock())),
    };
    done.unwrap_or_else(|error| complain(&error))
}

/// Runs in the terminal what the window would have opened on: a job file, or the first example.
pub fn run_instead_of_window(job: Option<&Path>) -> Status {
    let plan = match job {
        Some(path) => Plan::from_file(path),
        None => presets::first_example(),
    };
    plan.and_then(|plan| run::run_plan(plan, &RunArgs::default(), run::Which::All))
        .unwrap_or_else(|error| complain(&error))
}

/// Says on standard error, in one line, what is worth knowing but no reason to end.
pub fn remark(line: &str) {
    // There is no other place to say that standard error is closed.
    let _ = writeln!(io::stderr(), "fanlane: {line}");
}

fn complain(error: &anyhow::Error) -> Status {
    remark(&in_one_line(error));
    Status::NothingRun
}

/// An error with its causes; a cause that an error's own words contain already is not said again.
pub fn in_one_line(error: &anyhow::Error) -> String {
    error.chain().fold(String::new(), |said, cause| match cause.to_string() {
        cause if said.is_empty() => cause,
        cause if said.contains(&cause) => said,
        cause => format!("{said}: {cause}"),
    })
}

/// Prints on standard output; a reader who closes the pipe has seen enough.
fn print(write: impl FnOnce() -> io::Result<()>) -> anyhow::Result<Status> {
    match write() {
        Ok(()) => Ok(Status::AllDone),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Status::AllDone),
        Err(error) => Err(anyhow::Error::new(error).context("standard output cannot be written")),
    }
}
