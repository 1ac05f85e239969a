//! The engine: it takes a [`Batch`](crate::job::Batch) through a pool of workers and reports as events.
//!
//! The dispatcher decides and is pure; the run around it owns processes, sockets and clocks. An [`Engine`] is where runs
//! are started; what assumes one machine (a shared clock, process ids, local folders) stands behind [`LocalEngine`]. The
//! engine knows no window: the caller hands in a channel for a run's events.

mod admission;
mod choice;
mod demand;
mod dispatcher;
pub mod event_pump;
#[cfg(test)]
mod extension_tests;
mod files;
mod files_on_disk;
mod interest;
mod lane_sender;
mod launcher;
mod link;
mod local;
mod monitor;
mod options;
mod orphans;
mod profile;
mod progress;
mod protocol;
pub mod python;
mod run;
mod run_clock;
mod shared_objects;
pub mod simulation;
mod slurm;
pub mod ssh;
mod standing;
mod start_failure;
mod transport;
mod worker;
mod worker_process;

use std::sync::Arc;

use crossbeam_channel::Sender;
use serde::{Deserialize, Serialize};

use crate::event::{Event, TaskId};
use crate::job::Batch;

pub use choice::{EngineChoice, own_engine};
pub use demand::{Demand, Limitation};
pub use interest::{OutputInterest, OutputLevel};
pub use local::LocalEngine;
pub use options::{GateKeeper, RunOptions, StartGate};
pub use orphans::{Sweep, WORKER_MARKER, own_process};
pub use profile::{SlurmProfile, TargetProfile};
pub use progress::PROGRESS_VARIABLE;
pub use slurm::{SlurmEngine, slurm_role};
pub use ssh::{SshEngine, agent_role};
pub use standing::{RunStanding, TaskStanding};
pub use worker::{TASK_MARKER, worker_role};

/// What runs batches. Command line, window, detached runs and races start their runs through one, and know nothing of where its
/// workers are.
pub trait Engine: Send + Sync {
    /// Starts running `batch`. Events go to `events`, [`RunEvent::Finished`](crate::event::RunEvent::Finished) last,
    /// after which the channel is closed. A full channel makes the run wait; a channel whose receiver was dropped stops it
    /// at the next event.
    ///
    /// # Errors
    /// When the engine itself lacks something that no run can do without. Workers that cannot be started are an event.
    fn start(
        &self,
        batch: Arc<Batch>,
        options: RunOptions,
        events: Sender<Event>,
    ) -> Result<Box<dyn RunHandle>, EngineError>;

    /// What its runs can be asked; everything, unless it says otherwise.
    fn traits(&self) -> EngineTraits {
        EngineTraits::default()
    }
}

/// What the runs of an engine can be asked, so that no caller offers more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineTraits {
    /// Its name in `--engine`.
    pub name: &'static str,
    /// What it cannot do, and why.
    pub limitations: &'static [Limitation],
    /// A run can be paused and resumed.
    pub can_pause: bool,
    /// The pool of a run can be resized.
    pub can_resize: bool,
    /// What running tasks print can be seen while they run.
    pub can_watch: bool,
    /// Single tasks can be restarted, skipped and raised, given a priority and a breakpoint.
    pub can_steer: bool,
    /// It can be asked where a running task is.
    pub can_locate: bool,
}

impl Default for EngineTraits {
    fn default() -> Self {
        Self {
            name: "local",
            limitations: &[],
            can_pause: true,
            can_resize: true,
            can_watch: true,
            can_steer: true,
            can_locate: true,
        }
    }
}

impl EngineTraits {
    /// Whether a run can be asked this.
    pub const fn allow(self, command: RunCommand) -> bool {
        match command {
            RunCommand::Pause | RunCommand::Resume => self.can_pause,
            RunCommand::SetWorkers(_) => self.can_resize,
            RunCommand::Watch(_) | RunCommand::Follow(_) | RunCommand::Unfollow(_) => self.can_watch,
            RunCommand::Locate(_) => self.can_locate,
            RunCommand::Stop | RunCommand::StopNow | RunCommand::Cancel(_) => true,
            RunCommand::Restart(_)
            | RunCommand::Skip(_)
            | RunCommand::Raise(_)
            | RunCommand::SetPriority { .. }
            | RunCommand::SetBreakpoint { .. } => self.can_steer,
        }
    }
}

/// A run under way. It is controlled from any thread; its events come through the channel that it was started with. Dropping
/// it ends the run at once and waits for its processes.
pub trait RunHandle: Send + Sync {
    /// Asks something of the run; has no effect after its end. Never waits for events to be taken.
    fn command(&self, command: RunCommand);

    /// Where the run is now, and where one of its tasks is; `None` where the engine does not tell.
    fn standing(&self, _task: Option<TaskId>) -> Option<RunStanding> {
        None
    }

