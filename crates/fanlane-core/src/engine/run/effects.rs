//! The driver of the dispatcher: passes each input to it under one lock, and performs its effects.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use crossbeam_channel::Sender;

use super::event_outlet::{Delivered, EventOutlet};
use crate::engine::dispatcher::{Dispatcher, Effect, Input};
use crate::engine::lane_sender::LaneSender;
use crate::engine::launcher::{Launcher, LauncherNotice, WorkerHandle};
use crate::engine::protocol::{Setup, TaskFrameRef, ToWorker, ToWorkerRef};
use crate::engine::run_clock::RunClock;
use crate::engine::{OutputInterest, RunCommand, StartGate};
use crate::event::{Event, EventKind, LaneId, TaskEvent, TaskId, WorkerId};
use crate::job::Batch;

/// About how many bytes of tasks a message to a worker carries.
const TASKS_MESSAGE_BYTES: usize = 1 << 20;

/// What all threads of a run share.
pub struct Driver {
    pub batch: Arc<Batch>,
    pub launcher: Box<dyn Launcher>,
    pub setup: Setup,
    pub clock: Arc<RunClock>,
    /// What all tasks have in their environment.
    pub environment: Vec<(String, String)>,
    pub core: Mutex<DriverState>,
    /// Locked while a worker is started, and while the run is suspended. Locked before `core`.
    pub starting: Mutex<()>,
    /// What is wanted of the output of running tasks. Locked before `core`.
    pub interest: Mutex<OutputInterest>,
    pub outlet: EventOutlet,
    pub requests: Sender<Request>,
    /// The main loop was woken because the batch has grown, and has not looked yet.
    pub growth_told: Arc<AtomicBool>,
    /// What the first task waits for.
    pub gate: Option<StartGate>,
}

/// What is under the lock.
pub struct DriverState {
    pub dispatcher: Dispatcher,
    pub members: HashMap<WorkerId, LaneMember>,
    effects: Vec<Effect>,
    /// The summary was emitted: nothing follows it.
    pub ended: bool,
}

/// A worker that has its lane.
pub struct LaneMember {
    pub lane: LaneId,
    pub sender: LaneSender,
    pub process: Arc<dyn WorkerHandle>,
    /// Its lane's thread waits for its next message, and does nothing else.
    pub listened_to: Arc<AtomicBool>,
}

/// A request to the main loop.
pub enum Request {
    Start { worker: WorkerId, lane: LaneId },
    LaneThread(JoinHandle<()>),
    Look,
    Grown,
}

impl Request {
    pub fn lane_thread(self) -> Option<JoinHandle<()>> {
        match self {
            Self::LaneThread(lane) => Some(lane),
            Self::Start { .. } | Self::Look | Self::Grown => None,
        }
    }
}

impl DriverState {
    /// A run that has not begun.
    pub fn new(dispatcher: Dispatcher) -> Self {
        Self { dispatcher, members: HashMap::new(), effects: Vec::new(), ended: false }
    }
}

impl Driver {
    pub fn core(&self) -> MutexGuard<'_, DriverState> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time since the run's start, without those for which it was suspended.
    pub fn now_ns(&self) -> u64 {
        self.clock.now_ns()
    }

    /// Passes an input to the dispatcher, performs its effects, and delivers the events.
    pub fn handle(&self, input: Input) {
        self.decide(input);
        self.deliver();
    }

    /// Passes an input to the dispatcher and performs its effects.
    pub fn decide(&self, input: Input) {
        let mut core = self.core();
        if core.ended {
            return;
        }
        let now_ns = self.now_ns();
        let mut effects = std::mem::take(&mut core.effects);
        let wake_ns = core.dispatcher.next_wake_ns();
        core.dispatcher.handle(now_ns, input, &mut effects);
        for effect in effects.drain(..) {
            self.perform(&core, now_ns, effect);
        }
        core.effects = effects;
        if core.dispatcher.is_over() || core.dispatcher.next_wake_ns() != wake_ns {
            let _ = self.requests.send(Request::Look);
        }
    }

    /// Delivers the events; waits while the channel is full, so the caller holds no lock.
    pub fn deliver(&self) {
        if self.outlet.deliver() == Delivered::Gone {
            self.stop_unattended();
        }
    }

