//! The recorder takes the events of a run on the thread that follows the run, and encodes them into blocks in memory
//! without ever waiting. The [`writer`](super::writer) writes them.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded};

use super::attempt::{Words, push_attempt};
use super::block;
use super::limits::{OutputRoom, SampleThinning};
use super::never_begun::{NeverBegun, is_never_begun};
use super::pending::{PendingRun, PendingState, RecordedRun};
use super::{words, writer};
use crate::engine::StartGate;
use crate::event::{
    AttemptRecord, Event, EventKind, OutcomeClass, RunEvent, SampleEvent, TaskEvent, WorkerEvent, WorkerId,
};

/// Maximum wait at the end of a run for a disk that does not respond.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(20);

/// Records a run. Dropping it ends the recording.
pub struct HistoryRecorder {
    pub(super) shared: Arc<PendingRun>,
    run: Arc<RecordedRun>,
    slots: HashMap<WorkerId, u32>,
    outputs: OutputRoom,
    samples: SampleThinning,
    line: Vec<u8>,
    /// The values and commands of the tasks follow from the job, and are not stored with each.
    describes_itself: bool,
    written: Receiver<()>,
    gate: StartGate,
    is_over: bool,
}

/// Tells the number of a run in the history, once it has one.
#[derive(Clone)]
pub struct RunIdTeller(Arc<PendingRun>);

impl RunIdTeller {
    /// The number; `None` while the run has none.
    pub fn id(&self) -> Option<i64> {
        self.0.state().id
    }
}

impl HistoryRecorder {
    /// Begins to record a run in the history in `folder`, which is created if needed. [`HistoryRecorder::add`] and
    /// [`HistoryRecorder::finish`] return messages about failures.
    pub fn start(folder: PathBuf, run: RecordedRun) -> Self {
        let shared = Arc::new(PendingRun { state: Mutex::default(), wake: Condvar::new() });
        let run = Arc::new(run);
        let describes_itself = words::follow_from(&run.job);
        // Dropped when the writer has ended.
        let (writing, written) = bounded(0);
        let (its, its_run) = (Arc::clone(&shared), Arc::clone(&run));
        let (keeper, gate) = StartGate::closed();
        let thread = std::thread::Builder::new().name("history".to_owned()).spawn(move || {
            writer::write_until_end(&its, &its_run, &folder, keeper);
            drop(writing);
        });
        if let Err(error) = thread {
            let mut state = shared.state();
            state.given_up = true;
            state
                .messages
                .push(format!("the run is not recorded in the history, since no thread can be started: {error}"));
        }
        Self {
            shared,
            run,
            slots: HashMap::new(),
            outputs: OutputRoom::default(),
            samples: SampleThinning::default(),
            line: Vec::new(),
            describes_itself,
            written,
            gate,
            is_over: false,
        }
    }

    /// Takes in one event; returns messages for the user.
    pub fn add(&mut self, event: &Event) -> Vec<String> {
        let shared = Arc::clone(&self.shared);
        let mut state = shared.state();
        let messages = std::mem::take(&mut state.messages);
        state.last_ns = state.last_ns.max(event.at_ns);
        let had_none = state.waiting_bytes == 0 && state.header.is_some();
        let before = state.gathered_bytes();
        let mut is_pressing = true;
        match &event.kind {
            EventKind::Run(RunEvent::Started(header)) => {
                state.header = Some(header.clone());
                self.push(&mut state, event);
            }
            EventKind::Run(RunEvent::BatchGrew { tasks, .. }) => {
                if let Some(header) = &mut state.header {
                    header.tasks = *tasks;
                }
                self.push(&mut state, event);
            }
            EventKind::Run(RunEvent::InterpreterFound(facts)) => {
                state.interpreter = Some(facts.clone());
                self.push(&mut state, event);
            }
            EventKind::Run(RunEvent::Finished(summary)) => {
                state.summary = Some(summary.clone());
                self.push(&mut state, event);
            }
            EventKind::Worker(WorkerEvent::Started { worker, lane, .. }) => {
                self.slots.insert(*worker, lane.0 + 1);
                self.push(&mut state, event);
            }
            EventKind::Sample(SampleEvent::Machine(_) | SampleEvent::Workers(_)) => {
                is_pressing = false;
                if self.samples.keeps(&event.kind) {
                    self.push(&mut state, event);
                }
            }
            kind if kind.is_momentary() => is_pressing = false,
            EventKind::Task(TaskEvent::Finished(records)) => self.push_finished(&mut state, event.at_ns, records),
            EventKind::Task(TaskEvent::Retried(record)) => {
                state.retries += 1;
                if state.has_room() {
                    self.push_attempt(&mut state, event.at_ns, true, record);
                }
            }
            EventKind::Task(TaskEvent::RestCancelled { tasks }) => {
                state.counts.add_many(OutcomeClass::Cancelled, *tasks);
                self.push(&mut state, event);
            }
            _ => self.push(&mut state, event),
        }
        let now = state.gathered_bytes();
        state.waiting_bytes += now - before;
        let newly_pressing = is_pressing && !state.is_pressing;
        state.is_pressing |= is_pressing;
        drop(state);
        let is_much = before < writer::COMMIT_BYTES && now >= writer::COMMIT_BYTES;
        if had_none || newly_pressing || is_much {
            shared.wake.notify_one();
        }
        messages
    }

