//! The process of an interpreter: how it starts, is given lanes and ends.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::fs::OFlags;
use rustix::process::{Pid, Signal, kill_process_group};

use crate::engine::python::PythonParameters;
use crate::engine::worker::command::{end_orphans, start};
use crate::engine::worker::executor::TaskWatch;
use crate::engine::worker::invocation::Invocation;
use crate::engine::worker::launch_gate::LaunchGate;
use crate::engine::worker::locate::StackSource;
use crate::engine::worker::python::lane_link::LaneLink;
use crate::engine::worker::python::stack;
use fanlane_os::launch::{Launched, Launcher};
use fanlane_os::reap::{Reaped, reap};
use fanlane_os::waker::wait_readable;
use fanlane_os::{process_facts, signal, socket};

/// Reads the program from standard input, a socket, and runs it. Nothing is imported before the folder that the interpreter
/// is started in no longer stands for the standard library.
const BOOT: &str = "import os,sys\n\
    sys.path[:]=[p for p in sys.path if p]\n\
    n=int.from_bytes(os.read(0,4),'little')\n\
    b=b''\n\
    while len(b)<n:b+=os.read(0,n-len(b))\n\
    exec(compile(b,'<fanlane>','exec'))\n";

/// The signal on which an interpreter writes its stacks is this far below the last one: programs use those at the other end.
const STACK_SIGNAL_BELOW_MAX: i32 = 4;
/// How long stacks are waited for.
const STACK_TIMEOUT: Duration = Duration::from_millis(500);
/// After this time without another piece of the stacks they are whole.
const STACK_PAUSE: Duration = Duration::from_millis(50);
/// Maximum size of stacks.
const MAX_STACK_BYTES: usize = 256 << 10;

/// The variables by which numerical libraries are told how many threads to use.
const LIBRARY_THREADS: [&str; 6] = [
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
];

/// An interpreter that runs the worker program.
pub struct Process {
    pid: Pid,
    /// Becomes readable at the end of the process.
    handle: OwnedFd,
    control: UnixStream,
    /// What it prints.
    streams: Streams,
    /// By which what it has started is known, where other lanes of this process start interpreters too.
    marker: Option<String>,
    end: Mutex<Option<Reaped>>,
    /// Held while its stacks are read.
    locating: Mutex<()>,
}

/// Where the calls of one lane are.
pub struct InterpreterStack {
    /// The interpreter.
    pub process: Arc<Process>,
    /// The thread that does them.
    pub thread: u32,
}

impl StackSource for InterpreterStack {
    fn stack(&self) -> Vec<String> {
        match self.process.stacks(self.thread) {
            Ok(text) => stack::shown(&text),
            Err(reason) => vec![format!("The Python stack cannot be shown: {reason}.")],
        }
    }

    fn thread(&self) -> u32 {
        self.thread
    }
}

/// What an interpreter prints, read without waiting.
pub type Streams = [Option<File>; 2];

impl Process {
    /// Starts an interpreter.
    pub fn start(
        launcher: &mut Launcher,
        gate: &LaunchGate,
        parameters: &PythonParameters,
        told: &[u8],
        marker: Option<String>,
        watch: &dyn TaskWatch,
    ) -> io::Result<Self> {
        let (control, theirs) = socket::pair()?;
        let threads = parameters.library_threads.to_string();
        let is_free = |name: &&str| std::env::var_os(name).is_none();
        let invocation = Invocation {
            words: std::iter::once(parameters.interpreter.clone().into())
                .chain(parameters.arguments.iter().map(OsString::from))
                .chain([OsString::from("-c"), OsString::from(BOOT)])
                .collect(),
            spared: None,
            variables: LIBRARY_THREADS
                .into_iter()
                .filter(is_free)
                .map(|name| (name.to_owned(), OsString::from(&threads)))
                .collect(),
            stdin: Some(File::from(OwnedFd::from(theirs))),
        };
        let Launched { pid, handle, streams } = start(launcher, gate, &invocation, marker.as_deref(), watch)?;
        drop(invocation);
        let mut process = Self {
            pid,
            handle,
            control,
            streams: [None, None],
            marker,
            end: Mutex::new(None),
            locating: Mutex::new(()),
        };
        for message in [parameters.program().as_bytes(), told] {
            // One that has ended already is noticed where it is waited for.
            let length = (message.len() as u32).to_le_bytes();
            let _ = (&process.control).write_all(&length).and_then(|()| (&process.control).write_all(message));
        }
        for (place, stream) in process.streams.iter_mut().zip(streams.into_iter().flatten()) {
            rustix::fs::fcntl_setfl(&stream, rustix::fs::fcntl_getfl(&stream)? | OFlags::NONBLOCK)?;
            *place = Some(File::from(stream));
        }
        Ok(process)
    }

