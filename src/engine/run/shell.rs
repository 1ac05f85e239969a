//! The shell around the dispatcher: asks it about each input under one lock, and does what it says.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use crossbeam_channel::Sender;

use super::outlet::{LetOut, Outlet};
use crate::engine::RunCommand;
use crate::engine::dispatcher::{Dispatcher, Effect, Input};
use crate::engine::link::Link;
use crate::engine::protocol::{Setup, TaskFrameRef, ToWorker, ToWorkerRef};
use crate::engine::worker_process::WorkerProcess;
use crate::event::{Event, EventKind, LaneId, TaskId, WorkerId};
use crate::job::Batch;
use crate::mp::clock::monotonic_ns;

/// A message to a worker carries about so many bytes of tasks.
const TASKS_MESSAGE_BYTES: usize = 1 << 20;

/// What all threads of a run share.
pub struct Shell {
    pub batch: Arc<Batch>,
    pub worker_executable: PathBuf,
    pub setup: Setup,
    /// What all tasks have in their environment.
    pub environment: Vec<(String, String)>,
    pub core: Mutex<Core>,
    pub outlet: Outlet,
    pub requests: Sender<Request>,
    /// The run's own thread has been told that the batch has grown, and has not looked yet.
    pub growth_told: Arc<AtomicBool>,
}

/// What the lock is for.
pub struct Core {
    pub dispatcher: Dispatcher,
    pub members: HashMap<WorkerId, Member>,
    effects: Vec<Effect>,
    /// The summary was said: nothing follows it.
    pub ended: bool,
}

/// A worker that has its lane.
pub struct Member {
    pub lane: LaneId,
    pub link: Link,
    pub process: Arc<WorkerProcess>,
    /// Its lane's thread waits for its next word, and does nothing else.
    pub listened_to: Arc<AtomicBool>,
}

/// What is asked of the run's own thread.
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

impl Core {
    /// A run that has not begun.
    pub fn new(dispatcher: Dispatcher) -> Self {
        Self { dispatcher, members: HashMap::new(), effects: Vec::new(), ended: false }
    }
}

impl Shell {
    pub fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time since the run's start.
    pub fn now_ns(&self) -> u64 {
        monotonic_ns().saturating_sub(self.setup.epoch_ns)
    }

    /// Asks the dispatcher, does what it says, and lets the events out.
    pub fn handle(&self, input: Input) {
        self.decide(input);
        self.deliver();
    }

    /// Asks the dispatcher and does what it says.
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

    /// Lets the events out; waits while the channel is full, so the caller holds no lock.
    pub fn deliver(&self) {
        if self.outlet.wait_to_let_out() == LetOut::Gone {
            self.stop_unheard();
        }
    }

    /// Lets the events out as far as there is room, without waiting. Says whether all is out.
    pub fn try_deliver(&self) -> bool {
        match self.outlet.try_let_out() {
            LetOut::All => true,
            LetOut::Some => false,
            LetOut::Gone => {
                self.stop_unheard();
                true
            }
        }
    }

    /// Nobody wants to know any more.
    fn stop_unheard(&self) {
        self.decide(Input::Command(RunCommand::StopNow));
    }

    fn perform(&self, core: &Core, now_ns: u64, effect: Effect) {
        let (worker, message) = match effect {
            Effect::Say(kind) => {
                self.outlet.say(Event { at_ns: now_ns, kind });
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
            Effect::Recall { worker, count } => (worker, ToWorker::Recall(count)),
            Effect::Cancel { worker, task } => (worker, ToWorker::Cancel(task)),
            Effect::Stop { worker, now } => (worker, ToWorker::Stop { now }),
            Effect::SetTimeout { worker, timeout_ns } => (worker, ToWorker::SetTimeout(timeout_ns)),
            Effect::Ping { worker } => (worker, ToWorker::Ping),
            Effect::Retire { worker } => (worker, ToWorker::Retire),
        };
        if let Some(member) = core.members.get(&worker) {
            member.link.send(&message);
        }
    }

    /// All payloads of a message are made in one buffer; a message holds about a megabyte, since long command lines would
    /// not all fit into one.
    fn send_tasks(&self, member: &Member, tasks: &[(TaskId, u32)], shares: &[String]) {
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
                member.link.send(&ToWorkerRef::Run(frames.collect()));
                payloads.clear();
                ends.clear();
                first = place + 1;
            }
        }
    }

    /// Time has passed. Whoever was not listened to until now is not to be blamed for silence.
    pub fn tick(&self) {
        if self.core().dispatcher.looks_at(self.now_ns()) {
            let is_unheard = |member: &Member| !member.listened_to.load(Ordering::Acquire);
            let unheard =
                self.core().members.iter().filter(|(_, member)| is_unheard(member)).map(|(id, _)| *id).collect();
            self.decide(Input::Unheard { workers: unheard });
        }
        self.decide(Input::Tick);
    }

    /// Says something that the dispatcher knows nothing of.
    pub fn say(&self, kind: EventKind) {
        self.outlet.say(Event { at_ns: self.now_ns(), kind });
    }
}
