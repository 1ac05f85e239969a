//! The thread of a run on a cluster: reads what the elements write, asks Slurm now and then, submits what is waiting, and tells what
//! the coordinator makes of it. It never waits for Slurm.

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};

use super::chunks::ChunkRules;
use super::client::SlurmError;
use super::coordinator::{Coordinator, Effect, Ending};
use super::folder::{Asked, BatchHandle, SubmittedArray};
use super::queue::QUEUE_INTERVAL;
use super::requests::{Answer, Requests};
use super::scan::RecordScan;
use crate::engine::run::event_outlet::{Delivered, EventOutlet};
use crate::engine::{RunCommand, RunOptions, RunStanding, StartGate};
use crate::event::{DispatchEvent, EventKind, TaskId};
use fanlane_os::clock::monotonic_ns;

/// How often the records are looked at.
const RECORD_INTERVAL: Duration = Duration::from_millis(150);
/// Maximum wait for what is to happen before the first submission.
const GATE_TIMEOUT: Duration = Duration::from_secs(3);
/// When the queue is asked first after a submission, in nanoseconds.
const FIRST_LOOK_NS: u64 = 5_000_000_000;
/// When a submission that failed is tried again, in nanoseconds.
const RETRY_NS: u64 = 15_000_000_000;
/// How long running elements may take to end when the run is stopped, in nanoseconds.
const STOP_NS: u64 = 4_000_000_000;

/// What comes to the thread.
#[derive(Debug)]
pub enum DriverInput {
    /// A command to the run.
    Command(RunCommand),
    /// What Slurm answered.
    Answer(Box<Answer>),
    /// Where the run is, and one of its tasks, is asked for.
    Standing(Option<TaskId>, Sender<RunStanding>),
}

/// The state of the thread.
pub struct Driver {
    pub(super) requests: Requests,
    pub(super) coordinator: Coordinator,
    scan: RecordScan,
    pub(super) handle: BatchHandle,
    outlet: EventOutlet,
    epoch_ns: u64,
    gate: Option<StartGate>,
    /// The mean time of the tasks in earlier runs, in seconds.
    task_secs: Option<f64>,
    pub(super) spill_folder: Option<PathBuf>,
    pub(super) effects: Vec<Effect>,
    /// Elements that are to be submitted, an array each.
    to_submit: VecDeque<Vec<Vec<TaskId>>>,
    is_submitting: bool,
    submit_not_before_ns: u64,
    retry_not_before_ns: u64,
    pub(super) submitted_at: HashMap<u32, u64>,
    pub(super) is_asking: bool,
    pub(super) ask_at_ns: u64,
    pub(super) ask_interval_ns: u64,
    /// Slurm did not answer when it was asked last.
    pub(super) is_away: bool,
    /// Slurm was away at some time: it may have forgotten what it started, and start it again.
    pub(super) was_away: bool,
    is_paused: bool,
    pub(super) stop_by_ns: Option<u64>,
}

impl Driver {
    /// A run that has not begun. Its clock was at zero at `epoch_ns`.
    pub fn new(
        requests: Requests,
        coordinator: Coordinator,
        scan: RecordScan,
        handle: BatchHandle,
        outlet: EventOutlet,
        epoch_ns: u64,
        options: RunOptions,
    ) -> Self {
        Self {
            is_paused: handle.workers == 0,
            requests,
            coordinator,
            scan,
            handle,
            outlet,
            epoch_ns,
            gate: options.gate,
            task_secs: options.task_time.map(|time| time.as_secs_f64()),
            spill_folder: options.spill_folder,
            effects: Vec::new(),
            to_submit: VecDeque::new(),
            is_submitting: false,
            submit_not_before_ns: 0,
            retry_not_before_ns: 0,
            submitted_at: HashMap::new(),
            is_asking: false,
            ask_at_ns: FIRST_LOOK_NS,
            ask_interval_ns: QUEUE_INTERVAL.as_nanos() as u64,
            is_away: false,
            was_away: false,
            stop_by_ns: None,
        }
    }

    /// Runs to the end. Returns when every event is out, and nothing of the batch is left in the queue.
    pub fn run(mut self, inputs: &Receiver<DriverInput>) {
        self.deliver();
        if let Some(gate) = self.gate.take() {
            gate.opens_within(GATE_TIMEOUT);
        }
        self.ask_at_ns = self.now_ns() + FIRST_LOOK_NS;
        loop {
            self.read_records();
            self.submit();
            self.ask_queue();
            self.perform();
            self.deliver();
            let is_late = self.stop_by_ns.is_some_and(|by_ns| self.now_ns() >= by_ns);
            if (self.coordinator.is_over() || is_late) && !self.is_submitting {
                break;
            }
            let first = inputs.recv_timeout(RECORD_INTERVAL).ok();
            for input in first.into_iter().chain(inputs.try_iter()) {
                self.handle(input);
            }
        }
        self.finish();
    }

