//! Orders of what elements and Slurm say, against the coordinator alone.

use super::coordinator::{Coordinator, CoordinatorPlan, Effect};
use super::folder::ElementLife;
use super::records::{ElementEnd, ElementFrame};
use crate::event::{
    AttemptRecord, DispatchEvent, EventKind, Outcome, RunEvent, Summary, TaskEvent, TaskId, WorkerEnd, WorkerEvent,
    WorkerId,
};
use crate::job::Mode;

const SECOND_NS: u64 = 1_000_000_000;

struct Scene {
    coordinator: Coordinator,
    effects: Vec<Effect>,
    now_ns: u64,
}

impl Scene {
    /// Tasks 0 to `tasks`, all of them in the elements of one array, this many in each.
    fn new(tasks: u64, in_each: usize, halt: Option<&str>) -> Self {
        let mut coordinator = Coordinator::new(CoordinatorPlan {
            tasks,
            workers: 4,
            mode: Mode::Pool,
            halt: halt.map(|halt| halt.parse().expect("a halt")),
            resubmissions: 1,
        });
        let all: Vec<TaskId> = (0..tasks).map(TaskId).collect();
        coordinator.submitted(0, all.chunks(in_each).map(<[_]>::to_vec).collect());
        Self { coordinator, effects: Vec::new(), now_ns: 0 }
    }

    fn says(&mut self, life: ElementLife, frame: ElementFrame) {
        self.now_ns += SECOND_NS;
        self.coordinator.frame(self.now_ns, life, 0, frame, &mut self.effects);
    }

    fn begins(&mut self, life: ElementLife) {
        self.says(life, ElementFrame::Began { host: "n1".into(), pid: 9, zero_unix_ms: 0 });
    }

    fn starts(&mut self, life: ElementLife, task: u64) {
        let frame = ElementFrame::Started { task: TaskId(task), attempt: 1, start_ns: self.now_ns, pid: Some(77) };
        self.says(life, frame);
    }

    fn ends(&mut self, life: ElementLife, task: u64, outcome: Outcome) {
        let record = AttemptRecord::new(TaskId(task), 1, WorkerId(1), outcome);
        self.says(life, ElementFrame::Finished(vec![record]));
    }

    /// Slurm has said for long enough that an element is over.
    fn is_gone(&mut self, element: u32) {
        for _ in 0..2 {
            self.now_ns += 20 * SECOND_NS;
            self.coordinator.element_gone(self.now_ns, (0, element), "NODE_FAIL", &mut self.effects);
        }
    }

    fn finish(&mut self) -> Summary {
        self.coordinator.finish(self.now_ns, &mut self.effects);
        match self.kinds().pop() {
            Some(EventKind::Run(RunEvent::Finished(summary))) => summary,
            other => panic!("no summary comes last: {other:?}"),
        }
    }

    fn kinds(&self) -> Vec<EventKind> {
        let emitted = |effect: &Effect| match effect {
            Effect::Emit(event) => Some(event.kind.clone()),
            _ => None,
        };
        self.effects.iter().filter_map(emitted).collect()
    }

    fn records(&self) -> Vec<AttemptRecord> {
        let finished = |kind| match kind {
            EventKind::Task(TaskEvent::Finished(records)) => records,
            _ => Vec::new(),
        };
        self.kinds().into_iter().flat_map(finished).collect()
    }
}

const fn life(element: u32, life: u32) -> ElementLife {
    ElementLife { array: 0, element, life }
}

#[test]
fn each_task_has_one_end_and_each_element_is_a_worker_of_its_own() {
    let mut scene = Scene::new(4, 2, None);
    for element in 0..2 {
        scene.begins(life(element, 0));
        for task in 0..2 {
            scene.ends(life(element, 0), u64::from(element) * 2 + task, Outcome::Done);
        }
        scene.says(life(element, 0), ElementFrame::Ended(ElementEnd::Done));
    }
    assert!(scene.coordinator.is_over());
    assert!(scene.coordinator.take_waiting().is_empty());
    let summary = scene.finish();
    assert_eq!((summary.counts.done, summary.counts.total(), summary.stopped), (4, 4, false));
    let workers: Vec<u32> = scene.records().iter().map(|record| record.worker.0).collect();
    assert_eq!(workers, [1, 1, 2, 2]);
    let placed =
        |kind: &EventKind| matches!(kind, EventKind::Worker(WorkerEvent::Placed { host, .. }) if &**host == "n1");
    assert_eq!(scene.kinds().iter().filter(|kind| placed(kind)).count(), 2);
}

