//! The settings of a race as they are typed, and their errors.

use fanlane_core::job::{MAX_WORKERS, Mode};
use fanlane_core::model::race::{Contender, Rules, chunks};

/// The settings on the page Race.
#[derive(Clone, Debug, PartialEq)]
pub struct RaceDraft {
    /// The modes that take part, in the order of [`Mode::ALL`].
    pub modes: [bool; 3],
    /// Pool sizes, separated by commas.
    pub sizes: String,
    /// Number of runs of each contender; empty: as many as the precision takes.
    pub repeat: String,
    /// Time in seconds after which no further round starts.
    pub time_limit: String,
    /// Chunk sizes take part too, in the largest pool.
    pub chunks: bool,
    /// Number of tasks that are raced; empty: all, or of a long job as many as the time limit has room for.
    pub tasks: String,
}

impl RaceDraft {
    /// The defaults on a machine with `cores` cores.
    pub fn usual(cores: u32) -> Self {
        let sizes: Vec<String> = Contender::sizes_beyond(cores).iter().map(ToString::to_string).collect();
        Self {
            modes: [true; 3],
            sizes: sizes.join(", "),
            repeat: String::new(),
            time_limit: "60".to_owned(),
            chunks: false,
            tasks: String::new(),
        }
    }

    /// Pool sizes, smallest first.
    ///
    /// # Errors
    /// When they are not numbers in range.
    pub fn parsed_sizes(&self) -> Result<Vec<u32>, String> {
        let words = self.sizes.split([',', ' ']).filter(|word| !word.is_empty());
        let sizes: Option<Vec<u32>> =
            words.map(|word| word.parse().ok().filter(|size| (1..=MAX_WORKERS).contains(size))).collect();
        match sizes {
            Some(mut sizes) if !sizes.is_empty() => {
                sizes.sort_unstable();
                sizes.dedup();
                Ok(sizes)
            }
            _ => Err(format!(
                "Pool sizes: expected numbers from 1 to {MAX_WORKERS}, separated by commas, such as 1, 2, 4"
            )),
        }
    }

    /// The contenders for a batch of `tasks` tasks.
    ///
    /// # Errors
    /// The first invalid setting.
    pub fn contenders(&self, tasks: u64) -> Result<Vec<Contender>, String> {
        let sizes = self.parsed_sizes()?;
        let modes: Vec<Mode> =
            Mode::ALL.into_iter().zip(self.modes).filter(|(_, on)| *on).map(|(mode, _)| mode).collect();
        if modes.is_empty() {
            return Err("No mode is selected: select at least one".to_owned());
        }
        let mut contenders = Contender::sweep(&modes, &sizes);
        if self.chunks {
            let pool = Contender::new(Mode::Pool, *sizes.last().expect("there is a size"));
            if !contenders.contains(&pool) {
                contenders.push(pool.clone());
            }
            let sizes = chunks::usual_sizes(tasks, pool.workers).into_iter();
            contenders.extend(sizes.map(|chunk| Contender { chunk: Some(chunk), ..pool.clone() }));
        }
        Ok(contenders)
    }

    /// The number of tasks that are raced, if it is given.
    ///
    /// # Errors
    /// When it is no number.
    pub fn parsed_tasks(&self) -> Result<Option<u64>, String> {
        match self.tasks.trim() {
            "" => Ok(None),
            "all" => Ok(Some(u64::MAX)),
            text => match text.replace(',', "").parse::<u64>() {
                Ok(tasks) if tasks > 0 => Ok(Some(tasks)),
                _ => Err("Tasks: expected a number from 1 on, all, or nothing".to_owned()),
            },
        }
    }

    /// The rules.
    ///
    /// # Errors
    /// The first invalid setting.
    pub fn rules(&self, seed: u64) -> Result<Rules, String> {
        let defaults = Rules { seed, ..Rules::default() };
        let limit = self.time_limit.trim().parse::<f64>().ok().filter(|secs| secs.is_finite() && *secs >= 0.0);
        let time_limit_secs = limit.ok_or("Time limit: expected seconds, such as 60")?;
        let rules = Rules { time_limit_secs, ..defaults };
        match self.repeat.trim() {
            "" => Ok(rules),
            text => match text.parse::<u32>() {
                Ok(runs) if runs > 0 => Ok(Rules { least_runs: runs, most_runs: runs, ..rules }),
                _ => Err("Runs: expected a number from 1 on, or nothing".to_owned()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_becomes_contenders_and_rules_or_a_message() {
        let usual = RaceDraft::usual(4);
        assert_eq!(usual.sizes, "1, 2, 4, 8", "up to twice the cores");
        assert_eq!(usual.contenders(100).expect("fine").len(), 1 + 4 + 4);
        let tasks = |text: &str| RaceDraft { tasks: text.to_owned(), ..usual.clone() }.parsed_tasks();
        assert_eq!([tasks(""), tasks("1,000"), tasks("all")], [Ok(None), Ok(Some(1000)), Ok(Some(u64::MAX))]);
        assert!(tasks("0").is_err() && tasks("few").is_err());
        let chunked = RaceDraft { modes: [true, false, false], sizes: "2".to_owned(), chunks: true, ..usual.clone() };
        let names: Vec<String> = chunked.contenders(8).expect("fine").iter().map(Contender::name).collect();
        assert_eq!(names[..3], ["one process", "pool of 2", "pool of 2, chunks of 1"]);
        for sizes in ["", "0", "x", "1,,2 x", "2000"] {
            let wrong = RaceDraft { sizes: sizes.to_owned(), ..usual.clone() };
            assert!(wrong.contenders(1).expect_err(sizes).starts_with("Pool sizes: expected"), "{sizes}");
        }
        assert!(RaceDraft { modes: [false; 3], ..usual.clone() }.contenders(1).is_err());
        let five = RaceDraft { repeat: "5".to_owned(), ..usual.clone() }.rules(0).expect("fine");
        assert_eq!((five.least_runs, five.most_runs), (5, 5));
        assert!(RaceDraft { repeat: "0".to_owned(), ..usual.clone() }.rules(0).is_err());
        assert!(RaceDraft { time_limit: "soon".to_owned(), ..usual }.rules(0).is_err());
    }
}
