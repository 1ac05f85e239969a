//! A datum as people write it: natural JSON and RON, not the tagged form that travels.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};

use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

use super::{Datum, Reference};

/// A [`Datum`] that is read and written as it looks: `3`, `"a"`, `[1, 2]`, `{"a": 1}`. What has no such form (bytes, a
/// reference) is written as a text.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Literal(pub Datum);

impl<'de> Deserialize<'de> for Literal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue).map(Self)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Datum;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, a text, true or false, a list or a map")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Datum, E> {
        Ok(Datum::Bool(value))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Datum, E> {
        Ok(number.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Datum, E> {
        Ok(number.into())
    }

    fn visit_i128<E>(self, number: i128) -> Result<Datum, E> {
        Ok(Datum::Int(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Datum, E> {
        Ok(Datum::Float(number))
    }

    fn visit_char<E>(self, character: char) -> Result<Datum, E> {
        Ok(Datum::Text(character.to_string()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Datum, E> {
        Ok(text.into())
    }

    fn visit_string<E>(self, text: String) -> Result<Datum, E> {
        Ok(Datum::Text(text))
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Datum, E> {
        Ok(Datum::Bytes(bytes.to_vec()))
    }

    fn visit_unit<E>(self) -> Result<Datum, E> {
        Ok(Datum::Nil)
    }

    fn visit_none<E>(self) -> Result<Datum, E> {
        Ok(Datum::Nil)
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<Datum, D::Error> {
        inner.deserialize_any(self)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Datum, D::Error> {
        inner.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Datum, A::Error> {
        let mut list = Vec::new();
        while let Some(Literal(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Datum::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Datum, A::Error> {
        let mut map = BTreeMap::new();
        while let Some((Literal(key), Literal(value))) = entries.next_entry()? {
            map.insert(key, value);
        }
        Ok(Datum::Map(map))
    }
}

impl Serialize for Literal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Natural { datum: &self.0, text_keys: false }.serialize(serializer)
    }
}

/// A datum on its way into a format of text.
struct Natural<'a> {
    datum: &'a Datum,
    /// Keys of maps are texts, as JSON wants it.
    text_keys: bool,
}

impl Serialize for Natural<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let inner = |datum| Natural { datum, text_keys: self.text_keys };
        match self.datum {
            Datum::Nil => serializer.serialize_unit(),
            Datum::Bool(value) => serializer.serialize_bool(*value),
            Datum::Int(number) => match (i64::try_from(*number), u64::try_from(*number)) {
                (Ok(number), _) => serializer.serialize_i64(number),
                (_, Ok(number)) => serializer.serialize_u64(number),
                _ => serializer.serialize_i128(*number),
            },
            Datum::Float(number) => serializer.serialize_f64(*number),
            Datum::Text(text) => serializer.serialize_str(text),
            Datum::Bytes(bytes) => serializer.serialize_str(&String::from_utf8_lossy(bytes)),
            Datum::List(items) => serializer.collect_seq(items.iter().map(inner)),
            Datum::Reference(Reference(number)) => serializer.collect_str(&format_args!("object {number}")),
            Datum::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    match key {
                        Datum::Text(_) => map.serialize_entry(&inner(key), &inner(value))?,
                        _ if self.text_keys => map.serialize_entry(&key.to_json(), &inner(value))?,
                        _ => map.serialize_entry(&inner(key), &inner(value))?,
                    }
                }
                map.end()
            }
        }
    }
}

/// Text up to a length.
struct Bounded {
    text: Vec<u8>,
    most_bytes: usize,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = self.most_bytes - self.text.len();
        if bytes.len() > room {
            self.text.extend_from_slice(&bytes[..room]);
            // A large object is not written out to its end only to be cut.
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// JSON on one line, cut off with an ellipsis where it is longer than `most_bytes`.
pub(super) fn to_json(datum: &Datum, most_bytes: usize) -> String {
    let mut bounded = Bounded { text: Vec::new(), most_bytes };
    let whole = serde_json::to_writer(&mut bounded, &Natural { datum, text_keys: true }).is_ok();
    // A cut may go through a character.
    let mut text = bounded.text.utf8_chunks().next().map_or_else(String::new, |chunk| chunk.valid().to_owned());
    if !whole {
        text.push('…');
    }
    text
}
