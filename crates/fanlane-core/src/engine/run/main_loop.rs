//! The run's own thread: starts workers, keeps the time, looks at the machine and at what the batch has grown by, and
//! ends the run. It never waits for events to be taken, so that it can always kill.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};

use super::effects::{Driver, LaneMember, Request};
use crate::engine::admission::{self, Admission};
use crate::engine::dispatcher::Input;
use crate::engine::lane_sender::LaneSender;
use crate::engine::launcher::WorkerHandle;
use crate::engine::link::Link;
use crate::engine::monitor::Monitor;
use crate::engine::progress::ProgressReports;
use crate::engine::protocol::Setup;
use crate::engine::shared_objects::{Sampler, SharedObjects};
use crate::engine::start_failure::{StartFailure, too_few_files};
use crate::event::{EventKind, LaneId, RunEvent, SharedEvent, WorkerId};
use crate::job::batch::Growth;
use fanlane_mp as mp;
use fanlane_os::descriptors;

/// How soon events that found no room are tried again.
const DELIVER_RETRY_INTERVAL: Duration = Duration::from_millis(10);

/// What goes on beside the workers for as long as the run does.
pub struct Companions {
    pub monitor: Option<Monitor>,
    pub watch: Option<Sampler>,
    pub reports: Option<ProgressReports>,
    pub objects: Option<SharedObjects>,
}

impl Driver {
    /// Runs to the end. Returns when all is over and every event is out.
    pub fn run_main_loop(self: Arc<Self>, asked: &Receiver<Request>, beside: Companions) {
        let mut lanes: Vec<JoinHandle<()>> = Vec::new();
        // In the mode `threads`, the process that all lanes share.
        let mut common: Option<Arc<dyn WorkerHandle>> = None;
        let mut admission = Admission::of(&self.batch.job().control, self.batch.working_dir());
        let mut look_at = Instant::now();
        self.check_admission(admission.as_mut(), &mut look_at);
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
            let look = admission.as_ref().map(|_| look_at.saturating_duration_since(Instant::now()));
            let again = (!all_out).then_some(DELIVER_RETRY_INTERVAL);
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
            self.check_admission(admission.as_mut(), &mut look_at);
        }
        for lane in lanes.into_iter().chain(asked.try_iter().filter_map(Request::lane_thread)) {
            let _ = lane.join();
        }
        self.batch.close_blocks();
        self.launcher.end();
        // The memory of results whose writers are gone.
        mp::forget_dead_writers();
        let Companions { monitor, watch, reports, objects } = beside;
        drop((monitor, watch, reports));
        {
            let mut core = self.core();
            if let Some(objects) = objects {
                self.emit(EventKind::Shared(SharedEvent::Ended(objects.contents())));
            }
            self.emit(EventKind::Run(RunEvent::Finished(core.dispatcher.summary())));
            core.ended = true;
        }
        self.deliver();
        // A handle of the run keeps no channel open.
        self.outlet.close();
    }

    /// Looks at the machine if it is time.
    fn check_admission(&self, admission: Option<&mut Admission>, look_at: &mut Instant) {
        let Some(admission) = admission.filter(|_| Instant::now() >= *look_at) else { return };
        *look_at = Instant::now() + admission::POLL_INTERVAL;
        self.decide(Input::Admission(admission.look()));
        if admission.is_far_over() {
            self.decide(Input::MemoryLow);
        }
    }

    /// Takes in what the batch has grown by.
    pub fn take_growth(&self) {
        // Cleared before the look: what comes after it wakes anew.
        self.growth_told.store(false, Ordering::SeqCst);
        if let Some(Growth { tasks, complete, fault }) = self.batch.growth() {
            self.decide(Input::Grown { tasks, complete, fault });
        }
    }

    fn start_worker(self: &Arc<Self>, worker: WorkerId, lane: LaneId, common: &mut Option<Arc<dyn WorkerHandle>>) {
        if let Err(error) = self.try_start_worker(worker, lane, common) {
            self.core().members.remove(&worker);
            let StartFailure { reason, cause } = StartFailure::of(&error);
            self.decide(Input::WorkerFailed { worker, reason, cause });
        }
    }

    fn try_start_worker(
        self: &Arc<Self>,
        worker: WorkerId,
        lane: LaneId,
        common: &mut Option<Arc<dyn WorkerHandle>>,
    ) -> std::io::Result<()> {
        has_room()?;
        // No suspension moves the zero of the clock while a worker is on its way that is still to hear of it.
        let _starting = self.starting.lock().unwrap_or_else(PoisonError::into_inner);
        let start = || {
            let setup = Setup { epoch_ns: self.clock.epoch_ns(), ..self.setup.clone() };
            self.launcher.start(&setup, &self.environment)
        };
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
        let Link { stream, mailboxes: [to_worker, from_worker] } = opened.inspect_err(|_| process.end_unused())?;
        let listened_to = Arc::new(AtomicBool::new(true));
        let sender = LaneSender::new(Arc::clone(&stream), to_worker);
        let listening = Arc::clone(&listened_to);
        let member = LaneMember { lane, sender, process: Arc::clone(&process), listened_to };
        self.core().members.insert(worker, member);
        let (own, reading) = (Arc::clone(self), Arc::clone(&process));
        let thread = std::thread::Builder::new()
            .name(format!("lane of worker {}", worker.0))
            .spawn(move || own.read_lane((worker, lane), &*reading, (stream, from_worker), &listening))
            .inspect_err(|_| process.lane_unread())?;
        let _ = self.requests.send(Request::LaneThread(thread));
        Ok(())
    }

    fn worker_pids(&self) -> Vec<(WorkerId, u32)> {
        let core = self.core();
        let here = core.members.iter().filter(|(_, member)| member.process.is_here());
        let mut pids: Vec<_> = here.map(|(id, member)| (*id, member.process.pid())).collect();
        drop(core);
        pids.sort_unstable();
        // Threads of one process cannot be told apart from outside: the first stands for all.
        let mut seen = std::collections::HashSet::new();
        pids.retain(|(_, pid)| seen.insert(*pid));
        pids
    }
}

/// Whether a worker more leaves this process what it needs to go on: files for results, and for whatever else it does.
fn has_room() -> std::io::Result<()> {
    const MIN_FREE: u64 = 16;
    match (descriptors::available(), descriptors::limit()) {
        (Some(room), Some(most)) if room < MIN_FREE => Err(too_few_files(most)),
        _ => Ok(()),
    }
}
