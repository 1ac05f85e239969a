//! `fanlane run`: a job file or an ad-hoc batch in the terminal.

mod args;
mod control;
mod keep_args;
mod overlay;
pub mod pack_args;
mod parallel_args;
pub mod parallel_options;
mod pipe_args;
pub mod profile;
mod python_args;
pub mod ssh_args;

use std::ffi::OsString;

use anyhow::Result;
use clap::{Args, Command};
use fanlane_core::job::{Job, TaskTemplate};

use super::execute;
use super::exit_status::Status;
use super::subcommand::Subcommand;
use super::terminal::print;

pub use args::RunArgs;
pub use overlay::{OverlayArgs, ScopeArgs};

impl Subcommand for Box<RunArgs> {
    fn perform(self) -> Result<Status> {
        self.parallel.set_temporary_folder()?;
        if let Some(number) = self.parallel.machine.answer() {
            return print(|out| writeln!(out, "{number}"));
        }
        execute::run(self.request()?)
    }

    fn words(&mut self) -> Option<&mut Vec<OsString>> {
        Some(&mut self.words)
    }
}

/// Whether a word is an option of `fanlane run`, perhaps with its value behind `=`.
fn is_option(word: &str) -> bool {
    let known = RunArgs::augment_args(Command::new("run"));
    let mut known = known.get_arguments();
    if let Some(long) = word.strip_prefix("--") {
        let long = long.split('=').next().unwrap_or(long);
        return known
            .any(|arg| arg.get_long() == Some(long) || arg.get_all_aliases().is_some_and(|all| all.contains(&long)));
    }
    let mut letters = word.strip_prefix('-').unwrap_or_default().chars();
    let (Some(short), None) = (letters.next(), letters.next()) else { return false };
    known.any(|arg| {
        arg.get_short() == Some(short) || arg.get_all_short_aliases().is_some_and(|all| all.contains(&short))
    })
}

/// What to say where standard input had nothing for a job: an option behind the command, which is a word of the command there,
/// is often meant to name the inputs.
pub fn no_input_words(job: &Job) -> String {
    let option = match &job.task {
        TaskTemplate::Command(line) => line.split_whitespace().skip(1).find(|word| is_option(word)),
        TaskTemplate::Workload(_) | TaskTemplate::Python(_) => None,
    };
    let hint = option.map_or_else(String::new, |option| {
        format!("; {option} behind the command is a word of the command: options of fanlane run stand before it")
    });
    format!(
        "no input came on standard input, so there was nothing to run; give inputs after ':::', files of lines after '::::', or \
         pipe lines to it{hint}"
    )
}
