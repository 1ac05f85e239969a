//! How fast a run gets on, by the numbers of workers that it had: what its end is predicted from, also with another number.

use std::collections::BTreeMap;

use crate::event::{DispatchEvent, Event, EventKind, RunEvent, TaskEvent};

/// The share of the cores from which on tasks are taken to want more of them.
const SATURATED: f64 = 0.85;

/// How much a run got done in which time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    workers: u32,
    /// Since when the run goes on with this number, in nanoseconds since its start; `None`: it does not go on.
    since_ns: Option<u64>,
    is_paused: bool,
    is_held: bool,
    /// The time that it went on with each number of workers, in nanoseconds.
    spent_ns: BTreeMap<u32, u64>,
    ended: u64,
    wall_ns: u64,
    cpu_ns: u64,
}

impl Pace {
    /// A run that goes on after an end, at this time.
    pub(super) fn resumed(workers: u32, at_ns: u64) -> Self {
        Self { workers, since_ns: Some(at_ns), ..Self::default() }
    }

    /// Takes in one event.
    pub fn apply(&mut self, event: &Event) {
        match &event.kind {
            EventKind::Run(RunEvent::Started(header)) => *self = Self::resumed(header.workers, event.at_ns),
            EventKind::Run(RunEvent::Finished(_)) => self.pass(event.at_ns, false),
            EventKind::Dispatch(DispatchEvent::PoolResized { workers }) => {
                self.pass(event.at_ns, true);
                self.workers = *workers;
            }
            EventKind::Dispatch(DispatchEvent::Paused | DispatchEvent::BreakpointReached { .. }) => {
                self.is_paused = true;
                self.pass(event.at_ns, true);
            }
            EventKind::Dispatch(DispatchEvent::Resumed) => {
                self.is_paused = false;
                self.pass(event.at_ns, true);
            }
            EventKind::Dispatch(DispatchEvent::Held { reason }) => {
                self.is_held = reason.is_some();
                self.pass(event.at_ns, true);
            }
            EventKind::Task(TaskEvent::Finished(records)) => {
                for record in records.iter().filter(|record| record.attempt > 0) {
                    self.ended += 1;
                    self.wall_ns += record.wall_ns;
                    self.cpu_ns += record.cpu_ns;
                }
            }
            _ => {}
        }
    }

    fn pass(&mut self, at_ns: u64, goes_on: bool) {
        if let Some(since_ns) = self.since_ns.take() {
            *self.spent_ns.entry(self.workers).or_default() += at_ns.saturating_sub(since_ns);
        }
        self.since_ns = (goes_on && !self.is_paused && !self.is_held).then_some(at_ns);
    }

    /// The numbers of workers that the run had, each with its time in nanoseconds.
    fn spent(&self, now_ns: u64) -> impl Iterator<Item = (u32, u64)> {
        let now = self.since_ns.map(|since_ns| (self.workers, now_ns.saturating_sub(since_ns)));
        self.spent_ns.iter().map(|(workers, ns)| (*workers, *ns)).chain(now).filter(|(workers, _)| *workers > 0)
    }

    /// The numbers of workers that the run had so far.
    pub fn sizes(&self, now_ns: u64) -> impl Iterator<Item = u32> {
        self.spent(now_ns).map(|(workers, _)| workers)
    }

    /// How much faster than one worker a number of them is on a machine with this number of cores, as far as the tasks so far tell:
    /// no more of them compute at a time than there are cores.
    pub fn speed(&self, workers: u32, cores: u32, now_ns: u64) -> f64 {
        let share = self.cpu_ns as f64 / self.wall_ns.max(1) as f64;
        let (mut time, mut worker_time) = (0.0, 0.0);
        for (had, ns) in self.spent(now_ns) {
            time += ns as f64;
            worker_time += ns as f64 * f64::from(had);
        }
        // Where the cores were all in use, each task would have used more of one.
        let is_saturated = share * worker_time >= SATURATED * f64::from(cores) * time;
        let demand = if is_saturated { 1.0 } else { share.min(1.0) };
        f64::from(workers).min(f64::from(cores) / demand.max(1e-9))
    }

    /// The time that this number of tasks will take at a speed, in seconds; `speed_of` has that of each number of workers.
    /// `None` before a task has ended.
    pub fn left_secs(&self, tasks: u64, speed: f64, now_ns: u64, speed_of: impl Fn(u32) -> f64) -> Option<f64> {
        let work: f64 = self.spent(now_ns).map(|(workers, ns)| speed_of(workers) * ns as f64).sum();
        let is_known = self.ended > 0 && work > 0.0 && speed > 0.0;
        is_known.then(|| tasks as f64 * work / self.ended as f64 / speed / 1e9)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{AttemptRecord, Outcome, RunHeader, TaskId, WorkerId};
    use crate::job::Mode;

    const SEC: u64 = 1_000_000_000;

    /// A run with 4 workers whose tasks take a second, with this share of it on a core.
    fn pace(core_share: f64, tasks: u64) -> Pace {
        let mut pace = Pace::default();
        let header = RunHeader { name: String::new(), mode: Mode::Pool, workers: 4, tasks: 1000, started_unix_ms: 0 };
        pace.apply(&Event { at_ns: 0, kind: EventKind::Run(RunEvent::Started(header)) });
        let record = |task| AttemptRecord {
            wall_ns: SEC,
            cpu_ns: (core_share * SEC as f64) as u64,
            ..AttemptRecord::new(TaskId(task), 1, WorkerId(1), Outcome::Done)
        };
        let records = (0..tasks).map(record).collect();
        pace.apply(&Event { at_ns: 10 * SEC, kind: EventKind::Task(TaskEvent::Finished(records)) });
        pace
    }

    fn left(pace: &Pace, workers: u32, now_ns: u64) -> f64 {
        let speed_of = |workers| pace.speed(workers, 8, now_ns);
        pace.left_secs(40, speed_of(workers), now_ns, speed_of).expect("tasks have ended")
    }

    #[test]
    fn the_end_with_another_number_of_workers_follows_from_the_tasks_and_the_cores() {
        // 40 tasks in 10 s with 4 workers.
        let waiting = pace(0.0, 40);
        assert_eq!([1, 4, 8, 16, 80].map(|workers| left(&waiting, workers, 10 * SEC)), [40.0, 10.0, 5.0, 2.5, 0.5]);
        let computing = pace(1.0, 40);
        assert_eq!([4, 8, 16].map(|workers| left(&computing, workers, 10 * SEC)), [10.0, 5.0, 5.0], "8 cores");
        assert_eq!(pace(0.5, 0).left_secs(40, 4.0, 10 * SEC, f64::from), None, "nothing has ended");
    }

    #[test]
    fn a_pause_takes_no_time_and_a_resized_pool_counts_with_the_time_of_each_size() {
        let mut pace = pace(0.0, 40);
        let mut say = |at_secs, event| pace.apply(&Event { at_ns: at_secs * SEC, kind: EventKind::Dispatch(event) });
        say(10, DispatchEvent::Paused);
        say(50, DispatchEvent::Resumed);
        say(50, DispatchEvent::PoolResized { workers: 2 });
        // 40 tasks in 40 seconds of workers, and none in the next 20.
        assert_eq!(left(&pace, 2, 50 * SEC), 20.0);
        assert_eq!(left(&pace, 6, 60 * SEC), 10.0);
    }
}
