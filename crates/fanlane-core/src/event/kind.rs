//! The kinds of events, in six groups. A consumer ignores a group by its name, or names each variant of a group that it
//! uses.
//!
//! Text formats leave out the group, `{"TaskStarted": {…}}`, so that records and histories do not depend on the
//! grouping. In binary formats (between a detached run and its watchers), group and variant are numbers.

use std::fmt;

use serde::de::value::EnumAccessDeserializer;
use serde::de::{DeserializeSeed, EnumAccess, Error as _, IntoDeserializer, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{
    AttemptRecord, InterpreterFacts, LaneId, MachineSample, ObjectSample, Printed, RunHeader, SharedContent,
    SharedObject,
};
use super::{Summary, WorkerEnd, WorkerId, WorkerSample};
use crate::job::{TaskId, Transport};

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub enum EventKind {
    /// The run began or ended, or its batch changed.
    Run(RunEvent),
    /// Whether and how tasks are started has changed.
    Dispatch(DispatchEvent),
    /// A worker started or ended.
    Worker(WorkerEvent),
    /// An attempt began or ended.
    Task(TaskEvent),
    /// A measurement.
    Sample(SampleEvent),
    /// State of the objects that the tasks share.
    Shared(SharedEvent),
}

/// Events of a run as a whole and of its batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum RunEvent {
    /// The first event of a run.
    #[serde(rename = "RunStarted")]
    Started(RunHeader),
    /// The batch has grown during the run: its inputs are still being read.
    BatchGrew {
        /// Number of tasks known by now.
        tasks: u64,
        /// There will be no more.
        complete: bool,
    },
    /// The source of further tasks failed: the run ends with the tasks that it has begun.
    InputsBroke {
        /// What is wrong, and where.
        reason: String,
    },
    /// The last event of a run.
    #[serde(rename = "RunFinished")]
    Finished(Summary),
    /// The interpreter that does the calls of a Python function; it follows the first event.
    InterpreterFound(InterpreterFacts),
}

/// Events that change whether and how tasks are started.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum DispatchEvent {
    /// The pool's size was set.
    PoolResized {
        /// The wanted number of workers; 0 pauses.
        workers: u32,
    },
    /// No further task is started until [`DispatchEvent::Resumed`].
    Paused,
    /// Tasks are started again.
    Resumed,
    /// No task is started for now, or tasks are started again.
    Held {
        /// The condition that is waited for; `None` once it holds.
        reason: Option<String>,
    },
    /// The job's halt condition is met; the run ends.
    HaltReached {
        /// The halt condition, as written in the job.
        halt: String,
    },
    /// The run is being stopped: queued tasks are cancelled, running ones are ended.
    StopRequested,
    /// Workers cannot be started: the queue waits, and no task fails because of it.
    WorkersCannotStart {
        /// The system's error.
        reason: String,
    },
    /// No worker can be started, for a cause that lasts: the run ends.
    GaveUp {
        /// The cause, and what to do about it.
        reason: String,
    },
    /// A task that has not ended was given another priority.
    PriorityChanged {
        /// The task.
        task: TaskId,
        /// Its priority; `None`: it was put in front of all others.
        priority: Option<i32>,
    },
    /// The run is to pause before a task, or not any more.
    BreakpointChanged {
        /// The task.
        task: TaskId,
        /// Whether it is.
        is_set: bool,
    },
    /// The run is paused because this task would have begun next; [`DispatchEvent::Resumed`] takes its breakpoint away.
    BreakpointReached {
        /// The task.
        task: TaskId,
    },
    /// Something about the place that the tasks run at, for the user to know.
    Told {
        /// In one line.
        words: String,
    },
}

/// Events of workers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum WorkerEvent {
    /// A worker is ready for tasks.
    #[serde(rename = "WorkerStarted")]
    Started {
        /// The worker.
        worker: WorkerId,
        /// Its row of the timeline.
        lane: LaneId,
        /// Its process.
        pid: u32,
    },
    /// A worker has ended.
    #[serde(rename = "WorkerEnded")]
    Ended {
        /// The worker.
        worker: WorkerId,
        /// Why it ended.
        reason: WorkerEnd,
    },
    /// The worker that has started is on this host: another machine, or one of the hosts of a run.
    #[serde(rename = "WorkerPlaced")]
    Placed {
        /// The worker.
        worker: WorkerId,
        /// The name of the host; the worker's process, and those of its tasks, are numbered there. `:` is this machine.
        host: Box<str>,
    },
    /// A host takes tasks from now on.
    HostJoined {
        /// The host.
        host: Box<str>,
        /// How many tasks it runs at a time.
        slots: u32,
    },
    /// A host takes no tasks from now on; those that it had go to the others.
    HostLost {
        /// The host.
        host: Box<str>,
        /// Why.
        reason: Box<str>,
    },
}

