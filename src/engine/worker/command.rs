//! One external command: started in a process group of its own, both streams read until its end, everything that it
//! leaves behind ended, and reaped last of all, so that its number cannot be anybody else's while it is signalled.

use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, kill_process_group, pidfd_open, waitid};

use crate::engine::protocol::CommandKind;
use crate::event::{Outcome, Output};
use crate::mp::process_tree;

use super::capture::Capture;
use super::invocation::Invocation;
use super::{end_tree, launch_error};

/// A command that has ended may leave its streams open in another process for so long.
const LEAK_PATIENCE: Duration = Duration::from_millis(200);
/// So much may still be read after that: more than the command itself can have left in its pipes, so none of its own is
/// lost, and whoever prints for ever is not listened to for ever.
const LATE_BYTES: usize = 4 << 20;
/// A command that runs longer is watched for its own end beside that of its streams.
const SHORT: Duration = Duration::from_millis(5);
/// The variable by which the threads of one process tell apart whose command a stray process belongs to.
const TASK_MARKER: &str = "FANLANE_TASK";

/// What came of a command.
pub struct Ended {
    pub outcome: Outcome,
    pub cpu_ns: u64,
    pub max_rss_bytes: u64,
    pub output: Option<Box<Output>>,
}

/// What a lane must know of the command while it runs, so that it can end it.
pub trait Watch {
    /// The command runs as process and process group `pid`.
    fn begun(&self, pid: Pid);
    /// From now on `pid` must not be signalled: it is about to be reaped. Says why it was ended, if it was.
    fn ending(&self) -> Option<Outcome>;
}

/// Runs commands one after the other.
pub struct Runner {
    kind: CommandKind,
    output_limit_bytes: usize,
    /// Other threads of this process run commands too.
    marked: bool,
    /// Variables that each command gets.
    environment: Vec<(String, String)>,
    buffer: Vec<u8>,
}

impl Runner {
    pub fn new(kind: CommandKind, output_limit_bytes: usize, marked: bool, environment: Vec<(String, String)>) -> Self {
        Self { kind, output_limit_bytes, marked, environment, buffer: vec![0; 64 << 10] }
    }

    /// Runs what `payload` says to its end.
    ///
    /// `spill` are the files for the whole of its two streams, where that is wanted.
    pub fn run(&mut self, payload: Vec<u8>, marker: &str, spill: [Option<PathBuf>; 2], watch: &impl Watch) -> Ended {
        let marker = self.marked.then_some(marker);
        let started = Invocation::read(&self.kind, payload).and_then(|invocation| {
            start(&invocation, marker, &self.environment)
                .map_err(|error| launch_error::describe(&invocation.words, &error))
        });
        let mut child = match started {
            Ok(child) => child,
            Err(reason) => {
                let outcome = watch.ending().unwrap_or_else(|| Outcome::CannotStart(reason.into()));
                return Ended { outcome, cpu_ns: 0, max_rss_bytes: 0, output: None };
            }
        };
        let pid = Pid::from_child(&child);
        watch.begun(pid);
        let (stdout, stderr, leaky) = self.read_to_end(&mut child, pid, spill);
        // Dead, but not reaped: the number is still its own.
        wait_unreaped(pid);
        let ended_by_us = watch.ending();
        let _ = kill_process_group(pid, Signal::KILL);
        let (status, cpu_ns, max_rss_bytes) = reap(pid);
        end_strays(marker);
        let outcome = ended_by_us.unwrap_or_else(|| outcome_of(status));
        let printed = !stdout.is_empty() || !stderr.is_empty() || leaky;
        let output = printed.then(|| Box::new(Output { stdout: stdout.finish(), stderr: stderr.finish(), leaky }));
        Ended { outcome, cpu_ns, max_rss_bytes, output }
    }

