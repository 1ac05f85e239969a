//! The pool's side of one worker: a thread that starts it, sends it work, takes its results, reaps it when it ends and
//! starts the next. One thread at a time exchanges messages with the worker, this one or the one that it is handed off to;
//! the pool's state says which.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::Signal;

use super::cursor::{Cursor, Sequence};
use super::job::Job;
use super::message::{Batch, FromWorker, Setup};
use super::phase::Phase;
use super::shared::{Failed, PoolShared};
use super::state::{LanePhase, PoolState, Work, WorkerLink, wake_all};
use super::wire::{Frame, Wire};
use crate::error::{PoolError, SystemError, TaskError};
use crate::process::start_child;
use crate::shared::forget_dead_writers;
use fanlane_os::child::describe_end;
use fanlane_os::fd_passing::{self, Passed};
use fanlane_os::futex::as_timespec;

/// How long a worker that was asked to end may take before it is ended.
const END_TIMEOUT: Duration = Duration::from_secs(6);

/// How often an idle lane checks whether another has more work than it can begin.
const POLL_INTERVAL: Duration = Duration::from_millis(1);

/// Maximum number of workers in a row that end by themselves before they can work; ten times as many if they are ended by
/// signals.
const MAX_EARLY_DEATHS: u32 = 3;
const SIGNALLED_DEATH: u32 = 1;
const OWN_DEATH: u32 = 10;

/// What a lane's thread does next.
enum Step {
    Send(Work, Sequence),
    Receive,
    /// Sleep, and check other lanes for work after a while if `polls`.
    Sleep {
        polls: bool,
    },
    /// Sleep until the worker, which is handed off, is returned.
    AwaitReturn,
    /// Let the worker go.
    LetGo,
    /// End the worker.
    Kill,
}

/// How the service of a worker ended.
#[derive(PartialEq, Eq)]
enum End {
    LetGo,
    Died,
}

/// The life of a lane.
pub fn run(shared: &Arc<PoolShared>, lane: usize) {
    loop {
        let worker = match start(shared, lane) {
            Ok(worker) => worker,
            Err(error) => {
                shared.end(TaskError::PoolFailed(error.to_string()));
                break;
            }
        };
        if serve(shared, lane, &worker) == End::LetGo {
            worker.child.reap_within(END_TIMEOUT);
        } else {
            end_worker(shared, lane, &worker);
        }
        forget_dead_writers();
        if shared.is_superfluous(lane) {
            break;
        }
    }
    shared.leave(lane);
}

fn start(shared: &PoolShared, lane: usize) -> Result<WorkerLink, PoolError> {
    let name = shared.next_name();
    let cursor = Cursor::create().map_err(SystemError::during("no memory for a worker can be had"))?;
    let (child, control) = start_child(&name, super::POOL_ROLE)?;
    let (initializer, args, descriptors) = match &shared.plan.initializer {
        None => (None, &[][..], &[][..]),
        Some(call) => (Some(call.function.to_owned()), &call.args[..], &call.descriptors[..]),
    };
    let setup = Setup { name, cursor: Passed(Arc::clone(cursor.descriptor())), initializer };
    // That it is gone by now is noticed at once where it is served.
    let _ = control.send(&setup).and_then(|()| control.send_parts(args, descriptors));
    let [to_worker, from_worker] = cursor.mailboxes();
    let wire = Wire::new(control.into_socket(), to_worker, from_worker);
    let worker = WorkerLink { child, cursor: Arc::new(cursor), wire: Arc::new(Mutex::new(wire)) };
    let mut state = shared.state();
    let slot = &mut state.lanes[lane];
    slot.worker = Some(worker.clone());
    slot.next = 0;
    slot.left = shared.plan.max_tasks_per_child.unwrap_or(u64::MAX);
    Ok(worker)
}

