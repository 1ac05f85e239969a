//! Sessions for tests and pictures without a process: jobs that lie in memory, and runs whose events are made by hand.

#![allow(dead_code, reason = "each test file uses its own part")]

pub mod models;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use crossbeam_channel::Sender;
use fanlane::session::{JobDraft, Session, SessionOptions};
use fanlane_core::engine::{Engine, EngineError, EngineTraits, RunCommand, RunHandle, RunOptions};
use fanlane_core::event::{
    AttemptRecord, Captured, Event, EventKind, LaneId, MachineSample, Outcome, OutcomeCounts, Output, RunEvent,
    RunHeader, SampleEvent, Summary, TaskEvent, TaskId, WorkerEnd, WorkerEvent, WorkerId, WorkerSample,
};
use fanlane_core::job::{Batch, Job, Mode};
use fanlane_core::model::RunModel;
use fanlane_core::store::presets::Presets;

use models::Dice;

/// The calls of a session to the engine that stands in for the real one.
#[derive(Default)]
pub struct Asked {
    pub started: Vec<(Job, RunOptions)>,
    pub commands: Vec<RunCommand>,
    /// Those about the output of running tasks.
    pub watched: Vec<RunCommand>,
    /// What the engine says that its runs can be asked.
    pub traits: EngineTraits,
    events: Option<Sender<Event>>,
}

/// An engine that only records its calls.
#[derive(Clone, Default)]
pub struct FakeEngine(Arc<Mutex<Asked>>);

impl FakeEngine {
    pub fn asked(&self) -> MutexGuard<'_, Asked> {
        self.0.lock().expect("no test panics while it holds this")
    }

    pub fn engine(&self) -> Arc<dyn Engine> {
        Arc::new(self.clone())
    }

    /// Says an event of the run that was started last.
    pub fn say(&self, at_ns: u64, kind: EventKind) {
        let asked = self.asked();
        let events = asked.events.as_ref().expect("a run is under way");
        events.send(Event { at_ns, kind }).expect("the session listens");
    }

    /// Ends the run that was started last.
    pub fn finish(&self, at_ns: u64, stopped: bool) {
        let summary = Summary {
            counts: OutcomeCounts::default(),
            wall_ns: at_ns,
            cpu_ns: 0,
            retries: 0,
            workers: 1,
            mode: Mode::Pool,
            stopped,
        };
        self.say(at_ns, EventKind::Run(RunEvent::Finished(summary)));
        self.asked().events = None;
    }
}

impl Engine for FakeEngine {
    fn start(
        &self,
        batch: Arc<Batch>,
        options: RunOptions,
        events: Sender<Event>,
    ) -> Result<Box<dyn RunHandle>, EngineError> {
        let mut asked = self.asked();
        let header = header(batch.job(), batch.len(), &options);
        events.send(Event { at_ns: 0, kind: EventKind::Run(RunEvent::Started(header)) }).expect("the session listens");
        asked.started.push((batch.job().clone(), options));
        asked.events = Some(events);
        Ok(Box::new(self.clone()))
    }

    fn traits(&self) -> EngineTraits {
        self.asked().traits
    }
}

impl RunHandle for FakeEngine {
    fn command(&self, command: RunCommand) {
        match command {
            RunCommand::Watch(_) | RunCommand::Follow(_) | RunCommand::Unfollow(_) => {
                self.asked().watched.push(command)
            }
            _ => self.asked().commands.push(command),
        }
        // A session may not know of the end yet and ask twice, as of a real engine.
        let goes_on = self.asked().events.is_some();
        if command == RunCommand::Stop && goes_on {
            self.finish(1, true);
        }
    }

    fn join(self: Box<Self>) {
        self.asked().events = None;
    }
}

fn header(job: &Job, tasks: u64, options: &RunOptions) -> RunHeader {
    RunHeader {
        name: job.name.clone(),
        mode: options.mode,
        workers: options.workers,
        tasks,
        started_unix_ms: 1_750_000_000_000,
    }
}

/// A job that is good to look at.
pub fn thumbnails() -> Job {
    Job::parse(
        r#"Job(
            version: 1,
            name: "Thumbnails",
            description: "Makes a small picture of each large one.",
            task: Command("convert photos/holiday-{}.jpg -resize 256 thumbs/holiday-{}.jpg"),
            inputs: [Range(1, 240)],
            workers: 6,
            timeout_secs: Some(60),
            retries: 1,
        )"#,
    )
    .expect("the job is well formed")
}

