//! All that a host has said, in a file without a name: whoever comes late reads it from its start, each at its own pace, and
//! neither the run nor the host's memory waits for anybody.
//!
//! Of samples of cores and workers it keeps ever fewer, so that it does not grow by the day; those in between are only told
//! to watchers that have read everything before.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::event::{AttemptRecord, Event, EventKind};
use crate::mp::frame::{FrameError, write_frame};
use crate::store::history::Thinning;

use super::wire::FromHostRef;

/// So many samples wait for watchers at most, though they are not kept.
const FRESH_SAMPLES: usize = 64;
/// So much is read at once, in bytes.
const READ_BYTES: usize = 256 << 10;

/// The file, and how far it is.
pub(super) struct Journal {
    file: File,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// What is in the file, in bytes.
    length: u64,
    /// Samples that the file does not have.
    fresh: VecDeque<Arc<[u8]>>,
    /// How many of these there ever were.
    samples: u64,
    /// Nothing more comes.
    ended: bool,
    /// Why what was said cannot be read.
    fault: Option<String>,
}

/// What writes a journal; there is one.
pub(super) struct JournalWriter {
    journal: Arc<Journal>,
    waiting: Vec<u8>,
    machine: Thinning,
    workers: Thinning,
}

/// What somebody has read of a journal.
#[derive(Default)]
pub(super) struct Place {
    at: u64,
    samples: u64,
}

/// What there is to read.
pub(super) enum Read {
    /// Bytes were read into the buffer.
    Some,
    /// There is nothing new.
    Nothing,
    /// All was read.
    End,
    /// The file cannot be read or written.
    Fault(String),
}

impl JournalWriter {
    /// A journal with nothing in it.
    pub(super) fn new() -> io::Result<(Self, Arc<Journal>)> {
        let journal =
            Arc::new(Journal { file: tempfile::tempfile()?, state: Mutex::default(), changed: Condvar::new() });
        let writer = Self {
            journal: Arc::clone(&journal),
            waiting: Vec::new(),
            machine: Thinning::default(),
            workers: Thinning::default(),
        };
        Ok((writer, journal))
    }

    /// Takes in an event.
    pub(super) fn add(&mut self, event: &Event) {
        let keeps = match &event.kind {
            EventKind::MachineSampled(_) => self.machine.keeps_next(),
            EventKind::WorkersSampled(_) => self.workers.keeps_next(),
            _ => true,
        };
        if keeps { self.push(event) } else { self.tell_only(event) }
    }

    fn push(&mut self, event: &Event) {
        match (write_frame(&mut self.waiting, &FromHostRef::Event(event)), &event.kind) {
            (Ok(()), _) => {}
            (Err(FrameError::TooLarge(_)), EventKind::TasksFinished(records)) if records.len() > 1 => {
                let (first, second) = records.split_at(records.len() / 2);
                for part in [first, second] {
                    self.push(&Event { at_ns: event.at_ns, kind: EventKind::TasksFinished(part.to_vec()) });
                }
            }
            (Err(error), EventKind::TasksFinished(records)) => {
                self.say(&format!("the result of a task cannot be shown: {error}"));
                let bare = |record: &AttemptRecord| AttemptRecord { value: None, output: None, ..record.clone() };
                let records = records.iter().map(bare).collect();
                self.push(&Event { at_ns: event.at_ns, kind: EventKind::TasksFinished(records) });
            }
            (Err(error), _) => self.say(&format!("something that happened cannot be shown: {error}")),
        }
    }

    fn tell_only(&self, event: &Event) {
        let mut frame = Vec::new();
        if write_frame(&mut frame, &FromHostRef::Event(event)).is_ok() {
            let mut state = self.journal.state();
            if state.fresh.len() == FRESH_SAMPLES {
                state.fresh.pop_front();
            }
            state.fresh.push_back(frame.into());
            state.samples += 1;
            drop(state);
            self.journal.changed.notify_all();
        }
    }

    /// Takes in words for people.
    pub(super) fn say(&mut self, words: &str) {
        self.push_message(&FromHostRef::Said(words));
    }

    /// Takes in a message that is no event.
    pub(super) fn push_message(&mut self, message: &FromHostRef<'_>) {
        // All of them are short.
        let _ = write_frame(&mut self.waiting, message);
    }

    /// Lets what was taken in be read.
    pub(super) fn flush(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let at = {
            let state = self.journal.state();
            if state.fault.is_some() {
                self.waiting.clear();
                return;
            }
            state.length
        };
        let written = self.journal.file.write_all_at(&self.waiting, at);
        let mut state = self.journal.state();
        match written {
            Ok(()) => state.length += self.waiting.len() as u64,
            Err(error) => {
                state.fault = Some(format!(
                    "what the run says cannot be kept in {} any more, so nobody can watch it; it goes on: {error}",
                    std::env::temp_dir().display()
                ));
            }
        }
        drop(state);
        self.waiting.clear();
        if self.waiting.capacity() > 4 * READ_BYTES {
            self.waiting = Vec::new();
        }
        self.journal.changed.notify_all();
    }

    /// Ends the journal.
    pub(super) fn end(mut self) {
        self.push_message(&FromHostRef::End);
        self.flush();
        self.journal.state().ended = true;
        self.journal.changed.notify_all();
    }
}

impl Journal {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads on behind `place` into `buffer`, or waits so long for something to read.
    pub(super) fn read(&self, place: &mut Place, buffer: &mut Vec<u8>, patience: Duration) -> Read {
        let until = Instant::now() + patience;
        buffer.clear();
        let mut state = self.state();
        loop {
            if let Some(fault) = &state.fault {
                return Read::Fault(fault.clone());
            }
            if place.at < state.length {
                let length = usize::try_from(state.length - place.at).unwrap_or(READ_BYTES).min(READ_BYTES);
                // What was sampled before that was read is of no interest any more.
                if state.length - place.at > READ_BYTES as u64 {
                    place.samples = state.samples;
                }
                drop(state);
                buffer.resize(length, 0);
                return match self.file.read_exact_at(buffer, place.at) {
                    Ok(()) => {
                        place.at += length as u64;
                        Read::Some
                    }
                    Err(error) => Read::Fault(format!("what the run said cannot be read: {error}")),
                };
            }
            if place.samples < state.samples && place.at > 0 {
                let missed = usize::try_from(state.samples - place.samples).unwrap_or(usize::MAX);
                let first = state.fresh.len().saturating_sub(missed);
                state.fresh.range(first..).for_each(|frame| buffer.extend_from_slice(frame));
                place.samples = state.samples;
                return Read::Some;
            }
            if state.ended {
                return Read::End;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Read::Nothing;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
