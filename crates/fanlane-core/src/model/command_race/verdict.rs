//! What a race of commands says: how many times faster which is, with its uncertainty, and the doubts about it.

use super::CommandRace;
use crate::model::race::secs_words;
use crate::model::statistics::{Comparison, OUTLIER_SCORE, Quotient, modified_z_scores};

/// Significance level: a difference that chance produces less often counts as one.
const CHANCE: f64 = 0.05;

/// A command compared with the base.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Relative {
    /// How many times as long as the base it took.
    pub quotient: f64,
    /// Half the width of the 95 % interval; `None` where there are too few runs.
    pub half_width: Option<f64>,
    /// The propagated standard deviations of single runs, as hyperfine gives them.
    pub deviation: f64,
    /// Probability that chance alone makes the difference; `None` where there are too few runs.
    pub p: Option<f64>,
}

impl CommandRace {
    /// A command compared with the base; `None` for the base itself, and before both have run.
    pub fn relative(&self, place: usize) -> Option<Relative> {
        let base = self.base().filter(|base| *base != place)?;
        let [one, other] = [self.commands[place].time()?, self.commands[base].time()?];
        if other.mean <= 0.0 {
            return None;
        }
        let quotient = Quotient::of(&one, &other);
        let welch = Comparison::of(&one, &other).map(|comparison| comparison.p);
        Some(match self.paired(place, base) {
            Some(paired) => Relative {
                quotient: paired.quotient,
                half_width: Some(paired.half_width()),
                deviation: quotient.deviation,
                p: Some(paired.p),
            },
            None => Relative {
                quotient: quotient.value,
                half_width: quotient.half_width,
                deviation: quotient.deviation,
                p: welch,
            },
        })
    }
}

/// The verdict: a sentence for each command but the base, and the doubts.
pub fn verdict(race: &CommandRace) -> Vec<String> {
    let Some(base) = race.base() else { return vec!["Nothing has run.".to_owned()] };
    let mut said = Vec::new();
    // The more comparisons, the likelier is one by chance.
    let comparisons = race.commands.len().saturating_sub(1).max(1) as f64;
    let name = |place: usize| format!("'{}'", race.commands[place].name);
    for place in (0..race.commands.len()).filter(|place| *place != base) {
        let Some(relative) = race.relative(place) else { continue };
        let half = |value: f64, half: Option<f64>| {
            half.map_or_else(|| format!("{value:.2}"), |half| format!("{value:.2} ± {half:.2}"))
        };
        said.push(match relative.p {
            None => format!(
                "{} and {} have to run twice at least before a difference means something.",
                name(base),
                name(place)
            ),
            Some(p) if p * comparisons >= CHANCE => {
                let [one, other] = [base, place].map(|place| race.commands[place].time().map_or(0.0, |time| time.mean));
                format!(
                    "{} is not significantly faster or slower than {}: {} against {}.",
                    name(place),
                    name(base),
                    secs_words(other),
                    secs_words(one)
                )
            }
            Some(_) if relative.quotient >= 1.0 => {
                format!(
                    "{} was {} times faster than {}.",
                    name(base),
                    half(relative.quotient, relative.half_width),
                    name(place)
                )
            }
            Some(_) => {
                let turned = 1.0 / relative.quotient;
                let width = relative.half_width.map(|half| half * turned * turned);
                format!("{} was {} times faster than {}.", name(place), half(turned, width), name(base))
            }
        });
    }
    for command in &race.commands {
        let outliers = outliers(&command.walls());
        if outliers > 0 {
            said.push(format!(
                "{outliers} of {} runs of '{}' took far longer or shorter than its others; something may have disturbed it.",
                command.runs.len(),
                command.name
            ));
        }
        let not_done = command.not_done();
        if not_done > 0 {
            let codes = command.runs.iter().find(|run| !run.is_done()).and_then(|run| run.exit_code);
            let how = codes.map_or_else(|| "a signal".to_owned(), |code| format!("exit code {code}"));
            said.push(format!(
                "{not_done} of {} runs of '{}' failed (the first with {how}), so its runs may not have done the same work.",
                command.runs.len(),
                command.name
            ));
        }
    }
    said
}

fn outliers(walls: &[f64]) -> usize {
    if walls.len() < 5 {
        0
    } else {
        modified_z_scores(walls).iter().filter(|score| score.abs() > OUTLIER_SCORE).count()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{CommandRun, RacedCommand};
    use super::*;

    fn command(name: &str, walls: &[f64]) -> RacedCommand {
        let run = |wall_secs: &f64| CommandRun { wall_secs: *wall_secs, exit_code: Some(0), ..CommandRun::default() };
        RacedCommand { name: name.to_owned(), runs: walls.iter().map(run).collect(), ..RacedCommand::default() }
    }

    #[test]
    fn pairs_tell_on_a_drifting_machine_what_separate_runs_do_not() {
        let drift: Vec<f64> = (0..10).map(|turn| 1.0 + f64::from(turn)).collect();
        let slower: Vec<f64> =
            drift.iter().enumerate().map(|(turn, secs)| secs * (1.05 + (turn % 3) as f64 / 1e3)).collect();
        let commands = vec![command("a", &drift), command("it's b", &slower)];
        let race = CommandRace { commands, reference: None, is_paired: true };
        let said = verdict(&race);
        assert!(said.len() == 1 && said[0].starts_with("'a' was 1.05 ± 0.00 times faster than 'it's b'"), "{said:?}");
        let apart = CommandRace { is_paired: false, ..race.clone() };
        assert!(verdict(&apart)[0].contains("not significantly"), "{:?}", verdict(&apart));
        let reference = CommandRace { reference: Some(1), ..race };
        assert!(verdict(&reference)[0].starts_with("'a' was 1.05 "), "{:?}", verdict(&reference));
        assert_eq!(reference.base(), Some(1));
    }

    #[test]
    fn failures_and_single_runs_are_told() {
        let mut failing = command("b", &[1.0]);
        failing.runs[0].exit_code = Some(3);
        let race = CommandRace { commands: vec![command("a", &[2.0]), failing], reference: None, is_paired: true };
        let said = verdict(&race);
        assert!(said[0].contains("run twice at least") && said[1].contains("exit code 3"), "{said:?}");
        assert_eq!(verdict(&CommandRace::default()), ["Nothing has run."]);
    }
}
