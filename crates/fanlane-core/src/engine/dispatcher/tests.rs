//! The dispatcher against simulated workers: tables of cases for what has an order, random ones for what always holds.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::engine::RunCommand;
use crate::event::DispatchEvent;
use crate::job::dependencies::Dependencies;
use crate::job::order::TaskOrder;
use crate::job::{Control, Mode};

pub const SECOND: u64 = 1_000_000_000;

pub fn plan(tasks: u64, workers: u32) -> DispatchPlan {
    DispatchPlan {
        tasks,
        complete: true,
        needs: None,
        order: TaskOrder::default(),
        breakpoints: Vec::new(),
        dependencies: Dependencies::new(),
        control: Control::default(),
        mode: Mode::Pool,
        workers,
        retries: 0,
        grace_ns: 2 * SECOND,
        max_starting: 8,
        chunk: None,
    }
}

pub fn record(worker: WorkerId, task: TaskId, attempt: u32, outcome: Outcome) -> AttemptRecord {
    AttemptRecord { wall_ns: 10_000_000, cpu_ns: 1, ..AttemptRecord::new(task, attempt, worker, outcome) }
}

/// Workers that do what they are told, one step at a time.
pub struct Simulation {
    pub dispatcher: Dispatcher,
    pub now_ns: u64,
    /// Workers asked for and not there yet.
    pub coming: Vec<WorkerId>,
    /// Tasks of each worker in their order; the first is being done.
    pub here: BTreeMap<WorkerId, Vec<(TaskId, u32)>>,
    /// What each task was told last of the counted things that are its own.
    pub shares: BTreeMap<TaskId, Vec<String>>,
    pub retired: Vec<WorkerId>,
    pub ended: BTreeMap<TaskId, (u32, Outcome)>,
    /// How many were cancelled without a record.
    pub rest: u64,
    pub attempts: BTreeMap<TaskId, u32>,
    pub effects: Vec<Effect>,
    pub timeout_ns: Option<u64>,
}

impl Simulation {
    pub fn new(plan: DispatchPlan) -> Self {
        let mut simulation = Self {
            dispatcher: Dispatcher::new(plan),
            now_ns: 0,
            coming: Vec::new(),
            here: BTreeMap::new(),
            shares: BTreeMap::new(),
            retired: Vec::new(),
            ended: BTreeMap::new(),
            rest: 0,
            attempts: BTreeMap::new(),
            effects: Vec::new(),
            timeout_ns: None,
        };
        simulation.put(Input::Tick);
        simulation
    }

    /// One whose workers are all there.
    pub fn with_workers(plan: DispatchPlan) -> Self {
        let mut simulation = Self::new(plan);
        while !simulation.coming.is_empty() {
            simulation.arrive();
        }
        simulation
    }

    pub fn put(&mut self, input: Input) {
        let mut answers = VecDeque::from([input]);
        self.effects.clear();
        loop {
            let more = self.dispatcher.has_more_to_cancel().then_some(Input::CancelMore);
            let Some(input) = answers.pop_front().or(more) else { break };
            let mut effects = Vec::new();
            self.dispatcher.handle(self.now_ns, input, &mut effects);
            for effect in effects {
                self.effects.push(effect.clone());
                self.take(effect, &mut answers);
            }
        }
        self.check();
    }

