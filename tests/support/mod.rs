//! Runs for the integration tests: every event kept, and nothing left behind afterwards.

#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, bounded};
use fanlane_core::engine::{Engine, LocalEngine, RunCommand, RunHandle, RunOptions};
use fanlane_core::event::{AttemptRecord, CallValue, Event, EventKind, OutcomeCounts, RunEvent, Summary, TaskEvent};
use fanlane_core::job::batch::BatchFeed;
use fanlane_core::job::{Batch, Job, Mode};
use fanlane_os::process_tree;

/// The timeout of a test; a run that hangs ends its test with a message.
pub const DEADLINE: Duration = Duration::from_secs(120);

/// Tests of this file run one after the other: each looks at all children and descriptors of the process.
pub fn alone() -> MutexGuard<'static, ()> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

pub struct TestRun {
    run: Option<Box<dyn RunHandle>>,
    events: Receiver<Event>,
    pub seen: Vec<Event>,
    before: Traces,
}

/// The children and descriptors of this process: the same after a run as before it.
#[derive(Debug, PartialEq, Eq)]
struct Traces {
    children: Vec<u32>,
    descriptors: usize,
}

impl Traces {
    fn now() -> Self {
        let me = std::process::id();
        let descriptors = std::fs::read_dir("/proc/self/fd").unwrap().count();
        Self { children: process_tree::children(me), descriptors }
    }
}

pub fn job(text: &str) -> Job {
    Job::parse(text).unwrap()
}

pub fn start(job: &Job, mode: Mode, workers: u32) -> TestRun {
    start_in(job, Path::new("."), mode, workers)
}

pub fn start_in(job: &Job, folder: &Path, mode: Mode, workers: u32) -> TestRun {
    let before = Traces::now();
    start_batch(Batch::open(job, folder, &mut std::io::empty()).unwrap(), before, mode, workers)
}

/// A run of a batch that grows while it goes on.
pub fn start_growing(job: &Job, mode: Mode, workers: u32) -> (TestRun, BatchFeed) {
    let before = Traces::now();
    let (batch, feed) = Batch::open_growing(job, Path::new("."), &mut std::io::empty()).unwrap();
    (start_batch(batch, before, mode, workers), feed)
}

fn start_batch(batch: Batch, before: Traces, mode: Mode, workers: u32) -> TestRun {
    let (sender, events) = bounded(64);
    let run = LocalEngine::new(env!("CARGO_BIN_EXE_fanlane"))
        .start(Arc::new(batch), RunOptions::new(mode, workers), sender)
        .unwrap();
    TestRun { run: Some(run), events, seen: Vec::new(), before }
}

impl TestRun {
    pub fn command(&self, command: RunCommand) {
        self.run.as_ref().unwrap().command(command);
    }

    /// Receives events up to the first that `wanted` accepts.
    pub fn wait_for(&mut self, what: &str, wanted: impl Fn(&EventKind) -> bool) -> Event {
        let until = Instant::now() + DEADLINE;
        loop {
            let event = self.events.recv_deadline(until).unwrap_or_else(|error| {
                panic!(
                    "waited for {what}: {error}; last events: {:#?}",
                    &self.seen[self.seen.len().saturating_sub(5)..]
                )
            });
            self.seen.push(event.clone());
            if wanted(&event.kind) {
                return event;
            }
        }
    }

    /// Receives events until `count` tasks have ended.
    pub fn wait_for_ended(&mut self, count: usize) {
        while self.records().count() < count {
            self.wait_for("results", |kind| matches!(kind, EventKind::Task(TaskEvent::Finished(_))));
        }
    }

    /// The last attempt of each task that has ended so far, in the order in which they ended.
    pub fn records(&self) -> impl Iterator<Item = &AttemptRecord> {
        self.seen
            .iter()
            .filter_map(|event| match &event.kind {
                EventKind::Task(TaskEvent::Finished(records)) => Some(records),
                _ => None,
            })
            .flatten()
    }

    /// Waits for the end and checks what holds of every run.
    pub fn finish(mut self) -> Finished {
        let is_end = |kind: &EventKind| matches!(kind, EventKind::Run(RunEvent::Finished(_)));
        if !self.seen.last().is_some_and(|event| is_end(&event.kind)) {
            self.wait_for("the end", is_end);
        }
        self.run.take().unwrap().join();
        assert!(self.events.recv().is_err(), "something followed the end");
        assert_eq!(Traces::now(), self.before, "children or descriptors were left behind");
        let mut records = BTreeMap::new();
        let mut counts = OutcomeCounts::default();
        for record in self.records() {
            counts.add(record.outcome.class());
            let earlier = records.insert(record.task.0, record.clone());
            assert!(earlier.is_none(), "task {} ended twice", record.task.number());
        }
        let Some(Event { kind: EventKind::Run(RunEvent::Finished(summary)), .. }) = self.seen.last().cloned() else {
            panic!("the run did not end with its summary")
        };
        assert_eq!(counts, summary.counts, "the summary counts what the records say");
        let Some(Event { kind: EventKind::Run(RunEvent::Started(header)), .. }) = self.seen.first() else {
            panic!("the run did not begin with its header")
        };
        let grown = self.seen.iter().rev().find_map(|event| match event.kind {
            EventKind::Run(RunEvent::BatchGrew { tasks, .. }) => Some(tasks),
            _ => None,
        });
        assert_eq!(grown.unwrap_or(header.tasks), records.len() as u64, "every task has ended");
        Finished { records: records.into_values().collect(), summary, seen: std::mem::take(&mut self.seen) }
    }
}

pub struct Finished {
    /// The last attempt of each task, in the order of the tasks.
    pub records: Vec<AttemptRecord>,
    pub summary: Summary,
    pub seen: Vec<Event>,
}

impl Finished {
    pub fn ints(&self) -> Vec<i64> {
        self.records
            .iter()
            .map(|record| match record.value {
                Some(CallValue::Int(int)) => int,
                _ => panic!("no whole number: {record:?}"),
            })
            .collect()
    }

    pub fn stdout(&self, place: usize) -> String {
        let output = self.records[place].output.as_ref();
        output.map(|output| String::from_utf8_lossy(&output.stdout.head).into_owned()).unwrap_or_default()
    }

    pub fn retried(&self) -> Vec<&AttemptRecord> {
        self.seen
            .iter()
            .filter_map(|event| match &event.kind {
                EventKind::Task(TaskEvent::Retried(record)) => Some(record),
                _ => None,
            })
            .collect()
    }
}

/// Waits until `done` holds; for states without an event.
pub fn wait_until(what: &str, done: impl Fn() -> bool) {
    let until = Instant::now() + DEADLINE;
    while !done() {
        assert!(Instant::now() < until, "waited in vain for {what}");
        std::thread::yield_now();
    }
}
