//! A whole run in simulated time, from a seed: workers with their own pace, messages under way, commands, and the crash of
//! a worker between any two effects of the dispatcher. The same seed and the same place of the crash give the same run.
//!
//! `FANLANE_SIMULATOR_SEEDS=0..100000` runs other seeds than the thousand that every test run takes.

use std::collections::BTreeMap;
use std::ops::Range;

use super::tests::{SECOND, plan, record};
use super::*;
use crate::engine::RunCommand;
use crate::engine::simulation::timeline::Timeline;
use crate::event::TaskEvent;
use crate::job::workload::random::SplitMix64;

/// Something that will happen.
#[derive(Clone, Debug)]
enum Coming {
    Ready(WorkerId),
    CannotStart(WorkerId),
    /// The engine's word reaches a worker.
    Told(WorkerId, Effect),
    /// A worker's word reaches the engine.
    Heard(Input),
    /// A worker ends the task that it is at.
    Ends(WorkerId, TaskId, u32),
    Dies(WorkerId),
    Asked(RunCommand),
    Tick,
}

#[derive(Clone, Debug, Default)]
struct SimulatedLane {
    tasks: VecDeque<(TaskId, u32)>,
    at_work: bool,
    retiring: bool,
    /// It does and says nothing any more.
    stopped: bool,
}

struct World {
    dice: SplitMix64,
    timeline: Timeline<Coming>,
    lanes: BTreeMap<WorkerId, SimulatedLane>,
    /// When the last word of a worker arrives: the next cannot overtake it.
    last_word_ns: BTreeMap<WorkerId, u64>,
    ended: BTreeMap<TaskId, OutcomeClass>,
    attempts: BTreeMap<TaskId, u32>,
    boundaries: u64,
    crash_at: Option<u64>,
}

impl World {
    fn new(seed: u64, crash_at: Option<u64>) -> Self {
        let mut dice = SplitMix64::new(seed);
        let plan = DispatchPlan {
            retries: dice.below(3) as u32,
            mode: if dice.below(4) == 0 { crate::job::Mode::One } else { crate::job::Mode::Pool },
            ..plan(1 + dice.below(24), 1 + dice.below(4) as u32)
        };
        let mut world = Self {
            dice,
            timeline: Timeline::new(Dispatcher::new(plan)),
            lanes: BTreeMap::new(),
            last_word_ns: BTreeMap::new(),
            ended: BTreeMap::new(),
            attempts: BTreeMap::new(),
            boundaries: 0,
            crash_at,
        };
        for _ in 0..world.dice.below(4) {
            let task = TaskId(world.dice.below(24));
            let command = match world.dice.below(9) {
                0 => RunCommand::Pause,
                1 => RunCommand::SetWorkers(world.dice.below(5) as u32),
                2 => RunCommand::Cancel(TaskId(world.dice.below(24))),
                6 => RunCommand::SetPriority { task, priority: world.dice.below(5) as i32 - 2 },
                7 => RunCommand::Raise(task),
                8 => RunCommand::SetBreakpoint { task, is_set: world.dice.below(4) > 0 },
                3 if world.dice.below(3) == 0 => RunCommand::Stop,
                _ => RunCommand::Resume,
            };
            let at_ns = world.dice.below(SECOND / 4);
            world.later(at_ns, Coming::Asked(command));
        }
        // Whatever was asked, the run is let go on.
        for round in 0..8 {
            // There may be a breakpoint behind the one that is passed.
            world.later((30 + 10 * round) * SECOND, Coming::Asked(RunCommand::Resume));
        }
        world.later(30 * SECOND, Coming::Asked(RunCommand::SetWorkers(2)));
        world.later(0, Coming::Tick);
        world
    }

    fn later(&mut self, in_ns: u64, what: Coming) {
        self.timeline.plan(self.timeline.now_ns() + in_ns, what);
    }

    /// A word that goes from `worker` to the engine or back, behind those before it.
    fn send(&mut self, worker: WorkerId, what: Coming) {
        let least_ns = self.last_word_ns.get(&worker).copied().unwrap_or(0);
        let at_ns = (self.timeline.now_ns() + self.dice.below(2_000_000)).max(least_ns);
        self.last_word_ns.insert(worker, at_ns);
        self.timeline.plan(at_ns, what);
    }

