//! The verdict of a race: one sentence with its uncertainty, and the doubts about it.

use crate::job::Mode;
use crate::model::format;
use crate::model::statistics::{Comparison, Quotient, Summary};

use super::outcome::RaceModel;
use super::standing::{Standing, knee_of};
use super::{RaceEnd, Until};

/// Significance level: a difference that chance produces less often counts as one.
const CHANCE: f64 = 0.05;
/// Share of the CPU used by other programs above which it is mentioned.
const BUSY: f64 = 0.10;
/// Share of their time on a core above which tasks count as needing a core.
const NEEDS_CORES: f64 = 0.5;

/// The verdict of a race.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Verdict {
    /// The sentence.
    pub sentence: String,
    /// What makes it less certain, one sentence each.
    pub doubts: Vec<String>,
}

impl RaceModel {
    /// The verdict so far. For a race of several cases, its sentence counts the cases in which the pool was faster.
    pub fn verdict(&self) -> Verdict {
        let Some(header) = &self.header else { return Verdict::default() };
        let sentence = if header.cases.len() > 1 { self.many_cases() } else { self.one_case() };
        let sentence = match &self.end {
            None => format!("So far: {}", uncapitalised(&sentence)),
            Some(RaceEnd::Stopped) => format!("Stopped early: {}", uncapitalised(&sentence)),
            Some(RaceEnd::Failed(why)) => {
                format!("The race broke off, because {why}. Until then: {}", uncapitalised(&sentence))
            }
            Some(_) => sentence,
        };
        Verdict { sentence, doubts: self.doubts() }
    }

    fn one_case(&self) -> String {
        let standings = self.standings(0);
        let Some((base, best, rivals)) = self.base_and_best(&standings, 0) else {
            return "nothing can be compared before two ways of running have run.".to_owned();
        };
        let comparison = Comparison::of(&base.time, &best.time);
        let Some(comparison) = comparison else {
            return "each way has to run twice at least before a difference means something.".to_owned();
        };
        let [base_name, best_name] = [base, best].map(|one| self.contenders()[one.contender].name_in_sentence());
        // The best of many is also the luckiest: the level is divided by the number of comparisons.
        if comparison.p * rivals as f64 >= CHANCE {
            let secs = |one: &Standing| secs_words(one.time.mean);
            let contender = &self.contenders()[best.contender];
            let verb = if contender.mode == Mode::Threads && contender.workers != 1 { "are" } else { "is" };
            return capitalised(&format!(
                "{best_name} {verb} not significantly faster or slower than {base_name}: {} against {}.",
                secs(best),
                secs(base),
            ));
        }
        let mut sentence = if best.time.mean < base.time.mean {
            let quotient = Quotient::of(&base.time, &best.time);
            format!("{best_name} {} {} times faster than {base_name}", self.was(best), quotient_words(&quotient))
        } else {
            let quotient = Quotient::of(&best.time, &base.time);
            let rest = if rivals > 1 { format!("the best of the others, {best_name}") } else { best_name };
            format!("{base_name} {} {} times faster than {rest}", self.was(base), quotient_words(&quotient))
        };
        sentence += &self.knee_words();
        capitalised(&(sentence + "."))
    }

