//! How a lane does tasks of one kind: the trait, and the table of kinds. What a kind needs comes as the parameters of
//! [`TaskSetup`](crate::engine::protocol::TaskSetup).

use std::io;
use std::sync::Arc;

use rustix::process::Pid;

use super::lane::LaneShared;
use super::live_tap::WantedOutput;
use super::locate::StackSource;
use super::staging::FileLink;
use super::{WorkerContext, call, command, python};
use crate::engine::protocol::TaskFrame;
use crate::event::{CallValue, Outcome, Output, StreamName};

/// Does the tasks of one lane, one after the other, on the lane's thread.
pub trait Executor: Send {
    /// Does a task to its end. A panic fails the task.
    fn execute(&mut self, task: TaskFrame, watch: &dyn TaskWatch) -> Execution;

    /// The outcome of a task that cannot be begun in this process at all, for this reason.
    fn refuse(&self, reason: &str) -> Outcome;
}

/// What came of a task.
pub struct Execution {
    pub outcome: Outcome,
    pub value: Option<CallValue>,
    pub output: Option<Box<Output>>,
    /// `None`: the CPU time of the lane's thread.
    pub cpu_ns: Option<u64>,
    pub max_rss_bytes: u64,
    /// SIGKILL ended it, and the kernel had ended processes for want of memory.
    pub memory_kill: bool,
    /// What is known of the end of a call in an interpreter.
    pub call_end: Option<CallEnd>,
}

/// The end of a call in an interpreter, which is told of after it.
#[derive(Clone, Copy, Debug)]
pub struct CallEnd {
    /// When it ended, in nanoseconds since the run's start.
    pub end_ns: u64,
    /// The share of its time that it computed, where its CPU time was not measured.
    pub cpu_share: f64,
    /// The next task is done already, too.
    pub has_more: bool,
}

impl Execution {
    /// Nothing but an outcome.
    pub const fn of(outcome: Outcome) -> Self {
        Self { outcome, value: None, output: None, cpu_ns: None, max_rss_bytes: 0, memory_kill: false, call_end: None }
    }
}

/// What a lane must know of a task while it runs: its process, so that it can end it, and what it prints.
pub trait TaskWatch {
    /// Where the tasks of this lane are, this says from now on; `None`: nothing more than the system does.
    fn has_stack(&self, source: Option<Arc<dyn StackSource>>);
    /// The task runs as process and process group `pid`.
    fn begun(&self, pid: Pid);
    /// What it runs in is being prepared, as process and process group `pid`: its own time begins with [`TaskWatch::begun`].
    fn preparing(&self, pid: Pid);
    /// Commits the tasks that wait, at most `most`: they are begun together with this one. Each is given to `each`, which says
    /// whether one more may follow.
    fn commit(&self, most: usize, each: &mut dyn FnMut(&TaskFrame) -> bool);
    /// All but the first `keep` of the tasks that are committed were not begun and wait again.
    fn release(&self, keep: usize);
    /// It cannot be started for now, for this reason. Says whether it is wanted any more.
    fn exhausted(&self, reason: &str) -> bool;
    /// It has printed more than it may.
    fn printed_too_much(&self);
    /// How much of what it prints is wanted while it runs. It may change at any time; the lane's reminder tells of it.
    fn wanted_output(&self) -> WantedOutput;
    /// Sends what it has printed, from the byte `offset` of the stream on. Where `waits`, waits until the engine takes it;
    /// otherwise says whether it could be sent at once.
    fn printed(&self, stream: StreamName, offset: u64, bytes: &[u8], waits: bool) -> bool;
    /// A key has interrupted it, and the engine with it: waits a moment until that has asked for its end, so that the next
    /// task does not begin.
    fn interrupted(&self);
    /// The way to files of the engine's machine; `None` where that is this one.
    fn files(&self) -> Option<&dyn FileLink> {
        None
    }
    /// From now on `pid` must not be signalled: it is about to be reaped. Says why it was ended, if it was.
    fn ending(&self) -> Option<Outcome>;
}

/// A kind of task.
pub struct ExecutorKind {
    /// Its name in the setup.
    pub name: &'static str,
    /// Its tasks run in processes of which the lane is told by [`TaskWatch::begun`], and not in that of the worker.
    pub has_process: bool,
    /// Makes what does the tasks of a lane.
    pub open: fn(&LaneShared) -> io::Result<Box<dyn Executor>>,
}

/// The kinds that every worker knows.
pub const BUILT_IN: &[ExecutorKind] = &[command::KIND, call::KIND, python::KIND];

/// The kind of the tasks of a process, from its table.
///
/// # Errors
/// For a kind that is not in the table.
pub fn kind_of(context: &WorkerContext) -> io::Result<&'static ExecutorKind> {
    let name = &context.setup.task.kind;
    let unknown = || io::Error::other(format!("this worker knows no task of the kind '{name}'"));
    context.kinds.iter().find(|kind| kind.name == name).ok_or_else(unknown)
}