fn serve(shared: &PoolShared, lane: usize, worker: &WorkerLink) -> End {
    loop {
        let step = decide(&mut shared.state(), lane);
        let went_well = match step {
            Step::Send(work, number) => send(worker, &work, number),
            Step::Receive => receive(shared, lane, worker),
            Step::Sleep { polls } => sleep(shared, lane, worker, polls),
            Step::AwaitReturn => {
                shared.waker_of(lane).wait();
                true
            }
            Step::LetGo => {
                let mut wire = worker.wire.lock().unwrap_or_else(PoisonError::into_inner);
                // If it has died meanwhile, it is reaped all the same.
                let _ = wire.send([&[], &[]], &[]);
                shared.state().lanes[lane].worker = None;
                return End::LetGo;
            }
            Step::Kill => {
                worker.child.signal(Signal::KILL);
                false
            }
        };
        if !went_well {
            return End::Died;
        }
    }
}

fn decide(state: &mut PoolState, lane: usize) -> Step {
    if state.lanes[lane].phase == LanePhase::HandedOff {
        state.lanes[lane].is_wanted_back = true;
        return Step::AwaitReturn;
    }
    state.lanes[lane].phase = LanePhase::Busy;
    if state.phase.is_ended() {
        return Step::Kill;
    }
    if state.lanes[lane].retires {
        state.take_back(lane);
        wake_all(&state.wake(usize::MAX));
    }
    if let Some((work, number)) = state.take(lane) {
        return Step::Send(work, number);
    }
    let is_over = state.is_over();
    let slot = &mut state.lanes[lane];
    if slot.chunks_in_flight > 0 {
        Step::Receive
    } else if slot.retires || slot.left == 0 || is_over {
        Step::LetGo
    } else {
        slot.phase = LanePhase::Idle;
        Step::Sleep { polls: !state.overloaded(lane).is_empty() }
    }
}

/// Sends a worker its work.
fn send(worker: &WorkerLink, work: &Work, number: Sequence) -> bool {
    send_on(&mut worker.wire.lock().unwrap_or_else(PoisonError::into_inner), work, number)
}

/// As [`send`], on a wire that is locked already.
pub fn send_on(wire: &mut Wire, work: &Work, number: Sequence) -> bool {
    let job: &Job = &work.job;
    let count = |items: usize| u32::try_from(items).unwrap_or(u32::MAX);
    let (_, last_items) = job.items_of(work.first + work.chunks - 1, 1);
    let batch = Batch {
        function: job.function,
        first: number,
        chunks: count(work.chunks),
        chunk_items: count(job.chunk_items()),
        last_items: count(last_items),
    };
    let mut head = Vec::with_capacity(64 + job.function.len());
    let encoded = fd_passing::encode(&batch, &mut head);
    debug_assert!(encoded.is_ok(), "numbers and a name can be encoded");
    wire.send([&head, job.args_of(work.first, work.chunks)], &[]).is_ok()
}

/// Takes one message of a worker; `false` when it is gone.
fn receive(shared: &PoolShared, lane: usize, worker: &WorkerLink) -> bool {
    let mut wire = worker.wire.lock().unwrap_or_else(PoisonError::into_inner);
    let frame = wire.receive();
    handle(frame, shared, lane, worker, |state| state.lanes[lane].chunks_in_flight).is_some_and(|(settled, _)| {
        shared.settled(settled);
        true
    })
}

/// Handles one message of a worker. Gives how many chunks have results now, which the caller settles, and what `inspect` saw
/// in the state under the same lock; `None` where the worker is gone.
pub fn handle<R>(
    frame: io::Result<Option<Frame<'_>>>,
    shared: &PoolShared,
    lane: usize,
    worker: &WorkerLink,
    inspect: impl FnOnce(&mut PoolState) -> R,
) -> Option<(usize, R)> {
    let frame = frame.ok().flatten()?;
    let (message, values) = postcard::take_from_bytes::<FromWorker>(frame.body).ok()?;
    match message {
        FromWorker::Ready => {
            let mut state = shared.state();
            state.early_deaths = 0;
            Some((0, inspect(&mut state)))
        }
        FromWorker::InitializerFailed(reason) => {
            shared.end(TaskError::PoolFailed(format!("the initializer failed in {}: {reason}", worker.child.pid())));
            Some((0, inspect(&mut shared.state())))
        }
        FromWorker::Results { first, chunks, busy_ns, failures } => {
            let (work, seen) = {
                let mut state = shared.state();
                let work = state.lanes[lane].done(first, chunks)?;
                (work, inspect(&mut state))
            };
            work.job.pace.learn(chunks, busy_ns);
            let (first_item, items) = work.job.items_of(work.first, work.chunks);
            fd_passing::with_arrived(frame.descriptors, || {
                work.job.collector.results(first_item, items, &failures, values);
            });
            Some((work.chunks, seen))
        }
    }
}