    fn give(&mut self, input: Input) {
        for effect in self.timeline.handle(input) {
            if self.crash_at == Some(self.boundaries) {
                let count = self.lanes.len().max(1) as u64;
                let which = self.dice.below(count) as usize;
                if let Some(worker) = self.lanes.keys().nth(which).copied() {
                    self.die(worker);
                }
            }
            self.boundaries += 1;
            self.perform(effect);
        }
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Start { worker, .. } => {
                let wait_ns = self.dice.below(20_000_000);
                let fails = self.dice.below(12) == 0;
                self.later(wait_ns, if fails { Coming::CannotStart(worker) } else { Coming::Ready(worker) });
            }
            Effect::Kill { worker } => self.die(worker),
            Effect::Emit(EventKind::Task(TaskEvent::Finished(records))) => {
                for record in records {
                    let earlier = self.ended.insert(record.task, record.outcome.class());
                    assert!(earlier.is_none(), "task {} has ended twice", record.task.number());
                }
            }
            Effect::Emit(EventKind::Task(TaskEvent::Retried(record))) => {
                *self.attempts.entry(record.task).or_default() += 1
            }
            Effect::Emit(_) | Effect::SetTimeout { .. } => {}
            Effect::Run { worker, .. }
            | Effect::RunWith { worker, .. }
            | Effect::TakeBack { worker, .. }
            | Effect::Cancel { worker, .. }
            | Effect::Stop { worker, .. }
            | Effect::Ping { worker }
            | Effect::Retire { worker } => self.send(worker, Coming::Told(worker, effect)),
        }
    }

    fn die(&mut self, worker: WorkerId) {
        if self.lanes.remove(&worker).is_some() {
            self.send(worker, Coming::Dies(worker));
        }
    }

    fn finish(&mut self, worker: WorkerId, task: TaskId, attempt: u32, outcome: Outcome) {
        let record = record(worker, task, attempt, outcome);
        self.send(worker, Coming::Heard(Input::Finished { worker, records: vec![record] }));
    }

    fn told(&mut self, worker: WorkerId, effect: Effect) {
        let Some(lane) = self.lanes.get_mut(&worker).filter(|lane| !lane.stopped) else { return };
        match effect {
            Effect::Run { tasks, .. } => lane.tasks.extend(tasks),
            Effect::TakeBack { count, .. } => {
                let begun = usize::from(lane.at_work);
                let keep = lane.tasks.len().saturating_sub(count as usize).max(begun.min(lane.tasks.len()));
                let tasks = lane.tasks.split_off(keep).into_iter().map(|(task, _)| task).collect();
                self.send(worker, Coming::Heard(Input::Returned { worker, tasks }));
            }
            Effect::Cancel { task, .. } => {
                if let Some(place) = lane.tasks.iter().position(|(one, _)| *one == task) {
                    lane.at_work &= place != 0;
                    let (task, attempt) = lane.tasks.remove(place).expect("it was found there");
                    self.finish(worker, task, attempt, Outcome::Cancelled);
                }
            }
            Effect::Stop { .. } => {
                lane.at_work = false;
                for (task, attempt) in std::mem::take(&mut lane.tasks) {
                    self.finish(worker, task, attempt, Outcome::Cancelled);
                }
            }
            Effect::Ping { .. } => self.send(worker, Coming::Heard(Input::Alive { worker })),
            Effect::Retire { .. } => lane.retiring = true,
            other => panic!("no word to a worker: {other:?}"),
        }
        self.go_on(worker);
    }

    /// A worker that is free begins its next task, or leaves.
    fn go_on(&mut self, worker: WorkerId) {
        let Some(lane) = self.lanes.get_mut(&worker).filter(|lane| !lane.at_work && !lane.stopped) else { return };
        if let Some(&(task, attempt)) = lane.tasks.front() {
            lane.at_work = true;
            let wall_ns = [1_000, 1_000_000, 30_000_000, 300_000_000][self.dice.below(4) as usize];
            self.later(wall_ns, Coming::Ends(worker, task, attempt));
        } else if lane.retiring {
            self.lanes.remove(&worker);
            self.send(worker, Coming::Heard(Input::WorkerEnded { worker, end: ProcessEnd::Closed }));
        }
    }

    fn ends(&mut self, worker: WorkerId, task: TaskId, attempt: u32) {
        let Some(lane) = self.lanes.get_mut(&worker).filter(|lane| lane.at_work && !lane.stopped) else { return };
        if lane.tasks.front() != Some(&(task, attempt)) {
            return;
        }
        match self.dice.below(40) {
            0 => return self.die(worker),
            1 => lane.stopped = true,
            _ => {}
        }
        if lane.stopped {
            return;
        }
        lane.tasks.pop_front();
        lane.at_work = false;
        let outcome = if self.dice.below(5) == 0 { Outcome::Exited { code: 1 } } else { Outcome::Done };
        self.finish(worker, task, attempt, outcome);
        self.go_on(worker);
    }

    fn step(&mut self) {
        match self.timeline.next().expect("a run that is not over has something to wait for") {
            Coming::Ready(worker) => {
                self.lanes.insert(worker, SimulatedLane::default());
                self.give(Input::WorkerReady { worker, pid: worker.0 });
            }
            Coming::CannotStart(worker) => {
                self.give(Input::WorkerFailed {
                    worker,
                    reason: "no processes left".to_owned(),
                    cause: StartCause::Passes,
                });
            }
            Coming::Told(worker, effect) => self.told(worker, effect),
            Coming::Heard(input) => self.give(input),
            Coming::Ends(worker, task, attempt) => self.ends(worker, task, attempt),
            Coming::Dies(worker) => {
                self.give(Input::WorkerEnded { worker, end: ProcessEnd::Died("killed by SIGKILL".to_owned()) });
            }
            Coming::Asked(command) => self.give(Input::Command(command)),
            Coming::Tick => self.give(Input::Tick),
        }
        while self.timeline.dispatcher.has_more_to_cancel() {
            self.give(Input::CancelMore);
        }
        self.timeline.plan_tick(Coming::Tick);
    }

    /// Runs to the end and checks what holds of every run. Says what the run came to, and how many effects there were.
    fn run(mut self) -> (String, u64) {
        let tasks = self.timeline.dispatcher.plan.tasks;
        let attempts_limit = self.timeline.dispatcher.plan.retries + MAX_LOSSES;
        for _ in 0..200_000 {
            if self.timeline.dispatcher.is_over() {
                assert_eq!(self.ended.len() as u64, tasks, "a task was lost");
                assert!(self.lanes.is_empty(), "a worker was left behind: {:?}", self.lanes);
                assert!(self.attempts.values().all(|count| *count <= attempts_limit), "{:?}", self.attempts);
                assert_eq!(self.timeline.dispatcher.summary().counts.total(), tasks);
                let story =
                    format!("{} {:?} {:?} {}", self.timeline.now_ns(), self.ended, self.attempts, self.boundaries);
                return (story, self.boundaries);
            }
            self.step();
        }
        panic!("the run does not end: {:#?}", self.timeline.dispatcher);
    }
}

