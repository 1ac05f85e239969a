//! The measurements kept of each run of a race.

use serde::{Deserialize, Serialize};

use crate::event::OutcomeCounts;

use super::lane_time::LaneTime;
use super::trace::Trace;
use super::{Turn, Until};

/// Maximum number of points of a curve.
const CURVE_POINTS: usize = 160;

/// A point of the progress curve: nanoseconds since the run's start, and the number of tasks that had ended.
pub type CurvePoint = (u64, u64);

/// Resource use during a run, measured from outside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// CPU time of the machine during the run.
    pub cpu: CpuTicks,
    /// Highest sampled memory of the workers with their child processes, in bytes; `None`: they had ended before the
    /// first sample.
    pub peak_memory_bytes: Option<u64>,
}

/// CPU time in the system's ticks, of all cores together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CpuTicks {
    /// Available.
    pub total: u64,
    /// Used by this program, its workers and their commands.
    pub own: u64,
    /// Used by other programs, or taken by the hypervisor.
    pub other: u64,
}

impl CpuTicks {
    /// Minimum number of ticks for a share: below it, the resolution of the ticks dominates.
    const MIN_TICKS: u64 = 50;

    /// The share of the CPU used by others, 0 to 1; `None` if too little time has passed.
    pub fn other_share(&self) -> Option<f64> {
        (self.total >= Self::MIN_TICKS).then(|| (self.other as f64 / self.total as f64).min(1.0))
    }

    /// The sum of both.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self { total: self.total + other.total, own: self.own + other.own, other: self.other + other.other }
    }
}

/// One run of a race, measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RunMeasure {
    /// The turn.
    pub turn: Turn,
    /// From the start to the end of the last task, in nanoseconds.
    pub wall_ns: u64,
    /// From the start until the last worker had ended, in nanoseconds.
    pub finished_ns: u64,
    /// CPU time of all attempts, in nanoseconds.
    pub cpu_ns: u64,
    /// How the tasks ended.
    pub counts: OutcomeCounts,
    /// The first failed task and why it failed, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Where the lanes' time went.
    pub lane_time: LaneTime,
    /// Resource use measured from outside. Its memory is at least that of the largest command.
    pub usage: Usage,
    /// The progress curve; its last point is the end of the last task.
    pub curve: Vec<CurvePoint>,
}

impl RunMeasure {
    /// Measures a run that has ended.
    pub(super) fn of(turn: Turn, trace: &Trace, lane_time: LaneTime, usage: Usage) -> Self {
        let commands = Some(trace.max_rss_bytes).filter(|bytes| *bytes > 0);
        let peak_memory_bytes = usage.peak_memory_bytes.max(commands);
        Self {
            turn,
            wall_ns: trace.wall_ns,
            finished_ns: trace.finished_ns,
            cpu_ns: trace.cpu_ns,
            counts: trace.counts,
            failure: trace.failure.clone(),
            lane_time,
            usage: Usage { peak_memory_bytes, ..usage },
            curve: curve(trace),
        }
    }

    /// How long it took, in seconds.
    pub fn secs(&self, until: Until) -> f64 {
        let ns = match until {
            Until::LastTask => self.wall_ns,
            Until::LastWorker => self.finished_ns,
        };
        ns as f64 / 1e9
    }
}

fn curve(trace: &Trace) -> Vec<CurvePoint> {
    let mut ends: Vec<u64> = trace.spans.iter().filter(|span| span.is_last).map(super::Span::end_ns).collect();
    ends.sort_unstable();
    let step = ends.len().div_ceil(CURVE_POINTS).max(1);
    let places = (0..ends.len()).filter(|place| (place + 1) % step == 0 || place + 1 == ends.len());
    places.map(|place| (ends[place], place as u64 + 1)).collect()
}
