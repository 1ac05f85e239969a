//! Values that contain file descriptors, encoded for another process.
//!
//! A connection, a queue, a lock or shared memory is a descriptor and little else. While a value is encoded for a channel
//! that carries descriptors, each descriptor goes into a list and its index in that list into the bytes. A channel that
//! carries none, such as a queue in shared memory, refuses such a value with the reason.

use std::cell::RefCell;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::append::Append;

/// Why a value cannot be encoded or decoded.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// The value cannot be encoded, or not for this channel.
    #[error("it cannot be encoded: {0}")]
    Encode(String),
    /// The bytes and descriptors are no value of the expected type.
    #[error("it cannot be decoded: {0}")]
    Decode(String),
}

thread_local! {
    static OUTGOING: RefCell<Option<Vec<Arc<OwnedFd>>>> = const { RefCell::new(None) };
    static INCOMING: RefCell<Vec<Option<OwnedFd>>> = const { RefCell::new(Vec::new()) };
    /// Why a value could not be encoded or decoded: errors of the encoding itself carry no text.
    static REASON: RefCell<Option<String>> = const { RefCell::new(None) };
}

fn reason_of(error: &postcard::Error) -> String {
    REASON.take().unwrap_or_else(|| error.to_string())
}

/// Appends a value to `buffer`. Inside [`with_descriptors`] it may contain descriptors.
///
/// # Errors
/// [`CodecError::Encode`]; `buffer` is unchanged then.
pub fn encode<T: Serialize + ?Sized>(value: &T, buffer: &mut Vec<u8>) -> Result<(), CodecError> {
    let before = buffer.len();
    postcard::serialize_with_flavor(value, Append(buffer)).map_err(|error| {
        buffer.truncate(before);
        CodecError::Encode(reason_of(&error))
    })
}

/// Takes a value from the front of `bytes`.
///
/// # Errors
/// [`CodecError::Decode`].
pub fn decode_next<T: DeserializeOwned>(bytes: &mut &[u8]) -> Result<T, CodecError> {
    let (value, rest) = postcard::take_from_bytes(bytes).map_err(|error| CodecError::Decode(reason_of(&error)))?;
    *bytes = rest;
    Ok(value)
}

/// Decodes the one value in `bytes`.
///
/// # Errors
/// [`CodecError::Decode`], also when bytes follow it.
pub fn decode<T: DeserializeOwned>(mut bytes: &[u8]) -> Result<T, CodecError> {
    let value = decode_next(&mut bytes)?;
    if bytes.is_empty() { Ok(value) } else { Err(CodecError::Decode(format!("{} bytes are left over", bytes.len()))) }
}

/// Calls `work`, in which values with descriptors may be encoded; gives its result and the descriptors.
pub fn with_descriptors<R>(work: impl FnOnce() -> R) -> (R, Vec<Arc<OwnedFd>>) {
    let mut descriptors = Vec::new();
    let result = with_more_descriptors(&mut descriptors, work);
    (result, descriptors)
}

/// As [`with_descriptors`], for values that are sent together with those whose descriptors are in the list already.
pub fn with_more_descriptors<R>(descriptors: &mut Vec<Arc<OwnedFd>>, work: impl FnOnce() -> R) -> R {
    /// A panic in `work` must not leave the list in place.
    struct Restore(Option<Vec<Arc<OwnedFd>>>);
    impl Drop for Restore {
        fn drop(&mut self) {
            OUTGOING.set(self.0.take());
        }
    }
    let _restore = Restore(OUTGOING.replace(Some(std::mem::take(descriptors))));
    let result = work();
    *descriptors = OUTGOING.take().unwrap_or_default();
    result
}

/// Calls `work`, in which values with the given descriptors may be decoded. Descriptors that are not taken are closed.
pub fn with_arrived<R>(descriptors: Vec<OwnedFd>, work: impl FnOnce() -> R) -> R {
    struct Restore(Vec<Option<OwnedFd>>);
    impl Drop for Restore {
        fn drop(&mut self) {
            INCOMING.set(std::mem::take(&mut self.0));
        }
    }
    let _restore = Restore(INCOMING.replace(descriptors.into_iter().map(Some).collect()));
    work()
}

