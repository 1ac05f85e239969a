//! Finding a text in one output: a thread searches it piece by piece, so that neither the window nor the run's events wait.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fanlane_core::event::{AttemptRecord, Captured, StreamName, TaskId};
use fanlane_core::model::RunModel;
use fanlane_core::model::search::Needle;

use super::CurrentRun;
use super::current::lock;
use crate::session::Wake;

/// Number of bytes that are searched under one lock.
const PIECE_BYTES: usize = 1 << 20;
/// Maximum number of matches that are kept.
pub const MAX_MATCHES: usize = 100_000;

/// A search in one output. Dropping it ends it.
pub struct Find {
    found: Arc<Mutex<FoundMatches>>,
    outdated: Arc<AtomicBool>,
}

/// The matches so far.
#[derive(Debug, Default)]
pub struct FoundMatches {
    /// The places of the matches among the bytes that were kept of the stream, first the head, then the tail; ascending.
    pub places: Vec<Range<usize>>,
    /// All was searched, or there are more matches than are kept.
    pub done: bool,
}

impl FoundMatches {
    /// There are more than are kept.
    pub const fn has_more(&self) -> bool {
        self.places.len() >= MAX_MATCHES
    }

    /// The matches that reach into a stretch of bytes, as their numbers from 0.
    pub fn within(&self, bytes: Range<usize>) -> Range<usize> {
        let from = self.places.partition_point(|place| place.end <= bytes.start);
        let to = self.places.partition_point(|place| place.start < bytes.end);
        from..to.max(from)
    }
}

/// An attempt's stream in a model.
struct Searched {
    model: Arc<Mutex<RunModel>>,
    task: TaskId,
    attempt: u32,
    stream: StreamName,
}

impl Find {
    /// Begins to look for `needle` in a stream of an ended attempt.
    pub fn begin(run: &CurrentRun, record: &AttemptRecord, stream: StreamName, needle: Needle, wake: &Wake) -> Self {
        let find = Self { found: Arc::default(), outdated: Arc::default() };
        let (task, attempt) = (record.task, record.attempt);
        let searched = Searched { model: run.shared_model(), task, attempt, stream };
        let (found, outdated, wake) = (Arc::clone(&find.found), Arc::clone(&find.outdated), Arc::clone(wake));
        let search = move || {
            search(&searched, &needle, &found, &outdated);
            locked(&found).done = true;
            wake();
        };
        if std::thread::Builder::new().name("find".to_owned()).spawn(search).is_err() {
            // As if there were nothing: the next letter tries again.
            find.found().done = true;
        }
        find
    }

    /// The matches so far. The lock is held for no longer than a frame.
    pub fn found(&self) -> MutexGuard<'_, FoundMatches> {
        locked(&self.found)
    }
}

impl Drop for Find {
    fn drop(&mut self) {
        self.outdated.store(true, Ordering::Relaxed);
    }
}

fn locked(found: &Mutex<FoundMatches>) -> MutexGuard<'_, FoundMatches> {
    found.lock().unwrap_or_else(PoisonError::into_inner)
}

fn search(searched: &Searched, needle: &Needle, found: &Mutex<FoundMatches>, outdated: &AtomicBool) {
    let mut from = 0;
    while !outdated.load(Ordering::Relaxed) {
        let Some((places, next)) = searched.piece(needle, from) else { return };
        let mut found = locked(found);
        found.places.extend(places);
        found.places.truncate(MAX_MATCHES);
        if found.has_more() {
            return;
        }
        from = next;
    }
}

impl Searched {
    /// The matches of the piece from a byte on, and where the next begins; `None` behind the last.
    fn piece(&self, needle: &Needle, from: usize) -> Option<(Vec<Range<usize>>, usize)> {
        let model = lock(&self.model);
        let record = model.attempts(self.task).find(|record| record.attempt == self.attempt)?;
        let captured = captured(record, self.stream)?;
        let head = captured.head.len();
        let (bytes, offset) = if from < head { (&captured.head, 0) } else { (&captured.tail, head) };
        let at = from - offset;
        if at >= bytes.len() {
            return None;
        }
        let to = bytes.len().min(at + PIECE_BYTES);
        let places = needle.find_in_piece(bytes, at..to).map(|place| place.start + offset..place.end + offset);
        Some((places.take(MAX_MATCHES).collect(), to + offset))
    }
}

fn captured(record: &AttemptRecord, stream: StreamName) -> Option<&Captured> {
    let output = record.output.as_deref()?;
    Some(match stream {
        StreamName::Stdout => &output.stdout,
        StreamName::Stderr => &output.stderr,
    })
}
