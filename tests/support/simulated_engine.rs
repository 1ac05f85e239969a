//! An engine for races that runs nothing: tasks take as long as the test says, in simulated time, with the real
//! dispatcher. So the logic of a race is tested without a process and without a clock.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crossbeam_channel::Sender;
use fanlane_core::engine::simulation::{SimulatedMachine, SimulatedPlan, SimulatedTask, simulate};
use fanlane_core::engine::{Engine, EngineError, EngineTraits, RunCommand, RunHandle, RunOptions};
use fanlane_core::event::{
    AttemptRecord, CallValue, Event, EventKind, LaneId, Outcome, OutcomeCounts, RunEvent, RunHeader, Summary,
    TaskEvent, TaskId, WorkerEnd, WorkerEvent, WorkerId,
};
use fanlane_core::job::{Batch, Mode};

/// The tasks and the machine of simulated runs.
#[derive(Clone)]
pub struct Simulated {
    /// How long each task takes alone, and how much of that on a core.
    pub task: Arc<dyn Fn(u64) -> SimulatedTask + Send + Sync>,
    /// The machine.
    pub machine: SimulatedMachine,
    /// The runs that were started: their mode, workers and chunk.
    pub started: Arc<Mutex<Vec<Started>>>,
    /// How far runs differ, either way, as a share of their tasks' lengths.
    pub jitter: f64,
    /// The number of runs that were started.
    pub runs: Arc<AtomicU64>,
}

/// Mode, workers and chunk of a run.
pub type Started = (Mode, u32, Option<u32>);

impl Simulated {
    pub fn new(machine: SimulatedMachine, task: impl Fn(u64) -> SimulatedTask + Send + Sync + 'static) -> Self {
        Self { task: Arc::new(task), machine, started: Arc::default(), jitter: 0.0, runs: Arc::default() }
    }

    pub fn engine(&self) -> Arc<dyn Engine> {
        Arc::new(self.clone())
    }

    fn events(&self, batch: &Batch, options: &RunOptions) -> Vec<Event> {
        let run = self.runs.fetch_add(1, Ordering::Relaxed);
        // A few lengths in turn, so that the spread is known and never the same twice in a row.
        let scale = 1.0 + self.jitter * [0.0, 1.0, -1.0, 0.5, -0.5][(run % 5) as usize];
        let scaled = |ns: u64| (ns as f64 * scale) as u64;
        let tasks: Vec<SimulatedTask> = (0..batch.len())
            .map(|task| (self.task)(task))
            .map(|task| SimulatedTask { wall_ns: scaled(task.wall_ns), cpu_ns: scaled(task.cpu_ns) })
            .collect();
        let plan = SimulatedPlan {
            mode: options.mode,
            workers: options.workers,
            chunk: options.chunk,
            order: (0..tasks.len() as u32).map(|place| batch.order().task_at(place.into()).0 as u32).collect(),
            after: batch.dependencies().clone(),
            control: batch.job().control.clone(),
        };
        let simulated = simulate(&tasks, &plan, &self.machine);
        let header = RunHeader {
            name: batch.job().display_name().to_owned(),
            mode: options.mode,
            workers: options.workers,
            tasks: batch.len(),
            started_unix_ms: 0,
        };
        let mut events = vec![Event { at_ns: 0, kind: EventKind::Run(RunEvent::Started(header)) }];
        let lanes = simulated.spans.iter().map(|span| span.lane + 1).max().unwrap_or(0);
        for lane in 0..lanes {
            let at_ns = self.machine.first_worker_ns + u64::from(lane) * self.machine.next_worker_ns;
            let kind = EventKind::Worker(WorkerEvent::Started {
                worker: WorkerId(lane + 1),
                lane: LaneId(lane),
                pid: 1000 + lane,
            });
            events.push(Event { at_ns, kind });
        }
        let mut counts = OutcomeCounts::default();
        for span in &simulated.spans {
            let task = tasks[span.task as usize];
            let record = AttemptRecord {
                start_ns: span.start_ns,
                wall_ns: span.wall_ns,
                cpu_ns: task.cpu_ns,
                max_rss_bytes: 3 << 20,
                value: Some(CallValue::Int(1)),
                ..AttemptRecord::new(TaskId(span.task.into()), 1, WorkerId(span.lane + 1), Outcome::Done)
            };
            counts.add(record.outcome.class());
            let at_ns = span.start_ns + span.wall_ns + self.machine.return_ns;
            events.push(Event { at_ns, kind: EventKind::Task(TaskEvent::Finished(vec![record])) });
        }
        let end_ns = simulated.wall_ns + self.machine.return_ns;
        for lane in 0..lanes {
            let kind = EventKind::Worker(WorkerEvent::Ended { worker: WorkerId(lane + 1), reason: WorkerEnd::Retired });
            events.push(Event { at_ns: end_ns, kind });
        }
        events.sort_by_key(|event| event.at_ns);
        let summary = Summary {
            counts,
            wall_ns: simulated.wall_ns,
            cpu_ns: 0,
            retries: 0,
            workers: options.workers,
            mode: options.mode,
            stopped: false,
        };
        events.push(Event { at_ns: end_ns, kind: EventKind::Run(RunEvent::Finished(summary)) });
        events
    }
}

impl Engine for Simulated {
    fn start(
        &self,
        batch: Arc<Batch>,
        options: RunOptions,
        events: Sender<Event>,
    ) -> Result<Box<dyn RunHandle>, EngineError> {
        self.started.lock().expect("no test panics while it holds this").push((
            options.mode,
            options.workers,
            options.chunk.map(NonZeroU32::get),
        ));
        let all = self.events(&batch, &options);
        // A run's events are taken once it has been started, and the channel is bounded.
        std::thread::spawn(move || all.into_iter().all(|event| events.send(event).is_ok()));
        Ok(Box::new(Over))
    }

    fn traits(&self) -> EngineTraits {
        EngineTraits {
            can_pause: false,
            can_resize: false,
            can_watch: false,
            can_steer: false,
            can_locate: false,
            ..EngineTraits::default()
        }
    }
}

/// A run that has ended before anything could be asked of it.
struct Over;

impl RunHandle for Over {
    fn command(&self, _: RunCommand) {}

    fn join(self: Box<Self>) {}
}
