//! What it takes to hand the objects that calls return to another process, folded from what interpreters measure of some of them.

use serde::Serialize;

use super::{format, transports::median};
use crate::event::{Event, EventKind, ObjectSample, SampleEvent};

/// Number of the latest measurements that are kept.
const MAX_SAMPLES: usize = 255;
/// Minimum number of measurements that something is said of.
const MIN_SAMPLES: usize = 3;

/// The measurements of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Objects {
    latest: Vec<ObjectSample>,
    count: usize,
}

/// Medians of the measurements.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ObjectWays {
    /// The type of the latest.
    #[serde(rename = "type")]
    pub kind: Box<str>,
    /// Number of objects that were measured.
    pub objects: u64,
    /// Size of their pickles, in bytes.
    pub bytes: u64,
    /// How much of it lies in buffers, in bytes.
    pub buffer_bytes: u64,
    /// Time of the way pickled, in nanoseconds.
    pub pickle_ns: u64,
    /// Time of the way by pickle 5 with its buffers beside it, in nanoseconds.
    pub pickle5_ns: u64,
    /// Time of the way by pickle 5 with its buffers in shared memory, in nanoseconds.
    pub shared_memory_ns: u64,
}

impl Objects {
    /// Takes in one event.
    pub fn apply(&mut self, event: &Event) {
        let EventKind::Sample(SampleEvent::Object(sample)) = &event.kind else { return };
        if self.latest.len() < MAX_SAMPLES {
            self.latest.push(sample.clone());
        } else {
            self.latest[self.count % MAX_SAMPLES] = sample.clone();
        }
        self.count += 1;
    }

    /// The medians; `None` while there are too few.
    pub fn ways(&self) -> Option<ObjectWays> {
        let last = self.latest.get(self.count.checked_sub(1)? % MAX_SAMPLES).filter(|_| self.count >= MIN_SAMPLES)?;
        let middle = |of: fn(&ObjectSample) -> u64| median(self.latest.iter().map(of));
        Some(ObjectWays {
            kind: last.kind.clone(),
            objects: self.count as u64,
            bytes: middle(|one| one.bytes),
            buffer_bytes: middle(|one| one.buffer_bytes),
            pickle_ns: middle(|one| one.pickle_ns),
            pickle5_ns: middle(|one| one.pickle5_ns),
            shared_memory_ns: middle(|one| one.shared_memory_ns),
        })
    }
}

impl ObjectWays {
    /// The measurements in one sentence.
    pub fn measured(&self) -> String {
        let [pickle, pickle5, shared] = [self.pickle_ns, self.pickle5_ns, self.shared_memory_ns].map(format::duration);
        format!(
            "{} of about {} ({}), handed on as a trial, took {pickle} each pickled, {pickle5} by pickle 5 with buffers beside it, and \
             {shared} with them in shared memory",
            format::plural(self.objects, "result"),
            format::bytes(self.bytes),
            super::sanitize::line(self.kind.as_bytes()),
        )
    }

    /// What to change, with the measurements.
    pub fn advice(&self) -> String {
        let times = self.pickle_ns as f64 / self.shared_memory_ns.max(1) as f64;
        let advice = if self.buffer_bytes * 2 < self.bytes {
            "Most of these results lies in no buffer, so that each part is pickled whatever the way; return a NumPy array, an \
             array.array or bytes in place of many objects"
                .to_owned()
        } else if times >= 1.25 {
            format!(
                "Shared memory would hand these results on {times:.1} times as fast as a pickle: a script gets them so by \
                 fanlane.Pool; here their text is kept, so write them to files where others need them"
            )
        } else {
            "The ways of these results take about the same: no change is worth it".to_owned()
        };
        format!("{advice}. {}", self.measured())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(samples: &[(u64, u64, [u64; 3])]) -> Objects {
        let mut objects = Objects::default();
        for (bytes, buffer_bytes, ms) in samples {
            let [pickle_ns, pickle5_ns, shared_memory_ns] = ms.map(|ms| ms * 1_000_000);
            let (kind, bytes, buffer_bytes) = ("ndarray".into(), *bytes, *buffer_bytes);
            let sample = ObjectSample { kind, bytes, buffer_bytes, pickle_ns, pickle5_ns, shared_memory_ns };
            objects.apply(&Event { at_ns: 0, kind: EventKind::Sample(SampleEvent::Object(sample)) });
        }
        objects
    }

    #[test]
    fn the_advice_depends_on_what_the_results_are_made_of() {
        let size = 16 << 20;
        let array = (size, size, [12, 8, 4]);
        let arrays = told(&[array, (size, size, [90, 80, 70]), array]).ways().expect("three are enough");
        let words = "Shared memory would hand these results on 3.0 times as fast as a pickle";
        assert!(arrays.advice().starts_with(words), "{}", arrays.advice());
        let measured = "3 results of about 16.0 MiB (ndarray), handed on as a trial, took 12.0 ms each pickled, 8.00 ms by pickle 5";
        assert!(arrays.measured().starts_with(measured), "{}", arrays.measured());
        let lists = told(&[(size, 0, [40, 40, 40]); 3]).ways().expect("three are enough");
        assert!(lists.advice().contains("return a NumPy array"), "{}", lists.advice());
        let alike = told(&[(size, size, [5, 5, 5]); 3]).ways().expect("three are enough");
        assert!(alike.advice().contains("no change is worth it"), "{}", alike.advice());
        assert_eq!(told(&[array; 2]).ways(), None);
    }

    #[test]
    fn the_latest_measurements_count() {
        let (old, new) = ((1 << 20, 0, [9, 9, 9]), (2 << 20, 0, [1, 1, 1]));
        let samples: Vec<_> = (0..2 * MAX_SAMPLES).map(|place| if place < MAX_SAMPLES { old } else { new }).collect();
        let ways = told(&samples).ways().expect("there are some");
        assert_eq!((ways.objects, ways.bytes, ways.pickle_ns), (2 * MAX_SAMPLES as u64, 2 << 20, 1_000_000));
    }
}