    fn push_finished(&mut self, state: &mut PendingState, at_ns: u64, records: &[AttemptRecord]) {
        let mut waiting: Option<NeverBegun> = None;
        for record in records {
            state.counts.add(record.outcome.class());
            if is_never_begun(record) {
                let number = self.run.batch.number(record.task);
                if !waiting.as_mut().is_some_and(|waiting| waiting.join(record.task, number)) {
                    let before = waiting.replace(NeverBegun::one(at_ns, record.task, number));
                    state.push_never_begun(before);
                }
                continue;
            }
            state.push_never_begun(waiting.take());
            if !state.has_room() {
                continue;
            }
            self.push_attempt(state, at_ns, false, record);
        }
        state.push_never_begun(waiting);
    }

    fn push_attempt(&mut self, state: &mut PendingState, at_ns: u64, retried: bool, record: &AttemptRecord) {
        let batch = &self.run.batch;
        let number = batch.number(record.task);
        let output = self.outputs.fit(record);
        let output = output.as_ref();
        let (block, before) = (&mut state.current, &mut state.before);
        if self.describes_itself {
            push_attempt(block, before, (at_ns, retried), record, output, &Words { number, texts: None });
        } else {
            self.line.clear();
            batch.command_into(record.task, self.slot(record.worker), &mut self.line);
            let input = batch.values(record.task);
            let words = Words { number, texts: Some((&input, &self.line)) };
            push_attempt(block, before, (at_ns, retried), record, output, &words);
        }
        state.close_if_long();
    }

    fn push(&self, state: &mut PendingState, event: &Event) {
        if state.given_up {
            return;
        }
        let length = state.current.len();
        if let Err(error) = block::push_event(&mut state.current, event) {
            state.current.truncate(length);
            state.messages.push(format!("an event of the run cannot be recorded in the history: {error}"));
        }
        state.close_if_long();
    }

    fn slot(&self, worker: WorkerId) -> u32 {
        self.slots.get(&worker).copied().unwrap_or(1)
    }

    /// The run's number in the history, once it has one.
    pub fn id(&self) -> Option<i64> {
        self.shared.state().id
    }

    /// Tells the same from other threads, also after this was dropped.
    pub fn id_teller(&self) -> RunIdTeller {
        RunIdTeller(Arc::clone(&self.shared))
    }

    /// Opens when the run is in the history, or cannot be: what its first task is to wait for.
    pub fn gate(&self) -> StartGate {
        self.gate.clone()
    }

    /// Whether recording was abandoned; a message has messages why.
    pub fn has_given_up(&self) -> bool {
        self.shared.state().given_up
    }

    /// Waits, up to a time limit, until everything is written; returns messages for the user.
    pub fn finish(mut self) -> Vec<String> {
        self.end();
        let is_stuck = self.written.recv_timeout(FLUSH_TIMEOUT) == Err(crossbeam_channel::RecvTimeoutError::Timeout);
        let mut state = self.shared.state();
        let mut messages = std::mem::take(&mut state.messages);
        if is_stuck && !state.given_up {
            state.given_up = true;
            messages
                .push("the disk does not respond, so the end of this run may be missing from the history".to_owned());
        }
        messages
    }

    fn end(&mut self) {
        self.is_over = true;
        self.shared.state().ended = true;
        self.shared.wake.notify_one();
    }
}

impl Drop for HistoryRecorder {
    fn drop(&mut self) {
        if !self.is_over {
            self.end();
        }
    }
}