    pub fn take(&mut self, effect: Effect, answers: &mut VecDeque<Input>) {
        match effect {
            Effect::Start { worker, .. } => self.coming.push(worker),
            Effect::Run { worker, tasks } => self.here.get_mut(&worker).expect("a worker that is there").extend(tasks),
            Effect::RunWith { worker, tasks, shares } => {
                self.shares.extend(tasks.iter().map(|(task, _)| (*task, shares.clone())));
                self.here.get_mut(&worker).expect("a worker that is there").extend(tasks);
            }
            Effect::TakeBack { worker, count } => {
                let Some(tasks) = self.here.get_mut(&worker) else { return };
                let begun = tasks.len().min(1);
                let keep = tasks.len().saturating_sub(count as usize).max(begun);
                let tasks = tasks.split_off(keep).into_iter().map(|(task, _)| task).collect();
                answers.push_back(Input::Returned { worker, tasks });
            }
            Effect::Cancel { worker, task } => {
                let Some(tasks) = self.here.get_mut(&worker) else { return };
                if let Some(place) = tasks.iter().position(|(one, _)| *one == task) {
                    let (task, attempt) = tasks.remove(place);
                    answers.push_back(Input::Finished {
                        worker,
                        records: vec![record(worker, task, attempt, Outcome::Cancelled)],
                    });
                }
            }
            Effect::Stop { worker, .. } => {
                let tasks = std::mem::take(self.here.get_mut(&worker).expect("a worker that is there"));
                let records =
                    tasks.into_iter().map(|(task, attempt)| record(worker, task, attempt, Outcome::Cancelled));
                answers.push_back(Input::Finished { worker, records: records.collect() });
            }
            Effect::SetTimeout { timeout_ns, .. } => self.timeout_ns = Some(timeout_ns),
            Effect::Ping { worker } => answers.push_back(Input::Alive { worker }),
            Effect::Retire { worker } => self.retired.push(worker),
            Effect::Kill { worker } => {
                if self.here.remove(&worker).is_some() {
                    let end = ProcessEnd::Died("killed by SIGKILL".to_owned());
                    answers.push_back(Input::WorkerEnded { worker, end });
                }
            }
            Effect::Emit(kind) => self.note_event(kind),
        }
    }

    pub fn note_event(&mut self, kind: EventKind) {
        match kind {
            EventKind::Task(TaskEvent::Finished(records)) => {
                for record in records {
                    let earlier = self.ended.insert(record.task, (record.attempt, record.outcome));
                    assert!(earlier.is_none(), "task {} has ended twice", record.task.number());
                }
            }
            EventKind::Task(TaskEvent::RestCancelled { tasks }) => self.rest += tasks,
            // For want of memory a task is ended as often as it takes.
            EventKind::Task(TaskEvent::Retried(record)) if record.outcome == Outcome::Cancelled => {}
            EventKind::Task(TaskEvent::Retried(record)) => {
                *self.attempts.entry(record.task).or_default() += 1;
            }
            _ => {}
        }
    }

    /// What holds after every input.
    pub fn check(&self) {
        let submitted = self.dispatcher.plan.tasks;
        let in_flight: u64 = self.here.values().map(|tasks| tasks.len() as u64).sum();
        let placed = self.dispatcher.resources.as_ref().map_or(0, |resources| resources.waiting() as u64);
        let queued = self.dispatcher.queue.len() + self.dispatcher.dependencies.held() + placed;
        assert_eq!(
            submitted,
            queued + in_flight + self.rest + self.ended.len() as u64,
            "submitted = queued + running + final"
        );
        let staying = self.dispatcher.workers.values().filter(|state| !state.retiring).count();
        assert!(staying as u64 <= u64::from(self.dispatcher.pool), "more workers than the pool has");
        for (task, count) in &self.attempts {
            assert!(*count <= self.dispatcher.plan.retries + MAX_LOSSES, "task {} is tried for ever", task.number());
        }
        let mut lanes: Vec<_> = self.dispatcher.workers.values().map(|state| state.lane).collect();
        lanes.sort_unstable();
        lanes.dedup();
        assert_eq!(lanes.len(), self.dispatcher.workers.len(), "two workers in one lane");
    }

    pub fn arrive(&mut self) {
        if !self.coming.is_empty() {
            let worker = self.coming.remove(0);
            self.here.insert(worker, Vec::new());
            self.put(Input::WorkerReady { worker, pid: worker.0 });
        }
    }

    pub fn fail_to_arrive(&mut self) {
        if !self.coming.is_empty() {
            let worker = self.coming.remove(0);
            self.put(Input::WorkerFailed { worker, reason: "no processes left".to_owned(), cause: StartCause::Passes });
        }
    }

    /// The `which`th worker ends the task it is at.
    pub fn finish(&mut self, which: usize, outcome: Outcome) {
        let busy: Vec<WorkerId> = self.here.iter().filter(|(_, tasks)| !tasks.is_empty()).map(|(id, _)| *id).collect();
        let Some(&worker) = busy.get(which % busy.len().max(1)) else { return };
        let (task, attempt) = self.here.get_mut(&worker).expect("it is there").remove(0);
        self.now_ns += 1_000_000;
        self.put(Input::Finished { worker, records: vec![record(worker, task, attempt, outcome)] });
    }

