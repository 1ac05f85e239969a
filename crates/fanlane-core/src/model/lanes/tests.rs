use super::*;
use crate::event::{Outcome, OutcomeClass};
use crate::event::{SampleEvent, TaskEvent, WorkerEvent};

fn record(task: u64, worker: u32, start_ns: u64, wall_ns: u64, outcome: Outcome) -> AttemptRecord {
    AttemptRecord {
        start_ns,
        wall_ns,
        cpu_ns: wall_ns,
        ..AttemptRecord::new(TaskId(task), 1, WorkerId(worker), outcome)
    }
}

fn apply(history: &mut LaneHistory, at_ns: u64, kind: EventKind) {
    history.apply(&Event { at_ns, kind });
}

fn started(history: &mut LaneHistory, at_ns: u64, worker: u32, lane: u32) {
    let kind =
        EventKind::Worker(WorkerEvent::Started { worker: WorkerId(worker), lane: LaneId(lane), pid: 1000 + worker });
    apply(history, at_ns, kind);
}

fn task_started(history: &mut LaneHistory, at_ns: u64, task: u64, worker: u32, start_ns: u64) {
    let kind = EventKind::Task(TaskEvent::Started {
        task: TaskId(task),
        attempt: 1,
        worker: WorkerId(worker),
        start_ns,
        pid: Some(7),
    });
    apply(history, at_ns, kind);
}

#[test]
fn a_running_task_becomes_a_bar() {
    let mut history = LaneHistory::default();
    started(&mut history, 0, 1, 0);
    task_started(&mut history, 50, 0, 1, 10);
    assert_eq!(history.lanes()[0].running.map(|running| running.task), Some(TaskId(0)));
    assert_eq!(history.lanes()[0].busy_ns(60), 50);
    apply(&mut history, 100, EventKind::Task(TaskEvent::Finished(vec![record(0, 1, 10, 80, Outcome::Done)])));
    let lane = &history.lanes()[0];
    assert_eq!(lane.running, None);
    assert_eq!(lane.bars.as_slice()[0].task(), TaskId(0));
    assert_eq!(lane.counts.done, 1);
    assert_eq!(lane.utilisation(100), Some(0.8));
}

#[test]
fn a_late_record_neither_ends_the_next_task_nor_upsets_the_order() {
    let mut history = LaneHistory::default();
    started(&mut history, 0, 1, 0);
    apply(&mut history, 40, EventKind::Task(TaskEvent::Retried(record(1, 1, 20, 10, Outcome::Exited { code: 1 }))));
    task_started(&mut history, 50, 2, 1, 30);
    apply(&mut history, 60, EventKind::Task(TaskEvent::Finished(vec![record(0, 1, 5, 10, Outcome::Done)])));
    let lane = &history.lanes()[0];
    assert_eq!(lane.running.map(|running| running.task), Some(TaskId(2)));
    assert_eq!(lane.bars.as_slice().iter().map(|bar| bar.start_ns).collect::<Vec<_>>(), [5, 20]);
    assert!(lane.bars.as_slice()[1].retried());
    assert_eq!((lane.counts.total(), lane.retries), (1, 1));
}

#[test]
fn a_replacement_takes_over_the_lane() {
    let mut history = LaneHistory::default();
    started(&mut history, 0, 1, 0);
    task_started(&mut history, 30, 0, 1, 0);
    let died = WorkerEnd::Died("killed by SIGKILL".into());
    apply(&mut history, 40, EventKind::Worker(WorkerEvent::Ended { worker: WorkerId(1), reason: died }));
    let lane = &history.lanes()[0];
    assert!(lane.live().is_none() && lane.running.is_none() && lane.lives[0].died);
    assert_eq!(lane.died.as_deref(), Some("killed by SIGKILL"));
    started(&mut history, 60, 2, 0);
    apply(
        &mut history,
        70,
        EventKind::Task(TaskEvent::Finished(vec![record(0, 1, 0, 40, Outcome::Lost("gone".into()))])),
    );
    let lane = &history.lanes()[0];
    assert_eq!((lane.pid(), lane.lives.len(), lane.counts.lost), (Some(1002), 2, 1));
    assert_eq!(lane.alive_ns(100), 80);
}

