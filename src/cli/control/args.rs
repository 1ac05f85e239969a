//! The arguments of the commands that control a run which is going on.

use anyhow::Result;
use clap::Args;

use super::{Wish, control, control_all};
use crate::cli::exit_status::Status;
use crate::cli::subcommand::Subcommand;
use fanlane_core::engine::RunCommand;
use fanlane_core::event::TaskId;
use fanlane_core::job::MAX_WORKERS;

/// The arguments of `fanlane pause`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fanlane pause          the only run that is going on
  fanlane pause 12; fanlane resume 12
  fanlane pause Thumbnails")]
pub struct PauseArgs {
    /// A run that is going on: its number, its name, or last [default: the only one]
    #[arg(value_name = "RUN")]
    run: Option<String>,
}

/// The arguments of `fanlane workers`.
#[derive(Debug, Args)]
pub struct WorkersArgs {
    /// A run that is going on: its number, its name, or last
    #[arg(value_name = "RUN")]
    run: String,
    /// Size of the pool; no running task is ended for it, and with 0 none begins
    #[arg(value_name = "N", value_parser = clap::value_parser!(u32).range(0..=i64::from(MAX_WORKERS)))]
    workers: u32,
}

/// Tasks of a run.
#[derive(Debug, Args)]
struct TaskNames {
    /// A run that is going on: its number, its name, or last
    #[arg(value_name = "RUN")]
    run: String,
    /// Numbers of tasks
    #[arg(value_name = "TASK", required = true, value_parser = clap::value_parser!(u64).range(1..))]
    tasks: Vec<u64>,
}

/// The arguments of `fanlane cancel`.
#[derive(Debug, Args)]
pub struct CancelArgs {
    /// The tasks.
    #[command(flatten)]
    names: TaskNames,
}

/// The arguments of `fanlane retry`.
#[derive(Debug, Args)]
pub struct RetryArgs {
    /// The tasks.
    #[command(flatten)]
    names: TaskNames,
}

/// The arguments of `fanlane skip`.
#[derive(Debug, Args)]
pub struct SkipArgs {
    /// The tasks.
    #[command(flatten)]
    names: TaskNames,
}

/// The arguments of `fanlane raise`.
#[derive(Debug, Args)]
pub struct RaiseArgs {
    /// The tasks.
    #[command(flatten)]
    names: TaskNames,
}

/// The arguments of `fanlane priority`.
#[derive(Debug, Args)]
pub struct PriorityArgs {
    /// A run that is going on: its number, its name, or last
    #[arg(value_name = "RUN")]
    run: String,
    /// Number of a task
    #[arg(value_name = "TASK", value_parser = clap::value_parser!(u64).range(1..))]
    task: u64,
    /// Its priority: tasks with a higher one begin first, and 0 is that of all others
    #[arg(value_name = "N", allow_negative_numbers = true)]
    priority: i32,
}

impl Subcommand for PauseArgs {
    fn perform(self) -> Result<Status> {
        control(self.run.as_deref(), Wish::new(RunCommand::Pause))
    }
}

impl Subcommand for WorkersArgs {
    fn perform(self) -> Result<Status> {
        control(Some(&self.run), Wish::new(RunCommand::SetWorkers(self.workers)))
    }
}

impl Subcommand for CancelArgs {
    fn perform(self) -> Result<Status> {
        self.names.control(RunCommand::Cancel)
    }
}

impl Subcommand for RetryArgs {
    fn perform(self) -> Result<Status> {
        self.names.control(RunCommand::Restart)
    }
}

impl Subcommand for SkipArgs {
    fn perform(self) -> Result<Status> {
        self.names.control(RunCommand::Skip)
    }
}

impl Subcommand for RaiseArgs {
    fn perform(self) -> Result<Status> {
        // The last one that is put in front of all others is the first.
        let names = TaskNames { tasks: self.names.tasks.into_iter().rev().collect(), ..self.names };
        names.control(RunCommand::Raise)
    }
}

impl Subcommand for PriorityArgs {
    fn perform(self) -> Result<Status> {
        let Self { run, task, priority } = self;
        control(Some(&run), Wish::of_task(RunCommand::SetPriority { task: TaskId(task), priority }, task))
    }
}

impl TaskNames {
    fn control(&self, command: fn(TaskId) -> RunCommand) -> Result<Status> {
        let wishes = self.tasks.iter().map(|task| Wish::of_task(command(TaskId(*task)), *task));
        control_all(Some(&self.run), wishes)
    }
}
