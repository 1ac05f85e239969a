//! The frame rate during a run: smooth, but limited so that drawing takes only a small share of the machine from the tasks.
//! The cost of a frame is measured: without a graphics processor the cores draw it, and a large window costs several times as
//! much as a small one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fanlane_os::machine;
use fanlane_os::thread_times::ThreadTimes;

/// Time between two frames at the highest rate.
pub const MIN_FRAME_INTERVAL: Duration = Duration::from_millis(50);

/// Time between two frames at the lowest rate, at which a run is still seen to move.
const MAX_FRAME_INTERVAL: Duration = Duration::from_millis(500);

/// Maximum share of all cores' time for drawing during a run.
const MAX_CPU_SHARE: f64 = 0.02;

/// Weight of the newest frame in the average cost of a frame, which evens out single expensive frames.
const NEWEST_WEIGHT: f64 = 0.25;

/// The frame rate of a window during a run. Mouse and keyboard input is drawn at once in any case.
#[derive(Debug)]
pub struct Pace {
    threads: Option<DrawingThreads>,
    /// CPU time of all frames so far, in nanoseconds; `None` before the first.
    spent_ns: Option<u64>,
    /// Average CPU time of a frame, in nanoseconds.
    frame_ns: f64,
    delay: Delay,
}

/// Time from an event to the frame that shows it, for the threads that bring events. Clones share the value.
#[derive(Clone, Debug)]
pub struct Delay(Arc<AtomicU64>);

impl Pace {
    /// The highest rate, for a window whose frames cost next to nothing.
    pub fn steady() -> Self {
        let delay = Delay(Arc::default());
        delay.set(MIN_FRAME_INTERVAL);
        Self { threads: None, spent_ns: None, frame_ns: 0.0, delay }
    }

    /// A rate by the measured cost of frames. All current threads of this process count as drawing, so this is called when the
    /// graphics library has started its threads and before other threads start.
    pub fn measured() -> Self {
        Self { threads: DrawingThreads::of_now(), ..Self::steady() }
    }

    /// Time from an event to the frame that shows it.
    pub fn delay(&self) -> Delay {
        self.delay.clone()
    }

    /// Begins a frame; returns the time after which the next one is due during a run.
    /// `is_calm`: during a run, at the lowest rate.
    pub fn begin_frame(&mut self, is_busy: bool, is_calm: bool) -> Duration {
        if let Some(threads) = &self.threads {
            let spent_ns = threads.times.cpu_ns();
            if let Some(before_ns) = self.spent_ns.replace(spent_ns) {
                self.frame_ns += NEWEST_WEIGHT * (spent_ns.saturating_sub(before_ns) as f64 - self.frame_ns);
            }
        }
        let cores = self.threads.as_ref().map_or(1, |threads| threads.cores);
        // Without a run the cores are free.
        let delay = match (is_busy, is_calm) {
            (false, _) => MIN_FRAME_INTERVAL,
            (true, true) => MAX_FRAME_INTERVAL,
            (true, false) => frame_interval(self.frame_ns, cores),
        };
        self.delay.set(delay);
        delay
    }
}

impl Delay {
    /// The time, as it is now.
    pub fn get(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }

    fn set(&self, delay: Duration) {
        self.0.store(u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

/// Time between two frames of this cost.
fn frame_interval(frame_ns: f64, cores: u32) -> Duration {
    let interval_ns = frame_ns / (MAX_CPU_SHARE * f64::from(cores));
    Duration::from_nanos(interval_ns as u64).clamp(MIN_FRAME_INTERVAL, MAX_FRAME_INTERVAL)
}

/// The threads that draw: the window's own, and those of its graphics library.
#[derive(Debug)]
struct DrawingThreads {
    times: ThreadTimes,
    cores: u32,
}

impl DrawingThreads {
    /// All current threads; `None` if the system does not list them.
    fn of_now() -> Option<Self> {
        Some(Self { times: ThreadTimes::of_all()?, cores: machine::cores() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fanlane_os::clock::thread_cpu_ns;

    const MILLISECOND: f64 = 1e6;

    #[test]
    fn drawing_takes_its_share_and_no_more_between_two_bounds() {
        assert_eq!(frame_interval(0.0, 2), MIN_FRAME_INTERVAL);
        assert_eq!(frame_interval(MILLISECOND, 2), MIN_FRAME_INTERVAL);
        assert_eq!(frame_interval(20.0 * MILLISECOND, 2), Duration::from_millis(500));
        assert_eq!(frame_interval(20.0 * MILLISECOND, 8), Duration::from_millis(125));
        assert_eq!(frame_interval(500.0 * MILLISECOND, 2), MAX_FRAME_INTERVAL);
    }

    #[test]
    fn the_cpu_time_of_the_first_threads_is_the_cost_of_frames() {
        // This thread alone: those of other tests come and go.
        let threads = DrawingThreads { times: ThreadTimes::of_caller(), cores: 2 };
        let mut pace = Pace { threads: Some(threads), ..Pace::steady() };
        let delay = pace.delay();
        assert_eq!(pace.begin_frame(true, false), MIN_FRAME_INTERVAL, "no frame has been measured");
        assert_eq!(pace.begin_frame(true, true), MAX_FRAME_INTERVAL, "less motion is wanted");
        let used_ns = 4 * MAX_FRAME_INTERVAL.as_nanos() as u64 * 2 / 50 * 2;
        let begun_ns = thread_cpu_ns();
        while thread_cpu_ns() - begun_ns < used_ns {
            std::hint::spin_loop();
        }
        assert_eq!(pace.begin_frame(true, false), MAX_FRAME_INTERVAL);
        assert_eq!(delay.get(), MAX_FRAME_INTERVAL);
        assert_eq!(pace.begin_frame(false, true), MIN_FRAME_INTERVAL, "nothing is run");
        assert_eq!(delay.get(), MIN_FRAME_INTERVAL);
    }
}
