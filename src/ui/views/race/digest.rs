//! The figures of a race, worked out once after each run.

use crate::session::race::{NoWhatIf, WhatIf};
use fanlane_core::model::race::laws::{Amdahl, NoFit, SizeTime, Usl};
use fanlane_core::model::race::pep371::WorkSet;
use fanlane_core::model::race::{RaceModel, Standing, Verdict, Waterfall, knee_within};
use fanlane_core::model::statistics::Summary;

/// The figures of a race.
pub struct Digest {
    serial: u64,
    runs: usize,
    ended: bool,
    started_unix_ms: u64,
    pub verdict: Verdict,
    /// `on 60 of 5,000 tasks`; `None` where all were raced.
    pub sample: Option<String>,
    /// The machine and the conditions, in a line.
    pub evidence: String,
    /// Of the first case.
    pub standings: Vec<Standing>,
    /// For each contender.
    pub falls: Vec<Option<Waterfall>>,
    /// Pool sizes with their times, smallest first.
    pub sizes: Vec<(u32, Summary)>,
    pub knee: Option<u32>,
    pub amdahl: Result<Amdahl, NoFit>,
    pub usl: Result<Usl, NoFit>,
    /// The laws are fitted without the sizes beyond the number of cores.
    pub left_out: bool,
    pub what_if: Result<WhatIf, NoWhatIf>,
}

impl Digest {
    pub fn of(serial: u64, model: &RaceModel) -> Self {
        let sizes = model.sizes(model.scaling_mode());
        let fitted: Vec<SizeTime> = model.scaling_sizes().iter().map(SizeTime::of).collect();
        let knee = knee_within(&sizes.iter().map(|(size, time)| (*size, time.mean)).collect::<Vec<_>>());
        let header = model.header.as_ref();
        Self {
            serial,
            runs: model.runs.len(),
            ended: model.end.is_some(),
            started_unix_ms: header.map_or(0, |header| header.evidence.started_unix_ms),
            verdict: model.verdict(),
            sample: header.and_then(|header| header.cases.first()?.sample_words()),
            evidence: header.map_or_else(String::new, |header| {
                let evidence = &header.evidence;
                let day = crate::ui::widgets::quantity::day(evidence.started_unix_ms);
                let sample = header.cases.first().and_then(|case| case.sample_words());
                let sample = sample.map_or_else(String::new, |words| format!(" {words}"));
                let python = model.interpreter.as_ref();
                let python =
                    python.map_or_else(String::new, |facts| format!(", {}", facts.words_in(model.mode_of_lock())));
                format!(
                    "{}{sample}: {}, {}, Fanlane {}, {day}{python}",
                    header.name,
                    evidence.words(),
                    evidence.system,
                    evidence.fanlane
                )
            }),
            standings: model.standings(0),
            falls: (0..model.contenders().len()).map(|place| model.waterfall(place)).collect(),
            knee,
            amdahl: Amdahl::fit(&fitted),
            usl: Usl::fit(&fitted),
            left_out: fitted.len() < sizes.len(),
            sizes,
            what_if: WhatIf::of(model),
        }
    }

    /// Whether it is up to date.
    pub fn is_of(&self, serial: u64, model: &RaceModel) -> bool {
        self.serial == serial && self.runs == model.runs.len() && self.ended == model.end.is_some()
    }

    /// Whether it is about this race, by the time at which the race began.
    pub fn is_about(&self, model: &RaceModel) -> bool {
        model.header.as_ref().is_some_and(|header| header.evidence.started_unix_ms == self.started_unix_ms)
    }
}

/// Whether the race is of the six workloads of PEP 371.
pub fn is_wall(model: &RaceModel) -> bool {
    model.header.as_ref().and_then(WorkSet::of).is_some()
}
