//! `Condition`: a lock, and those who have let go of it until they are notified.

use std::collections::VecDeque;

use super::holding::Holding;
use super::{Answer, Arguments, ClientId, Object, Turn};
use crate::mp::manager::datum::Datum;
use crate::mp::manager::failure::{Failure, FailureKind};

const METHODS: &[&str] = &["acquire", "release", "wait", "notify", "notify_all"];

/// A reentrant lock with waiters, as in Python.
#[derive(Default)]
pub(super) struct Condition {
    holding: Holding,
    /// Who waits to be notified, and how often it had acquired the lock.
    waiters: VecDeque<(ClientId, u64)>,
}

impl Condition {
    fn must_hold(&self, turn: &Turn<'_>, method: &str) -> Result<(), Failure> {
        if self.holding.is_held_by(turn.client) {
            return Ok(());
        }
        Err(Failure::new(FailureKind::NotHeld, format!("{method}: acquire the condition first")))
    }

    fn notify(&mut self, turn: &mut Turn<'_>, most: usize) -> usize {
        let count = most.min(self.waiters.len());
        for (client, depth) in self.waiters.drain(..count) {
            self.holding.acquire_again(turn, client, depth, Datum::Bool(true));
        }
        count
    }
}

impl Object for Condition {
    fn call(&mut self, turn: &mut Turn<'_>, method: &str, mut with: Arguments) -> Result<Answer, Failure> {
        match method {
            "acquire" => {
                let timeout_ns = with.timeout_ns()?;
                with.end()?;
                self.holding.acquire(turn, timeout_ns, true)
            }
            "release" => {
                with.end()?;
                self.holding.release(turn)?;
                Answer::done()
            }
            "wait" => {
                let timeout_ns = with.timeout_ns()?;
                with.end()?;
                self.must_hold(turn, method)?;
                let depth = self.holding.release_all(turn);
                self.waiters.push_back((turn.client, depth));
                Ok(Answer::Later { timeout_ns })
            }
            "notify" => {
                let most = with.count_or("how many", 1)?;
                with.end()?;
                self.must_hold(turn, method)?;
                Answer::count(self.notify(turn, most))
            }
            "notify_all" => {
                with.end()?;
                self.must_hold(turn, method)?;
                Answer::count(self.notify(turn, usize::MAX))
            }
            _ => Err(Failure::method("a Condition", method, METHODS)),
        }
    }

    fn timed_out(&mut self, turn: &mut Turn<'_>) {
        let client = turn.client;
        if let Some(place) = self.waiters.iter().position(|(waiter, _)| *waiter == client) {
            let (_, depth) = self.waiters.remove(place).expect("the place was just found");
            self.holding.acquire_again(turn, client, depth, Datum::Bool(false));
        } else if self.holding.gives_up(client) {
            turn.answer(client, Ok(Datum::Bool(false)));
        }
    }

    fn minds_clients(&self) -> bool {
        true
    }

    fn client_gone(&mut self, turn: &mut Turn<'_>) {
        let client = turn.client;
        self.waiters.retain(|(waiter, _)| *waiter != client);
        self.holding.forget(turn);
    }

    fn head(&self, _items: usize) -> Datum {
        Datum::Bool(self.holding.is_held())
    }

    fn state(&self) -> Option<String> {
        Some(match self.waiters.len() {
            0 => self.holding.words(),
            count => format!("{}, {count} to be notified", self.holding.words()),
        })
    }
}
