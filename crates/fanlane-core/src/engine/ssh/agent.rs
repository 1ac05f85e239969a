//! The agent: this program on a host, reached through ssh, whose standard streams are the connection. It starts a worker for each
//! lane that the engine asks for and carries their bytes. When the connection ends, it ends all that it has started.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use fanlane_mp::Function;
use fanlane_os::child::OWN_EXECUTABLE;
use fanlane_os::clock::monotonic_ns;
use fanlane_os::process_id::ProcessId;
use fanlane_os::{descriptors, machine, owned_folder};

use super::bootstrap::{AGENT_ROLE, MARK};
use super::message::{FromAgent, HostFacts, ToAgent};
use super::mux::{Mux, MuxHandle, MuxOwner};
use crate::engine::dispatcher::ProcessEnd;
use crate::engine::launcher::WorkerHandle;
use crate::engine::orphans;
use crate::engine::protocol::Setup;
use crate::engine::worker_process::WorkerProcess;
use crate::event::{LaneId, WorkerId};

/// An engine that is silent for this long is gone: it asks for a sign of life every other second.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a worker may take to stop its tasks.
const SUSPEND_TIMEOUT: Duration = Duration::from_secs(1);
/// What the name of the folder for long outputs begins with.
const SPILL_PREFIX: &str = ".fanlane-agent-";

/// The role of agents on hosts, for [`mp::init`](fanlane_mp::init).
pub fn agent_role() -> Function {
    Function::remote(AGENT_ROLE, |_| match serve() {
        Ok(()) => 0,
        Err(error) => {
            // The engine tells what ssh says on its standard error, and that is where this goes.
            #[expect(clippy::print_stderr, reason = "standard error leads to the engine")]
            {
                eprintln!("the agent cannot go on: {error}");
            }
            2
        }
    })
}

fn serve() -> io::Result<()> {
    let initial_limit = descriptors::initial_limit();
    orphans::own_process();
    export_program_path();
    let stdin = rustix::io::fcntl_dupfd_cloexec(io::stdin().as_fd(), 3)?;
    let stdout = rustix::io::fcntl_dupfd_cloexec(io::stdout().as_fd(), 3)?;
    let mut greeting = io::stdout().lock();
    writeln!(greeting, "{MARK} agent").and_then(|()| greeting.flush())?;
    drop(greeting);
    // What a worker prints by mistake must not get between the messages.
    let null = std::fs::File::options().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    let spill = Spill::new()?;
    let mux = Mux::new(stdin, stdout)?;
    let mut agent = Agent {
        mux: mux.handle(),
        workers: BTreeMap::new(),
        suspended: BTreeSet::new(),
        home: std::env::current_dir()?,
        spill_folder: spill.0.clone(),
        initial_limit,
    };
    agent.mux.send(&FromAgent::Facts(Box::new(facts(&agent.home))))?;
    let carried = mux.run(&mut agent);
    agent.end_all();
    match carried {
        // The engine is gone, which is told to nobody.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        carried => carried,
    }
}

/// Sets `FANLANE` to the path of this program for the scripts of tasks.
#[expect(unsafe_code, reason = "the environment of a process can be changed before it has a second thread")]
fn export_program_path() {
    if let Ok(program) = std::env::current_exe() {
        // SAFETY: called before a second thread exists, but for a main thread that only waits for this one.
        unsafe { std::env::set_var("FANLANE", program) };
    }
}

/// What this machine is, as an agent on it would say.
pub fn own_facts() -> HostFacts {
    facts(&std::env::current_dir().unwrap_or_default())
}

/// What this host is.
fn facts(home: &Path) -> HostFacts {
    let free = rustix::fs::statvfs(home).ok().map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize));
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    HostFacts {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        architecture: std::env::consts::ARCH.to_owned(),
        system: machine::system(),
        host_name: machine::host_name(),
        cores: machine::cores(),
        memory_bytes: machine::memory_bytes(),
        free_disk_bytes: free,
        load: machine::load().map(|load| format!("{load:.2}")),
        path: variable("PATH"),
        shell: variable("SHELL"),
        home: home.display().to_string(),
        agent: variable("FANLANE"),
    }
}

/// The folder for outputs that are too long for memory, until the engine has them. It is made by the first worker that needs it.
struct Spill(PathBuf);

impl Spill {
    fn new() -> io::Result<Self> {
        let place = std::env::temp_dir();
        // What agents have left that were killed.
        let _ = owned_folder::sweep(&place, SPILL_PREFIX);
        let name = owned_folder::name_start(SPILL_PREFIX, ProcessId::own())?;
        Ok(Self(place.join(format!("{name}-{:x}", monotonic_ns()))))
    }
}

