//! What if: recorded tasks replayed with another pool size, chunk size or order, by the real dispatcher in simulated time. The
//! overheads of the machine and the slow-down of parallel tasks are taken from the race itself.

use std::num::NonZeroU32;

use fanlane_core::engine::simulation::{SimulatedMachine, SimulatedPlan, SimulatedRun, SimulatedTask, simulate};
use fanlane_core::job::dependencies::Dependencies;
use fanlane_core::job::order::TaskOrder;
use fanlane_core::job::{Control, Mode, Order};
use fanlane_core::model::race::{RaceModel, Span, Trace};
use fanlane_core::model::statistics::median;

use super::Work;

/// Minimum share of their time for which tasks need a core to slow each other down.
const MIN_CORE_SHARE: f64 = 0.05;

/// The order in which tasks start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhatIfOrder {
    /// As recorded.
    #[default]
    AsGiven,
    /// The longest first.
    LongestFirst,
    /// Random.
    Shuffled,
}

impl WhatIfOrder {
    /// All orders, as they are listed.
    pub const ALL: [Self; 3] = [Self::AsGiven, Self::LongestFirst, Self::Shuffled];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AsGiven => "as given",
            Self::LongestFirst => "longest first",
            Self::Shuffled => "shuffled",
        }
    }
}

/// Another way of running the same tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// Size of the pool, at least 1.
    pub workers: u32,
    /// Tasks per message; `None`: adaptive.
    pub chunk: Option<NonZeroU32>,
    /// The order in which tasks start.
    pub order: WhatIfOrder,
}

/// Recorded tasks and their machine.
#[derive(Clone, Debug, PartialEq)]
pub struct WhatIf {
    tasks: Vec<SimulatedTask>,
    /// The order in which they started.
    begun: Vec<u32>,
    needs: Dependencies,
    control: Control,
    machine: SimulatedMachine,
    mode: Mode,
    recorded: usize,
}

/// Why nothing can be replayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoWhatIf {
    /// No run that counts has ended.
    #[error("no counted run of the whole batch has ended yet")]
    NothingRecorded,
    /// Too many tasks.
    #[error("the tasks of a batch of more than {max} are not recorded one by one", max = fanlane_core::model::race::MAX_TRACED_TASKS)]
    TooMany,
    /// The resources of single tasks are not recorded.
    #[error("tasks with different amounts of slots or resources cannot be replayed")]
    NeedsDiffer,
}

impl WhatIf {
    /// Takes the tasks from the smallest contender of the race's first case, where they slow each other down least.
    ///
    /// # Errors
    /// Why nothing can be replayed.
    pub fn of(race: &RaceModel) -> Result<Self, NoWhatIf> {
        let header = race.header.as_ref().ok_or(NoWhatIf::NothingRecorded)?;
        let whole = |place: &usize| {
            let one = &header.contenders[*place];
            one.case == 0 && one.chunk.is_none() && one.tasks.is_none() && race.counted(*place).next().is_some()
        };
        let places: Vec<usize> = (0..header.contenders.len()).filter(whole).collect();
        let scaling = race.scaling_mode();
        let least = places.iter().copied().min_by_key(|place| {
            let one = &header.contenders[*place];
            (one.workers, one.mode != scaling)
        });
        let recorded = least.ok_or(NoWhatIf::NothingRecorded)?;
        let trace = race.traces.get(recorded).and_then(Option::as_ref).ok_or(NoWhatIf::TooMany)?;
        let case = &header.cases[0];
        if case.job.control.requests_differ() {
            return Err(NoWhatIf::NeedsDiffer);
        }
        let mode =
            if header.contenders[recorded].mode == Mode::One { scaling } else { header.contenders[recorded].mode };
        let alike: Vec<usize> = places.into_iter().filter(|place| header.contenders[*place].mode == mode).collect();
        let (return_ns, hand_out_ns) = message_times(trace);
        let (first_worker_ns, next_worker_ns) = start_times(race, trace, &alike);
        let machine = SimulatedMachine {
            cores: header.evidence.logical_cores.max(1),
            first_worker_ns,
            next_worker_ns,
            return_ns,
            hand_out_ns,
            slow_down: slow_down(race, recorded, &alike),
        };
        Ok(Self {
            tasks: tasks(trace, race, recorded),
            begun: begun(trace),
            needs: case.dependencies(),
            control: Control { halt: None, ..case.job.control.clone() },
            machine,
            mode,
            recorded,
        })
    }

