//! The simulated workers and the clock of a simulated run.

use std::collections::{BTreeMap, VecDeque};

use super::timeline::Timeline;
use super::{SimulatedMachine, SimulatedPlan, SimulatedRun, SimulatedSpan, SimulatedTask};
use crate::engine::dispatcher::{DispatchPlan, Dispatcher, Effect, Input, ProcessEnd};
use crate::engine::worker::outbox::MAX_GATHER_NS;
use crate::event::{AttemptRecord, Outcome, TaskId, WorkerId};
use crate::job::dependencies::Dependencies;
use crate::job::order::TaskOrder;

/// When a task is announced: a worker looks every 10 ms, and at what has run for 8.
const ANNOUNCE_NS: u64 = 10_000_000;
/// How many workers may be on their way at once, as in a real run.
const MAX_STARTING: u32 = 8;
/// A run that needs more steps than this many for each task has gone wrong.
const MAX_STEPS: u64 = 64;

/// Something that will be so.
enum Coming {
    Ready(WorkerId),
    Begin(WorkerId),
    Announce(WorkerId, u32, u64),
    Heard(WorkerId),
    Returned(WorkerId, Vec<u32>),
    Closed(WorkerId),
    Tick,
}

#[derive(Debug, Default)]
struct SimulatedWorker {
    lane: u32,
    waiting: VecDeque<u32>,
    running: Option<Running>,
    /// A message that will begin its next task is on its way.
    beginning: bool,
    retiring: bool,
    closed: bool,
    /// Ended and not sent yet.
    gathered: Vec<AttemptRecord>,
    gathered_from_ns: u64,
    /// Sent and not heard yet, in their order.
    sent: VecDeque<Vec<AttemptRecord>>,
}

#[derive(Clone, Copy, Debug)]
struct Running {
    place: u32,
    start_ns: u64,
    /// What is left of it, in nanoseconds as it would take alone.
    left_ns: f64,
    /// The share of its time that it needs a core for.
    core_share: f64,
}

pub struct World<'a> {
    tasks: &'a [SimulatedTask],
    plan: &'a SimulatedPlan,
    machine: &'a SimulatedMachine,
    timeline: Timeline<Coming>,
    workers: BTreeMap<WorkerId, SimulatedWorker>,
    next_ready_ns: u64,
    spans: Vec<SimulatedSpan>,
}

impl<'a> World<'a> {
    pub fn new(tasks: &'a [SimulatedTask], plan: &'a SimulatedPlan, machine: &'a SimulatedMachine) -> Self {
        // The dispatcher knows places in the order; tasks are looked up through it.
        let mut place_of = vec![0; tasks.len()];
        for (place, task) in (0_u64..).zip(&plan.order) {
            place_of[*task as usize] = place;
        }
        let place = |task: &TaskId| TaskId(place_of.get(task.0 as usize).copied().unwrap_or(task.0));
        let known = |task: &TaskId| task.0 < tasks.len() as u64;
        let dependencies: Dependencies = plan
            .after
            .iter()
            .filter(|(task, _)| known(task))
            .map(|(task, before)| (place(task), before.iter().filter(|task| known(task)).map(place).collect()))
            .collect();
        let dispatcher = Dispatcher::new(DispatchPlan {
            tasks: plan.order.len() as u64,
            complete: true,
            needs: None,
            order: TaskOrder::default(),
            breakpoints: Vec::new(),
            dependencies,
            control: plan.control.clone(),
            mode: plan.mode,
            workers: plan.workers,
            retries: 0,
            grace_ns: 0,
            max_starting: MAX_STARTING,
            chunk: plan.chunk,
        });
        Self {
            tasks,
            plan,
            machine,
            timeline: Timeline::new(dispatcher),
            workers: BTreeMap::new(),
            next_ready_ns: machine.first_worker_ns,
            spans: Vec::with_capacity(tasks.len()),
        }
    }

