//! A child process of this program as its parent sees it: started in a role, signalled, waited for, reaped, and what it
//! leaves behind ended.
//!
//! The child gets one end of a socket as its standard input, which ends when the parent does. What is said on it, and
//! what the child does at its end, is for the role.

use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::waker::wait_readable;
use crate::{clock, process_tree, signal, socket};

/// The first argument of a process that its parent started as a worker; the second names its role.
pub const WORKER_ROLE: &str = "--fanlane-worker";

/// The very file that runs here, even when another has been put into its place.
pub const OWN_EXECUTABLE: &str = "/proc/self/exe";

/// How a child is started.
#[derive(Debug, Clone, Copy)]
pub struct ChildPlan<'a> {
    /// The program; its first action is to take the role that [`WORKER_ROLE`] announces.
    pub executable: &'a Path,
    /// The name of the service that the child is to do.
    pub role: &'a str,
    /// The variable that marks the child and everything it starts, so that what it leaves behind can be found.
    pub marker: &'static str,
    /// Variables that it and everything it starts have besides this program's own.
    pub environment: &'a [(String, String)],
    /// Whether it writes to this program's standard output, or to nowhere.
    pub writes_output: bool,
}

/// A program that could not be started; the system's error is its source.
#[derive(Debug)]
struct NotStarted {
    program: PathBuf,
    source: io::Error,
}

impl fmt::Display for NotStarted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.program.display(), self.source)
    }
}

impl std::error::Error for NotStarted {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// A child process. It is not ended when this value is dropped; its owner ends it.
#[derive(Debug)]
pub struct Child {
    pid: u32,
    marker: (&'static str, String),
    handle: OwnedFd,
    child: Mutex<std::process::Child>,
    is_swept: AtomicBool,
}

impl Child {
    /// Starts a child; gives the connection to it as well.
    ///
    /// # Errors
    /// When the system starts no process.
    pub fn start(plan: ChildPlan<'_>) -> io::Result<(Self, UnixStream)> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let (control, theirs) = socket::pair()?;
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let mark = format!("{}.{}.{number}", process_tree::own_mark(), clock::monotonic_ns());
        // A link to this very file says nothing about the program; its own name does.
        let own_name = std::env::args_os().next().filter(|_| plan.executable == Path::new(OWN_EXECUTABLE));
        let mut child = Command::new(plan.executable)
            .arg0(own_name.as_deref().unwrap_or(plan.executable.as_os_str()))
            .args([OsStr::new(WORKER_ROLE), OsStr::new(plan.role)])
            .env(plan.marker, &mark)
            .envs(plan.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(if plan.writes_output { Stdio::inherit() } else { Stdio::null() })
            // A group of its own: Ctrl-C on the terminal is for the parent, which then ends its children in order.
            .process_group(0)
            .spawn()
            .map_err(|source| {
                io::Error::new(source.kind(), NotStarted { program: plan.executable.to_owned(), source })
            })?;
        match pidfd_open(Pid::from_child(&child), PidfdFlags::empty()) {
            Ok(handle) => {
                let pid = child.id();
                let marker = (plan.marker, mark);
                Ok((Self { pid, marker, handle, child: Mutex::new(child), is_swept: AtomicBool::new(false) }, control))
            }
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(error.into())
            }
        }
    }

    /// Its number.
    pub const fn pid(&self) -> u32 {
        self.pid
    }

    /// The variable that marks it and what it starts, and its value.
    pub fn marker(&self) -> (&str, &str) {
        (self.marker.0, &self.marker.1)
    }

    /// What becomes readable when it ends.
    pub fn sentinel(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }

    /// Sends it a signal; nothing happens when it has ended.
    pub fn signal(&self, signal: Signal) {
        let _ = pidfd_send_signal(&self.handle, signal);
    }

    /// Waits until it has ended, without reaping it; `false` where `deadline` comes first.
    pub fn wait_ended(&self, deadline: Option<Instant>) -> bool {
        wait_readable(&self.handle, deadline)
    }

    /// Reaps it once it has ended; waits for that. How it ended is known for good afterwards.
    pub fn reap(&self) -> ExitStatus {
        self.wait_ended(None);
        let status = self.child.lock().unwrap_or_else(PoisonError::into_inner).wait();
        // Only a wait for a process that is not our child fails, and this one is.
        status.unwrap_or_else(|_| ExitStatus::from_raw(libc::SIGKILL))
    }

    /// Reaps it if it has ended.
    pub fn try_reap(&self) -> Option<ExitStatus> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner).try_wait().ok().flatten()
    }

    /// Waits so long for its end, then ends it, and reaps it.
    pub fn reap_within(&self, patience: Duration) -> ExitStatus {
        if !self.wait_ended(Some(Instant::now() + patience)) {
            self.signal(Signal::KILL);
        }
        self.reap()
    }

    /// Ends what a child that was killed could not end itself. To be called after it was reaped; once is enough.
    pub fn sweep(&self) {
        if !self.is_swept.swap(true, Ordering::AcqRel) {
            let (name, value) = &self.marker;
            process_tree::end_marked(name, value);
        }
    }
}

/// How a process ended, in words.
pub fn describe_end(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, number) => format!("killed by {}", signal::name(number.unwrap_or_default())),
    }
}
