//! `list`: Python's list through a proxy. Places count from 0; those below 0 count from the end.

use std::collections::VecDeque;

use super::{Answer, Arguments, CallContext, Object, Weight};
use crate::mp::manager::dynamic_value::DynamicValue;
use crate::mp::manager::failure::Failure;

const METHODS: &[&str] = &[
    "append", "extend", "insert", "pop", "remove", "get", "set", "delete", "slice", "index", "count", "contains",
    "len", "reverse", "sort", "clear", "copy",
];

/// The place of an item in something that holds `length` of them.
pub(super) fn place(index: i128, length: usize) -> Result<usize, Failure> {
    let from_start = if index < 0 { index + length as i128 } else { index };
    let found = usize::try_from(from_start).ok().filter(|place| *place < length);
    found.ok_or_else(|| Failure::not_found(format!("there is no item {index}: it holds {length}")))
}

/// A place between items, cut to what there is.
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
    fn call(&mut self, _turn: &mut CallContext<'_>, method: &str, mut with: Arguments) -> Result<Answer, Failure> {
        let length = self.items.len();
        match method {
            "append" => {
                let item = with.only("the item")?;
                self.items.push_back(item);
                Answer::done()
            }
            "extend" => {
                let items = with.items("the list")?;
                with.end()?;
                self.items.extend(items);
                Answer::done()
            }
            "insert" => {
                let at = boundary(with.int("the place")?, length);
                let item = with.only("the item")?;
                self.items.insert(at, item);
                Answer::done()
            }
            "pop" => {
                let index = match with.optional() {
                    None => -1,
                    Some(DynamicValue::Int(index)) => index,
                    Some(other) => return Err(Failure::arguments(format!("pop: the place is {}", other.kind()))),
                };
                with.end()?;
                let item = self.items.remove(place(index, length)?).expect("the place was checked");
                Answer::now(item)
            }
            "remove" => {
                let at = self.place_of(&with.only("the item")?)?;
                self.items.remove(at);
                Answer::done()
            }
            "get" => {
                let at = place(with.int("the place")?, length)?;
                with.end()?;
                Answer::now(self.items[at].clone())
            }
            "set" => {
                let at = place(with.int("the place")?, length)?;
                self.items[at] = with.only("the item")?;
                Answer::done()
            }
            "delete" => {
                let at = place(with.int("the place")?, length)?;
                with.end()?;
                self.items.remove(at);
                Answer::done()
            }
            "slice" => {
                let (from, to) = (with.int("the begin")?, with.int("the end")?);
                with.end()?;
                let (from, to) = (boundary(from, length), boundary(to, length));
                Answer::now(DynamicValue::List(self.items.range(from..to.max(from)).cloned().collect()))
            }
            "index" => Answer::count(self.place_of(&with.only("the item")?)?),
            "count" => {
                let item = with.only("the item")?;
                Answer::count(self.items.iter().filter(|there| **there == item).count())
            }
            "contains" => {
                let item = with.only("the item")?;
                Answer::now(self.items.contains(&item))
            }
            "len" => {
                with.end()?;
                Answer::count(length)
            }
            "reverse" => {
                with.end()?;
                self.items.make_contiguous().reverse();
                Answer::done()
            }
            "sort" => {
                with.end()?;
                self.items.make_contiguous().sort();
                Answer::done()
            }
            "clear" => {
                with.end()?;
                self.items.clear();
                Answer::done()
            }
            "copy" => {
                with.end()?;
                Answer::now(self.head(usize::MAX))
            }
            _ => Err(Failure::method("a list", method, METHODS)),
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
