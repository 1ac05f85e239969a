use super::curve::MAX_STEPS;
use super::*;
use crate::event::{Outcome, OutcomeCounts, RunHeader, Summary, WorkerId};
use crate::event::{RunEvent, TaskEvent};
use crate::job::Mode;

fn record(task: u64, attempt: u32, start_ns: u64, wall_ns: u64) -> AttemptRecord {
    AttemptRecord { start_ns, wall_ns, ..AttemptRecord::new(TaskId(task), attempt, WorkerId(1), Outcome::Done) }
}

fn apply(history: &mut DepthHistory, at_ns: u64, kind: EventKind) {
    history.apply(&Event { at_ns, kind });
}

fn run_of(tasks: u64) -> DepthHistory {
    let mut history = DepthHistory::default();
    let header = RunHeader { name: "run".into(), mode: Mode::Pool, workers: 2, tasks, started_unix_ms: 0 };
    apply(&mut history, 0, EventKind::Run(RunEvent::Started(header)));
    history
}

fn finished(history: &mut DepthHistory, at_ns: u64) {
    let summary = Summary {
        counts: OutcomeCounts::default(),
        wall_ns: at_ns,
        cpu_ns: 0,
        retries: 0,
        workers: 2,
        mode: Mode::Pool,
        stopped: false,
    };
    apply(history, at_ns, EventKind::Run(RunEvent::Finished(summary)));
}

fn at(steps: &[Step], time_ns: u64) -> (u64, u64, u64) {
    let step = steps.iter().find(|step| step.from_ns <= time_ns && time_ns < step.to_ns).expect("steps have no gaps");
    (step.queued, step.running_max, step.ended)
}

#[test]
fn counts_follow_the_records_in_whatever_order_they_come() {
    let mut history = run_of(3);
    let kind = EventKind::Task(TaskEvent::Started {
        task: TaskId(2),
        attempt: 1,
        worker: WorkerId(2),
        start_ns: 10_000,
        pid: None,
    });
    apply(&mut history, 60_000, kind);
    let records = vec![record(1, 1, 50_000, 20_000), record(0, 1, 10_000, 40_000)];
    apply(&mut history, 80_000, EventKind::Task(TaskEvent::Finished(records)));
    apply(&mut history, 90_000, EventKind::Task(TaskEvent::Finished(vec![record(2, 1, 10_000, 75_000)])));
    finished(&mut history, 100_000);
    let steps = history.steps(100_000);
    assert_eq!(at(&steps, 5_000), (3, 0, 0));
    assert_eq!(at(&steps, 20_000), (1, 2, 0));
    assert_eq!(at(&steps, 60_000), (0, 2, 1));
    assert_eq!(at(&steps, 80_000), (0, 1, 2));
    assert_eq!(at(&steps, 90_000), (0, 0, 3));
    assert!(steps.windows(2).all(|pair| pair[0].to_ns == pair[1].from_ns));
    assert_eq!((steps[0].from_ns, steps[steps.len() - 1].to_ns), (0, 100_000));
}

#[test]
fn what_is_not_settled_yet_is_shown_too() {
    let mut history = run_of(10);
    apply(&mut history, 2_000_000, EventKind::Task(TaskEvent::Finished(vec![record(0, 1, 0, 1_000_000)])));
    let steps = history.steps(3_000_000);
    let last = steps[steps.len() - 1];
    assert_eq!((last.queued, last.running_max, last.ended, last.to_ns), (9, 0, 1, 3_000_000));
}

#[test]
fn a_retried_task_is_queued_again_and_a_cancelled_one_leaves_the_queue() {
    let mut history = run_of(2);
    apply(&mut history, 20_000, EventKind::Task(TaskEvent::Retried(record(0, 1, 0, 10_000))));
    apply(&mut history, 30_000, EventKind::Task(TaskEvent::Finished(vec![record(1, 0, 0, 0)])));
    finished(&mut history, 50_000);
    let steps = history.steps(50_000);
    assert_eq!(at(&steps, 5_000), (1, 1, 0));
    assert_eq!(at(&steps, 15_000), (2, 0, 0));
    assert_eq!(at(&steps, 40_000), (1, 0, 1));
}

#[test]
fn a_dip_and_a_peak_outlive_every_merge() {
    let mut history = run_of(300_000);
    for index in 0..300_000_u64 {
        // Gapless, but for one pause; one task runs beside the others for a short while.
        let start_ns = index * 100_000 + if index >= 1234 { 3_000_000 } else { 0 };
        apply(
            &mut history,
            start_ns + 100_000,
            EventKind::Task(TaskEvent::Finished(vec![record(index, 1, start_ns, 100_000)])),
        );
        if index == 200_000 {
            let beside = record(1_000_000, 1, start_ns + 1, 50_000);
            apply(&mut history, start_ns + 100_000, EventKind::Task(TaskEvent::Retried(beside)));
        }
    }
    finished(&mut history, 30_003_000_000);
    let steps = history.steps(30_003_000_000);
    assert!(steps.len() <= MAX_STEPS + 2, "{} steps", steps.len());
    assert_eq!(steps.iter().filter(|step| step.running_max == 2).count(), 1);
    let dips: Vec<_> = steps.iter().filter(|step| step.running_min == 0).collect();
    assert!(!dips.is_empty() && dips.iter().all(|step| (110_000_000..130_000_000).contains(&step.from_ns)), "{dips:?}");
    let busy_ns: f64 = steps.iter().map(|step| step.running_mean * (step.to_ns - step.from_ns) as f64).sum();
    assert!((busy_ns - 30_000_050_000.0).abs() < 1.0, "{busy_ns}");
    assert!(steps.is_sorted_by_key(|step| step.ended));
    assert_eq!(steps[steps.len() - 1].ended, 300_000);
}
