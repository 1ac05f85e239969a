//! What takes the events of a run for the history, on the thread of whoever follows the run: it turns them into bytes that
//! wait in memory, and never waits itself. Writing them is the [`writer`](super::writer)'s.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded};

use super::block::{self, Words};
use super::limits::{MAX_PENDING_BYTES, OutputRoom, Thinning};
use super::never_begun::{NeverBegun, is_never_begun};
use super::writer;
use crate::event::{
    AttemptRecord, Event, EventKind, OutcomeCounts, RunEvent, RunHeader, SampleEvent, Summary, TaskEvent, WorkerEvent,
    WorkerId,
};
use crate::job::lossless::Bytes;
use crate::job::{Batch, Job};
use crate::model::Earlier;
use crate::store::record::{TaskWords, command_into};

/// A block is closed when it is this long: what one damaged place costs at most.
const BLOCK_BYTES: usize = 128 << 10;
/// How long the end of a run may wait for a disk that does not answer.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(20);

/// What a run is recorded with.
#[derive(Debug)]
pub struct About {
    /// Its tasks.
    pub batch: Arc<Batch>,
    /// The job, as it is to be run again.
    pub job: Job,
    /// Where the job's working folder and its relative inputs are looked up.
    pub folder: PathBuf,
    /// The run that it goes on with.
    pub continues: Option<i64>,
    /// What earlier runs have ended of its batch.
    pub earlier: Earlier,
    /// It was started from the window.
    pub window: bool,
}

/// What the recorder and the writer share.
pub(super) struct Shared {
    pub state: Mutex<State>,
    pub wake: Condvar,
}

/// What waits to be written, and how far the run is.
#[derive(Default)]
pub(super) struct State {
    pub header: Option<RunHeader>,
    pub current: Vec<u8>,
    pub full: Vec<Vec<u8>>,
    /// All that is not on the disk yet, also what the writer has taken.
    pub waiting_bytes: usize,
    /// Something besides samples is among it.
    pub is_pressing: bool,
    pub counts: OutcomeCounts,
    pub retries: u64,
    pub last_ns: u64,
    pub left_out: u64,
    pub summary: Option<Summary>,
    /// No more events come.
    pub ended: bool,
    /// Recording was given up.
    pub given_up: bool,
    pub said: Vec<String>,
    /// The run's number, once it has one.
    pub id: Option<i64>,
    /// Somebody waits for the number.
    pub is_hurried: bool,
}

impl Shared {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Records a run. Dropping it ends the record where it stands.
pub struct HistoryRecorder {
    shared: Arc<Shared>,
    about: Arc<About>,
    slots: HashMap<WorkerId, u32>,
    outputs: OutputRoom,
    machine: Thinning,
    workers: Thinning,
    line: Vec<u8>,
    written: Receiver<()>,
    is_over: bool,
}

impl HistoryRecorder {
    /// Begins to record a run in the history in `folder`, which need not be there. What goes wrong there is told by
    /// [`HistoryRecorder::add`] or [`HistoryRecorder::finish`].
    pub fn start(folder: PathBuf, about: About) -> Self {
        let shared = Arc::new(Shared { state: Mutex::default(), wake: Condvar::new() });
        let about = Arc::new(about);
        // Dropped when the writer has ended.
        let (writing, written) = bounded(0);
        let (its, its_about) = (Arc::clone(&shared), Arc::clone(&about));
        let thread = std::thread::Builder::new().name("history".to_owned()).spawn(move || {
            writer::write_until_end(&its, &its_about, &folder);
            drop(writing);
        });
        if let Err(error) = thread {
            let mut state = shared.state();
            state.given_up = true;
            state.said.push(format!("the run is not recorded in the history, since no thread can be had: {error}"));
        }
        Self {
            shared,
            about,
            slots: HashMap::new(),
            outputs: OutputRoom::default(),
            machine: Thinning::default(),
            workers: Thinning::default(),
            line: Vec::new(),
            written,
            is_over: false,
        }
    }

    /// Takes in one event; returns what there is to tell.
    pub fn add(&mut self, event: &Event) -> Vec<String> {
        let shared = Arc::clone(&self.shared);
        let mut state = shared.state();
        let said = std::mem::take(&mut state.said);
        state.last_ns = state.last_ns.max(event.at_ns);
        let had_none = state.waiting_bytes == 0 && state.header.is_some();
        let before = state.current.len() + state.full.iter().map(Vec::len).sum::<usize>();
        let mut is_pressing = true;
        match &event.kind {
            EventKind::Run(RunEvent::Started(header)) => {
                state.header = Some(header.clone());
                self.push(&mut state, event, &[]);
            }
            EventKind::Run(RunEvent::BatchGrew { tasks, .. }) => {
                if let Some(header) = &mut state.header {
                    header.tasks = *tasks;
                }
                self.push(&mut state, event, &[]);
            }
            EventKind::Run(RunEvent::Finished(summary)) => {
                state.summary = Some(summary.clone());
                self.push(&mut state, event, &[]);
            }
            EventKind::Worker(WorkerEvent::Started { worker, lane, .. }) => {
                self.slots.insert(*worker, lane.0 + 1);
                self.push(&mut state, event, &[]);
            }
            EventKind::Sample(SampleEvent::Machine(_)) | EventKind::Sample(SampleEvent::Workers(_)) => {
                is_pressing = false;
                let is_machine = matches!(event.kind, EventKind::Sample(SampleEvent::Machine(_)));
                let thinning = if is_machine { &mut self.machine } else { &mut self.workers };
                if thinning.keeps_next() {
                    self.push(&mut state, event, &[]);
                }
            }
            EventKind::Task(TaskEvent::Finished(records)) => self.push_finished(&mut state, event.at_ns, records),
            EventKind::Task(TaskEvent::Retried(record)) => {
                state.retries += 1;
                if has_room(&mut state) {
                    let kind = EventKind::Task(TaskEvent::Retried(self.outputs.fit(record)));
                    let words = [self.words(record)];
                    self.push(&mut state, &Event { at_ns: event.at_ns, kind }, &words);
                }
            }
            _ => self.push(&mut state, event, &[]),
        }
        let now = state.current.len() + state.full.iter().map(Vec::len).sum::<usize>();
        state.waiting_bytes += now - before;
        let newly_pressing = is_pressing && !state.is_pressing;
        state.is_pressing |= is_pressing;
        drop(state);
        if had_none || newly_pressing {
            shared.wake.notify_one();
        }
        said
    }

