//! What a running task prints, on its way to those who want it: sent from what its lane captures anyway, so that nothing
//! is held twice, at a rate that stays bounded however much the task prints. While it is wanted by nobody it costs one
//! atomic read for each piece that is read.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::capture::Capture;
use super::executor::TaskWatch;
use crate::engine::OutputLevel;
use crate::event::{MAX_LATEST_LINE_BYTES, StreamName, latest_line};

/// How often the latest line of a lane is sent.
const LINE_INTERVAL: Duration = Duration::from_millis(250);
/// How often a streamed task sends what it has printed.
const STREAM_INTERVAL: Duration = Duration::from_millis(100);
/// How much of each of its streams it sends then, in bytes.
const STREAM_BYTES: usize = 32 << 10;
/// How much is sent at once of a task whose every byte is wanted.
const EVERYTHING_BYTES: usize = 64 << 10;
/// Beyond this number of unsent bytes the older ones are skipped: the newest matter to those who look.
const MAX_UNSENT_BYTES: u64 = 256 << 10;
/// What a task has printed at its end goes with its record, unless it is this much.
const MAX_LATE_BYTES: u64 = 256 << 10;
/// How far back the latest line is looked for, in bytes.
const LINE_SEARCH_BYTES: usize = 4 << 10;

/// The level at which the running task of a lane is wanted, set by one thread and read by another.
#[derive(Debug, Default)]
pub struct LevelSwitch(AtomicU32);

/// A level as it was set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WantedOutput {
    /// How much is wanted.
    pub level: OutputLevel,
    /// Changes whenever the level is set, also to what it was: then someone has nothing yet.
    generation: u32,
}

const LEVELS: [OutputLevel; 4] =
    [OutputLevel::Nothing, OutputLevel::LatestLines, OutputLevel::Stream, OutputLevel::Everything];

impl LevelSwitch {
    /// Sets the level.
    pub fn set(&self, level: OutputLevel) {
        let next = (self.0.load(Ordering::Relaxed) & !3).wrapping_add(4);
        self.0.store(next | level as u32, Ordering::Relaxed);
    }

    /// The level.
    pub fn get(&self) -> WantedOutput {
        let value = self.0.load(Ordering::Relaxed);
        WantedOutput { level: LEVELS[(value & 3) as usize], generation: value >> 2 }
    }
}

/// Sends what one task prints.
pub struct LiveTap<'a> {
    watch: &'a dyn TaskWatch,
    wanted: WantedOutput,
    /// How much of each stream was sent.
    sent_bytes: [u64; 2],
    /// The stream that something came from last; `None`: nothing came since the latest line was sent.
    newest: Option<usize>,
    last_sent: Option<Instant>,
    piece: Vec<u8>,
}

impl<'a> LiveTap<'a> {
    /// For a task that has printed nothing yet.
    pub fn new(watch: &'a dyn TaskWatch) -> Self {
        let wanted = WantedOutput::default();
        Self { watch, wanted, sent_bytes: [0; 2], newest: None, last_sent: None, piece: Vec::new() }
    }

    /// Something was captured of this stream. `is_over`: the task has ended, and its record comes next.
    pub fn captured(&mut self, stream: usize, captures: &[Capture; 2], is_over: bool) {
        self.newest = Some(stream);
        self.look(captures, is_over);
    }

    /// Sends what is due. Returns when to look again, if something waits for its time.
    pub fn look(&mut self, captures: &[Capture; 2], is_over: bool) -> Option<Duration> {
        let wanted = self.watch.wanted_output();
        if wanted != self.wanted {
            self.begin(wanted, captures);
        }
        let interval = match wanted.level {
            OutputLevel::Nothing => return None,
            OutputLevel::Everything => {
                self.send_everything(captures, is_over);
                return None;
            }
            _ if is_over => return None,
            OutputLevel::LatestLines => LINE_INTERVAL,
            OutputLevel::Stream => STREAM_INTERVAL,
        };
        let has_more = match wanted.level {
            OutputLevel::LatestLines => self.newest.is_some(),
            _ => (0..2).any(|stream| captures[stream].total_bytes() > self.sent_bytes[stream]),
        };
        if !has_more {
            return None;
        }
        let wait = self.last_sent.map_or(Duration::ZERO, |last| interval.saturating_sub(last.elapsed()));
        if !wait.is_zero() {
            return Some(wait);
        }
        self.last_sent = Some(Instant::now());
        match wanted.level {
            OutputLevel::LatestLines => self.send_latest_line(captures),
            _ => (0..2).for_each(|stream| self.send_stream(stream, &captures[stream])),
        }
        Some(interval)
    }

