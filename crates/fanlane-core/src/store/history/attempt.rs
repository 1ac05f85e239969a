//! The end of an attempt as an entry of a block. There may be a million of them, each with an output: numbers are stored as
//! the difference to those of the entry before, and bytes as they are, so that an entry takes little more than what it
//! holds and is read without copying.

use std::borrow::Cow;

use bstr::BStr;

use super::encoding::{
    ATTEMPT, push_bytes, push_number, push_signed, take, take_byte, take_bytes, take_number, take_signed,
};
use super::limits::{KeptOutput, KeptStream};
use crate::event::{AttemptRecord, CallValue, Captured, Outcome, Output, Spill, TaskId, WorkerId};
use crate::job::lossless::Bytes;
use crate::store::record::TaskWords;

/// The description of a task in a block.
pub(super) struct Words<'a> {
    /// The task's number in the whole batch, as shown to users.
    pub number: u64,
    /// Its values and its command; `None` where both follow from the job.
    pub texts: Option<(&'a [Cow<'a, BStr>], &'a [u8])>,
}

/// The numbers of the entry before, which the next one is stored relative to. Each block begins anew.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Before {
    at_ns: u64,
    task: u64,
    end_ns: u64,
    worker: u32,
}

// The first byte of an entry, after its kind: what it has.
const RETRIED: u8 = 1;
const MEMORY_KILL: u8 = 1 << 1;
const NOT_DONE: u8 = 1 << 2;
const OUTPUT: u8 = 1 << 3;
const LEAKY: u8 = 1 << 4;
const NUMBER: u8 = 1 << 5;
const TEXTS: u8 = 1 << 6;
/// Another attempt than the first, another worker or another time than the entry before.
const OTHER: u8 = 1 << 7;

/// Appends an attempt; `retried`: another follows it.
pub(super) fn push_attempt(
    block: &mut Vec<u8>,
    before: &mut Before,
    (at_ns, retried): (u64, bool),
    record: &AttemptRecord,
    output: Option<&KeptOutput<'_>>,
    words: &Words<'_>,
) {
    // Without `..`: a new field needs a decision here how it is stored.
    let AttemptRecord {
        task,
        attempt,
        worker,
        start_ns,
        wall_ns,
        cpu_ns,
        max_rss_bytes,
        memory_kill,
        outcome,
        value,
        output: _,
    } = record;
    let is_other = *attempt != 1 || worker.0 != before.worker || at_ns != before.at_ns;
    let has_number = words.number != task.0.wrapping_add(1);
    let flag = |is_set: bool, flag: u8| if is_set { flag } else { 0 };
    block.extend_from_slice(&[
        ATTEMPT,
        flag(retried, RETRIED)
            | flag(*memory_kill, MEMORY_KILL)
            | flag(*outcome != Outcome::Done, NOT_DONE)
            | flag(output.is_some(), OUTPUT)
            | flag(output.is_some_and(|output| output.leaky), LEAKY)
            | flag(has_number, NUMBER)
            | flag(words.texts.is_some(), TEXTS)
            | flag(is_other, OTHER),
    ]);
    if is_other {
        push_signed(block, at_ns.wrapping_sub(before.at_ns).cast_signed());
        push_number(block, u64::from(worker.0));
        push_number(block, u64::from(*attempt));
    }
    push_signed(block, task.0.wrapping_sub(before.task).cast_signed());
    if has_number {
        push_number(block, words.number);
    }
    push_signed(block, start_ns.wrapping_sub(before.end_ns).cast_signed());
    push_number(block, *wall_ns);
    push_signed(block, wall_ns.wrapping_sub(*cpu_ns).cast_signed());
    push_number(block, *max_rss_bytes);
    if *outcome != Outcome::Done {
        push_bytes(block, &serde_json::to_vec(outcome).unwrap_or_default());
    }
    push_value(block, value.as_ref());
    if let Some((input, command)) = words.texts {
        push_number(block, input.len() as u64);
        input.iter().for_each(|value| push_bytes(block, value));
        push_bytes(block, command);
    }
    if let Some(output) = output {
        push_stream(block, &output.stdout);
        push_stream(block, &output.stderr);
    }
    // A task is usually the one after the task before, in the same worker, and begins when that one ended.
    *before = Before { at_ns, task: task.0.wrapping_add(1), end_ns: start_ns.wrapping_add(*wall_ns), worker: worker.0 };
}

