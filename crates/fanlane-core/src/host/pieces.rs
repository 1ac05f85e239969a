//! The newest pieces of what the tasks of a detached run print, for its watchers: each is sent what it asked for. Pieces are
//! in no file; where they are not taken, the oldest are dropped.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use super::journal::MAX_READ_BYTES;
use super::wire::FromHost;
use crate::engine::{OutputInterest, OutputLevel};
use crate::event::{Event, EventKind, Printed, SampleEvent};
use fanlane_os::frame::{FrameError, write_frame};

/// Maximum size of the pieces that wait, in bytes.
const MAX_WAITING_BYTES: usize = 4 << 20;
/// Maximum number of these pieces.
const MAX_WAITING: usize = 4096;

/// The newest pieces.
#[derive(Default)]
pub(super) struct Pieces {
    waiting: VecDeque<Piece>,
    /// The size of those in `waiting`.
    bytes: usize,
    /// Number of pieces so far.
    count: u64,
}

struct Piece {
    /// The offset in the journal before which it belongs.
    at: u64,
    at_ns: u64,
    printed: Printed,
}

impl Pieces {
    /// Adds a piece at the offset `at` of the journal.
    pub(super) fn push(&mut self, at: u64, at_ns: u64, printed: &Printed) {
        self.bytes += printed.bytes.len();
        self.waiting.push_back(Piece { at, at_ns, printed: printed.clone() });
        self.count += 1;
        while self.waiting.len() > MAX_WAITING || self.bytes > MAX_WAITING_BYTES {
            let Some(oldest) = self.waiting.pop_front() else { break };
            self.bytes -= oldest.printed.bytes.len();
        }
    }

    /// Number of pieces so far.
    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    /// The pieces that a watcher which was given `taken` has not seen.
    fn unread(&self, taken: u64) -> impl Iterator<Item = &Piece> {
        let missed = usize::try_from(self.count - taken).unwrap_or(usize::MAX);
        self.waiting.range(self.waiting.len().saturating_sub(missed)..)
    }

    /// The offset of the next piece behind `at`.
    pub(super) fn next_after(&self, taken: u64, at: u64) -> Option<u64> {
        self.unread(taken).map(|piece| piece.at).find(|place| *place > at)
    }

    /// Adds to `buffer` what is `wanted` of the pieces for a watcher that has read the journal up to `at`; counts in `taken`.
    pub(super) fn take(&self, taken: &mut u64, at: u64, wanted: &Mutex<OutputInterest>, buffer: &mut Vec<u8>) {
        // The start of the run has to be first.
        if *taken == self.count || at == 0 {
            return;
        }
        let wanted = wanted.lock().unwrap_or_else(PoisonError::into_inner);
        let dropped = (self.count - *taken).saturating_sub(self.waiting.len() as u64);
        let mut passed = 0;
        for piece in self.unread(*taken).take_while(|piece| piece.at <= at) {
            passed += 1;
            // None is too large for a frame.
            let _ = piece.write_wanted(wanted.of(piece.printed.task), buffer);
            if buffer.len() > MAX_READ_BYTES {
                break;
            }
        }
        *taken += dropped + passed;
    }
}

