//! `Lock` and `RLock`. A connection holds it; when that ends without a release, the next one to acquire it is told.

use super::ownership::Ownership;
use super::{Answer, Arguments, CallContext, Object};
use crate::mp::manager::dynamic_value::DynamicValue;
use crate::mp::manager::failure::Failure;

/// A lock; one that may be acquired again by its holder, or not.
pub(super) struct LockObject {
    ownership: Ownership,
    again: bool,
}

impl LockObject {
    pub fn new(again: bool) -> Self {
        Self { ownership: Ownership::default(), again }
    }
}

impl Object for LockObject {
    fn call(&mut self, context: &mut CallContext<'_>, method: &str, mut with: Arguments) -> Result<Answer, Failure> {
        match method {
            "acquire" => {
                let timeout_ns = with.timeout_ns()?;
                with.end()?;
                self.ownership.acquire(context, timeout_ns, self.again)
            }
            "release" => {
                with.end()?;
                self.ownership.release(context)?;
                Answer::done()
            }
            "locked" => {
                with.end()?;
                Answer::now(self.ownership.is_held())
            }
            _ => Err(Failure::method("a lock", method, &["acquire", "release", "locked"])),
        }
    }

    fn timed_out(&mut self, context: &mut CallContext<'_>) {
        self.ownership.cancel_wait(context.client);
        context.answer(context.client, Ok(DynamicValue::Bool(false)));
    }

    fn tracks_clients(&self) -> bool {
        true
    }

    fn client_gone(&mut self, context: &mut CallContext<'_>) {
        self.ownership.forget(context);
    }

    fn head(&self, _items: usize) -> DynamicValue {
        DynamicValue::Bool(self.ownership.is_held())
    }

    fn state(&self) -> Option<String> {
        Some(self.ownership.words())
    }
}
