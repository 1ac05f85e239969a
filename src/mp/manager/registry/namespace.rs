//! `Namespace`: values by names, as attributes.

use std::collections::BTreeMap;

use super::{Answer, Arguments, CallContext, Object, Weight};
use crate::mp::manager::dynamic_value::DynamicValue;
use crate::mp::manager::failure::Failure;

const METHODS: &[&str] = &["get", "set", "delete", "names", "copy"];

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
    fn call(&mut self, _turn: &mut CallContext<'_>, method: &str, mut with: Arguments) -> Result<Answer, Failure> {
        match method {
            "get" => {
                let name = with.text("the name")?;
                with.end()?;
                Answer::now(self.attributes.get(&name).ok_or_else(|| no_attribute(&name))?.clone())
            }
            "set" => {
                let name = with.text("the name")?;
                let value = with.only("the value")?;
                self.attributes.insert(name, value);
                Answer::done()
            }
            "delete" => {
                let name = with.text("the name")?;
                with.end()?;
                self.attributes.remove(&name).ok_or_else(|| no_attribute(&name))?;
                Answer::done()
            }
            "names" => {
                with.end()?;
                Answer::now(DynamicValue::List(
                    self.attributes.keys().map(|name| DynamicValue::from(name.as_str())).collect(),
                ))
            }
            "copy" => {
                with.end()?;
                Answer::now(self.head(usize::MAX))
            }
            _ => Err(Failure::method("a namespace", method, METHODS)),
        }
    }

    fn weight(&self) -> Weight {
        Weight::of(self.attributes.values())
    }

    fn head(&self, items: usize) -> DynamicValue {
        let some = self.attributes.iter().take(items);
        DynamicValue::Map(some.map(|(name, value)| (DynamicValue::from(name.as_str()), value.clone())).collect())
    }

    fn length(&self) -> Option<usize> {
        Some(self.attributes.len())
    }
}