/// Calls `work`, in which one value may be decoded that begins with the first of the given descriptors. Descriptors that it
/// does not take stay in the list, for the values after it.
pub fn with_next_arrived<R>(descriptors: &mut Vec<OwnedFd>, work: impl FnOnce() -> R) -> R {
    if descriptors.is_empty() {
        return work();
    }
    INCOMING.set(std::mem::take(descriptors).into_iter().map(Some).collect());
    let result = work();
    *descriptors = INCOMING.take().into_iter().flatten().collect();
    result
}

/// A descriptor as a value: the receiver gets the same open file, not its number.
#[derive(Debug, Clone)]
pub struct Passed(pub Arc<OwnedFd>);

impl Serialize for Passed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let place = OUTGOING.with_borrow_mut(|outgoing| {
            let outgoing = outgoing.as_mut()?;
            outgoing.push(Arc::clone(&self.0));
            u32::try_from(outgoing.len() - 1).ok()
        });
        match place {
            Some(place) => place.serialize(serializer),
            None => {
                let reason = "it holds a connection, a lock or shared memory, which go as arguments of a process, \
                    to a pool's initializer or through a Connection, and not on this way";
                REASON.set(Some(reason.to_owned()));
                Err(S::Error::custom(reason))
            }
        }
    }
}

impl<'de> Deserialize<'de> for Passed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let place = u32::deserialize(deserializer)? as usize;
        let taken = INCOMING.with_borrow_mut(|arrived| arrived.get_mut(place).and_then(Option::take));
        taken.map(|descriptor| Self(Arc::new(descriptor))).ok_or_else(|| refuse("a descriptor did not arrive"))
    }
}

/// An error of decoding whose reason is kept for [`CodecError::Decode`].
pub fn refuse<E: serde::de::Error>(reason: impl Into<String>) -> E {
    let reason = reason.into();
    let error = E::custom(&reason);
    REASON.set(Some(reason));
    error
}

/// `Serialize` and `Deserialize` for a type that consists of one descriptor.
#[macro_export]
macro_rules! passed_by_descriptor {
    ([$($generics:tt)*] $type:ty) => {
        impl<$($generics)*> serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $crate::fd_passing::Passed(std::sync::Arc::clone(self.descriptor())).serialize(serializer)
            }
        }

        impl<'de, $($generics)*> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let passed = $crate::fd_passing::Passed::deserialize(deserializer)?;
                let descriptor = std::sync::Arc::into_inner(passed.0)
                    .ok_or_else(|| $crate::fd_passing::refuse("a descriptor is held twice"))?;
                <$type>::from_descriptor(descriptor)
                    .map_err(|error| $crate::fd_passing::refuse(format!("{error}")))
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn null() -> Passed {
        Passed(Arc::new(std::fs::File::open("/dev/null").unwrap().into()))
    }

    #[test]
    fn descriptors_are_sent_and_arrive_in_their_order() {
        let mut bytes = Vec::new();
        let (encoded, descriptors) = with_descriptors(|| encode(&(null(), 5_u8, null()), &mut bytes));
        encoded.unwrap();
        assert_eq!(descriptors.len(), 2);
        let arrived = descriptors.iter().map(|one| one.try_clone().unwrap()).collect();
        let (_, five, _): (Passed, u8, Passed) = with_arrived(arrived, || decode(&bytes)).unwrap();
        assert_eq!(five, 5);
        let error = decode::<(Passed, u8, Passed)>(&bytes).unwrap_err();
        assert!(error.to_string().contains("did not arrive"), "{error}");
    }

    #[test]
    fn on_a_channel_without_descriptors_the_error_says_so_and_nothing_is_written() {
        let mut bytes = vec![7];
        let error = encode(&(1_u8, null()), &mut bytes).unwrap_err();
        assert!(error.to_string().contains("arguments of a process"), "{error}");
        assert_eq!(bytes, [7]);
        assert!(decode::<u8>(&[1, 2]).unwrap_err().to_string().contains("left over"));
    }
}
