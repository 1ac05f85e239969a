//! The arguments of a call, taken one after the other. A missing argument and one of a wrong type are errors that name
//! the method.

use std::collections::BTreeMap;
use std::vec;

use crate::manager::dynamic_value::DynamicValue;
use crate::manager::failure::Failure;

/// The longest timeout of a call, in seconds: a year. A longer one is no limit.
const MAX_TIMEOUT_SECS: f64 = 31_536_000.0;

/// The arguments of a call that have not been taken yet.
pub struct Arguments {
    method: String,
    rest: vec::IntoIter<DynamicValue>,
}

impl Arguments {
    pub fn new(method: &str, arguments: Vec<DynamicValue>) -> Self {
        Self { method: method.to_owned(), rest: arguments.into_iter() }
    }

    /// The next one, which `what` names in messages.
    pub fn any(&mut self, what: &str) -> Result<DynamicValue, Failure> {
        self.rest.next().ok_or_else(|| Failure::arguments(format!("{}: {what} is missing", self.method)))
    }

    /// The next one, if there is one.
    pub fn optional(&mut self) -> Option<DynamicValue> {
        self.rest.next()
    }

    /// All that are left.
    pub fn rest(&mut self) -> Vec<DynamicValue> {
        self.rest.by_ref().collect()
    }

    /// Fails where arguments are left.
    pub fn end(self) -> Result<(), Failure> {
        match self.rest.len() {
            0 => Ok(()),
            left => Err(Failure::arguments(format!("{}: {left} arguments too many", self.method))),
        }
    }

    fn wrong(&self, what: &str, expected: &str, found: &DynamicValue) -> Failure {
        Failure::arguments(format!("{}: {what} is {}, expected {expected}", self.method, found.kind()))
    }

    /// A whole number.
    pub fn int(&mut self, what: &str) -> Result<i128, Failure> {
        match self.any(what)? {
            DynamicValue::Int(number) => Ok(number),
            other => Err(self.wrong(what, "a whole number", &other)),
        }
    }

    /// A whole number of 0 or more, `default` where it is missing.
    pub fn count_or(&mut self, what: &str, default: usize) -> Result<usize, Failure> {
        match self.optional() {
            None | Some(DynamicValue::Nil) => Ok(default),
            Some(DynamicValue::Int(number)) => usize::try_from(number)
                .map_err(|_| Failure::arguments(format!("{}: {what} is {number}, expected 0 or more", self.method))),
            Some(other) => Err(self.wrong(what, "a whole number", &other)),
        }
    }

    /// A whole number of 1 or more, `default` where it is missing.
    pub fn positive_or(&mut self, what: &str, default: usize) -> Result<usize, Failure> {
        match self.count_or(what, default)? {
            0 => Err(Failure::arguments(format!("{}: {what} is 0, expected 1 or more", self.method))),
            count => Ok(count),
        }
    }

    /// A truth value, `default` where it is missing.
    pub fn flag_or(&mut self, what: &str, default: bool) -> Result<bool, Failure> {
        match self.optional() {
            None | Some(DynamicValue::Nil) => Ok(default),
            Some(DynamicValue::Bool(value)) => Ok(value),
            Some(other) => Err(self.wrong(what, "true or false", &other)),
        }
    }

    /// A text.
    pub fn text(&mut self, what: &str) -> Result<String, Failure> {
        match self.any(what)? {
            DynamicValue::Text(text) => Ok(text),
            other => Err(self.wrong(what, "a text", &other)),
        }
    }

    /// A list of values.
    pub fn items(&mut self, what: &str) -> Result<Vec<DynamicValue>, Failure> {
        match self.any(what)? {
            DynamicValue::List(items) => Ok(items),
            other => Err(self.wrong(what, "a list", &other)),
        }
    }

    /// A map of values.
    pub fn entries(&mut self, what: &str) -> Result<BTreeMap<DynamicValue, DynamicValue>, Failure> {
        match self.any(what)? {
            DynamicValue::Map(entries) => Ok(entries),
            other => Err(self.wrong(what, "a map", &other)),
        }
    }

    /// A timeout in nanoseconds, given as seconds of 0 or more; missing or nothing is no limit.
    pub fn timeout_ns(&mut self) -> Result<Option<u64>, Failure> {
        let secs = match self.optional() {
            None | Some(DynamicValue::Nil) => return Ok(None),
            Some(DynamicValue::Int(secs)) => secs as f64,
            Some(DynamicValue::Float(secs)) => secs,
            Some(other) => return Err(self.wrong("the timeout", "seconds", &other)),
        };
        if secs.is_nan() {
            return Err(Failure::arguments(format!("{}: the timeout is no number", self.method)));
        }
        // As in Python, a negative timeout does not wait.
        Ok((secs <= MAX_TIMEOUT_SECS).then_some((secs.max(0.0) * 1e9) as u64))
    }
}
