//! JSON files: an array of values, or one value a line; or of objects whose keys name the columns. A number stays as it is
//! written.

use std::io::BufRead;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::read::{MAX_ROW_BYTES, Record, Records, read_record, too_long};
use super::row_bound::{RowBound, is_row_bound};
use super::source::{JsonTypes, Texts};
use super::value::ValueRules;
use super::{InputError, Source};

/// The members of an object in the order in which they are written.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// Reads an array, or JSON lines: one begins with `[`.
pub(super) fn read(reader: &mut dyn BufRead, origin: &str, rules: ValueRules) -> Result<Source, InputError> {
    let unreadable = |source| InputError::Unreadable { origin: origin.to_owned(), source };
    let mut line = 1;
    let first = loop {
        let buffer = reader.fill_buf().map_err(unreadable)?;
        let blank = buffer.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let first = buffer.get(blank).copied();
        let is_end = buffer.is_empty();
        line += buffer[..blank].iter().filter(|byte| **byte == b'\n').count() as u64;
        reader.consume(blank);
        if is_end || first.is_some() {
            break first;
        }
    };
    let mut rows =
        Rows { origin, rules, texts: Texts::default(), types: JsonTypes::default(), names: None, elements: 0 };
    match first {
        Some(b'[') => read_array(reader, line as usize, &mut rows)?,
        Some(_) => read_lines(reader, line, &mut rows)?,
        None => return Err(bad_json(origin, line as usize, 0, "it is empty")),
    }
    let names = rows.names.filter(|names| !names.is_empty()).unwrap_or_else(|| vec![String::new()]);
    let texts = rows.texts.shrink();
    Ok(if rules.is_typed { Source::typed(texts, names, rows.types) } else { Source::named(texts, names) })
}

fn bad_json(origin: &str, line: usize, column: usize, reason: &str) -> InputError {
    let reason =
        format!("{reason}; the file must be an array of values or of objects, or have one of these on each line");
    InputError::BadJson { origin: origin.to_owned(), line, column, reason }
}

/// `first_line`: the number of the line that the array begins in.
fn read_array(reader: &mut dyn BufRead, first_line: usize, rows: &mut Rows<'_>) -> Result<(), InputError> {
    let bound = RowBound::default();
    let mut fault = None;
    let mut json = serde_json::Deserializer::from_reader(std::io::BufReader::new(bound.around(reader)));
    let origin = rows.origin;
    let read = Elements { rows, bound: &bound, fault: &mut fault }.deserialize(&mut json).and_then(|()| json.end());
    match (fault, read) {
        (Some(fault), _) => Err(fault),
        (None, Ok(())) => Ok(()),
        (None, Err(error)) if error.is_io() => {
            let (line, column) = (error.line() + first_line - 1, error.column());
            let source = std::io::Error::from(error);
            Err(if is_row_bound(&source) {
                let place = format!("line {line}, column {column}");
                InputError::TooLong { origin: origin.to_owned(), place, max_bytes: MAX_ROW_BYTES }
            } else {
                InputError::Unreadable { origin: origin.to_owned(), source }
            })
        }
        (None, Err(error)) => {
            let reason = error.to_string();
            let reason = reason.rsplit_once(" at line ").map_or(&*reason, |(reason, _)| reason);
            Err(bad_json(origin, error.line() + first_line - 1, error.column(), reason))
        }
    }
}

/// The elements of an array, one after the other.
struct Elements<'a, 'b> {
    rows: &'a mut Rows<'b>,
    bound: &'a RowBound,
    fault: &'a mut Option<InputError>,
}

impl<'de> DeserializeSeed<'de> for Elements<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Elements<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        self.bound.begin_row();
        while let Some(element) = elements.next_element::<Box<RawValue>>()? {
            let place = format!("element {}", self.rows.elements + 1);
            if let Err(fault) = self.rows.push(&element, &place) {
                *self.fault = Some(fault);
                return Err(serde::de::Error::custom("an element cannot be used"));
            }
            self.bound.begin_row();
        }
        Ok(())
    }
}

