//! The CPU time of calls. Asking the system costs as much as a tiny call does, so tiny ones are measured together and
//! each is given its share by the time that it took.

use fanlane_os::clock::thread_cpu_ns;

/// Calls shorter than this are measured together, in nanoseconds.
const TINY_NS: u64 = 20_000;
/// Time of tiny calls that is measured together, in nanoseconds.
const GROUP_NS: u64 = 200_000;

/// Measures the calls of the thread that it was made on.
pub struct CpuMeter {
    last_ns: u64,
    unmeasured_wall_ns: u64,
    /// CPU time by wall time of the group before.
    ratio: f64,
}

impl CpuMeter {
    pub fn start() -> Self {
        Self { last_ns: thread_cpu_ns(), unmeasured_wall_ns: 0, ratio: 1.0 }
    }

    /// The CPU time of a call that took `wall_ns` and has just ended, in nanoseconds; at most `wall_ns`.
    pub fn of_call(&mut self, wall_ns: u64) -> u64 {
        if wall_ns < TINY_NS && self.unmeasured_wall_ns < GROUP_NS {
            self.unmeasured_wall_ns += wall_ns;
        } else {
            let now_ns = thread_cpu_ns();
            let spent_ns = now_ns - std::mem::replace(&mut self.last_ns, now_ns);
            let group_ns = std::mem::take(&mut self.unmeasured_wall_ns) + wall_ns;
            self.ratio = (spent_ns as f64 / group_ns.max(1) as f64).min(1.0);
        }
        (wall_ns as f64 * self.ratio) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_sleeps_is_not_charged_for_it() {
        let mut meter = CpuMeter::start();
        let (sender, receiver) = crossbeam_channel::bounded::<()>(0);
        let nothing = receiver.recv_timeout(std::time::Duration::from_millis(30));
        assert!(nothing.is_err());
        drop(sender);
        assert!(meter.of_call(30_000_000) < 15_000_000);
    }

    #[test]
    fn no_call_is_charged_more_than_it_took() {
        let mut meter = CpuMeter::start();
        for wall_ns in [1, 100, 19_999, 250_000, 3, 20_000] {
            let mut sum = 0_u64;
            for number in 0..100_000_u64 {
                sum = std::hint::black_box(sum.wrapping_add(number));
            }
            assert!(meter.of_call(wall_ns) <= wall_ns);
        }
    }
}
