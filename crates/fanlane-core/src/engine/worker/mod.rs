//! The worker role: a process that does tasks until its engine does not need it any more.
//!
//! It is reached before the program initialises anything else. The main thread only watches the control socket: each
//! socket that arrives there becomes a lane, and its end means that the engine needs no further results.

mod call;
mod capture;
mod command;
mod command_line;
mod cpu_meter;
pub(super) mod executor;
mod file_answers;
mod file_part;
mod invocation;
pub(super) mod lane;
mod launch_error;
mod launch_gate;
mod listener;
mod live_tap;
mod locate;
pub mod outbox;
mod python;
mod receiver;
pub(super) mod staging;
mod streams;

pub use command::TASK_MARKER;

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Signal, WaitId, WaitIdOptions, waitid};

use crate::engine::link::{Link, LinkStream};
use crate::engine::protocol::{FromWorker, Setup, ToProcess};
use crate::engine::run_clock::RunClock;
use crate::engine::ssh::ChannelStream;
use crate::event::{LaneId, WorkerId};
use fanlane_mp::Function;
use fanlane_os::process_tree::Stopped;
use fanlane_os::shared_memory::Segment;
use fanlane_os::{descriptors, mailbox, parent_death, process_tree, socket};

use executor::ExecutorKind;
use launch_gate::LaunchGate;
use outbox::Outbox;

/// The name of the engine's role among those of [`mp`](fanlane_mp).
pub const ENGINE_ROLE: &str = "engine";

/// What all lanes of this process share.
pub struct WorkerContext {
    pub setup: Setup,
    /// The kinds of tasks that this process knows.
    kinds: &'static [ExecutorKind],
    /// Why no command can be run here, for example because the working folder is missing.
    unusable: Option<String>,
    /// Lanes that are not through.
    live_lanes: AtomicU32,
    /// The engine has gone: no further task is begun.
    over: AtomicBool,
    /// This process is being ended because of a call of one lane.
    is_aborting: AtomicBool,
    launches: LaunchGate,
    pub clock: RunClock,
    /// What a suspension has stopped.
    suspended: Mutex<Vec<Stopped>>,
    /// The interpreter that all lanes share where they are threads.
    interpreter: python::SharedInterpreter,
}

impl WorkerContext {
    /// A process without lanes.
    pub fn new(setup: Setup, kinds: &'static [ExecutorKind], unusable: Option<String>) -> Self {
        Self {
            clock: RunClock::since(setup.epoch_ns),
            suspended: Mutex::default(),
            interpreter: python::SharedInterpreter::default(),
            setup,
            kinds,
            unusable,
            live_lanes: AtomicU32::new(0),
            over: AtomicBool::new(false),
            is_aborting: AtomicBool::new(false),
            launches: LaunchGate::new(),
        }
    }
}

/// The role of the engine's workers, for [`mp::init`](fanlane_mp::init), which comes first in the `main` of the executable
/// that the workers are.
pub fn worker_role() -> Function {
    Function::service(ENGINE_ROLE, serve)
}

/// Does tasks until the engine closes the control socket.
fn serve(control: UnixStream) -> i32 {
    match work(control) {
        Ok(()) => 0,
        Err(error) => {
            // The standard error that the engine left is the only place for it.
            #[expect(clippy::print_stderr, reason = "the engine is gone")]
            {
                eprintln!("fanlane: a worker cannot go on: {error}");
            }
            2
        }
    }
}

