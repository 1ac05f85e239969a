//! `Value`: one value.

use super::dict::sum;
use super::object::Interface;
use super::{Answer, Arguments, CallContext, CallResult, Object, Weight};
use crate::manager::dynamic_value::DynamicValue;

const INTERFACE: Interface = Interface {
    kind: "a Value",
    methods: &[("get", 0), ("set", 1), ("add", 1), ("compare_exchange", 2)],
    tracks_clients: false,
};

/// One value.
pub(super) struct ValueObject {
    value: DynamicValue,
}

impl ValueObject {
    pub fn new(arguments: &mut Arguments) -> Self {
        Self { value: arguments.optional().unwrap_or_default() }
    }
}

impl Object for ValueObject {
    fn interface(&self) -> Option<&'static Interface> {
        Some(&INTERFACE)
    }

    fn call(&mut self, _context: &mut CallContext<'_>, method: &str, arguments: &mut Arguments) -> CallResult {
        match method {
            "get" => Answer::now(self.value.clone()),
            "set" => {
                self.value = arguments.any("the value")?;
                Answer::done()
            }
            // Between a read and a write of a client, another one could change the value.
            "add" => {
                let more = arguments.optional().unwrap_or(DynamicValue::Int(1));
                self.value = sum(Some(&self.value), &more)?;
                Answer::now(self.value.clone())
            }
            "compare_exchange" => {
                let expected = arguments.any("the expected value")?;
                let new = arguments.any("the new value")?;
                let same = self.value == expected;
                if same {
                    self.value = new;
                }
                Answer::now(same)
            }
            _ => Err(INTERFACE.no_method(method)),
        }
    }

    fn weight(&self) -> Weight {
        Weight::of([&self.value])
    }

    fn content(&self, _max_items: usize) -> DynamicValue {
        self.value.clone()
    }
}
