//! Runs a race: a thread starts one run after the other and sends the events of the race.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;

use crate::session::Machine;
use fanlane_core::engine::python::PythonCall;
use fanlane_core::engine::{Engine, RunCommand, RunHandle, RunOptions, event_pump};
use fanlane_core::event::{AttemptRecord, DispatchEvent, Event, EventKind, TaskEvent};
use fanlane_core::model::failures::{is_failure, with_tails};
use fanlane_core::model::race::{Contender, RaceEnd, RaceEvent, RaceModel, Schedule, Usage};

use super::RacePlan;
use super::machine_facts::CpuClock;
use super::memory::MemorySampler;

/// A race under way. Dropping it stops it.
pub struct Race {
    shared: Arc<RaceShared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct RaceShared {
    stopped: AtomicBool,
    current: Mutex<Option<Box<dyn RunHandle>>>,
    /// How long it was suspended.
    suspended: Mutex<Duration>,
}

/// The engine and the machine of a race.
#[derive(Clone)]
pub struct RaceEngine {
    /// The engine of the runs.
    pub engine: Arc<dyn Engine>,
    /// The machine.
    pub machine: Machine,
}

impl Race {
    /// Starts a race. It sends events, [`RaceEvent::Ended`] last, and stops when the receiver is dropped.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(plan: RacePlan, engine: RaceEngine, events: Sender<RaceEvent>) -> std::io::Result<Self> {
        let shared = Arc::new(RaceShared::default());
        let own = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("race".to_owned()).spawn(move || {
            let mut turns =
                Turns { plan, engine, events, shared: own, model: RaceModel::default(), functions: Vec::new() };
            let end = turns.take_all();
            turns.send(RaceEvent::Ended(end));
        })?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Stops the race: the current run is stopped at once and does not count.
    pub fn stop(&self) {
        self.shared.stopped.store(true, Ordering::Release);
        if let Some(run) = &*self.shared.current.lock().unwrap_or_else(PoisonError::into_inner) {
            run.command(RunCommand::StopNow);
        }
    }

    /// Suspends the run that is under way while `pause` goes on, and the time limit of the race.
    pub fn suspend_during(&self, pause: &mut dyn FnMut()) {
        let begun = Instant::now();
        let current = self.shared.current.lock().unwrap_or_else(PoisonError::into_inner);
        match &*current {
            Some(run) => run.suspend_during(pause),
            None => pause(),
        }
        *self.shared.suspended.lock().unwrap_or_else(PoisonError::into_inner) += begun.elapsed();
    }

    /// Waits for its end. Its events must be received meanwhile.
    pub fn join(mut self) {
        self.wait();
    }

    fn wait(&mut self) {
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was printed by it.
            let _ = thread.join();
        }
    }
}

impl Drop for Race {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.stop();
            self.wait();
        }
    }
}

struct Turns {
    plan: RacePlan,
    engine: RaceEngine,
    events: Sender<RaceEvent>,
    shared: Arc<RaceShared>,
    /// The race so far, to know whether it is precise enough.
    model: RaceModel,
    /// The Python function of each case, looked at once, before the first run.
    functions: Vec<Option<PythonCall>>,
}

impl Turns {
    fn take_all(&mut self) -> RaceEnd {
        let begun = Instant::now();
        if !self.send(RaceEvent::Begun(Box::new(self.plan.header(self.engine.machine)))) {
            return RaceEnd::Stopped;
        }
        match self.plan.functions() {
            Ok(functions) => self.functions = functions,
            Err(error) => return RaceEnd::Failed(error.to_string()),
        }
        let mut schedule = Schedule::new(self.plan.rules.clone(), self.plan.contenders.len());
        loop {
            if self.is_stopped() {
                return RaceEnd::Stopped;
            }
            let suspended = *self.shared.suspended.lock().unwrap_or_else(PoisonError::into_inner);
            let elapsed = begun.elapsed().saturating_sub(suspended);
            let turn = match schedule.next(elapsed.as_secs_f64(), || self.model.is_precise()) {
                Ok(turn) => turn,
                Err(end) => return end,
            };
            self.send(RaceEvent::TurnBegun(turn));
            let contender = self.plan.contenders[turn.contender].clone();
            match self.take(&contender) {
                Ok(usage) if !self.is_stopped() => self.send(RaceEvent::TurnEnded(usage)),
                Ok(_) => return RaceEnd::Stopped,
                Err(why) => return RaceEnd::Failed(why),
            };
        }
    }

    fn is_stopped(&self) -> bool {
        self.shared.stopped.load(Ordering::Acquire)
    }

    /// Sends an event; without a receiver it returns false and the race stops.
    fn send(&mut self, event: RaceEvent) -> bool {
        self.model.apply(event.clone());
        let is_sent = self.events.send(event).is_ok();
        if !is_sent {
            self.shared.stopped.store(true, Ordering::Release);
        }
        is_sent
    }

    /// One run, from its start until all its processes have ended.
    fn take(&mut self, contender: &Contender) -> Result<Usage, String> {
        // Not monitored: that would take CPU time from the tasks.
        let options = RunOptions::new(contender.mode, contender.workers)
            .chunk(contender.chunk.and_then(std::num::NonZeroU32::new))
            .python(self.functions[contender.case as usize].clone());
        let batch = self.plan.batch_of(contender);
        let (sender, receiver) = event_pump::channel();
        let clock = CpuClock::now();
        let memory = MemorySampler::start();
        {
            // A suspension meanwhile would not reach the run.
            let mut current = self.current();
            let run = self.engine.engine.start(batch, options, sender).map_err(|error| error.to_string())?;
            *current = Some(run);
        }
        if self.is_stopped() {
            // The race may have been stopped just before the run was stored.
            self.stop_current();
        }
        let (mut gave_up, mut has_failed) = (None, false);
        for event in &receiver {
            if let EventKind::Dispatch(DispatchEvent::GaveUp { reason }) = &event.kind {
                gave_up = Some(reason.clone());
            }
            if !self.send(RaceEvent::Run(without_output(event, &mut has_failed))) {
                self.stop_current();
            }
        }
        let run = self.current().take();
        if let Some(run) = run {
            run.join();
        }
        let peak_memory_bytes = memory.finish();
        if let Some(reason) = gave_up {
            return Err(reason);
        }
        Ok(Usage { cpu: CpuClock::now().since(clock), peak_memory_bytes })
    }

    fn current(&self) -> std::sync::MutexGuard<'_, Option<Box<dyn RunHandle>>> {
        self.shared.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stop_current(&self) {
        if let Some(run) = &*self.current() {
            run.command(RunCommand::StopNow);
        }
    }
}

/// The event without output and values, which a race does not keep, but for the end of what the first failed task printed.
fn without_output(mut event: Event, has_failed: &mut bool) -> Event {
    let strip = |record: &mut AttemptRecord| {
        let is_first = !*has_failed && is_failure(record);
        *has_failed |= is_first;
        *record = if is_first { with_tails(record) } else { record.without_results() };
    };
    match &mut event.kind {
        EventKind::Task(TaskEvent::Finished(records)) => records.iter_mut().for_each(strip),
        EventKind::Task(TaskEvent::Retried(record)) => *record = record.without_results(),
        _ => {}
    }
    event
}
