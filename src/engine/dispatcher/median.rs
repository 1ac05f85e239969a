//! The median time of the tasks done so far, for timeouts that are a share of it.

/// So many tasks must be done before there is a median to speak of.
const LEAST: usize = 3;
/// Times beyond this many are not kept: the median of so many does not move any more.
const MOST: usize = 4096;

/// Times in order.
#[derive(Debug, Default)]
pub struct Median {
    sorted_ns: Vec<u64>,
}

impl Median {
    /// Takes in the time of one more task.
    pub fn add(&mut self, wall_ns: u64) {
        if self.sorted_ns.len() < MOST {
            let place = self.sorted_ns.partition_point(|time| *time <= wall_ns);
            self.sorted_ns.insert(place, wall_ns);
        }
    }

    /// The median, once enough tasks are done.
    pub fn ns(&self) -> Option<u64> {
        (self.sorted_ns.len() >= LEAST).then(|| self.sorted_ns[self.sorted_ns.len() / 2])
    }
}