fn push_value(block: &mut Vec<u8>, value: Option<&CallValue>) {
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
        Some(CallValue::Object { repr, json }) => {
            block.push(5);
            push_bytes(block, repr.as_bytes());
            push_bytes(block, json.as_deref().unwrap_or_default().as_bytes());
        }
    }
}

fn push_stream(block: &mut Vec<u8>, stream: &KeptStream<'_>) {
    push_bytes(block, stream.head);
    push_number(block, stream.dropped_bytes);
    push_bytes(block, stream.tail);
    match stream.fault {
        None => push_number(block, 0),
        Some(why) => {
            push_number(block, why.len() as u64 + 1);
            block.extend_from_slice(why.as_bytes());
        }
    }
}

/// An attempt in a block.
#[derive(Debug)]
pub(super) struct Attempt<'a> {
    pub at_ns: u64,
    /// Another attempt followed it.
    pub retried: bool,
    /// Everything but the value and the output.
    pub record: AttemptRecord,
    /// The task's number in the whole batch.
    pub number: u64,
    pub value: Value<'a>,
    pub texts: Option<Texts<'a>>,
    pub output: Option<AttemptOutput<'a>>,
}

/// What a call returned.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'a> {
    None,
    Int(i64),
    Float(f64),
    Text(&'a str),
    Bytes(&'a [u8]),
    /// A repr, and JSON or nothing.
    Object(&'a str, &'a str),
}

/// The values and the command of a task.
#[derive(Clone, Copy, Debug)]
pub(super) struct Texts<'a> {
    count: u64,
    input: &'a [u8],
    command: &'a [u8],
}

/// What an attempt printed.
#[derive(Debug)]
pub(super) struct AttemptOutput<'a> {
    pub stdout: KeptStream<'a>,
    pub stderr: KeptStream<'a>,
    leaky: bool,
}

impl<'a> Attempt<'a> {
    /// Reads what [`push_attempt`] has written, after its first byte; `None` if it is damaged.
    pub(super) fn take(rest: &mut &'a [u8], before: &mut Before) -> Option<Self> {
        let flags = take_byte(rest)?;
        let has = |flag: u8| flags & flag != 0;
        let mut attempt = 1;
        if has(OTHER) {
            before.at_ns = before.at_ns.wrapping_add(take_signed(rest)?.cast_unsigned());
            before.worker = u32::try_from(take_number(rest)?).ok()?;
            attempt = u32::try_from(take_number(rest)?).ok()?;
        }
        let task = before.task.wrapping_add(take_signed(rest)?.cast_unsigned());
        let number = if has(NUMBER) { take_number(rest)? } else { task.checked_add(1)? };
        let start_ns = before.end_ns.wrapping_add(take_signed(rest)?.cast_unsigned());
        let wall_ns = take_number(rest)?;
        let cpu_ns = wall_ns.wrapping_sub(take_signed(rest)?.cast_unsigned());
        let max_rss_bytes = take_number(rest)?;
        let outcome = if has(NOT_DONE) { serde_json::from_slice(take_bytes(rest)?).ok()? } else { Outcome::Done };
        let value = Value::take(rest)?;
        let texts = if has(TEXTS) { Some(Texts::take(rest)?) } else { None };
        let output = if has(OUTPUT) {
            Some(AttemptOutput { stdout: take_stream(rest)?, stderr: take_stream(rest)?, leaky: has(LEAKY) })
        } else {
            None
        };
        before.task = task.checked_add(1)?;
        before.end_ns = start_ns.wrapping_add(wall_ns);
        let bare = AttemptRecord::new(TaskId(task), attempt, WorkerId(before.worker), outcome);
        let record = AttemptRecord { start_ns, wall_ns, cpu_ns, max_rss_bytes, memory_kill: has(MEMORY_KILL), ..bare };
        Some(Self { at_ns: before.at_ns, retried: has(RETRIED), record, number, value, texts, output })
    }

