//! One lane of a worker process: the thread that does the tasks, and what it shares with the thread that receives from
//! the engine meanwhile.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Once, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Pid;

use crate::engine::OutputInterest;
use crate::engine::link::{Link, LinkStream};
use crate::engine::protocol::{FromWorker, TaskFrame};
use crate::event::{AttemptRecord, LaneId, Outcome, Printed, StreamName, TaskId, WorkerId};
use fanlane_mp::panic_message;
use fanlane_os::waker::Waker;

use super::WorkerContext;
use super::cpu_meter::CpuMeter;
use super::executor::{self, Execution, Executor, TaskWatch};
use super::file_answers::FileAnswers;
use super::listener::{TREE_LOOK_INTERVAL_NS, end_gently};
use super::live_tap::{LevelSwitch, WantedOutput};
use super::locate::StackSource;
use super::outbox::Outbox;
use super::receiver::LaneReceiver;
use super::staging::FileLink;

/// The first lane of this process is about to do its first task.
static STARTED: Once = Once::new();

pub struct LaneShared {
    pub context: Arc<WorkerContext>,
    pub(super) worker: WorkerId,
    pub(super) lane: LaneId,
    pub(super) state: Mutex<LaneState>,
    /// Tells the lane's thread of work.
    pub(super) work: Condvar,
    pub(super) receiver: LaneReceiver,
    /// Tells the listener that it is to receive.
    pub(super) listener: Condvar,
    pub(super) outbox: Mutex<Outbox>,
    pub(super) reminder: Arc<Waker>,
    /// How much is wanted of what the running task prints.
    pub(super) wanted_output: LevelSwitch,
    /// Tasks of its kind run in processes of their own.
    pub(super) has_process: bool,
    /// What the outbox sends on.
    pub(super) link: Arc<dyn LinkStream>,
    /// What the engine says of its files.
    pub(super) file_answers: FileAnswers,
}

#[derive(Default)]
pub(super) struct LaneState {
    pub(super) waiting: VecDeque<TaskFrame>,
    /// Tasks that are begun together with the running one, and follow it.
    pub(super) committed: VecDeque<TaskFrame>,
    /// Those of them that are not wanted any more, should they not be begun.
    pub(super) unwanted: Vec<TaskId>,
    pub(super) retiring: bool,
    /// The lane's thread receives, or will when it is out of work.
    pub(super) executor_receives: bool,
    /// When the lane's thread last received between two tasks, in nanoseconds since the run's start.
    pub(super) received_ns: u64,
    /// How many tasks were begun.
    pub(super) begun: u64,
    /// How long an attempt may take.
    pub(super) timeout_ns: Option<u64>,
    pub(super) current: Option<CurrentTask>,
    /// What is wanted of the output of tasks.
    pub(super) interest: OutputInterest,
    /// What says where tasks are.
    pub(super) stack: Option<Arc<dyn StackSource>>,
}

pub(super) struct CurrentTask {
    pub(super) task: TaskId,
    pub(super) attempt: u32,
    pub(super) start_ns: u64,
    pub(super) pid: Option<Pid>,
    pub(super) announced: bool,
    /// The system has run out of what it takes to start it: its time does not count yet.
    pub(super) exhausted: bool,
    /// What it runs in is being prepared: its time does not count yet.
    pub(super) preparing: bool,
    /// Its streams are read all the time.
    pub(super) reminded: bool,
    /// The process of it that a signal has stopped.
    pub(super) stopped: Option<u32>,
    /// When the processes that it has started are looked at next, in nanoseconds since the run's start.
    pub(super) tree_look_ns: u64,
    /// Why it is being ended, and when SIGKILL follows.
    pub(super) ending: Option<(Outcome, u64)>,
}

/// Opens a lane on `link`, whose mailboxes are the one from the engine and the one to it.
///
/// # Errors
/// When the system has no thread or descriptor left, or this process knows no such kind of task.
pub fn open(context: Arc<WorkerContext>, worker: WorkerId, lane: LaneId, link: Link) -> io::Result<()> {
    let Link { stream, mailboxes: [from_engine, to_engine] } = link;
    let kind = executor::kind_of(&context)?;
    let outbox = Outbox::new(Arc::clone(&stream), to_engine, context.setup.transport);
    let state = LaneState { timeout_ns: context.setup.timeout_ns, ..LaneState::default() };
    let lane = Arc::new(LaneShared {
        context,
        worker,
        lane,
        state: Mutex::new(state),
        work: Condvar::new(),
        listener: Condvar::new(),
        outbox: Mutex::new(outbox),
        reminder: Arc::new(Waker::new()?),
        wanted_output: LevelSwitch::default(),
        has_process: kind.has_process,
        link: Arc::clone(&stream),
        file_answers: FileAnswers::default(),
        receiver: LaneReceiver::new(stream, from_engine)?,
    });
    let executor = (kind.open)(&lane)?;
    // Should the second thread not be had, the first ends with the connection.
    let (listener, own) = (Arc::clone(&lane), Arc::clone(&lane));
    std::thread::Builder::new().name("listener".to_owned()).spawn(move || listener.listen())?;
    std::thread::Builder::new().name("lane".to_owned()).spawn(move || own.run_tasks(executor))?;
    lane.outbox().send(&FromWorker::Ready);
    Ok(())
}

