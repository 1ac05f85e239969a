//! `--keep-order`: records arrive in the order in which tasks end and leave in the order of the inputs.
//!
//! A slow task holds back the records of all tasks after it. Beyond a limit of memory they wait in an unlinked temporary file,
//! which no other process can open and which disappears with this process.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use fanlane_core::event::{AttemptRecord, TaskId};

/// Maximum size of waiting records in memory, in bytes.
const MAX_HELD_BYTES: usize = 64 << 20;

/// Records that wait for earlier ones.
pub struct InputOrder {
    /// The task whose record leaves next.
    next: u64,
    /// The records from `next` on; its first is always missing.
    waiting: VecDeque<Slot>,
    held_bytes: usize,
    limit_bytes: usize,
    spill: Option<File>,
}

enum Slot {
    Missing,
    Held(Box<AttemptRecord>),
    Spilled { at: u64, len: usize },
}

impl InputOrder {
    /// Waits for task 1.
    pub fn new() -> Self {
        Self::with_limit(MAX_HELD_BYTES)
    }

    fn with_limit(limit_bytes: usize) -> Self {
        Self { next: 0, waiting: VecDeque::new(), held_bytes: 0, limit_bytes, spill: None }
    }

    /// The task whose turn it is.
    pub const fn next(&self) -> TaskId {
        TaskId(self.next)
    }

    /// Adds a record and emits those whose turn it is, in order.
    ///
    /// # Errors
    /// Those of `emit`, and of the temporary file.
    pub fn push(
        &mut self,
        record: AttemptRecord,
        mut emit: impl FnMut(AttemptRecord) -> io::Result<()>,
    ) -> io::Result<()> {
        if record.task.0 == self.next {
            self.waiting.pop_front();
            self.next += 1;
            emit(record)?;
        } else if let Some(place) = record.task.0.checked_sub(self.next) {
            let place = usize::try_from(place).map_err(io::Error::other)?;
            while self.waiting.len() <= place {
                self.waiting.push_back(Slot::Missing);
            }
            self.waiting[place] = self.hold(record)?;
            return Ok(());
        } else {
            // A second record of a task is a fault of the engine; it is shown rather than hidden.
            return emit(record);
        }
        while let Some(slot) = self.waiting.front_mut() {
            let record = match std::mem::replace(slot, Slot::Missing) {
                Slot::Missing => break,
                Slot::Held(record) => {
                    self.held_bytes -= size_bytes(&record);
                    *record
                }
                Slot::Spilled { at, len } => self.read_spilled(at, len)?,
            };
            self.waiting.pop_front();
            self.next += 1;
            emit(record)?;
        }
        Ok(())
    }

    /// Emits all that still waits, in order, though earlier records are missing.
    ///
    /// # Errors
    /// Those of `emit`, and of the temporary file.
    pub fn finish(&mut self, mut emit: impl FnMut(AttemptRecord) -> io::Result<()>) -> io::Result<()> {
        for slot in std::mem::take(&mut self.waiting) {
            match slot {
                Slot::Missing => {}
                Slot::Held(record) => emit(*record)?,
                Slot::Spilled { at, len } => emit(self.read_spilled(at, len)?)?,
            }
        }
        Ok(())
    }

    fn hold(&mut self, record: AttemptRecord) -> io::Result<Slot> {
        let size = size_bytes(&record);
        if self.held_bytes + size <= self.limit_bytes {
            self.held_bytes += size;
            return Ok(Slot::Held(Box::new(record)));
        }
        let bytes = postcard::to_stdvec(&record).map_err(io::Error::other)?;
        let spill = match &mut self.spill {
            Some(file) => file,
            none => none.insert(tempfile::tempfile()?),
        };
        let at = spill.seek(SeekFrom::End(0))?;
        spill.write_all(&bytes)?;
        Ok(Slot::Spilled { at, len: bytes.len() })
    }

    fn read_spilled(&mut self, at: u64, len: usize) -> io::Result<AttemptRecord> {
        let spill = self.spill.as_mut().ok_or_else(|| io::Error::other("the temporary file is gone"))?;
        let mut bytes = vec![0; len];
        spill.seek(SeekFrom::Start(at))?;
        spill.read_exact(&mut bytes)?;
        postcard::from_bytes(&bytes).map_err(io::Error::other)
    }
}

fn size_bytes(record: &AttemptRecord) -> usize {
    use fanlane_core::event::CallValue;
    let output = record.output.as_ref().map_or(0, |output| {
        [&output.stdout, &output.stderr].map(|stream| stream.head.len() + stream.tail.len()).iter().sum()
    });
    let value = record.value.as_ref().map_or(0, CallValue::held_bytes);
    let words = record.outcome.reason().map_or(0, str::len);
    size_of::<AttemptRecord>() + output + value + words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::report::test_records::{done, printed};

    fn order_of(arrivals: &[u64], limit_bytes: usize) -> (Vec<u64>, bool) {
        let mut order = InputOrder::with_limit(limit_bytes);
        let mut left = Vec::new();
        for task in arrivals {
            let arrived = printed(*task, &format!("output of {task}"), "");
            order
                .push(arrived.clone(), |record| {
                    let text = format!("output of {}", record.task.0);
                    assert_eq!(record.output.as_ref().map(|output| output.stdout.head.clone()), Some(text.into()));
                    left.push(record.task.0);
                    Ok(())
                })
                .expect("nothing here can fail");
        }
        assert_eq!(order.held_bytes, 0, "what has left is not held");
        (left, order.spill.is_some())
    }

    #[test]
    fn records_leave_in_the_order_of_the_inputs() {
        for arrivals in [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [1, 0, 4, 2, 3], [2, 0, 1, 4, 3]] {
            assert_eq!(order_of(&arrivals, MAX_HELD_BYTES), (vec![0, 1, 2, 3, 4], false), "{arrivals:?}");
        }
    }

    #[test]
    fn beyond_the_limit_they_wait_on_disk_and_come_back_whole() {
        assert_eq!(order_of(&[4, 3, 2, 1, 0], 400), (vec![0, 1, 2, 3, 4], true));
        assert_eq!(order_of(&[4, 2, 3, 1, 0], 0), (vec![0, 1, 2, 3, 4], true));
    }

    #[test]
    fn nothing_leaves_before_its_turn() {
        let mut order = InputOrder::new();
        for task in 1..1000 {
            order.push(done(task), |record| panic!("task {} left before task 0", record.task.0)).expect("held");
        }
        let mut left = 0;
        order
            .push(done(0), |_| {
                left += 1;
                Ok(())
            })
            .expect("emitted");
        assert_eq!(left, 1000);
    }

    #[test]
    fn what_waits_for_a_record_that_never_comes_is_not_lost() {
        for limit_bytes in [MAX_HELD_BYTES, 0] {
            let mut order = InputOrder::with_limit(limit_bytes);
            for task in [5, 2, 4] {
                order.push(done(task), |_| panic!("task 0 is missing")).expect("held");
            }
            let mut left = Vec::new();
            order
                .finish(|record| {
                    left.push(record.task.0);
                    Ok(())
                })
                .expect("emitted");
            assert_eq!(left, [2, 4, 5]);
        }
    }
}
