//! Supervision: workers that give no sign of life, workers that die too often, and a queue that is cancelled piece by
//! piece. Results are a sign of life, so no worker is asked while they come.

use std::collections::{BTreeMap, VecDeque};

use crate::event::{DispatchEvent, EventKind, OutcomeClass, TaskEvent, WorkerId};

use super::queue::Pending;
use super::resources::Resources;
use super::{Dispatcher, Effect};

/// How often it is checked whether workers are alive, in nanoseconds, unless the job sets a heartbeat.
pub const HEARTBEAT_NS: u64 = 5_000_000_000;
/// How long a worker may take to start before it counts as hung, in nanoseconds.
pub const START_TIMEOUT_NS: u64 = 60_000_000_000;

/// The time over which deaths are counted, in nanoseconds.
const INTENSITY_NS: u64 = 10_000_000_000;
/// Maximum number of deaths within that time before the next start waits, and how many more for each worker of the pool.
const MAX_DEATHS: usize = 20;
const MAX_DEATHS_PER_WORKER: usize = 4;

/// Maximum number of records in one event when a stop cancels the queue.
const CANCEL_CHUNK: usize = 4096;

/// What is known of the health of the pool.
#[derive(Debug)]
pub struct Supervision {
    /// How often it is checked whether workers are alive.
    heartbeat_ns: u64,
    /// When that is checked next.
    pub next_check_ns: u64,
    /// The deaths within the last [`INTENSITY_NS`], oldest first.
    deaths_ns: VecDeque<u64>,
    /// Taken out of the queue by a stop, and still to be cancelled.
    pub cancel_pending: Vec<Pending>,
    /// The workers that cannot begin their task, and what the system has run out of.
    exhausted: BTreeMap<WorkerId, String>,
}

impl Supervision {
    /// Supervision with this heartbeat in seconds; `None`: the usual one.
    pub fn new(heartbeat_secs: Option<f64>) -> Self {
        Self {
            heartbeat_ns: heartbeat_secs.map_or(HEARTBEAT_NS, |secs| (secs * 1e9) as u64),
            next_check_ns: 0,
            deaths_ns: VecDeque::new(),
            cancel_pending: Vec::new(),
            exhausted: BTreeMap::new(),
        }
    }

    /// How long a worker is silent before it is asked: a little less than from one check to the next.
    const fn silence_ns(&self) -> u64 {
        self.heartbeat_ns - self.heartbeat_ns / 50
    }

    /// How long a worker may be silent before it counts as hung.
    pub(super) const fn timeout_of_silence_ns(&self) -> u64 {
        self.heartbeat_ns + self.silence_ns()
    }

    /// A check later than this means that this process or the machine was stopped.
    const fn late_ns(&self) -> u64 {
        self.heartbeat_ns / 5 * 2
    }

    /// A worker cannot begin its task for this reason; `None`: it could, or is gone.
    pub fn set_exhausted(&mut self, worker: WorkerId, reason: Option<String>) {
        match reason {
            Some(reason) => drop(self.exhausted.insert(worker, reason)),
            None if self.exhausted.is_empty() => {}
            None => drop(self.exhausted.remove(&worker)),
        }
    }
}

impl Dispatcher {
    /// Why no worker can begin its task, if that is so.
    pub(super) fn exhaustion(&self) -> Option<String> {
        let reason = self.supervision.exhausted.values().next()?;
        let busy = self.workers.values().filter(|state| !state.in_flight.is_empty()).count();
        (self.supervision.exhausted.len() >= busy)
            .then(|| format!("the system cannot start commands now and is tried again: {reason}"))
    }

    /// A worker gave a sign of life.
    pub(super) fn note_alive(&mut self, now_ns: u64, worker: WorkerId) {
        if let Some(state) = self.workers.get_mut(&worker) {
            state.alive_ns = now_ns;
            state.asked_ns = None;
        }
    }

    /// Whether a tick at this time would check the workers: then an [`Input::Unread`](super::Input::Unread) comes first.
    pub fn checks_at(&self, now_ns: u64) -> bool {
        now_ns >= self.supervision.next_check_ns
    }

