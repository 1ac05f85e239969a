//! Running tasks that take much longer than the others of their run.
//!
//! The rule is that of speculative execution in batch systems (Spark's multiplier of the median, Flink's baseline of the ended
//! executions), with the 95th percentile beside it for jobs whose tasks differ much. All tasks of a run come from one template,
//! so each of them is the measure of the others.

use super::{Durations, LaneHistory};
use crate::event::TaskId;

/// Minimum number of tasks done before any other counts as overdue.
const MIN_DONE: u64 = 5;
/// How many times the median a task takes before it is overdue.
const MEDIANS: f64 = 3.0;
/// How many times the 95th percentile it takes.
const PERCENTILES: f64 = 1.5;
/// Tasks that run for less than this are never overdue, in nanoseconds.
const MIN_NS: u64 = 1_000_000_000;

/// A running task that is overdue.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OverdueTask {
    /// The task.
    pub task: TaskId,
    /// Its lane.
    pub lane: usize,
    /// How long it has run, in nanoseconds.
    pub elapsed_ns: u64,
    /// The same as a multiple of the median.
    pub medians: f64,
}

/// The time after which a task is overdue, in nanoseconds; `None` while too few are done.
pub fn limit_ns(durations: &Durations) -> Option<u64> {
    if durations.total() < MIN_DONE {
        return None;
    }
    let median = durations.quantile_ns(0.5)? as f64 * MEDIANS;
    let percentile = durations.quantile_ns(0.95)? as f64 * PERCENTILES;
    Some((median.max(percentile) as u64).max(MIN_NS))
}

/// The overdue tasks, the longest first.
pub fn overdue_tasks(lanes: &LaneHistory, durations: &Durations, now_ns: u64) -> Vec<OverdueTask> {
    let Some(limit_ns) = limit_ns(durations) else { return Vec::new() };
    let median_ns = durations.quantile_ns(0.5).unwrap_or(1).max(1);
    let running = lanes.lanes().iter().enumerate().filter_map(|(lane, timeline)| Some((lane, timeline.running?)));
    let mut overdue: Vec<OverdueTask> = running
        .map(|(lane, running)| {
            let elapsed_ns = now_ns.saturating_sub(running.start_ns);
            OverdueTask { task: running.task, lane, elapsed_ns, medians: elapsed_ns as f64 / median_ns as f64 }
        })
        .filter(|task| task.elapsed_ns > limit_ns)
        .collect();
    overdue.sort_by_key(|task| std::cmp::Reverse(task.elapsed_ns));
    overdue
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Event, EventKind, LaneId, TaskEvent, WorkerEvent, WorkerId};

    const SEC: u64 = 1_000_000_000;

    fn durations(secs: &[u64]) -> Durations {
        let mut durations = Durations::default();
        secs.iter().for_each(|secs| durations.add(secs * SEC));
        durations
    }

    #[test]
    fn the_limit_is_three_medians_or_beyond_the_slow_ones_and_never_below_a_second() {
        assert_eq!(limit_ns(&durations(&[1, 1, 1, 1])), None, "too few");
        let secs = |limit: Option<u64>| limit.map_or(0.0, |ns| ns as f64 / SEC as f64);
        let close = |limit, wanted: f64| assert!((secs(limit) / wanted - 1.0).abs() < 0.05, "{limit:?}, {wanted}");
        close(limit_ns(&durations(&[10; 20])), 30.0);
        close(limit_ns(&durations(&[1, 1, 1, 1, 1, 1, 20, 20])), 30.0);
        let mut short = Durations::default();
        (0..100).for_each(|_| short.add(1000));
        assert_eq!(limit_ns(&short), Some(MIN_NS));
    }

    #[test]
    fn the_longest_comes_first_and_those_within_the_limit_are_left_out() {
        let mut lanes = LaneHistory::default();
        for (lane, start_secs) in [(0, 0), (1, 95), (2, 40)] {
            let worker = WorkerId(lane + 1);
            let ready = WorkerEvent::Started { worker, lane: LaneId(lane), pid: 9 };
            lanes.apply(&Event { at_ns: 0, kind: EventKind::Worker(ready) });
            let (task, start_ns) = (TaskId(u64::from(lane)), start_secs * SEC);
            let begun = TaskEvent::Started { task, attempt: 1, worker, start_ns, pid: None };
            lanes.apply(&Event { at_ns: start_ns, kind: EventKind::Task(begun) });
        }
        let found = overdue_tasks(&lanes, &durations(&[10; 8]), 100 * SEC);
        assert_eq!(found.iter().map(|task| (task.lane, task.task.0)).collect::<Vec<_>>(), [(0, 0), (2, 2)]);
        assert!((found[0].medians - 10.0).abs() < 0.5, "{:?}", found[0]);
    }
}
