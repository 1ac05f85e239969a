//! How arguments and results of a pool's calls are written: plain numbers as they are in memory, which is several times
//! as quick as postcard's numbers of varying length, and everything else as postcard writes it.
//!
//! Which of the two it is follows from the type, so the compiler leaves only one of them.

use std::any::Any;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{RecvError, SendError};
use fanlane_os::fd_passing;

/// A number alone, and as the only argument of a call: both are written alike.
macro_rules! for_plain {
    ($($number:ty)*) => {
        fn encode_plain<T: 'static>(value: &T, output: &mut Vec<u8>) -> bool {
            let value: &dyn Any = value;
            $(if let Some(number) = value.downcast_ref::<$number>() {
                output.extend_from_slice(&number.to_le_bytes());
                return true;
            }
            if let Some((number,)) = value.downcast_ref::<($number,)>() {
                output.extend_from_slice(&number.to_le_bytes());
                return true;
            })*
            false
        }

        /// `None` for what is no number; a number of which bytes are missing is an error.
        fn decode_plain<T: 'static>(bytes: &mut &[u8]) -> Option<Result<T, RecvError>> {
            $({
                let mut number: Option<$number> = None;
                let place: &mut dyn Any = &mut number;
                if place.is::<Option<T>>() {
                    number = take(bytes).map(<$number>::from_le_bytes);
                    return Some(as_wanted(number));
                }
                let mut alone: Option<($number,)> = None;
                let place: &mut dyn Any = &mut alone;
                if place.is::<Option<T>>() {
                    alone = take(bytes).map(|bytes| (<$number>::from_le_bytes(bytes),));
                    return Some(as_wanted(alone));
                }
            })*
            None
        }
    };
}
for_plain!(i64 u64 f64 i32 u32 f32);

fn take<const COUNT: usize>(bytes: &mut &[u8]) -> Option<[u8; COUNT]> {
    let (first, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*first)
}

/// The same value; its two types are one.
fn as_wanted<P: 'static, T: 'static>(mut value: Option<P>) -> Result<T, RecvError> {
    let place: &mut dyn Any = &mut value;
    let value = place.downcast_mut::<Option<T>>().and_then(Option::take);
    value.ok_or_else(|| RecvError::Decode("bytes of a number are missing".to_owned()))
}

/// Appends an argument or a result to `output`.
pub fn encode<T: Serialize + 'static>(value: &T, output: &mut Vec<u8>) -> Result<(), SendError> {
    if encode_plain(value, output) { Ok(()) } else { Ok(fd_passing::encode(value, output)?) }
}

/// Takes one from the front of `bytes`.
pub fn decode_next<T: DeserializeOwned + 'static>(bytes: &mut &[u8]) -> Result<T, RecvError> {
    decode_plain(bytes).unwrap_or_else(|| Ok(fd_passing::decode_next(bytes)?))
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use proptest::prelude::*;

    use super::*;

    fn there_and_back<T: Serialize + DeserializeOwned + PartialEq + Debug + 'static>(value: T, len: Option<usize>) {
        let mut bytes = vec![];
        encode(&value, &mut bytes).unwrap();
        assert!(len.is_none_or(|len| bytes.len() == len));
        let mut rest = &bytes[..];
        assert_eq!(decode_next::<T>(&mut rest).unwrap(), value);
        assert!(rest.is_empty());
        let mut cut = &bytes[..bytes.len() - 1];
        assert!(decode_next::<T>(&mut cut).is_err());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(long in any::<i64>(), short in any::<u32>(), text in ".*", real in -1e9..1e9) {
            there_and_back(long, Some(8));
            there_and_back((long,), Some(8));
            there_and_back(short, Some(4));
            there_and_back((real,), Some(8));
            there_and_back((long, short), None);
            there_and_back((text,), None);
        }
    }
}
