//! A worker process as its engine sees it: started in the worker role, given lanes, ended, reaped.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::net::RecvFlags;
use rustix::process::Signal;

use crate::engine::dispatcher::ProcessEnd;
use crate::engine::launcher::WorkerHandle;
use crate::engine::link::Link;
use crate::engine::orphans::{self, WORKER_MARKER};
use crate::engine::protocol::{ABORTED_EXIT_CODE, Setup, ToProcess};
use crate::engine::worker::ENGINE_ROLE;
use crate::event::{LaneId, WorkerId};
use fanlane_os::child::{Child, ChildPlan, describe_end};
use fanlane_os::mailbox;
use fanlane_os::memory_kills::MemoryKills;
use fanlane_os::shared_memory::Segment;
use fanlane_os::waker::wait_readable;
use fanlane_os::{frame, socket};

/// How long a worker whose control socket has ended may take to end before it is killed.
const END_TIMEOUT: Duration = Duration::from_secs(6);

/// A process in the worker role.
pub struct WorkerProcess {
    child: Child,
    control: Mutex<Option<UnixStream>>,
    /// Its tasks are calls in this very process.
    does_calls: bool,
    lanes: AtomicU64,
    dying: AtomicBool,
    memory_kills: Mutex<MemoryKills>,
}

impl WorkerProcess {
    /// Starts `executable` in the worker role; it and all its tasks have `environment` besides the engine's own.
    pub fn start(executable: &Path, setup: &Setup, environment: &[(String, String)]) -> io::Result<Self> {
        let writes_output = setup.terminal_of.is_some();
        let plan = ChildPlan { executable, role: ENGINE_ROLE, marker: WORKER_MARKER, environment, writes_output };
        let (child, mut control) = Child::start(plan)?;
        let mut bytes = Vec::new();
        let introduced =
            frame::write_frame(&mut bytes, setup).map_err(io::Error::other).and_then(|()| control.write_all(&bytes));
        if let Err(error) = introduced {
            child.signal(Signal::KILL);
            child.reap();
            return Err(error);
        }
        let control = Mutex::new(Some(control));
        let memory_kills = Mutex::new(MemoryKills::watch());
        let does_calls = setup.task.in_process;
        Ok(Self { child, control, does_calls, lanes: AtomicU64::new(0), dying: AtomicBool::new(false), memory_kills })
    }

    /// Opens one more lane for an engine on another machine: its stream alone, which is not read here.
    ///
    /// # Errors
    /// As [`WorkerHandle::open_lane`].
    pub fn open_stream(&self, worker: WorkerId, lane: LaneId) -> io::Result<UnixStream> {
        self.open(worker, lane, None)
    }

    /// Opens one more lane, with memory for its mailboxes or without.
    fn open(&self, worker: WorkerId, lane: LaneId, segment: Option<&Segment>) -> io::Result<UnixStream> {
        let (ours, theirs) = socket::pair()?;
        let memory = segment.map(|segment| segment.descriptor().as_fd());
        let passed: Vec<BorrowedFd<'_>> = std::iter::once(theirs.as_fd()).chain(memory).collect();
        let control = self.control();
        let control = control.as_ref().ok_or(io::ErrorKind::BrokenPipe)?;
        let open = ToProcess::OpenLane { worker: worker.0, lane: lane.0 };
        self.lanes.fetch_add(1, Ordering::AcqRel);
        match socket::send_numbered(control, open.numbers(), &passed) {
            Ok(()) => Ok(ours),
            Err(error) => {
                self.lanes.fetch_sub(1, Ordering::AcqRel);
                Err(error)
            }
        }
    }

    /// Has it end, with all that it has started; its end is not waited for.
    pub fn close(&self) {
        self.dying.store(true, Ordering::Release);
        self.control().take();
    }

