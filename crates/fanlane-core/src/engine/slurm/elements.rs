//! What is known of the elements of a batch's arrays: which tasks each has, and the lives in which it has run them. A life is a
//! worker in a lane, as local workers are; an element that Slurm starts again has another.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::folder::ElementLife;
use crate::event::{LaneId, TaskId, WorkerId};

/// An element by its array and its place in it.
pub type ElementId = (u32, u32);

/// A task under way: its attempt, and its start in nanoseconds since that of the run.
pub type UnderWay = (TaskId, u32, u64);

/// One life of an element.
#[derive(Debug)]
pub struct Life {
    /// Its worker.
    pub worker: WorkerId,
    /// Its row of the timeline.
    pub lane: LaneId,
    /// What is added to its times to get those of the run, in nanoseconds.
    pub shift_ns: i64,
    /// The task under way, if it was told of.
    pub running: Option<UnderWay>,
    /// How many tasks have ended in it.
    pub ended_tasks: u64,
    /// It does nothing more, as far as is known.
    pub is_over: bool,
}

impl Life {
    /// A time of the element as one of the run.
    pub fn run_ns(&self, own_ns: u64) -> u64 {
        own_ns.saturating_add_signed(self.shift_ns)
    }
}

/// An element.
#[derive(Debug)]
pub struct Element {
    /// The tasks that it was given.
    pub tasks: Vec<TaskId>,
    /// Its latest life.
    pub life: Option<ElementLife>,
    /// It does nothing more: its tasks without an end are given to others.
    pub is_over: bool,
    /// Since when Slurm knows nothing more of it although it has not said that it has ended.
    pub missing_since_ns: Option<u64>,
}

/// All elements of a batch.
#[derive(Debug, Default)]
pub struct Elements {
    elements: BTreeMap<ElementId, Element>,
    lives: HashMap<ElementLife, Life>,
    free_lanes: BTreeSet<u32>,
    lanes: u32,
    workers: u32,
    live: u64,
}

impl Elements {
    /// Adds the elements of an array.
    pub fn add(&mut self, array: u32, chunks: Vec<Vec<TaskId>>) {
        for (place, tasks) in (0..).zip(chunks) {
            let element = Element { tasks, life: None, is_over: false, missing_since_ns: None };
            self.elements.insert((array, place), element);
            self.live += 1;
        }
    }

    /// An element.
    pub fn get(&self, id: ElementId) -> Option<&Element> {
        self.elements.get(&id)
    }

    /// An element.
    pub fn get_mut(&mut self, id: ElementId) -> Option<&mut Element> {
        self.elements.get_mut(&id)
    }

    /// A life.
    pub fn life(&self, life: ElementLife) -> Option<&Life> {
        self.lives.get(&life)
    }

    /// A life.
    pub fn life_mut(&mut self, life: ElementLife) -> Option<&mut Life> {
        self.lives.get_mut(&life)
    }

    /// The elements that are not over, in their order.
    pub fn live_ids(&self) -> Vec<ElementId> {
        self.elements.iter().filter(|(_, element)| !element.is_over).map(|(id, _)| *id).collect()
    }

    /// Number of elements that are not over.
    pub const fn live(&self) -> u64 {
        self.live
    }

    /// Whether an element has told that it is at a task.
    pub fn runs(&self, task: TaskId) -> bool {
        self.lives.values().any(|life| life.running.is_some_and(|(running, ..)| running == task))
    }

    /// Number of lives that are not over.
    pub fn running(&self) -> usize {
        self.lives.values().filter(|life| !life.is_over).count()
    }

    /// Whether an element of this array is not over.
    pub fn is_live_array(&self, array: u32) -> bool {
        self.elements.range((array, 0)..=(array, u32::MAX)).any(|(_, element)| !element.is_over)
    }

    /// The lives that are not over.
    pub fn running_lives(&self) -> Vec<ElementLife> {
        let mut running: Vec<_> = self.lives.iter().filter(|(_, life)| !life.is_over).map(|(life, _)| *life).collect();
        running.sort_unstable();
        running
    }

    /// An element has begun a life; gives its worker and its lane. `None` where the element or its life is none that can begin.
    pub fn begin(&mut self, life: ElementLife, shift_ns: i64) -> Option<(WorkerId, LaneId)> {
        let element = self.elements.get_mut(&(life.array, life.element))?;
        if self.lives.contains_key(&life) {
            return None;
        }
        let is_newest = element.life.is_none_or(|known| known.life < life.life);
        if is_newest {
            element.life = Some(life);
            element.missing_since_ns = None;
        }
        self.workers += 1;
        let worker = WorkerId(self.workers);
        let lane = self.free_lanes.pop_first().unwrap_or_else(|| {
            self.lanes += 1;
            self.lanes - 1
        });
        let lane = LaneId(lane);
        let state = Life { worker, lane, shift_ns, running: None, ended_tasks: 0, is_over: false };
        self.lives.insert(life, state);
        Some((worker, lane))
    }

    /// A life is over; gives its worker, and the task that was under way. `None` where it was over before.
    pub fn end_life(&mut self, life: ElementLife) -> Option<(WorkerId, Option<UnderWay>)> {
        let state = self.lives.get_mut(&life).filter(|state| !state.is_over)?;
        state.is_over = true;
        self.free_lanes.insert(state.lane.0);
        Some((state.worker, state.running.take()))
    }

    /// An element is over; gives its tasks. `None` where it was over before.
    pub fn end(&mut self, id: ElementId) -> Option<Vec<TaskId>> {
        let element = self.elements.get_mut(&id).filter(|element| !element.is_over)?;
        element.is_over = true;
        self.live -= 1;
        Some(std::mem::take(&mut element.tasks))
    }

    /// The earlier lives of an element that are not over: it lives elsewhere now.
    pub fn stale_lives(&self, newest: ElementLife) -> Vec<ElementLife> {
        let is_stale = |life: &&ElementLife| {
            (life.array, life.element) == (newest.array, newest.element) && life.life < newest.life
        };
        let mut stale: Vec<_> =
            self.lives.iter().filter(|(life, state)| is_stale(life) && !state.is_over).map(|(life, _)| *life).collect();
        stale.sort_unstable();
        stale
    }
}