fn read_lines(reader: &mut dyn BufRead, first_line: u64, rows: &mut Rows<'_>) -> Result<(), InputError> {
    let origin = rows.origin;
    let mut line = Vec::new();
    for number in first_line.. {
        line.clear();
        let record = read_record(reader, b"\n", MAX_ROW_BYTES, &mut line);
        match record.map_err(|source| InputError::Unreadable { origin: origin.to_owned(), source })? {
            Record::End => return Ok(()),
            Record::TooLong => return Err(too_long(origin, Records::LINES, number, MAX_ROW_BYTES)),
            Record::Whole if line.trim_ascii().is_empty() => continue,
            Record::Whole => {}
        }
        let element: &RawValue = serde_json::from_slice(&line).map_err(|error| {
            let reason = error.to_string();
            let reason = reason.rsplit_once(" at line ").map_or(&*reason, |(reason, _)| reason);
            bad_json(origin, number as usize, error.column(), reason)
        })?;
        rows.push(element, &format!("line {number}"))?;
    }
    Ok(())
}

/// Rows as they are gathered.
struct Rows<'a> {
    origin: &'a str,
    rules: ValueRules,
    texts: Texts,
    types: JsonTypes,
    /// The keys of the first element; none where it is no object.
    names: Option<Vec<String>>,
    elements: u64,
}

impl Rows<'_> {
    /// Adds an element.
    fn push(&mut self, element: &RawValue, place: &str) -> Result<(), InputError> {
        let is_first = self.elements == 0;
        self.elements += 1;
        let origin = self.origin;
        let bad =
            |reason: String| InputError::BadElement { origin: origin.to_owned(), place: place.to_owned(), reason };
        if !element.get().starts_with('{') {
            if self.names.get_or_insert_default().is_empty() {
                return self.push_value(element, place);
            }
            return Err(bad("it is no object, but the first element is one; make all of them the same".to_owned()));
        }
        let Members(members) = serde_json::from_str(element.get()).map_err(|error| bad(error.to_string()))?;
        let keys = || members.iter().map(|(name, _)| name.clone()).collect();
        let names: Vec<String> = self.names.take().unwrap_or_else(keys);
        if names.is_empty() {
            let reason = if is_first { "the object has no keys" } else { "it is an object, but the first is none" };
            return Err(bad(format!("{reason}; make all elements the same")));
        }
        if let Some((name, _)) = members.iter().find(|(name, _)| !names.contains(name)) {
            return Err(bad(format!("the first element has no key '{name}'; give all objects the same keys")));
        }
        for name in &names {
            let mut of_name = members.iter().filter(|(other, _)| other == name);
            let value = match (of_name.next(), of_name.next()) {
                (Some((_, value)), None) => value,
                (None, _) => return Err(bad(format!("it has no key '{name}'; give all objects the same keys"))),
                (Some(_), Some(_)) => return Err(bad(format!("it has the key '{name}' twice; remove one"))),
            };
            self.push_value(value, &format!("{place}, '{name}'"))?;
        }
        self.names = Some(names);
        Ok(())
    }

    fn push_value(&mut self, value: &RawValue, place: &str) -> Result<(), InputError> {
        let raw = value.get();
        let origin = self.origin;
        let bad =
            |reason: String| InputError::BadElement { origin: origin.to_owned(), place: place.to_owned(), reason };
        self.types.push(raw.starts_with('"'));
        match raw.as_bytes().first() {
            Some(b'"') => {
                let text: String = serde_json::from_str(raw).map_err(|error| bad(error.to_string()))?;
                self.rules.check(text.as_bytes(), origin, || place.to_owned())?;
                self.texts.push(text.as_bytes());
            }
            Some(b'[' | b'{' | b'n') if self.rules.is_typed => {
                self.rules.check(raw.as_bytes(), origin, || place.to_owned())?;
                self.texts.push(raw.as_bytes());
            }
            Some(b'[') => return Err(bad("it is an array; expected a text, a number, true or false".to_owned())),
            Some(b'{') => return Err(bad("it is an object; expected a text, a number, true or false".to_owned())),
            Some(b'n') => {
                return Err(bad("it is null; write \"\" for an empty value, or leave the element out".to_owned()));
            }
            _ => {
                self.rules.check(raw.as_bytes(), origin, || place.to_owned())?;
                self.texts.push(raw.as_bytes());
            }
        }
        Ok(())
    }
}