    fn push_finished(&mut self, state: &mut State, at_ns: u64, records: &[AttemptRecord]) {
        let mut waiting: Option<NeverBegun> = None;
        for record in records {
            state.counts.add(record.outcome.class());
            if is_never_begun(record) {
                let number = self.about.batch.number(record.task);
                if !waiting.as_mut().is_some_and(|waiting| waiting.join(record.task, number)) {
                    let before = waiting.replace(NeverBegun::one(at_ns, record.task, number));
                    push_never_begun(state, before);
                }
                continue;
            }
            push_never_begun(state, waiting.take());
            if !has_room(state) {
                continue;
            }
            if block::is_compact(record) {
                let batch = &self.about.batch;
                self.line.clear();
                command_into(batch, record.task, self.slot(record.worker), &mut self.line);
                let number = batch.number(record.task);
                let input = batch.values(record.task);
                let words = Words { number, input: &input, command: &self.line };
                block::push_done(&mut state.current, at_ns, record, &words);
                close_if_long(state);
            } else {
                let kind = EventKind::Task(TaskEvent::Finished(vec![self.outputs.fit(record)]));
                let words = [self.words(record)];
                self.push(state, &Event { at_ns, kind }, &words);
            }
        }
        push_never_begun(state, waiting);
    }

    fn push(&self, state: &mut State, event: &Event, words: &[TaskWords]) {
        if state.given_up {
            return;
        }
        let length = state.current.len();
        if let Err(error) = block::push_event(&mut state.current, event, words) {
            state.current.truncate(length);
            state.said.push(format!("something that happened cannot be recorded in the history: {error}"));
        }
        close_if_long(state);
    }

    fn words(&self, record: &AttemptRecord) -> TaskWords {
        let batch = &self.about.batch;
        let mut command = Vec::new();
        command_into(batch, record.task, self.slot(record.worker), &mut command);
        TaskWords {
            task: record.task.number(),
            number: Some(batch.number(record.task)).filter(|number| *number != record.task.number()),
            input: batch.values(record.task).iter().map(|value| Bytes(value.to_vec())).collect(),
            command: Bytes(command),
            results: None,
        }
    }

    fn slot(&self, worker: WorkerId) -> u32 {
        self.slots.get(&worker).copied().unwrap_or(1)
    }

    /// The run's number in the history, once it has one.
    pub fn id(&self) -> Option<i64> {
        self.shared.state().id
    }

    /// Has the run written at once, so that it soon has its number, and not only with what happens in its first moments.
    pub fn hurry(&self) {
        self.shared.state().is_hurried = true;
        self.shared.wake.notify_one();
    }

    /// Nothing more of this run is recorded: it has told why.
    pub fn has_given_up(&self) -> bool {
        self.shared.state().given_up
    }

    #[cfg(test)]
    pub(super) fn shared_for_tests(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    /// Waits until all is written, but not for ever; returns what there is to tell.
    pub fn finish(mut self) -> Vec<String> {
        self.end();
        let is_stuck = self.written.recv_timeout(FLUSH_TIMEOUT) == Err(crossbeam_channel::RecvTimeoutError::Timeout);
        let mut state = self.shared.state();
        let mut said = std::mem::take(&mut state.said);
        if is_stuck && !state.given_up {
            state.given_up = true;
            said.push("the disk does not answer, so the end of this run may be missing from the history".to_owned());
        }
        said
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

fn push_never_begun(state: &mut State, tasks: Option<NeverBegun>) {
    if let Some(tasks) = tasks.filter(|_| !state.given_up) {
        tasks.push(&mut state.current);
        close_if_long(state);
    }
}

fn close_if_long(state: &mut State) {
    if state.current.len() >= BLOCK_BYTES {
        let block = std::mem::replace(&mut state.current, Vec::with_capacity(BLOCK_BYTES + 4096));
        state.full.push(block);
    }
}

/// Whether another attempt may wait to be written. One that may not is counted.
fn has_room(state: &mut State) -> bool {
    let waiting = state.waiting_bytes;
    let has_room = !state.given_up && waiting < MAX_PENDING_BYTES;
    state.left_out += u64::from(!has_room);
    has_room
}
