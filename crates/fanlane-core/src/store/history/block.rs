//! A block: the events of a part of a run, as bytes. Tasks of which there may be a hundred thousand a second (done,
//! without output) are written compactly; everything else is a line of a [record](crate::store::record), which other
//! builds can read even if they do not know all of it. A stop may cancel a million tasks that had not begun: of these
//! only the numbers are written.
//!
//! The checksum of a block is stored beside it, so that damage is detected and never shown as results.

use std::io;

use bstr::BStr;

use super::encoding::{DONE, LINE, NEVER_BEGUN, push_bytes, push_number, take, take_bytes, take_number};
use super::never_begun::NeverBegun;
use crate::event::{AttemptRecord, CallValue, Event, EventKind, Outcome, TaskEvent, TaskId, WorkerId};
use crate::job::lossless::Bytes;
use crate::store::record::{self, RecordLine, TaskWords};

/// The description of a task in a block.
pub(super) struct Words<'a> {
    /// The task's number in the whole batch, as shown to users.
    pub number: u64,
    pub input: &'a [std::borrow::Cow<'a, BStr>],
    pub command: &'a [u8],
}

/// Whether an attempt is written compactly.
pub(super) fn is_compact(record: &AttemptRecord) -> bool {
    record.outcome == Outcome::Done && record.output.is_none() && !record.memory_kill
}

/// Appends one attempt that [`is_compact`].
pub(super) fn push_done(block: &mut Vec<u8>, at_ns: u64, record: &AttemptRecord, words: &Words<'_>) {
    // Without `..`: a new field needs a decision here whether the record is still compact.
    let AttemptRecord {
        task,
        attempt,
        worker,
        start_ns,
        wall_ns,
        cpu_ns,
        max_rss_bytes,
        memory_kill: _,
        outcome: _,
        value,
        output: _,
    } = record;
    block.push(DONE);
    for number in [
        at_ns,
        task.0,
        words.number,
        u64::from(*attempt),
        u64::from(worker.0),
        *start_ns,
        *wall_ns,
        *cpu_ns,
        *max_rss_bytes,
    ] {
        push_number(block, number);
    }
    match value {
        None => block.push(0),
        Some(CallValue::Int(int)) => {
            block.push(1);
            block.extend_from_slice(&int.to_le_bytes());
        }
        Some(CallValue::Float(float)) => {
            block.push(2);
            block.extend_from_slice(&float.to_bits().to_le_bytes());
        }
        Some(CallValue::Text(text)) => {
            block.push(3);
            push_bytes(block, text.as_bytes());
        }
        Some(CallValue::Bytes(bytes)) => {
            block.push(4);
            push_bytes(block, bytes);
        }
    }
    push_number(block, words.input.len() as u64);
    words.input.iter().for_each(|value| push_bytes(block, value));
    push_bytes(block, words.command);
}

/// Appends an event as lines of a record; `words` describe the tasks whose attempts it ends.
pub(super) fn push_event(block: &mut Vec<u8>, event: &Event, words: &[TaskWords]) -> io::Result<()> {
    let mut line = Vec::new();
    if !words.is_empty() {
        record::write_tasks(&mut line, words)?;
        push_line(block, &line);
        line.clear();
    }
    record::write_event(&mut line, event)?;
    push_line(block, &line);
    Ok(())
}

