//! One lane of a worker process: a thread that does the tasks, and one that listens to the engine meanwhile.
//!
//! The listener gives back what was not begun, ends what must be ended, and says what has been running for a while.
//! A command is ended by signals; a call cannot be, so its process ends itself after having said so.

use std::collections::VecDeque;
use std::io;
use std::os::unix::net::UnixStream;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::engine::protocol::{CommandKind, FromWorker, GAVE_UP_EXIT_CODE, TaskFrame, TaskKind, ToWorker};
use crate::event::{AttemptRecord, Lane, Outcome, StreamName, TaskId, WorkerId, spill_name};
use crate::job::control::environment_of_lane;
use crate::job::workload::Workload;
use crate::mp::clock::monotonic_ns;
use crate::mp::frame::{FrameError, FrameReader};

use super::command::{Runner, Watch};
use super::cpu_meter::CpuMeter;
use super::outbox::Outbox;
use super::{Station, end_all_descendants};

/// How often the listener looks at what is running, in nanoseconds; also the precision of timeouts.
const LOOK_NS: i64 = 10_000_000;
/// The same for a task that is known to be long and that nothing can become of but its end.
const LONG_LOOK_NS: i64 = 50_000_000;
/// A task that has run for so long is announced, in nanoseconds.
const ANNOUNCE_NS: u64 = 8_000_000;

struct LaneShared {
    station: Arc<Station>,
    worker: WorkerId,
    /// What of the job's resources is this lane's own.
    environment: Vec<(String, String)>,
    state: Mutex<State>,
    work: Condvar,
    outbox: Mutex<Outbox>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<TaskFrame>,
    retiring: bool,
    /// How long an attempt may take.
    timeout_ns: Option<u64>,
    current: Option<Current>,
}

impl State {
    /// How soon the listener has to look again, in nanoseconds; `None` while there is nothing to do.
    fn look_ns(&self) -> Option<i64> {
        match &self.current {
            Some(current) if current.announced && current.ending.is_none() && self.timeout_ns.is_none() => {
                Some(LONG_LOOK_NS)
            }
            Some(_) => Some(LOOK_NS),
            None => (!self.waiting.is_empty()).then_some(LOOK_NS),
        }
    }
}

struct Current {
    task: TaskId,
    attempt: u32,
    start_ns: u64,
    pid: Option<Pid>,
    announced: bool,
    /// Why it is being ended, and when SIGKILL follows.
    ending: Option<(Outcome, u64)>,
}

/// Opens a lane on `stream`.
pub fn open(station: Arc<Station>, worker: WorkerId, lane: Lane, stream: UnixStream) -> io::Result<()> {
    let setup = &station.setup;
    let environment = environment_of_lane(&setup.needs, lane.0);
    let state = State { timeout_ns: setup.timeout_ns, ..State::default() };
    let lane = Arc::new(LaneShared {
        station,
        worker,
        environment,
        state: Mutex::new(state),
        work: Condvar::new(),
        outbox: Mutex::new(Outbox::new(stream.try_clone()?)),
    });
    lane.outbox().send(&FromWorker::Ready);
    let executor = Arc::clone(&lane);
    std::thread::Builder::new().name("lane".to_owned()).spawn(move || executor.work_off())?;
    std::thread::Builder::new().name("listener".to_owned()).spawn(move || lane.listen(stream))?;
    Ok(())
}

