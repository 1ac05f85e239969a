//! The table of commands: the name, the help and the arguments of each. A command is implemented in its own folder or file.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;

use super::control::args::{CancelArgs, PauseArgs, PriorityArgs, RaiseArgs, RetryArgs, SkipArgs, WorkersArgs};
use super::detached::attach::{AttachArgs, WatchArgs};
use super::detached::follow::FollowArgs;
use super::detached::locate::WhereArgs;
use super::detached::stop::StopArgs;
use super::detached::window::WindowArgs;
use super::engines::EnginesArgs;
use super::exit_status::Status;
use super::export::ExportArgs;
use super::history::HistoryArgs;
use super::history::show::ShowArgs;
use super::hosts::HostsArgs;
use super::import::ImportArgs;
use super::manager::args::ManagerArgs;
use super::presets::PresetsArgs;
use super::progress::ProgressArgs;
use super::queue::QueueArgs;
use super::queue::add::AddArgs;
use super::race::RaceArgs;
use super::rerun::{RerunArgs, ResumeArgs};
use super::run::RunArgs;
use super::scripts::{CompletionsArgs, ManArgs};
use super::sem::SemArgs;
use super::subcommand::Subcommand;
use super::workloads::WorkloadsArgs;

/// Run a batch of tasks on a pool of worker processes and watch every lane while it runs.
///
/// Without a command, Fanlane opens its window.
#[derive(Debug, Parser)]
#[command(name = "fanlane", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// The command; `None` opens the window.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Open the window on this job file
    #[arg(value_name = "JOB.ron")]
    pub job: Option<PathBuf>,
}

/// Declares [`Command`] from rows of a doc comment, which is the help, a variant and its arguments.
macro_rules! commands {
    ($($(#[$help:meta])* $name:ident($args:ty),)*) => {
        /// A command with its arguments.
        #[derive(Debug, clap::Subcommand)]
        pub enum Command {
            $($(#[$help])* $name($args),)*
        }

        impl Subcommand for Command {
            fn perform(self) -> Result<Status> {
                match self {
                    $(Self::$name(args) => args.perform(),)*
                }
            }

            fn words(&mut self) -> Option<&mut Vec<OsString>> {
                match self {
                    $(Self::$name(args) => args.words(),)*
                }
            }
        }
    };
}

commands! {
    /// Run a job file or an ad-hoc batch in the terminal
    Run(Box<RunArgs>),
    /// Watch a detached run from its start on; Ctrl-C stops watching and leaves the run as it is
    Attach(AttachArgs),
    /// Show the lanes of a detached run in the terminal, and control it by keys
    Watch(WatchArgs),
    /// Open the window, on a detached run or that of a Python script
    Window(WindowArgs),
    /// Print what the tasks of a run print while they print, or one of them; of an ended run what is recorded
    Follow(FollowArgs),
    /// Tell where a running task is: the stack of a Python call, and what its processes wait for
    Where(WhereArgs),
    /// Stop a run that is going on and wait for its end
    Stop(StopArgs),
    /// Start no further task of a run that is going on, detached or in a terminal; fanlane resume goes on
    Pause(PauseArgs),
    /// Set the size of the pool of a run that is going on
    Workers(WorkersArgs),
    /// End tasks of a run that is going on, or let them not begin
    Cancel(CancelArgs),
    /// End the attempt of a running task and begin it again
    ///
    /// It does not count as failed. A task that has ended is run again by fanlane rerun RUN --task TASK.
    Retry(RetryArgs),
    /// Give a task of a run that is going on another priority
    Priority(PriorityArgs),
    /// Cancel tasks, and let those that wait for them begin as if they were done
    Skip(SkipArgs),
    /// Let tasks that wait begin before all others
    Raise(RaiseArgs),
    /// Put a job into the queue, to be run when its turn comes; it takes what fanlane run takes
    Add(Box<AddArgs>),
    /// List the jobs of the queue, and hold, release, move, start, time or drop them
    Queue(QueueArgs),
    /// Race a batch: one process, threads and pools of several sizes, in turns
    Race(Box<RaceArgs>),
    /// List the presets, show one, save one, or print the folder of your own
    Presets(PresetsArgs),
    /// List the engines that can run a batch, and the profiles of clusters
    Engines(EnginesArgs),
    /// Convert a command line of GNU parallel or xargs, or a job log, to a job file
    Import(ImportArgs),
    /// List the recorded runs, or remove some
    History(HistoryArgs),
    /// Show a recorded run: its job, its machine, how it ended, which of its tasks are flaky
    Show(ShowArgs),
    /// Let a paused run go on, or resume a recorded run that was stopped or cut off
    Resume(Box<ResumeArgs>),
    /// Run a recorded run again: all of it, only what failed, or some of its tasks
    Rerun(Box<RerunArgs>),
    /// Write a recorded run as a table, as JSON, or as a trace
    Export(ExportArgs),
    /// Run a command when fewer than a limit of the same name run, as sem of GNU parallel does
    ///
    /// It returns when the command has started; --fg waits for its end, and --wait for that of all.
    Sem(SemArgs),
    /// Ask the hosts of a run whether they can run tasks, and what they are
    Hosts(HostsArgs),
    /// Serve objects that tasks share, or use them from a shell script
    Manager(ManagerArgs),
    /// Report the progress of a task from within it: a fraction (0.4 or 40%) and a message
    ///
    /// It is shown in the task's lane and row. Outside of a task it does nothing, and the exit status is 0.
    Progress(ProgressArgs),
    /// List the built-in workloads that a job file can call
    Workloads(WorkloadsArgs),
    /// Print the script with which a shell completes the words of fanlane
    Completions(CompletionsArgs),
    /// Print the manual page, or write a page for each command
    Man(ManArgs),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use fanlane_core::job::field;

    #[test]
    fn the_flag_of_each_field_of_a_job_is_a_flag_of_run_with_its_help() {
        // These count, negate or mean something else than their field.
        let have_their_own_help = ["retries", "seed", "pipe"];
        let mut cli = Cli::command();
        let run = cli.find_subcommand_mut("run").expect("the command");
        for field in field::fields() {
            let Some(flag) = field.flag.strip_prefix("--") else { continue };
            let known = run.get_arguments().find(|known| known.get_long() == Some(flag));
            let help = known.and_then(|known| known.get_help()).expect(flag).to_string();
            assert!(help.contains(field.help) || have_their_own_help.contains(&flag), "{field:?}: {help}");
        }
    }
}
