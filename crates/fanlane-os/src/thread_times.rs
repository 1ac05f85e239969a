//! The CPU time of some threads of this process together.

use std::fs;
use std::path::PathBuf;

/// A set of threads. Threads that have ended since count nothing.
#[derive(Debug)]
pub struct ThreadTimes(Vec<PathBuf>);

impl ThreadTimes {
    /// All threads that exist now; `None` where the system does not tell.
    pub fn of_all() -> Option<Self> {
        let threads = fs::read_dir("/proc/self/task").ok()?;
        Some(Self(threads.flatten().map(|thread| thread.path().join("schedstat")).collect()))
    }

    /// The calling thread alone. The time is that of the thread that asks: read it on this thread.
    pub fn of_caller() -> Self {
        Self(vec!["/proc/thread-self/schedstat".into()])
    }

    /// The CPU time so far, in nanoseconds.
    pub fn cpu_ns(&self) -> u64 {
        let of_one = |clock: &PathBuf| -> Option<u64> {
            fs::read_to_string(clock).ok()?.split_ascii_whitespace().next()?.parse().ok()
        };
        self.0.iter().filter_map(of_one).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::thread_cpu_ns;

    #[test]
    fn the_time_of_a_thread_grows_as_its_clock_does() {
        let times = ThreadTimes::of_caller();
        let (begun_ns, clock_ns) = (times.cpu_ns(), thread_cpu_ns());
        while thread_cpu_ns() - clock_ns < 20_000_000 {
            std::hint::spin_loop();
        }
        assert!(times.cpu_ns() - begun_ns >= 15_000_000);
        assert!(ThreadTimes::of_all().is_some_and(|all| all.cpu_ns() > 0));
    }
}