    fn control(&self) -> MutexGuard<'_, Option<UnixStream>> {
        self.control.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts the end of a lane. The end of the last one, or of any where `others_go_on` is false, is the end of the process.
    fn end_lane(&self, others_go_on: bool, said_bye: bool) -> ProcessEnd {
        {
            // No lane is opened meanwhile: it would be ended with the process.
            let mut control = self.control();
            let was_last = self.lanes.fetch_sub(1, Ordering::AcqRel) == 1;
            if others_go_on && !was_last {
                return ProcessEnd::Closed;
            }
            self.dying.store(true, Ordering::Release);
            control.take();
        }
        self.end_of_process(said_bye)
    }

    fn end_of_process(&self, said_bye: bool) -> ProcessEnd {
        let status = self.reap();
        match status.code() {
            Some(0) if said_bye => ProcessEnd::Closed,
            Some(ABORTED_EXIT_CODE) => ProcessEnd::Aborted,
            None if status.signal() == Some(libc::SIGKILL) && self.memory_kill() => {
                ProcessEnd::Died("killed by SIGKILL, possibly because memory had run out".to_owned())
            }
            _ => ProcessEnd::Died(describe_end(status)),
        }
    }

    /// That it is gone is noticed where its lanes are read.
    fn tell(&self, message: ToProcess) {
        if let Some(control) = &*self.control() {
            let _ = socket::send_numbered(control, message.numbers(), &[]);
        }
    }

    fn memory_kill(&self) -> bool {
        self.memory_kills.lock().unwrap_or_else(PoisonError::into_inner).any_new()
    }

    /// Waits for its end, kills it if need be, and ends what it left behind.
    fn reap(&self) -> ExitStatus {
        let status = self.child.reap_within(END_TIMEOUT);
        if status.code() != Some(0) {
            self.child.sweep();
            orphans::end_adopted();
        }
        status
    }
}

impl WorkerHandle for WorkerProcess {
    fn pid(&self) -> u32 {
        self.child.pid()
    }

    fn is_dying(&self) -> bool {
        self.dying.load(Ordering::Acquire)
    }

    fn open_lane(&self, worker: WorkerId, lane: LaneId) -> io::Result<Link> {
        // Calls may be so short that waking a thread for each would cost more: their lanes have mailboxes. Without memory for
        // these all goes through the socket.
        let segment = || Segment::create("fanlane-lane", mailbox::PAIR_BYTES).ok();
        let segment = self.does_calls.then(segment).flatten().map(Arc::new);
        let mailboxes = mailbox::pair_in(segment.as_ref());
        let stream = self.open(worker, lane, segment.as_deref())?;
        Ok(Link { stream: Arc::new(stream), mailboxes })
    }

    fn end_unused(&self) {
        if self.lanes.load(Ordering::Acquire) == 0 {
            self.dying.store(true, Ordering::Release);
            self.control().take();
            self.reap();
        }
    }

    fn lane_unread(&self) {
        self.lanes.fetch_sub(1, Ordering::AcqRel);
        self.end_unused();
    }

    fn lane_ended(&self, said_bye: bool) -> ProcessEnd {
        self.end_lane(said_bye, said_bye)
    }

    fn lane_unopened(&self) -> ProcessEnd {
        self.end_lane(true, false)
    }

    fn kill(&self) {
        self.child.signal(Signal::KILL);
    }

    fn suspend(&self) {
        if let Some(control) = &*self.control() {
            // An answer to an earlier question that came too late.
            let _ = rustix::net::recv(control, &mut [0; 16], RecvFlags::DONTWAIT);
        }
        self.tell(ToProcess::Suspend);
    }

    fn wait_suspended(&self, deadline: Instant) {
        if let Some(control) = &*self.control() {
            wait_for_answer(control, deadline);
        }
        // Calls stand still with their process. A process with commands supervises these, also where its engine is killed.
        if self.does_calls {
            self.child.signal(Signal::STOP);
        }
    }

    fn go_on(&self, epoch_ns: u64) {
        self.tell(ToProcess::GoOn { epoch_ns });
        if self.does_calls {
            self.child.signal(Signal::CONT);
        }
    }
}

/// Takes the one byte with which a process answers, unless the deadline comes first.
fn wait_for_answer(mut control: &UnixStream, deadline: Instant) {
    if wait_readable(control, Some(deadline)) {
        drop(control.read(&mut [0]));
    }
}