fn work(mut control: UnixStream) -> io::Result<()> {
    // Processes that a task leaves behind become children of this one, which can end them.
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    let setup = read_setup(&mut control)?;
    // A panic of a workload is an outcome and travels as such.
    std::panic::set_hook(Box::new(|_| {}));
    let unusable = std::env::set_current_dir(&setup.working_dir).err().map(|error| {
        format!(
            "the working folder {} cannot be entered: {error}. Make it, or set another.",
            setup.working_dir.display()
        )
    });
    let engine = rustix::process::getppid();
    let context = Arc::new(WorkerContext::new(setup, executor::BUILT_IN, unusable));
    if context.setup.nice > 0 {
        // A run goes on without it.
        let _ = rustix::process::nice(context.setup.nice);
    }
    if context.setup.shared_process {
        descriptors::raise();
    }
    let received = serve_process(&context, &control);
    context.over.store(true, Ordering::SeqCst);
    context.end_all_descendants();
    let setup = &context.setup;
    let folders: Vec<&Path> =
        [&setup.spill_folder, &setup.shared_folder].into_iter().flatten().map(|path| &**path).collect();
    // On a host they are the agent's, which waits for this process.
    if context.live_lanes.load(Ordering::Acquire) > 0 && !folders.is_empty() && !setup.is_remote {
        // A lane that still reads would make the folder once more behind its removal.
        capture::end_spilling();
        remove_after(engine, &folders);
    }
    received
}

/// Opens the lanes that the engine asks for, and suspends the tasks when it asks for that, until the control socket ends.
fn serve_process(context: &Arc<WorkerContext>, mut control: &UnixStream) -> io::Result<()> {
    while let Some((numbers, descriptors)) = socket::receive_numbered(control)? {
        let (worker, lane) = match ToProcess::of_numbers(numbers)? {
            ToProcess::OpenLane { worker, lane } => (worker, lane),
            ToProcess::Suspend => {
                context.suspend();
                control.write_all(&[1])?;
                continue;
            }
            ToProcess::GoOn { epoch_ns } => {
                context.go_on(epoch_ns);
                continue;
            }
        };
        let mut descriptors = descriptors.into_iter();
        // Without a socket the engine sees the end of its own; without memory for mailboxes all goes through the socket.
        let Some(stream) = descriptors.next().map(UnixStream::from) else { continue };
        // Descriptors and mailboxes do not leave the machine.
        let stream: Arc<dyn LinkStream> =
            if context.setup.is_remote { Arc::new(ChannelStream(stream)) } else { Arc::new(stream) };
        let lanes = u64::from(context.live_lanes.fetch_add(1, Ordering::AcqRel)) + 1;
        let mut open = || {
            let segment = descriptors.next().map(Segment::open).transpose()?.map(Arc::new);
            let link = Link { stream: Arc::clone(&stream), mailboxes: mailbox::pair_in(segment.as_ref()) };
            lane::open(Arc::clone(context), WorkerId(worker), LaneId(lane), link)
        };
        let refused = refusal(lanes).or_else(|| {
            let error = open().err()?;
            Some(format!("lane {} of a process cannot be opened: {error}", lane + 1))
        });
        if let Some(reason) = refused {
            context.live_lanes.fetch_sub(1, Ordering::AcqRel);
            Outbox::new(stream, None, context.setup.transport).send(&FromWorker::Refused(reason));
        }
    }
    Ok(())
}

/// Why this process cannot have this number of lanes: each lane needs files of its own, and so does each command, which
/// could otherwise never begin.
fn refusal(lanes: u64) -> Option<String> {
    const OF_PROCESS: u64 = 16;
    const OF_LANE: u64 = 13;
    let most = descriptors::limit()?;
    let possible = most.saturating_sub(OF_PROCESS) / OF_LANE;
    (lanes > 1 && lanes > possible).then(|| {
        format!(
            "one process may have {most} files open, which is enough for {} tasks at a time; allow more with \
             `ulimit -n`, ask for fewer, or use the mode pool",
            possible.max(1)
        )
    })
}

/// Removes the run's folders if the engine has died, because then nothing else does.
fn remove_after(engine: Option<rustix::process::Pid>, folders: &[&Path]) {
    const MAX_POLLS: u32 = 500;
    const PAUSE: Duration = Duration::from_millis(10);
    // A process that dies closes its sockets a moment before its children have another parent.
    for _ in 0..MAX_POLLS {
        if rustix::process::getppid() != engine {
            for folder in folders {
                // Another worker may have been first.
                let _ = std::fs::remove_dir_all(folder);
            }
            return;
        }
        std::thread::sleep(PAUSE);
    }
}

