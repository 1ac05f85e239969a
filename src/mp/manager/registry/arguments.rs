//! The arguments of a call, taken one after the other; what is missing, too much or of another kind is said with the
//! method's name.

use std::vec;

use crate::mp::manager::dynamic_value::DynamicValue;
use crate::mp::manager::failure::Failure;

/// The longest wait that a call may name, in seconds: a year. Longer is for ever.
const MAX_SECS: f64 = 31_536_000.0;

/// What is left of a call's arguments.
pub struct Arguments {
    method: String,
    rest: vec::IntoIter<DynamicValue>,
}

impl Arguments {
    pub fn new(method: &str, arguments: Vec<DynamicValue>) -> Self {
        Self { method: method.to_owned(), rest: arguments.into_iter() }
    }

    /// The next one, which `what` names.
    pub fn any(&mut self, what: &str) -> Result<DynamicValue, Failure> {
        self.rest.next().ok_or_else(|| Failure::arguments(format!("{}: {what} is missing", self.method)))
    }

    /// The next one, if there is one.
    pub fn optional(&mut self) -> Option<DynamicValue> {
        self.rest.next()
    }

    /// There must be no more.
    pub fn end(mut self) -> Result<(), Failure> {
        match self.rest.next() {
            None => Ok(()),
            Some(_) => Err(Failure::arguments(format!("{}: {} arguments too many", self.method, self.rest.len() + 1))),
        }
    }

    /// The next one alone.
    pub fn only(mut self, what: &str) -> Result<DynamicValue, Failure> {
        let value = self.any(what)?;
        self.end()?;
        Ok(value)
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

    /// Whole numbers of 1 or more.
    pub fn positive_or(&mut self, what: &str, default: usize) -> Result<usize, Failure> {
        match self.count_or(what, default)? {
            0 => Err(Failure::arguments(format!("{}: {what} is 0, expected 1 or more", self.method))),
            count => Ok(count),
        }
    }

    /// Yes or no, `default` where it is missing.
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
    pub fn entries(&mut self, what: &str) -> Result<std::collections::BTreeMap<DynamicValue, DynamicValue>, Failure> {
        match self.any(what)? {
            DynamicValue::Map(entries) => Ok(entries),
            other => Err(self.wrong(what, "a map", &other)),
        }
    }

    /// How long to wait, in nanoseconds: seconds of 0 or more; missing or nothing means for ever.
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
        // As in Python, a time that is over means: do not wait.
        Ok((secs <= MAX_SECS).then_some((secs.max(0.0) * 1e9) as u64))
    }
}