#[test]
fn an_end_that_comes_twice_is_counted_once() {
    let mut scene = Scene::new(2, 2, None);
    scene.begins(life(0, 0));
    scene.ends(life(0, 0), 0, Outcome::Done);
    // Its cable was cut: Slurm has started it again elsewhere, and both write.
    scene.begins(life(0, 1));
    scene.ends(life(0, 1), 1, Outcome::Exited { code: 1 });
    scene.ends(life(0, 0), 1, Outcome::Done);
    scene.ends(life(0, 1), 0, Outcome::Done);
    assert!(scene.coordinator.is_over());
    let outcomes: Vec<_> = scene.records().into_iter().map(|record| (record.task.0, record.outcome)).collect();
    assert_eq!(outcomes, [(0, Outcome::Done), (1, Outcome::Exited { code: 1 })]);
    assert_eq!(scene.finish().counts.total(), 2);
}

#[test]
fn the_task_under_way_in_a_lost_element_is_tried_again_with_the_others_that_have_no_end() {
    let mut scene = Scene::new(3, 3, None);
    scene.begins(life(0, 0));
    scene.ends(life(0, 0), 0, Outcome::Done);
    scene.starts(life(0, 0), 1);
    scene.is_gone(0);
    assert_eq!(scene.coordinator.take_waiting(), [TaskId(1), TaskId(2)]);
    let retried: Vec<_> = scene.kinds().into_iter().filter(|kind| matches!(kind, EventKind::Task(TaskEvent::Retried(record)) if record.task == TaskId(1) && record.outcome == Outcome::Lost("NODE_FAIL".into()))).collect();
    assert_eq!(retried.len(), 1);
    scene.coordinator.submitted(1, vec![vec![TaskId(1), TaskId(2)]]);
    let second = ElementLife { array: 1, element: 0, life: 0 };
    scene.begins(second);
    scene.ends(second, 1, Outcome::Done);
    scene.ends(second, 2, Outcome::Done);
    let attempts: Vec<u32> = scene.records().iter().map(|record| record.attempt).collect();
    assert_eq!(attempts, [1, 2, 1]);
    assert_eq!(scene.finish().retries, 1);
}

#[test]
fn an_element_that_is_gone_for_a_moment_is_not_lost() {
    let mut scene = Scene::new(1, 1, None);
    scene.coordinator.element_gone(20 * SECOND_NS, (0, 0), "unknown", &mut scene.effects);
    scene.begins(life(0, 0));
    scene.coordinator.element_gone(32 * SECOND_NS, (0, 0), "unknown", &mut scene.effects);
    assert!(scene.coordinator.take_waiting().is_empty());
    assert_eq!(scene.coordinator.elements.live(), 1);
}

#[test]
fn tasks_whose_elements_are_lost_too_often_are_lost() {
    let mut scene = Scene::new(2, 2, None);
    scene.is_gone(0);
    let waiting = scene.coordinator.take_waiting();
    assert_eq!(waiting, [TaskId(0), TaskId(1)]);
    scene.coordinator.submitted(1, vec![waiting]);
    for _ in 0..2 {
        scene.now_ns += 20 * SECOND_NS;
        scene.coordinator.element_gone(scene.now_ns, (1, 0), "FAILED", &mut scene.effects);
    }
    assert!(scene.coordinator.take_waiting().is_empty());
    assert!(scene.coordinator.is_over());
    assert_eq!(scene.finish().counts.lost, 2);
    assert!(scene.records().iter().all(|record| record.outcome == Outcome::Lost("FAILED".into())));
}

