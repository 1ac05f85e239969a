//! How the inputs' rows become tasks and in which order these begin, as typed.

use fanlane_core::job::{Job, Order};

use super::typed::{Typed, refused, whole};
use super::{Field, FieldError};

/// How the inputs' rows become tasks and in which order these begin, as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderDraft {
    /// How many rows of the inputs go into a task; empty: one.
    pub max_args: String,
    /// Which tasks begin first, by their values: `priority:COLUMN`; empty: not by values.
    pub by_values: String,
    /// Tasks begin in a mixed order, unless values decide.
    pub shuffled: bool,
    /// What the mixed order depends on.
    pub seed: String,
    /// How many rows are chosen; empty: all.
    pub sample: String,
    /// What the choice depends on.
    pub sample_seed: String,
}

impl OrderDraft {
    pub(super) fn from_job(job: &Job) -> Self {
        let seed = seed_of(job);
        Self {
            max_args: job.max_args.map_or_else(String::new, |rows| rows.to_string()),
            by_values: job.order.typed().unwrap_or_default(),
            shuffled: seed.is_some(),
            seed: seed.map_or_else(String::new, |seed| seed.to_string()),
            sample: job.sample.map_or_else(String::new, |rows| rows.to_string()),
            sample_seed: if job.sample_seed == 0 { String::new() } else { job.sample_seed.to_string() },
        }
    }

    /// How many of the fields ask for something.
    pub fn filled(&self) -> usize {
        [!self.max_args.is_empty(), !self.by_values.is_empty() || self.shuffled, !self.sample.is_empty()]
            .into_iter()
            .filter(|asks| *asks)
            .count()
    }

    /// Puts what the fields say into the job.
    pub(super) fn merge_into(&self, job: &mut Job, opened: &Job, errors: &mut Vec<FieldError>) {
        let rows = Typed::new(Field::MaxArgs, &self.max_args, opened.max_args.as_ref(), u32::to_string);
        job.max_args = rows.read(errors, |text| whole(text, "10"));
        let sample = Typed::new(Field::Sample, &self.sample, opened.sample.as_ref(), u64::to_string);
        job.sample = sample.read(errors, |text| whole(text, "100"));
        let mut seed = |field, text: &str| {
            let typed: Typed<'_, u64> = Typed::new(field, text, None, u64::to_string);
            typed.read(errors, |text| whole(text, "7")).unwrap_or(0)
        };
        job.sample_seed = seed(Field::SampleSeed, &self.sample_seed);
        let shuffled = self.shuffled.then(|| Order::Shuffled { seed: seed(Field::Seed, &self.seed) });
        // A path that is no text, as no job file can hold, is kept for as long as nobody types.
        let by_values =
            Typed::new(Field::Order, &self.by_values, opened.order.typed().and(Some(&opened.order)), |order| {
                order.typed().unwrap_or_default()
            });
        let by_values = by_values.read(errors, |text| text.parse().map_err(|error: String| refused(text, &error)));
        job.order = by_values.or(shuffled).unwrap_or_default();
    }
}

const fn seed_of(job: &Job) -> Option<u64> {
    match job.order {
        Order::Shuffled { seed } => Some(seed),
        Order::AsGiven | Order::Priority(_) | Order::LongestFirst(_) => None,
    }
}
