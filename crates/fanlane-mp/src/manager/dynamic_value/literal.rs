//! Values as people write them: natural JSON and RON, not the tagged form that travels.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};

use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

use super::{DynamicValue, Reference};

/// A [`DynamicValue`] in natural notation: `3`, `"a"`, `[1, 2]`, `{"a": 1}`. Bytes and references are written as text.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Literal(pub DynamicValue);

impl<'de> Deserialize<'de> for Literal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue).map(Self)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = DynamicValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, a text, true or false, a list or a map")
    }

    fn visit_bool<E>(self, value: bool) -> Result<DynamicValue, E> {
        Ok(DynamicValue::Bool(value))
    }

    fn visit_i64<E>(self, number: i64) -> Result<DynamicValue, E> {
        Ok(number.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<DynamicValue, E> {
        Ok(number.into())
    }

    fn visit_i128<E>(self, number: i128) -> Result<DynamicValue, E> {
        Ok(DynamicValue::Int(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<DynamicValue, E> {
        Ok(DynamicValue::Float(number))
    }

    fn visit_char<E>(self, character: char) -> Result<DynamicValue, E> {
        Ok(DynamicValue::Text(character.to_string()))
    }

    fn visit_str<E>(self, text: &str) -> Result<DynamicValue, E> {
        Ok(text.into())
    }

    fn visit_string<E>(self, text: String) -> Result<DynamicValue, E> {
        Ok(DynamicValue::Text(text))
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<DynamicValue, E> {
        Ok(DynamicValue::Bytes(bytes.to_vec()))
    }

    fn visit_unit<E>(self) -> Result<DynamicValue, E> {
        Ok(DynamicValue::Nil)
    }

    fn visit_none<E>(self) -> Result<DynamicValue, E> {
        Ok(DynamicValue::Nil)
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<DynamicValue, D::Error> {
        inner.deserialize_any(self)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<DynamicValue, D::Error> {
        inner.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<DynamicValue, A::Error> {
        let mut list = Vec::new();
        while let Some(Literal(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(DynamicValue::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<DynamicValue, A::Error> {
        let mut map = BTreeMap::new();
        while let Some((Literal(key), Literal(value))) = entries.next_entry()? {
            map.insert(key, value);
        }
        Ok(DynamicValue::Map(map))
    }
}

impl Serialize for Literal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Natural { value: &self.0, text_keys: false }.serialize(serializer)
    }
}

/// A dynamic value on its way into a format of text.
struct Natural<'a> {
    value: &'a DynamicValue,
    /// Keys of maps are written as text, for JSON.
    text_keys: bool,
}

impl Serialize for Natural<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let inner = |value| Natural { value, text_keys: self.text_keys };
        match self.value {
            DynamicValue::Nil => serializer.serialize_unit(),
            DynamicValue::Bool(value) => serializer.serialize_bool(*value),
            DynamicValue::Int(number) => match (i64::try_from(*number), u64::try_from(*number)) {
                (Ok(number), _) => serializer.serialize_i64(number),
                (_, Ok(number)) => serializer.serialize_u64(number),
                _ => serializer.serialize_i128(*number),
            },
            DynamicValue::Float(number) => serializer.serialize_f64(*number),
            DynamicValue::Text(text) => serializer.serialize_str(text),
            DynamicValue::Bytes(bytes) => serializer.serialize_str(&String::from_utf8_lossy(bytes)),
            DynamicValue::List(items) => serializer.collect_seq(items.iter().map(inner)),
            DynamicValue::Reference(Reference(number)) => serializer.collect_str(&format_args!("object {number}")),
            DynamicValue::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    match key {
                        DynamicValue::Text(_) => map.serialize_entry(&inner(key), &inner(value))?,
                        _ if self.text_keys => map.serialize_entry(&key.to_json(), &inner(value))?,
                        _ => map.serialize_entry(&inner(key), &inner(value))?,
                    }
                }
                map.end()
            }
        }
    }
}

/// A text of limited length.
struct Bounded {
    text: Vec<u8>,
    max_bytes: usize,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = self.max_bytes - self.text.len();
        if bytes.len() > room {
            self.text.extend_from_slice(&bytes[..room]);
            // A large object is not written to its end only to be cut.
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// JSON on one line, cut with an ellipsis where it is longer than `max_bytes`.
pub(super) fn to_json(value: &DynamicValue, max_bytes: usize) -> String {
    let mut bounded = Bounded { text: Vec::new(), max_bytes };
    let whole = serde_json::to_writer(&mut bounded, &Natural { value, text_keys: true }).is_ok();
    // The cut may be inside of a character.
    let mut text = bounded.text.utf8_chunks().next().map_or_else(String::new, |chunk| chunk.valid().to_owned());
    if !whole {
        text.push('…');
    }
    text
}