#[test]
fn what_is_handed_back_before_the_time_is_over_counts_as_no_loss() {
    let mut scene = Scene::new(9, 9, None);
    for (array, task) in (0..9).zip(0..9) {
        let own = ElementLife { array, element: 0, life: 0 };
        scene.begins(own);
        scene.ends(own, task, Outcome::Done);
        scene.says(own, ElementFrame::Ended(ElementEnd::TimeNearlyOver));
        let waiting = scene.coordinator.take_waiting();
        assert_eq!(waiting.len() as u64, 8 - task);
        scene.coordinator.submitted(array + 1, vec![waiting]);
    }
    assert_eq!(scene.finish().counts.done, 9);
}

#[test]
fn a_stopped_run_cancels_what_has_no_end_and_what_runs_is_an_attempt() {
    let mut scene = Scene::new(4, 2, None);
    scene.begins(life(0, 0));
    scene.ends(life(0, 0), 0, Outcome::Done);
    scene.starts(life(0, 0), 1);
    scene.coordinator.stop(scene.now_ns, &mut scene.effects);
    assert!(scene.effects.contains(&Effect::StopAll));
    assert!(!scene.coordinator.is_over(), "one still ends");
    let summary = scene.finish();
    assert_eq!((summary.counts.done, summary.counts.cancelled, summary.stopped), (1, 3, true));
    let attempts: Vec<_> = scene.records().iter().map(|record| (record.task.0, record.attempt)).collect();
    assert_eq!(attempts, [(0, 1), (1, 1), (2, 0), (3, 0)]);
    let killed =
        |kind: &EventKind| matches!(kind, EventKind::Worker(WorkerEvent::Ended { reason: WorkerEnd::Killed, .. }));
    assert_eq!(scene.kinds().iter().filter(|kind| killed(kind)).count(), 1);
}

#[test]
fn a_halt_ends_the_run_once() {
    for (halt, is_soon) in [("now,fail=1", false), ("soon,fail=1", true)] {
        let mut scene = Scene::new(6, 3, Some(halt));
        scene.begins(life(0, 0));
        scene.ends(life(0, 0), 0, Outcome::Exited { code: 1 });
        scene.ends(life(0, 0), 1, Outcome::Exited { code: 1 });
        let expected = if is_soon { Effect::FinishSoon } else { Effect::StopAll };
        assert_eq!(scene.effects.iter().filter(|effect| **effect == expected).count(), 1, "{halt}");
        scene.says(life(0, 0), ElementFrame::Ended(ElementEnd::Asked));
        assert!(scene.coordinator.is_over(), "{halt}");
        let summary = scene.finish();
        assert_eq!((summary.counts.failed, summary.counts.cancelled), (2, 4), "{halt}");
    }
}

#[test]
fn why_nothing_runs_is_told_until_something_does() {
    let mut scene = Scene::new(2, 1, None);
    scene.coordinator.hold(5, Some("Priority".into()), &mut scene.effects);
    scene.coordinator.hold(6, Some("Priority".into()), &mut scene.effects);
    scene.begins(life(0, 0));
    scene.coordinator.hold(9, Some("Priority".into()), &mut scene.effects);
    let held = |kind| match kind {
        EventKind::Dispatch(DispatchEvent::Held { reason }) => Some(reason),
        _ => None,
    };
    let told: Vec<_> = scene.kinds().into_iter().filter_map(held).collect();
    assert_eq!(told, [Some("Priority".to_owned()), None]);
}

#[test]
fn lanes_are_taken_again_and_times_come_in_order() {
    let mut scene = Scene::new(3, 1, None);
    for element in 0..3 {
        scene.begins(life(element, 0));
        scene.ends(life(element, 0), u64::from(element), Outcome::Done);
        scene.says(life(element, 0), ElementFrame::Ended(ElementEnd::Done));
    }
    let lane = |kind| match kind {
        EventKind::Worker(WorkerEvent::Started { lane, .. }) => Some(lane.0),
        _ => None,
    };
    let lanes: Vec<u32> = scene.kinds().into_iter().filter_map(lane).collect();
    assert_eq!(lanes, [0, 0, 0]);
    let at = |effect: &Effect| if let Effect::Emit(event) = effect { Some(event.at_ns) } else { None };
    assert!(scene.effects.iter().filter_map(at).is_sorted());
}
