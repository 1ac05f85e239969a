//! What the transfer of results from the workers costs: their sizes, and the time from the end of an attempt to the
//! arrival of its result. Folded from events.

use crate::event::{AttemptRecord, CallValue, Captured, Event, EventKind, TaskEvent};

/// Transfers of results so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResultTransfers {
    /// Number of results received.
    pub results: u64,
    /// Their total size, in bytes: what commands printed, kept or not, and what calls returned.
    pub bytes: u64,
    /// Size of the largest, in bytes.
    pub largest_bytes: u64,
    /// Their total transfer time, in nanoseconds.
    pub way_ns: u64,
    /// The longest transfer time, in nanoseconds.
    pub longest_way_ns: u64,
}

impl ResultTransfers {
    /// Takes in one event.
    pub fn apply(&mut self, event: &Event) {
        let records = match &event.kind {
            EventKind::Task(TaskEvent::Finished(records)) => records.as_slice(),
            EventKind::Task(TaskEvent::Retried(record)) => std::slice::from_ref(record),
            _ => return,
        };
        for record in records.iter().filter(|record| record.attempt > 0) {
            let bytes = bytes_of(record);
            let way_ns = event.at_ns.saturating_sub(record.start_ns + record.wall_ns);
            self.results += 1;
            self.bytes += bytes;
            self.largest_bytes = self.largest_bytes.max(bytes);
            self.way_ns += way_ns;
            self.longest_way_ns = self.longest_way_ns.max(way_ns);
        }
    }

    /// Mean size of a result, in bytes; `None` before the first.
    pub fn mean_bytes(&self) -> Option<u64> {
        self.bytes.checked_div(self.results)
    }

    /// Mean transfer time of a result, in nanoseconds; `None` before the first.
    pub fn mean_way_ns(&self) -> Option<u64> {
        self.way_ns.checked_div(self.results)
    }
}

fn bytes_of(record: &AttemptRecord) -> u64 {
    let stream = |stream: &Captured| stream.head.len() as u64 + stream.dropped_bytes + stream.tail.len() as u64;
    let printed = record.output.as_ref().map_or(0, |output| stream(&output.stdout) + stream(&output.stderr));
    let returned = match &record.value {
        None => 0,
        Some(CallValue::Int(_) | CallValue::Float(_)) => 8,
        Some(value) => value.held_bytes() as u64,
    };
    printed + returned
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::DispatchEvent;
    use crate::event::{Outcome, Output, TaskId, WorkerId};

    #[test]
    fn sizes_and_ways_of_all_results_add_up() {
        let record = |value, printed: Option<&str>, end_ns| AttemptRecord {
            wall_ns: end_ns,
            value,
            output: printed.map(|text| {
                let stdout = Captured { head: text.into(), dropped_bytes: 100, ..Captured::default() };
                Box::new(Output { stdout, ..Output::default() })
            }),
            ..AttemptRecord::new(TaskId(0), 1, WorkerId(1), Outcome::Done)
        };
        let mut result_transfers = ResultTransfers::default();
        assert_eq!((result_transfers.mean_bytes(), result_transfers.mean_way_ns()), (None, None));
        let never = AttemptRecord { attempt: 0, ..record(None, None, 0) };
        let first = vec![
            record(Some(CallValue::Int(1)), None, 40),
            record(Some(CallValue::Text("abcd".into())), None, 90),
            never,
        ];
        result_transfers.apply(&Event { at_ns: 100, kind: EventKind::Task(TaskEvent::Finished(first)) });
        result_transfers
            .apply(&Event { at_ns: 200, kind: EventKind::Task(TaskEvent::Retried(record(None, Some("xy"), 190))) });
        result_transfers.apply(&Event { at_ns: 300, kind: EventKind::Dispatch(DispatchEvent::Paused) });
        let expected = ResultTransfers { results: 3, bytes: 114, largest_bytes: 102, way_ns: 80, longest_way_ns: 60 };
        assert_eq!(result_transfers, expected);
        assert_eq!((result_transfers.mean_bytes(), result_transfers.mean_way_ns()), (Some(38), Some(26)));
    }
}
