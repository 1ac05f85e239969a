//! `Lock` and `RLock`. Their owner is a connection; when that ends without a release, the next owner is told.

use super::object::Interface;
use super::ownership::Ownership;
use super::{Answer, Arguments, CallContext, CallResult, Object};
use crate::manager::dynamic_value::DynamicValue;

const INTERFACE: Interface =
    Interface { kind: "a lock", methods: &[("acquire", 1), ("release", 0), ("locked", 0)], tracks_clients: true };

/// A lock, reentrant or not.
pub(super) struct LockObject {
    ownership: Ownership,
    is_reentrant: bool,
}

impl LockObject {
    pub fn new(is_reentrant: bool) -> Self {
        Self { ownership: Ownership::default(), is_reentrant }
    }
}

impl Object for LockObject {
    fn interface(&self) -> Option<&'static Interface> {
        Some(&INTERFACE)
    }

    fn call(&mut self, context: &mut CallContext<'_>, method: &str, arguments: &mut Arguments) -> CallResult {
        match method {
            "acquire" => self.ownership.acquire(context, arguments.timeout_ns()?, self.is_reentrant),
            "release" => self.ownership.release(context),
            "locked" => Answer::now(self.ownership.is_owned()),
            _ => Err(INTERFACE.no_method(method)),
        }
    }

    fn timed_out(&mut self, context: &mut CallContext<'_>) {
        self.ownership.cancel_wait(context.client);
        context.answer(context.client, Ok(DynamicValue::Bool(false)));
    }

    fn client_gone(&mut self, context: &mut CallContext<'_>) {
        self.ownership.client_gone(context);
    }

    fn content(&self, _max_items: usize) -> DynamicValue {
        DynamicValue::Bool(self.ownership.is_owned())
    }

    fn state(&self) -> Option<String> {
        Some(self.ownership.state())
    }
}
