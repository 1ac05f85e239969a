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
    /// The value as a person reads it, a number as Python writes it; bytes are as they are.
    pub fn text(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Int(number) => Cow::Owned(number.to_string().into_bytes()),
            Self::Float(number) => Cow::Owned(float_words(*number).into_bytes()),
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

/// A number as Python's `repr` has it: the shortest digits that are read back as this number, with an exponent where it is very
/// large or very small, and always as a number that is no whole one.
fn float_words(number: f64) -> String {
    let written = format!("{number:e}");
    let (digits, exponent) = match written.split_once('e') {
        Some((digits, exponent)) => (digits, exponent.parse().unwrap_or(0)),
        // It is inf, -inf or NaN.
        None => return written.to_lowercase(),
    };
    match exponent {
        0..16 if number.fract() == 0.0 => format!("{number:.1}"),
        -4..16 => number.to_string(),
        _ => format!("{digits}e{}{:02}", if exponent < 0 { '-' } else { '+' }, i32::abs(exponent)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_float_is_written_as_python_writes_it() {
        let cases = [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (0.1, "0.1"),
            (0.1 + 0.2, "0.30000000000000004"),
            (-2.5, "-2.5"),
            (100_000.0, "100000.0"),
            (123_456_789_012_345.0, "123456789012345.0"),
            (9_999_999_999_999_998.0, "9999999999999998.0"),
            (1e16, "1e+16"),
            (1.5e16, "1.5e+16"),
            (1e22, "1e+22"),
            (1e100, "1e+100"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (-1.25e-7, "-1.25e-07"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::NAN, "nan"),
            (-f64::NAN, "nan"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
        ];
        for (number, words) in cases {
            assert_eq!(CallValue::Float(number).text().as_ref(), words.as_bytes(), "{number:e}");
        }
    }
}
