//! The journal of a detached run: all messages of the host, in an unnamed file. Each watcher reads it from the start at
//! its own pace, without delaying the run or filling the host's memory.
//!
//! Samples of cores and workers are kept at growing intervals, so that it stays small over days; those in between are
//! only sent to watchers that have read everything before. What tasks print is not in the file at all: each watcher is sent
//! what it asked for of the newest pieces, and one that reads more slowly misses some.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::fs::MemfdFlags;

use crate::engine::OutputInterest;
use crate::event::{AttemptRecord, Event, EventKind, SampleEvent, TaskEvent};
use crate::job::{Batch, TaskId};
use crate::store::history::SampleThinning;
use fanlane_os::frame::{FrameError, write_frame};

use super::pieces::Pieces;
use super::wire::FromHost;

/// Maximum number of samples and answers waiting for watchers that are not kept in the file.
const MAX_TRANSIENT_SAMPLES: usize = 64;
/// Maximum number of bytes held back before they are written.
const MAX_PENDING_BYTES: usize = 1 << 20;
/// About how many bytes of rows a message carries.
const ROWS_MESSAGE_BYTES: usize = 64 << 10;
/// Maximum number of bytes read at once.
pub(super) const MAX_READ_BYTES: usize = 256 << 10;

/// The file and its state.
pub(super) struct Journal {
    file: File,
    state: Mutex<JournalState>,
    changed: Condvar,
}

#[derive(Default)]
pub(super) struct JournalState {
    /// Length of the file, in bytes.
    length: u64,
    /// Samples that are not in the file, each with its offset in the file.
    fresh: VecDeque<(u64, Arc<[u8]>)>,
    /// Number of such samples so far.
    samples: u64,
    /// The newest pieces of output.
    pub(super) pieces: Pieces,
    /// The journal is complete.
    ended: bool,
    /// Why the journal cannot be read.
    fault: Option<String>,
}

/// The only writer of a journal.
pub(super) struct JournalWriter {
    journal: Arc<Journal>,
    waiting: Vec<u8>,
    samples: SampleThinning,
    /// Number of rows of a growing batch that were added.
    rows: u64,
}

/// A watcher's position in a journal.
#[derive(Default)]
pub(super) struct JournalPosition {
    at: u64,
    samples: u64,
    pieces: u64,
}

/// The result of reading a journal.
pub(super) enum JournalRead {
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
    /// An empty journal, on the file system of `folder`, or else among the temporary files, which may be in memory; in memory
    /// where there can be none.
    pub(super) fn new(folder: Option<&Path>) -> io::Result<(Self, Arc<Journal>)> {
        let beside = folder.and_then(|folder| {
            DirBuilder::new().recursive(true).mode(0o700).create(folder).ok()?;
            tempfile::tempfile_in(folder).ok()
        });
        let in_memory = || rustix::fs::memfd_create("fanlane-journal", MemfdFlags::CLOEXEC).map(File::from);
        Ok(Self::to(beside.map_or_else(|| tempfile::tempfile().or_else(|_| in_memory()), Ok)?))
    }

    fn to(file: File) -> (Self, Arc<Journal>) {
        let journal = Arc::new(Journal { file, state: Mutex::default(), changed: Condvar::new() });
        let writer =
            Self { journal: Arc::clone(&journal), waiting: Vec::new(), samples: SampleThinning::default(), rows: 0 };
        (writer, journal)
    }

    /// Takes in an event.
    pub(super) fn add(&mut self, event: &Event) {
        if let EventKind::Sample(SampleEvent::Printed(printed)) = &event.kind {
            let mut state = self.journal.state();
            let at = state.length + self.waiting.len() as u64;
            state.pieces.push(at, event.at_ns, printed);
            drop(state);
            self.journal.changed.notify_all();
        } else if !event.kind.is_momentary() && self.samples.keeps(&event.kind) {
            self.push(event)
        } else {
            self.push_transient(event)
        }
        if self.waiting.len() > MAX_PENDING_BYTES {
            self.flush();
        }
    }

