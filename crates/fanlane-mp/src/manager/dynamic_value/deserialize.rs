//! From a [`DynamicValue`] to any type that serde can read. An error names the value and the expected type.

use std::collections::btree_map;
use std::vec;

use serde::de::value::StringDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::{DynamicValue, DynamicValueError, REFERENCE, Reference};

/// Converts a dynamic value into a `T`.
///
/// # Errors
/// When the value is not of that type; the message names both.
pub fn from_value<T: DeserializeOwned>(value: DynamicValue) -> Result<T, DynamicValueError> {
    T::deserialize(value)
}

impl DynamicValue {
    fn unexpected(&self) -> Unexpected<'_> {
        match self {
            Self::Nil => Unexpected::Unit,
            Self::Bool(value) => Unexpected::Bool(*value),
            Self::Int(number) => i64::try_from(*number).map_or(Unexpected::Other("a large number"), Unexpected::Signed),
            Self::Float(number) => Unexpected::Float(*number),
            Self::Text(text) => Unexpected::Str(text),
            Self::Bytes(bytes) => Unexpected::Bytes(bytes),
            Self::List(_) => Unexpected::Seq,
            Self::Map(_) => Unexpected::Map,
            Self::Reference(_) => Unexpected::Other("a reference to an object of a manager"),
        }
    }
}

impl<'de> Deserializer<'de> for DynamicValue {
    type Error = DynamicValueError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DynamicValueError> {
        match self {
            Self::Nil => visitor.visit_unit(),
            Self::Bool(value) => visitor.visit_bool(value),
            Self::Int(number) => match (i64::try_from(number), u64::try_from(number)) {
                (Ok(number), _) => visitor.visit_i64(number),
                (_, Ok(number)) => visitor.visit_u64(number),
                _ => visitor.visit_i128(number),
            },
            Self::Float(number) => visitor.visit_f64(number),
            Self::Text(text) => visitor.visit_string(text),
            Self::Bytes(bytes) => visitor.visit_byte_buf(bytes),
            Self::List(items) => visit_list(items, visitor),
            Self::Map(entries) => visitor.visit_map(Entries { entries: entries.into_iter(), value: None }),
            Self::Reference(Reference(number)) => visitor.visit_newtype_struct(number.into_deserializer()),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DynamicValueError> {
        match self {
            Self::Nil => visitor.visit_none(),
            value => visitor.visit_some(value),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DynamicValueError> {
        match self {
            Self::Reference(Reference(number)) if name == REFERENCE => {
                visitor.visit_newtype_struct(number.into_deserializer())
            }
            value if name == REFERENCE => Err(DynamicValueError::invalid_type(value.unexpected(), &visitor)),
            value => visitor.visit_newtype_struct(value),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DynamicValueError> {
        match self {
            Self::Text(variant) => visitor.visit_enum(Variant { variant, content: None }),
            Self::Map(entries) if entries.len() == 1 => match entries.into_iter().next() {
                Some((Self::Text(variant), content)) => visitor.visit_enum(Variant { variant, content: Some(content) }),
                _ => Err(DynamicValueError::custom("the name of a variant must be a text")),
            },
            value => Err(DynamicValueError::invalid_type(value.unexpected(), &visitor)),
        }
    }

    fn is_human_readable(&self) -> bool {
        true
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

impl IntoDeserializer<'_, DynamicValueError> for DynamicValue {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

fn visit_list<'de, V: Visitor<'de>>(items: Vec<DynamicValue>, visitor: V) -> Result<V::Value, DynamicValueError> {
    let length = items.len();
    let mut items = Items(items.into_iter());
    let value = visitor.visit_seq(&mut items)?;
    match items.0.len() {
        0 => Ok(value),
        rest => Err(DynamicValueError::custom(format!("a list of {length} items has {rest} too many"))),
    }
}

struct Items(vec::IntoIter<DynamicValue>);

impl<'de> SeqAccess<'de> for &mut Items {
    type Error = DynamicValueError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, DynamicValueError> {
        self.0.next().map(|item| seed.deserialize(item)).transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

struct Entries {
    entries: btree_map::IntoIter<DynamicValue, DynamicValue>,
    value: Option<DynamicValue>,
}

impl<'de> MapAccess<'de> for Entries {
    type Error = DynamicValueError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, DynamicValueError> {
        let Some((key, value)) = self.entries.next() else { return Ok(None) };
        self.value = Some(value);
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, DynamicValueError> {
        seed.deserialize(self.value.take().unwrap_or_default())
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.entries.len())
    }
}

struct Variant {
    variant: String,
    content: Option<DynamicValue>,
}

impl<'de> EnumAccess<'de> for Variant {
    type Error = DynamicValueError;
    type Variant = Content;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Content), DynamicValueError> {
        let name: StringDeserializer<DynamicValueError> = self.variant.into_deserializer();
        Ok((seed.deserialize(name)?, Content(self.content)))
    }
}

/// The content of an enum's variant.
struct Content(Option<DynamicValue>);

impl<'de> VariantAccess<'de> for Content {
    type Error = DynamicValueError;

    fn unit_variant(self) -> Result<(), DynamicValueError> {
        match self.0 {
            None | Some(DynamicValue::Nil) => Ok(()),
            Some(value) => Err(DynamicValueError::invalid_type(value.unexpected(), &"a variant alone")),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, DynamicValueError> {
        seed.deserialize(self.0.unwrap_or_default())
    }

    fn tuple_variant<V: Visitor<'de>>(self, _length: usize, visitor: V) -> Result<V::Value, DynamicValueError> {
        match self.0 {
            Some(DynamicValue::List(items)) => visit_list(items, visitor),
            other => Err(DynamicValueError::invalid_type(other.unwrap_or_default().unexpected(), &visitor)),
        }
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DynamicValueError> {
        match self.0 {
            Some(DynamicValue::Map(entries)) => {
                visitor.visit_map(Entries { entries: entries.into_iter(), value: None })
            }
            other => Err(DynamicValueError::invalid_type(other.unwrap_or_default().unexpected(), &visitor)),
        }
    }
}
