//! What a call has come to, as the program in the interpreter writes it.

use crate::event::CallValue;

/// The bits of the first word of a record in front of its end.
pub const KIND_SHIFT: u32 = 60;

/// What a call has come to.
pub struct CallRecord {
    /// When it ended, on the monotonic clock.
    pub end_ns: u64,
    /// Its value, or the exception that it raised.
    pub result: Result<Option<CallValue>, String>,
}

/// The kinds of records, as the program in the interpreter writes them.
pub struct Kind;

impl Kind {
    pub const INT: u8 = 0;
    pub const FLOAT: u8 = 1;
    pub const NOTHING: u8 = 2;
    pub const TEXT: u8 = 3;
    pub const BYTES: u8 = 4;
    pub const OBJECT: u8 = 5;
    pub const APART: u8 = 7;
}

/// The result of this kind with this body.
pub fn value_of(kind: u8, body: Vec<u8>) -> Result<Option<CallValue>, String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match kind {
        Kind::NOTHING => Ok(None),
        Kind::TEXT => Ok(Some(CallValue::Text(text(&body).into()))),
        Kind::BYTES => Ok(Some(CallValue::Bytes(body.into()))),
        Kind::OBJECT => {
            let (length, rest) = body
                .split_first_chunk::<4>()
                .map_or((0, &[][..]), |(length, rest)| (u32::from_le_bytes(*length) as usize, rest));
            let (repr, json) = rest.split_at(length.min(rest.len()));
            let json = (!json.is_empty()).then(|| text(json).into());
            Ok(Some(CallValue::Object { repr: text(repr).into(), json }))
        }
        _ => Err(text(&body)),
    }
}