    pub(super) fn now_ns(&self) -> u64 {
        monotonic_ns().saturating_sub(self.epoch_ns)
    }

    fn read_records(&mut self) {
        let now_ns = self.now_ns();
        // A folder that cannot be listed for a moment is looked at again.
        let Ok(frames) = self.scan.read(&self.requests.folder, now_ns) else { return };
        for mut timed in frames {
            self.fetch_whole_streams(timed.life, &mut timed.frame);
            self.coordinator.frame(timed.at_ns, timed.life, timed.shift_ns, timed.frame, &mut self.effects);
        }
    }

    /// Submits what waits, an array at a time.
    fn submit(&mut self) {
        if self.is_submitting || self.is_paused || self.coordinator.ending().is_some() {
            return;
        }
        if self.to_submit.is_empty() && self.now_ns() >= self.submit_not_before_ns {
            let waiting = self.coordinator.take_waiting();
            if !waiting.is_empty() {
                self.to_submit.extend(self.chunk_rules().share_out(&waiting));
                // Several elements that are lost one after another are submitted together.
                self.submit_not_before_ns = self.now_ns() + FIRST_LOOK_NS;
            }
        }
        // A further array would run beside one that is limited.
        if self.coordinator.elements.live() >= u64::from(self.chunk_rules().slots)
            && self.coordinator.elements.live() > 0
        {
            return;
        }
        if self.now_ns() < self.retry_not_before_ns {
            return;
        }
        if let Some(chunks) = self.to_submit.pop_front() {
            self.is_submitting = true;
            let serial = self.handle.arrays.last().map_or(0, |array| array.serial + 1);
            self.requests.submit(serial, chunks, self.coordinator.workers().max(1));
        }
    }

    fn chunk_rules(&self) -> ChunkRules {
        ChunkRules {
            slots: self.handle.site.slots.min(self.coordinator.workers().max(1)),
            max_elements: self.handle.site.max_elements,
            chunk_secs: self.handle.profile.chunk_secs,
            task_secs: self.coordinator.mean_task_secs().or(self.task_secs),
        }
    }

    fn handle(&mut self, input: DriverInput) {
        match input {
            DriverInput::Command(command) => self.command(command),
            DriverInput::Standing(task, answer) => {
                let standing = RunStanding {
                    is_paused: self.is_paused,
                    is_stopping: self.coordinator.ending().is_some(),
                    workers: self.coordinator.workers(),
                    task: task.map(|task| self.coordinator.standing_of(task)),
                };
                // What has asked may wait no more.
                let _ = answer.send(standing);
            }
            DriverInput::Answer(answer) => match *answer {
                Answer::Submitted { serial, chunks, job: Ok(job) } => self.submitted(serial, chunks, job),
                Answer::Submitted { chunks, job: Err(error), .. } => self.not_submitted(chunks, &error),
                Answer::Queue(answer) => self.heard_of_queue(answer),
                Answer::Changed(_, Ok(())) => {}
                Answer::Changed(what, Err(error)) => self.tell(format!("{what}: {error}")),
            },
        }
    }

    fn submitted(&mut self, serial: u32, chunks: Vec<Vec<TaskId>>, job: u64) {
        self.is_submitting = false;
        let elements = chunks.len() as u32;
        let tasks: usize = chunks.iter().map(Vec::len).sum();
        self.handle.arrays.push(SubmittedArray { serial, job, elements });
        self.submitted_at.insert(serial, monotonic_ns());
        self.write_handle();
        self.coordinator.submitted(serial, chunks);
        self.ask_at_ns = self.now_ns() + FIRST_LOOK_NS;
        self.ask_interval_ns = QUEUE_INTERVAL.as_nanos() as u64;
        let folder = self.requests.folder.path().display();
        self.tell(format!(
            "submitted to Slurm as job {job}: {tasks} tasks in {elements} elements; its folder is {folder}"
        ));
        if self.coordinator.ending() == Some(Ending::Stop) {
            self.effects.push(Effect::StopAll);
        }
    }

    fn not_submitted(&mut self, chunks: Vec<Vec<TaskId>>, error: &SlurmError) {
        self.is_submitting = false;
        if error.is_submit_limit() && chunks.len() > 1 {
            let mut chunks = chunks;
            let second = chunks.split_off(chunks.len() / 2);
            self.to_submit.push_front(second);
            self.to_submit.push_front(chunks);
            return;
        }
        if error.may_pass() {
            self.to_submit.push_front(chunks);
            self.retry_not_before_ns = self.now_ns() + RETRY_NS;
            self.tell(format!("nothing more can be submitted for now, and it is tried again: {error}"));
            return;
        }
        let reason = format!("Slurm refuses the batch: {error}");
        self.emit(DispatchEvent::GaveUp { reason });
        let now_ns = self.now_ns();
        self.coordinator.stop(now_ns, &mut self.effects);
    }

