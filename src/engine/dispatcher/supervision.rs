//! Supervision: workers that give no sign of life, workers that die too often, and a queue that is cancelled piece by
//! piece. Whoever works says so by its results, so nobody is asked while these come.

use std::collections::{BTreeMap, VecDeque};

use crate::event::{DispatchEvent, EventKind, WorkerId};

use super::places::Places;
use super::queue::Pending;
use super::{Dispatcher, Effect};

/// So often it is looked whether everybody lives, in nanoseconds, unless the job has a heartbeat of its own.
pub const LOOK_NS: u64 = 5_000_000_000;
/// Who is not there so long after it was started is hung, in nanoseconds.
pub const START_PATIENCE_NS: u64 = 60_000_000_000;

/// Deaths are counted for so long, in nanoseconds.
const INTENSITY_NS: u64 = 10_000_000_000;
/// So many deaths within that time are borne without a pause, and so many more for each worker of the pool.
const BORNE_DEATHS: usize = 20;
const BORNE_DEATHS_OF_WORKER: usize = 4;

/// Records that are said at once when a stop cancels all that waits.
const CANCEL_CHUNK: usize = 4096;

/// What is known of the health of the pool.
#[derive(Debug)]
pub struct Supervision {
    /// So often it is looked whether everybody lives.
    heartbeat_ns: u64,
    /// When it is looked next whether everybody lives.
    pub look_at_ns: u64,
    /// When workers died lately.
    deaths_ns: VecDeque<u64>,
    /// Taken out of the queue by a stop, and to be cancelled.
    pub doomed: Vec<Pending>,
    /// Who cannot begin its task, and what the system is short of.
    short: BTreeMap<WorkerId, String>,
}

impl Supervision {
    /// Workers that are looked after so often, in seconds; `None`: as usual.
    pub fn new(heartbeat_secs: Option<f64>) -> Self {
        Self {
            heartbeat_ns: heartbeat_secs.map_or(LOOK_NS, |secs| (secs * 1e9) as u64),
            look_at_ns: 0,
            deaths_ns: VecDeque::new(),
            doomed: Vec::new(),
            short: BTreeMap::new(),
        }
    }

    /// Who was not heard of for so long is asked: a little less than from one look to the next.
    const fn silence_ns(&self) -> u64 {
        self.heartbeat_ns - self.heartbeat_ns / 50
    }

    /// Who does not answer for so long is hung.
    pub(super) const fn patience_ns(&self) -> u64 {
        self.heartbeat_ns + self.silence_ns()
    }

    /// A look that comes so much too late: this process was stopped itself, or the machine was.
    const fn late_ns(&self) -> u64 {
        self.heartbeat_ns / 5 * 2
    }

    /// A worker cannot begin its task for this reason; `None`: it could, or is gone.
    pub fn set_short(&mut self, worker: WorkerId, reason: Option<String>) {
        match reason {
            Some(reason) => drop(self.short.insert(worker, reason)),
            None if self.short.is_empty() => {}
            None => drop(self.short.remove(&worker)),
        }
    }
}

impl Dispatcher {
    /// Why nobody can begin its task, if that is so.
    pub(super) fn shortage(&self) -> Option<String> {
        let reason = self.supervision.short.values().next()?;
        let busy = self.workers.values().filter(|state| !state.in_flight.is_empty()).count();
        (self.supervision.short.len() >= busy)
            .then(|| format!("the system cannot start commands now and is tried again: {reason}"))
    }

    /// A worker gave a sign of life.
    pub(super) fn heard(&mut self, now_ns: u64, worker: WorkerId) {
        if let Some(state) = self.workers.get_mut(&worker) {
            state.heard_ns = now_ns;
            state.asked_ns = None;
        }
    }

    /// Whether a tick at this time would look after the workers: then the engine says first whom it did not listen to.
    pub fn looks_at(&self, now_ns: u64) -> bool {
        now_ns >= self.supervision.look_at_ns
    }

    /// Asks those that are silent, and ends those that do not answer.
    pub(super) fn look_after_workers(&mut self, now_ns: u64, effects: &mut Vec<Effect>) {
        let due_ns = self.supervision.look_at_ns;
        if now_ns < due_ns {
            return;
        }
        let (silence_ns, patience_ns) = (self.supervision.silence_ns(), self.supervision.patience_ns());
        self.supervision.look_at_ns = now_ns + self.supervision.heartbeat_ns;
        let was_late = now_ns - due_ns > self.supervision.late_ns();
        for (&worker, state) in &mut self.workers {
            if was_late {
                // What they said meanwhile could not be heard.
                state.heard_ns = now_ns;
                state.asked_ns = None;
            }
            let has_duty = !state.in_flight.is_empty() || state.retiring;
            match state.asked_ns {
                _ if !state.ready => {
                    state.hung = now_ns.saturating_sub(state.heard_ns) >= START_PATIENCE_NS;
                }
                Some(asked_ns) => state.hung = now_ns.saturating_sub(asked_ns) >= patience_ns,
                None if has_duty && now_ns.saturating_sub(state.heard_ns) >= silence_ns => {
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
            effects.push(Effect::Say(EventKind::Dispatch(DispatchEvent::WorkersCannotStart { reason })));
        }
    }

    /// Whatever no worker has begun will not be.
    pub(super) fn cancel_waiting(&mut self, now_ns: u64, effects: &mut Vec<Effect>) {
        if self.stopping {
            return;
        }
        self.stopping = true;
        effects.push(Effect::Say(EventKind::Dispatch(DispatchEvent::StopRequested)));
        self.supervision.doomed = self.after.drain();
        self.supervision.doomed.extend(self.places.iter_mut().flat_map(Places::drain));
        self.cancel_some(now_ns, effects);
    }

    /// More is to be cancelled, with an [`Input::CancelMore`](super::Input::CancelMore) for each piece: a million records
    /// at once would hold up everybody who waits for the dispatcher.
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