    /// Reads both streams until the command has ended and they have; says whether someone else held one open.
    fn read_to_end(&mut self, child: &mut Child, pid: Pid, spill: [Option<PathBuf>; 2]) -> (Capture, Capture, bool) {
        let mut captures = spill.map(|file| Capture::new(self.output_limit_bytes, file));
        let mut streams: [Option<Box<dyn Stream>>; 2] = [
            child.stdout.take().map(|stream| Box::new(stream) as Box<dyn Stream>),
            child.stderr.take().map(|stream| Box::new(stream) as Box<dyn Stream>),
        ];
        // Most commands end before anybody has to watch for their end apart from that of their streams.
        let mut handle = None;
        let begun = Instant::now();
        let mut dead_since: Option<Instant> = None;
        let mut late_bytes = 0;
        while streams.iter().any(Option::is_some) {
            let run_for = begun.elapsed();
            if handle.is_none() && run_for >= SHORT {
                handle = pidfd_open(pid, PidfdFlags::empty()).ok();
            }
            let mut sources: Vec<Source> = Vec::with_capacity(3);
            let mut polled: Vec<PollFd<'_>> = Vec::with_capacity(3);
            for (place, stream) in streams.iter().enumerate() {
                if let Some(stream) = stream {
                    sources.push(Source::Stream(place));
                    polled.push(PollFd::from_borrowed_fd(stream.as_fd(), PollFlags::IN));
                }
            }
            if let (None, Some(handle)) = (dead_since, &handle) {
                sources.push(Source::Process);
                polled.push(PollFd::new(handle, PollFlags::IN));
            }
            let patience = dead_since.map(|since| LEAK_PATIENCE.saturating_sub(since.elapsed()));
            // Where there is no handle to be had, it is asked for again after as long.
            let until_watched = SHORT.checked_sub(run_for).filter(|left| !left.is_zero()).unwrap_or(SHORT);
            let patience = patience.or_else(|| handle.is_none().then_some(until_watched));
            let timeout = patience.map(|left| Timespec {
                tv_sec: 0,
                tv_nsec: left.as_nanos().try_into().expect("the patience is below a second"),
            });
            let nothing_ready = poll(&mut polled, timeout.as_ref()) == Ok(0);
            if dead_since.is_some() && (nothing_ready || late_bytes > LATE_BYTES) {
                let [stdout, stderr] = captures;
                return (stdout, stderr, true);
            }
            let ready: Vec<bool> = polled.iter().map(|one| !one.revents().is_empty()).collect();
            drop(polled);
            for (source, _) in sources.into_iter().zip(ready).filter(|(_, ready)| *ready) {
                match source {
                    Source::Process => dead_since = Some(Instant::now()),
                    Source::Stream(place) => {
                        let stream = streams[place].as_mut().expect("only open streams were polled");
                        match stream.read(&mut self.buffer) {
                            Ok(0) => streams[place] = None,
                            Ok(count) => {
                                captures[place].push(&self.buffer[..count]);
                                let is_late = dead_since.is_some_and(|since| since.elapsed() >= LEAK_PATIENCE);
                                late_bytes += if is_late { count } else { 0 };
                            }
                            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                            Err(_) => streams[place] = None,
                        }
                    }
                }
            }
        }
        let [stdout, stderr] = captures;
        (stdout, stderr, false)
    }
}

enum Source {
    Stream(usize),
    Process,
}

trait Stream: Read + AsFd {}

impl<T: Read + AsFd> Stream for T {}

/// Starts the command; while the system is short of descriptors, processes or memory, waits for some to come back.
fn start(invocation: &Invocation, marker: Option<&str>, environment: &[(String, String)]) -> io::Result<Child> {
    const FIRST_WAIT: Duration = Duration::from_millis(10);
    const TRIES: u32 = 9;
    let (program, arguments) = invocation.words.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut command = Command::new(program);
    command.args(arguments).envs(environment.iter().map(|(name, value)| (name, value)));
    command.envs(invocation.variables.iter().map(|(name, value)| (name, value)));
    // Standard input is inherited: ours is the null device.
    let stdin = invocation.stdin.as_ref().map_or(Ok(Stdio::inherit()), |file| file.try_clone().map(Stdio::from))?;
    command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    if let Some(marker) = marker {
        command.env(TASK_MARKER, marker);
    }
    let mut wait = FIRST_WAIT;
    for _ in 1..TRIES {
        match command.spawn() {
            Err(error) if launch_error::is_passing(&error) => {
                std::thread::sleep(wait);
                wait *= 2;
            }
            other => return other,
        }
    }
    command.spawn()
}

/// Waits for the end of a child and leaves it to be reaped.
fn wait_unreaped(pid: Pid) {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    while matches!(waitid(WaitId::Pid(pid), options), Err(rustix::io::Errno::INTR)) {}
}

/// Reaps a child: its status, the CPU time of it and of what it waited for, and its peak memory in bytes.
#[expect(unsafe_code, reason = "no safe library call gives the resource use of one child")]
fn reap(pid: Pid) -> (ExitStatus, u64, u64) {
    // Should someone else have reaped it, then because everything here is being killed: no success.
    let mut status = libc::SIGKILL;
    // SAFETY: `rusage` is plain numbers, for which all zeros are valid.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    loop {
        // SAFETY: both pointers are to live values of the types that wait4 writes.
        let reaped = unsafe { libc::wait4(pid.as_raw_nonzero().get(), &raw mut status, 0, &raw mut usage) };
        if reaped != -1 || io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
            break;
        }
    }
    let time_ns =
        |time: libc::timeval| time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_usec.unsigned_abs() * 1_000;
    let cpu_ns = time_ns(usage.ru_utime) + time_ns(usage.ru_stime);
    (ExitStatus::from_raw(status), cpu_ns, usage.ru_maxrss.unsigned_abs() * 1024)
}

/// Ends what the command left behind outside its process group; as a subreaper this process was given all of it.
fn end_strays(marker: Option<&str>) {
    let any = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    if waitid(WaitId::All, any).is_err_and(|error| error == rustix::io::Errno::CHILD) {
        return;
    }
    let me = std::process::id();
    loop {
        let mut strays = process_tree::adopted_children();
        if let Some(marker) = marker {
            let of_task = process_tree::marked(TASK_MARKER, marker);
            strays.retain(|pid| of_task.contains(pid) || process_tree::has_ended(*pid));
        }
        if strays.is_empty() {
            return;
        }
        for pid in strays {
            // What runs as another user cannot be ended by us. One that is gone was reaped by another lane.
            if !end_tree(pid, me) && !process_tree::has_ended(pid) && process_tree::parent_of(pid).is_some() {
                return;
            }
            if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
                let _ = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED);
            }
        }
    }
}

fn outcome_of(status: ExitStatus) -> Outcome {
    match (status.code(), status.signal()) {
        (Some(0), _) => Outcome::Done,
        (Some(code), _) => Outcome::Exited { code },
        (None, signal) => Outcome::Signalled { signal: signal.unwrap_or_default() },
    }
}