    /// The `which`th worker dies.
    pub fn die(&mut self, which: usize) {
        let all: Vec<WorkerId> = self.here.keys().copied().collect();
        let Some(&worker) = all.get(which % all.len().max(1)) else { return };
        self.here.remove(&worker);
        self.retired.retain(|one| *one != worker);
        self.put(Input::WorkerEnded { worker, end: ProcessEnd::Died("killed by SIGKILL".to_owned()) });
    }

    /// Retired workers that are through close their lanes.
    pub fn close_retired(&mut self) {
        let through: Vec<WorkerId> =
            self.retired.iter().copied().filter(|worker| self.here.get(worker).is_some_and(Vec::is_empty)).collect();
        for worker in through {
            self.retired.retain(|one| *one != worker);
            self.here.remove(&worker);
            self.put(Input::WorkerEnded { worker, end: ProcessEnd::Closed });
        }
    }

    pub fn tick(&mut self, secs: u64) {
        self.now_ns += secs * SECOND;
        self.put(Input::Tick);
    }

    /// All workers do what is left, without faults.
    pub fn run_out(&mut self) {
        self.put(Input::Command(RunCommand::Resume));
        self.put(Input::Admission(None));
        self.put(Input::Command(RunCommand::SetWorkers(3)));
        for _ in 0..10_000 {
            if self.dispatcher.is_over() {
                return;
            }
            self.tick(10);
            self.arrive();
            self.finish(0, Outcome::Done);
            self.close_retired();
        }
        panic!("the run does not end: {:#?}", self.dispatcher);
    }

    /// Whether the last input had this event emitted.
    pub fn emitted(&self, wanted: impl Fn(&EventKind) -> bool) -> bool {
        self.effects.iter().any(|effect| matches!(effect, Effect::Emit(kind) if wanted(kind)))
    }

    /// Whether the last input had it emitted that the queue is held for this reason, or no more.
    pub fn emitted_held(&self, reason: Option<&str>) -> bool {
        self.emitted(|kind| *kind == EventKind::Dispatch(DispatchEvent::Held { reason: reason.map(str::to_owned) }))
    }

    pub fn in_flight(&self, worker: u32) -> usize {
        self.here.get(&WorkerId(worker)).map_or(0, Vec::len)
    }
}

#[test]
fn idle_workers_get_a_task_each_before_any_gets_two() {
    let simulation = Simulation::with_workers(plan(3, 3));
    assert_eq!((1..=3).map(|worker| simulation.in_flight(worker)).collect::<Vec<_>>(), [1, 1, 1]);
}

#[test]
fn a_task_that_waits_behind_another_goes_to_the_first_idle_worker() {
    let mut simulation = Simulation::with_workers(plan(4, 2));
    // The second worker is quick; the first is still at its first task.
    for _ in 0..3 {
        simulation.finish(1, Outcome::Done);
    }
    assert_eq!((simulation.in_flight(1), simulation.in_flight(2)), (1, 0));
    assert_eq!(simulation.ended.len(), 3);
}

#[test]
fn a_dead_worker_costs_the_attempt_it_was_at_and_no_other() {
    let mut simulation = Simulation::with_workers(plan(3, 1));
    simulation.finish(0, Outcome::Done);
    assert_eq!(simulation.in_flight(1), 2);
    simulation.die(0);
    assert_eq!(simulation.attempts, BTreeMap::from([(TaskId(1), 1)]));
    simulation.run_out();
    assert_eq!(simulation.ended.values().filter(|(_, outcome)| *outcome == Outcome::Done).count(), 3);
}

