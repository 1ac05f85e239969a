//! A run in simulated time: the real dispatcher with workers that only say how long they would have taken. For asking
//! what recorded tasks would have done in another pool, in other chunks, in another order.
//!
//! What the tasks and the machine are like comes in; nothing is measured here, no clock is read and nothing is started.

pub(super) mod timeline;
mod world;

use std::num::NonZeroU32;

use crate::job::dependencies::Dependencies;
use crate::job::{Control, Mode};

use world::World;

/// A task as it is when it runs alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SimulatedTask {
    /// How long it takes alone, in nanoseconds.
    pub wall_ns: u64,
    /// How much of that it needs a core for, in nanoseconds.
    pub cpu_ns: u64,
}

/// What starting and talking to workers costs, and how much tasks slow each other down.
#[derive(Clone, Debug, PartialEq)]
pub struct SimulatedMachine {
    /// Logical cores, at least 1.
    pub cores: u32,
    /// From the run's start until the first worker is there, in nanoseconds.
    pub first_worker_ns: u64,
    /// From one worker being there until the next one is, in nanoseconds.
    pub next_worker_ns: u64,
    /// From a task's end until the engine has heard of it, in nanoseconds.
    pub return_ns: u64,
    /// From the engine's message until an idle worker has begun a task, in nanoseconds.
    pub hand_out_ns: u64,
    /// How many times longer a task needs its core while this number of tasks (the first value) need one: points with rising first
    /// numbers, from 1 task on. Beyond the last point, and beyond the cores, cores are shared out evenly.
    pub slow_down: Vec<(f64, f64)>,
}

/// How the tasks are run.
#[derive(Clone, Debug, PartialEq)]
pub struct SimulatedPlan {
    /// How the batch is run.
    pub mode: Mode,
    /// Size of the pool, at least 1.
    pub workers: u32,
    /// As in [`crate::engine::RunOptions`].
    pub chunk: Option<NonZeroU32>,
    /// Which task begins first, second, …: every task once, by its place.
    pub order: Vec<u32>,
    /// Which tasks wait for which.
    pub after: Dependencies,
    /// Delays and the like.
    pub control: Control,
}

/// Where a task was in a simulated run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SimulatedSpan {
    /// The task, by its place.
    pub task: u32,
    /// Its lane, from 0.
    pub lane: u32,
    /// When it began, in nanoseconds since the run's start.
    pub start_ns: u64,
    /// How long it took, in nanoseconds.
    pub wall_ns: u64,
}

/// A simulated run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SimulatedRun {
    /// From the start to the end of the last task, in nanoseconds.
    pub wall_ns: u64,
    /// Every task, in the order in which they ended.
    pub spans: Vec<SimulatedSpan>,
}

impl SimulatedMachine {
    /// A machine on which nothing costs anything and tasks do not slow each other down before the cores are shared.
    pub fn ideal(cores: u32) -> Self {
        Self {
            cores: cores.max(1),
            first_worker_ns: 0,
            next_worker_ns: 0,
            return_ns: 0,
            hand_out_ns: 0,
            slow_down: Vec::new(),
        }
    }

    /// How many times longer a task needs its core while this number of tasks want one.
    pub fn slow_down_at(&self, wanted: f64) -> f64 {
        let points = [(1.0, 1.0)].into_iter().chain(self.slow_down.iter().copied().filter(|(at, _)| *at > 1.0));
        let mut last = (1.0, 1.0);
        for point in points {
            if wanted <= point.0 {
                let span = point.0 - last.0;
                let share = if span > 0.0 { ((wanted - last.0) / span).max(0.0) } else { 0.0 };
                return (point.1 - last.1).mul_add(share, last.1);
            }
            last = point;
        }
        // Beyond what is known each gets its share of what the cores do together.
        let shared_from = last.0.max(f64::from(self.cores));
        if wanted > shared_from { last.1 * wanted / shared_from } else { last.1 }
    }
}

/// Runs the tasks in simulated time. Every task succeeds.
pub fn simulate(tasks: &[SimulatedTask], plan: &SimulatedPlan, machine: &SimulatedMachine) -> SimulatedRun {
    World::new(tasks, plan, machine).run()
}

#[cfg(test)]
mod tests;