fn push_line(block: &mut Vec<u8>, line: &[u8]) {
    block.push(LINE);
    push_bytes(block, line);
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

/// The content of a block as lines of a record; `None` if it is damaged. Lines that this build does not know are
/// skipped.
pub(super) fn read(block: &[u8]) -> Option<Vec<RecordLine>> {
    let mut rest = block;
    let mut lines = Vec::new();
    let mut done = Done::default();
    while let Some((kind, behind)) = rest.split_first() {
        rest = behind;
        match *kind {
            LINE => {
                done.close(&mut lines);
                lines.extend(record::parse_line(take_bytes(&mut rest)?));
            }
            DONE => done.take(&mut rest, &mut lines)?,
            NEVER_BEGUN => {
                done.close(&mut lines);
                lines.extend(NeverBegun::take(&mut rest)?.lines());
            }
            _ => return None,
        }
    }
    done.close(&mut lines);
    Some(lines)
}

/// Compact attempts of one event.
#[derive(Default)]
struct Done {
    at_ns: u64,
    words: Vec<TaskWords>,
    records: Vec<AttemptRecord>,
}

impl Done {
    fn take(&mut self, rest: &mut &[u8], lines: &mut Vec<RecordLine>) -> Option<()> {
        let at_ns = take_number(rest)?;
        if at_ns != self.at_ns {
            self.close(lines);
        }
        self.at_ns = at_ns;
        let task = TaskId(take_number(rest)?);
        let number = take_number(rest)?;
        let record = AttemptRecord {
            task,
            attempt: u32::try_from(take_number(rest)?).ok()?,
            worker: WorkerId(u32::try_from(take_number(rest)?).ok()?),
            start_ns: take_number(rest)?,
            wall_ns: take_number(rest)?,
            cpu_ns: take_number(rest)?,
            max_rss_bytes: take_number(rest)?,
            memory_kill: false,
            outcome: Outcome::Done,
            value: take_value(rest)?,
            output: None,
        };
        let count = take_number(rest)?;
        let input = (0..count).map(|_| Some(Bytes(take_bytes(rest)?.to_vec()))).collect::<Option<_>>()?;
        let command = Bytes(take_bytes(rest)?.to_vec());
        let number = Some(number).filter(|number| *number != task.0.wrapping_add(1));
        self.words.push(TaskWords { task: task.0.checked_add(1)?, number, input, command, results: None });
        self.records.push(record);
        Some(())
    }

    fn close(&mut self, lines: &mut Vec<RecordLine>) {
        if !self.records.is_empty() {
            lines.push(RecordLine::Tasks(std::mem::take(&mut self.words)));
            let kind = EventKind::Task(TaskEvent::Finished(std::mem::take(&mut self.records)));
            lines.push(RecordLine::Event(Event { at_ns: self.at_ns, kind }));
        }
    }
}

fn take_value(rest: &mut &[u8]) -> Option<Option<CallValue>> {
    let kind = take(rest, 1)?[0];
    Some(Some(match kind {
        0 => return Some(None),
        1 => CallValue::Int(i64::from_le_bytes(take(rest, 8)?.try_into().ok()?)),
        2 => CallValue::Float(f64::from_bits(u64::from_le_bytes(take(rest, 8)?.try_into().ok()?))),
        3 => CallValue::Text(str::from_utf8(take_bytes(rest)?).ok()?.into()),
        4 => CallValue::Bytes(take_bytes(rest)?.into()),
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::event::DispatchEvent;

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

    fn sample() -> (Vec<u8>, Vec<RecordLine>) {
        let mut block = Vec::new();
        let values = [
            None,
            Some(CallValue::Int(-5)),
            Some(CallValue::Float(f64::INFINITY)),
            Some(CallValue::Text("ä".into())),
            Some(CallValue::Bytes([0, 255].into())),
        ];
        let input = [Cow::Borrowed(BStr::new(b"\xff")), Cow::Borrowed(BStr::new("b"))];
        let mut tasks = Vec::new();
        let mut records = Vec::new();
        for (place, value) in values.into_iter().enumerate() {
            let record = record(place as u64, value);
            let words = Words { number: 41, input: &input, command: b"echo" };
            push_done(&mut block, 7, &record, &words);
            tasks.push(TaskWords {
                task: place as u64 + 1,
                number: Some(41),
                input: vec![Bytes(b"\xff".to_vec()), Bytes(b"b".to_vec())],
                command: Bytes(b"echo".to_vec()),
                results: None,
            });
            records.push(record);
        }
        let paused = Event { at_ns: 9, kind: EventKind::Dispatch(DispatchEvent::Paused) };
        push_event(&mut block, &paused, &[]).expect("written");
        let failed = AttemptRecord { outcome: Outcome::Exited { code: 3 }, ..record(9, None) };
        let failed = Event { at_ns: 10, kind: EventKind::Task(TaskEvent::Finished(vec![failed])) };
        let words =
            TaskWords { task: 10, number: None, input: Vec::new(), command: Bytes(b"x".to_vec()), results: None };
        push_event(&mut block, &failed, std::slice::from_ref(&words)).expect("written");
        let done = Event { at_ns: 7, kind: EventKind::Task(TaskEvent::Finished(records)) };
        let lines = vec![
            RecordLine::Tasks(tasks),
            RecordLine::Event(done),
            RecordLine::Event(paused),
            RecordLine::Tasks(vec![words]),
            RecordLine::Event(failed),
        ];
        (block, lines)
    }

    #[test]
    fn what_was_written_is_read() {
        let (block, lines) = sample();
        assert_eq!(read(&block), Some(lines));
        assert_eq!(read(b""), Some(Vec::new()));
    }

    #[test]
    fn wherever_a_block_is_cut_or_changed_nothing_breaks_and_the_checksum_tells() {
        let (block, _) = sample();
        let sum = checksum(&block);
        for cut in 0..block.len() {
            let _ = read(&block[..cut]);
            assert_ne!(checksum(&block[..cut]), sum, "cut at {cut}");
            for bit in 0..8 {
                let mut damaged = block.clone();
                damaged[cut] ^= 1 << bit;
                let _ = read(&damaged);
                assert_ne!(checksum(&damaged), sum, "bit {bit} of byte {cut}");
            }
        }
    }
}
