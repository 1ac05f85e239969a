//! `set`: distinct values in their order.

use std::collections::BTreeSet;

use super::object::{Interface, described_by_items};
use super::{Answer, Arguments, CallContext, CallResult, Object};
use crate::manager::dynamic_value::DynamicValue;
use crate::manager::failure::Failure;

const INTERFACE: Interface = Interface {
    kind: "a set",
    methods: &[
        ("add", 1),
        ("discard", 1),
        ("remove", 1),
        ("contains", 1),
        ("len", 0),
        ("pop", 0),
        ("update", 1),
        ("intersection_update", 1),
        ("difference_update", 1),
        ("symmetric_difference_update", 1),
        ("union", 1),
        ("intersection", 1),
        ("difference", 1),
        ("symmetric_difference", 1),
        ("issubset", 1),
        ("issuperset", 1),
        ("isdisjoint", 1),
        ("clear", 0),
        ("copy", 0),
    ],
    tracks_clients: false,
};

/// Distinct values.
pub(super) struct SetObject {
    items: BTreeSet<DynamicValue>,
}

impl SetObject {
    pub fn new(arguments: &mut Arguments) -> Result<Self, Failure> {
        let items = match arguments.optional() {
            None => BTreeSet::new(),
            Some(DynamicValue::List(items)) => items.into_iter().collect(),
            Some(other) => return Err(Failure::arguments(format!("a set is made of a list, not of {}", other.kind()))),
        };
        Ok(Self { items })
    }
}

impl Object for SetObject {
    fn interface(&self) -> Option<&'static Interface> {
        Some(&INTERFACE)
    }

    fn call(&mut self, _context: &mut CallContext<'_>, method: &str, arguments: &mut Arguments) -> CallResult {
        let argument = arguments.optional();
        let item = || argument.clone().ok_or_else(|| Failure::arguments(format!("{method}: the item is missing")));
        let other = || match argument.clone() {
            Some(DynamicValue::List(items)) => Ok(items.into_iter().collect::<BTreeSet<DynamicValue>>()),
            _ => Err(Failure::arguments(format!("{method}: give the other set, as a list"))),
        };
        match method {
            "union" => Answer::list(self.items.union(&other()?)),
            "intersection" => Answer::list(self.items.intersection(&other()?)),
            "difference" => Answer::list(self.items.difference(&other()?)),
            "symmetric_difference" => Answer::list(self.items.symmetric_difference(&other()?)),
            "issubset" => Answer::now(self.items.is_subset(&other()?)),
            "issuperset" => Answer::now(self.items.is_superset(&other()?)),
            "isdisjoint" => Answer::now(self.items.is_disjoint(&other()?)),
            "update" => {
                self.items.extend(other()?);
                Answer::done()
            }
            "intersection_update" => {
                let other = other()?;
                self.items.retain(|item| other.contains(item));
                Answer::done()
            }
            "difference_update" => {
                let other = other()?;
                self.items.retain(|item| !other.contains(item));
                Answer::done()
            }
            "symmetric_difference_update" => {
                self.items = self.items.symmetric_difference(&other()?).cloned().collect();
                Answer::done()
            }
            "len" => Answer::count(self.items.len()),
            "clear" => {
                self.items.clear();
                Answer::done()
            }
            "copy" => Answer::now(self.content(usize::MAX)),
            "pop" => Answer::now(self.items.pop_first().ok_or_else(|| Failure::not_found("the set is empty"))?),
            "add" => Answer::now(self.items.insert(item()?)),
            "discard" => Answer::now(self.items.remove(&item()?)),
            "contains" => Answer::now(self.items.contains(&item()?)),
            "remove" => {
                let item = item()?;
                if !self.items.remove(&item) {
                    return Err(Failure::not_found(format!("{} is not in the set", item.to_short_json(80))));
                }
                Answer::done()
            }
            _ => Err(INTERFACE.no_method(method)),
        }
    }

    described_by_items!();
}
