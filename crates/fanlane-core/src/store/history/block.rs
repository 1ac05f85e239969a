//! A block: the events of a part of a run, as bytes. The ends of attempts, of which there may be a hundred thousand a
//! second, are [entries of their own](super::attempt), and so are tasks that never began; everything else is a line of a
//! [record](crate::store::record), which other builds can read even if they do not know all of it.
//!
//! The checksum of a block is stored beside it, so that damage is detected and never shown as results.

use std::io;

use super::attempt::{Attempt, Before};
use super::encoding::{ATTEMPT, DONE, LINE, NEVER_BEGUN, push_bytes, take_byte, take_bytes};
use super::never_begun::NeverBegun;
use crate::event::{AttemptRecord, Event, EventKind, TaskEvent};
use crate::store::record::{self, RecordLine, TaskWords};

/// Appends an event as a line of a record.
pub(super) fn push_event(block: &mut Vec<u8>, event: &Event) -> io::Result<()> {
    let mut line = Vec::new();
    record::write_event(&mut line, event)?;
    block.push(LINE);
    push_bytes(block, &line);
    Ok(())
}

/// A checksum that detects each change of a single bit and nearly every other change.
pub(super) fn checksum(bytes: &[u8]) -> i64 {
    const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut sum = bytes.len() as u64;
    let mut words = bytes.chunks_exact(8);
    for word in &mut words {
        let word = u64::from_le_bytes(word.try_into().expect("eight bytes"));
        sum = (sum ^ word).wrapping_mul(STEP).rotate_left(29);
    }
    for byte in words.remainder() {
        sum = (sum ^ u64::from(*byte)).wrapping_mul(STEP).rotate_left(29);
    }
    sum.cast_signed()
}

/// An entry of a block.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly all are attempts, and there is one at a time")]
pub(super) enum Entry<'a> {
    /// A line of a record.
    Line(&'a [u8]),
    /// The end of an attempt.
    Attempt(Attempt<'a>),
    /// Tasks that were cancelled before they had begun.
    NeverBegun(NeverBegun),
}

/// The entries of a block, in their order; the last one is `None` if the block is damaged.
pub(super) struct Entries<'a> {
    rest: &'a [u8],
    before: Before,
}

impl<'a> Entries<'a> {
    pub(super) fn of(block: &'a [u8]) -> Self {
        Self { rest: block, before: Before::default() }
    }

    fn take(&mut self) -> Option<Entry<'a>> {
        let rest = &mut self.rest;
        Some(match take_byte(rest)? {
            LINE => Entry::Line(take_bytes(rest)?),
            ATTEMPT => Entry::Attempt(Attempt::take(rest, &mut self.before)?),
            NEVER_BEGUN => Entry::NeverBegun(NeverBegun::take(rest)?),
            DONE => Entry::Attempt(Attempt::take_done(rest)?),
            _ => return None,
        })
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Option<Entry<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let entry = self.take();
        if entry.is_none() {
            self.rest = &[];
        }
        Some(entry)
    }
}

/// The content of a block as lines of a record; `None` if it is damaged. Lines that this build does not know are
/// skipped. `describe` adds the values and the command of tasks that are stored without them.
pub(super) fn read(block: &[u8], mut describe: impl FnMut(&mut TaskWords)) -> Option<Vec<RecordLine>> {
    let mut lines = Vec::new();
    let mut ended = Ended::default();
    for entry in Entries::of(block) {
        match entry? {
            Entry::Attempt(attempt) => {
                let mut words = attempt.words();
                if attempt.texts.is_none() {
                    describe(&mut words);
                }
                ended.add(attempt, words, &mut lines);
            }
            Entry::Line(line) => {
                ended.close(&mut lines);
                lines.extend(record::parse_line(line));
            }
            Entry::NeverBegun(tasks) => {
                ended.close(&mut lines);
                lines.extend(tasks.lines());
            }
        }
    }
    ended.close(&mut lines);
    Some(lines)
}

/// Attempts that ended at the same time: one event.
#[derive(Default)]
struct Ended {
    at_ns: u64,
    words: Vec<TaskWords>,
    records: Vec<AttemptRecord>,
}

impl Ended {
    fn add(&mut self, attempt: Attempt<'_>, words: TaskWords, lines: &mut Vec<RecordLine>) {
        let (at_ns, retried) = (attempt.at_ns, attempt.retried);
        if at_ns != self.at_ns || retried {
            self.close(lines);
        }
        if retried {
            let kind = EventKind::Task(TaskEvent::Retried(attempt.into_record()));
            lines.extend([RecordLine::Tasks(vec![words]), RecordLine::Event(Event { at_ns, kind })]);
            return;
        }
        self.at_ns = at_ns;
        self.words.push(words);
        self.records.push(attempt.into_record());
    }