/// Events of attempts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum TaskEvent {
    /// A task has been running for a while (short tasks are reported only when they have ended).
    #[serde(rename = "TaskStarted")]
    Started {
        /// The task.
        task: TaskId,
        /// Number of the attempt, from 1.
        attempt: u32,
        /// The worker that runs it.
        worker: WorkerId,
        /// When it was started, in nanoseconds since the run's start.
        start_ns: u64,
        /// The command's process; `None` for a call.
        pid: Option<u32>,
    },
    /// The final attempts of some tasks. Each task of a run has exactly one final record.
    #[serde(rename = "TasksFinished")]
    Finished(Vec<AttemptRecord>),
    /// An attempt failed, and its task will be tried again.
    #[serde(rename = "TaskRetried")]
    Retried(AttemptRecord),
    /// All tasks that no worker has and that have no final record are cancelled; so many that they have no records of their
    /// own.
    RestCancelled {
        /// How many these are.
        tasks: u64,
    },
    /// A running command was stopped by a signal, or goes on.
    #[serde(rename = "TaskSuspended")]
    Suspended {
        /// The worker that runs it.
        worker: WorkerId,
        /// The task.
        task: TaskId,
        /// The command's process.
        pid: u32,
        /// Whether it is stopped now.
        is_suspended: bool,
    },
}

/// Measurements during a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum SampleEvent {
    /// CPU and memory use of the machine.
    #[serde(rename = "MachineSampled")]
    Machine(MachineSample),
    /// CPU and memory use of each worker, including its child processes.
    #[serde(rename = "WorkersSampled")]
    Workers(Vec<WorkerSample>),
    /// Progress reported by a running task, at most ten times a second for each worker.
    #[serde(rename = "ProgressReported")]
    Progress {
        /// The worker that runs the task.
        worker: WorkerId,
        /// When it was reported, in nanoseconds since the run's start; it belongs to the task that ran at that time.
        sent_ns: u64,
        /// The fraction done, 0 to 1.
        fraction: f32,
        /// The task's message; may be empty.
        message: Box<str>,
    },
    /// Two large results of about the same size from one worker, one by each transport.
    ResultsCompared {
        /// The size of each, in bytes.
        bytes: u64,
        /// Time from the end of the call to the receipt of its result through the pipe, in nanoseconds.
        pipe_ns: u64,
        /// The same for the result in shared memory.
        shared_memory_ns: u64,
        /// The transport that the job asks for.
        used: Transport,
    },
    /// Where a running task is, for those who asked; it is kept nowhere.
    #[serde(rename = "TaskLocated")]
    Located {
        /// The task.
        task: TaskId,
        /// The stack of a call, and what the system says of its processes, in lines; `None`: the task is not running.
        place: Option<Box<str>>,
    },
    /// A piece of the output of a running attempt, for those who asked for it; it is kept nowhere.
    #[serde(rename = "OutputPrinted")]
    Printed(Printed),
    /// A large object that a call has returned, handed on in each way.
    #[serde(rename = "ObjectCompared")]
    Object(ObjectSample),
}

/// State of the objects that the tasks share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum SharedEvent {
    /// Their current state.
    #[serde(rename = "SharedSampled")]
    Sampled(Vec<SharedObject>),
    /// Their state when the last task had ended.
    #[serde(rename = "SharedEnded")]
    Ended(Vec<SharedContent>),
}

impl EventKind {
    /// Whether it matters only at the moment: such events are in no record, history or export.
    pub const fn is_momentary(&self) -> bool {
        matches!(self, Self::Sample(SampleEvent::Printed(_) | SampleEvent::Located { .. }))
    }
}

impl Serialize for EventKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            return Self::serialize(self, serializer);
        }
        match self {
            Self::Run(event) => event.serialize(serializer),
            Self::Dispatch(event) => event.serialize(serializer),
            Self::Worker(event) => event.serialize(serializer),
            Self::Task(event) => event.serialize(serializer),
            Self::Sample(event) => event.serialize(serializer),
            Self::Shared(event) => event.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for EventKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_enum("EventKind", &[], Ungrouped)
        } else {
            Self::deserialize(deserializer)
        }
    }
}

/// Reads an event whose group is found by its name.
struct Ungrouped;

impl<'de> Visitor<'de> for Ungrouped {
    type Value = EventKind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event")
    }

    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<EventKind, A::Error> {
        let (name, variant) = access.variant::<String>()?;
        let event = EnumAccessDeserializer::new(Named { name: &name, variant });
        Ok(match name.as_str() {
            "RunStarted" | "BatchGrew" | "InputsBroke" | "RunFinished" | "InterpreterFound" => {
                EventKind::Run(RunEvent::deserialize(event)?)
            }
            "PoolResized" | "Paused" | "Resumed" | "Held" | "HaltReached" | "StopRequested" | "WorkersCannotStart"
            | "GaveUp" | "PriorityChanged" | "BreakpointChanged" | "BreakpointReached" | "Told" => {
                EventKind::Dispatch(DispatchEvent::deserialize(event)?)
            }
            "WorkerStarted" | "WorkerPlaced" | "WorkerEnded" | "HostJoined" | "HostLost" => {
                EventKind::Worker(WorkerEvent::deserialize(event)?)
            }
            "TaskStarted" | "TasksFinished" | "TaskRetried" | "RestCancelled" | "TaskSuspended" => {
                EventKind::Task(TaskEvent::deserialize(event)?)
            }
            "MachineSampled" | "WorkersSampled" | "ProgressReported" | "ResultsCompared" | "ObjectCompared"
            | "OutputPrinted" | "TaskLocated" => EventKind::Sample(SampleEvent::deserialize(event)?),
            "SharedSampled" | "SharedEnded" => EventKind::Shared(SharedEvent::deserialize(event)?),
            _ => return Err(A::Error::unknown_variant(&name, &[])),
        })
    }
}

