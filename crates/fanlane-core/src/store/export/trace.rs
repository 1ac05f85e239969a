//! The trace of a run in the Trace Event Format that Chrome's `about:tracing` and Perfetto read: a track for each
//! worker with a slice for each attempt, and counters for the tasks, the cores and the memory. Times are in
//! microseconds since the run's start.

use std::collections::HashMap;
use std::io::{self, Write};

use serde_json::{Value as Json, json};

use crate::event::{
    AttemptRecord, DispatchEvent, Event, EventKind, OutcomeClass, RunEvent, SampleEvent, TaskEvent, WorkerEnd,
    WorkerEvent,
};
use crate::model::{DepthHistory, sanitize};
use crate::store::record::TaskWords;

/// Maximum length of a slice's name, in characters of the command line.
const NAME_CHARS: usize = 120;
/// All tracks belong to one process: the run.
const RUN: u32 = 1;

/// Writes a trace while it takes in a run's events.
pub struct TraceWriter<W: Write> {
    out: W,
    begun: bool,
    depth: DepthHistory,
    last_ns: u64,
}

impl<W: Write> TraceWriter<W> {
    /// Begins a trace.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn new(mut out: W) -> io::Result<Self> {
        out.write_all(b"{\"displayTimeUnit\":\"ms\",\"traceEvents\":[")?;
        Ok(Self { out, begun: false, depth: DepthHistory::default(), last_ns: 0 })
    }

    /// Takes in an event; `words` describe its tasks, by their numbers.
    ///
    /// # Errors
    /// When the trace cannot be written.
    pub fn add(&mut self, event: &Event, words: &HashMap<u64, TaskWords>) -> io::Result<()> {
        self.depth.apply(event);
        self.last_ns = self.last_ns.max(event.at_ns);
        let at = micros(event.at_ns);
        match &event.kind {
            EventKind::Run(RunEvent::Started(header)) => self.name("process_name", 0, json!({ "name": header.name })),
            EventKind::Worker(WorkerEvent::Started { worker, lane, pid }) => {
                let name = format!("worker {} (lane {}, pid {pid})", worker.0, lane.0 + 1);
                self.name("thread_name", worker.0, json!({ "name": name }))?;
                self.name("thread_sort_index", worker.0, json!({ "sort_index": lane.0 }))
            }
            EventKind::Worker(WorkerEvent::Ended { worker, reason: WorkerEnd::Died(how) }) => {
                self.instant(&format!("worker {} died: {how}", worker.0), "t", worker.0, &at)
            }
            EventKind::Task(TaskEvent::Finished(records)) => {
                records.iter().try_for_each(|record| self.slice(record, false, words.get(&record.task.number())))
            }
            EventKind::Task(TaskEvent::Retried(record)) => self.slice(record, true, words.get(&record.task.number())),
            EventKind::Sample(SampleEvent::Machine(sample)) => {
                let busy: f32 = sample.core_percent.iter().sum();
                self.counter("cores in use", &at, json!({ "cores": f64::from(busy) / 100.0 }))?;
                self.counter("memory of the machine", &at, json!({ "used_bytes": sample.memory_used_bytes }))
            }
            EventKind::Sample(SampleEvent::Workers(samples)) => {
                let bytes: u64 = samples.iter().map(|sample| sample.rss_bytes).sum();
                self.counter("memory of the workers", &at, json!({ "rss_bytes": bytes }))
            }
            EventKind::Dispatch(DispatchEvent::Paused) => self.instant("paused", "p", 0, &at),
            EventKind::Dispatch(DispatchEvent::BreakpointReached { task }) => {
                self.instant(&format!("paused before task {}", task.number()), "p", 0, &at)
            }
            EventKind::Dispatch(DispatchEvent::Resumed) => self.instant("resumed", "p", 0, &at),
            EventKind::Dispatch(DispatchEvent::StopRequested) => self.instant("stop requested", "p", 0, &at),
            EventKind::Dispatch(DispatchEvent::PoolResized { workers }) => {
                self.instant(&format!("pool of {workers}"), "p", 0, &at)
            }
            EventKind::Dispatch(
                DispatchEvent::WorkersCannotStart { reason }
                | DispatchEvent::GaveUp { reason }
                | DispatchEvent::Told { words: reason },
            ) => self.instant(reason, "p", 0, &at),
            _ => Ok(()),
        }
    }

    /// Adds the counters of tasks, and ends the trace.
    ///
    /// # Errors
    /// When the trace cannot be written.
    pub fn finish(mut self) -> io::Result<()> {
        for step in self.depth.steps(self.last_ns) {
            let at = micros(step.from_ns);
            self.counter("queued tasks", &at, json!({ "queued": step.queued }))?;
            self.counter("running tasks", &at, json!({ "running": step.running_max }))?;
        }
        self.out.write_all(b"\n]}\n")?;
        self.out.flush()
    }

    fn slice(&mut self, record: &AttemptRecord, retried: bool, words: Option<&TaskWords>) -> io::Result<()> {
        if record.attempt == 0 {
            return Ok(());
        }
        let class = record.outcome.class();
        let name = words.map_or_else(
            || format!("task {}", record.task.number()),
            |words| String::from_utf8_lossy(&words.command.0).chars().take(NAME_CHARS).collect(),
        );
        let category = if retried { format!("{},retried", class.name()) } else { class.name().to_owned() };
        self.push(&json!({
            "ph": "X", "pid": RUN, "tid": record.worker.0, "ts": micros(record.start_ns), "dur": micros(record.wall_ns),
            "name": name, "cat": category, "cname": colour(class),
            "args": {
                "task": words.map_or_else(|| record.task.number(), TaskWords::number), "attempt": record.attempt, "outcome": format!("{:?}", record.outcome),
                "cpu_secs": record.cpu_ns as f64 / 1e9, "max_rss_bytes": record.max_rss_bytes,
            },
        }))
    }

    fn name(&mut self, what: &str, track: u32, args: Json) -> io::Result<()> {
        self.push(&json!({ "ph": "M", "pid": RUN, "tid": track, "name": what, "args": args }))
    }

    fn instant(&mut self, name: &str, scope: &str, track: u32, at: &Json) -> io::Result<()> {
        self.push(&json!({ "ph": "i", "pid": RUN, "tid": track, "ts": at, "s": scope, "name": name, "cat": "run" }))
    }

    fn counter(&mut self, name: &str, at: &Json, args: Json) -> io::Result<()> {
        self.push(&json!({ "ph": "C", "pid": RUN, "tid": 0, "ts": at, "name": name, "args": args }))
    }

    fn push(&mut self, event: &Json) -> io::Result<()> {
        self.out.write_all(if self.begun { b",\n" } else { b"\n" })?;
        self.begun = true;
        sanitize::write_json(&mut self.out, event)?;
        Ok(())
    }
}

