//! JSON files: an array of values, or of objects whose keys name the columns. A number stays as it is written.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::fault::refuse_nul;
use super::source::Texts;
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

pub(super) fn read(path: &Path) -> Result<Source, InputError> {
    let origin = path.display().to_string();
    let unreadable = |source| InputError::Unreadable { origin: origin.clone(), source };
    let mut bytes = Vec::new();
    File::open(path).and_then(|mut file| file.read_to_end(&mut bytes)).map_err(unreadable)?;
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let elements: Vec<&RawValue> = serde_json::from_slice(text).map_err(|error| {
        let reason = error.to_string();
        let reason = reason.rsplit_once(" at line ").map_or(&*reason, |(reason, _)| reason);
        let reason = format!("{reason}; the file must be one array of values or of objects");
        InputError::BadJson { origin: origin.clone(), line: error.line(), column: error.column(), reason }
    })?;
    let mut texts = Texts::default();
    let mut names: Option<Vec<String>> = None;
    for (index, element) in elements.iter().enumerate() {
        let place = format!("element {}", index + 1);
        let bad = |reason: String| InputError::BadElement { origin: origin.clone(), place: place.clone(), reason };
        if !element.get().starts_with('{') {
            if names.get_or_insert_default().is_empty() {
                push(element, &origin, &place, &mut texts)?;
                continue;
            }
            return Err(bad("it is no object, but the first element is one; make all of them the same".to_owned()));
        }
        let Members(members) = serde_json::from_str(element.get()).map_err(|error| bad(error.to_string()))?;
        let names = names.get_or_insert_with(|| members.iter().map(|(name, _)| name.clone()).collect());
        if names.is_empty() {
            let reason = if index == 0 { "the object has no keys" } else { "it is an object, but the first is none" };
            return Err(bad(format!("{reason}; make all elements the same")));
        }
        if let Some((name, _)) = members.iter().find(|(name, _)| !names.contains(name)) {
            return Err(bad(format!("the first element has no key '{name}'; give all objects the same keys")));
        }
        for name in names.iter() {
            let mut of_name = members.iter().filter(|(other, _)| other == name);
            let value = match (of_name.next(), of_name.next()) {
                (Some((_, value)), None) => value,
                (None, _) => return Err(bad(format!("it has no key '{name}'; give all objects the same keys"))),
                (Some(_), Some(_)) => return Err(bad(format!("it has the key '{name}' twice; remove one"))),
            };
            push(value, &origin, &format!("{place}, '{name}'"), &mut texts)?;
        }
    }
    let names = names.filter(|names| !names.is_empty()).unwrap_or_else(|| vec![String::new()]);
    Ok(Source::named(texts.shrink(), names))
}

fn push(value: &RawValue, origin: &str, place: &str, texts: &mut Texts) -> Result<(), InputError> {
    let raw = value.get();
    let bad = |reason: String| InputError::BadElement { origin: origin.to_owned(), place: place.to_owned(), reason };
    match raw.as_bytes().first() {
        Some(b'"') => {
            let text: String = serde_json::from_str(raw).map_err(|error| bad(error.to_string()))?;
            refuse_nul(text.as_bytes(), origin, || place.to_owned())?;
            texts.push(text.as_bytes());
        }
        Some(b'[') => return Err(bad("it is an array; expected a text, a number, true or false".to_owned())),
        Some(b'{') => return Err(bad("it is an object; expected a text, a number, true or false".to_owned())),
        Some(b'n') => {
            return Err(bad("it is null; write \"\" for an empty value, or leave the element out".to_owned()));
        }
        _ => texts.push(raw.as_bytes()),
    }
    Ok(())
}