#[test]
fn samples_belong_to_the_live_worker() {
    let sample = |worker, cpu_percent| WorkerSample { worker: WorkerId(worker), cpu_percent, rss_bytes: 1 };
    let mut history = LaneHistory::default();
    started(&mut history, 0, 1, 0);
    apply(&mut history, 10, EventKind::Sample(SampleEvent::Workers(vec![sample(1, 50.0)])));
    assert_eq!(history.lanes()[0].sample, Some(sample(1, 50.0)));
    apply(&mut history, 20, EventKind::Worker(WorkerEvent::Ended { worker: WorkerId(1), reason: WorkerEnd::Retired }));
    apply(&mut history, 30, EventKind::Sample(SampleEvent::Workers(vec![sample(1, 60.0)])));
    assert_eq!(history.lanes()[0].sample, None);
}

#[test]
fn a_task_without_a_try_is_in_no_lane_and_an_unknown_worker_is_counted() {
    let mut history = LaneHistory::default();
    let never = AttemptRecord { attempt: 0, ..record(0, 0, 0, 0, Outcome::Cancelled) };
    apply(&mut history, 10, EventKind::Task(TaskEvent::Finished(vec![never, record(1, 9, 0, 5, Outcome::Done)])));
    assert_eq!((history.bar_count(), history.unplaced()), (0, 1));
}

#[test]
fn totals_equal_the_plain_sum_also_after_late_bars() {
    let mut bars = Bars::default();
    for index in 0..5000_u64 {
        // Every 37th comes 3 places late.
        let start_ns = if index % 37 == 0 { (index * 10).saturating_sub(25) } else { index * 10 };
        let class = if index % 901 == 900 { OutcomeClass::Failed } else { OutcomeClass::Done };
        bars.insert(Bar::new(start_ns, 1 + index % 7, TaskId(index), class, index % 700 == 0));
    }
    assert!(bars.as_slice().is_sorted_by_key(|bar| bar.start_ns));
    for range in [0..5000, 0..1, 15..17, 16..4096, 17..4999, 256..512, 4990..5000, 9..9] {
        let plain = &bars.as_slice()[range.clone()];
        let totals = bars.totals(range);
        assert_eq!(totals.count as usize, plain.len());
        assert_eq!(totals.busy_ns, plain.iter().map(|bar| bar.wall_ns).sum::<u64>());
        let worst = plain.iter().map(Bar::mark).max().unwrap_or(Mark::Done);
        assert_eq!(totals.worst, worst);
    }
}

#[test]
fn segments_are_few_hide_no_failure_and_lose_no_time() {
    let mut bars = Bars::default();
    for index in 0..100_000_u64 {
        let class = if index == 54_321 { OutcomeClass::Failed } else { OutcomeClass::Done };
        bars.insert(Bar::new(index * 1000, 900, TaskId(index), class, false));
    }
    let mut segments = Vec::new();
    bars.segments(0, 100_000_000, 100_000.0, |segment| segments.push(segment));
    assert_eq!(segments.len(), 1000);
    assert_eq!(segments.iter().map(|segment| u64::from(segment.count)).sum::<u64>(), 100_000);
    assert_eq!(segments.iter().filter(|segment| segment.worst == Mark::Failed).count(), 1);
    assert!(segments.iter().all(|segment| (segment.busy - 0.9).abs() < 1e-3));
    assert!(segments.is_sorted_by(|a, b| a.to_ns <= b.from_ns));
}

#[test]
fn a_wide_bar_after_narrow_ones_in_its_pixel_keeps_its_width() {
    let mut bars = Bars::default();
    bars.insert(Bar::new(0, 2, TaskId(0), OutcomeClass::Done, false));
    bars.insert(Bar::new(3, 2, TaskId(1), OutcomeClass::Done, false));
    bars.insert(Bar::new(6, 500, TaskId(2), OutcomeClass::Done, false));
    let mut segments = Vec::new();
    bars.segments(0, 1000, 10.0, |segment| segments.push((segment.from_ns, segment.to_ns, segment.count)));
    assert_eq!(segments, [(0.0, 10.0, 2), (6.0, 506.0, 1)]);
}

#[test]
fn the_bar_under_the_pointer_is_found() {
    let mut bars = Bars::default();
    bars.insert(Bar::new(100, 50, TaskId(0), OutcomeClass::Done, false));
    bars.insert(Bar::new(200, 50, TaskId(1), OutcomeClass::Done, false));
    let task = |time_ns, slack_ns| bars.at(time_ns, slack_ns).map(|bar| bar.task().0);
    assert_eq!([task(99, 0), task(100, 0), task(149, 0), task(150, 0)], [None, Some(0), Some(0), Some(0)]);
    assert_eq!([task(170, 10), task(192, 10), task(300, 49), task(0, 100)], [None, Some(1), None, Some(0)]);
}

