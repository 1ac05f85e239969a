//! Bytes, paths and numbers in formats for people, so that they come back as they were: bytes that are UTF-8 as text, others
//! as an array of numbers in JSON and as `b"caf\xe9"` in RON; numbers that JSON does not know as text. Binary formats, as
//! between an engine and its workers, hold them as they are.
//!
//! A path is bytes: a type that is stored or sent has its paths by [`path`] and [`path_option`], since serde's own form of
//! them refuses what is not UTF-8.

use std::borrow::Cow;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Bytes that are text where they are UTF-8 in formats for people.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Bytes(#[serde(with = "bytes")] pub Vec<u8>);

/// A path as text for a field that is edited: itself, or as RON writes its bytes, `b"caf\xe9"`, where it is not UTF-8.
pub fn text_of_path(path: &Path) -> Cow<'_, str> {
    match path.to_str() {
        Some(text) => Cow::Borrowed(text),
        // A text of bytes can always be written.
        None => Cow::Owned(ron::to_string(&Bytes(path.as_os_str().as_bytes().to_vec())).unwrap_or_default()),
    }
}

/// The path that [`text_of_path`] wrote; a text that is not in the form of bytes is the path itself.
pub fn path_of_text(text: &str) -> PathBuf {
    let bytes = text.starts_with("b\"").then(|| ron::from_str::<Bytes>(text).ok()).flatten();
    bytes.map_or_else(|| PathBuf::from(text), |bytes| OsString::from_vec(bytes.0).into())
}

/// Texts of any bytes.
pub mod texts {
    use bstr::BString;
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Bytes;

    /// Writes texts.
    ///
    /// # Errors
    /// Those of the format.
    pub fn serialize<S: Serializer>(texts: &[BString], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(texts.iter().map(|text| Bytes(text.to_vec())))
    }

    /// Reads texts.
    ///
    /// # Errors
    /// Those of the format.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<BString>, D::Error> {
        Ok(Vec::<Bytes>::deserialize(deserializer)?.into_iter().map(|bytes| bytes.0.into()).collect())
    }
}

/// A path, whatever its bytes.
pub mod path {
    use std::ffi::OsString;
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    use std::path::{Path, PathBuf};

    use serde::{Deserializer, Serializer};

    /// Writes a path.
    ///
    /// # Errors
    /// Those of the format.
    pub fn serialize<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
        super::bytes::serialize(path.as_os_str().as_bytes(), serializer)
    }

    /// Reads a path.
    ///
    /// # Errors
    /// Those of the format.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
        super::bytes::deserialize(deserializer).map(|bytes: Vec<u8>| OsString::from_vec(bytes).into())
    }
}

/// A path that may be missing.
pub mod path_option {
    use std::ffi::OsString;
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    use std::path::PathBuf;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Bytes;

    /// Writes a path.
    ///
    /// # Errors
    /// Those of the format.
    pub fn serialize<S: Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
        path.as_ref().map(|path| Bytes(path.as_os_str().as_bytes().to_vec())).serialize(serializer)
    }

    /// Reads a path.
    ///
    /// # Errors
    /// Those of the format.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
        let bytes = Option::<Bytes>::deserialize(deserializer)?;
        Ok(bytes.map(|bytes| OsString::from_vec(bytes.0).into()))
    }
}

/// Bytes: a text, or the bytes themselves.
pub mod bytes {
    use std::fmt;

    use serde::de::{Deserializer, SeqAccess, Visitor};
    use serde::ser::Serializer;

    /// Writes bytes.
    ///
    /// # Errors
    /// Those of the format.
    pub fn serialize<S: Serializer>(bytes: impl AsRef<[u8]>, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes = bytes.as_ref();
        if !serializer.is_human_readable() {
            return serializer.serialize_bytes(bytes);
        }
        match str::from_utf8(bytes) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => serializer.serialize_bytes(bytes),
        }
    }

    /// Reads bytes.
    ///
    /// # Errors
    /// Those of the format, and for what is neither text nor numbers.
    pub fn deserialize<'de, B: From<Vec<u8>>, D: Deserializer<'de>>(deserializer: D) -> Result<B, D::Error> {
        let bytes = if deserializer.is_human_readable() {
            deserializer.deserialize_any(Bytes)
        } else {
            deserializer.deserialize_byte_buf(Bytes)
        };
        bytes.map(B::from)
    }

    struct Bytes;

    impl<'de> Visitor<'de> for Bytes {
        type Value = Vec<u8>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("text in double quotes")
        }

        fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
            Ok(bytes.to_vec())
        }

        fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
            Ok(bytes)
        }

        fn visit_str<E>(self, text: &str) -> Result<Vec<u8>, E> {
            Ok(text.as_bytes().to_vec())
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut numbers: A) -> Result<Vec<u8>, A::Error> {
            let mut bytes = Vec::new();
            while let Some(byte) = numbers.next_element()? {
                bytes.push(byte);
            }
            Ok(bytes)
        }
    }
}

