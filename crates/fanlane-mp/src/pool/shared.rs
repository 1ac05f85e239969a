//! What all threads of a pool share.

use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::process::Signal;

use super::job::Job;
use super::lane;
use super::phase::{Phase, PoolThreads};
use super::state::{LanePhase, PoolLane, PoolState, Work, WorkerLink, wake_all};
use crate::error::{PoolError, SystemError, TaskError};
use fanlane_os::waker::Waker;

/// A call that each worker makes first.
pub struct FirstCall {
    pub function: &'static str,
    pub args: Vec<u8>,
    pub descriptors: Vec<Arc<OwnedFd>>,
}

/// What was asked for when the pool was made.
#[derive(Default)]
pub struct PoolPlan {
    pub initializer: Option<FirstCall>,
    pub max_tasks_per_child: Option<u64>,
    pub retries: u32,
}

/// Work without a result, and why.
pub type Failed = (Work, TaskError);

/// See the module.
pub struct PoolShared {
    pub plan: PoolPlan,
    state: Mutex<PoolState>,
    threads: PoolThreads,
    started: AtomicU64,
}

/// An idle worker handed off to the calling thread, which exchanges messages with it directly.
pub struct Handoff {
    lane: usize,
    worker: WorkerLink,
    work: Work,
    number: super::cursor::Sequence,
}

impl PoolShared {
    pub const fn new(plan: PoolPlan) -> Self {
        Self { plan, state: Mutex::new(PoolState::new()), threads: PoolThreads::new(), started: AtomicU64::new(0) }
    }

