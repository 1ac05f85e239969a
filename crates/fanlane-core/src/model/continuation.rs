//! A run that goes on after its end: the events of a run of some of its tasks, folded into the model of the whole. The tasks
//! keep their numbers, and their earlier attempts stay.

use std::collections::HashMap;

use crate::event::{
    AttemptRecord, DispatchEvent, Event, EventKind, RunEvent, SampleEvent, Summary, TaskEvent, TaskId, WorkerEvent,
    WorkerId,
};

use super::RunModel;

/// The translation of the events of a part into those of the whole.
#[derive(Debug)]
pub struct Continuation {
    /// The tasks in the whole, by their ids in the part.
    tasks: Vec<TaskId>,
    /// The part has begun: the model of the whole goes on.
    begun: Option<Begun>,
}

/// What the whole had when the part began.
#[derive(Debug)]
struct Begun {
    /// Where the times of the part begin, in nanoseconds since the start of the whole.
    shift_ns: u64,
    /// Number of the last worker, after which those of the part are counted.
    last_worker: u32,
    /// Number of earlier attempts of the tasks, by their ids in the part.
    attempts: Vec<u32>,
    /// The totals of the whole.
    before: Option<Summary>,
}

impl Continuation {
    /// A run of these tasks of the whole, in this order.
    pub const fn new(tasks: Vec<TaskId>) -> Self {
        Self { tasks, begun: None }
    }

    /// Folds an event of the part into the model of the whole. Before the first one the model stays as it is: the part may
    /// never begin.
    pub fn take(&mut self, model: &mut RunModel, event: Event) {
        if let EventKind::Run(RunEvent::Started(header)) = &event.kind {
            self.begun = Some(self.begin(model, header.workers));
        }
        let Some(begun) = &self.begun else { return };
        let at_ns = event.at_ns.saturating_add(begun.shift_ns);
        if let Some(kind) = self.kind(begun, model, event.kind) {
            model.take(Event { at_ns, kind });
        }
    }

    fn begin(&self, model: &mut RunModel, workers: u32) -> Begun {
        let shift_ns = model.progress.last_ns.max(model.lanes.end_ns());
        let last_worker = model.lane_of.keys().map(|worker| worker.0).max().unwrap_or(0);
        let before = model.progress.summary.clone();
        let removed: HashMap<TaskId, u32> =
            model.reopen(&self.tasks, workers).iter().map(|record| (record.task, record.attempt)).collect();
        let attempts = self.tasks.iter().map(|task| removed.get(task).copied().unwrap_or(0)).collect();
        Begun { shift_ns, last_worker, attempts, before }
    }