/// Floating point numbers: a number, or one of the texts `NaN`, `inf` and `-inf`.
pub mod float {
    use serde::de::{Deserialize, Deserializer, Error as _};
    use serde::ser::Serializer;

    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Written {
        Number(f64),
        Text(String),
    }

    /// Writes a number.
    ///
    /// # Errors
    /// Those of the format.
    pub fn serialize<S: Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() && !number.is_finite() {
            serializer.collect_str(number)
        } else {
            serializer.serialize_f64(*number)
        }
    }

    /// Reads a number.
    ///
    /// # Errors
    /// Those of the format, and for a text that is no number.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        if !deserializer.is_human_readable() {
            return f64::deserialize(deserializer);
        }
        match Written::deserialize(deserializer)? {
            Written::Number(number) => Ok(number),
            Written::Text(text) => text.parse().map_err(D::Error::custom),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::path::PathBuf;

    use super::Bytes;
    use crate::job::order::Durations;
    use crate::job::{CallValue, Input, Job, Order, TaskTemplate, field};

    #[test]
    fn what_is_written_as_json_comes_back_as_it_was() {
        let texts: [&[u8]; 5] = [b"", b"text\n\0", "é\u{202e}".as_bytes(), b"\xff\x00\xc3", &[255]];
        for bytes in texts.map(|text| Bytes(text.to_vec())) {
            let json = serde_json::to_string(&bytes).expect("JSON");
            assert_eq!(serde_json::from_str::<Bytes>(&json).expect("read"), bytes, "{json}");
            let wire = postcard::to_stdvec(&bytes).expect("bytes");
            assert_eq!(postcard::from_bytes::<Bytes>(&wire).expect("read"), bytes);
        }
        for number in [0.1 + 0.2, f64::MIN_POSITIVE, f64::INFINITY, f64::NEG_INFINITY, -0.0] {
            let value = CallValue::Float(number);
            let json = serde_json::to_string(&value).expect("JSON");
            assert_eq!(serde_json::from_str::<CallValue>(&json).expect("read"), value, "{json}");
        }
        let json = serde_json::to_string(&CallValue::Float(f64::NAN)).expect("JSON");
        assert!(matches!(serde_json::from_str(&json), Ok(CallValue::Float(number)) if number.is_nan()), "{json}");
        let bytes = CallValue::Bytes(vec![1, 200].into());
        let json = serde_json::to_string(&bytes).expect("JSON");
        assert_eq!(json, "{\"Bytes\":[1,200]}");
        assert_eq!(serde_json::from_str::<CallValue>(&json).expect("read"), bytes);
    }

    #[test]
    fn paths_and_values_that_are_not_utf_8_come_back_from_every_form_of_a_job() {
        let path = || PathBuf::from(OsStr::from_bytes(b"caf\xe9"));
        let inputs = [
            Input::Lines(path()),
            Input::Csv(path()),
            Input::Json(path()),
            Input::records(Some(path()), ";"),
            Input::Bytes(vec![b"caf\xe9".into(), "plain \"\n\\".into(), "".into()]),
        ];
        let order = || Order::LongestFirst(Durations::JobLog(path()));
        let job = |input| Job {
            task: TaskTemplate::Command("x".into()),
            working_dir: Some(path()),
            inputs: vec![input],
            order: order(),
            ..Job::default()
        };
        for job in inputs.map(job) {
            let text = job.to_ron().expect("text");
            assert!(text.contains(r#"working_dir: b"caf\xe9""#), "{text}");
            assert_eq!(Job::parse(&text).expect(&text), job);
            let json = serde_json::to_string(&job).expect("JSON");
            assert_eq!(serde_json::from_str::<Job>(&json).expect(&json), job);
            for field in [&field::WORKING_DIR, &field::ORDER] {
                let mut edited = job.clone();
                field.set(&mut edited, &field.get(&job)).expect("its own text");
                assert_eq!(edited, job, "{}", field.get(&job));
            }
        }
    }
}
