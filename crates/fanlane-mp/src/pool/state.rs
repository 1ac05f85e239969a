//! The state of a pool: its queue and what each of its workers has in hand. It decides and does nothing.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use super::cursor::{Cursor, Sequence, is_before};
use super::job::Job;
use super::phase::Phase;
use super::wire::Wire;
use fanlane_os::child::Child;
use fanlane_os::waker::Waker;

/// Some chunks of a job.
#[derive(Clone)]
pub struct Work {
    pub job: Arc<Job>,
    pub first: usize,
    pub chunks: usize,
}

/// Some chunks that a worker has in hand, numbered on from `number`.
pub struct InFlight {
    pub work: Work,
    pub number: Sequence,
}

/// What a lane is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LanePhase {
    /// It has no worker, and will not have one: its place is free.
    Gone,
    /// It is starting a worker, sends, receives, or was woken to check for work.
    Busy,
    /// Its worker waits, and its thread sleeps.
    Idle,
    /// Its worker waits for another thread, which exchanges messages with it.
    HandedOff,
}

/// A running worker.
#[derive(Clone)]
pub struct WorkerLink {
    pub child: Arc<Child>,
    pub cursor: Arc<Cursor>,
    pub wire: Arc<Mutex<Wire>>,
}

/// One worker's place in the pool.
pub struct PoolLane {
    pub phase: LanePhase,
    pub worker: Option<WorkerLink>,
    pub flights: VecDeque<InFlight>,
    pub chunks_in_flight: usize,
    /// The number of the next chunk it is sent.
    pub next: Sequence,
    /// How many chunks its worker may still be sent.
    pub left: u64,
    /// It is to end when it has done what it has begun.
    pub retires: bool,
    /// Its thread needs the worker back from the caller that it was handed off to.
    pub is_wanted_back: bool,
    /// What wakes its thread.
    pub waker: Arc<Waker>,
}

/// What is known and planned.
pub struct PoolState {
    pub phase: Phase,
    pub queue: VecDeque<Work>,
    /// Chunks in the queue.
    pub queued: usize,
    /// Chunks without a result.
    pub outstanding: usize,
    pub lanes: Vec<PoolLane>,
    /// Grows with workers that end before they can work, until one can.
    pub early_deaths: u32,
}

/// Maximum size of the arguments sent at a time, unless one chunk has more.
const MAX_BATCH_BYTES: usize = 1 << 20;

impl PoolState {
    pub const fn new() -> Self {
        Self {
            phase: Phase::Open,
            queue: VecDeque::new(),
            queued: 0,
            outstanding: 0,
            lanes: Vec::new(),
            early_deaths: 0,
        }
    }

    /// Whether a closed pool has done all that it has.
    pub fn is_over(&self) -> bool {
        self.outstanding == 0 && self.phase == Phase::Closed
    }

    /// Lanes that are there to stay.
    pub fn live_lanes(&self) -> usize {
        self.lanes.iter().filter(|lane| lane.phase != LanePhase::Gone && !lane.retires).count()
    }

    /// Puts new work at the end of the queue.
    pub fn add(&mut self, work: Work) {
        self.outstanding += work.chunks;
        self.queued += work.chunks;
        self.queue.push_back(work);
    }

    /// Puts work back to the front of the queue.
    pub fn put_back(&mut self, work: Work) {
        self.queued += work.chunks;
        self.queue.push_front(work);
    }

    /// The wakers of at most `max` idle lanes, which are to check for work.
    pub fn wake(&mut self, max: usize) -> Vec<Arc<Waker>> {
        let idle = self.lanes.iter_mut().filter(|lane| lane.phase == LanePhase::Idle).take(max);
        idle.map(|lane| {
            lane.phase = LanePhase::Busy;
            Arc::clone(&lane.waker)
        })
        .collect()
    }

    /// The wakers of all lanes.
    pub fn all_wakers(&self) -> Vec<Arc<Waker>> {
        self.lanes.iter().map(|lane| Arc::clone(&lane.waker)).collect()
    }

    /// What this lane's worker is to be sent now; it is then in its hands.
    pub fn take(&mut self, lane: usize) -> Option<(Work, Sequence)> {
        let share = self.queued.div_ceil(self.live_lanes().max(1));
        let front = self.queue.front_mut()?;
        let lane = &mut self.lanes[lane];
        let window = front.job.pace.window();
        if lane.retires || lane.chunks_in_flight > window / 2 {
            return None;
        }
        let left = usize::try_from(lane.left).unwrap_or(usize::MAX);
        let mut chunks = (window - lane.chunks_in_flight).min(share).min(front.chunks).min(left);
        while chunks > 1 && front.job.args_of(front.first, chunks).len() > MAX_BATCH_BYTES {
            chunks /= 2;
        }
        if chunks == 0 {
            return None;
        }
        let work = Work { job: Arc::clone(&front.job), first: front.first, chunks };
        front.first += chunks;
        front.chunks -= chunks;
        if front.chunks == 0 {
            self.queue.pop_front();
        }
        self.queued -= chunks;
        let number = lane.hand(&work);
        Some((work, number))
    }

