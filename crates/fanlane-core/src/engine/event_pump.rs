//! Events on their way from a run, or a race, to the state that is folded from them: a bounded channel, emptied by a
//! thread of the consumer's. What the state is, and what else is done with each event, is the consumer's.

use std::sync::{Mutex, PoisonError};

use crossbeam_channel::{Receiver, Sender, bounded};

/// How many events may wait before the sender does.
pub const CHANNEL_EVENTS: usize = 1024;
/// How many events are folded under one lock, so that readers of the state get their turn.
pub const EVENTS_PER_LOCK: usize = 64;

/// A channel for the events of a run.
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    bounded(CHANNEL_EVENTS)
}

/// Waits for an event and takes it into `batch`, with those that wait behind it, up to [`EVENTS_PER_LOCK`]; false when the
/// channel is closed and empty.
pub fn receive<T>(events: &Receiver<T>, batch: &mut Vec<T>) -> bool {
    let first = events.recv();
    batch.extend(first);
    batch.extend(events.try_iter().take(EVENTS_PER_LOCK.saturating_sub(batch.len())));
    !batch.is_empty()
}

/// Folds events into `state` until no more come, and calls `wake` after each batch and at the end.
///
/// `next` waits for the next batch, as [`receive`] does, and returns whether more can come; what it has taken in by then
/// is folded in any case.
pub fn pump<T, S>(
    mut next: impl FnMut(&mut Vec<T>) -> bool,
    state: &Mutex<S>,
    mut fold: impl FnMut(&mut S, T),
    wake: impl Fn(),
) {
    let mut batch = Vec::with_capacity(EVENTS_PER_LOCK);
    loop {
        let goes_on = next(&mut batch);
        if !batch.is_empty() {
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            batch.drain(..).for_each(|event| fold(&mut state, event));
        }
        wake();
        if !goes_on {
            return;
        }
        // The lock is not fair: without this a reader might wait while events pour in.
        std::thread::yield_now();
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn every_event_is_folded_in_order_a_lock_holds_few_and_the_end_wakes() {
        let (sender, events) = channel();
        (0..150).for_each(|event| sender.send(event).unwrap());
        drop(sender);
        let (state, wakes) = (Mutex::new(Vec::new()), Cell::new(0));
        pump(|batch| receive(&events, batch), &state, Vec::push, || wakes.set(wakes.get() + 1));
        assert_eq!(state.into_inner().unwrap(), (0..150).collect::<Vec<_>>());
        assert_eq!(wakes.get(), 150_usize.div_ceil(EVENTS_PER_LOCK) + 1);
    }

    #[test]
    fn what_came_before_the_end_is_folded() {
        let state = Mutex::new(0);
        let last = |batch: &mut Vec<i32>| {
            batch.push(7);
            false
        };
        pump(last, &state, |sum, event| *sum += event, || ());
        assert_eq!(state.into_inner().unwrap(), 7);
    }
}