    fn push(&mut self, event: &Event) {
        match (write_frame(&mut self.waiting, &FromHost::Event(Cow::Borrowed(event))), &event.kind) {
            (Ok(()), _) => {}
            (Err(FrameError::TooLarge(_)), EventKind::Task(TaskEvent::Finished(records))) if records.len() > 1 => {
                let (first, second) = records.split_at(records.len() / 2);
                for part in [first, second] {
                    self.push(&Event { at_ns: event.at_ns, kind: EventKind::Task(TaskEvent::Finished(part.to_vec())) });
                }
            }
            (Err(error), EventKind::Task(TaskEvent::Finished(records))) => {
                self.message(&format!("the result of a task cannot be shown: {error}"));
                let records = records.iter().map(AttemptRecord::without_results).collect();
                self.push(&Event { at_ns: event.at_ns, kind: EventKind::Task(TaskEvent::Finished(records)) });
            }
            (Err(error), _) => self.message(&format!("an event of the run cannot be shown: {error}")),
        }
    }

    fn push_transient(&self, event: &Event) {
        let mut frame = Vec::new();
        if write_frame(&mut frame, &FromHost::Event(Cow::Borrowed(event))).is_ok() {
            let mut state = self.journal.state();
            if state.fresh.len() == MAX_TRANSIENT_SAMPLES {
                state.fresh.pop_front();
            }
            let at = state.length + self.waiting.len() as u64;
            state.fresh.push_back((at, frame.into()));
            state.samples += 1;
            drop(state);
            self.journal.changed.notify_all();
        }
    }

    /// Adds a message for the user.
    pub(super) fn message(&mut self, words: &str) {
        self.push_message(&FromHost::Message(words.into()));
    }

    /// Adds the rows of a batch that has grown to `tasks`, so that watchers have them before they hear of these tasks.
    pub(super) fn push_rows(&mut self, batch: &Batch, tasks: u64) {
        while self.rows < tasks {
            let (mut rows, mut length) = (Vec::new(), 0);
            while self.rows < tasks && length < ROWS_MESSAGE_BYTES {
                let row = batch.values(TaskId(self.rows)).pop().map(|value| value.to_vec()).unwrap_or_default();
                self.rows += 1;
                length += row.len();
                rows.push(row.into());
            }
            self.push_message(&FromHost::Rows(rows));
        }
    }

    /// Adds a message that is not an event.
    pub(super) fn push_message(&mut self, message: &FromHost<'_>) {
        // All of them are short.
        let _ = write_frame(&mut self.waiting, message);
    }

    /// Writes what was added, so that it can be read.
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
                    "the run continues, but can no longer be watched, since its events cannot be kept on disk: {error}"
                ));
            }
        }
        drop(state);
        self.waiting.clear();
        if self.waiting.capacity() > 2 * MAX_PENDING_BYTES {
            self.waiting = Vec::new();
        }
        self.journal.changed.notify_all();
    }

    /// Ends the journal.
    pub(super) fn end(mut self) {
        self.push_message(&FromHost::End);
        self.flush();
        self.journal.state().ended = true;
        self.journal.changed.notify_all();
    }
}

impl JournalState {
    /// The samples after `place`.
    fn unread(&self, place: &JournalPosition) -> impl Iterator<Item = &(u64, Arc<[u8]>)> {
        let missed = usize::try_from(self.samples - place.samples).unwrap_or(usize::MAX);
        self.fresh.range(self.fresh.len().saturating_sub(missed)..)
    }

    /// The offset of the next of them or of the pieces of output, which is between two messages.
    fn next_fresh(&self, place: &JournalPosition) -> Option<u64> {
        let sample = self.unread(place).map(|(at, _)| *at).find(|at| *at > place.at);
        sample.into_iter().chain(self.pieces.next_after(place.pieces, place.at)).min()
    }

    /// Takes the samples at `place`; returns whether there were any.
    fn take_fresh(&self, place: &mut JournalPosition, buffer: &mut Vec<u8>) -> bool {
        let mut passed = 0;
        for (at, frame) in self.unread(place).take_while(|(at, _)| *at <= place.at) {
            passed += 1;
            // The start of the run has to be first.
            if *at == place.at && place.at > 0 {
                buffer.extend_from_slice(frame);
            }
        }
        let missed = self.samples - place.samples;
        let dropped = missed.saturating_sub(self.fresh.len() as u64);
        place.samples += dropped + passed;
        !buffer.is_empty()
    }
}

impl Journal {
    pub(super) fn state(&self) -> MutexGuard<'_, JournalState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The position of a new watcher: at the start, but for what tasks have printed, which is sent again to those who ask.
    pub(super) fn start(&self) -> JournalPosition {
        JournalPosition { pieces: self.state().pieces.count(), ..JournalPosition::default() }
    }

