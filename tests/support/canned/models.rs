//! Events of runs that never were: the same on every machine and every day.

use fanlane_core::event::{
    AttemptRecord, Event, EventKind, LaneId, MachineSample, Outcome, OutcomeCounts, RunEvent, RunHeader, SampleEvent,
    Summary, TaskEvent, TaskId, WorkerEnd, WorkerEvent, WorkerId, WorkerSample,
};
use fanlane_core::job::Mode;
use fanlane_core::model::RunModel;

/// Nanoseconds of a millisecond.
pub const MS: u64 = 1_000_000;

/// A run, event by event.
#[derive(Default)]
pub struct Models {
    pub model: RunModel,
}

impl Models {
    pub fn apply(&mut self, at_ns: u64, kind: EventKind) {
        self.model.take(Event { at_ns, kind });
    }

    /// A run of some tasks on some workers, all there from the start.
    pub fn started(tasks: u64, workers: u32) -> Self {
        let mut models = Self::default();
        let header =
            RunHeader { name: "canned".into(), mode: Mode::Pool, workers, tasks, started_unix_ms: 1_700_000_000_000 };
        models.apply(0, EventKind::Run(RunEvent::Started(header)));
        for worker in 0..workers {
            let kind = EventKind::Worker(WorkerEvent::Started {
                worker: WorkerId(worker + 1),
                lane: LaneId(worker),
                pid: 41_000 + worker,
            });
            models.apply(20 * MS, kind);
        }
        models
    }

    pub fn ended(&mut self, record: AttemptRecord) {
        self.apply(record.start_ns + record.wall_ns, EventKind::Task(TaskEvent::Finished(vec![record])));
    }

    pub fn finish(&mut self, at_ns: u64) {
        let summary = Summary {
            counts: OutcomeCounts::default(),
            wall_ns: at_ns,
            cpu_ns: at_ns,
            retries: 0,
            workers: 1,
            mode: Mode::Pool,
            stopped: false,
        };
        self.apply(at_ns, EventKind::Run(RunEvent::Finished(summary)));
    }
}

pub fn record(task: u64, worker: u32, start_ns: u64, wall_ns: u64, outcome: Outcome) -> AttemptRecord {
    AttemptRecord {
        start_ns,
        wall_ns,
        cpu_ns: wall_ns,
        max_rss_bytes: 12 << 20,
        ..AttemptRecord::new(TaskId(task), 1, WorkerId(worker), outcome)
    }
}

/// Numbers without pattern, the same every time.
pub struct Dice(pub u64);

impl Dice {
    /// A number from 0 up to and without `below`.
    pub fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

/// A run in its middle: tasks of all outcomes, one dead worker, samples each half second, and running tasks.
pub fn half_way(workers: u32, cores: usize, secs: u64, mean_ms: u64) -> Models {
    let mut dice = Dice(7);
    let tasks = secs * 1000 / mean_ms * u64::from(workers) * 2;
    let mut models = Models::started(tasks, workers);
    let mut free_ns = vec![25 * MS; workers as usize];
    let mut worker_of: Vec<u32> = (1..=workers).collect();
    let end_ns = secs * 1000 * MS;
    let mut task = 0;
    let mut sampled_ns = 0;
    while let Some((lane, start_ns)) = (0..free_ns.len()).map(|lane| (lane, free_ns[lane])).min_by_key(|pair| pair.1) {
        while sampled_ns + 500 * MS <= start_ns.min(end_ns) {
            sampled_ns += 500 * MS;
            sample(&mut models, sampled_ns, cores, workers, &worker_of, &mut dice);
        }
        if start_ns >= end_ns {
            break;
        }
        let wall_ns = (mean_ms / 3 + dice.roll(mean_ms * 4 / 3)) * MS;
        let worker = worker_of[lane];
        if start_ns + wall_ns >= end_ns {
            let kind = EventKind::Task(TaskEvent::Started {
                task: TaskId(task),
                attempt: 1,
                worker: WorkerId(worker),
                start_ns,
                pid: Some(50_000 + task as u32),
            });
            models.apply(end_ns, kind);
            task += 1;
            free_ns[lane] = end_ns + MS;
            continue;
        }
        let outcome = match dice.roll(60) {
            0 => Outcome::Exited { code: 2 },
            1 => Outcome::TimedOut,
            2 => Outcome::Cancelled,
            3 if lane == 1 => Outcome::Lost("killed by SIGKILL".into()),
            _ => Outcome::Done,
        };
        let lost = matches!(outcome, Outcome::Lost(_));
        models.ended(record(task, worker, start_ns, wall_ns, outcome));
        task += 1;
        free_ns[lane] = start_ns + wall_ns + dice.roll(20) * MS / 10;
        if lost {
            let at_ns = start_ns + wall_ns;
            let reason = WorkerEnd::Died("killed by SIGKILL".into());
            models.apply(at_ns, EventKind::Worker(WorkerEvent::Ended { worker: WorkerId(worker), reason }));
            worker_of[lane] += 1000;
            let started = EventKind::Worker(WorkerEvent::Started {
                worker: WorkerId(worker_of[lane]),
                lane: LaneId(lane as u32),
                pid: 42_000 + worker_of[lane] % 1000,
            });
            models.apply(at_ns + 150 * MS, started);
            free_ns[lane] = at_ns + 160 * MS;
        }
    }
    models
}

fn sample(models: &mut Models, at_ns: u64, cores: usize, workers: u32, worker_of: &[u32], dice: &mut Dice) {
    let core_percent = (0..cores)
        .map(|core| if core < workers as usize { 70.0 + dice.roll(31) as f32 } else { dice.roll(25) as f32 })
        .collect();
    let memory_used_bytes = (3_000 + dice.roll(400)) << 20;
    let machine = MachineSample { core_percent, memory_used_bytes, memory_total_bytes: 16 << 30 };
    models.apply(at_ns, EventKind::Sample(SampleEvent::Machine(machine)));
    let samples = worker_of
        .iter()
        .map(|worker| WorkerSample {
            worker: WorkerId(*worker),
            cpu_percent: 80.0 + dice.roll(21) as f32,
            rss_bytes: (8 + dice.roll(90)) << 20,
        })
        .collect();
    models.apply(at_ns, EventKind::Sample(SampleEvent::Workers(samples)));
}
