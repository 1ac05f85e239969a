//! The order in which tasks start, as typed: by values, or shuffled with a seed.

use fanlane_core::job::{Order, field};

/// The order in which tasks start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderDraft {
    /// Which tasks start first, by their values: `priority:COLUMN`; empty: not by values.
    pub by_values: String,
    /// Tasks start in a mixed order, unless values decide.
    pub shuffled: bool,
    /// What the mixed order depends on.
    pub seed: String,
}

impl OrderDraft {
    pub(super) fn from_order(order: &Order) -> Self {
        let seed = match order {
            Order::Shuffled { seed } => Some(seed),
            Order::AsGiven | Order::Priority(_) | Order::LongestFirst(_) => None,
        };
        Self {
            by_values: order.typed().unwrap_or_default(),
            shuffled: seed.is_some(),
            seed: seed.map_or_else(String::new, u64::to_string),
        }
    }

    pub(super) fn to_order(&self, opened: &Order) -> Result<Order, String> {
        // A path that is no text, as no job file can hold, is kept for as long as nothing is typed.
        if *self == Self::from_order(opened) {
            return Ok(opened.clone());
        }
        let by_values = self.by_values.trim();
        if !by_values.is_empty() {
            return by_values.parse().map_err(|error: String| format!("{by_values:?}: {error}"));
        }
        match self.seed.trim() {
            _ if !self.shuffled => Ok(Order::AsGiven),
            "" => Ok(Order::Shuffled { seed: 0 }),
            seed => match seed.parse() {
                Ok(seed) => Ok(Order::Shuffled { seed }),
                Err(_) => Err(format!("{seed:?}: expected a whole number such as {}", field::SAMPLE_SEED.example)),
            },
        }
    }
}
