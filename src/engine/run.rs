//! A run: the thin shell that does what the dispatcher decides.
//!
//! Each lane has a thread ([`lane`]) that reads what its worker says, asks the dispatcher what to do about it, and does it
//! ([`shell`]), all in one go: a result is answered with the next tasks without another thread being woken. One more
//! thread ([`keeper`]) starts workers and keeps the time. Events leave in order through a bounded channel ([`outlet`]);
//! whoever waits for room there holds no lock that a command would need.

mod keeper;
mod lane;
mod outlet;
mod shell;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crossbeam_channel::{Sender, bounded, unbounded};

use crate::event::{Event, EventKind, RunEvent, RunHeader};
use crate::job::workload::Workload;
use crate::job::workload::server::LoopbackServer;
use crate::job::{Batch, Mode, TaskTemplate};
use crate::mp::clock::monotonic_ns;
use crate::mp::descriptors;

use super::dispatcher::{Dispatcher, Input, Plan};
use super::monitor::Monitor;
use super::progress::ProgressReports;
use super::protocol::{Caps, CommandKind, Setup, TaskKind};
use super::shared::Shared as SharedObjects;
use super::{EngineError, RunCommand, RunHandle, RunOptions};

use keeper::Beside;
use outlet::Outlet;
use shell::{Core, Request, Shell};

/// From SIGTERM to SIGKILL.
const GRACE: Duration = Duration::from_secs(2);
/// How much of each stream of a command is kept in memory.
const OUTPUT_LIMIT_BYTES: usize = 1 << 20;
/// So many workers may be on their way at once.
const STARTING_LIMIT: u32 = 8;

/// A run under way. Dropping it ends it at once.
pub struct Run {
    shell: Arc<Shell>,
    thread: Option<JoinHandle<()>>,
    /// Dropped when nobody can be counted on to take events any more.
    listening: Option<Sender<()>>,
}

impl Run {
    /// As [`Engine::start`](super::Engine::start), with workers that are started from `worker_executable`.
    ///
    /// # Errors
    /// When threads or sockets cannot be had.
    pub fn start(
        worker_executable: PathBuf,
        batch: Arc<Batch>,
        options: RunOptions,
        events: Sender<Event>,
    ) -> Result<Self, EngineError> {
        let system = |what| move |source| EngineError::System { what, source };
        let epoch_ns = monotonic_ns();
        let (kind, server) = task_kind(&batch)?;
        let objects = SharedObjects::start(batch.job())?;
        // Only commands can report; and a run without reports is better than none.
        let reports = matches!(kind, TaskKind::Command(_))
            .then(|| ProgressReports::start(events.clone(), epoch_ns).ok())
            .flatten();
        let setup = Setup {
            kind,
            working_dir: batch.working_dir().to_owned(),
            shared_process: options.mode == Mode::Threads,
            epoch_ns,
            timeout_ns: batch.job().timeout_secs.map(|secs| (secs * 1e9) as u64),
            needs: batch.job().control.requests_of_lane(),
            nice: batch.job().control.nice.unwrap_or(0),
            caps: caps(&batch),
            grace_ns: GRACE.as_nanos() as u64,
            output_limit_bytes: OUTPUT_LIMIT_BYTES,
            spill_folder: options.spill_folder.clone(),
            shared_folder: objects.as_ref().map(|objects| objects.folder().to_owned()),
            progress: reports.as_ref().map(|reports| reports.name().to_owned()),
            transport: batch.job().transport,
        };
        let growth = batch.growth();
        let tasks = growth.as_ref().map_or_else(|| batch.len(), |growth| growth.tasks);
        let plan = Plan {
            tasks,
            complete: growth.is_none(),
            needs: batch.requests().cloned(),
            order: batch.order().clone(),
            after: batch.dependencies().clone(),
            control: batch.job().control.clone(),
            mode: options.mode,
            workers: options.workers,
            retries: batch.job().retries,
            grace_ns: setup.grace_ns,
            starting_limit: STARTING_LIMIT,
            chunk: options.chunk,
        };
        let header = EventKind::Run(RunEvent::Started(RunHeader {
            name: batch.job().display_name().to_owned(),
            mode: options.mode,
            workers: options.workers,
            tasks,
            started_unix_ms: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64),
        }));
        let (requests, asked) = unbounded();
        let (listening, abandoned) = bounded(0);
        let monitor = options.monitor.then(|| Monitor::start(events.clone(), epoch_ns));
        let watch = objects.as_ref().filter(|_| options.monitor).map(|objects| objects.watch(events.clone(), epoch_ns));
        let watch = watch.transpose().map_err(system("the watcher of the shared objects could not be started"))?;
        let monitor = monitor.transpose().map_err(system("the monitor's thread could not be started"))?;
        let growth_told = Arc::new(AtomicBool::new(false));
        let growing = batch.watch_growth({
            let (told, requests) = (Arc::clone(&growth_told), requests.clone());
            move || {
                if !told.swap(true, Ordering::SeqCst) {
                    let _ = requests.send(Request::Grown);
                }
            }
        });
        let shell = Arc::new(Shell {
            batch,
            worker_executable,
            setup,
            environment: objects.as_ref().map_or_else(Vec::new, SharedObjects::environment),
            core: Mutex::new(Core::new(Dispatcher::new(plan))),
            outlet: Outlet::new(events, abandoned),
            requests,
            growth_told,
        });
        shell.outlet.say(Event { at_ns: 0, kind: header });
        let own = Arc::clone(&shell);
        let thread = std::thread::Builder::new()
            .name("run".to_owned())
            .spawn(move || {
                own.keep_running(&asked, Beside { monitor, watch, reports, objects });
                // Whoever feeds the batch is told that nobody wants more.
                drop(growing);
                drop(server);
            })
            .map_err(system("the run's thread could not be started"))?;
        Ok(Self { shell, thread: Some(thread), listening: Some(listening) })
    }

    fn wait(&mut self) {
        if let Some(thread) = self.thread.take() {
            // A panic there has said its words; there is nothing left to wait for.
            let _ = thread.join();
        }
    }
}

impl RunHandle for Run {
    fn command(&self, command: RunCommand) {
        self.shell.decide(Input::Command(command));
        // Another thread lets the events out: the caller may be the one that takes them.
        let _ = self.shell.requests.send(Request::Look);
    }

    fn join(mut self: Box<Self>) {
        self.wait();
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.command(RunCommand::StopNow);
            // Whoever drops a run may be the one who would have taken its events.
            self.listening = None;
            self.wait();
        }
    }
}

fn caps(batch: &Batch) -> Caps {
    let limits = &batch.job().control.limits;
    Caps {
        memory_bytes: limits.memory_bytes,
        cpu_secs: limits.cpu_secs,
        output_bytes: limits.output_bytes,
        descriptors: descriptors::initial_limit(),
    }
}

/// What the workers are to do, and the loopback server for those workloads that ask one.
fn task_kind(batch: &Batch) -> Result<(TaskKind, Option<LoopbackServer>), EngineError> {
    match &batch.job().task {
        TaskTemplate::Command(_) => Ok((TaskKind::Command(CommandKind::of(batch.job())), None)),
        TaskTemplate::Workload(spec) => {
            let workload = Workload::prepare(spec)?;
            let server =
                workload.needs_server().then(LoopbackServer::start).transpose().map_err(|source| {
                    EngineError::System { what: "the loopback server could not be started", source }
                })?;
            let address = server.as_ref().map(LoopbackServer::address);
            Ok((TaskKind::Workload { spec: spec.clone(), server: address }, server))
        }
    }
}
