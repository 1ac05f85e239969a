//! The faster transport of large results, folded from the comparisons that a run makes.

use super::format;
use crate::event::{Event, EventKind, SampleEvent};
use crate::job::Transport;

/// Number of the latest comparisons that are kept.
const MAX_COMPARISONS: usize = 255;
/// Minimum number of comparisons for an advice.
const MIN_COMPARISONS: usize = 4;

/// One comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Compared {
    bytes: u64,
    pipe_ns: u64,
    shared_memory_ns: u64,
}

impl Compared {
    const fn ns(&self, way: Transport) -> u64 {
        match way {
            Transport::Pipe => self.pipe_ns,
            Transport::SharedMemory => self.shared_memory_ns,
        }
    }
}

/// The comparisons of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transports {
    latest: Vec<Compared>,
    count: usize,
    used: Transport,
}

impl Transports {
    /// Takes in one event.
    pub fn apply(&mut self, event: &Event) {
        let EventKind::Sample(SampleEvent::ResultsCompared { bytes, pipe_ns, shared_memory_ns, used }) = event.kind
        else {
            return;
        };
        let compared = Compared { bytes, pipe_ns, shared_memory_ns };
        if self.latest.len() < MAX_COMPARISONS {
            self.latest.push(compared);
        } else {
            self.latest[self.count % MAX_COMPARISONS] = compared;
        }
        self.count += 1;
        self.used = used;
    }

    /// The measurements in one sentence; `None` while there are too few.
    pub fn measured(&self) -> Option<String> {
        if self.latest.len() < MIN_COMPARISONS {
            return None;
        }
        let [pipe, shared] =
            [Transport::Pipe, Transport::SharedMemory].map(|way| format::duration(self.median_ns(way)));
        Some(format!(
            "{} of about {} by each transport took {pipe} each through the pipe and {shared} in shared memory",
            format::plural(self.latest.len() as u64, "result"),
            format::bytes(median(self.latest.iter().map(|one| one.bytes))),
        ))
    }

    /// The transport that the job does not use, if it has been faster by at least a fifth in most comparisons.
    pub fn better(&self) -> Option<Transport> {
        let other = self.used.other();
        let faster = self.latest.iter().filter(|one| one.ns(other) < one.ns(self.used)).count();
        let is_better = self.latest.len() >= MIN_COMPARISONS
            && faster * 4 >= self.latest.len() * 3
            && self.median_ns(other) * 5 <= self.median_ns(self.used) * 4;
        is_better.then_some(other)
    }

    /// The advice to use that transport, with figures.
    pub fn advice(&self) -> Option<String> {
        let (better, measured) = (self.better()?, self.measured()?);
        let words = match better {
            Transport::Pipe => "The pipe",
            Transport::SharedMemory => "Shared memory",
        };
        Some(format!("{words} would be faster: {measured}"))
    }

    fn median_ns(&self, way: Transport) -> u64 {
        median(self.latest.iter().map(|one| one.ns(way)))
    }
}

/// The middle one of some numbers; 0 for none.
pub(super) fn median(numbers: impl Iterator<Item = u64>) -> u64 {
    let mut numbers: Vec<u64> = numbers.collect();
    numbers.sort_unstable();
    numbers.get(numbers.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(used: Transport, pairs: &[[u64; 2]]) -> Transports {
        let mut transports = Transports::default();
        for [pipe_ns, shared_memory_ns] in pairs.iter().map(|pair| pair.map(|ms| ms * 1_000_000)) {
            let kind =
                EventKind::Sample(SampleEvent::ResultsCompared { bytes: 16 << 20, pipe_ns, shared_memory_ns, used });
            transports.apply(&Event { at_ns: 0, kind });
        }
        transports
    }

    #[test]
    fn the_faster_way_is_advised_with_what_was_measured() {
        let transports = told(Transport::Pipe, &[[9, 4], [10, 4], [9, 5], [30, 4]]);
        assert_eq!(
            transports.advice().unwrap(),
            "Shared memory would be faster: 4 results of about 16.0 MiB by each transport took 10.0 ms each \
             through the pipe and 4.00 ms in shared memory"
        );
        let transports = told(Transport::SharedMemory, &[[4, 9]; 5]);
        assert_eq!(transports.better(), Some(Transport::Pipe));
        assert!(transports.advice().unwrap().starts_with("The pipe would be faster: 5 results"));
    }

    #[test]
    fn nothing_is_advised_from_too_little_from_a_small_gain_or_what_is_used_anyway() {
        for pairs in [&[[9, 1]; 3][..], &[[9, 8]; 50], &[[9, 1], [9, 1], [1, 9], [1, 9]], &[]] {
            assert_eq!(told(Transport::Pipe, pairs).advice(), None, "{pairs:?}");
        }
        let used = told(Transport::SharedMemory, &[[9, 1]; 9]);
        assert!(used.advice().is_none() && used.measured().is_some());
    }

    #[test]
    fn the_latest_comparisons_count() {
        let pairs: Vec<[u64; 2]> =
            (0..2 * MAX_COMPARISONS).map(|place| if place < MAX_COMPARISONS { [1, 9] } else { [9, 1] }).collect();
        assert_eq!(told(Transport::Pipe, &pairs).better(), Some(Transport::SharedMemory));
    }
}
