//! The process and the lane of each worker, folded from events, for what is written about its tasks.

use std::collections::HashMap;

use fanlane_core::event::{Event, EventKind, WorkerEvent, WorkerId};

#[derive(Clone, Debug)]
struct Home {
    pid: u32,
    slot: u32,
    /// The host that it is on; `None`: this machine.
    host: Option<Box<str>>,
}

/// The workers of a run, with those that have ended: their last tasks may still wait to be written.
#[derive(Debug, Default)]
pub struct Workers(HashMap<WorkerId, Home>);

impl Workers {
    /// Applies an event.
    pub fn apply(&mut self, event: &Event) {
        match &event.kind {
            EventKind::Worker(WorkerEvent::Started { worker, lane, pid }) => {
                self.0.insert(*worker, Home { pid: *pid, slot: lane.0 + 1, host: None });
            }
            EventKind::Worker(WorkerEvent::Placed { worker, host }) => {
                if let Some(home) = self.0.get_mut(worker) {
                    home.host = Some(host.clone());
                }
            }
            _ => {}
        }
    }

    /// The process of a worker.
    pub fn pid(&self, worker: WorkerId) -> Option<u32> {
        self.0.get(&worker).map(|home| home.pid)
    }

    /// The host that a worker is on; `None`: this machine.
    pub fn host(&self, worker: WorkerId) -> Option<&str> {
        self.0.get(&worker).and_then(|home| home.host.as_deref())
    }

    /// The value of `{%}` for the tasks of a worker; the first lane for an unknown worker, and so for tasks that never
    /// started.
    pub fn slot(&self, worker: WorkerId) -> u32 {
        self.0.get(&worker).map_or(1, |home| home.slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fanlane_core::event::LaneId;

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
