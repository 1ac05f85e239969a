//! Batches that grow while they run.

use super::{Dispatcher, Effect};
use crate::event::{EventKind, RunEvent};

impl Dispatcher {
    /// There are `tasks` by now, and no more will come where the batch is complete. After a fault nothing is begun any
    /// more; what runs is let finish.
    pub(super) fn grown(
        &mut self,
        now_ns: u64,
        tasks: u64,
        complete: bool,
        fault: Option<String>,
        effects: &mut Vec<Effect>,
    ) {
        if self.complete || self.stopping {
            return;
        }
        if tasks > self.plan.tasks {
            self.plan.tasks = tasks;
            self.queue.grow(tasks);
        }
        self.complete = complete;
        effects.push(Effect::Emit(EventKind::Run(RunEvent::BatchGrew { tasks: self.plan.tasks, complete })));
        if let Some(reason) = fault {
            effects.push(Effect::Emit(EventKind::Run(RunEvent::InputsBroke { reason })));
            self.cancel_waiting(now_ns, effects);
        }
    }
}