    /// Whether the run can be asked this; see [`EngineTraits::allow`].
    fn allows(&self, _command: RunCommand) -> bool {
        true
    }

    /// Suspends the run while `pause` goes on, in which this process is stopped: its tasks stand still, and so does its clock, so
    /// that no timeout, delay or measured time contains it. A run that cannot be suspended goes on meanwhile.
    fn suspend_during(&self, pause: &mut dyn FnMut()) {
        pause();
    }

    /// Has `grow` append to the run's batch. A run of this process takes in at once, on this thread, what it has appended.
    fn grow(&self, grow: &mut dyn FnMut()) {
        grow();
    }

    /// Waits until the run has ended and all its processes are gone. Its events must be taken meanwhile.
    fn join(self: Box<Self>);
}

/// Something that a click, a key or a flag asks of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum RunCommand {
    /// Set the pool's size; 0 pauses. No running task is ended.
    SetWorkers(u32),
    /// Start no further task.
    Pause,
    /// Start tasks again.
    Resume,
    /// Cancel what is queued and end what is running: SIGTERM first, SIGKILL after the grace time.
    Stop,
    /// As `Stop`, with SIGKILL at once.
    StopNow,
    /// Cancel one task, queued or running.
    Cancel(TaskId),
    /// Tell this much of what running tasks print, from now on; where tasks run already, with what they have printed.
    Watch(OutputLevel),
    /// Tell what this task prints while it runs, with what it has printed so far.
    Follow(TaskId),
    /// Undo [`RunCommand::Follow`].
    Unfollow(TaskId),
    /// End the running attempt of a task and put it back into the queue; the attempt counts as no failure.
    Restart(TaskId),
    /// Cancel one task, queued or running, and let those that wait for it begin as if it were done.
    Skip(TaskId),
    /// Put a queued task in front of all others, whatever their priorities.
    Raise(TaskId),
    /// Give a task that has not ended another priority: queued tasks with a higher one begin first, those with the same one in
    /// the batch's order.
    SetPriority {
        /// The task.
        task: TaskId,
        /// Its priority; 0 is that of a task that was given none.
        priority: i32,
    },
    /// Pause the run before a queued task begins, or take that back. [`RunCommand::Resume`] goes on with the task.
    SetBreakpoint {
        /// The task.
        task: TaskId,
        /// Whether the run pauses before it.
        is_set: bool,
    },
    /// Tell where a running task is: the stack of a call, and what the system says of its processes.
    Locate(TaskId),
}

impl RunCommand {
    /// The same command where tasks have other ids: `id` is asked for that of its task, if it is about one. `None` where the task
    /// has none.
    pub fn translated(self, id: impl FnOnce(TaskId) -> Option<TaskId>) -> Option<Self> {
        Some(match self {
            Self::Cancel(task) => Self::Cancel(id(task)?),
            Self::Follow(task) => Self::Follow(id(task)?),
            Self::Unfollow(task) => Self::Unfollow(id(task)?),
            Self::Restart(task) => Self::Restart(id(task)?),
            Self::Skip(task) => Self::Skip(id(task)?),
            Self::Locate(task) => Self::Locate(id(task)?),
            Self::Raise(task) => Self::Raise(id(task)?),
            Self::SetPriority { task, priority } => Self::SetPriority { task: id(task)?, priority },
            Self::SetBreakpoint { task, is_set } => Self::SetBreakpoint { task: id(task)?, is_set },
            Self::SetWorkers(_) | Self::Pause | Self::Resume | Self::Stop | Self::StopNow | Self::Watch(_) => self,
        })
    }
}

/// The engine could not do its own job. A task that fails is not an error but an outcome.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The batch calls a workload that cannot be called so.
    #[error(transparent)]
    Workload(#[from] crate::job::workload::WorkloadError),
    /// The batch calls a Python function that cannot be called so.
    #[error(transparent)]
    Python(#[from] python::PythonError),
    /// No task could ever begin, since the machine has less memory than is to be free.
    #[error("memfree_bytes asks for {wanted} bytes of free memory, and this machine has {there}; ask for less")]
    Memory {
        /// The memory that must be free.
        wanted: u64,
        /// That of the machine.
        there: u64,
    },
    /// The batch asks for something that the engine cannot do.
    #[error("the engine {engine} cannot do {demand}: {reason}")]
    Unsupported {
        /// The name of the engine.
        engine: &'static str,
        /// What is asked for.
        demand: &'static str,
        /// Why not, and what to do instead.
        reason: &'static str,
    },
    /// The place that the batch is to run at refuses it; the text says why, and what to do.
    #[error("{0}")]
    Target(String),
    /// The system refused something that no run can do without.
    #[error("{what}: {source}")]
    System {
        /// What was being done.
        what: &'static str,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
}
