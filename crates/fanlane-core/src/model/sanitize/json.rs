//! JSON for files, pipes and terminals alike: what a terminal would act on is escaped, and the values are the same.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use super::is_acting;

/// Writes a value as compact JSON.
///
/// # Errors
/// When the value has no form in JSON or `out` cannot be written.
pub fn write_json<T: Serialize + ?Sized>(out: impl Write, value: &T) -> serde_json::Result<()> {
    value.serialize(&mut Serializer::with_formatter(out, Inert))
}

/// A value as compact JSON.
///
/// # Errors
/// When the value has no form in JSON.
pub fn to_json<T: Serialize + ?Sized>(value: &T) -> serde_json::Result<String> {
    let mut text = Vec::new();
    write_json(&mut text, value)?;
    Ok(String::from_utf8(text).expect("JSON is UTF-8"))
}

/// Compact JSON in which no text holds a character that acts.
struct Inert;

impl Formatter for Inert {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut from = 0;
        for (at, letter) in fragment.char_indices().filter(|(_, letter)| is_acting(*letter)) {
            writer.write_all(&fragment.as_bytes()[from..at])?;
            for unit in letter.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            from = at + letter.len_utf8();
        }
        writer.write_all(&fragment.as_bytes()[from..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_the_same_and_nothing_acts() {
        let value = serde_json::json!({"a\u{202e}": ["\u{9b}31m", "\u{1b}[0m\u{7f}", "é \u{e0041}", "\n", 1.5, null]});
        let text = to_json(&value).expect("JSON");
        assert_eq!(text, r#"{"a\u202e":["\u009b31m","\u001b[0m\u007f","é \udb40\udc41","\n",1.5,null]}"#);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).expect("JSON"), value);
    }
}
