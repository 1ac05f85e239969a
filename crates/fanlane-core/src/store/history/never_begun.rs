//! Tasks that were cancelled before they had begun, as stored in a block: only their numbers, since a stop may leave a
//! million of them.

use super::encoding::{NEVER_BEGUN, push_number, take_number};
use crate::event::{AttemptRecord, Event, EventKind, Outcome, TaskEvent, TaskId};
use crate::job::lossless::Bytes;
use crate::store::record::{RecordLine, TaskWords};

/// Maximum number of tasks in one entry, so that a damaged number cannot exhaust memory.
const MAX_TASKS: u64 = 4096;

/// Whether a task was cancelled before any attempt of it had begun.
pub(super) fn is_never_begun(record: &AttemptRecord) -> bool {
    record.outcome == Outcome::Cancelled && record.attempt == 0
}

/// Consecutive tasks that never began.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NeverBegun {
    at_ns: u64,
    first: u64,
    number: u64,
    count: u64,
}

impl NeverBegun {
    /// A single task; `number` is its number in the whole batch.
    pub(super) const fn one(at_ns: u64, task: TaskId, number: u64) -> Self {
        Self { at_ns, first: task.0, number, count: 1 }
    }

    /// Adds a task if it is the next one; returns whether it was.
    pub(super) const fn join(&mut self, task: TaskId, number: u64) -> bool {
        let is_next = task.0 == self.first + self.count && number == self.number + self.count;
        let joins = is_next && self.count < MAX_TASKS;
        self.count += joins as u64;
        joins
    }

    /// Appends them to a block.
    pub(super) fn push(&self, block: &mut Vec<u8>) {
        block.push(NEVER_BEGUN);
        for number in [self.at_ns, self.first, self.number, self.count] {
            push_number(block, number);
        }
    }

    /// Reads what [`NeverBegun::push`] has written, after its first byte; `None` if it is damaged.
    pub(super) fn take(rest: &mut &[u8]) -> Option<Self> {
        let mut next = || take_number(rest);
        let found = Self { at_ns: next()?, first: next()?, number: next()?, count: next()? };
        found.first.checked_add(MAX_TASKS)?;
        found.number.checked_add(MAX_TASKS)?;
        (found.count <= MAX_TASKS).then_some(found)
    }

    /// The corresponding lines of a record.
    pub(super) fn lines(&self) -> [RecordLine; 2] {
        let record = |place| AttemptRecord::cancelled_in_queue(TaskId(self.first + place), 0, self.at_ns);
        let (tasks, records) = (0..self.count).map(|place| (self.words(place), record(place))).unzip();
        let kind = EventKind::Task(TaskEvent::Finished(records));
        [RecordLine::Tasks(tasks), RecordLine::Event(Event { at_ns: self.at_ns, kind })]
    }

    fn words(&self, place: u64) -> TaskWords {
        let task = self.first + place + 1;
        let number = Some(self.number + place).filter(|number| *number != task);
        TaskWords { task, number, input: Vec::new(), command: Bytes::default(), results: None }
    }
}

#[cfg(test)]
mod tests {
    use super::super::block;
    use super::*;

    #[test]
    fn tasks_that_never_began_are_few_bytes_and_read_as_what_they_were() {
        let mut block = Vec::new();
        let mut waiting = NeverBegun::one(5, TaskId(7), 8);
        assert!((8..12).all(|task| waiting.join(TaskId(task), task + 1)));
        assert!(!waiting.join(TaskId(13), 14), "not the next");
        assert!(!waiting.join(TaskId(12), 14), "not the next number");
        waiting.push(&mut block);
        NeverBegun::one(6, TaskId(20), 99).push(&mut block);
        assert!(block.len() < 12, "{}", block.len());
        let lines = block::read(&block, |_| ()).expect("whole");
        let mut seen = Vec::new();
        for pair in lines.chunks(2) {
            let [
                RecordLine::Tasks(words),
                RecordLine::Event(Event { at_ns, kind: EventKind::Task(TaskEvent::Finished(records)) }),
            ] = pair
            else {
                panic!("{pair:?}");
            };
            for (words, record) in words.iter().zip(records) {
                assert!(is_never_begun(record) && words.task == record.task.number());
                seen.push((*at_ns, record.task.0, words.number()));
            }
        }
        assert_eq!(seen, [(5, 7, 8), (5, 8, 9), (5, 9, 10), (5, 10, 11), (5, 11, 12), (6, 20, 99)]);
        for count in [MAX_TASKS + 1, u64::MAX] {
            let mut huge = Vec::new();
            NeverBegun { at_ns: 0, first: 0, number: 1, count }.push(&mut huge);
            assert_eq!(block::read(&huge, |_| ()), None, "no memory is taken for a number that cannot be");
        }
    }
}
