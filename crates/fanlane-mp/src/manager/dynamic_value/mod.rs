//! [`DynamicValue`]: a plain value that a manager holds and that travels to and from it, the same for scripts and
//! programs. serde turns Rust types into one and back ([`to_value`], [`from_value`]), [`DynamicValue::from_word`] words of a
//! shell.
//!
//! No code travels: a received value is one of these nine kinds, at most [`MAX_DEPTH`] deep.

mod depth;
mod deserialize;
mod literal;
mod serialize;

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use deserialize::from_value;
pub use literal::Literal;
pub use serialize::to_value;

/// Maximum nesting depth of lists and maps.
pub const MAX_DEPTH: usize = 64;

/// The name under which serde carries a reference, so that it stays one inside of a typed value.
const REFERENCE: &str = "fanlane manager reference";

/// A plain value.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub enum DynamicValue {
    /// Nothing; Python's `None`.
    #[default]
    Nil,
    /// A truth value.
    Bool(bool),
    /// A whole number; wide enough for every integer type of Rust up to 64 bits.
    Int(i128),
    /// A floating-point number. NaN is equal to itself, so that it can be a key.
    Float(f64),
    /// Text.
    Text(String),
    /// Plain bytes.
    Bytes(#[serde(with = "serde_bytes")] Vec<u8>),
    /// Values in their order.
    List(#[serde(with = "depth::list")] Vec<Self>),
    /// Values by keys, ordered by key.
    Map(#[serde(with = "depth::map")] BTreeMap<Self, Self>),
    /// Another object of the same manager.
    Reference(Reference),
}

/// The name of an object of a manager: a value like any other, so that objects can hold each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference(pub u64);

impl Serialize for Reference {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(REFERENCE, &self.0)
    }
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;
        impl<'de> serde::de::Visitor<'de> for Number {
            type Value = Reference;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a reference to an object of a manager")
            }
            fn visit_newtype_struct<D: serde::Deserializer<'de>>(self, inner: D) -> Result<Reference, D::Error> {
                u64::deserialize(inner).map(Reference)
            }
        }
        deserializer.deserialize_newtype_struct(REFERENCE, Number)
    }
}

/// A value that cannot become a dynamic value, or a dynamic value that is not of the expected type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DynamicValueError(String);

impl serde::ser::Error for DynamicValueError {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

impl serde::de::Error for DynamicValueError {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

impl DynamicValue {
    /// The kind of value with its article, for messages.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Nil => "nothing",
            Self::Bool(_) => "a truth value",
            Self::Int(_) => "a whole number",
            Self::Float(_) => "a number",
            Self::Text(_) => "a text",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
            Self::Reference(_) => "a reference",
        }
    }

    /// Reads a word of a command line as JSON where it is JSON (`12`, `true`, `"12"`, `[1, 2]`), otherwise as text.
    pub fn from_word(word: &str) -> Self {
        if let Ok(number) = word.parse::<i128>() {
            return Self::Int(number);
        }
        serde_json::from_str::<Literal>(word).map_or_else(|_| Self::Text(word.to_owned()), |literal| literal.0)
    }

    /// As JSON on one line. Bytes and keys without a JSON form become text, NaN becomes `null`.
    pub fn to_json(&self) -> String {
        literal::to_json(self, usize::MAX)
    }

    /// As JSON on one line, cut after about `max_bytes` with an ellipsis.
    pub fn to_short_json(&self, max_bytes: usize) -> String {
        literal::to_json(self, max_bytes)
    }

    const fn rank(&self) -> u8 {
        match self {
            Self::Nil => 0,
            Self::Bool(_) => 1,
            Self::Int(_) => 2,
            Self::Float(_) => 3,
            Self::Text(_) => 4,
            Self::Bytes(_) => 5,
            Self::List(_) => 6,
            Self::Map(_) => 7,
            Self::Reference(_) => 8,
        }
    }
}

impl Ord for DynamicValue {
    /// By kind first, then by value; whole and floating-point numbers are different keys.
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Bool(one), Self::Bool(two)) => one.cmp(two),
            (Self::Int(one), Self::Int(two)) => one.cmp(two),
            (Self::Float(one), Self::Float(two)) => one.total_cmp(two),
            (Self::Text(one), Self::Text(two)) => one.cmp(two),
            (Self::Bytes(one), Self::Bytes(two)) => one.cmp(two),
            (Self::List(one), Self::List(two)) => one.cmp(two),
            (Self::Map(one), Self::Map(two)) => one.cmp(two),
            (Self::Reference(one), Self::Reference(two)) => one.cmp(two),
            (one, two) => one.rank().cmp(&two.rank()),
        }
    }
}

impl PartialOrd for DynamicValue {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for DynamicValue {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for DynamicValue {}

impl From<&str> for DynamicValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<i64> for DynamicValue {
    fn from(number: i64) -> Self {
        Self::Int(number.into())
    }
}

impl From<u64> for DynamicValue {
    fn from(number: u64) -> Self {
        Self::Int(number.into())
    }
}

impl From<bool> for DynamicValue {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

#[cfg(test)]
mod tests;