    /// Those who want it now have nothing yet.
    fn begin(&mut self, wanted: WantedOutput, captures: &[Capture; 2]) {
        self.wanted = wanted;
        self.last_sent = None;
        if wanted.level == OutputLevel::Everything {
            return;
        }
        self.sent_bytes = [0; 2];
        self.newest = self.newest.or_else(|| (0..2).find(|stream| !captures[*stream].is_empty()));
    }

    fn send_latest_line(&mut self, captures: &[Capture; 2]) {
        let Some(stream) = self.newest else { return };
        let capture = &captures[stream];
        let from = capture.total_bytes().saturating_sub(LINE_SEARCH_BYTES as u64);
        let offset = self.take_piece(capture, from, LINE_SEARCH_BYTES);
        let mut line = latest_line(&self.piece);
        if line.start == 0 && from > 0 {
            // It began long before: its end says more than its middle.
            let end = self.piece.trim_ascii_end().len();
            line = end.saturating_sub(MAX_LATEST_LINE_BYTES)..end;
        }
        let offset = offset + line.start as u64;
        let is_sent = line.is_empty() || self.watch.printed(StreamName::BOTH[stream], offset, &self.piece[line], false);
        if is_sent {
            self.newest = None;
        }
    }

    fn send_stream(&mut self, stream: usize, capture: &Capture) {
        let total = capture.total_bytes();
        if total == self.sent_bytes[stream] {
            return;
        }
        let mut from = self.sent_bytes[stream];
        if total - from > MAX_UNSENT_BYTES {
            from = total - STREAM_BYTES as u64;
        }
        let offset = self.take_piece(capture, from, STREAM_BYTES);
        // Where the engine is behind, it comes the next time, or is skipped.
        if self.watch.printed(StreamName::BOTH[stream], offset, &self.piece, false) {
            self.sent_bytes[stream] = offset + self.piece.len() as u64;
        }
    }

    fn send_everything(&mut self, captures: &[Capture; 2], is_over: bool) {
        for (stream, capture) in captures.iter().enumerate() {
            while self.sent_bytes[stream] < capture.total_bytes() {
                if is_over && capture.total_bytes() <= MAX_LATE_BYTES {
                    break;
                }
                let offset = self.take_piece(capture, self.sent_bytes[stream], EVERYTHING_BYTES);
                self.watch.printed(StreamName::BOTH[stream], offset, &self.piece, true);
                self.sent_bytes[stream] = offset + self.piece.len() as u64;
                if self.piece.is_empty() {
                    break;
                }
            }
        }
    }