    /// Reads from `place` into `buffer`, waiting up to `timeout` for something to read; of what tasks print, what is
    /// `wanted`.
    pub(super) fn read(
        &self,
        place: &mut JournalPosition,
        wanted: &Mutex<OutputInterest>,
        buffer: &mut Vec<u8>,
        timeout: Duration,
    ) -> JournalRead {
        let until = Instant::now() + timeout;
        buffer.clear();
        let mut state = self.state();
        loop {
            if let Some(fault) = &state.fault {
                return JournalRead::Fault(fault.clone());
            }
            if state.length.saturating_sub(place.at) > MAX_READ_BYTES as u64 {
                // A watcher that lags this far behind skips the samples that are not kept.
                place.samples = state.samples;
            }
            let has_samples = state.take_fresh(place, buffer);
            state.pieces.take(&mut place.pieces, place.at, wanted, buffer);
            if has_samples || !buffer.is_empty() {
                return JournalRead::Some;
            }
            if place.at < state.length {
                let end = state.next_fresh(place).map_or(state.length, |at| at.min(state.length));
                let length = usize::try_from(end - place.at).unwrap_or(MAX_READ_BYTES).min(MAX_READ_BYTES);
                drop(state);
                buffer.resize(length, 0);
                return match self.file.read_exact_at(buffer, place.at) {
                    Ok(()) => {
                        place.at += length as u64;
                        JournalRead::Some
                    }
                    Err(error) => {
                        JournalRead::Fault(format!("the run continues, but its events can no longer be read: {error}"))
                    }
                };
            }
            if state.ended {
                return JournalRead::End;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return JournalRead::Nothing;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::DispatchEvent;
    use crate::event::MachineSample;
    use crate::host::wire::read_message;
    use fanlane_os::frame::FrameReader;

    fn sample(at_ns: u64) -> Event {
        let sample = MachineSample { core_percent: vec![1.0; 4], memory_used_bytes: 1, memory_total_bytes: 2 };
        Event { at_ns, kind: EventKind::Sample(SampleEvent::Machine(sample)) }
    }

    fn read_all(journal: &Journal, place: &mut JournalPosition) -> (Vec<u64>, bool) {
        let (mut bytes, mut buffer) = (Vec::new(), Vec::new());
        let ended = loop {
            match journal.read(place, &Mutex::default(), &mut buffer, Duration::ZERO) {
                JournalRead::Some => bytes.extend_from_slice(&buffer),
                JournalRead::Nothing => break false,
                JournalRead::End => break true,
                JournalRead::Fault(words) => panic!("{words}"),
            }
        };
        let (mut frames, mut stream, mut times) = (FrameReader::default(), &*bytes, Vec::new());
        while let Some(message) = read_message::<FromHost>(&mut frames, &mut stream).expect("whole frames") {
            if let FromHost::Event(event) = message {
                times.push(event.at_ns);
            }
        }
        (times, ended)
    }

    #[test]
    fn samples_are_kept_ever_more_rarely_and_yet_told_to_those_who_read_along() {
        let (mut writer, journal) = JournalWriter::new(None).expect("a file");
        let mut along = JournalPosition::default();
        let mut seen = 0;
        const SAMPLES: u64 = 40_000;
        for at_ns in 0..SAMPLES {
            writer.add(&sample(at_ns));
            writer.flush();
            if at_ns % 8 == 0 {
                seen += read_all(&journal, &mut along).0.len() as u64;
            }
        }
        writer.add(&Event { at_ns: SAMPLES, kind: EventKind::Dispatch(DispatchEvent::Paused) });
        writer.end();
        let (times, ended) = read_all(&journal, &mut along);
        assert!(ended && times.last() == Some(&SAMPLES) && times.is_sorted());
        assert_eq!(seen + times.len() as u64, SAMPLES + 1, "a watcher that keeps up receives every one");
        let (late, ended) = read_all(&journal, &mut JournalPosition::default());
        assert!(ended && late.last() == Some(&SAMPLES));
        let kept = late.len() as u64;
        assert!((4096..SAMPLES / 2).contains(&kept), "{kept} of {SAMPLES} are kept");
        assert!(late.is_sorted());
    }

    #[test]
    fn what_cannot_be_written_is_told_to_those_who_read() {
        let full = File::options().write(true).read(true).open("/dev/full").expect("the system has it");
        let (mut writer, journal) = JournalWriter::to(full);
        writer.add(&sample(1));
        writer.flush();
        let read = journal.read(&mut JournalPosition::default(), &Mutex::default(), &mut Vec::new(), Duration::ZERO);
        assert!(matches!(read, JournalRead::Fault(words) if words.contains("the run continues")));
        writer.add(&sample(2));
        writer.end();
    }
}
