//! A run that goes on after its end with some of its tasks: the part that runs them has ids and times of its own, and what is
//! shown stays the whole.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use fanlane_core::engine::RunCommand;
use fanlane_core::event::{Event, TaskId};
use fanlane_core::model::{Continuation, Earlier, RunModel};

use super::RunOrigin;

/// A run that has ended, and the tasks of it that run again: its model goes on.
#[derive(Clone)]
pub(in crate::session) struct Whole {
    pub(super) origin: RunOrigin,
    pub(super) model: Arc<Mutex<RunModel>>,
    /// By their ids in the part that runs them.
    pub(super) tasks: Vec<TaskId>,
    /// The tasks that the first of its runs had left out.
    pub(super) earlier: Earlier,
}

/// The tasks of a run that went on, and whether the first event has come.
pub(super) struct Part {
    tasks: Vec<TaskId>,
    has_begun: Arc<AtomicBool>,
}

impl Part {
    /// The first event has come.
    pub(super) fn has_begun(&self) -> bool {
        self.has_begun.load(Ordering::Acquire)
    }

    /// The command with the id that its task has here; `None` if it is not among these.
    pub(super) fn command(&self, command: RunCommand) -> Option<RunCommand> {
        command.translated(|task| self.tasks.binary_search(&task).ok().map(|place| TaskId(place as u64)))
    }
}

/// Folds the events of a run into its model, or those of a part into that of the whole.
pub(super) struct Fold(Option<(Continuation, Arc<AtomicBool>)>);

impl Fold {
    pub(super) fn take(&mut self, model: &mut RunModel, event: Event) {
        match &mut self.0 {
            None => model.take(event),
            Some((part, has_begun)) => {
                part.take(model, event);
                has_begun.store(true, Ordering::Release);
            }
        }
    }
}

/// What is shown of a run that is about to start.
pub(super) struct Shown {
    pub origin: RunOrigin,
    pub model: Arc<Mutex<RunModel>>,
    pub part: Option<Part>,
    pub earlier: Earlier,
}

impl Shown {
    /// A run by itself, or the whole that goes on with it, and how its events are folded.
    pub fn of(origin: RunOrigin, whole: Option<Whole>) -> (Self, Fold) {
        let Some(Whole { origin, model, tasks, earlier }) = whole else {
            let model = Arc::new(Mutex::new(RunModel::default()));
            return (Self { origin, model, part: None, earlier: Earlier::default() }, Fold(None));
        };
        let has_begun = Arc::new(AtomicBool::new(false));
        let fold = Fold(Some((Continuation::new(tasks.clone()), Arc::clone(&has_begun))));
        (Self { origin, model, part: Some(Part { tasks, has_begun }), earlier }, fold)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_about_a_task_reaches_it_by_its_id_in_the_part() {
        let part = Part { tasks: vec![TaskId(3), TaskId(7)], has_begun: Arc::default() };
        for about in [
            RunCommand::Cancel,
            RunCommand::Follow,
            RunCommand::Unfollow,
            RunCommand::Restart,
            RunCommand::Skip,
            RunCommand::Locate,
            RunCommand::Raise,
            |task| RunCommand::SetPriority { task, priority: 3 },
            |task| RunCommand::SetBreakpoint { task, is_set: true },
        ] {
            assert_eq!(part.command(about(TaskId(7))), Some(about(TaskId(1))));
            assert_eq!(part.command(about(TaskId(5))), None, "it does not run again");
        }
        assert_eq!(part.command(RunCommand::SetWorkers(5)), Some(RunCommand::SetWorkers(5)));
    }
}