    pub fn run(mut self) -> SimulatedRun {
        self.put(Input::Tick);
        let most_steps = MAX_STEPS * (self.plan.order.len() as u64 + u64::from(self.plan.workers) + 16);
        for _ in 0..most_steps {
            if self.timeline.dispatcher.is_over() {
                break;
            }
            match (self.timeline.next_at_ns(), self.next_end()) {
                (Some(next_ns), Some((end_ns, worker))) if end_ns <= next_ns => self.end(end_ns, worker),
                (None, Some((end_ns, worker))) => self.end(end_ns, worker),
                (Some(next_ns), _) => self.come(next_ns),
                (None, None) => break,
            }
        }
        let wall_ns = self.spans.iter().map(|span| span.start_ns + span.wall_ns).max().unwrap_or(0);
        SimulatedRun { wall_ns, spans: self.spans }
    }

    const fn now_ns(&self) -> u64 {
        self.timeline.now_ns()
    }

    /// How fast each running task goes on: all that need a core slow each other down.
    fn speeds(&self) -> impl Fn(&Running) -> f64 + use<> {
        let wanted: f64 = self.workers.values().filter_map(|worker| Some(worker.running?.core_share)).sum();
        let slow = self.machine.slow_down_at(wanted);
        move |running| 1.0 / (1.0 - running.core_share + running.core_share * slow)
    }

    /// When the next task ends if nothing happens before, and whose it is.
    fn next_end(&self) -> Option<(u64, WorkerId)> {
        let speed = self.speeds();
        let ends = self.workers.iter().filter_map(|(id, worker)| {
            let running = worker.running?;
            Some((self.now_ns() + (running.left_ns / speed(&running)).ceil() as u64, *id))
        });
        ends.min()
    }

    fn advance(&mut self, to_ns: u64) {
        let speed = self.speeds();
        let passed_ns = to_ns.saturating_sub(self.now_ns()) as f64;
        for worker in self.workers.values_mut() {
            if let Some(running) = &mut worker.running {
                running.left_ns = (running.left_ns - passed_ns * speed(running)).max(0.0);
            }
        }
        self.timeline.advance(to_ns);
    }

    /// A worker's task ends.
    fn end(&mut self, at_ns: u64, id: WorkerId) {
        self.advance(at_ns);
        let Some(worker) = self.workers.get_mut(&id) else { return };
        let Some(running) = worker.running.take() else { return };
        let task = self.plan.order[running.place as usize];
        let wall_ns = at_ns - running.start_ns;
        self.spans.push(SimulatedSpan { task, lane: worker.lane, start_ns: running.start_ns, wall_ns });
        if worker.gathered.is_empty() {
            worker.gathered_from_ns = at_ns;
        }
        worker.gathered.push(AttemptRecord {
            start_ns: running.start_ns,
            wall_ns,
            ..AttemptRecord::new(TaskId(running.place.into()), 1, id, Outcome::Done)
        });
        let is_idle = worker.waiting.is_empty();
        if is_idle || at_ns - worker.gathered_from_ns > MAX_GATHER_NS {
            self.send(id);
        }
        self.begin(id);
    }

    fn send(&mut self, id: WorkerId) {
        let Some(worker) = self.workers.get_mut(&id) else { return };
        if worker.gathered.is_empty() {
            return;
        }
        let records = std::mem::take(&mut worker.gathered);
        worker.sent.push_back(records);
        self.timeline.plan(self.now_ns() + self.machine.return_ns, Coming::Heard(id));
    }

    /// Begins the worker's next task, if it has one and does nothing.
    fn begin(&mut self, id: WorkerId) {
        let Some(worker) = self.workers.get_mut(&id) else { return };
        if worker.running.is_some() {
            return;
        }
        let Some(place) = worker.waiting.pop_front() else {
            if worker.retiring && !worker.closed {
                worker.closed = true;
                self.send(id);
                self.timeline.plan(self.now_ns() + self.machine.return_ns, Coming::Closed(id));
            }
            return;
        };
        let task = self.tasks[self.plan.order[place as usize] as usize];
        let core_share = if task.wall_ns == 0 { 0.0 } else { (task.cpu_ns as f64 / task.wall_ns as f64).min(1.0) };
        let start_ns = self.timeline.now_ns();
        worker.running = Some(Running { place, start_ns, left_ns: task.wall_ns as f64, core_share });
        // What is over before that is not announced.
        self.timeline.plan(start_ns + ANNOUNCE_NS, Coming::Announce(id, place, start_ns));
    }