    fn close(&mut self, lines: &mut Vec<RecordLine>) {
        if !self.records.is_empty() {
            lines.push(RecordLine::Tasks(std::mem::take(&mut self.words)));
            let kind = EventKind::Task(TaskEvent::Finished(std::mem::take(&mut self.records)));
            lines.push(RecordLine::Event(Event { at_ns: self.at_ns, kind }));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use bstr::BStr;

    use super::super::attempt::{Words, push_attempt};
    use super::super::limits::OutputRoom;
    use super::*;
    use crate::event::{CallValue, Captured, DispatchEvent, Outcome, Output, Spill, TaskId, WorkerId};
    use crate::job::lossless::Bytes;

    fn record(task: u64, value: Option<CallValue>) -> AttemptRecord {
        AttemptRecord {
            start_ns: u64::MAX,
            wall_ns: 127,
            cpu_ns: 128,
            max_rss_bytes: 1 << 40,
            value,
            ..AttemptRecord::new(TaskId(task), 2, WorkerId(300), Outcome::Done)
        }
    }

    /// Attempts of all kinds with the lines that they are read as.
    fn sample() -> (Vec<u8>, Vec<RecordLine>) {
        let mut block = Vec::new();
        let mut before = Before::default();
        let values = [
            None,
            Some(CallValue::Int(-5)),
            Some(CallValue::Float(f64::INFINITY)),
            Some(CallValue::Text("ä".into())),
            Some(CallValue::Bytes([0, 255].into())),
            Some(CallValue::Object { repr: "(1,)".into(), json: Some("[1]".into()) }),
            Some(CallValue::Object { repr: "<x>".into(), json: None }),
        ];
        let input = [Cow::Borrowed(BStr::new(b"\xff")), Cow::Borrowed(BStr::new("b"))];
        let texts: (&[_], &[u8]) = (&input, b"echo");
        let told = |task: u64, number| TaskWords {
            task: task + 1,
            number,
            input: vec![Bytes(b"\xff".to_vec()), Bytes(b"b".to_vec())],
            command: Bytes(b"echo".to_vec()),
            results: None,
        };
        let (mut tasks, mut records) = (Vec::new(), Vec::new());
        for (place, value) in (0..).zip(values) {
            let record = record(place, value);
            let words = Words { number: 41, texts: Some(texts) };
            push_attempt(&mut block, &mut before, (7, false), &record, None, &words);
            tasks.push(told(place, Some(41)));
            records.push(record);
        }
        let paused = Event { at_ns: 9, kind: EventKind::Dispatch(DispatchEvent::Paused) };
        push_event(&mut block, &paused).expect("written");
        let captured = |head: &[u8], tail: &[u8], spill| Captured {
            head: head.to_vec(),
            dropped_bytes: 3,
            tail: tail.to_vec(),
            spill,
        };
        let output = Output {
            stdout: captured(b"\x00\xff\x1b\n", b"end", Spill::None),
            stderr: captured(b"", b"\r", Spill::Failed("no room".into())),
            leaky: true,
        };
        let failed = AttemptRecord {
            outcome: Outcome::Exited { code: 3 },
            memory_kill: true,
            output: Some(Box::new(output)),
            ..record(9, None)
        };
        for retried in [true, false] {
            let kept = OutputRoom::default().fit(&failed);
            let words = Words { number: 10, texts: Some(texts) };
            push_attempt(&mut block, &mut before, (10, retried), &failed, kept.as_ref(), &words);
        }
        let short = record(2, Some(CallValue::Int(8)));
        push_attempt(&mut block, &mut before, (3, false), &short, None, &Words { number: 3, texts: None });
        let ended = |records| EventKind::Task(TaskEvent::Finished(records));
        let lines = vec![
            RecordLine::Tasks(tasks),
            RecordLine::Event(Event { at_ns: 7, kind: ended(records) }),
            RecordLine::Event(paused),
            RecordLine::Tasks(vec![told(9, None)]),
            RecordLine::Event(Event { at_ns: 10, kind: EventKind::Task(TaskEvent::Retried(failed.clone())) }),
            RecordLine::Tasks(vec![told(9, None)]),
            RecordLine::Event(Event { at_ns: 10, kind: ended(vec![failed]) }),
            RecordLine::Tasks(vec![told(2, None)]),
            RecordLine::Event(Event { at_ns: 3, kind: ended(vec![short]) }),
        ];
        (block, lines)
    }

    fn describe(words: &mut TaskWords) {
        words.input = vec![Bytes(b"\xff".to_vec()), Bytes(b"b".to_vec())];
        words.command = Bytes(b"echo".to_vec());
    }

    #[test]
    fn what_was_written_is_read() {
        let (block, lines) = sample();
        assert_eq!(read(&block, describe), Some(lines));
        assert_eq!(read(b"", describe), Some(Vec::new()));
    }

    #[test]
    fn wherever_a_block_is_cut_or_changed_nothing_breaks_and_the_checksum_tells() {
        let (block, _) = sample();
        let sum = checksum(&block);
        for cut in 0..block.len() {
            let _ = read(&block[..cut], describe);
            assert_ne!(checksum(&block[..cut]), sum, "cut at {cut}");
            for bit in 0..8 {
                let mut damaged = block.clone();
                damaged[cut] ^= 1 << bit;
                let _ = read(&damaged, describe);
                assert_ne!(checksum(&damaged), sum, "bit {bit} of byte {cut}");
            }
        }
    }
}