/// Sleeps until it is woken or the worker ends; `false` for the latter.
fn sleep(shared: &PoolShared, lane: usize, worker: &WorkerLink, polls: bool) -> bool {
    let waker = shared.waker_of(lane);
    let mut polled = [
        PollFd::from_borrowed_fd(waker.as_fd(), PollFlags::IN),
        PollFd::from_borrowed_fd(worker.child.sentinel(), PollFlags::IN),
    ];
    let timeout = as_timespec(POLL_INTERVAL);
    if let Ok(0) = poll(&mut polled, polls.then_some(&timeout)) {
        let mut state = shared.state();
        // A hand-off that came meanwhile goes first.
        if state.lanes[lane].phase == LanePhase::Idle && state.relieve_others(lane) {
            state.lanes[lane].phase = LanePhase::Busy;
        }
        return true;
    }
    if !polled[0].revents().is_empty() {
        waker.reset();
    }
    // The thread that it is handed off to notices its end as well, and returns it.
    polled[1].revents().is_empty() || shared.state().lanes[lane].phase == LanePhase::HandedOff
}

/// What is to be done when a worker has ended.
fn end_worker(shared: &Arc<PoolShared>, lane: usize, worker: &WorkerLink) {
    let status = worker.child.reap_within(END_TIMEOUT);
    // The messages that it had sent count. No more are added to them, so this comes to an end.
    {
        let wire = worker.wire.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = rustix::net::shutdown(wire.as_fd(), rustix::net::Shutdown::Both);
    }
    while receive(shared, lane, worker) {}
    let mut failed: Vec<Failed> = Vec::new();
    let mut ended = None;
    {
        let mut state = shared.state();
        let was_doing = state.end_worker(lane);
        if let Phase::Ended(why) = &state.phase {
            let why = why.clone();
            failed.extend(was_doing.into_iter().chain(state.take_queue()).map(|work| (work, why.clone())));
        } else if let Some(work) = was_doing {
            state.early_deaths = 0;
            let deaths = {
                let mut deaths = work.job.deaths.lock().unwrap_or_else(PoisonError::into_inner);
                let deaths = deaths.entry(work.first).or_default();
                *deaths += 1;
                *deaths
            };
            if work.job.collector.is_cancelled() {
                failed.push((work, TaskError::Cancelled));
            } else if deaths <= shared.plan.retries {
                state.put_back(work);
            } else {
                let how = describe_end(status);
                failed.push((work, TaskError::WorkerDied { pid: worker.child.pid(), how }));
            }
        } else {
            let was_signalled = status.signal().is_some();
            state.early_deaths += if was_signalled { SIGNALLED_DEATH } else { OWN_DEATH };
            if state.early_deaths >= MAX_EARLY_DEATHS * OWN_DEATH {
                let how = describe_end(status);
                ended = Some(TaskError::PoolFailed(format!(
                    "its workers end before they can work ({how}): does main call init first? In tests init_before_main does it"
                )));
            }
        }
        failed.extend(state.drop_cancelled().into_iter().map(|work| (work, TaskError::Cancelled)));
        // What was put back is for any idle worker.
        let queued = state.queued;
        wake_all(&state.wake(queued));
    }
    shared.fail(failed);
    if let Some(why) = ended {
        shared.end(why);
    }
    if status.signal().is_some() {
        worker.child.sweep();
    }
}
