//! `fanlane where`: where a running task of a detached run is.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use crossbeam_channel::{RecvTimeoutError, bounded};

use super::{detached_named, find, task_of};
use crate::cli::exit_status::Status;
use crate::cli::report::Tasks;
use crate::cli::subcommand::Subcommand;
use crate::cli::terminal::{print, remark};
use fanlane_core::engine::RunCommand;
use fanlane_core::event::{EventKind, SampleEvent, TaskId};
use fanlane_core::host::{DetachedRun, DetachedUpdate};
use fanlane_core::model::{RunModel, format};
use fanlane_os::clock::monotonic_ns;

/// How long the answer of a run is waited for.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// The arguments of `fanlane where`.
#[derive(Debug, Args)]
#[command(after_help = "\
Of a call of a Python function it prints the stack, the line under way last, also while C code keeps it from running Python; of
each task what its processes wait for. The task goes on as if nothing had been asked.

Exit status: 0   1 the task is not running   2 there is no such run or task

Examples:
  fanlane where last 3           task 3 of the newest detached run
  fanlane where Thumbnails 3     the same of the run of that name")]
pub struct WhereArgs {
    /// A detached run: its number, its name, or last
    #[arg(value_name = "RUN")]
    run: String,
    /// The number of a running task
    #[arg(value_name = "TASK")]
    task: u64,
}

impl Subcommand for WhereArgs {
    fn perform(self) -> Result<Status> {
        let watching = match (detached_named(&self.run), self.run.parse()) {
            (Some(watching), _) => watching,
            (None, Ok(name)) => find(Some(name))?,
            (None, Err(_)) => bail!("no detached run is called '{}'; fanlane history lists the runs", self.run),
        };
        locate(watching, self.task)
    }
}

fn locate(mut watching: DetachedRun, number: u64) -> Result<Status> {
    let batch = watching.batch().cloned().context("the detached run does not tell its tasks")?;
    let task = task_of(&watching, &batch, number)?;
    let handle = watching.handle();
    let (answered, is_over) = bounded::<()>(0);
    std::thread::Builder::new().name("deadline".to_owned()).spawn(move || {
        handle.command(RunCommand::Locate(task));
        if is_over.recv_timeout(ANSWER_TIMEOUT) == Err(RecvTimeoutError::Timeout) {
            handle.disconnect();
        }
    })?;
    let mut model = RunModel::default();
    let place = loop {
        let update = watching.next_update().with_context(|| {
            format!(
                "task {number} has not said within {} s where it is; its worker may be stopped",
                ANSWER_TIMEOUT.as_secs()
            )
        })?;
        match update {
            Some(DetachedUpdate::Event(event)) => match event.kind {
                EventKind::Sample(SampleEvent::Located { task: of, place }) if of == task => break place,
                _ => model.take(event),
            },
            Some(DetachedUpdate::Message(words)) => remark(&words),
            Some(DetachedUpdate::Recorded(_)) => {}
            None => break None,
        }
    };
    drop(answered);
    let Some(place) = place else {
        remark(&format!("task {number} {}", why_not(&model, &*batch, task)));
        return Ok(Status::SomeFailed);
    };
    let since_ns = model
        .running
        .get(&task)
        .map(|running| monotonic_ns().saturating_sub(watching.info.epoch_ns).saturating_sub(running.start_ns));
    let since = since_ns.map_or_else(String::new, |ns| format!(", running for {}", format::duration(ns)));
    print(|out| writeln!(out, "Task {number}, {}{since}\n{place}", batch.describe(task, 1)))
}

/// Why a task cannot be located, and which can.
fn why_not(model: &RunModel, tasks: &dyn Tasks, task: TaskId) -> String {
    let what = if model.records.of(task).is_some() { "has ended" } else { "is not running yet" };
    let mut running: Vec<u64> = model.running.keys().map(|task| tasks.number(*task)).collect();
    running.sort_unstable();
    let shown: Vec<String> = running.iter().take(20).map(u64::to_string).collect();
    match shown.is_empty() {
        true => what.to_owned(),
        false => format!("{what}; these have been running for a while: {}", shown.join(", ")),
    }
}