    /// Pings silent workers, and kills those that do not answer.
    pub(super) fn check_workers(&mut self, now_ns: u64, effects: &mut Vec<Effect>) {
        let due_ns = self.supervision.next_check_ns;
        if now_ns < due_ns {
            return;
        }
        let (silence_ns, timeout_of_silence_ns) =
            (self.supervision.silence_ns(), self.supervision.timeout_of_silence_ns());
        self.supervision.next_check_ns = now_ns + self.supervision.heartbeat_ns;
        let was_late = now_ns - due_ns > self.supervision.late_ns();
        for (&worker, state) in &mut self.workers {
            if was_late {
                // What they sent meanwhile could not be read.
                state.alive_ns = now_ns;
                state.asked_ns = None;
            }
            let has_duty = !state.in_flight.is_empty() || state.retiring;
            match state.asked_ns {
                _ if !state.ready => {
                    state.hung = now_ns.saturating_sub(state.alive_ns) >= START_TIMEOUT_NS;
                }
                Some(asked_ns) => state.hung = now_ns.saturating_sub(asked_ns) >= timeout_of_silence_ns,
                None if has_duty && now_ns.saturating_sub(state.alive_ns) >= silence_ns => {
                    state.asked_ns = Some(now_ns);
                    effects.push(Effect::Ping { worker });
                }
                None => {}
            }
            if state.hung {
                effects.push(Effect::Kill { worker });
            }
        }
    }

    /// Counts a death. After too many within [`INTENSITY_NS`] the next start waits until the oldest is out of that time.
    pub(super) fn count_death(&mut self, now_ns: u64, how: &str, effects: &mut Vec<Effect>) {
        let deaths = &mut self.supervision.deaths_ns;
        deaths.push_back(now_ns);
        while deaths.front().is_some_and(|death_ns| now_ns - death_ns >= INTENSITY_NS) {
            deaths.pop_front();
        }
        let max_deaths = MAX_DEATHS + MAX_DEATHS_PER_WORKER * self.pool as usize;
        if deaths.len() <= max_deaths {
            return;
        }
        let count = deaths.len();
        let until_ns = deaths[count - max_deaths - 1] + INTENSITY_NS;
        let was_emitted = self.start_not_before_ns.is_some_and(|not_before_ns| not_before_ns > now_ns);
        self.start_not_before_ns = Some(self.start_not_before_ns.map_or(until_ns, |other_ns| other_ns.max(until_ns)));
        if !was_emitted {
            let reason = format!("{count} workers died within 10 seconds, the last one {how}; the next start waits");
            effects.push(Effect::Emit(EventKind::Dispatch(DispatchEvent::WorkersCannotStart { reason })));
        }
    }

    /// Cancels every task that no worker has, a piece at a time.
    pub(super) fn cancel_waiting(&mut self, now_ns: u64, effects: &mut Vec<Effect>) {
        if self.stopping {
            return;
        }
        self.stopping = true;
        effects.push(Effect::Emit(EventKind::Dispatch(DispatchEvent::StopRequested)));
        self.cancel_rest(now_ns, effects);
        self.supervision.cancel_pending = self.dependencies.drain();
        self.supervision.cancel_pending.extend(self.resources.iter_mut().flat_map(Resources::drain));
        self.cancel_some(now_ns, effects);
    }

    /// Cancels the tasks that were never handed out, in one event where these are many: what never began costs nothing.
    fn cancel_rest(&mut self, now_ns: u64, effects: &mut Vec<Effect>) {
        if self.queue.fresh() <= CANCEL_CHUNK as u64 {
            return;
        }
        let tasks = self.queue.drop_fresh();
        self.counts.add_many(OutcomeClass::Cancelled, tasks);
        self.end_ns = self.end_ns.max(now_ns);
        effects.push(Effect::Emit(EventKind::Task(TaskEvent::RestCancelled { tasks })));
    }

    /// Whether tasks are still to be cancelled, with an [`Input::CancelMore`](super::Input::CancelMore) for each piece: a
    /// million records at once would hold up all threads that wait for the dispatcher.
    pub fn has_more_to_cancel(&self) -> bool {
        self.stopping && !(self.supervision.cancel_pending.is_empty() && self.queue.is_empty())
    }

    pub(super) fn cancel_some(&mut self, now_ns: u64, effects: &mut Vec<Effect>) {
        if !self.stopping {
            return;
        }
        let next = || self.supervision.cancel_pending.pop().or_else(|| self.queue.pop_any());
        let chunk: Vec<Pending> = std::iter::from_fn(next).take(CANCEL_CHUNK).collect();
        self.cancel_all(now_ns, &chunk, effects);
    }
}