impl LaneShared {
    pub(super) fn state(&self) -> MutexGuard<'_, LaneState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn outbox(&self) -> MutexGuard<'_, Outbox> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn since_epoch_ns(&self) -> u64 {
        self.context.clock.now_ns()
    }

    /// Does the tasks in their order until the lane is retired.
    fn run_tasks(&self, mut executor: Box<dyn Executor>) {
        // Each lane of a process begins like the first one.
        STARTED.call_once(fanlane_os::start_pages::drop_unwritten);
        let mut meter = CpuMeter::start();
        let setup = &self.context.setup;
        let mut now_ns = 0;
        while let Some((frame, start_ns)) = self.next(now_ns) {
            let (task, attempt) = (frame.task, frame.attempt);
            let execution = match &self.context.unusable {
                Some(reason) => Execution { cpu_ns: Some(0), ..Execution::of(executor.refuse(reason)) },
                None => {
                    let execute = AssertUnwindSafe(|| executor.execute(frame, self));
                    catch_unwind(execute).unwrap_or_else(|panic| {
                        Execution::of(Outcome::CallFailed(format!("it panicked: {}", panic_message(&*panic)).into()))
                    })
                }
            };
            // It may have had to wait for its beginning.
            let start_ns = self.state().current.take().map_or(start_ns, |current| current.start_ns);
            let end_ns = execution.call_end.map_or_else(|| self.since_epoch_ns(), |end| end.end_ns);
            let wall_ns = end_ns.saturating_sub(start_ns);
            let cpu_ns = execution.cpu_ns.unwrap_or_else(|| match execution.call_end {
                Some(end) => (wall_ns as f64 * end.cpu_share) as u64,
                None => meter.of_call(wall_ns),
            });
            let record = AttemptRecord {
                start_ns,
                wall_ns,
                cpu_ns,
                value: execution.value,
                output: execution.output,
                max_rss_bytes: execution.max_rss_bytes,
                memory_kill: execution.memory_kill,
                ..AttemptRecord::new(task, attempt, self.worker, execution.outcome)
            };
            let has_more = execution.call_end.is_some_and(|end| end.has_more);
            now_ns = record.start_ns + record.wall_ns;
            let mut outbox = self.outbox();
            let mut sent = outbox.push(record, self.context.clock.epoch_ns().wrapping_add(now_ns));
            // A process may have changed the world: that it is done must not be lost with its worker.
            if !setup.task.in_process && !has_more {
                outbox.flush();
                sent = true;
            }
            // A call that was begun with the one before began when that ended.
            if sent && !has_more {
                now_ns = 0;
            }
        }
        drop(executor);
        self.context.live_lanes.fetch_sub(1, Ordering::AcqRel);
        self.outbox().send(&FromWorker::Bye);
        self.outbox().close();
        // It sees the end.
        self.state().executor_receives = false;
        self.listener.notify_one();
    }

