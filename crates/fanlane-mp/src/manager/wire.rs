//! The messages after the handshake: a [`Request`] and then its [`Reply`], each as a frame of its length (four bytes, little
//! endian) and its postcard encoding. A client has one request under way at a time.

use serde::de::Deserialize;
use serde::{Deserialize as DeriveDeserialize, Serialize};

use fanlane_os::append::Append;

use super::dynamic_value::DynamicValue;
use super::failure::Failure;

/// Default maximum size of a frame, in bytes: 64 MiB.
pub const MAX_FRAME_BYTES: usize = 64 << 20;

/// The size by which a reply may exceed the longest request, so that a value of one request fits into one reply.
pub(super) const REPLY_SLACK_BYTES: usize = 256;

const HEADER_BYTES: usize = 4;

/// The object of a call.
#[derive(Clone, Debug, PartialEq, Serialize, DeriveDeserialize)]
pub enum Target<'a> {
    /// By its name.
    Name(&'a str),
    /// By its reference.
    Reference(u64),
}

/// A request of a client.
#[derive(Clone, Debug, PartialEq, Serialize, DeriveDeserialize)]
pub enum Request<'a> {
    /// Calls a method of an object.
    Call {
        /// The object.
        #[serde(borrow)]
        target: Target<'a>,
        /// The name of the method.
        method: &'a str,
        /// The arguments of the method.
        arguments: Vec<DynamicValue>,
    },
    /// Makes an object, or finds the one of that name and kind; the reply is its reference.
    Create {
        /// Its name; `None`: only its reference leads to it.
        name: Option<&'a str>,
        /// Its kind: `list`, `Lock`, the name of a custom type.
        kind: &'a str,
        /// The arguments that it is made of.
        arguments: Vec<DynamicValue>,
        /// Whether an existing object of that name is an error.
        must_be_new: bool,
    },
    /// The reference and the kind of the object of that name.
    Find(&'a str),
    /// Removes an object; waits for it end with an error.
    Delete(#[serde(borrow)] Target<'a>),
    /// All objects.
    List,
    /// The content of an object as plain values.
    Snapshot(#[serde(borrow)] Target<'a>),
    /// Ends the server.
    Stop,
}

/// The answer of the server.
#[derive(Clone, Debug, PartialEq, Serialize, DeriveDeserialize)]
pub enum Reply {
    /// The request is done, with this result.
    Done(DynamicValue),
    /// The request failed.
    Failed(Failure),
    /// The request could not be read, and the connection ends.
    Refused(Failure),
}

/// An error in a frame, which ends the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// Its length exceeds the limit.
    #[error("a frame of {0} bytes is over the limit")]
    TooLarge(usize),
    /// Its bytes are no message.
    #[error("a frame holds no message of this version")]
    Garbage,
}

/// Appends `message` to `out` as one frame of at most `limit` bytes; where it fails, `out` is as it was.
///
/// # Errors
/// [`WireError::TooLarge`], and [`WireError::Garbage`] for a value that is nested too deep.
pub fn write_frame<M: Serialize>(out: &mut Vec<u8>, message: &M, limit: usize) -> Result<(), WireError> {
    let start = out.len();
    out.extend_from_slice(&[0; HEADER_BYTES]);
    // Into the existing buffer: postcard's own flavour would drop it on an error.
    let written = postcard::serialize_with_flavor(message, Append(out)).map_err(|_| WireError::Garbage);
    let bytes = out.len() - start - HEADER_BYTES;
    let length = u32::try_from(bytes).ok().filter(|_| bytes <= limit).ok_or(WireError::TooLarge(bytes));
    match written.and(length) {
        Ok(length) => {
            out[start..start + HEADER_BYTES].copy_from_slice(&length.to_le_bytes());
            Ok(())
        }
        Err(error) => {
            out.truncate(start);
            Err(error)
        }
    }
}

/// Reads the message that fills all of `body`.
///
/// # Errors
/// [`WireError::Garbage`].
pub fn read_message<'a, M: Deserialize<'a>>(body: &'a [u8]) -> Result<M, WireError> {
    match postcard::take_from_bytes(body) {
        Ok((message, [])) => Ok(message),
        Ok(_) | Err(_) => Err(WireError::Garbage),
    }
}

/// Received bytes, handed out as complete frames. It grows with the bytes received, not with the length that a frame
/// announces.
#[derive(Debug)]
pub struct Inbox {
    bytes: Vec<u8>,
    begin: usize,
    limit: usize,
}

impl Inbox {
    /// An inbox for frames of up to `limit` bytes.
    pub const fn new(limit: usize) -> Self {
        Self { bytes: Vec::new(), begin: 0, limit }
    }

    /// Adds received bytes.
    pub fn push(&mut self, arrived: &[u8]) {
        if self.begin == self.bytes.len() {
            self.bytes.clear();
            self.begin = 0;
        }
        self.bytes.extend_from_slice(arrived);
    }

    /// The body of the next complete frame.
    ///
    /// # Errors
    /// [`WireError::TooLarge`]: the connection is of no use after that.
    pub fn next_body(&mut self) -> Result<Option<&[u8]>, WireError> {
        let arrived = &self.bytes[self.begin..];
        let Some((header, rest)) = arrived.split_first_chunk::<HEADER_BYTES>() else { return Ok(None) };
        let length = u32::from_le_bytes(*header) as usize;
        if length > self.limit {
            return Err(WireError::TooLarge(length));
        }
        if rest.len() < length {
            if self.begin > 0 {
                self.bytes.drain(..self.begin);
                self.begin = 0;
            }
            return Ok(None);
        }
        let start = self.begin + HEADER_BYTES;
        self.begin = start + length;
        Ok(Some(&self.bytes[start..start + length]))
    }

    /// Whether no part of a frame is left.
    pub fn is_empty(&self) -> bool {
        self.begin == self.bytes.len()
    }

    /// Frees the memory of a large frame after it was read.
    pub fn shrink(&mut self) {
        const KEEP_BYTES: usize = 64 << 10;
        if self.is_empty() && self.bytes.capacity() > KEEP_BYTES {
            *self = Self::new(self.limit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manager::failure::FailureKind;

    fn call(argument: &str) -> Request<'_> {
        Request::Call {
            target: Target::Name("n"),
            method: argument,
            arguments: vec![argument.into(), DynamicValue::Nil],
        }
    }

    #[test]
    fn frames_come_out_whole_however_they_are_cut() {
        let long = "x".repeat(if cfg!(miri) { 700 } else { 70_000 });
        let sent = [
            call("a"),
            Request::Create { name: None, kind: "list", arguments: vec![DynamicValue::Int(1)], must_be_new: true },
            call(&long),
            Request::Find(""),
            Request::Delete(Target::Reference(u64::MAX)),
            Request::List,
            Request::Snapshot(Target::Name("s")),
            Request::Stop,
        ];
        let mut bytes = Vec::new();
        for request in &sent {
            write_frame(&mut bytes, request, MAX_FRAME_BYTES).unwrap();
        }
        for piece in [1, 3, 1000, bytes.len()] {
            let mut inbox = Inbox::new(MAX_FRAME_BYTES);
            let mut next = 0;
            for part in bytes.chunks(piece) {
                inbox.push(part);
                while let Some(body) = inbox.next_body().unwrap() {
                    assert_eq!(read_message::<Request<'_>>(body).unwrap(), sent[next]);
                    next += 1;
                }
            }
            assert_eq!(next, sent.len());
            assert!(inbox.is_empty());
            inbox.shrink();
        }
    }

    #[test]
    fn what_is_too_large_too_long_or_garbage_is_refused() {
        let mut out = b"before".to_vec();
        assert_eq!(write_frame(&mut out, &call("abc"), 4), Err(WireError::TooLarge(15)));
        assert_eq!(out, b"before");
        let mut inbox = Inbox::new(100);
        inbox.push(&u32::MAX.to_le_bytes());
        assert_eq!(inbox.next_body(), Err(WireError::TooLarge(u32::MAX as usize)));
        let reply = Reply::Failed(Failure::new(FailureKind::Empty, "e"));
        let mut bytes = postcard::to_stdvec(&reply).unwrap();
        assert_eq!(read_message::<Reply>(&bytes), Ok(reply));
        bytes.push(0);
        assert_eq!(read_message::<Reply>(&bytes), Err(WireError::Garbage), "something behind the message");
        assert_eq!(read_message::<Request<'_>>(&[255]), Err(WireError::Garbage));
    }
}
