//! `Namespace`: attributes, which are values by names.

use std::collections::BTreeMap;

use super::object::Interface;
use super::{Answer, Arguments, CallContext, CallResult, Object, Weight};
use crate::manager::dynamic_value::DynamicValue;
use crate::manager::failure::Failure;

const INTERFACE: Interface = Interface {
    kind: "a namespace",
    methods: &[("get", 1), ("set", 2), ("delete", 1), ("names", 0), ("copy", 0)],
    tracks_clients: false,
};

/// Values by names.
pub(super) struct NamespaceObject {
    attributes: BTreeMap<String, DynamicValue>,
}

impl NamespaceObject {
    pub fn new(arguments: &mut Arguments) -> Result<Self, Failure> {
        let mut attributes = BTreeMap::new();
        match arguments.optional() {
            None => {}
            Some(DynamicValue::Map(entries)) => {
                for (name, value) in entries {
                    let DynamicValue::Text(name) = name else {
                        return Err(Failure::arguments(format!("an attribute's name is a text, not {}", name.kind())));
                    };
                    attributes.insert(name, value);
                }
            }
            Some(other) => {
                return Err(Failure::arguments(format!("a namespace is made of a map, not of {}", other.kind())));
            }
        }
        Ok(Self { attributes })
    }
}

fn no_attribute(name: &str) -> Failure {
    Failure::not_found(format!("there is no attribute '{name}'"))
}

impl Object for NamespaceObject {
    fn interface(&self) -> Option<&'static Interface> {
        Some(&INTERFACE)
    }

    fn call(&mut self, _context: &mut CallContext<'_>, method: &str, arguments: &mut Arguments) -> CallResult {
        match method {
            "get" => {
                let name = arguments.text("the name")?;
                Answer::now(self.attributes.get(&name).ok_or_else(|| no_attribute(&name))?.clone())
            }
            "set" => {
                let name = arguments.text("the name")?;
                let value = arguments.any("the value")?;
                self.attributes.insert(name, value);
                Answer::done()
            }
            "delete" => {
                let name = arguments.text("the name")?;
                self.attributes.remove(&name).ok_or_else(|| no_attribute(&name))?;
                Answer::done()
            }
            "names" => Answer::now(DynamicValue::List(
                self.attributes.keys().map(|name| DynamicValue::from(name.as_str())).collect(),
            )),
            "copy" => Answer::now(self.content(usize::MAX)),
            _ => Err(INTERFACE.no_method(method)),
        }
    }

    fn weight(&self) -> Weight {
        Weight::of(self.attributes.values())
    }

    fn content(&self, max_items: usize) -> DynamicValue {
        let some = self.attributes.iter().take(max_items);
        DynamicValue::Map(some.map(|(name, value)| (DynamicValue::from(name.as_str()), value.clone())).collect())
    }

    fn length(&self) -> Option<usize> {
        Some(self.attributes.len())
    }
}
