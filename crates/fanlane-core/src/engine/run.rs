//! A run: the thin layer that does what the dispatcher decides.
//!
//! Each lane has a thread ([`lane`]) that reads its worker's messages, asks the dispatcher what to do about it, and does it
//! ([`effects`]), all in one go: a result is answered with the next tasks without another thread being woken. One more
//! thread ([`main_loop`]) starts workers and keeps the time. Events leave in order through a bounded channel
//! ([`event_outlet`]); waiting for room there holds no lock that a command would need.

mod effects;
pub(super) mod event_outlet;
mod lane;
mod live_output;
mod main_loop;
mod suspension;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Sender, bounded, unbounded};
use rustix::process::getpgrp;

use crate::event::{DispatchEvent, Event, EventKind, InterpreterFacts, RunEvent, RunHeader, TaskId};
use crate::job::workload::Workload;
use crate::job::workload::server::LoopbackServer;
use crate::job::{Batch, Mode, TaskTemplate};
use fanlane_os::clock::{monotonic_ns, unix_ms};
use fanlane_os::descriptors;

use super::dispatcher::{DispatchPlan, Dispatcher, Input};
use super::launcher::Launcher;
use super::monitor::Monitor;
use super::progress::ProgressReports;
use super::protocol::{CallParameters, Caps, CommandKind, Setup, TaskSetup};
use super::python::PythonCall;
use super::run_clock::RunClock;
use super::shared_objects::SharedObjects;
use super::{EngineError, OutputInterest, RunCommand, RunHandle, RunOptions, RunStanding};

use effects::{Driver, DriverState, Request};
use event_outlet::EventOutlet;
use main_loop::Companions;

/// From SIGTERM to SIGKILL.
const GRACE: Duration = Duration::from_secs(2);
/// How much of each stream of a command is kept in memory.
const OUTPUT_LIMIT_BYTES: usize = 1 << 20;
/// Maximum number of workers starting at the same time.
const MAX_STARTING: u32 = 8;

/// A run under way. Dropping it ends it at once.
pub struct Run {
    driver: Arc<Driver>,
    thread: Option<JoinHandle<()>>,
    /// Dropped when events can no longer be counted on to be taken.
    listening: Option<Sender<()>>,
}

impl Run {
    /// As [`Engine::start`](super::Engine::start), with workers of `launcher`.
    ///
    /// # Errors
    /// When threads or sockets cannot be had.
    pub fn start(
        launcher: Box<dyn Launcher>,
        batch: Arc<Batch>,
        options: RunOptions,
        events: Sender<Event>,
    ) -> Result<Self, EngineError> {
        let system = |what| move |source| EngineError::System { what, source };
        let epoch_ns = monotonic_ns();
        let clock = Arc::new(RunClock::since(epoch_ns));
        let TaskPlan { task, server, interpreter } = task_setup(&batch, &options)?;
        let objects = SharedObjects::start(batch.job())?;
        // Only commands can report; and a run without reports is better than none.
        let reports =
            (!task.in_process).then(|| ProgressReports::start(events.clone(), Arc::clone(&clock)).ok()).flatten();
        let setup = Setup {
            task,
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
            shared_folder: objects.as_ref().and_then(SharedObjects::folder).map(Path::to_owned),
            progress: reports.as_ref().map(|reports| reports.name().to_owned()),
            transport: batch.job().transport,
            terminal_of: options.terminal.then(|| getpgrp().as_raw_nonzero().get()),
            is_remote: false,
        };
        batch.set_lanes(options.workers);
        let growth = batch.growth();
        let tasks = growth.as_ref().map_or_else(|| batch.len(), |growth| growth.tasks);
        let plan = DispatchPlan {
            tasks,
            complete: growth.is_none(),
            needs: batch.requests().cloned(),
            order: batch.order().clone(),
            breakpoints: options.breakpoints.clone(),
            dependencies: batch.dependencies().clone(),
            control: batch.job().control.clone(),
            mode: options.mode,
            workers: options.workers,
            retries: batch.job().retries,
            grace_ns: setup.grace_ns,
            max_starting: MAX_STARTING,
            chunk: options.chunk,
        };
        let header = EventKind::Run(RunEvent::Started(RunHeader {
            name: batch.job().display_name().to_owned(),
            mode: options.mode,
            workers: options.workers,
            tasks,
            started_unix_ms: unix_ms(),
        }));
        let (requests, asked) = unbounded();
        let (listening, abandoned) = bounded(0);
        let monitor = options.monitor.then(|| Monitor::start(events.clone(), Arc::clone(&clock)));
        let watched = objects.as_ref().filter(|_| options.monitor);
        let watch = watched.map(|objects| objects.watch(events.clone(), Arc::clone(&clock)));
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
        let driver = Arc::new(Driver {
            batch,
            launcher,
            setup,
            clock,
            environment: objects.as_ref().map_or_else(Vec::new, SharedObjects::environment),
            core: Mutex::new(DriverState::new(Dispatcher::new(plan))),
            starting: Mutex::new(()),
            interest: Mutex::new(OutputInterest::of_all(options.output)),
            outlet: EventOutlet::new(events, abandoned),
            requests,
            growth_told,
            gate: options.gate,
        });
        driver.outlet.emit(Event { at_ns: 0, kind: header });
        if let Some(facts) = interpreter {
            driver.outlet.emit(Event { at_ns: 0, kind: EventKind::Run(RunEvent::InterpreterFound(facts)) });
        }
        for task in options.breakpoints {
            let kind = EventKind::Dispatch(DispatchEvent::BreakpointChanged { task, is_set: true });
            driver.outlet.emit(Event { at_ns: 0, kind });
        }
        // The launcher is part of the driver, and must not keep it.
        let notified = Arc::downgrade(&driver);
        driver.launcher.begin(Box::new(move |notice| {
            if let Some(driver) = notified.upgrade() {
                driver.take_notice(notice);
            }
        }));
        let own = Arc::clone(&driver);
        let thread = std::thread::Builder::new()
            .name("run".to_owned())
            .spawn(move || {
                own.run_main_loop(&asked, Companions { monitor, watch, reports, objects });
                // Ends the feeder of the batch.
                drop(growing);
                drop(server);
            })
            .map_err(system("the run's thread could not be started"))?;
        Ok(Self { driver, thread: Some(thread), listening: Some(listening) })
    }

