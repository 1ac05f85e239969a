//! A compact trace of one run, lane by lane: what the comparison of lanes, the waterfall and a replay need.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::event::{
    AttemptRecord, DispatchEvent, Event, EventKind, OutcomeClass, OutcomeCounts, RunEvent, TaskEvent, WorkerEvent,
    WorkerId,
};
use crate::model::causes::Failure;

/// Maximum number of tasks of a run whose lanes are kept; larger runs are measured all the same.
pub const MAX_TRACED_TASKS: u64 = 100_000;

/// An attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "SpanRow", into = "SpanRow")]
pub struct Span {
    /// The task, from 0.
    pub task: u64,
    /// Its lane, from 0.
    pub lane: u32,
    /// When it began, in nanoseconds since the run's start.
    pub start_ns: u64,
    /// How long it took, in nanoseconds.
    pub wall_ns: u64,
    /// CPU time, in nanoseconds.
    pub cpu_ns: u64,
    /// When the engine knew that it had ended, in nanoseconds since the run's start.
    pub heard_ns: u64,
    /// It was the final attempt of its task; otherwise the task was tried again.
    pub is_last: bool,
    /// It succeeded.
    pub done: bool,
}

/// A span in a file: seven numbers; the last is 1 for the final attempt, plus 2 for a success.
type SpanRow = (u64, u32, u64, u64, u64, u64, u8);

impl From<SpanRow> for Span {
    fn from((task, lane, start_ns, wall_ns, cpu_ns, heard_ns, flags): SpanRow) -> Self {
        Self { task, lane, start_ns, wall_ns, cpu_ns, heard_ns, is_last: flags & 1 != 0, done: flags & 2 != 0 }
    }
}

impl From<Span> for SpanRow {
    fn from(span: Span) -> Self {
        let flags = u8::from(span.is_last) | u8::from(span.done) << 1;
        (span.task, span.lane, span.start_ns, span.wall_ns, span.cpu_ns, span.heard_ns, flags)
    }
}

impl Span {
    /// When it ended, in nanoseconds since the run's start.
    pub const fn end_ns(&self) -> u64 {
        self.start_ns.saturating_add(self.wall_ns)
    }
}

/// A worker's time in a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneLife {
    /// The lane, from 0.
    pub lane: u32,
    /// When the worker was ready, in nanoseconds since the run's start.
    pub ready_ns: u64,
}

/// One run as its events tell it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// Tasks of the batch.
    pub tasks: u64,
    /// Workers in the order in which they started.
    pub lives: Vec<LaneLife>,
    /// Attempts in the order in which the engine heard of them.
    pub spans: Vec<Span>,
    /// Spans in which no task was started because of a pause or a gate, in nanoseconds since the run's start.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<(u64, u64)>,
    /// From the start to the end of the last task, in nanoseconds; 0 until the run has ended.
    pub wall_ns: u64,
    /// From the start until the last worker had ended, in nanoseconds; 0 until the run has ended.
    pub finished_ns: u64,
    /// How the tasks ended.
    #[serde(skip)]
    pub counts: OutcomeCounts,
    /// The first failed task and why it failed, in words.
    #[serde(skip)]
    pub failure: Option<String>,
    /// CPU time of all attempts, in nanoseconds.
    #[serde(skip)]
    pub cpu_ns: u64,
    /// Peak memory of the largest command, in bytes.
    #[serde(skip)]
    pub max_rss_bytes: u64,
    /// It was stopped before all tasks had ended.
    #[serde(skip)]
    pub stopped: bool,
    #[serde(skip)]
    lane_of: HashMap<WorkerId, u32>,
    #[serde(skip)]
    held_from_ns: Option<u64>,
}

impl Trace {
    /// Takes in one event.
    pub fn apply(&mut self, event: &Event) {
        match &event.kind {
            EventKind::Run(RunEvent::Started(header)) => self.tasks = header.tasks,
            EventKind::Run(RunEvent::BatchGrew { tasks, .. }) => self.tasks = *tasks,
            EventKind::Worker(WorkerEvent::Started { worker, lane, .. }) => {
                self.lane_of.insert(*worker, lane.0);
                self.lives.push(LaneLife { lane: lane.0, ready_ns: event.at_ns });
            }
            EventKind::Task(TaskEvent::Finished(records)) => {
                for record in records {
                    self.counts.add(record.outcome.class());
                    if self.failure.is_none() {
                        self.failure = failure_words(record);
                    }
                    self.add(record, event.at_ns, true);
                }
            }
            EventKind::Task(TaskEvent::RestCancelled { tasks }) => {
                self.counts.add_many(OutcomeClass::Cancelled, *tasks);
            }
            EventKind::Task(TaskEvent::Retried(record)) => self.add(record, event.at_ns, false),
            EventKind::Dispatch(
                DispatchEvent::Paused
                | DispatchEvent::BreakpointReached { .. }
                | DispatchEvent::Held { reason: Some(_) },
            ) => {
                self.held_from_ns.get_or_insert(event.at_ns);
            }
            EventKind::Dispatch(DispatchEvent::Resumed | DispatchEvent::Held { reason: None }) => {
                if let Some(from_ns) = self.held_from_ns.take() {
                    self.held.push((from_ns, event.at_ns));
                }
            }
            EventKind::Run(RunEvent::Finished(summary)) => {
                self.wall_ns = summary.wall_ns;
                self.finished_ns = event.at_ns;
                self.stopped = summary.stopped;
            }
            EventKind::Run(RunEvent::InputsBroke { .. } | RunEvent::InterpreterFound(_))
            | EventKind::Dispatch(
                DispatchEvent::PoolResized { .. }
                | DispatchEvent::HaltReached { .. }
                | DispatchEvent::StopRequested
                | DispatchEvent::WorkersCannotStart { .. }
                | DispatchEvent::PriorityChanged { .. }
                | DispatchEvent::BreakpointChanged { .. }
                | DispatchEvent::Told { .. }
                | DispatchEvent::GaveUp { .. },
            )
            | EventKind::Worker(
                WorkerEvent::Placed { .. }
                | WorkerEvent::HostJoined { .. }
                | WorkerEvent::HostLost { .. }
                | WorkerEvent::Ended { .. },
            )
            | EventKind::Task(TaskEvent::Started { .. } | TaskEvent::Suspended { .. })
            | EventKind::Sample(_)
            | EventKind::Shared(_) => {}
        }
    }

    fn add(&mut self, record: &AttemptRecord, heard_ns: u64, is_last: bool) {
        self.cpu_ns += record.cpu_ns;
        self.max_rss_bytes = self.max_rss_bytes.max(record.max_rss_bytes);
        // A task that was never begun was in no lane.
        if record.attempt == 0 {
            return;
        }
        let Some(&lane) = self.lane_of.get(&record.worker) else { return };
        self.spans.push(Span {
            task: record.task.0,
            lane,
            start_ns: record.start_ns,
            wall_ns: record.wall_ns,
            cpu_ns: record.cpu_ns,
            heard_ns,
            is_last,
            done: record.outcome.class() == OutcomeClass::Done,
        });
    }

    /// How many lanes there were.
    pub fn lanes(&self) -> u32 {
        self.lives.iter().map(|life| life.lane + 1).max().unwrap_or(0)
    }
}

/// The task and why it failed: `task 3: exit 1: no space left`.
fn failure_words(record: &AttemptRecord) -> Option<String> {
    let failure = Failure::of(record)?;
    Some(format!("task {}: {}", failure.task.0 + 1, failure.words()))
}
