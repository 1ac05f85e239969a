//! Where a run's events leave: in the order in which they were said, through a bounded channel that may be full.

use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use crossbeam_channel::{Receiver, Sender, TryRecvError, TrySendError, select_biased};

use crate::event::Event;

/// The queue of what was said, and the channel that it leaves through.
pub struct Outlet {
    said: Mutex<Vec<Event>>,
    /// Held while events leave, so that they leave in order; `None` once nobody takes them or the run has ended.
    channel: Mutex<Option<Sender<Event>>>,
    /// Ends when the run was dropped: its events are let go then rather than waited for.
    abandoned: Receiver<()>,
}

/// What came of letting events out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum LetOut {
    /// All that was said is out.
    All,
    /// The channel is full.
    Some,
    /// Nobody takes events any more; told once.
    Gone,
}

impl Outlet {
    /// Nothing was said yet. `abandoned` ends when whoever takes the events cannot be counted on any more.
    pub fn new(events: Sender<Event>, abandoned: Receiver<()>) -> Self {
        Self { said: Mutex::default(), channel: Mutex::new(Some(events)), abandoned }
    }

    /// Has an event leave behind those that were said before, as soon as somebody lets them out.
    pub fn say(&self, event: Event) {
        self.said().push(event);
    }

    /// Lets out what was said as far as there is room, without waiting: whoever keeps the time must not be held up by
    /// whoever takes the events.
    pub fn try_let_out(&self) -> LetOut {
        let mut channel = match self.channel.try_lock() {
            Ok(channel) => channel,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // Somebody lets them out just now, and may have to wait.
            Err(TryLockError::WouldBlock) if self.said().is_empty() => return LetOut::All,
            Err(TryLockError::WouldBlock) => return LetOut::Some,
        };
        self.let_out(&mut channel, |events, event| match events.try_send(event) {
            Ok(()) => Sent::Yes,
            Err(TrySendError::Disconnected(_)) => Sent::Gone,
            Err(TrySendError::Full(_)) if self.is_abandoned() => Sent::Gone,
            Err(TrySendError::Full(event)) => Sent::NoRoom(event),
        })
    }

    /// Lets out what was said. Waits while the channel is full.
    pub fn wait_to_let_out(&self) -> LetOut {
        self.let_out(&mut self.channel(), |events, event| match events.try_send(event) {
            Ok(()) => Sent::Yes,
            Err(TrySendError::Disconnected(_)) => Sent::Gone,
            Err(TrySendError::Full(event)) => select_biased! {
                send(events, event) -> sent => if sent.is_ok() { Sent::Yes } else { Sent::Gone },
                recv(self.abandoned) -> _ => Sent::Gone,
            },
        })
    }

    /// Nothing more leaves: whoever takes the events sees their end.
    pub fn close(&self) {
        *self.channel() = None;
    }

    fn let_out(&self, channel: &mut Option<Sender<Event>>, send: impl Fn(&Sender<Event>, Event) -> Sent) -> LetOut {
        loop {
            let said = std::mem::take(&mut *self.said());
            let Some(events) = &channel else { return LetOut::All };
            if said.is_empty() {
                return LetOut::All;
            }
            let mut said = said.into_iter();
            while let Some(event) = said.next() {
                match send(events, event) {
                    Sent::Yes => {}
                    Sent::NoRoom(event) => {
                        // Before whatever was said meanwhile.
                        drop(self.said().splice(0..0, std::iter::once(event).chain(said)));
                        return LetOut::Some;
                    }
                    Sent::Gone => {
                        *channel = None;
                        return LetOut::Gone;
                    }
                }
            }
        }
    }

    fn is_abandoned(&self) -> bool {
        self.abandoned.try_recv() == Err(TryRecvError::Disconnected)
    }

    fn said(&self) -> MutexGuard<'_, Vec<Event>> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
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
            other => panic!("nobody said {other:?}"),
        });
        sizes.collect()
    }

    #[test]
    fn what_finds_no_room_leaves_later_and_in_its_order() {
        let (events, taken) = bounded(2);
        let (_listening, abandoned) = bounded(0);
        let outlet = Outlet::new(events, abandoned);
        (0..3).for_each(|workers| outlet.say(resized(workers)));
        assert!(outlet.try_let_out() == LetOut::Some);
        outlet.say(resized(3));
        assert_eq!(sizes(&taken), [0, 1]);
        assert!(outlet.try_let_out() == LetOut::All);
        assert_eq!(sizes(&taken), [2, 3]);
        outlet.say(resized(4));
        assert!(outlet.wait_to_let_out() == LetOut::All);
        outlet.close();
        assert_eq!(sizes(&taken), [4]);
        assert!(taken.try_recv() == Err(TryRecvError::Disconnected));
    }

    #[test]
    fn whoever_takes_none_any_more_is_told_of_once() {
        for waits in [false, true] {
            let (events, taken) = bounded(1);
            let (listening, abandoned) = bounded::<()>(0);
            let outlet = Outlet::new(events, abandoned);
            (0..2).for_each(|workers| outlet.say(resized(workers)));
            let let_out = || if waits { outlet.wait_to_let_out() } else { outlet.try_let_out() };
            // The channel is there and full, but the run was dropped.
            drop(listening);
            assert!(let_out() == LetOut::Gone);
            outlet.say(resized(2));
            assert!(let_out() == LetOut::All);
            assert_eq!(sizes(&taken), [0]);
        }
    }
}