fn seeds() -> Range<u64> {
    let Ok(text) = std::env::var("FANLANE_SIMULATOR_SEEDS") else { return 0..1000 };
    let (first, end) = text.split_once("..").expect("a range of seeds: FIRST..END");
    first.parse().expect("a number")..end.parse().expect("a number")
}

fn run(seed: u64, crash_at: Option<u64>) -> (String, u64) {
    let result = std::panic::catch_unwind(|| World::new(seed, crash_at).run());
    result.unwrap_or_else(|_| panic!("seed {seed} with a crash at {crash_at:?} failed, see above"))
}

#[test]
fn every_task_ends_once_wherever_a_worker_crashes() {
    for (place, seed) in seeds().enumerate() {
        let (_, boundaries) = run(seed, None);
        // Every boundary of some runs, and one of each other.
        let all = place % 50 == 0;
        let crashes = if all { 0..boundaries } else { seed % boundaries.max(1)..seed % boundaries.max(1) + 1 };
        for crash_at in crashes {
            run(seed, Some(crash_at));
        }
    }
}

#[test]
fn a_seed_replays_the_same_run() {
    for seed in 0..50 {
        let (story, boundaries) = run(seed, None);
        assert_eq!(run(seed, None).0, story, "seed {seed}");
        let crash_at = Some(boundaries / 2);
        assert_eq!(run(seed, crash_at), run(seed, crash_at), "seed {seed}");
    }
}
