//! A run: the thin shell that does what the dispatcher decides.
//!
//! Each lane has a thread that reads what its worker says, asks the dispatcher what to do about it, and does it, all
//! in one go: a result is answered with the next tasks without another thread being woken. One more thread starts
//! workers and keeps the time. Events leave in order through a bounded channel; whoever waits for room there holds no
//! lock that a command would need.

use std::collections::HashMap;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crossbeam_channel::{
    Receiver, RecvTimeoutError, Sender, TryRecvError, TrySendError, bounded, select_biased, unbounded,
};

use crate::event::{Event, EventKind, Lane, RunHeader, TaskId, WorkerId};
use crate::job::batch::Growth;
use crate::job::workload::Workload;
use crate::job::workload::server::LoopbackServer;
use crate::job::{Batch, Mode, TaskTemplate, Transport};
use crate::mp::clock::monotonic_ns;
use crate::mp::frame::{FrameError, FrameReader};
use crate::mp::{self, descriptors};

use super::dispatcher::{Dispatcher, Effect, Input, Plan};
use super::gate::{self, Gate};
use super::link::Link;
use super::monitor::Monitor;
use super::progress::ProgressReports;
use super::protocol::{Caps, CommandKind, FromWorker, Setup, TaskFrameRef, TaskKind, ToWorker, ToWorkerRef};
use super::shared::{Shared as SharedObjects, Watch};
use super::transport::Incoming;
use super::worker_process::WorkerProcess;
use super::{EngineError, RunCommand, RunOptions};

/// From SIGTERM to SIGKILL.
const GRACE: Duration = Duration::from_secs(2);
/// How much of each stream of a command is kept in memory.
const OUTPUT_LIMIT_BYTES: usize = 1 << 20;
/// A message to a worker carries about so many bytes of tasks.
const TASKS_MESSAGE_BYTES: usize = 1 << 20;
/// What found no room is tried again after this.
const DELIVER_AGAIN: Duration = Duration::from_millis(10);
/// So many workers may be on their way at once.
const STARTING_LIMIT: u32 = 8;

/// A run under way. Dropping it ends it at once.
pub struct Run {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    /// Dropped when nobody can be counted on to take events any more.
    listening: Option<Sender<()>>,
}

struct Shared {
    batch: Arc<Batch>,
    options: RunOptions,
    setup: Setup,
    /// What all tasks have in their environment.
    environment: Vec<(String, String)>,
    core: Mutex<Core>,
    /// Held while events leave, so that they leave in order.
    events: Mutex<Sender<Event>>,
    /// Ends when the run was dropped: its events are let go then rather than waited for.
    abandoned: Receiver<()>,
    requests: Sender<Request>,
    /// The run's own thread has been told that the batch has grown, and has not looked yet.
    growth_told: Arc<AtomicBool>,
}

struct Core {
    dispatcher: Dispatcher,
    members: HashMap<WorkerId, Member>,
    said: Vec<Event>,
    effects: Vec<Effect>,
    /// The summary was said: nothing follows it.
    ended: bool,
}

/// What goes on beside the workers for as long as the run does.
struct Beside {
    monitor: Option<Monitor>,
    watch: Option<Watch>,
    reports: Option<ProgressReports>,
    objects: Option<SharedObjects>,
}

/// A worker that has its lane.
struct Member {
    lane: Lane,
    link: Link,
    process: Arc<WorkerProcess>,
    /// Its lane's thread waits for its next word, and does nothing else.
    listened_to: Arc<AtomicBool>,
}

/// What the lanes ask of the run's own thread.
enum Request {
    Start { worker: WorkerId, lane: Lane },
    LaneThread(JoinHandle<()>),
    Look,
    Grown,
}