impl Drop for Spill {
    fn drop(&mut self) {
        // It is not there unless an output was long.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

struct Agent {
    mux: Arc<MuxHandle>,
    workers: BTreeMap<u32, Arc<WorkerProcess>>,
    /// Those whose tasks stand still, since the engine does, which gives no sign of life then.
    suspended: BTreeSet<u32>,
    home: PathBuf,
    spill_folder: PathBuf,
    /// How many files a program may have open that is started here.
    initial_limit: Option<u64>,
}

impl Agent {
    fn start(
        &mut self,
        channel: u32,
        (worker, lane): (WorkerId, LaneId),
        mut setup: Setup,
        environment: &[(String, String)],
    ) {
        setup.working_dir = self.home.join(&setup.working_dir);
        setup.spill_folder = setup.spill_folder.map(|_| self.spill_folder.clone());
        setup.caps.descriptors = self.initial_limit.or_else(descriptors::initial_limit);
        let started = WorkerProcess::start(Path::new(OWN_EXECUTABLE), &setup, environment).and_then(|process| {
            let opened = process.open_stream(worker, lane).inspect_err(|_| process.end_unused());
            opened.map(|stream| (process, stream))
        });
        match started {
            Ok((process, stream)) => {
                self.tell(&FromAgent::Started { channel, pid: process.pid() });
                self.mux.attach(channel, stream);
                self.workers.insert(channel, Arc::new(process));
            }
            Err(error) => {
                let end = ProcessEnd::Died(format!("a worker could not be started there: {error}"));
                self.tell(&FromAgent::Ended { channel, end });
                // Its end is the end of the channel.
                if let Ok((closed, _)) = fanlane_os::socket::pair() {
                    self.mux.attach(channel, closed);
                }
            }
        }
    }

    fn tell(&self, message: &FromAgent) {
        // A connection that has ended is noticed where it is read.
        let _ = self.mux.send(message);
    }

    /// Says how a worker ends, whose lane has.
    fn reap(&mut self, channel: u32, said_bye: bool) {
        self.suspended.remove(&channel);
        let Some(process) = self.workers.remove(&channel) else { return };
        let mux = Arc::clone(&self.mux);
        let reap = move || {
            let _ = mux.send(&FromAgent::Ended { channel, end: process.lane_ended(said_bye) });
        };
        // Without a thread the other lanes wait for it.
        if let Err(reap) = in_thread("end of a worker", reap) {
            reap();
        }
    }

    fn suspend(&mut self, channel: u32) {
        let Some(process) = self.workers.get(&channel).map(Arc::clone) else { return };
        self.suspended.insert(channel);
        process.suspend();
        let mux = Arc::clone(&self.mux);
        let wait = move || {
            process.wait_suspended(Instant::now() + SUSPEND_TIMEOUT);
            let _ = mux.send(&FromAgent::Suspended { channel });
        };
        if let Err(wait) = in_thread("suspension", wait) {
            wait();
        }
    }

    /// Ends all workers, and what they have started with them.
    fn end_all(&mut self) {
        let workers: Vec<Arc<WorkerProcess>> = std::mem::take(&mut self.workers).into_values().collect();
        workers.iter().for_each(|process| process.close());
        workers.iter().for_each(|process| drop(process.lane_ended(false)));
        orphans::end_adopted();
    }
}

/// Does something in a thread of its own; gives it back where none can be had.
fn in_thread<F: FnOnce() + Send + 'static>(name: &str, work: F) -> Result<(), F> {
    let shared = Arc::new(std::sync::Mutex::new(Some(work)));
    let take =
        |shared: &std::sync::Mutex<Option<F>>| shared.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
    let its = Arc::clone(&shared);
    let started = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        if let Some(work) = take(&its) {
            work();
        }
    });
    match started {
        Ok(_) => Ok(()),
        Err(_) => take(&shared).map_or(Ok(()), Err),
    }
}

impl MuxOwner for Agent {
    fn take(&mut self, message: &[u8]) -> io::Result<()> {
        match postcard::from_bytes(message).map_err(io::Error::other)? {
            ToAgent::Ping { sent_ns } => self.tell(&FromAgent::Pong { sent_ns, clock_ns: monotonic_ns() }),
            ToAgent::Start { channel, worker, lane, setup, environment } => {
                self.start(channel, (WorkerId(worker), LaneId(lane)), *setup, &environment);
            }
            ToAgent::Kill { channel } => {
                if let Some(process) = self.workers.get(&channel) {
                    process.kill();
                }
            }
            ToAgent::Reap { channel, said_bye } => self.reap(channel, said_bye),
            ToAgent::Suspend { channel } => self.suspend(channel),
            ToAgent::GoOn { channel, epoch_ns } => {
                self.suspended.remove(&channel);
                if let Some(process) = self.workers.get(&channel) {
                    process.go_on(epoch_ns);
                }
            }
        }
        Ok(())
    }

    fn look(&mut self, silence: Duration) -> io::Result<()> {
        if silence > SILENCE_TIMEOUT && self.suspended.is_empty() {
            return Err(io::Error::other("the engine has given no sign of life for a minute"));
        }
        Ok(())
    }
}
