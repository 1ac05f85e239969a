//! Where a run's events leave: in the order in which they were emitted, through a bounded channel that may be full.

use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use crossbeam_channel::{Receiver, Sender, TryRecvError, TrySendError, select_biased};

use crate::event::Event;

/// Behind this number of events, one that may be dropped is.
const MAX_QUEUED_OFFERS: usize = 256;

/// The queue of events, and the channel that they leave through.
pub struct EventOutlet {
    queue: Mutex<Vec<Event>>,
    /// Held while events leave, so that they leave in order; `None` once they are no longer taken or the run has ended.
    channel: Mutex<Option<Sender<Event>>>,
    /// Ends when the run was dropped: its events are let go then rather than waited for.
    abandoned: Receiver<()>,
}

/// What came of a delivery.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Delivered {
    /// The queue is empty.
    All,
    /// The channel is full.
    Some,
    /// The receiver is gone; returned once.
    Gone,
}

impl EventOutlet {
    /// An empty queue. `abandoned` ends when events can no longer be counted on to be taken.
    pub fn new(events: Sender<Event>, abandoned: Receiver<()>) -> Self {
        Self { queue: Mutex::default(), channel: Mutex::new(Some(events)), abandoned }
    }

    /// Queues an event behind those before it; it leaves with the next delivery.
    pub fn emit(&self, event: Event) {
        self.queue().push(event);
    }

    /// As [`EventOutlet::emit`], or drops the event where events are not taken as fast as they come.
    pub fn offer(&self, event: Event) {
        let mut queue = self.queue();
        if queue.len() < MAX_QUEUED_OFFERS {
            queue.push(event);
        }
    }

    /// Delivers what is queued as far as there is room, without waiting: the thread that keeps the time must not be held up
    /// by the one that takes the events.
    pub fn try_deliver(&self) -> Delivered {
        let mut channel = match self.channel.try_lock() {
            Ok(channel) => channel,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // Another thread is delivering, and may have to wait.
            Err(TryLockError::WouldBlock) if self.queue().is_empty() => return Delivered::All,
            Err(TryLockError::WouldBlock) => return Delivered::Some,
        };
        self.deliver_with(&mut channel, |events, event| match events.try_send(event) {
            Ok(()) => Sent::Yes,
            Err(TrySendError::Disconnected(_)) => Sent::Gone,
            Err(TrySendError::Full(_)) if self.is_abandoned() => Sent::Gone,
            Err(TrySendError::Full(event)) => Sent::NoRoom(event),
        })
    }

    /// Delivers what is queued. Waits while the channel is full.
    pub fn deliver(&self) -> Delivered {
        self.deliver_with(&mut self.channel(), |events, event| match events.try_send(event) {
            Ok(()) => Sent::Yes,
            Err(TrySendError::Disconnected(_)) => Sent::Gone,
            Err(TrySendError::Full(event)) => select_biased! {
                send(events, event) -> sent => if sent.is_ok() { Sent::Yes } else { Sent::Gone },
                recv(self.abandoned) -> _ => Sent::Gone,
            },
        })
    }

    /// Nothing more leaves: the receiver sees the end of the channel.
    pub fn close(&self) {
        *self.channel() = None;
    }

    fn deliver_with(
        &self,
        channel: &mut Option<Sender<Event>>,
        send: impl Fn(&Sender<Event>, Event) -> Sent,
    ) -> Delivered {
        loop {
            let queued = std::mem::take(&mut *self.queue());
            let Some(events) = &channel else { return Delivered::All };
            if queued.is_empty() {
                return Delivered::All;
            }
            let mut queued = queued.into_iter();
            while let Some(event) = queued.next() {
                match send(events, event) {
                    Sent::Yes => {}
                    Sent::NoRoom(event) => {
                        // Before what was queued meanwhile.
                        drop(self.queue().splice(0..0, std::iter::once(event).chain(queued)));
                        return Delivered::Some;
                    }
                    Sent::Gone => {
                        *channel = None;
                        return Delivered::Gone;
                    }
                }
            }
        }
    }

    fn is_abandoned(&self) -> bool {
        self.abandoned.try_recv() == Err(TryRecvError::Disconnected)
    }

    fn queue(&self) -> MutexGuard<'_, Vec<Event>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn channel(&self) -> MutexGuard<'_, Option<Sender<Event>>> {
        self.channel.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Sent {
    Yes,
    NoRoom(Event),
    Gone,
}

#[cfg(test)]
mod tests {
    use crossbeam_channel::bounded;

    use super::*;
    use crate::event::{DispatchEvent, EventKind};

    fn resized(workers: u32) -> Event {
        Event { at_ns: 0, kind: EventKind::Dispatch(DispatchEvent::PoolResized { workers }) }
    }

    fn sizes(events: &Receiver<Event>) -> Vec<u32> {
        let sizes = events.try_iter().map(|event| match event.kind {
            EventKind::Dispatch(DispatchEvent::PoolResized { workers }) => workers,
            other => panic!("no test emitted {other:?}"),
        });
        sizes.collect()
    }

    #[test]
    fn what_finds_no_room_leaves_later_and_in_its_order() {
        let (events, taken) = bounded(2);
        let (_listening, abandoned) = bounded(0);
        let outlet = EventOutlet::new(events, abandoned);
        (0..3).for_each(|workers| outlet.emit(resized(workers)));
        assert!(outlet.try_deliver() == Delivered::Some);
        outlet.emit(resized(3));
        assert_eq!(sizes(&taken), [0, 1]);
        assert!(outlet.try_deliver() == Delivered::All);
        assert_eq!(sizes(&taken), [2, 3]);
        outlet.emit(resized(4));
        assert!(outlet.deliver() == Delivered::All);
        outlet.close();
        assert_eq!(sizes(&taken), [4]);
        assert!(taken.try_recv() == Err(TryRecvError::Disconnected));
    }

    #[test]
    fn a_receiver_that_is_gone_is_told_of_once() {
        for waits in [false, true] {
            let (events, taken) = bounded(1);
            let (listening, abandoned) = bounded::<()>(0);
            let outlet = EventOutlet::new(events, abandoned);
            (0..2).for_each(|workers| outlet.emit(resized(workers)));
            let deliver_with = || if waits { outlet.deliver() } else { outlet.try_deliver() };
            // The channel is there and full, but the run was dropped.
            drop(listening);
            assert!(deliver_with() == Delivered::Gone);
            outlet.emit(resized(2));
            assert!(deliver_with() == Delivered::All);
            assert_eq!(sizes(&taken), [0]);
        }
    }
}