impl Run {
    /// Starts running `batch`. Events go to `events`, [`EventKind::RunFinished`] last, after which the channel is
    /// closed; a full channel makes the run wait, one that its receiver has dropped stops it at the
    /// next event.
    ///
    /// # Errors
    /// When threads or sockets cannot be had. Workers that cannot be started are an event.
    pub fn start(batch: Arc<Batch>, options: RunOptions, events: Sender<Event>) -> Result<Self, EngineError> {
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
            needs: batch.job().control.needs_of_lane(),
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
            needs: batch.needs().cloned(),
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
        let header = EventKind::RunStarted(RunHeader {
            name: batch.job().display_name().to_owned(),
            mode: options.mode,
            workers: options.workers,
            tasks,
            started_unix_ms: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64),
        });
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
        let shared = Arc::new(Shared {
            batch,
            options,
            setup,
            environment: objects.as_ref().map_or_else(Vec::new, SharedObjects::environment),
            core: Mutex::new(Core {
                dispatcher: Dispatcher::new(plan),
                members: HashMap::new(),
                said: vec![Event { at_ns: 0, kind: header }],
                effects: Vec::new(),
                ended: false,
            }),
            events: Mutex::new(events),
            abandoned,
            requests,
            growth_told,
        });
        let own = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("run".to_owned())
            .spawn(move || {
                own.keep_running(&asked, Beside { monitor, watch, reports, objects });
                // Whoever feeds the batch is told that nobody wants more.
                drop(growing);
                drop(server);
            })
            .map_err(system("the run's thread could not be started"))?;
        Ok(Self { shared, thread: Some(thread), listening: Some(listening) })
    }

    /// Asks something of the run; after its end nothing happens. Never waits for events to be taken.
    pub fn command(&self, command: RunCommand) {
        self.shared.decide(Input::Command(command));
        // Someone else lets the events out: the caller may be the one who takes them.
        let _ = self.shared.requests.send(Request::Look);
    }

    /// Waits until the run has ended and all its processes are gone. Someone must take its events meanwhile.
    pub fn join(mut self) {
        self.wait();
    }

    fn wait(&mut self) {
        if let Some(thread) = self.thread.take() {
            // A panic there has said its words; there is nothing left to wait for.
            let _ = thread.join();
        }
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

/// Whether a worker more leaves this process what it needs to go on: files for results, and for whatever else it does.
fn has_room() -> std::io::Result<()> {
    const LEAST_ROOM: u64 = 16;
    match (descriptors::room(), descriptors::most()) {
        (Some(room), Some(most)) if room < LEAST_ROOM => Err(std::io::Error::other(format!(
            "this process may have {most} files open, and too few of them are left; allow more with `ulimit -n`"
        ))),
        _ => Ok(()),
    }
}

fn caps(batch: &Batch) -> Caps {
    let limits = &batch.job().control.limits;
    Caps {
        memory_bytes: limits.memory_bytes,
        cpu_secs: limits.cpu_secs,
        output_bytes: limits.output_bytes,
        descriptors: descriptors::given(),
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

impl Shared {
    fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The run's own thread: starts workers, keeps the time, and ends the run.
    fn keep_running(self: Arc<Self>, asked: &Receiver<Request>, beside: Beside) {
        let mut lanes: Vec<JoinHandle<()>> = Vec::new();
        // In the mode `threads`, the process that all lanes share.
        let mut common: Option<Arc<WorkerProcess>> = None;
        let mut gate = Gate::of(&self.batch.job().control);
        let mut look_at = Instant::now();
        self.look_through(gate.as_mut(), &mut look_at);
        self.decide(Input::Tick);
        self.take_growth();
        loop {
            let all_out = self.try_deliver();
            let (over, wake_ns, has_more) = {
                let dispatcher = &self.core().dispatcher;
                (dispatcher.is_over(), dispatcher.next_wake_ns(), dispatcher.has_more_to_cancel())
            };
            if over {
                break;
            }
            if has_more && all_out {
                self.decide(Input::CancelMore);
                continue;
            }
            let wait = wake_ns.map(|due_ns| Duration::from_nanos(due_ns.saturating_sub(self.now_ns())));
            let look = gate.as_ref().map(|_| look_at.saturating_duration_since(Instant::now()));
            let again = (!all_out).then_some(DELIVER_AGAIN);
            let wait = wait.into_iter().chain(look).chain(again).min();
            let request = match wait {
                Some(wait) => asked.recv_timeout(wait),
                None => asked.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match request {
                Ok(Request::Start { worker, lane }) => {
                    self.start_worker(worker, lane, &mut common);
                    if let Some(monitor) = &beside.monitor {
                        monitor.watch(self.worker_pids());
                    }
                }
                Ok(Request::LaneThread(lane)) => {
                    lanes.retain(|lane| !lane.is_finished());
                    lanes.push(lane);
                }
                Ok(Request::Look) => {}
                Ok(Request::Grown) => self.take_growth(),
                Err(_) => self.tick(),
            }
            self.look_through(gate.as_mut(), &mut look_at);
        }
        for lane in lanes.into_iter().chain(asked.try_iter().filter_map(Request::lane_thread)) {
            let _ = lane.join();
        }
        // The memory of results that nobody writes any more.
        mp::forget_dead_writers();
        let Beside { monitor, watch, reports, objects } = beside;
        drop((monitor, watch, reports));
        {
            let mut core = self.core();
            if let Some(objects) = objects {
                core.said.push(Event { at_ns: self.now_ns(), kind: EventKind::SharedEnded(objects.contents()) });
            }
            let kind = EventKind::RunFinished(core.dispatcher.summary());
            core.said.push(Event { at_ns: self.now_ns(), kind });
            core.ended = true;
        }
        self.deliver();
        // Whoever still holds the run holds no channel open.
        *self.events.lock().unwrap_or_else(PoisonError::into_inner) = bounded(0).0;
    }

    /// Looks at the machine if it is time.
    fn look_through(&self, gate: Option<&mut Gate>, look_at: &mut Instant) {
        let Some(gate) = gate.filter(|_| Instant::now() >= *look_at) else { return };
        *look_at = Instant::now() + gate::LOOK_EVERY;
        self.decide(Input::Gate(gate.look()));
        if gate.memory_is_low() {
            self.decide(Input::MemoryLow);
        }
    }

    /// Takes in what the batch has grown by.
    fn take_growth(&self) {
        // Before the look: what comes after it is told anew.
        self.growth_told.store(false, Ordering::SeqCst);
        if let Some(Growth { tasks, complete, fault }) = self.batch.growth() {
            self.decide(Input::Grown { tasks, complete, fault });
        }
    }

    fn now_ns(&self) -> u64 {
        monotonic_ns().saturating_sub(self.setup.epoch_ns)
    }

    /// Asks the dispatcher, does what it says, and lets the events out.
    fn handle(&self, input: Input) {
        self.decide(input);
        self.deliver();
    }

    fn decide(&self, input: Input) {
        let mut core = self.core();
        if core.ended {
            return;
        }
        let now_ns = self.now_ns();
        let mut effects = std::mem::take(&mut core.effects);
        let wake_ns = core.dispatcher.next_wake_ns();
        core.dispatcher.handle(now_ns, input, &mut effects);
        for effect in effects.drain(..) {
            self.perform(&mut core, now_ns, effect);
        }
        core.effects = effects;
        if core.dispatcher.is_over() || core.dispatcher.next_wake_ns() != wake_ns {
            let _ = self.requests.send(Request::Look);
        }
    }

    fn say(&self, kind: Option<EventKind>) {
        if let Some(kind) = kind {
            let at_ns = self.now_ns();
            self.core().said.push(Event { at_ns, kind });
        }
    }

    fn perform(&self, core: &mut Core, now_ns: u64, effect: Effect) {
        let (worker, message) = match effect {
            Effect::Say(kind) => {
                core.said.push(Event { at_ns: now_ns, kind });
                return;
            }
            Effect::Start { worker, lane } => {
                let _ = self.requests.send(Request::Start { worker, lane });
                return;
            }
            Effect::Kill { worker } => {
                if let Some(member) = core.members.get(&worker) {
                    member.process.kill();
                }
                return;
            }
            Effect::Run { worker, tasks } => {
                if let Some(member) = core.members.get(&worker) {
                    self.send_tasks(member, &tasks);
                }
                return;
            }
            Effect::RunWith { worker, task, attempt, shares } => {
                if let Some(member) = core.members.get(&worker) {
                    let mut payload = Vec::new();
                    self.batch.payload_with(task, member.lane.0 + 1, &shares, &mut payload);
                    let frame = TaskFrameRef { task, attempt, payload: &payload };
                    member.link.send(&ToWorkerRef::Run(vec![frame]));
                }
                return;
            }
            Effect::Recall { worker, count } => (worker, ToWorker::Recall(count)),
            Effect::Cancel { worker, task } => (worker, ToWorker::Cancel(task)),
            Effect::Stop { worker, now } => (worker, ToWorker::Stop { now }),
            Effect::SetTimeout { worker, timeout_ns } => (worker, ToWorker::SetTimeout(timeout_ns)),
            Effect::Ping { worker } => (worker, ToWorker::Ping),
            Effect::Retire { worker } => (worker, ToWorker::Retire),
        };
        if let Some(member) = core.members.get(&worker) {
            member.link.send(&message);
        }
    }

    /// All payloads of a message are made in one buffer; a message holds about a megabyte, since long command lines would
    /// not all fit into one.
    fn send_tasks(&self, member: &Member, tasks: &[(TaskId, u32)]) {
        let mut payloads = Vec::new();
        let mut ends = Vec::with_capacity(tasks.len());
        let mut first = 0;
        for (place, (task, _)) in tasks.iter().enumerate() {
            self.batch.payload_into(*task, member.lane.0 + 1, &mut payloads);
            ends.push(payloads.len());
            if payloads.len() > TASKS_MESSAGE_BYTES || place + 1 == tasks.len() {
                let starts = std::iter::once(0).chain(ends.iter().copied());
                let frames = tasks[first..=place].iter().zip(starts.zip(&ends));
                let frames = frames.map(|(&(task, attempt), (start, &end))| TaskFrameRef {
                    task,
                    attempt,
                    payload: &payloads[start..end],
                });
                member.link.send(&ToWorkerRef::Run(frames.collect()));
                payloads.clear();
                ends.clear();
                first = place + 1;
            }
        }
    }

    /// Time has passed. Whoever was not listened to until now is not to be blamed for silence.
    fn tick(&self) {
        if self.core().dispatcher.looks_at(self.now_ns()) {
            let is_unheard = |member: &Member| !member.listened_to.load(Ordering::Acquire);
            let unheard =
                self.core().members.iter().filter(|(_, member)| is_unheard(member)).map(|(id, _)| *id).collect();
            self.decide(Input::Unheard { workers: unheard });
        }
        self.decide(Input::Tick);
    }

    /// Lets out what was said as far as there is room, without waiting: whoever keeps the time must not be held up by
    /// whoever takes the events. Says whether all is out.
    fn try_deliver(&self) -> bool {
        let events = match self.events.try_lock() {
            Ok(events) => events,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return self.core().said.is_empty(),
        };
        loop {
            let mut said = std::mem::take(&mut self.core().said).into_iter();
            if said.len() == 0 {
                return true;
            }
            while let Some(event) = said.next() {
                let gone = match events.try_send(event) {
                    Ok(()) => false,
                    Err(TrySendError::Disconnected(_)) => true,
                    Err(TrySendError::Full(_)) if self.abandoned.try_recv() == Err(TryRecvError::Disconnected) => true,
                    Err(TrySendError::Full(event)) => {
                        // Before whatever was said meanwhile.
                        drop(self.core().said.splice(0..0, std::iter::once(event).chain(said)));
                        return false;
                    }
                };
                if gone {
                    self.decide(Input::Command(RunCommand::StopNow));
                    self.core().said.clear();
                    return true;
                }
            }
        }
    }

    /// Lets out what was said. Waits while the channel is full.
    fn deliver(&self) {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let said = std::mem::take(&mut self.core().said);
            if said.is_empty() {
                return;
            }
            for event in said {
                if self.send(&events, event).is_err() {
                    // Nobody wants to know any more.
                    self.decide(Input::Command(RunCommand::StopNow));
                    self.core().said.clear();
                    return;
                }
            }
        }
    }

    /// Sends one event; waits for room unless nobody listens any more.
    fn send(&self, events: &Sender<Event>, event: Event) -> Result<(), ()> {
        match events.try_send(event) {
            Ok(()) => Ok(()),
            Err(TrySendError::Disconnected(_)) => Err(()),
            Err(TrySendError::Full(event)) => select_biased! {
                send(events, event) -> sent => sent.map_err(drop),
                recv(self.abandoned) -> _ => Err(()),
            },
        }
    }

    fn start_worker(self: &Arc<Self>, worker: WorkerId, lane: Lane, common: &mut Option<Arc<WorkerProcess>>) {
        if let Err(error) = self.try_start_worker(worker, lane, common) {
            self.core().members.remove(&worker);
            self.decide(Input::WorkerFailed { worker, reason: format!("a worker could not be started: {error}") });
        }
    }

    fn try_start_worker(
        self: &Arc<Self>,
        worker: WorkerId,
        lane: Lane,
        common: &mut Option<Arc<WorkerProcess>>,
    ) -> std::io::Result<()> {
        has_room()?;
        let start =
            || WorkerProcess::start(&self.options.worker_executable, &self.setup, &self.environment).map(Arc::new);
        let living = common.take().filter(|process| !process.is_dying());
        let mut process = living.map_or_else(start, Ok)?;
        let mut opened = process.open_lane(worker, lane);
        if opened.is_err() && process.is_dying() {
            // Its last lane was closed at this moment.
            process = start()?;
            opened = process.open_lane(worker, lane);
        }
        if self.setup.shared_process {
            *common = Some(Arc::clone(&process));
        }
        let receiving = opened.inspect_err(|_| process.end_unused())?;
        let sending = receiving.try_clone().inspect_err(|_| process.lane_unread())?;
        let listened_to = Arc::new(AtomicBool::new(true));
        let (link, listening) = (Link::new(sending), Arc::clone(&listened_to));
        let member = Member { lane, link, process: Arc::clone(&process), listened_to };
        self.core().members.insert(worker, member);
        let (own, reading) = (Arc::clone(self), Arc::clone(&process));
        let lane = std::thread::Builder::new()
            .name(format!("lane of worker {}", worker.0))
            .spawn(move || own.read_lane(worker, &reading, receiving, &listening))
            .inspect_err(|_| process.lane_unread())?;
        let _ = self.requests.send(Request::LaneThread(lane));
        Ok(())
    }

    fn worker_pids(&self) -> Vec<(WorkerId, u32)> {
        let mut pids: Vec<_> = self.core().members.iter().map(|(id, member)| (*id, member.process.pid())).collect();
        pids.sort_unstable();
        // Threads of one process cannot be told apart from outside: the first stands for all.
        let mut seen = std::collections::HashSet::new();
        pids.retain(|(_, pid)| seen.insert(*pid));
        pids
    }

    /// A lane's thread: reads what the worker says until its connection ends.
    fn read_lane(&self, worker: WorkerId, process: &WorkerProcess, stream: UnixStream, listening: &AtomicBool) {
        let mut stream = Incoming::new(stream, self.setup.transport);
        let mut frames = FrameReader::default();
        let mut ready = false;
        let mut said_bye = false;
        let mut refused = None;
        while !said_bye {
            match self.read_some(worker, process, &mut frames, &mut stream, &mut ready, listening) {
                Ok(Heard::More) => {}
                Ok(Heard::Bye) => said_bye = true,
                Ok(Heard::End) => break,
                Ok(Heard::Refused(reason)) => {
                    refused = Some(reason);
                    break;
                }
                Err(_) => {
                    // It talks nonsense, or was cut off: no more is expected of it.
                    process.kill();
                    break;
                }
            }
        }
        drop(stream);
        let end = if ready { process.lane_ended(said_bye) } else { process.lane_unopened() };
        self.core().members.remove(&worker);
        if let Some(reason) = refused {
            self.handle(Input::WorkerFailed { worker, reason });
        } else if ready {
            self.handle(Input::WorkerEnded { worker, end });
        } else {
            let reason = format!("a worker ended before it was ready: {end}");
            self.handle(Input::WorkerFailed { worker, reason });
        }
    }

    fn read_some(
        &self,
        worker: WorkerId,
        process: &WorkerProcess,
        frames: &mut FrameReader,
        stream: &mut Incoming,
        ready: &mut bool,
        listening: &AtomicBool,
    ) -> Result<Heard, FrameError> {
        let rest_ns = if *ready && !stream.is_large() { self.core().dispatcher.rest_ns(worker) } else { None };
        if let Some(rest_ns) = rest_ns {
            std::thread::sleep(Duration::from_nanos(rest_ns));
        }
        listening.store(true, Ordering::Release);
        let filled = frames.fill(stream);
        listening.store(false, Ordering::Release);
        if !filled? {
            return Ok(Heard::End);
        }
        while let Some(message) = stream.next_message::<FromWorker>(frames)? {
            let input = match message {
                FromWorker::Ready => {
                    *ready = true;
                    Input::WorkerReady { worker, pid: process.pid() }
                }
                FromWorker::Started { task, attempt, start_ns, pid } => {
                    Input::Started { worker, task, attempt, start_ns, pid }
                }
                FromWorker::Finished(records) => {
                    stream.hears(&records);
                    Input::Finished { worker, records }
                }
                FromWorker::FinishedAlone(record) => {
                    self.say(stream.compare(Transport::Pipe, &record, self.now_ns()));
                    Input::Finished { worker, records: vec![*record] }
                }
                FromWorker::FinishedShared(mut record, bytes, compared) => {
                    stream.complete(&mut record, &bytes)?;
                    if compared {
                        self.say(stream.compare(Transport::SharedMemory, &record, self.now_ns()));
                    }
                    Input::Finished { worker, records: vec![*record] }
                }
                FromWorker::Returned(tasks) => Input::Returned { worker, tasks },
                FromWorker::Refused(reason) => return Ok(Heard::Refused(reason)),
                FromWorker::Alive => Input::Alive { worker },
                FromWorker::Short(reason) => Input::Short { worker, reason },
                FromWorker::Bye => return Ok(Heard::Bye),
            };
            self.decide(input);
        }
        self.deliver();
        Ok(Heard::More)
    }
}

/// What a lane's thread has to remember of what it read.
enum Heard {
    More,
    Bye,
    Refused(String),
    End,
}

impl Request {
    fn lane_thread(self) -> Option<JoinHandle<()>> {
        match self {
            Self::LaneThread(lane) => Some(lane),
            Self::Start { .. } | Self::Look | Self::Grown => None,
        }
    }
}
