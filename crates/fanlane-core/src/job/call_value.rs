//! The value that a call returns.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::lossless;

/// What a call returned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum CallValue {
    /// A whole number.
    Int(i64),
    /// A number.
    Float(#[serde(with = "lossless::float")] f64),
    /// Text, among it whole numbers too large for 64 bits.
    Text(Box<str>),
    /// Plain bytes.
    Bytes(#[serde(with = "lossless::bytes")] Box<[u8]>),
    /// A Python object.
    Object {
        /// What `repr` says of it; long ones are cut.
        repr: Box<str>,
        /// The object as JSON; `None`: it has no JSON, or a long one.
        json: Option<Box<str>>,
    },
}

impl CallValue {
    /// The value as a person reads it; bytes are as they are.
    pub fn text(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Int(number) => Cow::Owned(number.to_string().into_bytes()),
            Self::Float(number) => Cow::Owned(number.to_string().into_bytes()),
            Self::Text(text) | Self::Object { repr: text, .. } => Cow::Borrowed(text.as_bytes()),
            Self::Bytes(bytes) => Cow::Borrowed(bytes),
        }
    }

    /// Number of bytes that it holds; 0 for a number.
    pub fn held_bytes(&self) -> usize {
        match self {
            Self::Int(_) | Self::Float(_) => 0,
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
            Self::Object { repr, json } => repr.len() + json.as_ref().map_or(0, |json| json.len()),
        }
    }
}
