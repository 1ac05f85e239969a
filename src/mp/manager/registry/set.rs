//! `set`: values of which each is there once, in their order.

use std::collections::BTreeSet;

use super::{Answer, Arguments, CallContext, Object, Weight};
use crate::mp::manager::dynamic_value::DynamicValue;
use crate::mp::manager::failure::Failure;

const METHODS: &[&str] = &[
    "add",
    "discard",
    "remove",
    "contains",
    "len",
    "pop",
    "update",
    "intersection_update",
    "difference_update",
    "symmetric_difference_update",
    "union",
    "intersection",
    "difference",
    "symmetric_difference",
    "issubset",
    "issuperset",
    "isdisjoint",
    "clear",
    "copy",
];

/// Values, each once.
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

fn as_list<'a>(items: impl Iterator<Item = &'a DynamicValue>) -> Result<Answer, Failure> {
    Answer::now(DynamicValue::List(items.cloned().collect()))
}

impl Object for SetObject {
    fn call(&mut self, _turn: &mut CallContext<'_>, method: &str, mut with: Arguments) -> Result<Answer, Failure> {
        let argument = with.optional();
        with.end()?;
        let item = || argument.clone().ok_or_else(|| Failure::arguments(format!("{method}: the item is missing")));
        let other = || match argument.clone() {
            Some(DynamicValue::List(items)) => Ok(items.into_iter().collect::<BTreeSet<DynamicValue>>()),
            _ => Err(Failure::arguments(format!("{method}: give the other set, as a list"))),
        };
        match method {
            "union" => as_list(self.items.union(&other()?)),
            "intersection" => as_list(self.items.intersection(&other()?)),
            "difference" => as_list(self.items.difference(&other()?)),
            "symmetric_difference" => as_list(self.items.symmetric_difference(&other()?)),
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
            "copy" => Answer::now(self.head(usize::MAX)),
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
            _ => Err(Failure::method("a set", method, METHODS)),
        }
    }

    fn weight(&self) -> Weight {
        Weight::of(&self.items)
    }

    fn head(&self, items: usize) -> DynamicValue {
        DynamicValue::List(self.items.iter().take(items).cloned().collect())
    }

    fn length(&self) -> Option<usize> {
        Some(self.items.len())
    }
}
