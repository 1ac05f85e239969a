//! The order of turns: blocks in which each contender runs once, shuffled for each block, so that a machine that gets
//! slower or busier affects all contenders alike.

use serde::{Deserialize, Serialize};

use crate::job::Order;
use crate::job::order::TaskOrder;

use super::Rules;

/// One run of a race.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// The block, from 0; warm-up blocks come first.
    pub block: u32,
    /// Index of the contender that runs.
    pub contender: usize,
    /// Whether it is a warm-up run, which does not count.
    pub warm_up: bool,
}

/// Why a race is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RaceEnd {
    /// Every mean is as precise as required, or each contender has run as often as requested.
    Enough,
    /// The time limit was reached before that.
    TimeLimit,
    /// Each contender has run as often as the rules allow.
    MostRuns,
    /// It was stopped.
    Stopped,
    /// A run could not be started; the text says why.
    Failed(String),
}

/// The turns of a race.
#[derive(Clone, Debug)]
pub struct Schedule {
    rules: Rules,
    contenders: usize,
    block: u32,
    place: usize,
}

impl Schedule {
    /// The turns of a number of contenders, at least 1.
    pub fn new(rules: Rules, contenders: usize) -> Self {
        Self { rules, contenders, block: 0, place: 0 }
    }

    /// The next turn, or why there is none. `is_precise` tells whether every mean is as precise as required; it is
    /// called only between blocks, so that all contenders run equally often.
    pub fn next(&mut self, elapsed_secs: f64, is_precise: impl FnOnce() -> bool) -> Result<Turn, RaceEnd> {
        if self.place == 0 {
            let counted = self.block.saturating_sub(self.rules.warm_up);
            if counted >= self.rules.least_runs && self.block >= self.rules.warm_up {
                if counted >= self.rules.most_runs {
                    let asked = self.rules.least_runs == self.rules.most_runs;
                    return Err(if asked || is_precise() { RaceEnd::Enough } else { RaceEnd::MostRuns });
                }
                if is_precise() {
                    return Err(RaceEnd::Enough);
                }
                if elapsed_secs >= self.rules.time_limit_secs {
                    return Err(RaceEnd::TimeLimit);
                }
            }
        }
        let seed = self.rules.seed.wrapping_add(u64::from(self.block));
        let order = TaskOrder::new(&Order::Shuffled { seed }, self.contenders as u64);
        let contender = order.task_at(self.place as u64).0 as usize;
        let turn = Turn { block: self.block, contender, warm_up: self.block < self.rules.warm_up };
        self.place += 1;
        if self.place == self.contenders {
            self.place = 0;
            self.block += 1;
        }
        Ok(turn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(rules: &Rules, contenders: usize, secs_per_turn: f64, precise_from: usize) -> (Vec<Turn>, RaceEnd) {
        let mut schedule = Schedule::new(rules.clone(), contenders);
        let mut turns = Vec::new();
        loop {
            match schedule.next(turns.len() as f64 * secs_per_turn, || turns.len() >= precise_from) {
                Ok(turn) => turns.push(turn),
                Err(end) => return (turns, end),
            }
        }
    }

    #[test]
    fn each_contender_runs_once_in_each_block_in_an_order_that_the_seed_decides() {
        let rules = Rules { seed: 7, most_runs: 20, ..Rules::default() };
        let (all, end) = turns(&rules, 5, 0.0, usize::MAX);
        assert_eq!((all.len(), end), (21 * 5, RaceEnd::MostRuns));
        let orders: Vec<Vec<usize>> =
            all.chunks(5).map(|block| block.iter().map(|turn| turn.contender).collect()).collect();
        for (number, block) in all.chunks(5).enumerate() {
            let mut contenders: Vec<usize> = block.iter().map(|turn| turn.contender).collect();
            contenders.sort_unstable();
            assert_eq!(contenders, [0, 1, 2, 3, 4]);
            assert!(block.iter().all(|turn| turn.block as usize == number && turn.warm_up == (number == 0)));
        }
        let distinct: std::collections::HashSet<_> = orders.iter().collect();
        assert!(distinct.len() > 10, "the blocks are mixed: {orders:?}");
        assert_eq!(turns(&rules, 5, 0.0, usize::MAX).0, all, "the same seed gives the same order");
        let other = Rules { seed: 8_000_000, ..rules };
        assert_ne!(turns(&other, 5, 0.0, usize::MAX).0, all, "another seed gives another");
    }

    #[test]
    fn a_race_ends_when_it_knows_enough_or_has_no_time_but_never_before_the_least_runs() {
        let rules = Rules { warm_up: 1, least_runs: 3, ..Rules::default() };
        assert_eq!(turns(&rules, 2, 0.0, 0).0.len(), 2 * 4, "known at once");
        assert_eq!(turns(&rules, 2, 0.0, 9), (turns(&rules, 2, 0.0, 10).0, RaceEnd::Enough), "asked between blocks");
        let (all, end) = turns(&rules, 2, 1000.0, usize::MAX);
        assert_eq!((all.len(), end), (2 * 4, RaceEnd::TimeLimit), "the limit waits for the least runs");
        let (all, end) = turns(&rules, 2, 5.0, usize::MAX);
        assert_eq!((all.len(), end), (12, RaceEnd::TimeLimit), "60 seconds are over after the sixth block");
    }

    #[test]
    fn a_number_of_runs_that_was_asked_for_is_kept() {
        let rules = Rules { warm_up: 0, least_runs: 4, most_runs: 4, time_limit_secs: 0.0, ..Rules::default() };
        let (all, end) = turns(&rules, 3, 1.0, 0);
        assert_eq!((all.len(), end), (12, RaceEnd::Enough));
        assert!(all.iter().all(|turn| !turn.warm_up));
    }
}