    pub fn state(&self) -> MutexGuard<'_, PoolState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn next_name(&self) -> String {
        format!("PoolWorker-{}", self.started.fetch_add(1, Ordering::Relaxed) + 1)
    }

    pub fn waker_of(&self, lane: usize) -> Arc<Waker> {
        Arc::clone(&self.state().lanes[lane].waker)
    }

    /// Sets the number of workers.
    pub fn resize(self: &Arc<Self>, workers: usize) -> Result<(), PoolError> {
        let mut wakers = Vec::new();
        let mut added = Vec::new();
        {
            let mut state = self.state();
            if state.phase != Phase::Open {
                return Err(PoolError::Task(TaskError::PoolClosed));
            }
            let live = state.live_lanes();
            let superfluous = live.saturating_sub(workers);
            let live_lanes = |lane: &&mut PoolLane| lane.phase != LanePhase::Gone && !lane.retires;
            for lane in state.lanes.iter_mut().rev().filter(live_lanes).take(superfluous) {
                lane.retires = true;
                if lane.phase == LanePhase::Idle {
                    lane.phase = LanePhase::Busy;
                }
                wakers.push(Arc::clone(&lane.waker));
            }
            for _ in live..workers {
                let waker = Waker::new().map_err(SystemError::during("no descriptor for a worker can be had"))?;
                let lane = PoolLane {
                    phase: LanePhase::Busy,
                    worker: None,
                    flights: std::collections::VecDeque::new(),
                    chunks_in_flight: 0,
                    next: 0,
                    left: 0,
                    retires: false,
                    is_wanted_back: false,
                    waker: Arc::new(waker),
                };
                match state.lanes.iter().position(|lane| lane.phase == LanePhase::Gone) {
                    Some(place) => {
                        state.lanes[place] = lane;
                        added.push(place);
                    }
                    None => {
                        state.lanes.push(lane);
                        added.push(state.lanes.len() - 1);
                    }
                }
            }
        }
        wake_all(&wakers);
        for (place, lane) in added.iter().enumerate() {
            if let Err(error) = self.start_lane(*lane) {
                added[place..].iter().for_each(|lane| self.leave(*lane));
                return Err(SystemError::during("no thread for a worker can be had")(error).into());
            }
        }
        Ok(())
    }

    fn start_lane(self: &Arc<Self>, lane: usize) -> std::io::Result<()> {
        let shared = Arc::clone(self);
        self.threads.start("pool's lane", move || lane::run(&shared, lane))
    }

    /// Takes on work.
    pub fn submit(&self, job: Job) -> Result<(), TaskError> {
        let wakers = {
            let mut state = self.state();
            state.phase.check_open()?;
            let chunks = job.chunks();
            if chunks == 0 {
                return Ok(());
            }
            state.add(Work { job: Arc::new(job), first: 0, chunks });
            state.wake(chunks)
        };
        wake_all(&wakers);
        Ok(())
    }

    /// Hands one call to a worker that waits, if there is one: the caller then exchanges messages with it itself,
    /// which saves waking the lane's thread. Otherwise the job is taken on as any other.
    pub fn hand_off(&self, job: Job) -> Result<Option<Handoff>, TaskError> {
        let mut state = self.state();
        let idle = |lane: &PoolLane| lane.phase == LanePhase::Idle && lane.left > 0 && !lane.retires;
        let idle = state.lanes.iter().position(idle).filter(|_| state.phase == Phase::Open && state.queued == 0);
        let worker = idle.and_then(|lane| Some((lane, state.lanes[lane].worker.clone()?)));
        let Some((lane, worker)) = worker else {
            drop(state);
            return self.submit(job).map(|()| None);
        };
        let work = Work { chunks: job.chunks(), first: 0, job: Arc::new(job) };
        state.outstanding += work.chunks;
        state.lanes[lane].phase = LanePhase::HandedOff;
        let number = state.lanes[lane].hand(&work);
        Ok(Some(Handoff { lane, worker, work, number }))
    }

    /// Runs the call on the handed-off worker, then returns the worker to its lane.
    pub fn run_handoff(&self, handoff: Handoff) {
        let worker = &handoff.worker;
        let mut settled = 0;
        let is_alive = {
            let mut wire = worker.wire.lock().unwrap_or_else(PoisonError::into_inner);
            let mut in_hand = lane::send_on(&mut wire, &handoff.work, handoff.number).then_some(handoff.work.chunks);
            while in_hand.is_some_and(|chunks| chunks > 0) {
                let frame = wire.receive_soon();
                let handled =
                    lane::handle(frame, self, handoff.lane, worker, |state| state.lanes[handoff.lane].chunks_in_flight);
                in_hand = handled.map(|(chunks, left)| {
                    settled += chunks;
                    left
                });
            }
            in_hand.is_some()
        };
        let wakers = {
            let mut state = self.state();
            state.outstanding -= settled;
            let is_over = state.is_over();
            let has_to_check = !is_alive || state.queued > 0 || state.phase != Phase::Open;
            let lane = &mut state.lanes[handoff.lane];
            let has_to_check =
                has_to_check || std::mem::take(&mut lane.is_wanted_back) || lane.retires || lane.left == 0;
            lane.phase = if has_to_check { LanePhase::Busy } else { LanePhase::Idle };
            if is_over {
                state.all_wakers()
            } else if has_to_check {
                vec![Arc::clone(&lane.waker)]
            } else {
                Vec::new()
            }
        };
        wake_all(&wakers);
    }

    /// `chunks` more have results.
    pub fn settled(&self, chunks: usize) {
        let wakers = {
            let mut state = self.state();
            state.outstanding -= chunks;
            if state.is_over() { state.all_wakers() } else { Vec::new() }
        };
        wake_all(&wakers);
    }

    /// Gives errors as the results of work.
    pub fn fail(&self, failed: Vec<Failed>) {
        for (work, error) in failed {
            work.job.fail(work.first, work.chunks, &error);
            self.settled(work.chunks);
        }
    }

    /// Takes nothing more; what was taken on is done.
    pub fn close(&self) {
        let wakers = {
            let mut state = self.state();
            state.phase.close();
            state.all_wakers()
        };
        wake_all(&wakers);
    }

    /// Ends everything; `why` becomes the result of what is not done.
    pub fn end(&self, why: TaskError) {
        let (work, wakers, children) = {
            let mut state = self.state();
            if !state.phase.end(&why) {
                return;
            }
            let children: Vec<_> =
                state.lanes.iter().filter_map(|lane| Some(Arc::clone(&lane.worker.as_ref()?.child))).collect();
            (state.take_queue(), state.all_wakers(), children)
        };
        for child in children {
            child.signal(Signal::KILL);
        }
        wake_all(&wakers);
        self.fail(work.into_iter().map(|work| (work, why.clone())).collect());
    }

    /// Whether a lane whose worker is gone needs no other.
    pub fn is_superfluous(&self, lane: usize) -> bool {
        let state = self.state();
        state.phase.is_ended() || state.is_over() || state.lanes[lane].retires
    }

    /// A lane's thread is done.
    pub fn leave(&self, lane: usize) {
        let mut state = self.state();
        state.lanes[lane].phase = LanePhase::Gone;
        state.lanes[lane].worker = None;
    }

    /// Waits until all lanes are done. To be called when it is closed or has ended.
    pub fn join(&self) {
        self.threads.join();
    }
}
