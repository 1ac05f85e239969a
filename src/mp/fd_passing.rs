//! Values on their way between processes, with the descriptors inside them.
//!
//! A connection, a queue, a lock or shared memory is a descriptor and little else. While a value is encoded for a way
//! that carries descriptors, each puts its own into a list and its place in that list into the bytes. On a way that
//! carries none, such as a queue in shared memory, that is an error with its reason.

use std::cell::RefCell;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::mp::append::Append;
use crate::mp::error::Error;

thread_local! {
    static LEAVING: RefCell<Option<Vec<Arc<OwnedFd>>>> = const { RefCell::new(None) };
    static ARRIVED: RefCell<Vec<Option<OwnedFd>>> = const { RefCell::new(Vec::new()) };
    /// Why a value could not be encoded or decoded: the encoding itself keeps no words.
    static REASON: RefCell<Option<String>> = const { RefCell::new(None) };
}

fn reason_of(error: &postcard::Error) -> String {
    REASON.take().unwrap_or_else(|| error.to_string())
}

/// Appends a value to `buffer`. Inside [`with_descriptors`] it may hold descriptors.
///
/// # Errors
/// [`Error::Encode`]; `buffer` is then as it was.
pub fn encode<T: Serialize + ?Sized>(value: &T, buffer: &mut Vec<u8>) -> Result<(), Error> {
    let before = buffer.len();
    postcard::serialize_with_flavor(value, Append(buffer)).map_err(|error| {
        buffer.truncate(before);
        Error::Encode(reason_of(&error))
    })
}

/// Takes a value from the front of `bytes`.
///
/// # Errors
/// [`Error::Decode`].
pub fn decode_next<T: DeserializeOwned>(bytes: &mut &[u8]) -> Result<T, Error> {
    let (value, rest) = postcard::take_from_bytes(bytes).map_err(|error| Error::Decode(reason_of(&error)))?;
    *bytes = rest;
    Ok(value)
}

/// Takes the one value that `bytes` hold.
///
/// # Errors
/// [`Error::Decode`], also where something follows it.
pub fn decode<T: DeserializeOwned>(mut bytes: &[u8]) -> Result<T, Error> {
    let value = decode_next(&mut bytes)?;
    if bytes.is_empty() { Ok(value) } else { Err(Error::Decode(format!("{} bytes are left over", bytes.len()))) }
}

/// Does `work`, in which values with descriptors may be encoded; gives those descriptors beside what it returns.
pub fn with_descriptors<R>(work: impl FnOnce() -> R) -> (R, Vec<Arc<OwnedFd>>) {
    let mut descriptors = Vec::new();
    let result = with_more_descriptors(&mut descriptors, work);
    (result, descriptors)
}

/// The same for values that leave together with those whose descriptors are in the list already.
pub fn with_more_descriptors<R>(descriptors: &mut Vec<Arc<OwnedFd>>, work: impl FnOnce() -> R) -> R {
    /// A panic in between must not leave the way open for descriptors.
    struct Restore(Option<Vec<Arc<OwnedFd>>>);
    impl Drop for Restore {
        fn drop(&mut self) {
            LEAVING.set(self.0.take());
        }
    }
    let _restore = Restore(LEAVING.replace(Some(std::mem::take(descriptors))));
    let result = work();
    *descriptors = LEAVING.take().unwrap_or_default();
    result
}

/// Does `work`, in which values with the given descriptors may be decoded. Those that nobody takes are closed.
pub fn with_arrived<R>(descriptors: Vec<OwnedFd>, work: impl FnOnce() -> R) -> R {
    struct Restore(Vec<Option<OwnedFd>>);
    impl Drop for Restore {
        fn drop(&mut self) {
            ARRIVED.set(std::mem::take(&mut self.0));
        }
    }
    let _restore = Restore(ARRIVED.replace(descriptors.into_iter().map(Some).collect()));
    work()
}

/// Does `work`, in which one value may be decoded that begins with the first of the given descriptors. Those that it does
/// not take stay in the list, for the values behind it.
pub fn with_next_arrived<R>(descriptors: &mut Vec<OwnedFd>, work: impl FnOnce() -> R) -> R {
    if descriptors.is_empty() {
        return work();
    }
    ARRIVED.set(std::mem::take(descriptors).into_iter().map(Some).collect());
    let result = work();
    *descriptors = ARRIVED.take().into_iter().flatten().collect();
    result
}

/// A descriptor as a value: what is sent is the same open file, not its number.
#[derive(Debug, Clone)]
pub struct Passed(pub Arc<OwnedFd>);

impl Serialize for Passed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let place = LEAVING.with_borrow_mut(|leaving| {
            let leaving = leaving.as_mut()?;
            leaving.push(Arc::clone(&self.0));
            u32::try_from(leaving.len() - 1).ok()
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
        let taken = ARRIVED.with_borrow_mut(|arrived| arrived.get_mut(place).and_then(Option::take));
        taken.map(|descriptor| Self(Arc::new(descriptor))).ok_or_else(|| refuse("a descriptor did not arrive"))
    }
}

/// An error of decoding whose words are kept.
pub fn refuse<E: serde::de::Error>(reason: impl Into<String>) -> E {
    let reason = reason.into();
    let error = E::custom(&reason);
    REASON.set(Some(reason));
    error
}

/// `Serialize` and `Deserialize` for what is one descriptor and is made from one.
macro_rules! passed_by_descriptor {
    ([$($generics:tt)*] $type:ty) => {
        impl<$($generics)*> serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $crate::mp::fd_passing::Passed(std::sync::Arc::clone(self.descriptor())).serialize(serializer)
            }
        }

        impl<'de, $($generics)*> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let passed = $crate::mp::fd_passing::Passed::deserialize(deserializer)?;
                let descriptor = std::sync::Arc::into_inner(passed.0)
                    .ok_or_else(|| $crate::mp::fd_passing::refuse("a descriptor is held twice"))?;
                <$type>::from_descriptor(descriptor)
                    .map_err(|error| $crate::mp::fd_passing::refuse(format!("{error}")))
            }
        }
    };
}
pub(crate) use passed_by_descriptor;

#[cfg(test)]
mod tests {
    use super::*;

    fn null() -> Passed {
        Passed(Arc::new(std::fs::File::open("/dev/null").unwrap().into()))
    }

    #[test]
    fn descriptors_leave_and_arrive_in_their_order() {
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
    fn on_a_way_without_descriptors_the_error_says_so_and_nothing_is_written() {
        let mut bytes = vec![7];
        let error = encode(&(1_u8, null()), &mut bytes).unwrap_err();
        assert!(error.to_string().contains("arguments of a process"), "{error}");
        assert_eq!(bytes, [7]);
        assert!(decode::<u8>(&[1, 2]).unwrap_err().to_string().contains("left over"));
    }
}