    /// Number of tasks.
    pub fn tasks(&self) -> usize {
        self.tasks.len()
    }

    /// What is known of the tasks, each alone; `None` if there are none.
    pub fn work(&self) -> Option<Work> {
        Work::of_times(self.tasks.iter().map(|task| (task.wall_ns, task.cpu_ns)))
    }

    /// The contender that the tasks were recorded with, by its index.
    pub const fn recorded(&self) -> usize {
        self.recorded
    }

    /// The machine.
    pub const fn machine(&self) -> &SimulatedMachine {
        &self.machine
    }

    /// Runs the tasks in simulated time.
    pub fn predict(&self, question: Question) -> SimulatedRun {
        let plan = SimulatedPlan {
            mode: self.mode,
            workers: question.workers.max(1),
            chunk: question.chunk,
            order: self.places(question.order),
            after: self.needs.clone(),
            control: self.control.clone(),
        };
        simulate(&self.tasks, &plan, &self.machine)
    }

    /// The wall time, in seconds, at each of these pool sizes.
    pub fn sweep(&self, question: Question, sizes: impl IntoIterator<Item = u32>) -> Vec<(u32, f64)> {
        let secs = |workers| self.predict(Question { workers, ..question }).wall_ns as f64 / 1e9;
        sizes.into_iter().map(|workers| (workers, secs(workers))).collect()
    }

    fn places(&self, order: WhatIfOrder) -> Vec<u32> {
        match order {
            WhatIfOrder::AsGiven => self.begun.clone(),
            WhatIfOrder::Shuffled => {
                let count = self.tasks.len() as u64;
                let mixed = TaskOrder::new(&Order::Shuffled { seed: 1 }, count);
                (0..count).map(|place| mixed.task_at(place).0 as u32).collect()
            }
            WhatIfOrder::LongestFirst => {
                let mut places: Vec<u32> = (0..self.tasks.len() as u32).collect();
                places.sort_by_key(|task| std::cmp::Reverse(self.tasks[*task as usize].wall_ns));
                places
            }
        }
    }
}

/// The tasks in the order in which they started; those that never did come last.
fn begun(trace: &Trace) -> Vec<u32> {
    let mut start_ns = vec![u64::MAX; trace.tasks as usize];
    for span in &trace.spans {
        if let Some(start) = start_ns.get_mut(span.task as usize) {
            *start = span.start_ns.min(*start);
        }
    }
    let mut places: Vec<u32> = (0..trace.tasks as u32).collect();
    places.sort_by_key(|task| start_ns[*task as usize]);
    places
}

/// The last attempt of each task, scaled to the median of all runs. A task that never started takes no time.
fn tasks(trace: &Trace, race: &RaceModel, recorded: usize) -> Vec<SimulatedTask> {
    let traced_ns: u64 = trace.spans.iter().filter(|span| span.is_last).map(|span| span.wall_ns).sum();
    let scale = if traced_ns == 0 { 1.0 } else { busy_ns(race, recorded) / traced_ns as f64 };
    let scaled = |ns: u64| (ns as f64 * scale) as u64;
    let mut tasks = vec![SimulatedTask { wall_ns: 0, cpu_ns: 0 }; trace.tasks as usize];
    for span in trace.spans.iter().filter(|span| span.is_last) {
        if let Some(task) = tasks.get_mut(span.task as usize) {
            *task = SimulatedTask { wall_ns: scaled(span.wall_ns), cpu_ns: scaled(span.cpu_ns.min(span.wall_ns)) };
        }
    }
    tasks
}