#[test]
fn a_task_that_kills_its_workers_is_given_up_and_the_others_are_done() {
    let mut simulation = Simulation::new(plan(3, 1));
    for _ in 0..MAX_LOSSES {
        simulation.tick(10);
        simulation.arrive();
        assert_eq!(simulation.here.values().next().map(|tasks| tasks[0].0), Some(TaskId(0)));
        simulation.die(0);
    }
    simulation.run_out();
    assert!(matches!(simulation.ended[&TaskId(0)].1, Outcome::Lost(_)));
    assert_eq!(simulation.ended[&TaskId(1)].1, Outcome::Done);
}

#[test]
fn what_waits_behind_a_task_that_turns_out_long_gets_its_turn_back() {
    let mut simulation = Simulation::new(plan(8, 2));
    simulation.arrive();
    simulation.finish(0, Outcome::Done);
    assert_eq!(simulation.here[&WorkerId(1)], [(TaskId(1), 1), (TaskId(2), 1)]);
    let (worker, task) = (WorkerId(1), TaskId(1));
    simulation.put(Input::Started { worker, task, attempt: 1, start_ns: 0, pid: None });
    simulation.arrive();
    assert_eq!(simulation.here[&WorkerId(2)][0], (TaskId(2), 1));
}

#[test]
fn a_result_that_arrives_again_counts_once() {
    let mut simulation = Simulation::with_workers(plan(1, 1));
    let worker = WorkerId(1);
    simulation.finish(0, Outcome::Done);
    simulation
        .put(Input::Finished { worker, records: vec![record(worker, TaskId(0), 1, Outcome::Exited { code: 1 })] });
    assert_eq!(simulation.ended[&TaskId(0)].1, Outcome::Done);
}

#[test]
fn failures_are_retried_as_often_as_the_plan_says_but_a_missing_program_is_not() {
    for (outcome, retries, attempts) in [
        (Outcome::Exited { code: 1 }, 0, 1),
        (Outcome::Exited { code: 1 }, 2, 3),
        (Outcome::TimedOut, 1, 2),
        (Outcome::CallFailed("x".into()), 1, 2),
        (Outcome::CannotStart("x".into()), 5, 1),
    ] {
        let mut simulation = Simulation::with_workers(DispatchPlan { retries, ..plan(1, 1) });
        for _ in 0..attempts {
            simulation.finish(0, outcome.clone());
        }
        assert_eq!(simulation.ended.get(&TaskId(0)), Some(&(attempts, outcome)));
    }
}

#[test]
fn a_pool_of_none_pauses_and_a_pause_recalls_what_was_not_begun() {
    let mut simulation = Simulation::with_workers(plan(10, 2));
    simulation.put(Input::Command(RunCommand::Pause));
    assert_eq!((simulation.in_flight(1), simulation.in_flight(2)), (1, 1));
    simulation.finish(0, Outcome::Done);
    assert_eq!(simulation.in_flight(1), 0);
    simulation.put(Input::Command(RunCommand::Resume));
    assert!(simulation.in_flight(1) > 0);
    simulation.put(Input::Command(RunCommand::SetWorkers(0)));
    simulation.finish(0, Outcome::Done);
    simulation.finish(0, Outcome::Done);
    simulation.close_retired();
    assert!(simulation.here.is_empty() && !simulation.dispatcher.is_over());
    simulation.run_out();
}

