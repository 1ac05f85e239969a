//! Supervision: workers that give no sign of life, workers that die too often, and a queue that is cancelled piece by
//! piece. Results are a sign of life, so no worker is asked while they come.

use std::collections::{BTreeMap, VecDeque};

use crate::event::{DispatchEvent, EventKind, WorkerId};

use super::queue::Pending;
use super::resources::Resources;
use super::{Dispatcher, Effect};

/// How often it is checked whether workers are alive, in nanoseconds, unless the job sets a heartbeat.
pub const HEARTBEAT_NS: u64 = 5_000_000_000;
/// How long a worker may take to start before it counts as hung, in nanoseconds.
pub const START_TIMEOUT_NS: u64 = 60_000_000_000;

/// The time over which deaths are counted, in nanoseconds.
const INTENSITY_NS: u64 = 10_000_000_000;
/// Deaths within that time that do not pause the run, and how many more for each worker of the pool.
const BORNE_DEATHS: usize = 20;
const BORNE_DEATHS_OF_WORKER: usize = 4;

/// Records that are emitted at once when a stop cancels all that waits.
const CANCEL_CHUNK: usize = 4096;

/// What is known of the health of the pool.
#[derive(Debug)]
pub struct Supervision {
    /// How often it is checked whether workers are alive.
    heartbeat_ns: u64,
    /// When that is checked next.
    pub next_check_ns: u64,
    /// When workers died, as far as it counts.
    deaths_ns: VecDeque<u64>,
    /// Taken out of the queue by a stop, and still to be cancelled.
    pub doomed: Vec<Pending>,
    /// The workers that cannot begin their task, and what the system has run out of.
    short: BTreeMap<WorkerId, String>,
}

impl Supervision {
    /// Supervision with this heartbeat in seconds; `None`: the usual one.
    pub fn new(heartbeat_secs: Option<f64>) -> Self {
        Self {
            heartbeat_ns: heartbeat_secs.map_or(HEARTBEAT_NS, |secs| (secs * 1e9) as u64),
            next_check_ns: 0,
            deaths_ns: VecDeque::new(),
            doomed: Vec::new(),
            short: BTreeMap::new(),
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
            Some(reason) => drop(self.short.insert(worker, reason)),
            None if self.short.is_empty() => {}
            None => drop(self.short.remove(&worker)),
        }
    }
}

impl Dispatcher {
    /// Why no worker can begin its task, if that is so.
    pub(super) fn exhaustion(&self) -> Option<String> {
        let reason = self.supervision.short.values().next()?;
        let busy = self.workers.values().filter(|state| !state.in_flight.is_empty()).count();
        (self.supervision.short.len() >= busy)
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

    /// Asks those that are silent, and ends those that do not answer.
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

    /// A worker died. Where too many did lately, the next one is started when the first of these is long ago.
    pub(super) fn count_death(&mut self, now_ns: u64, how: &str, effects: &mut Vec<Effect>) {
        let deaths = &mut self.supervision.deaths_ns;
        deaths.push_back(now_ns);
        while deaths.front().is_some_and(|death_ns| now_ns - death_ns >= INTENSITY_NS) {
            deaths.pop_front();
        }
        let borne = BORNE_DEATHS + BORNE_DEATHS_OF_WORKER * self.pool as usize;
        if deaths.len() <= borne {
            return;
        }
        let count = deaths.len();
        let until_ns = deaths[count - borne - 1] + INTENSITY_NS;
        let is_told = self.start_not_before_ns.is_some_and(|not_before_ns| not_before_ns > now_ns);
        self.start_not_before_ns = Some(self.start_not_before_ns.map_or(until_ns, |other_ns| other_ns.max(until_ns)));
        if !is_told {
            let reason = format!("{count} workers died within 10 seconds, the last one {how}; the next start waits");
            effects.push(Effect::Emit(EventKind::Dispatch(DispatchEvent::WorkersCannotStart { reason })));
        }
    }

    /// Whatever no worker has begun will not be.
    pub(super) fn cancel_waiting(&mut self, now_ns: u64, effects: &mut Vec<Effect>) {
        if self.stopping {
            return;
        }
        self.stopping = true;
        effects.push(Effect::Emit(EventKind::Dispatch(DispatchEvent::StopRequested)));
        self.supervision.doomed = self.dependencies.drain();
        self.supervision.doomed.extend(self.resources.iter_mut().flat_map(Resources::drain));
        self.cancel_some(now_ns, effects);
    }

    /// More is to be cancelled, with an [`Input::CancelMore`](super::Input::CancelMore) for each piece: a million records
    /// at once would hold up everything that waits for the dispatcher.
    pub fn has_more_to_cancel(&self) -> bool {
        self.stopping && !(self.supervision.doomed.is_empty() && self.queue.is_empty())
    }

    pub(super) fn cancel_some(&mut self, now_ns: u64, effects: &mut Vec<Effect>) {
        if !self.stopping {
            return;
        }
        let next = || self.supervision.doomed.pop().or_else(|| self.queue.pop_any());
        let chunk: Vec<Pending> = std::iter::from_fn(next).take(CANCEL_CHUNK).collect();
        self.cancel_all(now_ns, &chunk, effects);
    }
}
