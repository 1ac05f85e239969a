//! How often a run under way is drawn: as often as the eye needs, but never so often that drawing takes from the tasks more
//! than a small share of the machine. What a picture costs is measured: without a graphics processor the cores draw it, and a
//! large window costs them several times what a small one does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fanlane_os::machine;
use fanlane_os::thread_times::ThreadTimes;

/// The eye needs no more, and the tasks need the cores.
pub const FRAME_EVERY: Duration = Duration::from_millis(50);

/// Whoever looks at a run shall see that it goes on, whatever that costs.
const SLOWEST: Duration = Duration::from_millis(500);

/// The share of all cores' time that drawing a run may take.
const SHARE: f64 = 0.02;

/// How much a new picture counts against those before it: one that was dear by chance is no reason to draw seldom.
const NEWS: f64 = 0.25;

/// How often a run is drawn in a window. Whoever moves the mouse or types sees what that does at once in any case.
#[derive(Debug)]
pub struct Pace {
    drawers: Option<DrawingThreads>,
    /// CPU time of all pictures so far, in nanoseconds; `None` before the first.
    spent_ns: Option<u64>,
    /// CPU time of a picture, in nanoseconds.
    picture_ns: f64,
    delay: Delay,
}

/// How long a picture of what happened may wait, for the threads on which it happens. Its clones are one.
#[derive(Clone, Debug)]
pub struct Delay(Arc<AtomicU64>);

impl Pace {
    /// The pace of a window whose pictures cost next to nothing.
    pub fn steady() -> Self {
        let delay = Delay(Arc::default());
        delay.set(FRAME_EVERY);
        Self { drawers: None, spent_ns: None, picture_ns: 0.0, delay }
    }

    /// The pace of a window that the threads draw that this process has now: to be called once the window can be drawn in, and
    /// before anything else is started.
    pub fn measured() -> Self {
        Self { drawers: DrawingThreads::of_now(), ..Self::steady() }
    }

    /// How long a picture of what happened may wait.
    pub fn delay(&self) -> Delay {
        self.delay.clone()
    }

    /// Begins a picture, and says after which time the next one of a run under way is due.
    pub fn begin_picture(&mut self, is_busy: bool) -> Duration {
        if let Some(drawers) = &self.drawers {
            let spent_ns = drawers.times.cpu_ns();
            if let Some(before_ns) = self.spent_ns.replace(spent_ns) {
                self.picture_ns += NEWS * (spent_ns.saturating_sub(before_ns) as f64 - self.picture_ns);
            }
        }
        let cores = self.drawers.as_ref().map_or(1, |drawers| drawers.cores);
        // Where nothing is run, nobody needs the cores.
        let delay = if is_busy { every(self.picture_ns, cores) } else { FRAME_EVERY };
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

/// How often pictures of that cost are drawn on a machine with so many cores.
fn every(picture_ns: f64, cores: u32) -> Duration {
    let every_ns = picture_ns / (SHARE * f64::from(cores));
    Duration::from_nanos(every_ns as u64).clamp(FRAME_EVERY, SLOWEST)
}

/// The threads that draw: the window's own, and those that its graphics library has started.
#[derive(Debug)]
struct DrawingThreads {
    times: ThreadTimes,
    cores: u32,
}

impl DrawingThreads {
    /// All threads that exist now; `None` where the system does not tell.
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
        assert_eq!(every(0.0, 2), FRAME_EVERY);
        assert_eq!(every(MILLISECOND, 2), FRAME_EVERY);
        assert_eq!(every(20.0 * MILLISECOND, 2), Duration::from_millis(500));
        assert_eq!(every(20.0 * MILLISECOND, 8), Duration::from_millis(125));
        assert_eq!(every(500.0 * MILLISECOND, 2), SLOWEST);
    }

    #[test]
    fn what_the_threads_of_the_start_use_is_what_pictures_cost() {
        // This thread alone: those of other tests come and go.
        let drawers = DrawingThreads { times: ThreadTimes::of_caller(), cores: 2 };
        let mut pace = Pace { drawers: Some(drawers), ..Pace::steady() };
        let delay = pace.delay();
        assert_eq!(pace.begin_picture(true), FRAME_EVERY, "nothing is known of its pictures");
        let used_ns = 4 * SLOWEST.as_nanos() as u64 * 2 / 50 * 2;
        let begun_ns = thread_cpu_ns();
        while thread_cpu_ns() - begun_ns < used_ns {
            std::hint::spin_loop();
        }
        assert_eq!(pace.begin_picture(true), SLOWEST);
        assert_eq!(delay.get(), SLOWEST);
        assert_eq!(pace.begin_picture(false), FRAME_EVERY, "nothing is run");
        assert_eq!(delay.get(), FRAME_EVERY);
    }
}
