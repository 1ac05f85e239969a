//! The loss waterfall: from the time that perfect sharing would have taken to the time that was measured, step by step.
//! Each step is a mean over the runs that count, and the steps add up to the whole.

use super::lane_time::LaneTime;
use super::outcome::RaceModel;

/// The steps from the ideal to the measured time, in seconds of wall time.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Waterfall {
    /// The tasks' time in the baseline, shared perfectly among this contender's lanes.
    pub ideal_secs: f64,
    /// The steps, in their order.
    pub parts: Vec<WaterfallPart>,
    /// The measured time.
    pub measured_secs: f64,
    /// Index of the contender whose task times make the ideal.
    pub baseline: usize,
}

/// A step.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct WaterfallPart {
    /// Its name.
    pub name: &'static str,
    /// What it counts, in a sentence.
    pub meaning: &'static str,
    /// Its addition to the wall time, in seconds; below 0 for a gain.
    pub secs: f64,
}

impl Waterfall {
    /// The time after all steps, in seconds: the measured one, if every loss is accounted for.
    pub fn sum_secs(&self) -> f64 {
        self.ideal_secs + self.parts.iter().map(|part| part.secs).sum::<f64>()
    }
}

impl RaceModel {
    /// A contender's waterfall; `None` before it and the baseline of its case have run, and where it did not run the same
    /// tasks as the baseline.
    pub fn waterfall(&self, contender: usize) -> Option<Waterfall> {
        let one = self.contenders().get(contender)?;
        let baseline = self.baseline(one.case)?;
        if self.contenders()[baseline].tasks != one.tasks {
            return None;
        }
        self.counted(baseline).next()?;
        self.counted(contender).next()?;
        let lane_secs = |part: fn(&LaneTime) -> u64| {
            self.mean_of(contender, |run| part(&run.lane_time) as f64 / 1e9 / f64::from(run.lane_time.lanes.max(1)))
        };
        let work_secs = self.mean_of(baseline, |run| run.lane_time.busy_ns as f64 / 1e9);
        let ideal_secs = self.mean_of(contender, |run| work_secs / f64::from(run.lane_time.lanes.max(1)));
        let busy_secs = lane_secs(|time| time.busy_ns);
        let repeated_secs = lane_secs(|time| time.repeated_ns);
        let part = |name, meaning, secs| WaterfallPart { name, meaning, secs };
        let mut parts = vec![
            part("start-up", "until each worker is ready", lane_secs(|time| time.start_up_ns)),
            part(
                "hand-over",
                "between a task's end and the next start: sending the result and the next task, and waking up both sides",
                lane_secs(|time| time.hand_over_ns),
            ),
            part(
                "idle while tasks wait",
                "workers without a task while tasks wait for others, for a gate, or at another worker",
                lane_secs(|time| time.waiting_ns),
            ),
            part("tail", "workers without a task when the last one has begun", lane_secs(|time| time.tail_ns)),
            part(
                "slow-down per task",
                "the same tasks take longer than in the baseline: they share cores, memory and power",
                busy_secs - ideal_secs,
            ),
        ];
        if repeated_secs > 0.0 {
            parts.push(part("repeated attempts", "attempts that were followed by another", repeated_secs));
        }
        let measured_secs = self.mean_of(contender, |run| run.wall_ns as f64 / 1e9);
        Some(Waterfall { ideal_secs, parts, measured_secs, baseline })
    }
}