    fn wait(&mut self) {
        if let Some(thread) = self.thread.take() {
            // A panic there was printed; there is nothing left to wait for.
            let _ = thread.join();
        }
    }
}

impl RunHandle for Run {
    fn command(&self, command: RunCommand) {
        if self.driver.watch(command) {
            return;
        }
        if let RunCommand::SetWorkers(workers) = command {
            self.driver.batch.set_lanes(workers);
        }
        if !self.driver.locate(command) {
            self.driver.decide(Input::Command(command));
        }
        // Another thread lets the events out: the caller may be the one that takes them.
        let _ = self.driver.requests.send(Request::Look);
    }

    fn standing(&self, task: Option<TaskId>) -> Option<RunStanding> {
        Some(self.driver.core().dispatcher.standing(task))
    }

    fn grow(&self, grow: &mut dyn FnMut()) {
        // The main loop need not be woken for it.
        self.driver.growth_told.store(true, Ordering::SeqCst);
        grow();
        self.driver.take_growth();
        if !self.driver.try_deliver() {
            let _ = self.driver.requests.send(Request::Look);
        }
    }

    fn suspend_during(&self, pause: &mut dyn FnMut()) {
        self.driver.suspend_during(pause);
    }

    fn join(mut self: Box<Self>) {
        self.wait();
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.command(RunCommand::StopNow);
            // The thread that drops a run may be the one that would have taken its events.
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

/// What the workers are to do, and what the run has ready for it.
struct TaskPlan {
    task: TaskSetup,
    /// For those calls that fetch pages.
    server: Option<LoopbackServer>,
    interpreter: Option<InterpreterFacts>,
}

fn task_setup(batch: &Batch, options: &RunOptions) -> Result<TaskPlan, EngineError> {
    let system = |what| move |source| EngineError::System { what, source };
    let encoded = system("the job's task could not be encoded for its workers");
    let task = &batch.job().task;
    let traits = task.kind().traits();
    let (kind, in_process) = (traits.name, !traits.has_own_process);
    let server_if = |is_needed: bool| {
        let server = is_needed.then(LoopbackServer::start).transpose();
        server.map_err(system("the loopback server could not be started"))
    };
    match task {
        TaskTemplate::Command(_) => {
            let parameters = CommandKind::of(batch.job());
            let task = TaskSetup::new(kind, in_process, &parameters).map_err(encoded)?;
            Ok(TaskPlan { task, server: None, interpreter: None })
        }
        TaskTemplate::Workload(spec) => {
            let server = server_if(Workload::prepare(spec)?.needs_server())?;
            let parameters =
                CallParameters { spec: spec.clone(), server: server.as_ref().map(LoopbackServer::address) };
            let task = TaskSetup::new(kind, in_process, &parameters).map_err(encoded)?;
            Ok(TaskPlan { task, server, interpreter: None })
        }
        TaskTemplate::Python(spec) => {
            let call = match &options.python {
                Some(call) => call.clone(),
                None => PythonCall::prepare(spec, batch)?,
            };
            // Threads share an interpreter, so that a call can only be ended with all of them.
            let in_process = options.mode == Mode::Threads;
            let server = server_if(call.needs_server())?;
            let parameters = call.parameters(options, server.as_ref().map(LoopbackServer::address));
            let task = TaskSetup::new(kind, in_process, &parameters).map_err(encoded)?;
            Ok(TaskPlan { task, server, interpreter: Some(call.facts) })
        }
    }
}
