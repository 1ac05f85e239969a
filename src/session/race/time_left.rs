//! How much time a race under way takes further, from the runs that have ended.

use fanlane_core::model::format;
use fanlane_core::model::race::RaceModel;

/// The time that is left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimeLeft {
    /// At least, in seconds.
    pub least_secs: f64,
    /// At most, in seconds.
    pub most_secs: f64,
}

impl TimeLeft {
    /// The time left of a race that began `elapsed_secs` ago; `None` before each contender has run once, and after its end.
    pub fn of(race: &RaceModel, elapsed_secs: f64) -> Option<Self> {
        let header = race.header.as_ref().filter(|_| race.end.is_none())?;
        let (rules, contenders) = (&header.rules, header.contenders.len());
        let newest = |place: usize| race.runs.iter().rev().find(|run| run.turn.contender == place);
        let block: Option<f64> = (0..contenders).map(|place| Some(newest(place)?.wall_ns as f64 / 1e9)).sum();
        // Starting and ending the workers is not in the times of the runs.
        let runs_secs: f64 = race.runs.iter().map(|run| run.wall_ns as f64 / 1e9).sum();
        let block_secs = block? * (elapsed_secs / runs_secs.max(1e-9)).clamp(1.0, 10.0);
        let ended = race.runs.len() as f64 / contenders.max(1) as f64;
        let least_blocks = f64::from(rules.warm_up + rules.least_runs) - ended;
        let most_blocks = f64::from(rules.warm_up + rules.most_runs) - ended;
        // A block that has begun is run to its end.
        let begun = (ended.ceil() - ended).max(0.0);
        let least_secs = least_blocks.max(begun) * block_secs;
        let until_limit = (rules.time_limit_secs - elapsed_secs).max(0.0) + block_secs;
        let most_secs = (most_blocks * block_secs).min(least_secs.max(until_limit));
        Some(Self { least_secs, most_secs: most_secs.max(least_secs) })
    }

    /// `about 12 s left`, `8 s to 40 s left`.
    pub fn words(self) -> String {
        let [least, most] = [self.least_secs, self.most_secs].map(format::estimate);
        if least == most || self.most_secs < 1.0 {
            return format!("about {most} left");
        }
        format!("{least} to {most} left")
    }
}
