//! `fanlane run`: a job file or an ad-hoc batch in the terminal.

mod args;
mod control;
mod keep_args;
mod overlay;
mod parallel_args;
pub mod parallel_options;
mod python_args;

use std::ffi::OsString;

use anyhow::Result;
use clap::{Arg, Args, Command};
use fanlane_core::job::{Job, TaskTemplate};

use super::execute;
use super::exit_status::Status;
use super::subcommand::Subcommand;

pub use args::RunArgs;
pub use overlay::OverlayArgs;

impl Subcommand for Box<RunArgs> {
    fn perform(self) -> Result<Status> {
        execute::run(self.request()?)
    }

    fn words(&mut self) -> Option<&mut Vec<OsString>> {
        Some(&mut self.words)
    }
}

/// What to say where standard input had nothing for a job: an option behind the command, which is a word of the command there,
/// is often meant to name the inputs.
pub fn no_input_words(job: &Job) -> String {
    let known = RunArgs::augment_args(Command::new("run"));
    let is_known = |word: &&str| {
        let long = word.strip_prefix("--").map(|long| long.split('=').next().unwrap_or(long));
        let short = word.strip_prefix('-').filter(|short| short.len() == 1).and_then(|short| short.chars().next());
        let is_it = |arg: &Arg| {
            arg.get_long().is_some() && arg.get_long() == long || short.is_some() && arg.get_short() == short
        };
        known.get_arguments().any(is_it)
    };
    let option = match &job.task {
        TaskTemplate::Command(line) => line.split_whitespace().skip(1).find(is_known),
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