    /// Copies what is captured from `from` on; returns where that begins.
    fn take_piece(&mut self, capture: &Capture, from: u64, max_bytes: usize) -> u64 {
        self.piece.clear();
        capture.copy_from(from, max_bytes, &mut self.piece)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use rustix::process::Pid;

    use super::*;
    use crate::engine::protocol::TaskFrame;
    use crate::event::Outcome;

    /// What a tap has sent.
    #[derive(Default)]
    struct Sent {
        wanted: LevelSwitch,
        pieces: RefCell<Vec<(StreamName, u64, String)>>,
        /// The engine takes nothing for now.
        is_full: std::cell::Cell<bool>,
    }

    impl Sent {
        fn take(&self) -> Vec<(StreamName, u64, String)> {
            self.pieces.take()
        }
    }

    impl TaskWatch for Sent {
        fn interrupted(&self) {}
        fn begun(&self, _: Pid) {}
        fn preparing(&self, _: Pid) {}
        fn commit(&self, _: usize, _: &mut dyn FnMut(&TaskFrame) -> bool) {}
        fn release(&self, _: usize) {}
        fn has_stack(&self, _: Option<std::sync::Arc<dyn crate::engine::worker::locate::StackSource>>) {}
        fn exhausted(&self, _: &str) -> bool {
            true
        }
        fn printed_too_much(&self) {}
        fn ending(&self) -> Option<Outcome> {
            None
        }
        fn wanted_output(&self) -> WantedOutput {
            self.wanted.get()
        }
        fn printed(&self, stream: StreamName, offset: u64, bytes: &[u8], waits: bool) -> bool {
            if self.is_full.get() && !waits {
                return false;
            }
            self.pieces.borrow_mut().push((stream, offset, String::from_utf8_lossy(bytes).into_owned()));
            true
        }
    }

    fn captures() -> [Capture; 2] {
        [0, 1].map(|_| Capture::new(1 << 20, None))
    }

    use StreamName::{Stderr, Stdout};

    #[test]
    fn nothing_is_sent_unless_it_is_wanted_and_then_also_what_came_before() {
        let (sent, mut captures) = (Sent::default(), captures());
        let mut tap = LiveTap::new(&sent);
        captures[0].push(b"early\nlast");
        tap.captured(0, &captures, false);
        assert_eq!((tap.look(&captures, false), sent.take().len()), (None, 0));
        for (level, offset, text) in [(OutputLevel::LatestLines, 6, "last"), (OutputLevel::Stream, 0, "early\nlast")] {
            // Again, where it is asked for again: another one looks now.
            for _ in 0..2 {
                sent.wanted.set(level);
                assert!(tap.look(&captures, false).is_some());
                assert_eq!(sent.take(), [(Stdout, offset, text.to_owned())]);
            }
        }
        captures[1].push(b"fault\n");
        tap.captured(1, &captures, false);
        assert!(tap.look(&captures, false).is_some_and(|wait| wait <= STREAM_INTERVAL));
        assert_eq!(sent.take(), [], "the rate is bounded");
        assert_eq!(tap.look(&captures, true), None, "the record comes next");
    }

    #[test]
    fn a_flood_is_sent_in_bounded_pieces_and_what_was_skipped_is_between_their_offsets() {
        let (sent, mut captures) = (Sent::default(), captures());
        let mut tap = LiveTap::new(&sent);
        sent.wanted.set(OutputLevel::Stream);
        for round in 0..3 {
            for _ in 0..100 {
                captures[0].push(&[b'x'; 100_000]);
            }
            tap.last_sent = None;
            tap.captured(0, &captures, false);
            let pieces = sent.take();
            assert_eq!(pieces.len(), 1);
            let (_, offset, text) = &pieces[0];
            let total = captures[0].total_bytes();
            assert_eq!((*offset, text.len()), (total - STREAM_BYTES as u64, STREAM_BYTES), "round {round}");
        }
    }

    #[test]
    fn what_the_engine_has_no_room_for_comes_later() {
        let (sent, mut captures) = (Sent::default(), captures());
        let mut tap = LiveTap::new(&sent);
        for level in [OutputLevel::LatestLines, OutputLevel::Stream] {
            sent.is_full.set(true);
            sent.wanted.set(level);
            captures[1].push(b"a");
            tap.captured(1, &captures, false);
            assert_eq!(sent.take(), []);
            sent.is_full.set(false);
            tap.last_sent = None;
            tap.look(&captures, false);
            assert_eq!(sent.take().len(), 1, "{level:?}");
        }
    }

    #[test]
    fn every_byte_is_sent_where_every_byte_is_wanted_but_those_that_come_with_the_record() {
        let (sent, mut captures) = (Sent::default(), captures());
        let mut tap = LiveTap::new(&sent);
        sent.wanted.set(OutputLevel::Everything);
        sent.is_full.set(true);
        let piece = [b'y'; 50_000];
        let mut next = 0;
        for round in 0..100 {
            captures[0].push(&piece);
            tap.captured(0, &captures, round > 80);
            for (_, offset, text) in sent.take() {
                assert_eq!(offset, next);
                next += text.len() as u64;
            }
        }
        assert_eq!(next, 100 * 50_000);
        let mut tap = LiveTap::new(&sent);
        captures = self::captures();
        captures[1].push(b"short");
        tap.captured(1, &captures, true);
        assert_eq!(sent.take(), []);
        captures[1].push(&[b'z'; MAX_LATE_BYTES as usize]);
        tap.captured(1, &captures, true);
        let pieces = sent.take();
        assert_eq!(pieces.iter().map(|(_, _, text)| text.len() as u64).sum::<u64>(), 5 + MAX_LATE_BYTES);
        assert!(pieces[0].0 == Stderr && pieces[0].2.starts_with("shortzz"));
    }

    #[test]
    fn the_latest_line_is_the_end_of_one_that_is_very_long() {
        let (sent, mut captures) = (Sent::default(), captures());
        let mut tap = LiveTap::new(&sent);
        sent.wanted.set(OutputLevel::LatestLines);
        captures[0].push(&[b'a'; 9000]);
        captures[0].push(b"end");
        tap.captured(0, &captures, false);
        let pieces = sent.take();
        assert_eq!(pieces[0].1 + pieces[0].2.len() as u64, 9003);
        assert!(pieces[0].2.len() == MAX_LATEST_LINE_BYTES && pieces[0].2.ends_with("aaaend"));
    }
}
