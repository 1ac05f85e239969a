//! What is known of the watched run, folded from its events.

use std::collections::HashMap;

use fanlane_core::event::{AttemptRecord, Event, EventKind, RunEvent, SampleEvent, TaskEvent, TaskId};
use fanlane_core::job::Mode;
use fanlane_core::model::failures::with_tails;
use fanlane_core::model::{CoreHistory, DepthHistory, Failures, LaneHistory, LiveText, Progress};

/// What is known of a run.
#[derive(Debug, Default)]
pub struct Facts {
    /// The activity of each lane.
    pub lanes: LaneHistory,
    /// The counts.
    pub progress: Progress,
    /// The use of the cores.
    pub cores: CoreHistory,
    /// Queued and running tasks over time.
    pub depth: DepthHistory,
    /// The newest failures.
    pub failures: Failures,
    /// How the batch is run; `None` before the first event.
    pub mode: Option<Mode>,
    /// The record of the task that ended last, by lane.
    newest: HashMap<usize, AttemptRecord>,
    /// What the opened task prints while it runs.
    live: Option<LiveText>,
    /// Its record, once it has ended.
    kept: Option<AttemptRecord>,
}

impl Facts {
    /// Takes in one event.
    pub fn apply(&mut self, event: &Event) {
        self.lanes.apply(event);
        self.progress.apply(event);
        self.cores.apply(event);
        self.depth.apply(event);
        self.failures.apply(event);
        match &event.kind {
            EventKind::Run(RunEvent::Started(header)) => self.mode = Some(header.mode),
            EventKind::Task(TaskEvent::Finished(records)) => {
                for record in records {
                    let Some(lane) = self.lanes.lane_of(record.worker) else { continue };
                    let record = with_tails(record);
                    if self.live.as_ref().is_some_and(|live| live.task == record.task) {
                        self.kept = Some(record.clone());
                    }
                    self.newest.insert(lane, record);
                }
            }
            EventKind::Sample(SampleEvent::Printed(printed)) => {
                if let Some(live) = &mut self.live {
                    live.apply(printed);
                }
            }
            _ => {}
        }
    }

    /// Keeps what this task prints from now on, and its record once it has ended, in place of another one's. What it prints
    /// while it runs is told only where the run was asked for it.
    pub fn open(&mut self, task: Option<TaskId>) {
        self.kept = task.and_then(|task| self.record(task)).cloned();
        self.live = task.map(LiveText::new);
    }

    /// What the opened task has printed, while it has not ended.
    pub fn live(&self, task: TaskId) -> Option<&LiveText> {
        self.live.as_ref().filter(|live| live.task == task)
    }

    /// The record of a task that has ended, if it is kept: it was opened, is the newest of its lane, or failed.
    pub fn record(&self, task: TaskId) -> Option<&AttemptRecord> {
        let mut known = self.kept.iter().chain(self.newest.values()).chain(self.failures.newest());
        known.find(|record| record.task == task)
    }

    /// The lanes to show: those with a worker, or all of a run that has ended.
    pub fn shown_lanes(&self) -> Vec<usize> {
        let lanes = self.lanes.lanes().iter().enumerate();
        let is_shown = |lane: &fanlane_core::model::lanes::LaneTimeline| {
            self.lanes.finished() || lane.live().is_some() || lane.died.is_some()
        };
        lanes.filter(|(_, lane)| is_shown(lane)).map(|(index, _)| index).collect()
    }

    /// Number of tasks that are known to be running.
    pub fn running(&self) -> u64 {
        self.lanes.lanes().iter().filter(|lane| lane.running.is_some()).count() as u64
    }

    /// Number of tasks that wait.
    pub fn queued(&self) -> u64 {
        self.progress.remaining().saturating_sub(self.running())
    }
}
