//! Elements that are over before their tasks are: what is submitted again, what counts as lost, and what is cancelled at the end.

use super::coordinator::{Coordinator, Effect, Ending};
use super::elements::ElementId;
use super::folder::ElementLife;
use crate::event::{
    AttemptRecord, EventKind, Outcome, RunEvent, Summary, TaskEvent, TaskId, WorkerEnd, WorkerEvent, WorkerId,
};

/// How long an element that Slurm has forgotten is waited for: its records may come late over a network file system.
const MISSING_TIMEOUT_NS: u64 = 10_000_000_000;
/// Up to this number of tasks, each that is cancelled at the end has a record of its own.
const MAX_CANCELLED_RECORDS: u64 = 10_000;

impl Coordinator {
    /// An element is over: its tasks without an end wait for another, or are lost where that was so too often.
    pub(super) fn hand_back(&mut self, now_ns: u64, id: ElementId, loss: Option<&str>, effects: &mut Vec<Effect>) {
        let Some(tasks) = self.elements.end(id) else { return };
        let open: Vec<TaskId> = tasks.into_iter().filter(|task| self.is_open(*task)).collect();
        for task in open {
            match loss {
                Some(how) => self.count_loss(now_ns, task, WorkerId(0), now_ns, how, effects),
                None => self.waiting.push(task),
            }
        }
    }

    fn count_loss(
        &mut self,
        now_ns: u64,
        task: TaskId,
        worker: WorkerId,
        start_ns: u64,
        how: &str,
        effects: &mut Vec<Effect>,
    ) {
        let losses = self.losses.entry(task).or_insert(0);
        *losses += 1;
        if *losses <= self.plan.resubmissions {
            self.waiting.push(task);
            return;
        }
        let attempt = self.attempts.get(&task).copied().unwrap_or(0).max(1);
        let record = AttemptRecord {
            start_ns,
            wall_ns: now_ns.saturating_sub(start_ns),
            ..AttemptRecord::new(task, attempt, worker, Outcome::Lost(how.into()))
        };
        if self.settle(&record) {
            self.emit(now_ns, EventKind::Task(TaskEvent::Finished(vec![record])), effects);
            self.halt_if_reached(now_ns, effects);
        }
    }

    /// A life broke off: the task under way has had an attempt.
    pub(super) fn lose_life(&mut self, now_ns: u64, life: ElementLife, how: &str, effects: &mut Vec<Effect>) {
        let Some((worker, running)) = self.elements.end_life(life) else { return };
        if let Some((task, attempt, start_ns)) = running.filter(|(task, ..)| self.is_open(*task)) {
            self.attempts.insert(task, attempt);
            self.retries += 1;
            let record = AttemptRecord {
                start_ns,
                wall_ns: now_ns.saturating_sub(start_ns),
                ..AttemptRecord::new(task, attempt, worker, Outcome::Lost(how.into()))
            };
            self.emit(now_ns, EventKind::Task(TaskEvent::Retried(record)), effects);
        }
        let reason = WorkerEnd::Died(how.to_owned());
        self.emit(now_ns, EventKind::Worker(WorkerEvent::Ended { worker, reason }), effects);
    }

    /// Slurm says that an element is over, in these words, or knows nothing of it any more.
    pub fn element_gone(&mut self, now_ns: u64, id: ElementId, how: &str, effects: &mut Vec<Effect>) {
        let Some(element) = self.elements.get_mut(id).filter(|element| !element.is_over) else { return };
        let since_ns = *element.missing_since_ns.get_or_insert(now_ns);
        if now_ns.saturating_sub(since_ns) < MISSING_TIMEOUT_NS && self.ending.is_none() {
            return;
        }
        let life = element.life;
        let ended_tasks = life.and_then(|life| self.elements.life(life)).map_or(0, |state| state.ended_tasks);
        let running = life.and_then(|life| self.elements.life(life)).and_then(|state| state.running);
        if let Some(life) = life {
            self.lose_life(now_ns, life, how, effects);
        }
        // Where others of it have ended, only the task under way can be to blame.
        if let Some((task, ..)) = running.filter(|_| ended_tasks > 0) {
            self.losses.entry(task).and_modify(|losses| *losses += 1).or_insert(1);
        }
        self.hand_back(now_ns, id, (ended_tasks == 0).then_some(how), effects);
    }

    /// Slurm still has an element.
    pub fn element_there(&mut self, id: ElementId) {
        if let Some(element) = self.elements.get_mut(id) {
            element.missing_since_ns = None;
        }
    }

    /// Ends the run: what has no end is cancelled, workers that live are gone, and the summary follows.
    pub fn finish(&mut self, now_ns: u64, effects: &mut Vec<Effect>) {
        let mut records = Vec::new();
        for life in self.elements.running_lives() {
            let Some((worker, running)) = self.elements.end_life(life) else { continue };
            if let Some((task, attempt, start_ns)) = running.filter(|(task, ..)| self.is_open(*task)) {
                let wall_ns = now_ns.saturating_sub(start_ns);
                let record = AttemptRecord::new(task, attempt, worker, Outcome::Cancelled);
                records.push(AttemptRecord { start_ns, wall_ns, ..record });
            }
            let reason = if self.is_through() { WorkerEnd::Retired } else { WorkerEnd::Killed };
            self.emit(now_ns, EventKind::Worker(WorkerEvent::Ended { worker, reason }), effects);
        }
        records.retain(|record| self.settle(record));
        let open = self.plan.tasks - self.counts.total();
        if open <= MAX_CANCELLED_RECORDS {
            let tasks = (0..self.plan.tasks).map(TaskId).filter(|task| self.is_open(*task)).collect::<Vec<_>>();
            for task in tasks {
                let attempts = self.attempts.get(&task).copied().unwrap_or(0);
                let record = AttemptRecord::cancelled_in_queue(task, attempts, now_ns);
                if self.settle(&record) {
                    records.push(record);
                }
            }
        }
        if !records.is_empty() {
            self.emit(now_ns, EventKind::Task(TaskEvent::Finished(records)), effects);
        }
        let open = self.plan.tasks - self.counts.total();
        if open > 0 {
            self.counts.cancelled += open;
            self.emit(now_ns, EventKind::Task(TaskEvent::RestCancelled { tasks: open }), effects);
        }
        let summary = Summary {
            counts: self.counts,
            wall_ns: self.end_ns,
            cpu_ns: self.cpu_ns,
            retries: self.retries,
            workers: self.plan.workers,
            mode: self.plan.mode,
            stopped: self.ending == Some(Ending::Stop),
        };
        self.emit(now_ns, EventKind::Run(RunEvent::Finished(summary)), effects);
    }
}
