//! One lane of a worker process: the thread that does the tasks, and what it shares with the one that listens to the
//! engine meanwhile.

use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Once, PoisonError};

use rustix::process::Pid;

use crate::engine::progress::{PROGRESS_VARIABLE, address};
use crate::engine::protocol::{Caps, CommandKind, FromWorker, TaskFrame, TaskKind};
use crate::event::{AttemptRecord, LaneId, Outcome, StreamName, TaskId, WorkerId, spill_name};
use crate::job::control::environment_of_lane;
use crate::job::workload::Workload;
use crate::mp::clock::monotonic_ns;
use crate::mp::function::panic_message;
use crate::mp::launch::Launcher;
use crate::mp::limit::Limit;
use crate::mp::mailbox;
use crate::mp::memory::Segment;
use crate::mp::waker::Waker;

use super::Station;
use super::command::{Runner, Watch};
use super::cpu_meter::CpuMeter;
use super::ear::Ear;
use super::listener::end_gently;
use super::outbox::Outbox;
use super::start_pages;
use super::streams::Reader;

/// The first lane of this process is about to do its first task.
static STARTED: Once = Once::new();

pub(super) struct LaneShared {
    pub(super) station: Arc<Station>,
    pub(super) worker: WorkerId,
    /// What of the job's resources is this lane's own.
    pub(super) environment: Vec<(String, String)>,
    pub(super) state: Mutex<State>,
    /// Tells the executor of work.
    pub(super) work: Condvar,
    pub(super) ear: Ear,
    /// Tells the listener that it is to listen.
    pub(super) listener: Condvar,
    pub(super) outbox: Mutex<Outbox>,
    pub(super) reminder: Arc<Waker>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) waiting: VecDeque<TaskFrame>,
    pub(super) retiring: bool,
    /// The executor listens, or will when it is out of work.
    pub(super) executor_hears: bool,
    /// When the executor last listened between two tasks, in nanoseconds since the run's start.
    pub(super) heard_ns: u64,
    /// How many tasks were begun.
    pub(super) begun: u64,
    /// How long an attempt may take.
    pub(super) timeout_ns: Option<u64>,
    pub(super) current: Option<Current>,
}

pub(super) struct Current {
    pub(super) task: TaskId,
    pub(super) attempt: u32,
    pub(super) start_ns: u64,
    pub(super) pid: Option<Pid>,
    pub(super) announced: bool,
    /// The system is short of what it takes to start it: its time does not count yet.
    pub(super) short: bool,
    /// Its streams are listened to.
    pub(super) reminded: bool,
    /// Why it is being ended, and when SIGKILL follows.
    pub(super) ending: Option<(Outcome, u64)>,
}

/// Opens a lane on `stream`, with the mailboxes beside it if there is memory with some.
pub fn open(
    station: Arc<Station>,
    worker: WorkerId,
    lane: LaneId,
    stream: &UnixStream,
    mailboxes: Option<OwnedFd>,
) -> io::Result<()> {
    let listened = stream.try_clone()?;
    let segment = mailboxes.map(Segment::open).transpose()?.map(Arc::new);
    let [from_engine, to_engine] = mailbox::pair_in(segment.as_ref());
    let setup = &station.setup;
    let transport = setup.transport;
    let environment = environment_of_lane(&setup.needs, lane.0);
    let state = State { timeout_ns: setup.timeout_ns, ..State::default() };
    let lane = Arc::new(LaneShared {
        station,
        worker,
        environment,
        state: Mutex::new(state),
        work: Condvar::new(),
        listener: Condvar::new(),
        outbox: Mutex::new(Outbox::new(stream.try_clone()?, to_engine, transport)),
        reminder: Arc::new(Waker::new()?),
        ear: Ear::new(listened, from_engine)?,
    });
    // Should the second thread not be had, the first ends with the connection.
    let (listener, executor) = (Arc::clone(&lane), Arc::clone(&lane));
    std::thread::Builder::new().name("listener".to_owned()).spawn(move || listener.listen())?;
    std::thread::Builder::new().name("lane".to_owned()).spawn(move || executor.work_off())?;
    lane.outbox().send(&FromWorker::Ready);
    Ok(())
}