/// Reads exactly the one frame: what follows it on the control socket carries descriptors.
fn read_setup(control: &mut UnixStream) -> io::Result<Setup> {
    const MAX_BYTES: usize = 1 << 20;
    let mut header = [0; 4];
    control.read_exact(&mut header)?;
    let length = u32::from_le_bytes(header) as usize;
    if length > MAX_BYTES {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut body = vec![0; length];
    control.read_exact(&mut body)?;
    postcard::from_bytes(&body).map_err(io::Error::other)
}

impl WorkerContext {
    /// Stops the clock and all that tasks of this process have started, and lets none begin.
    pub fn suspend(&self) {
        const LAUNCH_TIMEOUT: Duration = Duration::from_millis(500);
        self.clock.stop();
        self.launches.hold(Instant::now() + LAUNCH_TIMEOUT);
        if self.setup.task.in_process {
            // The engine stops this process, which then sees no end of its control socket.
            parent_death::kill_with_parent(true);
        }
        // A key has stopped the task that has the terminal, and with it the run: it goes on with it.
        *self.suspended() = process_tree::stop_below(std::process::id(), self.setup.terminal_of.is_some());
    }

    /// Lets go on what [`WorkerContext::suspend`] has stopped; the zero of the run's clock is now at `epoch_ns`.
    pub fn go_on(&self, epoch_ns: u64) {
        self.clock.go_on_since(epoch_ns);
        if self.setup.task.in_process {
            parent_death::kill_with_parent(false);
        }
        process_tree::let_go_on(&std::mem::take(&mut *self.suspended()));
        self.launches.open();
    }

    fn suspended(&self) -> MutexGuard<'_, Vec<Stopped>> {
        self.suspended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does not return where this process is being ended: what the lanes see die then is no end of their tasks.
    fn wait_if_aborting(&self) {
        while self.is_aborting.load(Ordering::Acquire) {
            std::thread::park();
        }
    }

    /// Ends all processes that tasks of this process started, however deep, and lets none begin. Returns when none is left, or
    /// after a time limit: one that the system holds in a call of its own cannot be ended.
    fn end_all_descendants(&self) {
        const TIMEOUT: Duration = Duration::from_secs(5);
        const MAX_PAUSE: Duration = Duration::from_millis(16);
        let deadline = Instant::now() + TIMEOUT;
        self.launches.close(deadline);
        let me = std::process::id();
        let mut pause = Duration::from_micros(250);
        while Instant::now() < deadline {
            for pid in process_tree::children(me) {
                end_tree(pid, me);
            }
            // The lanes' own threads may be waiting for the same children; the first to come reaps. This never waits for one: a
            // child that came after the look above would not have been ended.
            match waitid(WaitId::All, WaitIdOptions::EXITED | WaitIdOptions::NOHANG) {
                Ok(Some(_)) | Err(rustix::io::Errno::INTR) => {}
                Ok(None) => {
                    std::thread::sleep(pause);
                    pause = (pause * 2).min(MAX_PAUSE);
                }
                Err(_) => return,
            }
        }
    }
}

/// Kills a child of this process and all below it: top down, so that none is left to start another. Returns whether the
/// child could be signalled.
fn end_tree(pid: u32, parent: u32) -> bool {
    let below = process_tree::descendants(pid);
    let signalled = process_tree::signal_child_of(pid, parent, Signal::KILL);
    // With its parent dead each of these is ours, or its own parent is among them and dies as well.
    for pid in below {
        if let Some(parent) = process_tree::parent_of(pid) {
            process_tree::signal_child_of(pid, parent, Signal::KILL);
        }
    }
    signalled
}
