//! `Lock` and `RLock`. A connection holds it; when that ends without a release, the next one to acquire it is told.

use super::holding::Holding;
use super::{Answer, Arguments, Object, Turn};
use crate::mp::manager::datum::Datum;
use crate::mp::manager::failure::Failure;

/// A lock; one that may be acquired again by its holder, or not.
pub(super) struct Lock {
    holding: Holding,
    again: bool,
}

impl Lock {
    pub fn new(again: bool) -> Self {
        Self { holding: Holding::default(), again }
    }
}

impl Object for Lock {
    fn call(&mut self, turn: &mut Turn<'_>, method: &str, mut with: Arguments) -> Result<Answer, Failure> {
        match method {
            "acquire" => {
                let timeout_ns = with.timeout_ns()?;
                with.end()?;
                self.holding.acquire(turn, timeout_ns, self.again)
            }
            "release" => {
                with.end()?;
                self.holding.release(turn)?;
                Answer::done()
            }
            "locked" => {
                with.end()?;
                Answer::now(self.holding.is_held())
            }
            _ => Err(Failure::method("a lock", method, &["acquire", "release", "locked"])),
        }
    }

    fn timed_out(&mut self, turn: &mut Turn<'_>) {
        self.holding.gives_up(turn.client);
        turn.answer(turn.client, Ok(Datum::Bool(false)));
    }

    fn minds_clients(&self) -> bool {
        true
    }

    fn client_gone(&mut self, turn: &mut Turn<'_>) {
        self.holding.forget(turn);
    }

    fn head(&self, _items: usize) -> Datum {
        Datum::Bool(self.holding.is_held())
    }

    fn state(&self) -> Option<String> {
        Some(self.holding.words())
    }
}
