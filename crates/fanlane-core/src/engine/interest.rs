//! What is wanted of the output of running tasks: nothing, unless someone looks.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::RunCommand;
use crate::event::TaskId;

/// Maximum number of tasks that are followed at the same time.
const MAX_FOLLOWED: usize = 64;

/// How much of what running tasks print is told while they run, in rising order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum OutputLevel {
    /// Nothing.
    #[default]
    Nothing,
    /// The latest line of each lane, a few times a second.
    LatestLines,
    /// The output of each task at a bounded rate: of a task that prints more, parts are skipped.
    Stream,
    /// The whole output of each task; a task that prints faster than its output is taken waits.
    Everything,
}

/// A level for all tasks, and the tasks that are followed beyond that.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputInterest {
    /// For all tasks.
    pub level: OutputLevel,
    /// At least at the level [`OutputLevel::Stream`].
    pub followed: BTreeSet<TaskId>,
}

impl OutputInterest {
    /// The level for all tasks, with no task followed.
    pub const fn of_all(level: OutputLevel) -> Self {
        Self { level, followed: BTreeSet::new() }
    }

    /// Whether nothing is wanted.
    pub fn is_nothing(&self) -> bool {
        self.level == OutputLevel::Nothing && self.followed.is_empty()
    }

    /// The level for one task.
    pub fn of(&self, task: TaskId) -> OutputLevel {
        if self.followed.contains(&task) { self.level.max(OutputLevel::Stream) } else { self.level }
    }

    /// Takes in a command; returns whether it was about output.
    pub fn apply(&mut self, command: RunCommand) -> bool {
        match command {
            RunCommand::Watch(level) => self.level = level,
            RunCommand::Follow(task) if self.followed.len() < MAX_FOLLOWED => drop(self.followed.insert(task)),
            RunCommand::Unfollow(task) => drop(self.followed.remove(&task)),
            RunCommand::Follow(_) => {}
            _ => return false,
        }
        true
    }

    /// What is wanted by all of these together.
    pub fn union<'a>(all: impl Iterator<Item = &'a Self>) -> Self {
        all.fold(Self::default(), |union, one| Self {
            level: union.level.max(one.level),
            followed: union.followed.into_iter().chain(one.followed.iter().copied()).take(MAX_FOLLOWED).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_followed_task_is_streamed_whatever_is_wanted_of_the_others() {
        let mut interest = OutputInterest::default();
        assert!(interest.is_nothing());
        assert!(interest.apply(RunCommand::Follow(TaskId(3))) && !interest.apply(RunCommand::Pause));
        assert!(!interest.is_nothing());
        let levels = [OutputLevel::Nothing, OutputLevel::LatestLines, OutputLevel::Stream, OutputLevel::Everything];
        for level in levels {
            interest.apply(RunCommand::Watch(level));
            assert_eq!((interest.of(TaskId(2)), interest.of(TaskId(3))), (level, level.max(OutputLevel::Stream)));
        }
        let lines = OutputInterest::of_all(OutputLevel::LatestLines);
        interest.apply(RunCommand::Watch(OutputLevel::Nothing));
        let both = OutputInterest::union([&lines, &interest].into_iter());
        assert_eq!(both, OutputInterest { followed: [TaskId(3)].into(), ..lines });
        interest.apply(RunCommand::Unfollow(TaskId(3)));
        assert!(interest.is_nothing());
    }
}