impl LaneShared {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn outbox(&self) -> MutexGuard<'_, Outbox> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn since_epoch_ns(&self) -> u64 {
        monotonic_ns().saturating_sub(self.station.setup.epoch_ns)
    }

    /// The executor: does the tasks in their order until the lane is retired.
    fn work_off(&self) {
        let setup = &self.station.setup;
        let kind = match &setup.kind {
            TaskKind::Command(kind) => kind.clone(),
            TaskKind::Workload { .. } => CommandKind::default(),
        };
        let most_bytes = setup.caps.output_bytes.unwrap_or(u64::MAX);
        let reader = Reader::new(setup.output_limit_bytes, most_bytes, Arc::clone(&self.reminder));
        let progress = setup.progress.iter().map(|name| (PROGRESS_VARIABLE.to_owned(), address(name, self.worker)));
        let own = self.environment.iter().cloned().chain(progress);
        let mut launcher = Launcher::new(own).expect("resources have names without NUL, which the job's check sees to");
        limit(&mut launcher, &setup.caps);
        let mut runner = Runner::new(kind, launcher, reader, setup.shared_process);
        // Each lane of a process begins like the first one.
        STARTED.call_once(start_pages::let_go);
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
        // It hears the end.
        self.state().executor_hears = false;
        self.listener.notify_one();
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
            if !state.waiting.is_empty() {
                if now_ns == 0 {
                    now_ns = self.since_epoch_ns();
                }
                if self.is_to_hear_in_passing(&mut state, now_ns) {
                    drop(state);
                    self.hear_in_passing();
                    state = self.state();
                    continue;
                }
            }
            // The next begins as the last one ends, unless something took time between them.
            let start_ns = now_ns;
            if let Some(frame) = state.waiting.pop_front() {
                state.current = Some(Current {
                    task: frame.task,
                    attempt: frame.attempt,
                    start_ns,
                    pid: None,
                    announced: false,
                    short: false,
                    reminded: false,
                    ending: None,
                });
                state.begun += 1;
                return Some((frame, start_ns));
            }
            if state.retiring {
                return None;
            }
            drop(state);
            now_ns = 0;
            self.outbox().flush();
            self.wait_for_work();
            state = self.state();
        }
    }

    pub(super) fn record(&self, frame: &TaskFrame, start_ns: u64, outcome: Outcome) -> AttemptRecord {
        AttemptRecord {
            start_ns,
            wall_ns: self.since_epoch_ns().saturating_sub(start_ns),
            ..AttemptRecord::new(frame.task, frame.attempt, self.worker, outcome)
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
        // It may have had to wait for its beginning.
        let start_ns = self.state().current.as_ref().map_or(start_ns, |current| current.start_ns);
        AttemptRecord {
            cpu_ns: ended.cpu_ns,
            max_rss_bytes: ended.max_rss_bytes,
            memory_kill: ended.memory_kill,
            output: ended.output,
            ..self.record(&frame, start_ns, ended.outcome)
        }
    }

    fn call(&self, workload: &Workload, frame: &TaskFrame, start_ns: u64, meter: &mut CpuMeter) -> AttemptRecord {
        let station = &self.station;
        let called = std::panic::AssertUnwindSafe(|| workload.call(&frame.payload, &station.context));
        let result = match &station.unusable {
            Some(reason) => Err(reason.clone()),
            None => std::panic::catch_unwind(called)
                .unwrap_or_else(|panic| Err(format!("it panicked: {}", panic_message(panic.as_ref())))),
        };
        let (outcome, value) = match result {
            Ok(value) => (Outcome::Done, Some(value)),
            Err(message) => (Outcome::CallFailed(message.into()), None),
        };
        let mut record = AttemptRecord { value, ..self.record(frame, start_ns, outcome) };
        record.cpu_ns = meter.of_call(record.wall_ns);
        record
    }
}

/// What commands may take, and as many open files as were given to this process.
fn limit(launcher: &mut Launcher, caps: &Caps) {
    if let Some(bytes) = caps.memory_bytes {
        launcher.limit(Limit::Memory, bytes, bytes);
    }
    if let Some(secs) = caps.cpu_secs {
        // A moment to say something after SIGXCPU.
        launcher.limit(Limit::Cpu, secs, secs.saturating_add(1));
    }
    if let Some(count) = caps.descriptors {
        launcher.limit(Limit::Descriptors, count, u64::MAX);
    }
}

impl Watch for LaneShared {
    fn begun(&self, pid: Pid) {
        let mut state = self.state();
        let Some(current) = &mut state.current else { return };
        current.pid = Some(pid);
        if current.short {
            current.short = false;
            current.start_ns = self.since_epoch_ns();
            self.outbox().send(&FromWorker::Short(None));
        }
        if current.ending.is_some() {
            end_gently(pid);
        }
    }

    fn short_of(&self, reason: &str) -> bool {
        let mut state = self.state();
        let Some(current) = &mut state.current else { return false };
        if !current.short {
            current.short = true;
            self.outbox().send(&FromWorker::Short(Some(reason.to_owned())));
        }
        current.ending.is_none()
    }

    fn printed_too_much(&self) {
        let outcome = Outcome::Signalled { signal: libc::SIGXFSZ };
        self.end_current(&mut self.state(), outcome, false);
    }

    fn ending(&self) -> Option<Outcome> {
        let mut state = self.state();
        let current = state.current.as_mut()?;
        current.pid = None;
        current.ending.as_ref().map(|(outcome, _)| outcome.clone())
    }
}
