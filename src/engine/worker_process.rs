//! A worker process as its engine sees it: started in the worker role, given lanes, ended, reaped.

use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::engine::dispatcher::ProcessEnd;
use crate::engine::protocol::{GAVE_UP_EXIT_CODE, Setup};
use crate::engine::strays;
use crate::engine::worker::WORKER_ROLE;
use crate::event::{Lane, WorkerId};
use crate::mp::memory_kills::MemoryKills;
use crate::mp::{frame, process_tree, signal, socket};

/// The variable that marks a worker and everything it starts.
pub const WORKER_MARKER: &str = "FANLANE_WORKER";

/// A worker whose connection has ended gets so long to end before it is killed.
const END_PATIENCE: Duration = Duration::from_secs(6);

/// A process in the worker role.
pub struct WorkerProcess {
    pid: u32,
    marker: String,
    handle: OwnedFd,
    child: Mutex<Child>,
    control: Mutex<Option<UnixStream>>,
    lanes: AtomicU64,
    dying: AtomicBool,
    memory_kills: Mutex<MemoryKills>,
}

impl WorkerProcess {
    /// Starts `executable` in the worker role.
    pub fn start(executable: &std::path::Path, setup: &Setup) -> io::Result<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let (mut control, theirs) = socket::pair()?;
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let marker = format!("{}.{}.{number}", strays::engine_mark(), setup.epoch_ns);
        let mut child = Command::new(executable)
            .arg(WORKER_ROLE)
            .env(WORKER_MARKER, &marker)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            // A group of its own: Ctrl-C on the terminal is for the engine, which then ends its workers in order.
            .process_group(0)
            .spawn()
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", executable.display())))?;
        let introduced =
            pidfd_open(Pid::from_child(&child), PidfdFlags::empty()).map_err(io::Error::from).and_then(|handle| {
                let mut bytes = Vec::new();
                frame::write_frame(&mut bytes, setup).map_err(io::Error::other)?;
                control.write_all(&bytes)?;
                Ok(handle)
            });
        match introduced {
            Ok(handle) => Ok(Self {
                pid: child.id(),
                marker,
                handle,
                child: Mutex::new(child),
                control: Mutex::new(Some(control)),
                lanes: AtomicU64::new(0),
                dying: AtomicBool::new(false),
                memory_kills: Mutex::new(MemoryKills::watch()),
            }),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(error)
            }
        }
    }

    /// Its number.
    pub const fn pid(&self) -> u32 {
        self.pid
    }

    /// It has ended, or is about to.
    pub fn is_dying(&self) -> bool {
        self.dying.load(Ordering::Acquire)
    }

    /// Opens one more lane.
    pub fn open_lane(&self, worker: WorkerId, lane: Lane) -> io::Result<UnixStream> {
        let (ours, theirs) = socket::pair()?;
        let control = self.control.lock().unwrap_or_else(PoisonError::into_inner);
        let control = control.as_ref().ok_or(io::ErrorKind::BrokenPipe)?;
        self.lanes.fetch_add(1, Ordering::AcqRel);
        match socket::send_socket(control, [worker.0, lane.0], &theirs) {
            Ok(()) => Ok(ours),
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

    fn memory_kill(&self) -> bool {
        self.memory_kills.lock().unwrap_or_else(PoisonError::into_inner).any_new()
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
        match (status.code(), status.signal()) {
            (Some(0), _) if said_bye => ProcessEnd::Closed,
            (Some(GAVE_UP_EXIT_CODE), _) => ProcessEnd::GaveUp,
            (Some(code), _) => ProcessEnd::Died(format!("exit code {code}")),
            (None, Some(libc::SIGKILL)) if self.memory_kill() => {
                ProcessEnd::Died("killed by SIGKILL, possibly because memory had run out".to_owned())
            }
            (None, number) => ProcessEnd::Died(format!("killed by {}", signal::name(number.unwrap_or_default()))),
        }
    }

    /// Ends it without asking.
    pub fn kill(&self) {
        let _ = pidfd_send_signal(&self.handle, Signal::KILL);
    }

    /// Waits for its end, hastens it if need be, and ends what it left behind.
    fn reap(&self) -> ExitStatus {
        if !self.wait_dead(END_PATIENCE) {
            self.kill();
            self.wait_dead(END_PATIENCE);
        }
        let status = self.child.lock().unwrap_or_else(PoisonError::into_inner).wait();
        // Only a wait for a process that is not our child fails, and this one is.
        let status = status.unwrap_or_else(|_| ExitStatus::from_raw(libc::SIGKILL));
        if status.code() != Some(0) {
            self.sweep();
        }
        status
    }

    fn wait_dead(&self, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let timeout = Timespec {
                tv_sec: left.as_secs().try_into().expect("the patience is short"),
                tv_nsec: left.subsec_nanos().into(),
            };
            match poll(&mut [PollFd::new(&self.handle, PollFlags::IN)], Some(&timeout)) {
                Err(rustix::io::Errno::INTR) => {}
                other => return other.unwrap_or(0) > 0,
            }
        }
    }

    /// Ends what a worker that was killed could not end itself.
    fn sweep(&self) {
        const ROUNDS: usize = 50;
        const BETWEEN: Duration = Duration::from_millis(2);
        let mut empty_rounds = 0;
        for _ in 0..ROUNDS {
            let left = process_tree::marked(WORKER_MARKER, &self.marker);
            if left.is_empty() && !strays::end_adopted() {
                // In the middle of becoming another program a process shows no environment: look again.
                empty_rounds += 1;
                if empty_rounds == 3 {
                    return;
                }
                std::thread::sleep(BETWEEN);
            }
            for pid in left {
                process_tree::signal_marked(pid, WORKER_MARKER, &self.marker, Signal::KILL);
                process_tree::reap_adopted(pid);
            }
        }
    }
}