#[test]
fn workers_that_cannot_start_are_tried_again_later_and_no_task_is_failed() {
    let mut simulation = Simulation::new(plan(2, 1));
    let mut waits = Vec::new();
    for _ in 0..8 {
        simulation.fail_to_arrive();
        assert!(simulation.coming.is_empty());
        let due_ns = simulation.dispatcher.next_wake_ns().expect("a later try");
        waits.push((due_ns - simulation.now_ns) / 1_000_000);
        simulation.now_ns = due_ns;
        simulation.put(Input::Tick);
        assert_eq!(simulation.coming.len(), 1);
        assert!(simulation.dispatcher.next_wake_ns() > Some(simulation.now_ns), "nothing but a check of the workers");
    }
    assert_eq!(waits, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
    assert!(simulation.ended.is_empty());
    simulation.run_out();
}

#[test]
fn a_stop_cancels_everything_and_kills_workers_that_do_not_obey() {
    let mut simulation = Simulation::with_workers(plan(10_000, 2));
    simulation.put(Input::Command(RunCommand::Stop));
    assert_eq!(simulation.ended.len() as u64 + simulation.rest, 10_000);
    simulation.tick(1);
    assert_eq!(simulation.effects, []);
    simulation.tick(2);
    let killed = simulation.effects.iter().filter(|effect| matches!(effect, Effect::Kill { .. })).count();
    assert_eq!(killed, 2);
    assert!(simulation.dispatcher.is_over());
    assert!(simulation.dispatcher.summary().stopped);
}

#[test]
fn a_call_that_was_ended_with_its_process_costs_the_next_one_nothing() {
    let mut simulation = Simulation::with_workers(plan(2, 1));
    simulation.finish(0, Outcome::TimedOut);
    simulation.here.clear();
    simulation.put(Input::WorkerEnded { worker: WorkerId(1), end: ProcessEnd::Aborted });
    assert!(simulation.attempts.is_empty());
    simulation.run_out();
    assert_eq!(simulation.ended[&TaskId(1)], (1, Outcome::Done));
}

#[test]
fn tiny_tasks_are_handed_out_by_the_thousand_and_long_ones_one_by_one() {
    for (wall_ns, ahead) in [(100_000_000, 1), (10_000_000, 2), (1_000_000, 10), (100, 2048)] {
        let mut simulation = Simulation::with_workers(plan(100_000, 1));
        let worker = WorkerId(1);
        for _ in 0..20 {
            let (task, attempt) = simulation.here.get_mut(&worker).unwrap().remove(0);
            let record = AttemptRecord { wall_ns, ..record(worker, task, attempt, Outcome::Done) };
            simulation.put(Input::Finished { worker, records: vec![record] });
        }
        let has = simulation.in_flight(1);
        assert!(has >= ahead / 2 && has <= ahead, "{has} of {ahead}");
    }
}

fn controls() -> Vec<Control> {
    use crate::job::control::RetryWait;
    let halting = |halt: &str| Control { halt: Some(halt.parse().unwrap()), ..Control::default() };
    vec![
        Control::default(),
        halting("now,fail=3"),
        halting("soon,done=50%"),
        Control { delay_secs: Some(0.3), ..Control::default() },
        Control { retry_wait: Some(RetryWait::Fixed { secs: 2.0 }), ..Control::default() },
        Control {
            timeout_percent: Some(150.0),
            slots: Some(crate::job::control::ResourceRequest::Count(2)),
            ..Control::default()
        },
    ]
}

#[test]
fn workers_that_die_together_are_replaced_within_a_second() {
    let mut simulation = Simulation::with_workers(plan(20, 8));
    for _ in 0..8 {
        simulation.die(0);
    }
    let due_ns = simulation.dispatcher.next_wake_ns().expect("a later try");
    assert!(due_ns - simulation.now_ns <= SECOND, "{} ms", (due_ns - simulation.now_ns) / 1_000_000);
    simulation.run_out();
}

#[test]
fn a_pool_resized_to_and_fro_never_has_more_workers_than_its_size() {
    let mut simulation = Simulation::with_workers(plan(1000, 4));
    for workers in [0, 4, 1, 4, 0, 4] {
        simulation.put(Input::Command(RunCommand::SetWorkers(workers)));
        simulation.arrive();
        assert!(simulation.dispatcher.workers.len() <= 4, "{}", simulation.dispatcher.workers.len());
    }
    simulation.run_out();
}

#[test]
fn a_cancelled_task_is_not_begun_again_when_it_comes_back() {
    // Handed back, failed, or left by a dead worker before the worker has heard of the cancellation.
    for way in 0..3 {
        let mut dispatcher = Dispatcher::new(DispatchPlan { retries: 3, ..plan(2, 1) });
        let worker = WorkerId(1);
        let mut said = Vec::new();
        dispatcher.handle(0, Input::Tick, &mut said);
        dispatcher.handle(1, Input::WorkerReady { worker, pid: 1 }, &mut said);
        dispatcher.handle(2, Input::Command(RunCommand::Cancel(TaskId(0))), &mut said);
        assert_eq!(said.last(), Some(&Effect::Cancel { worker, task: TaskId(0) }));
        said.clear();
        let back = match way {
            0 => Input::Returned { worker, tasks: vec![TaskId(0)] },
            1 => Input::Finished { worker, records: vec![record(worker, TaskId(0), 1, Outcome::Exited { code: 1 })] },
            _ => Input::WorkerEnded { worker, end: ProcessEnd::Died("killed by SIGKILL".to_owned()) },
        };
        dispatcher.handle(3, back, &mut said);
        let ended: Vec<_> = said
            .iter()
            .filter_map(|effect| match effect {
                Effect::Emit(EventKind::Task(TaskEvent::Finished(records))) => Some(records),
                _ => None,
            })
            .flatten()
            .map(|record| (record.task, record.outcome.clone()))
            .collect();
        assert_eq!(ended, [(TaskId(0), Outcome::Cancelled)], "way {way}: {said:#?}");
    }
}

#[test]
fn a_death_counts_against_the_running_task_though_a_waiting_one_was_just_cancelled() {
    let mut simulation = Simulation::with_workers(plan(4, 1));
    simulation.finish(0, Outcome::Done);
    assert_eq!(simulation.here[&WorkerId(1)], [(TaskId(1), 1), (TaskId(2), 1)]);
    simulation.put(Input::Command(RunCommand::Cancel(TaskId(2))));
    simulation.die(0);
    assert_eq!(simulation.attempts, BTreeMap::from([(TaskId(1), 1)]));
    simulation.run_out();
}

#[derive(Clone, Debug)]
enum Step {
    Arrive,
    FailToArrive,
    Finish(usize, u8),
    Die(usize),
    Close,
    Tick,
    Put(Input),
}

fn step() -> impl Strategy<Value = Step> {
    let command = |command| Step::Put(Input::Command(command));
    prop_oneof![
        6 => Just(Step::Arrive),
        1 => Just(Step::FailToArrive),
        12 => (0_usize..8, 0_u8..6).prop_map(|(which, how)| Step::Finish(which, how)),
        2 => (0_usize..8).prop_map(Step::Die),
        3 => Just(Step::Close),
        3 => Just(Step::Tick),
        2 => (0_u32..9).prop_map(move |workers| command(RunCommand::SetWorkers(workers))),
        1 => Just(command(RunCommand::Pause)),
        1 => proptest::bool::ANY.prop_map(|closed| Step::Put(Input::Admission(closed.then(|| "full".to_owned())))),
        1 => Just(command(RunCommand::Resume)),
        2 => (0_u64..60).prop_map(move |task| command(RunCommand::Cancel(TaskId(task)))),
        1 => Just(command(RunCommand::Stop)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// In every order of everything: submitted = queued + running + final, one final state, running ≤ pool, and an end.
    #[test]
    fn whatever_happens_every_task_ends_once(
        tasks in 0_u64..60,
        workers in 0_u32..9,
        retries in 0_u32..3,
        mode in proptest::sample::select(Mode::ALL.to_vec()),
        which_control in 0_usize..8,
        chained in proptest::bool::ANY,
        steps in proptest::collection::vec(step(), 0..200),
    ) {
        let control = controls()[which_control % controls().len()].clone();
        let dependencies = if chained { (1..tasks).step_by(3).map(|task| (TaskId(task), vec![TaskId(task - 1)])).collect() } else { Dependencies::new() };
        let mut simulation = Simulation::new(DispatchPlan { retries, mode, control, dependencies, ..plan(tasks, workers) });
        for step in steps {
            match step {
                Step::Arrive => simulation.arrive(),
                Step::FailToArrive => simulation.fail_to_arrive(),
                Step::Finish(which, how) => simulation.finish(which, match how {
                    0 => Outcome::Exited { code: 1 },
                    1 => Outcome::TimedOut,
                    _ => Outcome::Done,
                }),
                Step::Die(which) => simulation.die(which),
                Step::Close => simulation.close_retired(),
                Step::Tick => simulation.tick(1),
                Step::Put(input) => simulation.put(input),
            }
        }
        simulation.run_out();
        prop_assert_eq!(simulation.ended.len() as u64, tasks);
        prop_assert!(simulation.ended.keys().all(|task| task.0 < tasks));
    }
}
