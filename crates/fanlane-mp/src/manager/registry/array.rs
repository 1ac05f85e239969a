//! `Array`: a fixed number of values of one kind.

use super::dict::sum;
use super::list::place;
use super::object::{Interface, described_by_items};
use super::{Answer, Arguments, CallContext, CallResult, Object};
use crate::manager::dynamic_value::DynamicValue;
use crate::manager::failure::Failure;

const INTERFACE: Interface = Interface {
    kind: "an Array",
    methods: &[("get", 1), ("set", 2), ("add", 2), ("len", 0), ("copy", 0)],
    tracks_clients: false,
};

/// A fixed number of values.
pub(super) struct ArrayObject {
    items: Vec<DynamicValue>,
}

impl ArrayObject {
    pub fn new(arguments: &mut Arguments) -> Result<Self, Failure> {
        let items = match arguments.any("its items, or their number")? {
            DynamicValue::List(items) => items,
            DynamicValue::Int(count) => {
                const MAX_ITEMS: i128 = 10_000_000;
                if !(0..=MAX_ITEMS).contains(&count) {
                    return Err(Failure::arguments(format!("an Array of {count} items; it holds 0 to {MAX_ITEMS}")));
                }
                vec![DynamicValue::Int(0); count as usize]
            }
            other => {
                let found = other.kind();
                return Err(Failure::arguments(format!("an Array is made of a list or a count, not of {found}")));
            }
        };
        let array = Self { items };
        array.items.iter().try_for_each(|item| array.check(item))?;
        Ok(array)
    }

    fn check(&self, item: &DynamicValue) -> Result<(), Failure> {
        match self.items.first() {
            Some(first) if first.kind() != item.kind() => {
                Err(Failure::arguments(format!("the Array holds {} in each place, not {}", first.kind(), item.kind())))
            }
            _ => Ok(()),
        }
    }
}

impl Object for ArrayObject {
    fn interface(&self) -> Option<&'static Interface> {
        Some(&INTERFACE)
    }

    fn call(&mut self, _context: &mut CallContext<'_>, method: &str, arguments: &mut Arguments) -> CallResult {
        let length = self.items.len();
        match method {
            "get" => {
                let at = place(arguments.int("the place")?, length)?;
                Answer::now(self.items[at].clone())
            }
            "set" => {
                let at = place(arguments.int("the place")?, length)?;
                let item = arguments.any("the item")?;
                self.check(&item)?;
                self.items[at] = item;
                Answer::done()
            }
            "add" => {
                let at = place(arguments.int("the place")?, length)?;
                let more = arguments.optional().unwrap_or(DynamicValue::Int(1));
                let sum = sum(Some(&self.items[at]), &more)?;
                self.check(&sum)?;
                self.items[at] = sum.clone();
                Answer::now(sum)
            }
            "len" => Answer::count(length),
            "copy" => Answer::now(self.content(usize::MAX)),
            _ => Err(INTERFACE.no_method(method)),
        }
    }

    described_by_items!();
}
