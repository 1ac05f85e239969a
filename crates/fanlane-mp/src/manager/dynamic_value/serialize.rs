//! From any type that serde can write to a [`DynamicValue`]. Structs and maps become maps, sequences become lists, enums become
//! what serde's other formats make of them: a text for a unit variant, else a map of one entry.

use std::collections::BTreeMap;

use serde::ser::{
    Error as _, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::{DynamicValue, DynamicValueError, REFERENCE, Reference};

/// Converts `value` into a dynamic value.
///
/// # Errors
/// The error of the type's own `Serialize`, and numbers beyond 128 bits.
pub fn to_value<T: Serialize + ?Sized>(value: &T) -> Result<DynamicValue, DynamicValueError> {
    value.serialize(ValueSerializer)
}

struct ValueSerializer;

/// A list in progress, inside of the variant of that name.
struct List(Option<&'static str>, Vec<DynamicValue>);

/// A map in progress, inside of the variant of that name.
struct Map(Option<&'static str>, BTreeMap<DynamicValue, DynamicValue>, Option<DynamicValue>);

fn in_variant(name: Option<&'static str>, inner: DynamicValue) -> DynamicValue {
    match name {
        Some(name) => DynamicValue::Map([(DynamicValue::from(name), inner)].into()),
        None => inner,
    }
}

macro_rules! whole_numbers {
    ($($method:ident: $type:ty,)*) => {$(
        fn $method(self, number: $type) -> Result<DynamicValue, DynamicValueError> {
            Ok(DynamicValue::Int(number.into()))
        }
    )*};
}

impl Serializer for ValueSerializer {
    type Ok = DynamicValue;
    type Error = DynamicValueError;
    type SerializeSeq = List;
    type SerializeTuple = List;
    type SerializeTupleStruct = List;
    type SerializeTupleVariant = List;
    type SerializeMap = Map;
    type SerializeStruct = Map;
    type SerializeStructVariant = Map;

    whole_numbers! {
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64,
    }

    fn serialize_u128(self, number: u128) -> Result<DynamicValue, DynamicValueError> {
        let fits = i128::try_from(number);
        fits.map(DynamicValue::Int)
            .map_err(|_| DynamicValueError::custom(format!("{number} is beyond 127 bits; send it as text")))
    }

    fn serialize_bool(self, value: bool) -> Result<DynamicValue, DynamicValueError> {
        Ok(DynamicValue::Bool(value))
    }

    fn serialize_f32(self, number: f32) -> Result<DynamicValue, DynamicValueError> {
        Ok(DynamicValue::Float(number.into()))
    }

    fn serialize_f64(self, number: f64) -> Result<DynamicValue, DynamicValueError> {
        Ok(DynamicValue::Float(number))
    }

    fn serialize_char(self, character: char) -> Result<DynamicValue, DynamicValueError> {
        Ok(DynamicValue::Text(character.to_string()))
    }

    fn serialize_str(self, text: &str) -> Result<DynamicValue, DynamicValueError> {
        Ok(DynamicValue::from(text))
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<DynamicValue, DynamicValueError> {
        Ok(DynamicValue::Bytes(bytes.to_vec()))
    }

    fn serialize_none(self) -> Result<DynamicValue, DynamicValueError> {
        Ok(DynamicValue::Nil)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<DynamicValue, DynamicValueError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<DynamicValue, DynamicValueError> {
        Ok(DynamicValue::Nil)
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<DynamicValue, DynamicValueError> {
        Ok(DynamicValue::Nil)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<DynamicValue, DynamicValueError> {
        Ok(DynamicValue::from(variant))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<DynamicValue, DynamicValueError> {
        let inner = value.serialize(self)?;
        match inner {
            DynamicValue::Int(number) if name == REFERENCE => {
                let number = u64::try_from(number).expect("a reference is 64 bits");
                Ok(DynamicValue::Reference(Reference(number)))
            }
            inner => Ok(inner),
        }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<DynamicValue, DynamicValueError> {
        Ok(in_variant(Some(variant), value.serialize(self)?))
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<List, DynamicValueError> {
        Ok(List(None, Vec::with_capacity(length.unwrap_or(0).min(4096))))
    }

    fn serialize_tuple(self, length: usize) -> Result<List, DynamicValueError> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_struct(self, _name: &'static str, length: usize) -> Result<List, DynamicValueError> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<List, DynamicValueError> {
        Ok(List(Some(variant), Vec::new()))
    }

    fn serialize_map(self, _length: Option<usize>) -> Result<Map, DynamicValueError> {
        Ok(Map(None, BTreeMap::new(), None))
    }

    fn serialize_struct(self, _name: &'static str, length: usize) -> Result<Map, DynamicValueError> {
        self.serialize_map(Some(length))
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Map, DynamicValueError> {
        Ok(Map(Some(variant), BTreeMap::new(), None))
    }
}

macro_rules! list_parts {
    ($($trait:ident: $method:ident,)*) => {$(
        impl $trait for List {
            type Ok = DynamicValue;
            type Error = DynamicValueError;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), DynamicValueError> {
                self.1.push(value.serialize(ValueSerializer)?);
                Ok(())
            }

            fn end(self) -> Result<DynamicValue, DynamicValueError> {
                Ok(in_variant(self.0, DynamicValue::List(self.1)))
            }
        }
    )*};
}

list_parts! {
    SerializeSeq: serialize_element,
    SerializeTuple: serialize_element,
    SerializeTupleStruct: serialize_field,
    SerializeTupleVariant: serialize_field,
}

macro_rules! struct_parts {
    ($($trait:ident,)*) => {$(
        impl $trait for Map {
            type Ok = DynamicValue;
            type Error = DynamicValueError;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), DynamicValueError> {
                self.1.insert(DynamicValue::from(key), value.serialize(ValueSerializer)?);
                Ok(())
            }

            fn end(self) -> Result<DynamicValue, DynamicValueError> {
                Ok(in_variant(self.0, DynamicValue::Map(self.1)))
            }
        }
    )*};
}

struct_parts! { SerializeStruct, SerializeStructVariant, }

impl SerializeMap for Map {
    type Ok = DynamicValue;
    type Error = DynamicValueError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), DynamicValueError> {
        self.2 = Some(key.serialize(ValueSerializer)?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), DynamicValueError> {
        let key = self.2.take().ok_or_else(|| DynamicValueError::custom("a value of a map came before its key"))?;
        self.1.insert(key, value.serialize(ValueSerializer)?);
        Ok(())
    }

    fn end(self) -> Result<DynamicValue, DynamicValueError> {
        Ok(in_variant(self.0, DynamicValue::Map(self.1)))
    }
}