    /// Delivers the events as far as there is room, without waiting. Returns whether all is out.
    pub fn try_deliver(&self) -> bool {
        match self.outlet.try_deliver() {
            Delivered::All => true,
            Delivered::Some => false,
            Delivered::Gone => {
                self.stop_unattended();
                true
            }
        }
    }

    /// Stops the run, whose events are not taken any more.
    fn stop_unattended(&self) {
        self.decide(Input::Command(RunCommand::StopNow));
    }

    fn perform(&self, core: &DriverState, now_ns: u64, effect: Effect) {
        let (worker, message) = match effect {
            Effect::Emit(kind) => {
                if let EventKind::Task(TaskEvent::Finished(records)) = &kind {
                    records.iter().for_each(|record| self.batch.release(record.task));
                }
                self.outlet.emit(Event { at_ns: now_ns, kind });
                return;
            }
            Effect::Start { worker, lane } => {
                let _ = self.requests.send(Request::Start { worker, lane });
                return;
            }
            Effect::Kill { worker } => {
                if let Some(member) = core.members.get(&worker) {
                    member.process.kill();
                }
                return;
            }
            Effect::Run { worker, tasks } => {
                if let Some(member) = core.members.get(&worker) {
                    self.send_tasks(member, &tasks, &[]);
                }
                return;
            }
            Effect::RunWith { worker, tasks, shares } => {
                if let Some(member) = core.members.get(&worker) {
                    self.send_tasks(member, &tasks, &shares);
                }
                return;
            }
            Effect::TakeBack { worker, count } => (worker, ToWorker::TakeBack(count)),
            Effect::Cancel { worker, task } => (worker, ToWorker::Cancel(task)),
            Effect::Stop { worker, now } => (worker, ToWorker::Stop { now }),
            Effect::SetTimeout { worker, timeout_ns } => (worker, ToWorker::SetTimeout(timeout_ns)),
            Effect::Ping { worker } => (worker, ToWorker::Ping),
            Effect::Retire { worker } => (worker, ToWorker::Retire),
        };
        if let Some(member) = core.members.get(&worker) {
            member.sender.send(&message);
        }
    }

    /// All payloads of a message are made in one buffer; a message holds about a megabyte, since long command lines would
    /// not all fit into one.
    fn send_tasks(&self, member: &LaneMember, tasks: &[(TaskId, u32)], shares: &[String]) {
        let mut payloads = Vec::new();
        let mut ends = Vec::with_capacity(tasks.len());
        let mut first = 0;
        for (place, (task, _)) in tasks.iter().enumerate() {
            self.batch.payload_with(*task, member.lane.0 + 1, shares, &mut payloads);
            ends.push(payloads.len());
            if payloads.len() > TASKS_MESSAGE_BYTES || place + 1 == tasks.len() {
                let starts = std::iter::once(0).chain(ends.iter().copied());
                let frames = tasks[first..=place].iter().zip(starts.zip(&ends));
                let frames = frames.map(|(&(task, attempt), (start, &end))| TaskFrameRef {
                    task,
                    attempt,
                    payload: &payloads[start..end],
                });
                member.sender.send(&ToWorkerRef::Run(frames.collect()));
                payloads.clear();
                ends.clear();
                first = place + 1;
            }
        }
    }

    /// Tells the dispatcher that time has passed, and which lanes were not being read until now.
    pub fn tick(&self) {
        if self.core().dispatcher.checks_at(self.now_ns()) {
            let is_unheard = |member: &LaneMember| !member.listened_to.load(Ordering::Acquire);
            let unread =
                self.core().members.iter().filter(|(_, member)| is_unheard(member)).map(|(id, _)| *id).collect();
            self.decide(Input::Unread { workers: unread });
        }
        self.decide(Input::Tick);
    }

    /// Takes in what has changed where workers come from. It is called by threads of the launcher, which wait for no room for
    /// events.
    pub fn take_notice(&self, notice: LauncherNotice) {
        match notice {
            LauncherNotice::Places { total, usable } => self.decide(Input::Places { total, usable }),
            LauncherNotice::Retire(worker) => self.decide(Input::Retire { worker }),
            LauncherNotice::Event(kind) => self.emit(kind),
        }
        let _ = self.requests.send(Request::Look);
    }

    /// Emits an event that the dispatcher knows nothing of.
    pub fn emit(&self, kind: EventKind) {
        self.outlet.emit(Event { at_ns: self.now_ns(), kind });
    }
}
