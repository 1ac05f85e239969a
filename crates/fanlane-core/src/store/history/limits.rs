//! Limits of the history: on outputs, on samples, which are kept at growing intervals, and on what waits to be written.
//! What is left out is counted or reported, never dropped silently.

use crate::event::{AttemptRecord, Captured, EventKind, SampleEvent, Spill, StreamName};

/// Maximum number of bytes kept of a stream of an attempt, three quarters of them from its head.
pub const MAX_OUTPUT_BYTES_PER_STREAM: usize = 64 << 10;
/// Maximum number of bytes kept of all streams of a run; beyond it, only the lengths are kept.
pub const MAX_OUTPUT_BYTES_PER_RUN: usize = 256 << 20;
/// Maximum number of bytes waiting to be written; beyond it, events are left out rather than make the run wait.
pub const MAX_PENDING_BYTES: usize = 64 << 20;

/// Number of samples kept before the interval between kept samples doubles.
const SAMPLES_PER_STRIDE: u64 = 4096;

/// The remaining number of bytes for outputs of a run.
pub(super) struct OutputRoom(usize);

impl Default for OutputRoom {
    fn default() -> Self {
        Self(MAX_OUTPUT_BYTES_PER_RUN)
    }
}

/// What is kept of the output of an attempt.
#[derive(Debug)]
pub(super) struct KeptOutput<'a> {
    pub stdout: KeptStream<'a>,
    pub stderr: KeptStream<'a>,
    pub leaky: bool,
}

/// What is kept of a stream: its first and its last bytes.
#[derive(Debug, Default)]
pub(super) struct KeptStream<'a> {
    pub head: &'a [u8],
    /// Number of bytes between them.
    pub dropped_bytes: u64,
    pub tail: &'a [u8],
    /// Why the whole stream could not be written to a file.
    pub fault: Option<&'a str>,
}

impl OutputRoom {
    /// As much of an attempt's output as the limits allow. What is returned is stored as it is, byte for byte.
    pub(super) fn fit<'a>(&mut self, record: &'a AttemptRecord) -> Option<KeptOutput<'a>> {
        let output = record.output.as_ref()?;
        let mut stream = |name| self.fit_stream(output.stream(name));
        let (stdout, stderr) = (stream(StreamName::Stdout), stream(StreamName::Stderr));
        Some(KeptOutput { stdout, stderr, leaky: output.leaky })
    }

    fn fit_stream<'a>(&mut self, stream: &'a Captured) -> KeptStream<'a> {
        let limit = MAX_OUTPUT_BYTES_PER_STREAM.min(self.0);
        let whole = stream.head.len() + stream.tail.len();
        // The file with the complete stream is deleted with the run.
        let fault = if let Spill::Failed(why) = &stream.spill { Some(&**why) } else { None };
        let mut kept = KeptStream { dropped_bytes: stream.dropped_bytes, fault, ..KeptStream::default() };
        if whole <= limit {
            (kept.head, kept.tail) = (&stream.head, &stream.tail);
        } else {
            let last = if stream.tail.is_empty() { &stream.head } else { &stream.tail };
            let head = (limit / 4 * 3).min(stream.head.len());
            let room = last.len() - if stream.tail.is_empty() { head } else { 0 };
            let tail = (limit - head).min(room);
            (kept.head, kept.tail) = (&stream.head[..head], &last[last.len() - tail..]);
            kept.dropped_bytes += (whole - head - tail) as u64;
        }
        self.0 -= kept.head.len() + kept.tail.len();
        kept
    }
}

/// Selects which samples of one kind are kept: at first all, then ever fewer, so that a run of weeks keeps some
/// thousands.
#[derive(Debug, Default)]
struct Thinning {
    seen: u64,
    kept: u64,
}

impl Thinning {
    /// Whether the next sample is kept.
    fn keeps_next(&mut self) -> bool {
        let stride = 1_u64 << (self.kept / SAMPLES_PER_STRIDE).min(63);
        let keep = self.seen.is_multiple_of(stride);
        self.seen += 1;
        self.kept += u64::from(keep);
        keep
    }
}

/// Selects which events are kept: all but some samples of the machine and of the workers.
#[derive(Debug, Default)]
pub struct SampleThinning {
    machine: Thinning,
    workers: Thinning,
}

impl SampleThinning {
    /// Whether the next event, of this kind, is kept.
    pub fn keeps(&mut self, kind: &EventKind) -> bool {
        match kind {
            EventKind::Sample(SampleEvent::Machine(_)) => self.machine.keeps_next(),
            EventKind::Sample(SampleEvent::Workers(_)) => self.workers.keeps_next(),
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Outcome, Output, TaskId, WorkerId};

    fn record(head: usize, tail: usize) -> AttemptRecord {
        let bytes = |length: usize, of: u8| (0..length).map(|place| of + (place % 20) as u8).collect::<Vec<u8>>();
        let stdout =
            Captured { head: bytes(head, b'a'), tail: bytes(tail, b'A'), dropped_bytes: 5, spill: Spill::Kept };
        AttemptRecord {
            output: Some(Box::new(Output { stdout, ..Output::default() })),
            ..AttemptRecord::new(TaskId(0), 1, WorkerId(1), Outcome::Done)
        }
    }

    #[test]
    fn long_outputs_keep_head_and_tail_and_count_the_rest() {
        let limit = MAX_OUTPUT_BYTES_PER_STREAM;
        for (head, tail) in
            [(0, 0), (10, 0), (limit, 0), (limit + 1, 0), (9 * limit, 0), (limit, limit), (10, 2 * limit)]
        {
            let whole = record(head, tail);
            let kept = OutputRoom::default().fit(&whole).expect("printed").stdout;
            let whole = &whole.output.as_ref().expect("printed").stdout;
            assert!(kept.head.len() + kept.tail.len() <= limit, "{head}, {tail}");
            let all = [whole.head.clone(), whole.tail.clone()].concat();
            assert!(all.starts_with(kept.head) && all.ends_with(kept.tail), "{head}, {tail}");
            let kept_bytes = (kept.head.len() + kept.tail.len()) as u64;
            assert_eq!(kept_bytes + kept.dropped_bytes, all.len() as u64 + 5, "{head}, {tail}");
            assert_eq!(kept.fault, None);
        }
    }

    #[test]
    fn where_no_room_is_left_the_length_is_kept() {
        let mut room = OutputRoom(100);
        let long = record(70, 0);
        let first = room.fit(&long).expect("printed").stdout;
        assert_eq!((first.head.len(), first.dropped_bytes), (70, 5));
        let second = room.fit(&long).expect("printed").stdout;
        assert_eq!((second.head.len() + second.tail.len(), second.dropped_bytes), (30, 45));
        let third = room.fit(&long).expect("printed").stdout;
        assert_eq!((third.head.len() + third.tail.len(), third.dropped_bytes), (0, 75));
    }

    #[test]
    fn a_run_of_weeks_has_some_thousands_of_samples() {
        let mut thinning = Thinning::default();
        let kept = (0..10_000_000).filter(|_| thinning.keeps_next()).count() as u64;
        assert!(kept > SAMPLES_PER_STRIDE && kept < 16 * SAMPLES_PER_STRIDE, "{kept}");
        let mut first = Thinning::default();
        assert!((0..SAMPLES_PER_STRIDE).all(|_| first.keeps_next()));
    }
}
