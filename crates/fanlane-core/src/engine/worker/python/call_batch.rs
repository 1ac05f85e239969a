//! Calls as they are sent to an interpreter.

use std::io::Write;
use std::time::Duration;

use crate::event::TaskId;

/// About the maximum size of the calls of a batch.
const MAX_BATCH_BYTES: usize = 64 << 10;
/// How long a batch of calls is meant to take.
const BATCH_TIME: Duration = Duration::from_millis(4);
/// Maximum number of calls in a batch.
const MAX_CALLS: u32 = 1024;

/// A call as it is sent.
pub struct Call<'a> {
    /// The task.
    pub task: TaskId,
    /// From 1.
    pub attempt: u32,
    /// The arguments, as JSON.
    pub arguments: &'a [u8],
}

/// Calls that are sent together.
pub struct CallBatch {
    /// Four bytes for the length, and a JSON array without its end.
    text: Vec<u8>,
    count: u32,
}

impl Default for CallBatch {
    fn default() -> Self {
        Self { text: b"\0\0\0\0[".to_vec(), count: 0 }
    }
}

impl CallBatch {
    /// Adds a call.
    pub fn push(&mut self, call: &Call<'_>) {
        let separator: &[u8] = if self.count > 0 { b",[" } else { b"[" };
        self.text.extend_from_slice(separator);
        // An array of numbers and of JSON is JSON.
        let _ = write!(self.text, "{},{},", call.task.number(), call.attempt);
        self.text.extend_from_slice(call.arguments);
        self.text.push(b']');
        self.count += 1;
    }

    /// It is long enough.
    pub const fn is_full(&self) -> bool {
        self.text.len() >= MAX_BATCH_BYTES
    }

    /// The message, and the number of calls.
    pub fn finish(self) -> (Vec<u8>, u32) {
        let Self { mut text, count } = self;
        text.push(b']');
        let length = (text.len() - 4) as u32;
        text[..4].copy_from_slice(&length.to_le_bytes());
        (text, count)
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