impl Piece {
    fn write_wanted(&self, level: OutputLevel, buffer: &mut Vec<u8>) -> Result<(), FrameError> {
        let printed = match level {
            OutputLevel::Nothing => return Ok(()),
            OutputLevel::LatestLines => self.printed.latest_line(),
            OutputLevel::Stream | OutputLevel::Everything => self.printed.clone(),
        };
        let event = Event { at_ns: self.at_ns, kind: EventKind::Sample(SampleEvent::Printed(printed)) };
        write_frame(buffer, &FromHost::Event(Cow::Owned(event)))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::event::{DispatchEvent, StreamName, TaskId, WorkerId};
    use crate::host::journal::{Journal, JournalPosition, JournalRead, JournalWriter};
    use crate::host::wire::read_message;
    use fanlane_os::frame::FrameReader;

    fn paused(at_ns: u64) -> Event {
        Event { at_ns, kind: EventKind::Dispatch(DispatchEvent::Paused) }
    }

    fn printed(task: u64, bytes: &[u8]) -> Event {
        let (task, worker, stream) = (TaskId(task), WorkerId(1), StreamName::Stdout);
        let printed = Printed { task, attempt: 1, worker, stream, offset: 0, bytes: bytes.into() };
        Event { at_ns: 0, kind: EventKind::Sample(SampleEvent::Printed(printed)) }
    }

    /// The pieces of output that a watcher is sent.
    fn pieces(journal: &Journal, place: &mut JournalPosition, wanted: OutputInterest) -> Vec<(u64, Vec<u8>)> {
        let (wanted, mut buffer, mut bytes) = (Mutex::new(wanted), Vec::new(), Vec::new());
        while let JournalRead::Some = journal.read(place, &wanted, &mut buffer, Duration::ZERO) {
            bytes.extend_from_slice(&buffer);
        }
        let (mut frames, mut stream, mut pieces) = (FrameReader::default(), &*bytes, Vec::new());
        while let Some(message) = read_message::<FromHost>(&mut frames, &mut stream).expect("whole frames") {
            if let FromHost::Event(event) = message
                && let EventKind::Sample(SampleEvent::Printed(printed)) = event.into_owned().kind
            {
                pieces.push((printed.task.0, printed.bytes.into()));
            }
        }
        pieces
    }

    #[test]
    fn each_watcher_is_sent_what_it_wants_of_what_tasks_print_and_nothing_of_it_is_kept() {
        let (mut writer, journal) = JournalWriter::new(None).expect("a file");
        let interests =
            [OutputLevel::Nothing, OutputLevel::LatestLines, OutputLevel::Stream].map(OutputInterest::of_all);
        let follows = OutputInterest { followed: [TaskId(2)].into(), ..interests[1].clone() };
        let mut places = [(); 4].map(|()| JournalPosition::default());
        writer.add(&paused(1));
        writer.flush();
        let all = || interests.iter().chain([&follows]).cloned();
        for (place, wanted) in places.iter_mut().zip(all()) {
            assert_eq!(pieces(&journal, place, wanted), []);
        }
        writer.add(&printed(1, b"a\nb\n"));
        writer.add(&printed(2, b"c\nd\n"));
        writer.flush();
        let (lines, texts) = ([&b"b"[..], b"d"], [&b"a\nb\n"[..], b"c\nd\n"]);
        let expected = [None, Some([lines[0], lines[1]]), Some([texts[0], texts[1]]), Some([lines[0], texts[1]])];
        for ((place, wanted), expected) in places.iter_mut().zip(all()).zip(expected) {
            let expected = expected.into_iter().flat_map(|[one, two]| [(1, one.to_vec()), (2, two.to_vec())]);
            assert_eq!(pieces(&journal, place, wanted), expected.collect::<Vec<_>>());
        }
        writer.end();
        let mut late = JournalPosition::default();
        let (wanted, mut buffer) = (Mutex::new(OutputInterest::of_all(OutputLevel::Stream)), Vec::new());
        assert!(matches!(journal.read(&mut late, &wanted, &mut buffer, Duration::ZERO), JournalRead::Some));
        let in_file = buffer.len();
        assert!(in_file < 40, "the file has the pause alone: {in_file} bytes");
    }

    #[test]
    fn a_watcher_that_does_not_read_misses_old_output_and_costs_bounded_memory() {
        let (mut writer, journal) = JournalWriter::new(None).expect("a file");
        let everything = || OutputInterest::of_all(OutputLevel::Stream);
        writer.add(&paused(1));
        let mut place = JournalPosition::default();
        let piece = vec![b'x'; 32 << 10];
        for task in 0..1000 {
            writer.add(&printed(task, &piece));
            // The rest of its events is on disk.
            writer.add(&paused(task));
            writer.flush();
        }
        assert!(journal.state().pieces.bytes <= MAX_WAITING_BYTES);
        let got = pieces(&journal, &mut place, everything());
        assert_eq!(got.len(), MAX_WAITING_BYTES / piece.len());
        assert_eq!(got.last().map(|(task, _)| *task), Some(999), "the newest are there");
        assert_eq!(pieces(&journal, &mut place, everything()), []);
    }
}
