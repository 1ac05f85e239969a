//! The value of a call in a JSON report.

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use fanlane_core::event::CallValue;

/// Writes a value as JSON has it: an object of Python as its own JSON, or else as a text that shows it.
///
/// # Errors
/// Those of the format.
pub fn serialize<S: Serializer>(value: &Option<&CallValue>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        None => serializer.serialize_none(),
        Some(CallValue::Int(number)) => serializer.serialize_i64(*number),
        Some(CallValue::Float(number)) => serializer.serialize_f64(*number),
        Some(CallValue::Text(text)) => serializer.serialize_str(text),
        Some(CallValue::Bytes(bytes)) => serializer.serialize_str(&String::from_utf8_lossy(bytes)),
        Some(CallValue::Object { repr, json }) => {
            match json.as_deref().and_then(|json| serde_json::from_str::<&RawValue>(json).ok()) {
                Some(json) => json.serialize(serializer),
                None => serializer.serialize_str(repr),
            }
        }
    }
}