    /// Takes back from this lane's worker what it has not begun.
    pub fn take_back(&mut self, lane: usize) {
        let lane = &mut self.lanes[lane];
        let Some(worker) = &lane.worker else { return };
        let next = worker.cursor.take_back(lane.next);
        let (_, rest) = lane.split_flights(next);
        lane.left = lane.left.saturating_add(rest.iter().map(|work| work.chunks as u64).sum());
        for work in rest.into_iter().rev() {
            self.put_back(work);
        }
    }

    /// For a lane that has nothing to do: takes back from others what they have not begun. Gives whether there was any.
    pub fn relieve_others(&mut self, lane: usize) -> bool {
        let others = self.overloaded(lane);
        for other in others {
            self.take_back(other);
        }
        self.queued > 0
    }

    /// Other lanes whose workers have work that they have not begun.
    pub fn overloaded(&self, lane: usize) -> Vec<usize> {
        let has_spare = |other: &PoolLane| {
            other.phase == LanePhase::Busy
                && other.worker.as_ref().is_some_and(|worker| {
                    other.flights.back().is_some_and(|flight| {
                        is_before(worker.cursor.next(), flight.number.wrapping_add(flight.chunks()))
                    })
                })
        };
        (0..self.lanes.len()).filter(|other| *other != lane && has_spare(&self.lanes[*other])).collect()
    }

    /// A worker has ended: what it had not begun, or had done without having sent it, is put back. Gives what it was
    /// doing.
    pub fn end_worker(&mut self, lane: usize) -> Option<Work> {
        let lane = &mut self.lanes[lane];
        let worker = lane.worker.take()?;
        let next = worker.cursor.next();
        let (mut begun, rest) = lane.split_flights(next);
        lane.flights.clear();
        lane.chunks_in_flight = 0;
        // It does its chunks in their order, so it was at the last that it began, if that is not done.
        let last_number = next.wrapping_sub(1);
        let was_doing = begun
            .last_mut()
            .filter(|flight| last_number == flight.number.wrapping_add(flight.chunks()).wrapping_sub(1));
        let was_doing = was_doing.map(|flight| {
            flight.work.chunks -= 1;
            Work { job: Arc::clone(&flight.work.job), first: flight.work.first + flight.work.chunks, chunks: 1 }
        });
        for work in rest.into_iter().rev() {
            self.put_back(work);
        }
        for flight in begun.into_iter().rev().filter(|flight| flight.work.chunks > 0) {
            self.put_back(flight.work);
        }
        was_doing
    }

    /// Empties the queue of a pool that does nothing more.
    pub fn take_queue(&mut self) -> Vec<Work> {
        self.queued = 0;
        self.queue.drain(..).collect()
    }
}

/// Wakes the threads of lanes.
pub fn wake_all(wakers: &[Arc<Waker>]) {
    wakers.iter().for_each(|waker| waker.wake());
}

impl InFlight {
    fn chunks(&self) -> Sequence {
        Sequence::try_from(self.work.chunks).expect("a worker has few chunks in hand")
    }
}

impl PoolLane {
    /// Notes that the worker is sent this.
    pub fn hand(&mut self, work: &Work) -> Sequence {
        let number = self.next;
        let flight = InFlight { work: work.clone(), number };
        self.next = number.wrapping_add(flight.chunks());
        self.left -= work.chunks as u64;
        self.chunks_in_flight += work.chunks;
        self.flights.push_back(flight);
        number
    }

    /// Notes that the worker has sent the results of these chunks; gives whose they are. `None` for what it was not
    /// sent.
    pub fn done(&mut self, number: Sequence, chunks: u32) -> Option<Work> {
        let flight = self.flights.front_mut()?;
        let count = chunks as usize;
        if flight.number != number || flight.work.chunks < count || count == 0 {
            return None;
        }
        let work = Work { job: Arc::clone(&flight.work.job), first: flight.work.first, chunks: count };
        flight.number = number.wrapping_add(chunks);
        flight.work.first += count;
        flight.work.chunks -= count;
        if flight.work.chunks == 0 {
            self.flights.pop_front();
        }
        self.chunks_in_flight -= count;
        Some(work)
    }

    /// Takes what is in flight apart: begun, which stays where it is, and not begun, which is removed. The begun ones
    /// are given as copies.
    fn split_flights(&mut self, next: Sequence) -> (Vec<InFlight>, Vec<Work>) {
        let mut begun = Vec::new();
        let mut rest = Vec::new();
        self.flights.retain_mut(|flight| {
            let end = flight.number.wrapping_add(flight.chunks());
            let begun_chunks = if is_before(next, flight.number) {
                0
            } else if is_before(next, end) {
                next.wrapping_sub(flight.number) as usize
            } else {
                flight.work.chunks
            };
            if begun_chunks < flight.work.chunks {
                rest.push(Work {
                    job: Arc::clone(&flight.work.job),
                    first: flight.work.first + begun_chunks,
                    chunks: flight.work.chunks - begun_chunks,
                });
            }
            flight.work.chunks = begun_chunks;
            if begun_chunks > 0 {
                begun.push(InFlight { work: flight.work.clone(), number: flight.number });
            }
            begun_chunks > 0
        });
        self.chunks_in_flight = self.flights.iter().map(|flight| flight.work.chunks).sum();
        (begun, rest)
    }
}
