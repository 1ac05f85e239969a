//! Which part of the timeline has changed since it was looked at last, so that pictures of it can be kept between frames.

/// Maximum number of changes that are told apart.
const MAX_CHANGES: usize = 4096;

/// The changes of a timeline, each with its revision and the earliest time that it touched.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    revision: u64,
    /// The newest revision that is forgotten.
    forgotten: u64,
    /// Rising in both: a later change that reaches further back hides the ones before it.
    changes: Vec<(u64, u64)>,
}

impl Changes {
    /// A bar that begins at `start_ns` was added.
    pub fn add(&mut self, start_ns: u64) {
        self.revision += 1;
        while self.changes.last().is_some_and(|(_, before_ns)| *before_ns >= start_ns) {
            self.changes.pop();
        }
        self.changes.push((self.revision, start_ns));
        if self.changes.len() > MAX_CHANGES {
            let (forgotten, _) = self.changes.drain(..MAX_CHANGES / 2).next_back().unwrap_or_default();
            self.forgotten = forgotten;
        }
    }

    /// The number of the newest change.
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// The earliest time that a later change than `revision` touched; `None` if there is none.
    pub fn since(&self, revision: u64) -> Option<u64> {
        if revision < self.forgotten {
            return Some(0);
        }
        let next = self.changes.partition_point(|(changed, _)| *changed <= revision);
        self.changes.get(next).map(|(_, start_ns)| *start_ns)
    }
}
