//! `list`: Python's list. Places count from 0; negative ones count from the end.

use std::collections::VecDeque;

use super::object::{Interface, described_by_items};
use super::{Answer, Arguments, CallContext, CallResult, Object};
use crate::manager::dynamic_value::DynamicValue;
use crate::manager::failure::Failure;

const INTERFACE: Interface = Interface {
    kind: "a list",
    methods: &[
        ("append", 1),
        ("extend", 1),
        ("insert", 2),
        ("pop", 1),
        ("remove", 1),
        ("get", 1),
        ("set", 2),
        ("delete", 1),
        ("slice", 2),
        ("index", 1),
        ("count", 1),
        ("contains", 1),
        ("len", 0),
        ("reverse", 0),
        ("sort", 0),
        ("clear", 0),
        ("copy", 0),
    ],
    tracks_clients: false,
};

/// The place of an item among `length` items.
pub(super) fn place(index: i128, length: usize) -> Result<usize, Failure> {
    let from_start = if index < 0 { index + length as i128 } else { index };
    let found = usize::try_from(from_start).ok().filter(|place| *place < length);
    found.ok_or_else(|| Failure::not_found(format!("there is no item {index}: it holds {length}")))
}

/// A place between items, limited to both ends.
fn boundary(index: i128, length: usize) -> usize {
    let from_start = if index < 0 { index + length as i128 } else { index };
    usize::try_from(from_start.max(0)).unwrap_or(usize::MAX).min(length)
}

/// Items in their order.
pub(super) struct ListObject {
    items: VecDeque<DynamicValue>,
}

impl ListObject {
    pub fn new(arguments: &mut Arguments) -> Result<Self, Failure> {
        let items = match arguments.optional() {
            None => VecDeque::new(),
            Some(DynamicValue::List(items)) => items.into(),
            Some(other) => {
                return Err(Failure::arguments(format!("a list is made of a list, not of {}", other.kind())));
            }
        };
        Ok(Self { items })
    }

    fn place_of(&self, item: &DynamicValue) -> Result<usize, Failure> {
        let found = self.items.iter().position(|there| there == item);
        found.ok_or_else(|| Failure::not_found(format!("{} is not in the list", item.to_short_json(80))))
    }
}

impl Object for ListObject {
    fn interface(&self) -> Option<&'static Interface> {
        Some(&INTERFACE)
    }

    fn call(&mut self, _context: &mut CallContext<'_>, method: &str, arguments: &mut Arguments) -> CallResult {
        let length = self.items.len();
        match method {
            "append" => {
                let item = arguments.any("the item")?;
                self.items.push_back(item);
                Answer::done()
            }
            "extend" => {
                let items = arguments.items("the list")?;
                self.items.extend(items);
                Answer::done()
            }
            "insert" => {
                let at = boundary(arguments.int("the place")?, length);
                let item = arguments.any("the item")?;
                self.items.insert(at, item);
                Answer::done()
            }
            "pop" => {
                let index = match arguments.optional() {
                    None => -1,
                    Some(DynamicValue::Int(index)) => index,
                    Some(other) => return Err(Failure::arguments(format!("pop: the place is {}", other.kind()))),
                };
                let item = self.items.remove(place(index, length)?).expect("the place was checked");
                Answer::now(item)
            }
            "remove" => {
                let at = self.place_of(&arguments.any("the item")?)?;
                self.items.remove(at);
                Answer::done()
            }
            "get" => {
                let at = place(arguments.int("the place")?, length)?;
                Answer::now(self.items[at].clone())
            }
            "set" => {
                let at = place(arguments.int("the place")?, length)?;
                self.items[at] = arguments.any("the item")?;
                Answer::done()
            }
            "delete" => {
                let at = place(arguments.int("the place")?, length)?;
                self.items.remove(at);
                Answer::done()
            }
            "slice" => {
                let (from, to) = (arguments.int("the start")?, arguments.int("the end")?);
                let (from, to) = (boundary(from, length), boundary(to, length));
                Answer::list(self.items.range(from..to.max(from)))
            }
            "index" => Answer::count(self.place_of(&arguments.any("the item")?)?),
            "count" => {
                let item = arguments.any("the item")?;
                Answer::count(self.items.iter().filter(|there| **there == item).count())
            }
            "contains" => {
                let item = arguments.any("the item")?;
                Answer::now(self.items.contains(&item))
            }
            "len" => Answer::count(length),
            "reverse" => {
                self.items.make_contiguous().reverse();
                Answer::done()
            }
            "sort" => {
                self.items.make_contiguous().sort();
                Answer::done()
            }
            "clear" => {
                self.items.clear();
                Answer::done()
            }
            "copy" => Answer::now(self.content(usize::MAX)),
            _ => Err(INTERFACE.no_method(method)),
        }
    }

    described_by_items!();
}
