//! Tasks that are ended and put back: because memory runs out, or because that was asked for.

use super::queue::Pending;
use super::{Dispatcher, Effect};
use crate::event::{AttemptRecord, EventKind, Outcome, TaskEvent};

impl Dispatcher {
    /// Ends the task that began last and puts it back into the queue, unless one is being ended already. The only running
    /// task is never ended: the run would not get on.
    pub(super) fn end_youngest(&mut self, effects: &mut Vec<Effect>) {
        if self.stopping || !self.set_aside.is_empty() {
            return;
        }
        let busy = self.workers.values().filter(|state| !state.in_flight.is_empty()).count();
        let running = self.workers.iter().filter_map(|(worker, state)| {
            let (task, start_ns) = state.started?;
            let is_at_it = state.in_flight.front().is_some_and(|first| first.task == task);
            (is_at_it && !self.unwanted.contains(&task)).then_some((start_ns, task, *worker))
        });
        if let Some((_, task, worker)) = running.max()
            && busy > 1
        {
            self.set_aside.insert(task);
            effects.push(Effect::Cancel { worker, task });
        }
    }

    /// Puts a task that was ended in order to begin again back into the queue, without counting a failure; false if it ended
    /// in another way.
    pub(super) fn put_back_set_aside(
        &mut self,
        record: &AttemptRecord,
        mut pending: Pending,
        effects: &mut Vec<Effect>,
    ) -> bool {
        let was_set_aside = self.set_aside.remove(&record.task);
        if !was_set_aside || record.outcome != Outcome::Cancelled || self.stopping {
            return false;
        }
        if self.unwanted.contains(&record.task) {
            return false;
        }
        // A worker that had not begun it counts no attempt.
        if record.attempt > pending.attempts {
            pending.attempts = record.attempt;
            self.retries += 1;
            self.cpu_ns += record.cpu_ns;
            effects.push(Effect::Emit(EventKind::Task(TaskEvent::Retried(record.clone()))));
        }
        self.queue.retry(pending);
        true
    }
}