    fn was(&self, standing: &Standing) -> &'static str {
        match &self.contenders()[standing.contender] {
            one if one.mode == Mode::Threads && one.workers != 1 => "were",
            _ => "was",
        }
    }

    /// The baseline, the fastest of the others, and how many others there are.
    fn base_and_best<'a>(&self, standings: &'a [Standing], case: u32) -> Option<(&'a Standing, &'a Standing, usize)> {
        let base = standings.iter().find(|one| Some(one.contender) == self.baseline(case))?;
        // Chunk sizes have a view of their own.
        let is_rival = |one: &&Standing| self.contenders()[one.contender].chunk.is_none();
        let others = standings.iter().filter(|one| one.contender != base.contender).filter(is_rival);
        let rivals = others.clone().count();
        let best = others.min_by(|one, other| one.time.mean.total_cmp(&other.time.mean))?;
        Some((base, best, rivals))
    }

    /// The mode whose sizes are judged: pools, or threads where there is no pool.
    pub fn scaling_mode(&self) -> Mode {
        if self.sizes(Mode::Pool).is_empty() { Mode::Threads } else { Mode::Pool }
    }

    /// The sizes that a law of scaling can be fitted to. For tasks that need a core, sizes beyond the number of cores
    /// are left out, since no law holds there.
    pub fn scaling_sizes(&self) -> Vec<(u32, Summary)> {
        let mode = self.scaling_mode();
        let mut sizes = self.sizes(mode);
        let cores = self.header.as_ref().map_or(0, |header| header.evidence.logical_cores);
        if cores > 0 && self.cpu_share(mode) > NEEDS_CORES {
            sizes.retain(|(workers, _)| *workers <= cores);
        }
        sizes
    }

    /// The share of CPU time in the tasks' time, 0 to 1, in the smallest size of a mode.
    fn cpu_share(&self, mode: Mode) -> f64 {
        let of_mode = self.contenders().iter().enumerate().filter(|(_, one)| one.mode == mode && one.case == 0);
        let Some((place, _)) = of_mode.min_by_key(|(_, one)| one.workers) else { return 0.0 };
        let busy_ns = self.mean_of(place, |run| run.lane_time.busy_ns as f64);
        if busy_ns > 0.0 { self.mean_of(place, |run| run.cpu_ns as f64) / busy_ns } else { 0.0 }
    }

    fn knee_words(&self) -> String {
        let sizes = self.sizes(self.scaling_mode());
        let times: Vec<(u32, f64)> = sizes.iter().map(|(workers, time)| (*workers, time.mean)).collect();
        match (knee_of(&times), times.last()) {
            (Some(knee), Some((largest, _))) if knee < *largest => {
                format!("; more than {} will not help", format::plural(knee.into(), "worker"))
            }
            (Some(knee), _) => format!("; more than {} were not tried", format::plural(knee.into(), "worker")),
            _ => String::new(),
        }
    }

    fn many_cases(&self) -> String {
        let Some(header) = &self.header else { return String::new() };
        let mut won = 0;
        let mut judged = 0;
        for case in 0..header.cases.len() as u32 {
            let of_most = |mode: Mode| {
                let contenders = self.contenders().iter().enumerate();
                let alike = contenders.filter(|(_, one)| one.case == case && one.mode == mode);
                alike.max_by_key(|(_, one)| one.tasks).and_then(|(place, _)| self.time(place))
            };
            if let (Some(one), Some(pool)) = (of_most(Mode::One), of_most(Mode::Pool))
                && let Some(comparison) = Comparison::of(&one, &pool)
            {
                judged += 1;
                won += u32::from(comparison.p < CHANCE && pool.mean < one.mean);
            }
        }
        if judged == 0 {
            return "each way has to run twice at least before a difference means something.".to_owned();
        }
        let measured = if header.rules.until == Until::LastWorker { ", starting and ending it included" } else { "" };
        format!("The largest pool was faster than one process in {won} of {judged} workloads{measured}.")
    }

    fn doubts(&self) -> Vec<String> {
        let mut doubts = Vec::new();
        if let Some(share) = self.cpu().other_share().filter(|share| *share > BUSY) {
            doubts.push(format!(
                "Other programs used {} of the CPU during this race, so its times are longer and scatter more.",
                format::percent(share * 100.0)
            ));
        }
        let standings: Vec<Standing> = self
            .header
            .iter()
            .flat_map(|header| 0..header.cases.len() as u32)
            .flat_map(|case| self.standings(case))
            .collect();
        let disturbed: Vec<&Standing> = standings.iter().filter(|one| one.outliers > 0).collect();
        match disturbed.as_slice() {
            [] => {}
            [one] => doubts.push(format!(
                "{} of {} of {} took far longer or shorter than its others; something may have disturbed it.",
                one.outliers,
                format::plural(one.time.count as u64, "run"),
                self.contenders()[one.contender].name(),
            )),
            many => doubts.push(format!(
                "{} took far longer or shorter than the others of their way; something may have disturbed them.",
                format::plural(many.iter().map(|one| one.outliers as u64).sum(), "run"),
            )),
        }
        let not_done = standings.iter().map(|one| one.not_done).max().unwrap_or(0);
        if not_done > 0 {
            let told =
                standings.iter().find_map(|one| Some((self.contenders()[one.contender].name(), one.failure.as_ref()?)));
            let which =
                told.map_or_else(String::new, |(name, why)| format!(" (the first in {}, {why})", uncapitalised(&name)));
            doubts.push(format!(
                "Up to {} of a run did not succeed{which}, so the runs may not have done the same work.",
                format::plural(not_done, "task")
            ));
        }
        let widest = standings.iter().filter_map(|one| one.time.relative_half_width()).max_by(f64::total_cmp);
        let wanted = self.header.as_ref().map_or(0.0, |header| header.rules.wanted_share);
        if let (Some(widest), Some(RaceEnd::TimeLimit | RaceEnd::MostRuns)) = (widest, &self.end)
            && widest > wanted
        {
            doubts.push(format!(
                "{}; times are accurate to ±{:.0} %.",
                match self.end {
                    Some(RaceEnd::TimeLimit) => "Time limit reached",
                    _ => "Largest number of runs reached",
                },
                widest * 100.0
            ));
        }
        doubts
    }
}

/// A time in seconds for people: `1.23 s`.
pub fn secs_words(secs: f64) -> String {
    format::duration((secs.max(0.0) * 1e9).round() as u64)
}

/// `3.12 ± 0.08`: as many decimals as the uncertainty deserves.
fn quotient_words(quotient: &Quotient) -> String {
    let half = quotient.half_width.unwrap_or(quotient.deviation);
    let decimals = if half > 0.0 { (-half.log10().floor()).clamp(0.0, 3.0) as usize } else { 2 };
    format!("{:.decimals$} ± {half:.decimals$}", quotient.value)
}

/// As the continuation of a sentence.
fn uncapitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

fn capitalised(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}", first.to_uppercase(), letters.as_str()))
}
