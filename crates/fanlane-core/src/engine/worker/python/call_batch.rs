//! Calls as they are sent to an interpreter.

use std::io::Write;
use std::time::Duration;

use crate::event::TaskId;

/// About the maximum size of the calls of a batch.
const MAX_BATCH_BYTES: usize = 64 << 10;
/// How long a batch of calls is meant to take.
const BATCH_TIME: Duration = Duration::from_millis(4);
/// Maximum number of calls in a batch: the most that a worker is given ahead.
const MAX_CALLS: u32 = 2048;

/// A call as it is sent.
pub struct Call<'a> {
    /// The task.
    pub task: TaskId,
    /// From 1.
    pub attempt: u32,
    /// The arguments, as JSON: a list, or a single value alone.
    pub arguments: &'a [u8],
}

/// Calls that are sent together.
///
/// Their numbers, their attempts and their arguments come apart, so that the interpreter has no list to make for each call.
#[derive(Default)]
pub struct CallBatch {
    tasks: Vec<u64>,
    attempts: Vec<u32>,
    /// The arguments, one behind the other, and where each ends.
    arguments: Vec<u8>,
    ends: Vec<usize>,
    /// There is one without a single value.
    has_lists: bool,
}

impl CallBatch {
    /// Adds a call.
    pub fn push(&mut self, call: &Call<'_>) {
        self.tasks.push(call.task.number());
        self.attempts.push(call.attempt);
        self.has_lists |= call.arguments.starts_with(b"[");
        self.arguments.extend_from_slice(call.arguments);
        self.ends.push(self.arguments.len());
    }

    /// It is long enough.
    pub const fn is_full(&self) -> bool {
        self.arguments.len() >= MAX_BATCH_BYTES
    }

    /// The message, and the number of calls: four bytes for the length, and a JSON array of the numbers, the attempts, whether
    /// the arguments of each are a list, and these. Numbers that follow each other are the first of them alone, and attempts
    /// that are the same are one.
    pub fn finish(self) -> (Vec<u8>, u32) {
        let Self { tasks, attempts, arguments, ends, has_lists } = self;
        let mut text = Vec::with_capacity(arguments.len() + 3 * ends.len() + 64);
        text.extend_from_slice(b"\0\0\0\0[");
        let first = tasks.first().copied().unwrap_or_default();
        numbers_into(&tasks, (first..).zip(&tasks).all(|(number, task)| number == *task), &mut text);
        text.push(b',');
        numbers_into(&attempts, attempts.iter().all(|attempt| *attempt == attempts[0]), &mut text);
        text.extend_from_slice(if has_lists { b",true,[" } else { b",false,[" });
        let mut start = 0;
        for end in &ends {
            let one = &arguments[start..*end];
            let is_to_wrap = has_lists && !one.starts_with(b"[");
            text.extend_from_slice(if start > 0 { b"," } else { b"" });
            text.extend_from_slice(if is_to_wrap { b"[" } else { b"" });
            text.extend_from_slice(one);
            text.extend_from_slice(if is_to_wrap { b"]" } else { b"" });
            start = *end;
        }
        text.extend_from_slice(b"]]");
        let length = (text.len() - 4) as u32;
        text[..4].copy_from_slice(&length.to_le_bytes());
        (text, ends.len() as u32)
    }
}

/// Appends numbers as JSON: the first of them alone where the others follow from it.
fn numbers_into(numbers: &[impl std::fmt::Display], follow: bool, out: &mut Vec<u8>) {
    let Some((first, others)) = numbers.split_first() else { return };
    let _ = write!(out, "{}{first}", if follow { "" } else { "[" });
    if !follow {
        for other in others {
            let _ = write!(out, ",{other}");
        }
        out.push(b']');
    }
}

/// The number of calls in the next batch.
#[derive(Debug)]
pub struct BatchSize(u32);

impl Default for BatchSize {
    fn default() -> Self {
        Self(1)
    }
}

impl BatchSize {
    /// The number of calls.
    pub const fn calls(&self) -> u32 {
        self.0
    }

    /// Adapts it to the mean time of a call in the last batch. What prints goes alone, so that it is known which call has
    /// printed what.
    pub fn adapt(&mut self, mean_ns: u64, has_printed: bool) {
        let fitting = BATCH_TIME.as_nanos() as u64 / mean_ns.max(1);
        let most = u32::try_from(fitting).unwrap_or(u32::MAX).clamp(1, MAX_CALLS);
        self.0 = if has_printed { 1 } else { self.0.saturating_mul(4).min(most) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_from_the_first_call_is_said_once() {
        let message = |calls: &[(u64, u32, &str)]| {
            let mut batch = CallBatch::default();
            for (task, attempt, arguments) in calls {
                batch.push(&Call { task: TaskId(*task), attempt: *attempt, arguments: arguments.as_bytes() });
            }
            String::from_utf8(batch.finish().0.split_off(4)).expect("JSON is text")
        };
        assert_eq!(message(&[(6, 1, "3"), (7, 1, "\"a\"")]), r#"[7,1,false,[3,"a"]]"#);
        assert_eq!(message(&[(6, 1, "3"), (9, 2, "[]")]), "[[7,10],[1,2],true,[[3],[]]]");
        assert_eq!(message(&[(6, 2, "[1,2]")]), "[7,2,true,[[1,2]]]");
    }

    #[test]
    fn batches_grow_while_calls_are_short_and_print_nothing() {
        let mut size = BatchSize::default();
        let mut after = |mean_ns, has_printed| {
            size.adapt(mean_ns, has_printed);
            size.calls()
        };
        assert_eq!([after(1_000, false), after(1_000, false), after(1_000, true)], [4, 16, 1]);
        assert_eq!([after(1_000, false), after(2_000_000, false), after(9_000_000, false)], [4, 2, 1]);
        assert_eq!((0..9).map(|_| after(0, false)).last(), Some(MAX_CALLS));
    }
}