/// The format has names for colours; other viewers use the category.
const fn colour(class: OutcomeClass) -> &'static str {
    match class {
        OutcomeClass::Done => "good",
        OutcomeClass::Cancelled => "grey",
        OutcomeClass::TimedOut => "bad",
        OutcomeClass::Failed => "terrible",
        OutcomeClass::Lost => "black",
    }
}

/// With all measured nanoseconds.
fn micros(ns: u64) -> Json {
    json!(ns as f64 / 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{LaneId, MachineSample, Outcome, RunHeader, TaskId, WorkerId};
    use crate::job::Mode;
    use crate::job::lossless::Bytes;

    fn attempt(task: u64, attempt: u32, outcome: Outcome) -> AttemptRecord {
        AttemptRecord {
            start_ns: 1_234_567,
            wall_ns: 2_000_001,
            ..AttemptRecord::new(TaskId(task), attempt, WorkerId(1), outcome)
        }
    }

    #[test]
    fn a_trace_is_json_with_slices_in_microseconds() {
        let header = RunHeader { name: "n".to_owned(), mode: Mode::Pool, workers: 1, tasks: 2, started_unix_ms: 0 };
        let sample = MachineSample { core_percent: vec![50.0, 100.0], memory_used_bytes: 7, memory_total_bytes: 9 };
        let kinds = [
            EventKind::Run(RunEvent::Started(header)),
            EventKind::Worker(WorkerEvent::Started { worker: WorkerId(1), lane: LaneId(0), pid: 42 }),
            EventKind::Task(TaskEvent::Retried(attempt(0, 1, Outcome::Lost("x".into())))),
            EventKind::Sample(SampleEvent::Machine(sample)),
            EventKind::Task(TaskEvent::Finished(vec![attempt(0, 2, Outcome::Done), attempt(1, 0, Outcome::Cancelled)])),
        ];
        let words =
            TaskWords { task: 1, number: None, input: vec![], results: None, command: Bytes(b"echo \"\xff".to_vec()) };
        let mut out = Vec::new();
        let mut trace = TraceWriter::new(&mut out).expect("begun");
        for (at, kind) in kinds.into_iter().enumerate() {
            let event = Event { at_ns: at as u64 * 5_000_000, kind };
            trace.add(&event, &HashMap::from([(1, words.clone())])).expect("added");
        }
        trace.finish().expect("written");

        let whole: Json = serde_json::from_slice(&out).expect("JSON");
        let events = whole["traceEvents"].as_array().expect("an array");
        let of = |kind: &str| events.iter().filter(|event| event["ph"] == kind).cloned().collect::<Vec<_>>();
        let slices = of("X");
        assert_eq!(slices.len(), 2, "a task that was never begun has no slice");
        assert_eq!((&slices[0]["cat"], &slices[1]["cat"]), (&json!("lost,retried"), &json!("done")));
        assert_eq!((&slices[0]["cname"], &slices[1]["cname"]), (&json!("black"), &json!("good")));
        assert_eq!((&slices[0]["ts"], &slices[0]["dur"]), (&json!(1234.567), &json!(2000.001)));
        assert_eq!((&slices[0]["name"], &slices[0]["tid"]), (&json!("echo \"\u{fffd}"), &json!(1)));
        assert!(of("M").iter().any(|event| event["args"]["name"] == "worker 1 (lane 1, pid 42)"), "{events:?}");
        let counters = of("C");
        assert!(counters.iter().any(|event| event["args"]["cores"] == json!(1.5) && event["ts"] == json!(15000.0)));
        for name in ["queued tasks", "running tasks", "memory of the machine"] {
            assert!(counters.iter().any(|event| event["name"] == name), "{name}: {counters:?}");
        }
        assert!(events.iter().all(|event| event["ph"] == "M" || event["ts"].as_f64().is_some_and(|at| at >= 0.0)));
    }
}
