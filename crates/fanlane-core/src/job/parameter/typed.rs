//! Values of parameters in a job file: texts, which may also be written as the number or truth value that they are.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

/// A text that may be written without quotes.
#[derive(Deserialize)]
#[serde(transparent)]
struct Typed(#[serde(deserialize_with = "text")] String);

/// Reads `"800"`, `800`, `0.5` or `true` as a text.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    struct TextVisitor;
    impl Visitor<'_> for TextVisitor {
        type Value = String;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text, a number, true or false")
        }
        fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
            Ok(text.to_owned())
        }
        fn visit_u64<E: Error>(self, number: u64) -> Result<String, E> {
            Ok(number.to_string())
        }
        fn visit_i64<E: Error>(self, number: i64) -> Result<String, E> {
            Ok(number.to_string())
        }
        fn visit_f64<E: Error>(self, number: f64) -> Result<String, E> {
            Ok(number.to_string())
        }
        fn visit_bool<E: Error>(self, is_on: bool) -> Result<String, E> {
            Ok(if is_on { "yes" } else { "no" }.to_owned())
        }
    }
    deserializer.deserialize_any(TextVisitor)
}

/// Reads a map from names to such texts.
pub fn map<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    let map = BTreeMap::<String, Typed>::deserialize(deserializer)?;
    Ok(map.into_iter().map(|(name, Typed(text))| (name, text)).collect())
}
