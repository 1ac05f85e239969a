//! The value that a call returns.

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
}
