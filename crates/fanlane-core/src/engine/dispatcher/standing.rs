//! Where the run and its tasks stand, for those who steer it without following its events.

use super::{Dispatcher, WorkerState};
use crate::engine::{RunStanding, TaskStanding};
use crate::event::TaskId;

impl Dispatcher {
    /// Where the run is, and one of its tasks.
    pub fn standing(&self, task: Option<TaskId>) -> RunStanding {
        RunStanding {
            is_paused: self.paused,
            is_stopping: self.stopping,
            workers: self.pool,
            task: task.map(|task| self.standing_of(task)),
        }
    }

    fn standing_of(&self, task: TaskId) -> TaskStanding {
        let is_at_it = |state: &WorkerState| state.in_flight.front().is_some_and(|first| first.task == task);
        if task.0 >= self.plan.tasks {
            TaskStanding::Absent
        } else if self.workers.values().any(is_at_it) {
            TaskStanding::Running
        } else if self.has_not_ended(task) {
            TaskStanding::Waiting
        } else {
            TaskStanding::Ended
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Simulation, plan};
    use super::super::{Input, Outcome};
    use super::*;
    use crate::engine::RunCommand;

    #[test]
    fn where_a_task_stands_is_told_at_each_step() {
        use TaskStanding::{Absent, Ended, Running, Waiting};
        let mut simulation = Simulation::with_workers(plan(3, 1));
        let standings = |simulation: &Simulation| -> Vec<TaskStanding> {
            (0..4).filter_map(|task| simulation.dispatcher.standing(Some(TaskId(task))).task).collect()
        };
        assert_eq!(standings(&simulation), [Running, Waiting, Waiting, Absent]);
        simulation.put(Input::Command(RunCommand::Cancel(TaskId(2))));
        assert_eq!(standings(&simulation), [Running, Waiting, Ended, Absent]);
        simulation.put(Input::Command(RunCommand::Pause));
        simulation.finish(0, Outcome::Done);
        assert_eq!(standings(&simulation), [Ended, Waiting, Ended, Absent]);
        let standing = simulation.dispatcher.standing(None);
        assert!(standing.is_paused && !standing.is_stopping && standing.workers == 1 && standing.task.is_none());
        simulation.put(Input::Command(RunCommand::Stop));
        assert!(simulation.dispatcher.standing(None).is_stopping);
        assert_eq!(standings(&simulation), [Ended, Ended, Ended, Absent]);
    }
}