#[test]
fn a_task_takes_at_most_40_bytes() {
    let mut bars = Bars::default();
    for index in 0..300_000_u64 {
        bars.insert(Bar::new(index, 1, TaskId(index), OutcomeClass::Done, false));
        if index > 10_000 {
            assert!(bars.heap_bytes() <= 40 * (index as usize + 1), "{} bytes for {index}", bars.heap_bytes());
        }
    }
}

#[test]
fn the_latest_line_is_that_of_the_running_attempt() {
    use crate::event::{Printed, StreamName};
    let mut history = LaneHistory::default();
    started(&mut history, 0, 1, 0);
    let printed = |task, attempt, text: &str| {
        let (task, worker, stream) = (TaskId(task), WorkerId(1), StreamName::Stderr);
        let printed = Printed { task, attempt, worker, stream, offset: 0, bytes: text.as_bytes().into() };
        EventKind::Sample(SampleEvent::Printed(printed))
    };
    let line = |history: &LaneHistory| history.lanes()[0].latest_line().map(|line| line.text.to_string());
    // It may come before the task is known to run.
    apply(&mut history, 10, printed(7, 1, "one\n\u{1b}[31mtwo\n\n"));
    assert_eq!(line(&history), None);
    task_started(&mut history, 20, 7, 1, 5);
    assert_eq!(line(&history).as_deref(), Some("^[[31mtwo"));
    assert_eq!(history.latest_line_of(WorkerId(1)).map(|line| line.stream), Some(StreamName::Stderr));
    // White space alone is no line.
    apply(&mut history, 30, printed(7, 1, "\n \n"));
    assert_eq!(line(&history).as_deref(), Some("^[[31mtwo"));
    apply(&mut history, 40, EventKind::Task(TaskEvent::Finished(vec![record(7, 1, 5, 30, Outcome::Done)])));
    task_started(&mut history, 50, 8, 1, 45);
    assert_eq!(line(&history), None, "it was that of the task before");
}

#[test]
fn a_retry_is_worse_than_success_and_better_than_any_end_without_it() {
    let marks: Vec<Mark> = OutcomeClass::ALL.map(Mark::from).to_vec();
    assert!(marks.is_sorted() && Mark::ALL.is_sorted());
    let retried = Bar::new(0, 1, TaskId(0), OutcomeClass::Lost, true).mark();
    assert!(Mark::Done < retried && retried < Mark::Cancelled && retried.class().is_none());
}

#[test]
fn a_failure_that_is_tried_again_later_is_no_longer_the_worst_of_its_pixel() {
    let mut bars = Bars::default();
    for index in 0..1000_u64 {
        let class = if index == 500 { OutcomeClass::Failed } else { OutcomeClass::Done };
        bars.insert(Bar::new(index * 10, 9, TaskId(index), class, false));
    }
    assert_eq!(bars.totals(0..1000).worst, Mark::Failed);
    bars.mark_retried(5000, TaskId(500));
    bars.sum_full_groups();
    assert_eq!((bars.totals(0..1000).worst, bars.totals(0..1000).count), (Mark::Retried, 1000));
}

#[test]
fn the_earliest_change_since_a_revision_is_known_or_taken_for_the_start() {
    let mut history = LaneHistory::default();
    started(&mut history, 0, 1, 0);
    let mut revisions = vec![history.revision()];
    for (task, start_ns) in [500, 900, 300, 700].into_iter().enumerate() {
        let done = record(task as u64, 1, start_ns, 50, Outcome::Done);
        apply(&mut history, 1000, EventKind::Task(TaskEvent::Finished(vec![done])));
        revisions.push(history.revision());
    }
    let since: Vec<Option<u64>> = revisions.iter().map(|revision| history.changed_since(*revision)).collect();
    assert_eq!(since, [Some(300), Some(300), Some(300), Some(700), None]);
    for task in 4..20_000 {
        let done = record(task, 1, 1000 * task, 50, Outcome::Done);
        apply(&mut history, 1000 * task, EventKind::Task(TaskEvent::Finished(vec![done])));
    }
    assert_eq!(history.changed_since(revisions[0]), Some(0), "what is forgotten may have been anywhere");
    assert_eq!(history.changed_since(history.revision() - 1), Some(19_999_000));
}
