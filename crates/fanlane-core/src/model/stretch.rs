//! A stretch of a run's time: which attempts fall into it, and what they come to.

use super::LaneHistory;
use super::lanes::Bar;
use crate::event::{AttemptRecord, OutcomeClass, OutcomeCounts};

/// A stretch of time, in nanoseconds since the run's start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Stretch {
    /// Its first moment.
    pub from_ns: u64,
    /// The moment after its last.
    pub to_ns: u64,
}

/// What a stretch of time comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StretchTotals {
    /// Tasks that ran in it and have ended, by how; attempts that were tried again are left out.
    pub ended: OutcomeCounts,
    /// Attempts in it that were tried again.
    pub retried: u64,
    /// Tasks that ran in it and still run.
    pub running: u64,
    /// Tasks that ended within it.
    pub ended_within: u64,
    /// The share of the workers' time in it that was spent in attempts, 0 to 1; `None` where no worker lived.
    pub busy: Option<f64>,
    /// Mean time of the attempts that have ended, with what lies outside the stretch, in nanoseconds; `None` without one.
    pub mean_wall_ns: Option<u64>,
}

impl Stretch {
    /// The stretch between two moments, in either order.
    pub fn between(one_ns: u64, other_ns: u64) -> Self {
        Self { from_ns: one_ns.min(other_ns), to_ns: one_ns.max(other_ns) }
    }

    /// Its length, in nanoseconds.
    pub const fn span_ns(&self) -> u64 {
        self.to_ns - self.from_ns
    }

    /// Whether it shares time with what began and ended at these times. What took no time belongs to the moment that it began
    /// at.
    pub const fn meets(&self, start_ns: u64, end_ns: u64) -> bool {
        start_ns < self.to_ns && (end_ns > self.from_ns || start_ns >= self.from_ns)
    }

    /// Whether an attempt ran in it; one that was cancelled in the queue never ran.
    pub const fn meets_attempt(&self, record: &AttemptRecord) -> bool {
        record.attempt > 0 && self.meets(record.start_ns, record.start_ns.saturating_add(record.wall_ns))
    }

    /// What it comes to, until `now_ns`.
    pub fn totals(&self, lanes: &LaneHistory, now_ns: u64) -> StretchTotals {
        let mut totals = StretchTotals::default();
        let (mut busy_ns, mut alive_ns, mut wall_ns, mut bars) = (0_u64, 0_u64, 0_u128, 0_u64);
        let overlap = |from_ns: u64, to_ns: u64| to_ns.min(self.to_ns).saturating_sub(from_ns.max(self.from_ns));
        for lane in lanes.lanes() {
            alive_ns += lane.lives.iter().map(|life| overlap(life.from_ns, life.to_ns.unwrap_or(now_ns))).sum::<u64>();
            let near = lane.bars.between(self.from_ns.saturating_sub(1), self.to_ns);
            for bar in &lane.bars.as_slice()[near] {
                if !self.meets(bar.start_ns, bar.end_ns()) {
                    continue;
                }
                busy_ns += overlap(bar.start_ns, bar.end_ns());
                wall_ns += u128::from(bar.wall_ns);
                bars += 1;
                totals.count(bar, self);
            }
            if let Some(running) = lane.running.filter(|running| self.meets(running.start_ns, now_ns)) {
                busy_ns += overlap(running.start_ns, now_ns);
                totals.running += 1;
            }
        }
        totals.busy = (alive_ns > 0).then(|| (busy_ns as f64 / alive_ns as f64).min(1.0));
        totals.mean_wall_ns = (bars > 0).then(|| (wall_ns / u128::from(bars)) as u64);
        totals
    }
}

impl StretchTotals {
    /// All tasks that ran in it.
    pub const fn tasks(&self) -> u64 {
        self.ended.total() + self.running
    }

    /// Tasks a second that ended within a stretch of this length.
    pub fn rate(&self, stretch: Stretch) -> f64 {
        self.ended_within as f64 * 1e9 / stretch.span_ns().max(1) as f64
    }

    fn count(&mut self, bar: &Bar, stretch: &Stretch) {
        if bar.retried() {
            self.retried += 1;
            return;
        }
        self.ended.add(bar.class());
        let cancelled = bar.class() == OutcomeClass::Cancelled;
        self.ended_within += u64::from(!cancelled && (stretch.from_ns..stretch.to_ns).contains(&bar.end_ns()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Event, EventKind, LaneId, Outcome, TaskEvent, TaskId, WorkerEvent, WorkerId};

    const MS: u64 = 1_000_000;

    fn lanes() -> LaneHistory {
        let mut lanes = LaneHistory::default();
        let mut apply = |at_ns, kind| lanes.apply(&Event { at_ns, kind });
        for lane in 0..2 {
            let worker = WorkerId(lane + 1);
            apply(0, EventKind::Worker(WorkerEvent::Started { worker, lane: LaneId(lane), pid: 9 }));
        }
        let record = |task, start_ms: u64, wall_ms: u64, outcome| AttemptRecord {
            start_ns: start_ms * MS,
            wall_ns: wall_ms * MS,
            ..AttemptRecord::new(TaskId(task), 1, WorkerId(1), outcome)
        };
        let failed = || Outcome::Exited { code: 1 };
        apply(100 * MS, EventKind::Task(TaskEvent::Retried(record(0, 0, 100, failed()))));
        for record in [record(0, 100, 100, Outcome::Done), record(1, 200, 100, failed()), record(2, 300, 0, failed())] {
            apply(400 * MS, EventKind::Task(TaskEvent::Finished(vec![record])));
        }
        let (worker, start_ns) = (WorkerId(2), 250 * MS);
        apply(
            400 * MS,
            EventKind::Task(TaskEvent::Started { task: TaskId(3), attempt: 1, worker, start_ns, pid: None }),
        );
        lanes
    }

    #[test]
    fn what_runs_in_a_stretch_is_summed_with_the_time_inside_it() {
        let totals = Stretch::between(150 * MS, 250 * MS).totals(&lanes(), 400 * MS);
        assert_eq!((totals.ended.done, totals.ended.failed, totals.retried, totals.running), (1, 1, 0, 0));
        assert_eq!((totals.busy, totals.mean_wall_ns), (Some(0.5), Some(100 * MS)));
        assert_eq!(totals.rate(Stretch::between(150 * MS, 250 * MS)), 10.0, "one ended within");
        let whole = Stretch::between(500 * MS, 0).totals(&lanes(), 400 * MS);
        assert_eq!((whole.tasks(), whole.retried, whole.running, whole.ended_within), (4, 1, 1, 3));
        let nothing = Stretch::between(900 * MS, 950 * MS).totals(&lanes(), 400 * MS);
        assert_eq!(nothing, StretchTotals { busy: None, ..StretchTotals::default() });
    }

    #[test]
    fn the_edges_belong_to_one_side_and_a_task_without_time_to_its_moment() {
        let stretch = Stretch::between(100, 200);
        let met = [(0, 100), (0, 101), (199, 300), (200, 300), (100, 100), (150, 150), (200, 200)];
        assert_eq!(met.map(|(from, to)| stretch.meets(from, to)), [false, true, true, false, true, true, false]);
        let waited = AttemptRecord::cancelled_in_queue(TaskId(0), 0, 150);
        assert!(!stretch.meets_attempt(&waited));
    }
}