/// The times of a result and of a task in transit, as medians over the lanes.
fn message_times(trace: &Trace) -> (u64, u64) {
    let mut by_lane: Vec<&Span> = trace.spans.iter().collect();
    by_lane.sort_unstable_by_key(|span| (span.lane, span.start_ns));
    let returns = by_lane.iter().map(|span| span.heard_ns.saturating_sub(span.end_ns()) as f64).collect::<Vec<_>>();
    let pairs = by_lane.windows(2).filter(|pair| pair[0].lane == pair[1].lane);
    // A task that starts before the previous result has arrived was handed out ahead.
    let outs = pairs.filter_map(|pair| pair[1].start_ns.checked_sub(pair[0].heard_ns)).map(|out_ns| out_ns as f64);
    let return_ns = median(&returns).unwrap_or(0.0);
    (return_ns as u64, median(&outs.collect::<Vec<_>>()).unwrap_or(return_ns) as u64)
}

/// The start-up time of the first worker, and of each further one.
fn start_times(race: &RaceModel, recorded: &Trace, alike: &[usize]) -> (u64, u64) {
    let ready = |trace: &Trace| {
        let mut ready: Vec<u64> = trace.lives.iter().map(|life| life.ready_ns).collect();
        ready.sort_unstable();
        ready
    };
    let first_ns = ready(recorded).first().copied().unwrap_or(0);
    let traces = alike.iter().filter_map(|place| race.traces.get(*place)?.as_ref());
    let steps = traces.filter_map(|trace| {
        let ready = ready(trace);
        let [first, .., last] = ready.as_slice() else { return None };
        Some((last - first) as f64 / (ready.len() - 1) as f64)
    });
    // Without a second worker, the next one is assumed to take as long as the first.
    (first_ns, median(&steps.collect::<Vec<_>>()).unwrap_or(first_ns as f64) as u64)
}

/// The total time of all tasks of a contender, in nanoseconds: the median of its runs.
fn busy_ns(race: &RaceModel, place: usize) -> f64 {
    let runs: Vec<f64> = race.counted(place).map(|run| run.lane_time.busy_ns as f64).collect();
    median(&runs).unwrap_or(0.0)
}

/// The average number of running tasks of a contender, from the first worker on. It is below the number of workers, since
/// workers start one by one and tasks run out.
fn parallelism(race: &RaceModel, place: usize) -> f64 {
    let shares = race.counted(place).map(|run| {
        let time = &run.lane_time;
        let first_ns = time.start_up_ns / u64::from(time.lanes.max(1));
        (time.busy_ns + time.repeated_ns) as f64 / run.wall_ns.saturating_sub(first_ns).max(1) as f64
    });
    median(&shares.collect::<Vec<_>>()).unwrap_or(1.0).max(1.0)
}

/// The slow-down of tasks in larger pools, relative to the recorded one: busy cores and factor.
fn slow_down(race: &RaceModel, recorded: usize, alike: &[usize]) -> Vec<(f64, f64)> {
    let cpu: Vec<f64> = race.counted(recorded).map(|run| run.cpu_ns as f64).collect();
    let base_ns = busy_ns(race, recorded);
    if base_ns <= 0.0 {
        return Vec::new();
    }
    let core_share = (median(&cpu).unwrap_or(0.0) / base_ns).min(1.0);
    if core_share < MIN_CORE_SHARE {
        return Vec::new();
    }
    let contenders = race.contenders();
    let larger = alike.iter().filter(|place| contenders[**place].workers > contenders[recorded].workers);
    let mut points: Vec<(f64, f64)> = larger
        .map(|place| {
            let times = busy_ns(race, *place) / base_ns;
            let slow = ((times - (1.0 - core_share)) / core_share).max(0.1);
            (parallelism(race, *place) * core_share, slow)
        })
        .collect();
    points.push((parallelism(race, recorded) * core_share, 1.0));
    points.sort_by(|one, other| one.0.total_cmp(&other.0));
    points
}
