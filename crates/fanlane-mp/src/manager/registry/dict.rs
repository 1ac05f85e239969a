//! `dict`: values by keys. Unlike Python's it is in the order of its keys, and any value can be a key.

use std::collections::BTreeMap;

use super::object::Interface;
use super::{Answer, Arguments, CallContext, CallResult, Object, Weight};
use crate::manager::dynamic_value::DynamicValue;
use crate::manager::failure::Failure;

const INTERFACE: Interface = Interface {
    kind: "a dict",
    methods: &[
        ("get", 1),
        ("get_or", 2),
        ("set", 2),
        ("setdefault", 2),
        ("add", 2),
        ("pop", 2),
        ("popitem", 0),
        ("delete", 1),
        ("contains", 1),
        ("len", 0),
        ("keys", 0),
        ("values", 0),
        ("items", 0),
        ("update", 1),
        ("clear", 0),
        ("copy", 0),
    ],
    tracks_clients: false,
};

/// The sum of two numbers; a missing one counts as 0.
pub(super) fn sum(there: Option<&DynamicValue>, more: &DynamicValue) -> Result<DynamicValue, Failure> {
    let whole = |one: i128, two: i128| {
        let sum = one.checked_add(two).map(DynamicValue::Int);
        sum.ok_or_else(|| Failure::arguments(format!("{one} and {two} together are beyond 127 bits")))
    };
    match (there.unwrap_or(&DynamicValue::Int(0)), more) {
        (DynamicValue::Int(one), DynamicValue::Int(two)) => whole(*one, *two),
        (DynamicValue::Float(one), DynamicValue::Float(two)) => Ok(DynamicValue::Float(one + two)),
        (DynamicValue::Int(one), DynamicValue::Float(two)) => Ok(DynamicValue::Float(*one as f64 + two)),
        (DynamicValue::Float(one), DynamicValue::Int(two)) => Ok(DynamicValue::Float(one + *two as f64)),
        (DynamicValue::Int(_) | DynamicValue::Float(_), other) => {
            Err(Failure::arguments(format!("{} cannot be added; give a number", other.kind())))
        }
        (other, _) => Err(Failure::arguments(format!("there is {}, to which nothing can be added", other.kind()))),
    }
}

pub(super) fn no_key(key: &DynamicValue) -> Failure {
    Failure::not_found(format!("there is no key {}", key.to_short_json(80)))
}

fn pair(key: &DynamicValue, value: &DynamicValue) -> DynamicValue {
    DynamicValue::List(vec![key.clone(), value.clone()])
}

/// Values by keys.
pub(super) struct DictObject {
    entries: BTreeMap<DynamicValue, DynamicValue>,
}

impl DictObject {
    pub fn new(arguments: &mut Arguments) -> Result<Self, Failure> {
        let entries = match arguments.optional() {
            None => BTreeMap::new(),
            Some(DynamicValue::Map(entries)) => entries,
            Some(other) => return Err(Failure::arguments(format!("a dict is made of a map, not of {}", other.kind()))),
        };
        Ok(Self { entries })
    }
}

impl Object for DictObject {
    fn interface(&self) -> Option<&'static Interface> {
        Some(&INTERFACE)
    }

    fn call(&mut self, _context: &mut CallContext<'_>, method: &str, arguments: &mut Arguments) -> CallResult {
        match method {
            "get" => {
                let key = arguments.any("the key")?;
                Answer::now(self.entries.get(&key).ok_or_else(|| no_key(&key))?.clone())
            }
            "get_or" => {
                let key = arguments.any("the key")?;
                let default = arguments.any("the value in its place")?;
                Answer::now(self.entries.get(&key).cloned().unwrap_or(default))
            }
            "set" => {
                let key = arguments.any("the key")?;
                let value = arguments.any("the value")?;
                self.entries.insert(key, value);
                Answer::done()
            }
            "setdefault" => {
                let key = arguments.any("the key")?;
                let value = arguments.any("the value")?;
                Answer::now(self.entries.entry(key).or_insert(value).clone())
            }
            "add" => {
                let key = arguments.any("the key")?;
                let more = arguments.optional().unwrap_or(DynamicValue::Int(1));
                let sum = sum(self.entries.get(&key), &more)?;
                self.entries.insert(key, sum.clone());
                Answer::now(sum)
            }
            "pop" => {
                let key = arguments.any("the key")?;
                let default = arguments.optional();
                Answer::now(self.entries.remove(&key).or(default).ok_or_else(|| no_key(&key))?)
            }
            "popitem" => {
                let (key, value) = self.entries.pop_last().ok_or_else(|| Failure::not_found("the dict is empty"))?;
                Answer::now(DynamicValue::List(vec![key, value]))
            }
            "delete" => {
                let key = arguments.any("the key")?;
                self.entries.remove(&key).ok_or_else(|| no_key(&key))?;
                Answer::done()
            }
            "contains" => {
                let key = arguments.any("the key")?;
                Answer::now(self.entries.contains_key(&key))
            }
            "update" => {
                let entries = arguments.entries("the map")?;
                self.entries.extend(entries);
                Answer::done()
            }
            "len" => Answer::count(self.entries.len()),
            "keys" => Answer::list(self.entries.keys()),
            "values" => Answer::list(self.entries.values()),
            "items" => {
                Answer::now(DynamicValue::List(self.entries.iter().map(|(key, value)| pair(key, value)).collect()))
            }
            "clear" => {
                self.entries.clear();
                Answer::done()
            }
            "copy" => Answer::now(self.content(usize::MAX)),
            _ => Err(INTERFACE.no_method(method)),
        }
    }

    fn weight(&self) -> Weight {
        Weight::of(self.entries.keys()).and(Weight::of(self.entries.values()))
    }

    fn content(&self, max_items: usize) -> DynamicValue {
        DynamicValue::Map(
            self.entries.iter().take(max_items).map(|(key, value)| (key.clone(), value.clone())).collect(),
        )
    }

    fn length(&self) -> Option<usize> {
        Some(self.entries.len())
    }
}