/// A call of a workload.
pub fn cubes() -> Job {
    Job::parse(r#"Job(version: 1, name: "Cubes", task: Workload(name: "cube"), inputs: [Range(1, 100)])"#)
        .expect("the job is well formed")
}

/// What a session over an engine that runs nothing is made with; its presets lie in `folder`.
pub fn options(engine: &FakeEngine, folder: Option<&Path>) -> SessionOptions {
    SessionOptions { presets: folder.map(Presets::open), ..SessionOptions::in_memory(engine.engine()) }
}

/// A session that saves nothing and runs nothing.
pub fn session(engine: &FakeEngine) -> Session {
    Session::new(options(engine, None), Arc::new(|| {}))
}

/// A session that shows a run of [`thumbnails`] with outcomes of every kind, ended or half way.
pub fn session_with_run(engine: &FakeEngine, ended: bool) -> Session {
    let mut session = session(engine);
    session.edit(|draft| *draft = JobDraft::from_job(&thumbnails()));
    session.show_recorded(thumbnails(), thumbnails_run(ended)).expect("the job expands");
    session.poll();
    session
}

/// The run's model, folded from its events.
pub fn thumbnails_run(ended: bool) -> RunModel {
    let mut model = RunModel::default();
    for event in thumbnails_events(ended) {
        model.apply(&event);
    }
    model
}

fn thumbnails_events(ended: bool) -> Vec<Event> {
    const WORKERS: usize = 6;
    let job = thumbnails();
    let options = RunOptions::new(Mode::Pool, 6).monitor(true);
    let mut events = vec![Event { at_ns: 0, kind: EventKind::Run(RunEvent::Started(header(&job, 240, &options))) }];
    for worker in 0..WORKERS as u32 {
        let kind = EventKind::Worker(WorkerEvent::Started {
            worker: WorkerId(worker + 1),
            lane: LaneId(worker),
            pid: 4200 + worker,
        });
        events.push(Event { at_ns: 30_000_000, kind });
    }
    let mut dice = Dice(11);
    let mut free_ns = [40_000_000_u64; WORKERS];
    let tasks = if ended { 240 } else { 131 };
    for task in 0..tasks {
        let lane = (0..WORKERS).min_by_key(|lane| free_ns[*lane]).expect("there are lanes");
        let mut attempt = 1;
        loop {
            let record = record(task, attempt, lane, free_ns[lane], &mut dice);
            let at_ns = record.start_ns + record.wall_ns;
            free_ns[lane] = at_ns + 400_000;
            let again = record.outcome != Outcome::Done && record.attempt == 1 && task % 3 != 0;
            let kind = if again {
                EventKind::Task(TaskEvent::Retried(record))
            } else {
                EventKind::Task(TaskEvent::Finished(vec![record]))
            };
            events.push(Event { at_ns, kind });
            if !again {
                break;
            }
            attempt += 1;
        }
    }
    let end_ns = *free_ns.iter().max().expect("there are lanes");
    for tick in 1..end_ns / 250_000_000 {
        let at_ns = tick * 250_000_000;
        let core_percent = (0..8).map(|core| if core < 6 { 70.0 + dice.roll(30) as f32 } else { dice.roll(12) as f32 });
        let sample = MachineSample {
            core_percent: core_percent.collect(),
            memory_used_bytes: 6 << 30,
            memory_total_bytes: 16 << 30,
        };
        events.push(Event { at_ns, kind: EventKind::Sample(SampleEvent::Machine(sample)) });
        let workers = (1..=WORKERS as u32).map(|worker| WorkerSample {
            worker: WorkerId(worker),
            cpu_percent: 80.0 + dice.roll(20) as f32,
            rss_bytes: (40 + dice.roll(30)) << 20,
        });
        events.push(Event { at_ns, kind: EventKind::Sample(SampleEvent::Workers(workers.collect())) });
    }
    if ended {
        for worker in 1..=WORKERS as u32 {
            let kind = EventKind::Worker(WorkerEvent::Ended { worker: WorkerId(worker), reason: WorkerEnd::Retired });
            events.push(Event { at_ns: end_ns, kind });
        }
        let summary = Summary {
            counts: OutcomeCounts::default(),
            wall_ns: end_ns,
            cpu_ns: end_ns * 5,
            retries: 9,
            workers: 6,
            mode: Mode::Pool,
            stopped: false,
        };
        events.push(Event { at_ns: end_ns, kind: EventKind::Run(RunEvent::Finished(summary)) });
    } else {
        for (lane, &start_ns) in free_ns.iter().enumerate() {
            let kind = EventKind::Task(TaskEvent::Started {
                task: TaskId(tasks + lane as u64),
                attempt: 1,
                worker: WorkerId(lane as u32 + 1),
                start_ns,
                pid: Some(5000 + lane as u32),
            });
            events.push(Event { at_ns: start_ns.max(end_ns), kind });
        }
    }
    events.sort_by_key(|event| event.at_ns);
    events
}

fn record(task: u64, attempt: u32, lane: usize, start_ns: u64, dice: &mut Dice) -> AttemptRecord {
    let wall_ns = 60_000_000 + dice.roll(140_000_000);
    let outcome = match task {
        6 => Outcome::Exited { code: 3 },
        18 => Outcome::Signalled { signal: 11 },
        27 if attempt == 1 => Outcome::Lost("killed by SIGKILL".into()),
        40 if attempt == 1 => Outcome::Exited { code: 1 },
        51 => Outcome::TimedOut,
        75 => Outcome::CannotStart("convert: not found; install it or give its full path".into()),
        99 => Outcome::Cancelled,
        _ => Outcome::Done,
    };
    let stdout = if task == 2 {
        Captured {
            head: (1..=4000).map(|line| format!("line {line} of a talkative command\n")).collect::<String>().into(),
            dropped_bytes: 12_345_678,
            tail: b"the last line\n".to_vec(),
            ..Captured::default()
        }
    } else {
        Captured { head: format!("thumbs/holiday-{}.jpg: 256x192\n", task + 1).into_bytes(), ..Captured::default() }
    };
    let stderr = if outcome == Outcome::Done {
        Captured::default()
    } else {
        let text =
            format!("\x1b[31merror\x1b[0m: holiday-{}.jpg: premature end of file\nnothing was written\n", task + 1);
        Captured { head: text.into_bytes(), ..Captured::default() }
    };
    let stdout = if outcome == Outcome::Done { stdout } else { Captured::default() };
    AttemptRecord {
        attempt,
        cpu_ns: wall_ns / 100 * (70 + dice.roll(30)),
        max_rss_bytes: (24 + dice.roll(40)) << 20,
        memory_kill: false,
        output: Some(Box::new(Output { stdout, stderr, leaky: false })),
        ..models::record(task, lane as u32 + 1, start_ns, wall_ns, outcome)
    }
}