    fn kind(&self, begun: &Begun, model: &RunModel, kind: EventKind) -> Option<EventKind> {
        let worker = |worker: WorkerId| WorkerId(worker.0.saturating_add(begun.last_worker));
        let place = |task: TaskId| usize::try_from(task.0).ok().filter(|place| *place < self.tasks.len());
        let record = |record: AttemptRecord| {
            let place = place(record.task)?;
            let is_attempt = record.attempt > 0;
            Some(AttemptRecord {
                task: self.tasks[place],
                attempt: record.attempt + begun.attempts[place],
                worker: if is_attempt { worker(record.worker) } else { record.worker },
                start_ns: record.start_ns.saturating_add(begun.shift_ns),
                ..record
            })
        };
        Some(match kind {
            EventKind::Run(RunEvent::Started(header)) => {
                EventKind::Dispatch(DispatchEvent::PoolResized { workers: header.workers })
            }
            EventKind::Run(RunEvent::BatchGrew { .. }) => return None,
            EventKind::Run(RunEvent::Finished(summary)) => {
                let sum = |of: &dyn Fn(&Summary) -> u64| of(&summary) + begun.before.as_ref().map_or(0, of);
                EventKind::Run(RunEvent::Finished(Summary {
                    counts: model.progress.counts,
                    wall_ns: sum(&|summary| summary.wall_ns),
                    cpu_ns: sum(&|summary| summary.cpu_ns),
                    retries: model.progress.retries,
                    ..summary
                }))
            }
            EventKind::Worker(WorkerEvent::Started { worker: started, lane, pid }) => {
                EventKind::Worker(WorkerEvent::Started { worker: worker(started), lane, pid })
            }
            EventKind::Worker(WorkerEvent::Placed { worker: placed, host }) => {
                EventKind::Worker(WorkerEvent::Placed { worker: worker(placed), host })
            }
            EventKind::Worker(WorkerEvent::Ended { worker: ended, reason }) => {
                EventKind::Worker(WorkerEvent::Ended { worker: worker(ended), reason })
            }
            kept @ EventKind::Worker(WorkerEvent::HostJoined { .. } | WorkerEvent::HostLost { .. }) => kept,
            EventKind::Task(event) => EventKind::Task(match event {
                TaskEvent::Started { task, attempt, worker: by, start_ns, pid } => {
                    let place = place(task)?;
                    TaskEvent::Started {
                        task: self.tasks[place],
                        attempt: attempt + begun.attempts[place],
                        worker: worker(by),
                        start_ns: start_ns.saturating_add(begun.shift_ns),
                        pid,
                    }
                }
                TaskEvent::Finished(records) => TaskEvent::Finished(records.into_iter().filter_map(record).collect()),
                TaskEvent::Retried(retried) => TaskEvent::Retried(record(retried)?),
                TaskEvent::Suspended { worker: by, task, pid, is_suspended } => {
                    TaskEvent::Suspended { worker: worker(by), task: self.tasks[place(task)?], pid, is_suspended }
                }
                rest @ TaskEvent::RestCancelled { .. } => rest,
            }),
            EventKind::Sample(SampleEvent::Workers(mut samples)) => {
                samples.iter_mut().for_each(|sample| sample.worker = worker(sample.worker));
                EventKind::Sample(SampleEvent::Workers(samples))
            }
            EventKind::Sample(SampleEvent::Progress { worker: by, sent_ns, fraction, message }) => {
                let sent_ns = sent_ns.saturating_add(begun.shift_ns);
                EventKind::Sample(SampleEvent::Progress { worker: worker(by), sent_ns, fraction, message })
            }
            EventKind::Sample(SampleEvent::Printed(mut printed)) => {
                let place = place(printed.task)?;
                printed.task = self.tasks[place];
                printed.attempt += begun.attempts[place];
                printed.worker = worker(printed.worker);
                EventKind::Sample(SampleEvent::Printed(printed))
            }
            EventKind::Sample(SampleEvent::Located { task, place: at }) => {
                EventKind::Sample(SampleEvent::Located { task: self.tasks[place(task)?], place: at })
            }
            EventKind::Dispatch(DispatchEvent::PriorityChanged { task, priority }) => {
                EventKind::Dispatch(DispatchEvent::PriorityChanged { task: self.tasks[place(task)?], priority })
            }
            EventKind::Dispatch(DispatchEvent::BreakpointChanged { task, is_set }) => {
                EventKind::Dispatch(DispatchEvent::BreakpointChanged { task: self.tasks[place(task)?], is_set })
            }
            EventKind::Dispatch(DispatchEvent::BreakpointReached { task }) => {
                EventKind::Dispatch(DispatchEvent::BreakpointReached { task: self.tasks[place(task)?] })
            }
            kind @ (EventKind::Run(RunEvent::InputsBroke { .. } | RunEvent::InterpreterFound(_))
            | EventKind::Dispatch(_)
            | EventKind::Sample(_)
            | EventKind::Shared(_)) => kind,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{LaneId, Outcome, OutcomeClass, OutcomeCounts, RunHeader};
    use crate::job::Mode;

    fn started(tasks: u64, workers: u32) -> EventKind {
        let header = RunHeader { name: String::new(), mode: Mode::Pool, workers, tasks, started_unix_ms: 0 };
        EventKind::Run(RunEvent::Started(header))
    }

    fn worker(number: u32) -> EventKind {
        let worker = WorkerId(number);
        EventKind::Worker(WorkerEvent::Started { worker, lane: LaneId(0), pid: 100 + number })
    }

    fn ended(task: u64, outcome: Outcome, start_ns: u64) -> EventKind {
        let record = AttemptRecord::new(TaskId(task), 1, WorkerId(1), outcome);
        EventKind::Task(TaskEvent::Finished(vec![AttemptRecord { start_ns, wall_ns: 10, ..record }]))
    }

    fn finished(wall_ns: u64) -> EventKind {
        EventKind::Run(RunEvent::Finished(Summary {
            counts: OutcomeCounts::default(),
            wall_ns,
            cpu_ns: 7,
            retries: 0,
            workers: 1,
            mode: Mode::Pool,
            stopped: false,
        }))
    }

    fn model() -> RunModel {
        let mut model = RunModel::default();
        let events = [
            (0, started(3, 1)),
            (1, worker(1)),
            (20, ended(0, Outcome::Done, 10)),
            (30, ended(1, Outcome::Exited { code: 3 }, 20)),
            (40, ended(2, Outcome::TimedOut, 30)),
            (50, finished(50)),
        ];
        events.into_iter().for_each(|(at_ns, kind)| model.take(Event { at_ns, kind }));
        model
    }

    #[test]
    fn a_failed_task_that_runs_again_is_one_task_with_two_attempts_and_the_others_stay() {
        let mut model = model();
        let mut part = Continuation::new(vec![TaskId(1)]);
        let generation = model.records.generation();
        let mut take = |model: &mut RunModel, at_ns, kind| part.take(model, Event { at_ns, kind });
        take(&mut model, 0, started(1, 4));
        assert!(!model.is_finished() && model.progress.remaining() == 1 && model.queued() == 1);
        assert_eq!((model.progress.counts.done, model.progress.counts.failures()), (1, 1));
        assert_eq!(model.progress.tasks, 3);
        assert_eq!(model.progress.workers, 4);
        assert_ne!(model.records.generation(), generation);
        assert_eq!(model.attempts(TaskId(1)).count(), 1, "the earlier attempt is there while it waits");
        take(&mut model, 1, worker(1));
        take(&mut model, 9, ended(0, Outcome::Done, 2));
        take(&mut model, 12, finished(12));

        let attempts: Vec<_> =
            model.attempts(TaskId(1)).map(|record| (record.attempt, record.outcome.class())).collect();
        assert_eq!(attempts, [(1, OutcomeClass::Failed), (2, OutcomeClass::Done)]);
        let newest = model.records.of(TaskId(1)).expect("it has ended");
        assert_eq!((newest.start_ns, newest.worker), (52, WorkerId(2)), "times and workers go on");
        assert_eq!(model.records.of(TaskId(2)).map(|record| record.outcome.class()), Some(OutcomeClass::TimedOut));
        let summary = model.summary().expect("it has ended again");
        assert_eq!((summary.wall_ns, summary.cpu_ns, summary.retries), (62, 14, 1));
        assert_eq!(summary.counts, OutcomeCounts { done: 2, timed_out: 1, ..OutcomeCounts::default() });
        assert_eq!(summary.counts, model.progress.counts);
        let step = *model.depth.steps(62).last().expect("it ran");
        assert_eq!((step.queued, step.ended), (0, 3));
        let lane = &model.lanes.lanes()[0];
        assert_eq!((lane.counts.total(), lane.retries, lane.bars.len()), (3, 1, 4));
        assert_eq!(
            lane.bars.as_slice().iter().map(|bar| bar.retried()).collect::<Vec<_>>(),
            [false, true, false, false]
        );
    }

    #[test]
    fn a_part_that_never_begins_changes_nothing() {
        let mut model = model();
        Continuation::new(vec![TaskId(1)]).take(&mut model, Event { at_ns: 0, kind: finished(1) });
        assert!(model.is_finished() && model.records.len() == 3);
    }

    #[test]
    fn rate_and_time_left_are_those_of_what_runs_now() {
        let mut model = model();
        let mut part = Continuation::new(vec![TaskId(1), TaskId(2)]);
        part.take(&mut model, Event { at_ns: 0, kind: started(2, 1) });
        assert_eq!(model.progress.rate(60), 0.0, "nothing has ended since");
        assert_eq!(model.progress.left_secs(60), None);
        part.take(&mut model, Event { at_ns: 10, kind: ended(0, Outcome::Done, 0) });
        assert_eq!(model.progress.rate(60), 1e9 / 10.0);
        assert_eq!(model.progress.left_secs(60), Some(10.0 / 1e9));
    }
}