    /// The next task and when it begins, `now_ns` being the time, or 0 if it has to be asked. Waits for one, and sends what
    /// was gathered before it waits. `None` once the lane is retired.
    fn next(&self, mut now_ns: u64) -> Option<(TaskFrame, u64)> {
        let mut state = self.state();
        loop {
            while self.context.over.load(Ordering::SeqCst) {
                // The process is about to end, and what runs is ended first: the next must not take its place.
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            if !state.waiting.is_empty() || !state.committed.is_empty() {
                if now_ns == 0 {
                    now_ns = self.since_epoch_ns();
                }
                if self.is_to_try_recv(&mut state, now_ns) {
                    drop(state);
                    self.try_recv();
                    state = self.state();
                    continue;
                }
            }
            // The next begins as the last one ends, unless something took time between them.
            let start_ns = now_ns;
            if let Some(frame) = state.committed.pop_front().or_else(|| state.waiting.pop_front()) {
                state.current = Some(CurrentTask {
                    task: frame.task,
                    attempt: frame.attempt,
                    start_ns,
                    pid: None,
                    announced: false,
                    exhausted: false,
                    preparing: false,
                    reminded: false,
                    stopped: None,
                    tree_look_ns: start_ns + TREE_LOOK_INTERVAL_NS,
                    ending: None,
                });
                state.begun += 1;
                if !state.interest.followed.is_empty() {
                    self.wanted_output.set(state.interest.of(frame.task));
                }
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

    /// A record of an attempt that ends now, with nothing but its outcome.
    pub(super) fn record(&self, task: TaskId, attempt: u32, start_ns: u64, outcome: Outcome) -> AttemptRecord {
        AttemptRecord {
            start_ns,
            wall_ns: self.since_epoch_ns().saturating_sub(start_ns),
            ..AttemptRecord::new(task, attempt, self.worker, outcome)
        }
    }
}

impl TaskWatch for LaneShared {
    fn has_stack(&self, source: Option<Arc<dyn StackSource>>) {
        self.state().stack = source;
    }

    fn begun(&self, pid: Pid) {
        let mut state = self.state();
        let Some(current) = &mut state.current else { return };
        current.pid = Some(pid);
        if std::mem::take(&mut current.preparing) {
            current.start_ns = self.since_epoch_ns();
        }
        if current.exhausted {
            current.exhausted = false;
            current.start_ns = self.since_epoch_ns();
            self.outbox().send(&FromWorker::Exhausted(None));
        }
        match &current.ending {
            Some((outcome, _)) if self.context.setup.task.in_process => {
                self.abort(Some(self.record(current.task, current.attempt, current.start_ns, outcome.clone())));
            }
            Some(_) => end_gently(pid),
            None => {}
        }
    }

    fn preparing(&self, pid: Pid) {
        if let Some(current) = &mut self.state().current {
            current.pid = Some(pid);
            current.preparing = true;
            if current.ending.is_some() {
                end_gently(pid);
            }
        }
    }

    fn commit(&self, most: usize, each: &mut dyn FnMut(&TaskFrame) -> bool) {
        let mut state = self.state();
        for _ in 0..most {
            let Some(frame) = state.waiting.pop_front() else { return };
            let goes_on = each(&frame);
            state.committed.push_back(frame);
            if !goes_on {
                return;
            }
        }
    }

    fn release(&self, keep: usize) {
        let mut state = self.state();
        while state.committed.len() > keep {
            let Some(frame) = state.committed.pop_back() else { return };
            if state.unwanted.contains(&frame.task) {
                self.forget(&[frame]);
            } else {
                state.waiting.push_front(frame);
            }
        }
        if state.committed.is_empty() {
            state.unwanted.clear();
        }
    }

    fn exhausted(&self, reason: &str) -> bool {
        let mut state = self.state();
        let Some(current) = &mut state.current else { return false };
        if !current.exhausted {
            current.exhausted = true;
            self.outbox().send(&FromWorker::Exhausted(Some(reason.to_owned())));
        }
        current.ending.is_none()
    }

    fn printed_too_much(&self) {
        let outcome = Outcome::Signalled { signal: libc::SIGXFSZ };
        self.end_current(&mut self.state(), outcome, false);
    }

    fn wanted_output(&self) -> WantedOutput {
        self.wanted_output.get()
    }

    fn printed(&self, stream: StreamName, offset: u64, bytes: &[u8], waits: bool) -> bool {
        // Before the outbox is locked: the listener must not have to wait for it.
        if !has_room(&*self.link, waits) {
            return false;
        }
        let Some((task, attempt)) = self.state().current.as_ref().map(|current| (current.task, current.attempt)) else {
            return false;
        };
        let printed = Printed { task, attempt, worker: self.worker, stream, offset, bytes: bytes.into() };
        self.outbox().send(&FromWorker::Printed(printed));
        true
    }

    fn interrupted(&self) {
        const TIMEOUT: Duration = Duration::from_secs(1);
        let until = Instant::now() + TIMEOUT;
        let mut state = self.state();
        while state.current.as_ref().is_some_and(|current| current.ending.is_none()) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self.work.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn files(&self) -> Option<&dyn FileLink> {
        self.context.setup.is_remote.then_some(self)
    }

    fn ending(&self) -> Option<Outcome> {
        let mut state = self.state();
        let current = state.current.as_mut()?;
        current.pid = None;
        current.ending.as_ref().map(|(outcome, _)| outcome.clone())
    }
}

/// Whether a message can be sent without waiting, or `waits` until it can.
pub(super) fn has_room(link: &dyn LinkStream, waits: bool) -> bool {
    const AT_ONCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };
    let mut polled = [PollFd::from_borrowed_fd(link.descriptor(), PollFlags::OUT)];
    loop {
        match poll(&mut polled, if waits { None } else { Some(&AT_ONCE) }) {
            Err(rustix::io::Errno::INTR) => {}
            ready => return ready.is_ok_and(|ready| ready > 0),
        }
    }
}
