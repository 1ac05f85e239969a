//! A race of commands: different commands against each other, their times, and how they compare. Pure: nothing is started here.

mod verdict;

use crate::model::statistics::{Paired, Summary, median, median_interval};

pub use verdict::{Relative, verdict};

/// A race of commands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CommandRace {
    /// The commands, in the order in which they were given.
    pub commands: Vec<RacedCommand>,
    /// The command that the others are compared with; `None`: the fastest.
    pub reference: Option<usize>,
    /// The runs are in turns: those of the same number belong together.
    pub is_paired: bool,
}

/// A command of a race.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RacedCommand {
    /// Its name, or its command line.
    pub name: String,
    /// The values of the parameters that it has.
    pub parameters: Vec<(String, String)>,
    /// Its counted runs, in their order.
    pub runs: Vec<CommandRun>,
}

/// A run of a command.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CommandRun {
    /// How long it took, in seconds, without the start of a shell.
    pub wall_secs: f64,
    /// CPU time in the program, in seconds.
    pub user_secs: f64,
    /// CPU time in the system, in seconds.
    pub system_secs: f64,
    /// Peak memory of its largest process, in bytes; `None`: unknown.
    pub memory_bytes: Option<u64>,
    /// Its exit code; `None`: a signal ended it.
    pub exit_code: Option<i32>,
}

impl CommandRun {
    /// Whether it ended with exit code 0.
    pub fn is_done(&self) -> bool {
        self.exit_code == Some(0)
    }
}

impl RacedCommand {
    /// The times of its runs, in seconds.
    pub fn walls(&self) -> Vec<f64> {
        self.runs.iter().map(|run| run.wall_secs).collect()
    }

    /// The summary of its times; `None` before its first run.
    pub fn time(&self) -> Option<Summary> {
        Summary::of(&self.walls())
    }

    /// The 95 % interval of the median of its times, where there are enough runs.
    pub fn median_interval(&self) -> Option<(f64, f64)> {
        median_interval(&self.walls())
    }

    /// The mean of something of its runs; 0 before the first.
    pub fn mean_of(&self, value: impl Fn(&CommandRun) -> f64) -> f64 {
        let sum: f64 = self.runs.iter().map(value).sum();
        if self.runs.is_empty() { 0.0 } else { sum / self.runs.len() as f64 }
    }

    /// The median of the peaks of its memory, in bytes.
    pub fn memory_bytes(&self) -> Option<u64> {
        let peaks: Vec<f64> = self.runs.iter().filter_map(|run| run.memory_bytes).map(|bytes| bytes as f64).collect();
        median(&peaks).map(|bytes| bytes as u64)
    }

    /// Number of runs that did not end with exit code 0.
    pub fn not_done(&self) -> usize {
        self.runs.iter().filter(|run| !run.is_done()).count()
    }
}

impl CommandRace {
    /// The place of the command that the others are compared with: the reference, or the fastest; `None` before the first run.
    pub fn base(&self) -> Option<usize> {
        let timed = self.commands.iter().enumerate().filter_map(|(place, command)| Some((place, command.time()?)));
        let fastest = timed.min_by(|(_, one), (_, other)| one.mean.total_cmp(&other.mean)).map(|(place, _)| place);
        self.reference.filter(|place| self.commands[*place].time().is_some()).or(fastest)
    }

    /// Two commands by the pairs of their runs; `None` where the runs are not in pairs.
    pub fn paired(&self, one: usize, other: usize) -> Option<Paired> {
        let pairs = || self.commands[one].runs.iter().zip(&self.commands[other].runs);
        let is_whole = self.commands[one].runs.len() == self.commands[other].runs.len();
        let times: Vec<(f64, f64)> = pairs().map(|(one, other)| (one.wall_secs, other.wall_secs)).collect();
        if self.is_paired && is_whole { Paired::of(&times) } else { None }
    }
}
