//! Which worker lives in which process and lane, folded from events, so that what is written about a task names them.

use std::collections::HashMap;

use crate::event::{Event, EventKind, WorkerEvent, WorkerId};

#[derive(Clone, Copy, Debug)]
struct Home {
    pid: u32,
    slot: u32,
}

/// The workers of a run, those that have ended among them: their last tasks may still wait to be written.
#[derive(Debug, Default)]
pub struct Workers(HashMap<WorkerId, Home>);

impl Workers {
    /// Takes in one event.
    pub fn apply(&mut self, event: &Event) {
        if let EventKind::Worker(WorkerEvent::Started { worker, lane, pid }) = &event.kind {
            self.0.insert(*worker, Home { pid: *pid, slot: lane.0 + 1 });
        }
    }

    /// The process that a worker lives in.
    pub fn pid(&self, worker: WorkerId) -> Option<u32> {
        self.0.get(&worker).map(|home| home.pid)
    }

    /// What `{%}` is for the tasks of a worker; for one that is not known, and so for tasks that nobody has begun, the
    /// first lane.
    pub fn slot(&self, worker: WorkerId) -> u32 {
        self.0.get(&worker).map_or(1, |home| home.slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::LaneId;

    #[test]
    fn a_lane_is_handed_on_and_the_dead_keep_theirs() {
        let mut workers = Workers::default();
        for (worker, lane, pid) in [(1, 0, 10), (2, 1, 11), (3, 1, 12)] {
            let kind = EventKind::Worker(WorkerEvent::Started { worker: WorkerId(worker), lane: LaneId(lane), pid });
            workers.apply(&Event { at_ns: 0, kind });
        }
        let found = [1, 2, 3, 4].map(|worker| (workers.pid(WorkerId(worker)), workers.slot(WorkerId(worker))));
        assert_eq!(found, [(Some(10), 1), (Some(11), 2), (Some(12), 2), (None, 1)]);
    }
}