    fn come(&mut self, at_ns: u64) {
        self.advance(at_ns);
        let Some(what) = self.timeline.next() else { return };
        match what {
            Coming::Ready(worker) => self.put(Input::WorkerReady { worker, pid: 0 }),
            Coming::Begin(id) => {
                if let Some(worker) = self.workers.get_mut(&id) {
                    worker.beginning = false;
                }
                self.begin(id);
            }
            Coming::Announce(id, place, start_ns) => {
                let running = self.workers.get(&id).and_then(|worker| worker.running);
                if running.is_some_and(|running| running.place == place && running.start_ns == start_ns) {
                    self.send(id);
                    let task = TaskId(place.into());
                    self.put(Input::Started { worker: id, task, attempt: 1, start_ns, pid: None });
                }
            }
            Coming::Heard(id) => {
                let records = self.workers.get_mut(&id).and_then(|worker| worker.sent.pop_front());
                if let Some(records) = records {
                    self.put(Input::Finished { worker: id, records });
                }
            }
            Coming::Returned(worker, places) => {
                let tasks = places.into_iter().map(|place| TaskId(place.into())).collect();
                self.put(Input::Returned { worker, tasks });
            }
            Coming::Closed(worker) => {
                self.workers.remove(&worker);
                self.put(Input::WorkerEnded { worker, end: ProcessEnd::Closed });
            }
            Coming::Tick => self.put(Input::Tick),
        }
    }

    fn put(&mut self, input: Input) {
        for effect in self.timeline.handle(input) {
            self.take(effect);
        }
        self.timeline.plan_tick(Coming::Tick);
    }

    fn take(&mut self, effect: Effect) {
        match effect {
            Effect::Start { worker, lane } => {
                self.workers.insert(worker, SimulatedWorker { lane: lane.0, ..SimulatedWorker::default() });
                let ready_ns = self.next_ready_ns.max(self.now_ns());
                self.next_ready_ns = ready_ns + self.machine.next_worker_ns;
                self.timeline.plan(ready_ns, Coming::Ready(worker));
            }
            Effect::Run { worker: id, tasks } => {
                let Some(worker) = self.workers.get_mut(&id) else { return };
                worker.waiting.extend(tasks.into_iter().map(|(task, _)| task.0 as u32));
                if worker.running.is_none() && !std::mem::replace(&mut worker.beginning, true) {
                    self.timeline.plan(self.now_ns() + self.machine.hand_out_ns, Coming::Begin(id));
                }
            }
            Effect::TakeBack { worker: id, count } => {
                let Some(worker) = self.workers.get_mut(&id) else { return };
                let keep = worker.waiting.len().saturating_sub(count as usize);
                let places: Vec<u32> = worker.waiting.split_off(keep).into();
                self.send(id);
                let there_and_back_ns = self.machine.hand_out_ns + self.machine.return_ns;
                self.timeline.plan(self.now_ns() + there_and_back_ns, Coming::Returned(id, places));
            }
            Effect::Retire { worker: id } => {
                if let Some(worker) = self.workers.get_mut(&id) {
                    worker.retiring = true;
                }
                self.begin(id);
            }
            // Nothing fails, times out or is stopped here, so nothing is cancelled, asked for a sign of life, or killed.
            Effect::Ping { .. }
            | Effect::Cancel { .. }
            | Effect::Stop { .. }
            | Effect::SetTimeout { .. }
            | Effect::Kill { .. } => {}
            // Every task takes the same here.
            Effect::RunWith { .. } | Effect::Emit(_) => {}
        }
    }
}