    /// Reads an entry of version 1, after its first byte: an attempt that was done and printed nothing.
    pub(super) fn take_done(rest: &mut &'a [u8]) -> Option<Self> {
        let mut next = || take_number(rest);
        let (at_ns, task, number) = (next()?, next()?, next()?);
        let (attempt, worker) = (u32::try_from(next()?).ok()?, u32::try_from(next()?).ok()?);
        let (start_ns, wall_ns, cpu_ns, max_rss_bytes) = (next()?, next()?, next()?, next()?);
        task.checked_add(1)?;
        let bare = AttemptRecord::new(TaskId(task), attempt, WorkerId(worker), Outcome::Done);
        Some(Self {
            at_ns,
            retried: false,
            record: AttemptRecord { start_ns, wall_ns, cpu_ns, max_rss_bytes, ..bare },
            number,
            value: Value::take(rest)?,
            texts: Some(Texts::take(rest)?),
            output: None,
        })
    }

    /// Its task's description, if it is stored with it.
    pub(super) fn words(&self) -> TaskWords {
        let task = self.record.task.number();
        let number = Some(self.number).filter(|number| *number != task);
        let texts = self.texts.as_ref();
        TaskWords {
            task,
            number,
            input: texts.map(Texts::input).unwrap_or_default(),
            command: texts.map_or_else(Bytes::default, |texts| Bytes(texts.command.to_vec())),
            results: None,
        }
    }

    /// The attempt as it was recorded.
    pub(super) fn into_record(self) -> AttemptRecord {
        let output = self.output.map(|output| {
            let [stdout, stderr] = [&output.stdout, &output.stderr].map(KeptStream::captured);
            Box::new(Output { stdout, stderr, leaky: output.leaky })
        });
        AttemptRecord { value: self.value.owned(), output, ..self.record }
    }
}

impl<'a> Value<'a> {
    fn take(rest: &mut &'a [u8]) -> Option<Self> {
        Some(match take_byte(rest)? {
            0 => Self::None,
            1 => Self::Int(i64::from_le_bytes(take(rest, 8)?.try_into().ok()?)),
            2 => Self::Float(f64::from_bits(u64::from_le_bytes(take(rest, 8)?.try_into().ok()?))),
            3 => Self::Text(str::from_utf8(take_bytes(rest)?).ok()?),
            4 => Self::Bytes(take_bytes(rest)?),
            5 => {
                let repr = str::from_utf8(take_bytes(rest)?).ok()?;
                Self::Object(repr, str::from_utf8(take_bytes(rest)?).ok()?)
            }
            _ => return None,
        })
    }

    fn owned(self) -> Option<CallValue> {
        match self {
            Self::None => None,
            Self::Int(int) => Some(CallValue::Int(int)),
            Self::Float(float) => Some(CallValue::Float(float)),
            Self::Text(text) => Some(CallValue::Text(text.into())),
            Self::Bytes(bytes) => Some(CallValue::Bytes(bytes.into())),
            Self::Object(repr, json) => {
                let json = (!json.is_empty()).then(|| json.into());
                Some(CallValue::Object { repr: repr.into(), json })
            }
        }
    }
}

impl<'a> Texts<'a> {
    fn take(rest: &mut &'a [u8]) -> Option<Self> {
        let count = take_number(rest)?;
        let input = *rest;
        for _ in 0..count {
            take_bytes(rest)?;
        }
        Some(Self { count, input, command: take_bytes(rest)? })
    }

    fn input(&self) -> Vec<Bytes> {
        let mut rest = self.input;
        (0..self.count).map_while(|_| Some(Bytes(take_bytes(&mut rest)?.to_vec()))).collect()
    }
}

fn take_stream<'a>(rest: &mut &'a [u8]) -> Option<KeptStream<'a>> {
    let (head, dropped_bytes, tail) = (take_bytes(rest)?, take_number(rest)?, take_bytes(rest)?);
    let fault = match take_number(rest)? {
        0 => None,
        length => Some(str::from_utf8(take(rest, usize::try_from(length - 1).ok()?)?).ok()?),
    };
    Some(KeptStream { head, dropped_bytes, tail, fault })
}

impl KeptStream<'_> {
    fn captured(&self) -> Captured {
        Captured {
            head: self.head.to_vec(),
            dropped_bytes: self.dropped_bytes,
            tail: self.tail.to_vec(),
            spill: self.fault.map_or(Spill::None, |why| Spill::Failed(why.into())),
        }
    }
}
