//! How much a worker and the owner of its tasks send at a time, since each message may wake a thread: tasks ahead of their
//! turn, and results gathered for a while. What these are, and how they are sent, is not known here.

/// A worker has about this much work ahead, in nanoseconds: far more than a message takes to arrive, far less than a person
/// notices.
const AHEAD_NS: u64 = 10_000_000;
/// Tasks that take longer, in nanoseconds, are sent one by one: then they begin in their order, and the way to and fro costs
/// less than a hundredth.
const LONG_TASK_NS: u64 = 20_000_000;
const MAX_AHEAD: u64 = 2_048;

/// Maximum number of tasks that a worker has in hand when they take `task_ns` nanoseconds each: one to work at and one to go
/// on with, or as many as fill the time; one of those that take long.
#[inline]
pub fn tasks_ahead(task_ns: u64) -> usize {
    if task_ns >= LONG_TASK_NS { 1 } else { (AHEAD_NS / task_ns.max(1)).clamp(2, MAX_AHEAD) as usize }
}

/// The limits of what is gathered, and how much that is.
#[derive(Clone, Debug)]
pub struct Gathering {
    max_ns: u64,
    max_bytes: usize,
    /// When the first of it came, in nanoseconds of the owner's clock.
    since_ns: u64,
    bytes: usize,
    is_empty: bool,
}

impl Gathering {
    /// Nothing yet. It is due `max_ns` nanoseconds after the first was added, or with `max_bytes`.
    pub const fn new(max_ns: u64, max_bytes: usize) -> Self {
        Self { max_ns, max_bytes, since_ns: 0, bytes: 0, is_empty: true }
    }

    /// Something of this size was added.
    #[inline]
    pub const fn add(&mut self, now_ns: u64, bytes: usize) {
        if self.is_empty {
            self.since_ns = now_ns;
            self.is_empty = false;
        }
        self.bytes += bytes;
    }

    /// Whether what is gathered is to be sent now.
    #[inline]
    pub const fn is_due(&self, now_ns: u64) -> bool {
        !self.is_empty && (self.bytes > self.max_bytes || now_ns.saturating_sub(self.since_ns) > self.max_ns)
    }

    /// All was taken to be sent.
    #[inline]
    pub const fn clear(&mut self) {
        self.bytes = 0;
        self.is_empty = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_tasks_are_sent_many_at_a_time_and_long_ones_alone() {
        assert_eq!([0, 1_000_000, 9_000_000, 30_000_000].map(tasks_ahead), [2_048, 10, 2, 1]);
    }

    #[test]
    fn it_is_due_after_a_while_or_when_it_is_large() {
        let mut gathering = Gathering::new(100, 1000);
        assert!(!gathering.is_due(u64::MAX), "there is nothing to send");
        gathering.add(50, 600);
        gathering.add(140, 400);
        assert!(!gathering.is_due(150) && gathering.is_due(151));
        gathering.add(140, 1);
        assert!(gathering.is_due(140));
        gathering.clear();
        gathering.add(200, 0);
        assert!(!gathering.is_due(300) && gathering.is_due(301));
    }
}
