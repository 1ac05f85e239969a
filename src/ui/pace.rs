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

/// Who is waiting for the next frame, which bounds what drawing may take from the tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// Nothing runs: the cores are free.
    Free,
    /// Something runs, and there was input just now, or the cores have time to spare.
    Watched,
    /// The tasks need all cores, and there was no input for a while.
    Unwatched,
    /// Something runs, and less motion is wanted.
    Calm,
}

impl Demand {
    /// Maximum share of all cores' time for drawing.
    const fn max_cpu_share(self) -> f64 {
        match self {
            Self::Free | Self::Watched | Self::Calm => 0.02,
            Self::Unwatched => 0.01,
        }
    }

    /// Time between two frames at the lowest rate, at which a run is still seen to move.
    const fn max_frame_interval(self) -> Duration {
        match self {
            Self::Free => MIN_FRAME_INTERVAL,
            Self::Watched | Self::Calm => Duration::from_millis(500),
            Self::Unwatched => Duration::from_secs(1),
        }
    }

    /// Time between two frames at the highest rate.
    const fn min_frame_interval(self) -> Duration {
        match self {
            Self::Calm => self.max_frame_interval(),
            _ => MIN_FRAME_INTERVAL,
        }
    }
}

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
    pub fn begin_frame(&mut self, demand: Demand) -> Duration {
        if let Some(threads) = &self.threads {
            let spent_ns = threads.times.cpu_ns();
            if let Some(before_ns) = self.spent_ns.replace(spent_ns) {
                self.frame_ns += NEWEST_WEIGHT * (spent_ns.saturating_sub(before_ns) as f64 - self.frame_ns);
            }
        }
        let cores = self.threads.as_ref().map_or(1, |threads| threads.cores);
        let delay = frame_interval(self.frame_ns, cores, demand);
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
fn frame_interval(frame_ns: f64, cores: u32, demand: Demand) -> Duration {
    let interval_ns = frame_ns / (demand.max_cpu_share() * f64::from(cores));
    Duration::from_nanos(interval_ns as u64).clamp(demand.min_frame_interval(), demand.max_frame_interval())
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
        for (frame_ms, cores, demand, interval_ms) in [
            (0.0, 2, Demand::Watched, 50),
            (1.0, 2, Demand::Watched, 50),
            (20.0, 2, Demand::Watched, 500),
            (20.0, 8, Demand::Watched, 125),
            (500.0, 2, Demand::Watched, 500),
            (1.0, 2, Demand::Unwatched, 50),
            (15.0, 2, Demand::Unwatched, 750),
            (20.0, 8, Demand::Unwatched, 250),
            (500.0, 2, Demand::Unwatched, 1000),
            (1.0, 2, Demand::Calm, 500),
            (500.0, 2, Demand::Free, 50),
        ] {
            let interval = frame_interval(frame_ms * MILLISECOND, cores, demand);
            assert_eq!(interval.as_millis(), interval_ms, "{frame_ms} ms on {cores} cores, {demand:?}");
        }
    }

    #[test]
    fn the_cpu_time_of_the_first_threads_is_the_cost_of_frames() {
        // This thread alone: those of other tests come and go.
        let threads = DrawingThreads { times: ThreadTimes::of_caller(), cores: 2 };
        let mut pace = Pace { threads: Some(threads), ..Pace::steady() };
        let delay = pace.delay();
        assert_eq!(pace.begin_frame(Demand::Watched), MIN_FRAME_INTERVAL, "no frame has been measured");
        let longest = Demand::Unwatched.max_frame_interval();
        let used_ns = 4 * longest.as_nanos() as u64 * 2 / 100 * 2;
        let begun_ns = thread_cpu_ns();
        while thread_cpu_ns() - begun_ns < used_ns {
            std::hint::spin_loop();
        }
        assert_eq!(pace.begin_frame(Demand::Unwatched), longest);
        assert_eq!(delay.get(), longest);
        assert_eq!(pace.begin_frame(Demand::Free), MIN_FRAME_INTERVAL, "nothing is run");
        assert_eq!(delay.get(), MIN_FRAME_INTERVAL);
    }
}