    /// What it prints, for one of the lanes that share it. What several could read is read by the first: each reads while it is in
    /// a call, so that nothing which prints ever waits for a lane that has none.
    pub fn streams(&self) -> io::Result<Streams> {
        let [stdout, stderr] = &self.streams;
        Ok([stdout.as_ref().map(File::try_clone).transpose()?, stderr.as_ref().map(File::try_clone).transpose()?])
    }

    /// Gives the interpreter a lane.
    pub fn open_lane(&self, worker: u32, lane: u32) -> io::Result<LaneLink> {
        let (ours, theirs) = socket::pair()?;
        ours.set_nonblocking(true)?;
        let link = LaneLink::new(ours)?;
        let _ = socket::send_numbered(&self.control, [worker, lane, 0], &[theirs.as_fd(), link.memory()]);
        Ok(link)
    }

    /// The stacks of its threads as they are written in it on a signal, first of all to `thread`; or why they cannot be had.
    fn stacks(&self, thread: u32) -> Result<String, &'static str> {
        let _locating = self.locating.lock().unwrap_or_else(PoisonError::into_inner);
        let pid = self.pid.as_raw_nonzero().get().unsigned_abs();
        let mut text = Vec::new();
        {
            // Its number is its own as long as it is not reaped.
            let end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
            let signal = libc::SIGRTMAX() - STACK_SIGNAL_BELOW_MAX;
            if end.is_some() || !process_facts::catches(pid, signal) {
                return Err("the interpreter is just starting or ending, or has no faulthandler");
            }
            self.read_stacks(Duration::ZERO, &mut text);
            text.clear();
            process_facts::signal_thread(pid, thread, signal).map_err(|_| "the thread of the call has ended")?;
        }
        self.read_stacks(STACK_TIMEOUT, &mut text);
        if text.is_empty() {
            return Err("the interpreter does not answer; the system keeps it from running, as a disk can");
        }
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// Reads what comes until `timeout`, and then as long as something follows.
    fn read_stacks(&self, timeout: Duration, text: &mut Vec<u8>) {
        let mut piece = [0; 16 << 10];
        let mut wait = timeout;
        while text.len() < MAX_STACK_BYTES && wait_readable(&self.control, Some(Instant::now() + wait)) {
            match (&self.control).read(&mut piece) {
                Ok(count) if count > 0 => text.extend_from_slice(&piece[..count]),
                _ => return,
            }
            wait = STACK_PAUSE.min(timeout);
        }
    }

    /// Whether it has not ended.
    pub fn is_running(&self) -> bool {
        !wait_readable(&self.handle, Some(Instant::now()))
    }

    /// Its number, which is that of its process group.
    pub const fn pid(&self) -> Pid {
        self.pid
    }

    /// Becomes readable at its end.
    pub fn handle(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }

    /// Waits for its end until then, or kills it; ends what it leaves behind. How it ended.
    pub fn end_within(&self, grace: Duration) -> Reaped {
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(end) = *end {
            return end;
        }
        wait_readable(&self.handle, Some(Instant::now() + grace));
        // Dead or not, it is not reaped, so that the number is still its own.
        let _ = kill_process_group(self.pid, Signal::KILL);
        let reaped = reap(self.pid);
        end_orphans(self.marker.as_deref());
        *end.insert(reaped)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end_within(Duration::ZERO);
    }
}

/// How an interpreter ended, as the end of a sentence about it.
pub fn how_ended(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with exit code {code}"),
        (None, signal) => format!("was ended by {}", signal::name(signal.unwrap_or(libc::SIGKILL))),
    }
}
