//! What all threads of a pool share.

use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use rustix::event::{EventfdFlags, eventfd};
use rustix::process::Signal;

use super::job::Job;
use super::lane;
use super::state::{LanePhase, Phase, PoolLane, PoolState, Work, WorkerLink};
use crate::error::{Error, SystemError, TaskError};

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
    threads: Mutex<Vec<JoinHandle<()>>>,
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
        Self { plan, state: Mutex::new(PoolState::new()), threads: Mutex::new(Vec::new()), started: AtomicU64::new(0) }
    }

    pub fn state(&self) -> MutexGuard<'_, PoolState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn next_name(&self) -> String {
        format!("PoolWorker-{}", self.started.fetch_add(1, Ordering::Relaxed) + 1)
    }

    pub fn bell_of(&self, lane: usize) -> Arc<OwnedFd> {
        Arc::clone(&self.state().lanes[lane].bell)
    }

    pub fn ring_all(&self, bells: &[Arc<OwnedFd>]) {
        for bell in bells {
            // It fails where it has rung without end already.
            let _ = rustix::io::write(bell, &1_u64.to_ne_bytes());
        }
    }

    /// Sets the number of workers.
    pub fn resize(self: &Arc<Self>, workers: usize) -> Result<(), Error> {
        let mut bells = Vec::new();
        let mut added = Vec::new();
        {
            let mut state = self.state();
            if state.phase != Phase::Open {
                return Err(Error::Task(TaskError::PoolClosed));
            }
            let live = state.live_lanes();
            let superfluous = live.saturating_sub(workers);
            let live_lanes = |lane: &&mut PoolLane| lane.phase != LanePhase::Gone && !lane.retires;
            for lane in state.lanes.iter_mut().rev().filter(live_lanes).take(superfluous) {
                lane.retires = true;
                if lane.phase == LanePhase::Idle {
                    lane.phase = LanePhase::Busy;
                }
                bells.push(Arc::clone(&lane.bell));
            }
            for _ in live..workers {
                let bell = eventfd(0, EventfdFlags::CLOEXEC)
                    .map_err(|error| SystemError::during("no descriptor for a worker can be had")(error.into()))?;
                let lane = PoolLane {
                    phase: LanePhase::Busy,
                    worker: None,
                    flights: std::collections::VecDeque::new(),
                    chunks_in_flight: 0,
                    next: 0,
                    left: 0,
                    retires: false,
                    is_wanted_back: false,
                    bell: Arc::new(bell),
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
        self.ring_all(&bells);
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
        let thread =
            std::thread::Builder::new().name("pool's lane".to_owned()).spawn(move || lane::run(&shared, lane))?;
        self.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        Ok(())
    }

    /// Takes on work.
    pub fn submit(&self, job: Job) -> Result<(), TaskError> {
        let bells = {
            let mut state = self.state();
            match &state.phase {
                Phase::Open => {}
                Phase::Closed => return Err(TaskError::PoolClosed),
                Phase::Ended(why) => return Err(why.clone()),
            }
            let chunks = job.chunks();
            if chunks == 0 {
                return Ok(());
            }
            state.add(Work { job: Arc::new(job), first: 0, chunks });
            state.wake(chunks)
        };
        self.ring_all(&bells);
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
        let bells = {
            let mut state = self.state();
            state.outstanding -= settled;
            let is_over = state.outstanding == 0 && state.phase == Phase::Closed;
            let has_to_look = !is_alive || state.queued > 0 || state.phase != Phase::Open;
            let lane = &mut state.lanes[handoff.lane];
            let has_to_look = has_to_look || std::mem::take(&mut lane.is_wanted_back) || lane.retires || lane.left == 0;
            lane.phase = if has_to_look { LanePhase::Busy } else { LanePhase::Idle };
            if is_over {
                state.all_bells()
            } else if has_to_look {
                vec![Arc::clone(&lane.bell)]
            } else {
                Vec::new()
            }
        };
        self.ring_all(&bells);
    }

    /// `chunks` more have results.
    pub fn settled(&self, chunks: usize) {
        let bells = {
            let mut state = self.state();
            state.outstanding -= chunks;
            let is_over = state.outstanding == 0 && state.phase == Phase::Closed;
            if is_over { state.all_bells() } else { Vec::new() }
        };
        self.ring_all(&bells);
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
        let bells = {
            let mut state = self.state();
            if state.phase == Phase::Open {
                state.phase = Phase::Closed;
            }
            state.all_bells()
        };
        self.ring_all(&bells);
    }

    /// Ends everything; `why` becomes the result of what is not done.
    pub fn end(&self, why: TaskError) {
        let (work, bells, children) = {
            let mut state = self.state();
            if matches!(state.phase, Phase::Ended(_)) {
                return;
            }
            state.phase = Phase::Ended(why.clone());
            let children: Vec<_> =
                state.lanes.iter().filter_map(|lane| Some(Arc::clone(&lane.worker.as_ref()?.child))).collect();
            (state.take_queue(), state.all_bells(), children)
        };
        for child in children {
            child.signal(Signal::KILL);
        }
        self.ring_all(&bells);
        self.fail(work.into_iter().map(|work| (work, why.clone())).collect());
    }

    /// Whether a lane whose worker is gone needs no other.
    pub fn is_superfluous(&self, lane: usize) -> bool {
        let state = self.state();
        let is_over = match state.phase {
            Phase::Open => false,
            Phase::Closed => state.outstanding == 0,
            Phase::Ended(_) => true,
        };
        is_over || state.lanes[lane].retires
    }

    /// A lane's thread is done.
    pub fn leave(&self, lane: usize) {
        let mut state = self.state();
        state.lanes[lane].phase = LanePhase::Gone;
        state.lanes[lane].worker = None;
    }

    /// Waits until all lanes are done. To be called when it is closed or has ended.
    pub fn join(&self) {
        loop {
            let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
            if threads.is_empty() {
                return;
            }
            for thread in threads {
                // A callback that panics ends its lane's thread; the panic was reported then.
                let _ = thread.join();
            }
        }
    }
}
