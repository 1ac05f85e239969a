//! The newest attempts that ended without success, with the ends of their outputs, in bounded memory: for a view that keeps
//! no other records.

use std::collections::VecDeque;

use crate::event::{AttemptRecord, Captured, Event, EventKind, OutcomeClass, Output, TaskEvent};

/// Maximum number of failures that are kept.
pub const MAX_FAILURES: usize = 256;
/// Maximum size of the end of a stream that is kept, in bytes.
pub const MAX_TAIL_BYTES: usize = 16 << 10;

/// The newest failures of a run. Cancelled tasks, and attempts that were followed by another, are none.
#[derive(Clone, Debug, Default)]
pub struct Failures {
    newest: VecDeque<AttemptRecord>,
    total: u64,
}

impl Failures {
    /// Takes in one event.
    pub fn apply(&mut self, event: &Event) {
        let EventKind::Task(TaskEvent::Finished(records)) = &event.kind else { return };
        for record in records.iter().filter(|record| is_failure(record)) {
            self.total += 1;
            self.newest.push_front(with_tails(record));
            self.newest.truncate(MAX_FAILURES);
        }
    }

    /// Those that are kept, the newest first.
    pub fn newest(&self) -> &VecDeque<AttemptRecord> {
        &self.newest
    }

    /// Number of all failures.
    pub const fn total(&self) -> u64 {
        self.total
    }
}

/// Whether an attempt neither succeeded nor was cancelled.
pub fn is_failure(record: &AttemptRecord) -> bool {
    !matches!(record.outcome.class(), OutcomeClass::Done | OutcomeClass::Cancelled)
}

/// A copy of a record with no more of its output than the end of each stream.
pub fn with_tails(record: &AttemptRecord) -> AttemptRecord {
    let output = record.output.as_deref().map(|output| {
        Box::new(Output { stdout: tail(&output.stdout), stderr: tail(&output.stderr), leaky: output.leaky })
    });
    AttemptRecord { value: record.value.clone(), output, ..record.without_results() }
}

fn tail(stream: &Captured) -> Captured {
    let Captured { head, dropped_bytes, tail, spill } = stream;
    if head.len() + tail.len() <= MAX_TAIL_BYTES {
        return stream.clone();
    }
    // Before a gap nothing belongs to the end.
    let from_head = if *dropped_bytes > 0 { 0 } else { MAX_TAIL_BYTES.saturating_sub(tail.len()) };
    let kept = [end(head, from_head), end(tail, MAX_TAIL_BYTES)].concat();
    let dropped_bytes = dropped_bytes + (head.len() + tail.len() - kept.len()) as u64;
    Captured { head: Vec::new(), dropped_bytes, tail: kept, spill: spill.clone() }
}

fn end(bytes: &[u8], length: usize) -> &[u8] {
    &bytes[bytes.len().saturating_sub(length)..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Outcome, TaskId, WorkerId};

    fn finished(records: Vec<AttemptRecord>) -> Event {
        Event { at_ns: 0, kind: EventKind::Task(TaskEvent::Finished(records)) }
    }

    fn record(task: u64, outcome: Outcome) -> AttemptRecord {
        AttemptRecord::new(TaskId(task), 1, WorkerId(1), outcome)
    }

    #[test]
    fn failures_are_kept_newest_first_and_no_more_than_the_limit() {
        let mut failures = Failures::default();
        for task in 0..1000 {
            failures.apply(&finished(vec![
                record(3 * task, Outcome::Exited { code: 1 }),
                record(3 * task + 1, Outcome::Done),
                record(3 * task + 2, Outcome::Cancelled),
            ]));
        }
        assert_eq!((failures.total(), failures.newest().len()), (1000, MAX_FAILURES));
        assert_eq!(failures.newest()[0].task, TaskId(3 * 999));
    }

    #[test]
    fn of_a_long_output_the_end_is_kept_and_the_rest_is_counted() {
        let long = |head: usize, dropped_bytes, tail: usize| Captured {
            head: vec![b'h'; head],
            dropped_bytes,
            tail: vec![b't'; tail],
            ..Captured::default()
        };
        let half = MAX_TAIL_BYTES / 2;
        for (captured, head, dropped, tail) in [
            (long(10, 0, 0), 10, 0, 0),
            (long(MAX_TAIL_BYTES + 5, 0, 0), 0, 5, MAX_TAIL_BYTES),
            (long(half, 7, MAX_TAIL_BYTES), 0, 7 + half as u64, MAX_TAIL_BYTES),
            (long(MAX_TAIL_BYTES, 7, MAX_TAIL_BYTES + 9), 0, 7 + MAX_TAIL_BYTES as u64 + 9, MAX_TAIL_BYTES),
        ] {
            let all = captured.head.len() as u64 + captured.dropped_bytes + captured.tail.len() as u64;
            let output = Output { stdout: captured, ..Output::default() };
            let kept = with_tails(&AttemptRecord { output: Some(output.into()), ..record(0, Outcome::Done) });
            let stdout = kept.output.expect("it is kept").stdout;
            assert_eq!((stdout.head.len(), stdout.dropped_bytes, stdout.tail.len()), (head, dropped, tail));
            assert_eq!(stdout.head.len() as u64 + stdout.dropped_bytes + stdout.tail.len() as u64, all);
        }
    }
}
