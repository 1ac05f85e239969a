//! What travels once both sides have proven themselves: a [`Request`] and then its [`Reply`], each in a frame of its
//! length in four bytes, little endian, and its postcard encoding. A client has one request under way at a time.

use serde::de::Deserialize;
use serde::{Deserialize as DeriveDeserialize, Serialize};

use crate::mp::append::Append;

use super::dynamic_value::DynamicValue;
use super::failure::Failure;

/// The largest frame unless a server is told otherwise, in bytes: 64 MiB.
pub const MAX_FRAME_BYTES: usize = 64 << 20;

/// A reply may be so much longer than the longest request: what came in one frame can be given back in one.
pub(super) const REPLY_SLACK_BYTES: usize = 256;

const HEADER_BYTES: usize = 4;

/// An object as a call names it.
#[derive(Clone, Debug, PartialEq, Serialize, DeriveDeserialize)]
pub enum Target<'a> {
    /// By its name.
    Name(&'a str),
    /// By its reference.
    Reference(u64),
}

/// What a client asks for.
#[derive(Clone, Debug, PartialEq, Serialize, DeriveDeserialize)]
pub enum Request<'a> {
    /// Does `method` of an object with these arguments.
    Call {
        /// The object.
        #[serde(borrow)]
        target: Target<'a>,
        /// Which of its methods.
        method: &'a str,
        /// What the method gets.
        arguments: Vec<DynamicValue>,
    },
    /// Makes an object, or finds the one of that name and kind that there is; the reply is its reference.
    Create {
        /// Its name; `None`: it is reached by its reference alone.
        name: Option<&'a str>,
        /// Which kind: `list`, `Lock`, an own type's name.
        kind: &'a str,
        /// What it is made of.
        arguments: Vec<DynamicValue>,
        /// Fail if there is one of that name.
        must_be_new: bool,
    },
    /// The reference and the kind of the object of that name.
    Find(&'a str),
    /// Removes an object; whoever waits for it is told.
    Delete(#[serde(borrow)] Target<'a>),
    /// What objects there are.
    List,
    /// The content of an object as plain values, and the size limit of the answer.
    Snapshot(#[serde(borrow)] Target<'a>),
    /// Ends the server.
    Stop,
}

/// What the server answers.
#[derive(Clone, Debug, PartialEq, Serialize, DeriveDeserialize)]
pub enum Reply {
    /// It was done, with this result.
    Done(DynamicValue),
    /// It was not done.
    Failed(Failure),
    /// It could not even be read, and the connection ends.
    Refused(Failure),
}

/// A frame that ends a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// Its length is beyond the limit.
    #[error("a frame of {0} bytes is over the limit")]
    TooLarge(usize),
    /// Its bytes are no such message.
    #[error("a frame holds no message of this version")]
    Garbage,
}

/// Appends `message` to `out` as one frame of at most `limit` bytes; where it fails, `out` is as it was.
///
/// # Errors
/// [`WireError::TooLarge`], and [`WireError::Garbage`] for a value that lies too deep.
pub fn write_frame<M: Serialize>(out: &mut Vec<u8>, message: &M, limit: usize) -> Result<(), WireError> {
    let start = out.len();
    out.extend_from_slice(&[0; HEADER_BYTES]);
    // Into the buffer that is there: postcard's own way would take it out of our hands where it fails.
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

/// Reads the message that is the whole of `body`.
///
/// # Errors
/// [`WireError::Garbage`].
pub fn read_message<'a, M: Deserialize<'a>>(body: &'a [u8]) -> Result<M, WireError> {
    match postcard::take_from_bytes(body) {
        Ok((message, [])) => Ok(message),
        Ok(_) | Err(_) => Err(WireError::Garbage),
    }
}

/// Bytes that have arrived, handed out as whole frames. It grows with what has really come, not with what a length
/// promises.
#[derive(Debug)]
pub struct Inbox {
    bytes: Vec<u8>,
    begin: usize,
    limit: usize,
}

impl Inbox {
    /// Takes frames of up to `limit` bytes.
    pub const fn new(limit: usize) -> Self {
        Self { bytes: Vec::new(), begin: 0, limit }
    }

    /// Takes in what has arrived.
    pub fn push(&mut self, arrived: &[u8]) {
        if self.begin == self.bytes.len() {
            self.bytes.clear();
            self.begin = 0;
        }
        self.bytes.extend_from_slice(arrived);
    }

    /// The body of the next frame that has arrived whole.
    ///
    /// # Errors
    /// [`WireError::TooLarge`]: the stream is of no use after that.
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

    /// Whether part of a frame has arrived.
    pub fn is_empty(&self) -> bool {
        self.begin == self.bytes.len()
    }

    /// Gives back the memory of a large frame that has been read.
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
    use crate::mp::manager::failure::FailureKind;

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