    fn command(&mut self, command: RunCommand) {
        let now_ns = self.now_ns();
        match command {
            RunCommand::SetWorkers(workers) => {
                self.coordinator.resize(now_ns, workers, &mut self.effects);
                if workers == 0 {
                    self.set_paused(true);
                } else {
                    self.handle.workers = workers;
                    self.write_handle();
                    self.set_paused(false);
                    let jobs = self.live_jobs();
                    if !jobs.is_empty() {
                        self.requests.throttle(&jobs, workers);
                    }
                }
            }
            RunCommand::Pause => {
                self.emit(DispatchEvent::Paused);
                self.set_paused(true);
            }
            RunCommand::Resume => {
                self.emit(DispatchEvent::Resumed);
                self.set_paused(false);
            }
            RunCommand::Stop => self.coordinator.stop(now_ns, &mut self.effects),
            RunCommand::StopNow => {
                self.coordinator.stop(now_ns, &mut self.effects);
                self.stop_by_ns = Some(now_ns);
            }
            RunCommand::Cancel(task) => {
                if self.coordinator.is_open(task)
                    && let Err(error) = self.requests.folder.ask_to_cancel(task)
                {
                    self.tell(format!("task {} cannot be cancelled: {error}", task.number()));
                }
            }
            // What the traits of the engine leave out.
            _ => {}
        }
    }

    fn set_paused(&mut self, is_paused: bool) {
        if std::mem::replace(&mut self.is_paused, is_paused) == is_paused {
            return;
        }
        if let Err(error) = self.requests.folder.ask(Asked::Pause, is_paused) {
            self.tell(format!("running elements cannot be told of the pause: {error}"));
        }
        let jobs = self.live_jobs();
        if !jobs.is_empty() {
            self.requests.hold(&jobs, is_paused);
        }
    }

    pub(super) fn live_jobs(&self) -> Vec<u64> {
        let is_live = |array: &&SubmittedArray| self.coordinator.elements.is_live_array(array.serial);
        self.handle.arrays.iter().filter(is_live).map(|array| array.job).collect()
    }

    fn write_handle(&mut self) {
        if let Err(error) = self.requests.folder.write_handle(&self.handle) {
            self.tell(format!("the batch cannot be attached to later, since its folder cannot be written: {error}"));
        }
    }

    pub(super) fn tell(&mut self, words: String) {
        self.emit(DispatchEvent::Told { words });
    }

    fn emit(&mut self, event: DispatchEvent) {
        let now_ns = self.now_ns();
        self.coordinator.emit(now_ns, EventKind::Dispatch(event), &mut self.effects);
    }

    /// Does what the coordinator has decided.
    fn perform(&mut self) {
        for effect in std::mem::take(&mut self.effects) {
            match effect {
                Effect::Emit(event) => self.outlet.emit(event),
                Effect::StopAll => self.end_elements(Asked::Stop),
                Effect::FinishSoon => self.end_elements(Asked::Finish),
            }
        }
    }

    fn end_elements(&mut self, asked: Asked) {
        // Where it cannot be written, what Slurm tells the elements has to do.
        let _ = self.requests.folder.ask(asked, true);
        let jobs = self.live_jobs();
        if !jobs.is_empty() {
            self.requests.cancel(&jobs, asked == Asked::Finish);
        }
        if asked == Asked::Stop {
            let by_ns = self.now_ns() + STOP_NS;
            self.stop_by_ns = Some(self.stop_by_ns.map_or(by_ns, |earlier| earlier.min(by_ns)));
        }
    }

    fn deliver(&mut self) {
        if self.outlet.deliver() == Delivered::Gone {
            let now_ns = self.now_ns();
            self.coordinator.stop(now_ns, &mut self.effects);
        }
    }

    /// Tells the end, takes what is left out of the queue, and removes the folder.
    fn finish(mut self) {
        let mut left = self.live_jobs();
        if self.was_away {
            left = self.handle.arrays.iter().map(|array| array.job).collect();
        }
        let cancelled = (!left.is_empty()).then(|| self.requests.cancel(&left, false));
        if !self.handle.arrays.is_empty() {
            self.tell(format!("Slurm was called {} times", self.requests.client.calls()));
        }
        let now_ns = self.now_ns();
        self.coordinator.finish(now_ns, &mut self.effects);
        self.perform();
        if let Some(Some(cancelling)) = cancelled {
            let _ = cancelling.join();
        }
        // Elements that still end may write into it: what they write is wanted no more.
        let _ = self.requests.folder.remove();
        self.deliver();
        self.outlet.close();
    }
}