impl LaneShared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn outbox(&self) -> MutexGuard<'_, Outbox> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn since_epoch_ns(&self) -> u64 {
        monotonic_ns().saturating_sub(self.station.setup.epoch_ns)
    }

    /// The executor: does the tasks in their order until the lane is retired.
    fn work_off(&self) {
        let setup = &self.station.setup;
        let kind = match &setup.kind {
            TaskKind::Command(kind) => kind.clone(),
            TaskKind::Workload { .. } => CommandKind::default(),
        };
        let mut runner = Runner::new(kind, setup.output_limit_bytes, setup.shared_process, self.environment.clone());
        let mut meter = CpuMeter::start();
        let mut now_ns = 0;
        while let Some((frame, start_ns)) = self.next(now_ns) {
            let record = match &self.station.workload {
                None => self.command(&mut runner, frame, start_ns),
                Some(workload) => self.call(workload, &frame, start_ns, &mut meter),
            };
            self.state().current = None;
            now_ns = record.start_ns + record.wall_ns;
            let mut outbox = self.outbox();
            let mut sent = outbox.push(record, setup.epoch_ns + now_ns);
            // A command may have changed the world: that it is done must not be lost with its worker.
            if self.station.workload.is_none() {
                outbox.flush();
                sent = true;
            }
            if sent {
                now_ns = 0;
            }
        }
        self.station.live_lanes.fetch_sub(1, Ordering::AcqRel);
        self.outbox().send(&FromWorker::Bye);
        self.outbox().close();
    }

    /// The next task and when it begins, `now_ns` being the time, or 0 if it has to be asked. Waits for one, and sends what
    /// was gathered before it waits. `None` once the lane is retired.
    fn next(&self, mut now_ns: u64) -> Option<(TaskFrame, u64)> {
        let mut state = self.state();
        loop {
            while self.station.over.load(Ordering::SeqCst) {
                // The process is about to end, and what runs is ended first: the next must not take its place.
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            if let Some(frame) = state.waiting.pop_front() {
                // The next begins as the last one ends, unless something took time between them.
                let start_ns = if now_ns == 0 { self.since_epoch_ns() } else { now_ns };
                state.current = Some(Current {
                    task: frame.task,
                    attempt: frame.attempt,
                    start_ns,
                    pid: None,
                    announced: false,
                    ending: None,
                });
                return Some((frame, start_ns));
            }
            if state.retiring {
                return None;
            }
            drop(state);
            now_ns = 0;
            self.outbox().flush();
            state = self.state();
            if state.waiting.is_empty() && !state.retiring {
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    fn record(&self, frame: &TaskFrame, start_ns: u64, outcome: Outcome) -> AttemptRecord {
        AttemptRecord {
            task: frame.task,
            attempt: frame.attempt,
            worker: self.worker,
            start_ns,
            wall_ns: self.since_epoch_ns().saturating_sub(start_ns),
            cpu_ns: 0,
            max_rss_bytes: 0,
            outcome,
            value: None,
            output: None,
        }
    }

    fn command(&self, runner: &mut Runner, mut frame: TaskFrame, start_ns: u64) -> AttemptRecord {
        if let Some(reason) = &self.station.unusable {
            return self.record(&frame, start_ns, Outcome::CannotStart(reason.as_str().into()));
        }
        let payload = std::mem::take(&mut frame.payload);
        let marker = format!("{}.{}.{}", std::process::id(), frame.task.number(), frame.attempt);
        let spill = StreamName::BOTH.map(|stream| {
            let folder = self.station.setup.spill_folder.as_ref()?;
            Some(folder.join(spill_name(frame.task, frame.attempt, stream)))
        });
        let ended = runner.run(payload, &marker, spill, self);
        AttemptRecord {
            cpu_ns: ended.cpu_ns,
            max_rss_bytes: ended.max_rss_bytes,
            output: ended.output,
            ..self.record(&frame, start_ns, ended.outcome)
        }
    }

    fn call(&self, workload: &Workload, frame: &TaskFrame, start_ns: u64, meter: &mut CpuMeter) -> AttemptRecord {
        let station = &self.station;
        let called = std::panic::AssertUnwindSafe(|| workload.call(&frame.payload, &station.context));
        let result = match &station.unusable {
            Some(reason) => Err(reason.clone()),
            None => std::panic::catch_unwind(called).unwrap_or_else(|panic| Err(panic_message(panic.as_ref()))),
        };
        let (outcome, value) = match result {
            Ok(value) => (Outcome::Done, Some(value)),
            Err(message) => (Outcome::CallFailed(message.into()), None),
        };
        let mut record = AttemptRecord { value, ..self.record(frame, start_ns, outcome) };
        record.cpu_ns = meter.of_call(record.wall_ns);
        record
    }

    /// The listener: does what the engine says until the engine has gone or the lane has ended.
    fn listen(&self, mut stream: UnixStream) {
        let mut frames = FrameReader::default();
        loop {
            let look = self.state().look_ns().map(|tv_nsec| Timespec { tv_sec: 0, tv_nsec });
            let mut polled = [PollFd::new(&stream, PollFlags::IN)];
            let ready = poll(&mut polled, look.as_ref()).unwrap_or(0);
            if ready > 0 {
                match frames.fill(&mut stream) {
                    Ok(true) => {}
                    Ok(false) | Err(FrameError::Torn | FrameError::Io(_)) => return,
                    Err(_) => self.give_up(None),
                }
                loop {
                    match frames.next_message::<ToWorker>() {
                        Ok(Some(message)) => self.heed(message),
                        Ok(None) => break,
                        Err(_) => self.give_up(None),
                    }
                }
            }
            self.look();
        }
    }

    fn heed(&self, message: ToWorker) {
        match message {
            ToWorker::Run(tasks) => {
                self.state().waiting.extend(tasks);
                self.work.notify_one();
            }
            ToWorker::Recall(count) => {
                let returned = {
                    let mut state = self.state();
                    let keep = state.waiting.len().saturating_sub(count as usize);
                    state.waiting.split_off(keep).into_iter().map(|frame| frame.task).collect()
                };
                self.outbox().send(&FromWorker::Returned(returned));
            }
            ToWorker::Cancel(task) => {
                let mut state = self.state();
                let place = state.waiting.iter().position(|frame| frame.task == task);
                if let Some(frame) = place.and_then(|place| state.waiting.remove(place)) {
                    self.forget(&[frame]);
                } else if state.current.as_ref().is_some_and(|current| current.task == task) {
                    self.end_current(&mut state, Outcome::Cancelled, false);
                }
            }
            ToWorker::Stop { now } => {
                let mut state = self.state();
                let waiting: Vec<TaskFrame> = state.waiting.drain(..).collect();
                self.forget(&waiting);
                self.end_current(&mut state, Outcome::Cancelled, now);
            }
            ToWorker::SetTimeout(timeout_ns) => self.state().timeout_ns = Some(timeout_ns),
            ToWorker::Retire => {
                self.state().retiring = true;
                self.work.notify_one();
            }
        }
    }

    /// Reports tasks that were not begun as cancelled.
    fn forget(&self, frames: &[TaskFrame]) {
        let now_ns = self.since_epoch_ns();
        let records: Vec<AttemptRecord> = frames
            .iter()
            .map(|frame| AttemptRecord { attempt: frame.attempt - 1, ..self.record(frame, now_ns, Outcome::Cancelled) })
            .collect();
        if !records.is_empty() {
            self.outbox().send(&FromWorker::Finished(records));
        }
    }

    /// Ends the running task: a command by SIGTERM, later SIGKILL; a call together with this process.
    fn end_current(&self, state: &mut State, outcome: Outcome, now: bool) {
        let Some(current) = &mut state.current else { return };
        if self.station.workload.is_some() {
            let frame = TaskFrame { task: current.task, attempt: current.attempt, payload: Vec::new() };
            self.give_up(Some(self.record(&frame, current.start_ns, outcome)));
        }
        let kill_at_ns = self.since_epoch_ns() + self.station.setup.grace_ns;
        let first = current.ending.is_none();
        current.ending.get_or_insert((outcome, kill_at_ns));
        match current.pid {
            Some(pid) if now => drop(kill_process_group(pid, Signal::KILL)),
            Some(pid) if first => end_gently(pid),
            _ => {}
        }
    }

    /// Looks at the running task: announces it, ends it when its time is up, kills it when its grace time is.
    fn look(&self) {
        let mut state = self.state();
        let timeout_ns = state.timeout_ns;
        if let Some(current) = &mut state.current {
            let now_ns = self.since_epoch_ns();
            let age_ns = now_ns.saturating_sub(current.start_ns);
            if age_ns > ANNOUNCE_NS && !current.announced && (current.pid.is_some() || self.station.workload.is_some())
            {
                current.announced = true;
                let started = FromWorker::Started {
                    task: current.task,
                    attempt: current.attempt,
                    start_ns: current.start_ns,
                    pid: current.pid.map(|pid| pid.as_raw_nonzero().get().unsigned_abs()),
                };
                self.outbox().send(&started);
            }
            match (&current.ending, current.pid) {
                (Some((_, kill_at_ns)), Some(pid)) if now_ns >= *kill_at_ns => {
                    let _ = kill_process_group(pid, Signal::KILL);
                }
                (None, _) if timeout_ns.is_some_and(|timeout_ns| age_ns >= timeout_ns) => {
                    self.end_current(&mut state, Outcome::TimedOut, false);
                }
                _ => {}
            }
        }
        drop(state);
        self.outbox().flush_old();
    }

    /// Ends this process, because a call in it cannot be ended otherwise or the engine talks nonsense.
    ///
    /// The caller holds the lane's state, so the executor cannot report the same task.
    fn give_up(&self, record: Option<AttemptRecord>) -> ! {
        if let Some(record) = record {
            self.outbox().send(&FromWorker::Finished(vec![record]));
        }
        end_all_descendants();
        std::process::exit(GAVE_UP_EXIT_CODE)
    }
}

impl Watch for LaneShared {
    fn begun(&self, pid: Pid) {
        let mut state = self.state();
        let Some(current) = &mut state.current else { return };
        current.pid = Some(pid);
        if current.ending.is_some() {
            end_gently(pid);
        }
    }

    fn ending(&self) -> Option<Outcome> {
        let mut state = self.state();
        let current = state.current.as_mut()?;
        current.pid = None;
        current.ending.as_ref().map(|(outcome, _)| outcome.clone())
    }
}

/// SIGTERM, and SIGCONT so that a stopped command can heed it.
fn end_gently(pid: Pid) {
    let _ = kill_process_group(pid, Signal::TERM);
    let _ = kill_process_group(pid, Signal::CONT);
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned());
    format!("it panicked: {text}")
}
