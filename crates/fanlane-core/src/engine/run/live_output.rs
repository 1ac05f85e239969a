//! What running tasks print and where they are, from those who want it to the workers and back. The dispatcher knows nothing
//! of it.

use std::sync::{MutexGuard, PoisonError};

use super::effects::Driver;
use crate::engine::protocol::ToWorker;
use crate::engine::{OutputInterest, OutputLevel, RunCommand};
use crate::event::{Event, EventKind, Printed, SampleEvent, WorkerId};

impl Driver {
    fn interest(&self) -> MutexGuard<'_, OutputInterest> {
        self.interest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Passes a command about output on to all lanes; returns whether it was one.
    pub fn watch(&self, command: RunCommand) -> bool {
        let mut interest = self.interest();
        if !interest.apply(command) {
            return false;
        }
        let message = ToWorker::Watch(interest.clone());
        self.core().members.values().for_each(|member| member.sender.send(&message));
        true
    }

    /// Asks the worker of a task where it is; returns whether the command asks that.
    pub fn locate(&self, command: RunCommand) -> bool {
        let RunCommand::Locate(task) = command else { return false };
        let core = self.core();
        let member = core.dispatcher.worker_of(task).and_then(|worker| core.members.get(&worker));
        match member {
            Some(member) => member.sender.send(&ToWorker::Locate(task)),
            None => self.emit(EventKind::Sample(SampleEvent::Located { task, place: None })),
        }
        true
    }

    /// Tells a new lane what is wanted, if anything is.
    pub fn tell_interest(&self, worker: WorkerId) {
        let interest = self.interest();
        if !interest.is_nothing()
            && let Some(member) = self.core().members.get(&worker)
        {
            member.sender.send(&ToWorker::Watch(interest.clone()));
        }
    }

    /// Emits what a task has printed. Where not every byte is wanted, one that finds no room is dropped: the run is not
    /// delayed by those who look at it.
    pub fn printed(&self, printed: Printed) {
        let is_lossless = self.interest().level == OutputLevel::Everything;
        let event = Event { at_ns: self.now_ns(), kind: EventKind::Sample(SampleEvent::Printed(printed)) };
        if is_lossless { self.outlet.emit(event) } else { self.outlet.offer(event) }
    }
}
