//! A worker process as its engine sees it: started in the worker role, given lanes, ended, reaped.

use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::Signal;

use crate::engine::dispatcher::ProcessEnd;
use crate::engine::protocol::{GAVE_UP_EXIT_CODE, Setup, TaskKind};
use crate::engine::strays;
use crate::engine::worker::ENGINE_ROLE;
use crate::event::{LaneId, WorkerId};
use crate::mp::child::{Child, ChildPlan, describe_end};
use crate::mp::mailbox::{self, Mailbox};
use crate::mp::memory::Segment;
use crate::mp::memory_kills::MemoryKills;
use crate::mp::{frame, socket};

/// The variable that marks a worker and everything it starts.
pub const WORKER_MARKER: &str = "FANLANE_WORKER";

/// A worker whose connection has ended gets so long to end before it is killed.
const END_PATIENCE: Duration = Duration::from_secs(6);

/// A process in the worker role.
pub struct WorkerProcess {
    child: Child,
    control: Mutex<Option<UnixStream>>,
    /// It does calls, which may be so short that to be woken for each would cost more: they get mailboxes.
    has_mailboxes: bool,
    lanes: AtomicU64,
    dying: AtomicBool,
    memory_kills: Mutex<MemoryKills>,
}

impl WorkerProcess {
    /// Starts `executable` in the worker role; it and all its tasks have `environment` besides the engine's own.
    pub fn start(executable: &Path, setup: &Setup, environment: &[(String, String)]) -> io::Result<Self> {
        let plan =
            ChildPlan { executable, role: ENGINE_ROLE, marker: WORKER_MARKER, environment, writes_output: false };
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
        let has_mailboxes = matches!(setup.kind, TaskKind::Workload { .. });
        Ok(Self {
            child,
            control,
            has_mailboxes,
            lanes: AtomicU64::new(0),
            dying: AtomicBool::new(false),
            memory_kills,
        })
    }

    /// Its number.
    pub const fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// It has ended, or is about to.
    pub fn is_dying(&self) -> bool {
        self.dying.load(Ordering::Acquire)
    }

    /// Opens one more lane: its connection, and the mailboxes beside it, to the worker and from it, if there are to be some.
    pub fn open_lane(&self, worker: WorkerId, lane: LaneId) -> io::Result<(UnixStream, [Option<Mailbox>; 2])> {
        let (ours, theirs) = socket::pair()?;
        // Where there is no memory for them all goes through the socket.
        let segment = || Segment::create("fanlane-lane", mailbox::PAIR_BYTES).ok();
        let segment = self.has_mailboxes.then(segment).flatten().map(Arc::new);
        let mailboxes = mailbox::pair_in(segment.as_ref());
        let memory = segment.as_ref().map(|segment| segment.descriptor().as_fd());
        let passed: Vec<BorrowedFd<'_>> = std::iter::once(theirs.as_fd()).chain(memory).collect();
        let control = self.control.lock().unwrap_or_else(PoisonError::into_inner);
        let control = control.as_ref().ok_or(io::ErrorKind::BrokenPipe)?;
        self.lanes.fetch_add(1, Ordering::AcqRel);
        match socket::send_numbered(control, [worker.0, lane.0], &passed) {
            Ok(()) => Ok((ours, mailboxes)),
            Err(error) => {
                self.lanes.fetch_sub(1, Ordering::AcqRel);
                Err(error)
            }
        }
    }

    /// Ends it if it has no lane: one could not be opened.
    pub fn end_unused(&self) {
        if self.lanes.load(Ordering::Acquire) == 0 {
            self.dying.store(true, Ordering::Release);
            self.close_control();
            self.reap();
        }
    }

    /// A lane was opened that nobody can read.
    pub fn lane_unread(&self) {
        self.lanes.fetch_sub(1, Ordering::AcqRel);
        self.end_unused();
    }

    fn close_control(&self) {
        self.control.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// A lane's connection has ended, after a good-bye or without one; says how the process did. The end of the last
    /// lane is the end of the process.
    pub fn lane_ended(&self, said_bye: bool) -> ProcessEnd {
        {
            // No lane is opened meanwhile: it would be ended with the process.
            let mut control = self.control.lock().unwrap_or_else(PoisonError::into_inner);
            let was_last = self.lanes.fetch_sub(1, Ordering::AcqRel) == 1;
            if said_bye && !was_last {
                return ProcessEnd::Closed;
            }
            self.dying.store(true, Ordering::Release);
            control.take();
        }
        self.end_of_process(said_bye)
    }

    /// A lane's connection has ended before the lane was there. While other lanes live, that costs them nothing.
    pub fn lane_unopened(&self) -> ProcessEnd {
        {
            let mut control = self.control.lock().unwrap_or_else(PoisonError::into_inner);
            if self.lanes.fetch_sub(1, Ordering::AcqRel) > 1 {
                return ProcessEnd::Closed;
            }
            self.dying.store(true, Ordering::Release);
            control.take();
        }
        self.end_of_process(false)
    }

    fn end_of_process(&self, said_bye: bool) -> ProcessEnd {
        let status = self.reap();
        match status.code() {
            Some(0) if said_bye => ProcessEnd::Closed,
            Some(GAVE_UP_EXIT_CODE) => ProcessEnd::GaveUp,
            None if status.signal() == Some(libc::SIGKILL) && self.memory_kill() => {
                ProcessEnd::Died("killed by SIGKILL, possibly because memory had run out".to_owned())
            }
            _ => ProcessEnd::Died(describe_end(status)),
        }
    }

    fn memory_kill(&self) -> bool {
        self.memory_kills.lock().unwrap_or_else(PoisonError::into_inner).any_new()
    }

    /// Ends it without asking.
    pub fn kill(&self) {
        self.child.signal(Signal::KILL);
    }

    /// Waits for its end, hastens it if need be, and ends what it left behind.
    fn reap(&self) -> ExitStatus {
        let status = self.child.reap_within(END_PATIENCE);
        if status.code() != Some(0) {
            self.child.sweep();
            strays::end_adopted();
        }
        status
    }
}