/// A variant whose name was read already.
struct Named<'a, V> {
    name: &'a str,
    variant: V,
}

impl<'de, V: serde::de::VariantAccess<'de>> EnumAccess<'de> for Named<'_, V> {
    type Error = V::Error;
    type Variant = V;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, V), V::Error> {
        Ok((seed.deserialize(self.name.into_deserializer())?, self.variant))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Outcome;

    #[test]
    fn as_text_an_event_has_no_group_and_as_bytes_it_comes_back_too() {
        let (worker, task) = (WorkerId(1), TaskId(2));
        let record = AttemptRecord::new(task, 1, worker, Outcome::Done);
        let cases = [
            ("\"Paused\"", EventKind::Dispatch(DispatchEvent::Paused)),
            ("{\"Held\":{\"reason\":null}}", EventKind::Dispatch(DispatchEvent::Held { reason: None })),
            ("{\"PoolResized\":{\"workers\":3}}", EventKind::Dispatch(DispatchEvent::PoolResized { workers: 3 })),
            (
                "{\"WorkerEnded\":{\"worker\":1,\"reason\":\"Retired\"}}",
                EventKind::Worker(WorkerEvent::Ended { worker, reason: WorkerEnd::Retired }),
            ),
            (
                "{\"WorkerPlaced\":{\"worker\":1,\"host\":\"n1\"}}",
                EventKind::Worker(WorkerEvent::Placed { worker, host: "n1".into() }),
            ),
            (
                "{\"TaskStarted\":{\"task\":2,\"attempt\":1,\"worker\":1,\"start_ns\":5,\"pid\":null}}",
                EventKind::Task(TaskEvent::Started { task, attempt: 1, worker, start_ns: 5, pid: None }),
            ),
            (
                "{\"HostJoined\":{\"host\":\"ada\",\"slots\":4}}",
                EventKind::Worker(WorkerEvent::HostJoined { host: "ada".into(), slots: 4 }),
            ),
            (
                "{\"HostLost\":{\"host\":\"ada\",\"reason\":\"cut\"}}",
                EventKind::Worker(WorkerEvent::HostLost { host: "ada".into(), reason: "cut".into() }),
            ),
            ("{\"GaveUp\":{\"reason\":\"\"}}", EventKind::Dispatch(DispatchEvent::GaveUp { reason: String::new() })),
            (
                "{\"PriorityChanged\":{\"task\":2,\"priority\":-3}}",
                EventKind::Dispatch(DispatchEvent::PriorityChanged { task, priority: Some(-3) }),
            ),
            (
                "{\"BreakpointChanged\":{\"task\":2,\"is_set\":true}}",
                EventKind::Dispatch(DispatchEvent::BreakpointChanged { task, is_set: true }),
            ),
            ("{\"Told\":{\"words\":\"a\"}}", EventKind::Dispatch(DispatchEvent::Told { words: "a".into() })),
            ("{\"BreakpointReached\":{\"task\":2}}", EventKind::Dispatch(DispatchEvent::BreakpointReached { task })),
            ("{\"RestCancelled\":{\"tasks\":9}}", EventKind::Task(TaskEvent::RestCancelled { tasks: 9 })),
            (
                "{\"TaskSuspended\":{\"worker\":1,\"task\":2,\"pid\":7,\"is_suspended\":true}}",
                EventKind::Task(TaskEvent::Suspended { worker, task, pid: 7, is_suspended: true }),
            ),
            (
                "{\"TaskLocated\":{\"task\":2,\"place\":null}}",
                EventKind::Sample(SampleEvent::Located { task, place: None }),
            ),
            ("{\"WorkersSampled\":[]}", EventKind::Sample(SampleEvent::Workers(Vec::new()))),
            ("{\"SharedEnded\":[]}", EventKind::Shared(SharedEvent::Ended(Vec::new()))),
        ];
        for (text, event) in cases {
            assert_eq!(serde_json::to_string(&event).expect("JSON"), text);
            assert_eq!(serde_json::from_str::<EventKind>(text).expect(text), event);
            let bytes = postcard::to_stdvec(&event).expect("bytes");
            assert_eq!(postcard::from_bytes::<EventKind>(&bytes).expect(text), event);
        }
        let finished = EventKind::Task(TaskEvent::Finished(vec![record]));
        let text = serde_json::to_string(&finished).expect("JSON");
        assert!(text.starts_with("{\"TasksFinished\":[{\"task\":2,"), "{text}");
        assert_eq!(serde_json::from_str::<EventKind>(&text).expect("read"), finished);
        let error = serde_json::from_str::<EventKind>("{\"Unheard\":1}").expect_err("no such event");
        assert!(error.to_string().contains("Unheard"), "{error}");
    }
}
