//! `Value` and `Array`: one value, and a fixed number of values of one kind.

use super::dict::sum;
use super::list::place;
use super::{Answer, Arguments, CallContext, Object, Weight};
use crate::mp::manager::dynamic_value::DynamicValue;
use crate::mp::manager::failure::Failure;

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
    fn call(&mut self, _turn: &mut CallContext<'_>, method: &str, mut with: Arguments) -> Result<Answer, Failure> {
        match method {
            "get" => {
                with.end()?;
                Answer::now(self.value.clone())
            }
            "set" => {
                self.value = with.only("the value")?;
                Answer::done()
            }
            // What a client would otherwise read and write back could be changed by another between the two.
            "add" => {
                let more = with.optional().unwrap_or(DynamicValue::Int(1));
                with.end()?;
                self.value = sum(Some(&self.value), &more)?;
                Answer::now(self.value.clone())
            }
            "compare_exchange" => {
                let expected = with.any("the expected value")?;
                let new = with.only("the new value")?;
                let same = self.value == expected;
                if same {
                    self.value = new;
                }
                Answer::now(same)
            }
            _ => Err(Failure::method("a Value", method, &["get", "set", "add", "compare_exchange"])),
        }
    }

    fn weight(&self) -> Weight {
        Weight::of([&self.value])
    }

    fn head(&self, _items: usize) -> DynamicValue {
        self.value.clone()
    }
}

/// So many values of one kind.
pub(super) struct ArrayObject {
    items: Vec<DynamicValue>,
}

impl ArrayObject {
    pub fn new(arguments: &mut Arguments) -> Result<Self, Failure> {
        let items = match arguments.any("its items, or how many")? {
            DynamicValue::List(items) => items,
            DynamicValue::Int(count) => {
                const MOST: i128 = 10_000_000;
                if !(0..=MOST).contains(&count) {
                    return Err(Failure::arguments(format!("an Array of {count} items; it holds 0 to {MOST}")));
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
    fn call(&mut self, _turn: &mut CallContext<'_>, method: &str, mut with: Arguments) -> Result<Answer, Failure> {
        let length = self.items.len();
        match method {
            "get" => {
                let at = place(with.int("the place")?, length)?;
                with.end()?;
                Answer::now(self.items[at].clone())
            }
            "set" => {
                let at = place(with.int("the place")?, length)?;
                let item = with.only("the item")?;
                self.check(&item)?;
                self.items[at] = item;
                Answer::done()
            }
            "add" => {
                let at = place(with.int("the place")?, length)?;
                let more = with.optional().unwrap_or(DynamicValue::Int(1));
                with.end()?;
                let sum = sum(Some(&self.items[at]), &more)?;
                self.check(&sum)?;
                self.items[at] = sum.clone();
                Answer::now(sum)
            }
            "len" => {
                with.end()?;
                Answer::count(length)
            }
            "copy" => {
                with.end()?;
                Answer::now(self.head(usize::MAX))
            }
            _ => Err(Failure::method("an Array", method, &["get", "set", "add", "len", "copy"])),
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
