//! Frames: a message as its length in four bytes, little endian, and then its postcard encoding.
//!
//! A reader takes pieces of any size and gives whole messages; a length over the limit is refused before anything is
//! allocated for it.

use std::io::{self, Read};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::socket::{AtOnce, ReadAtOnce};

/// The largest message, in bytes.
pub const MAX_FRAME_BYTES: usize = 256 << 20;

const HEADER_BYTES: usize = 4;
const READ_BYTES: usize = 64 << 10;
/// A buffer that grew beyond this is given back once it is empty.
const KEPT_BYTES: usize = 4 << 20;

/// What makes a stream of frames unusable.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The stream itself failed.
    #[error("the connection failed: {0}")]
    Io(#[from] io::Error),
    /// A length beyond [`MAX_FRAME_BYTES`], or beyond a reader's own limit.
    #[error("a message of {0} bytes is over the limit")]
    TooLarge(usize),
    /// The stream ended inside a message.
    #[error("the connection ended inside a message")]
    Torn,
    /// The bytes are no such message.
    #[error("a message cannot be read: {0}")]
    Garbage(postcard::Error),
}

/// Appends `message` to `buffer` as one frame.
///
/// # Errors
/// [`FrameError::TooLarge`] and [`FrameError::Garbage`] for what cannot be sent; `buffer` is then as it was.
pub fn write_frame<M: Serialize>(buffer: &mut Vec<u8>, message: &M) -> Result<(), FrameError> {
    let start = buffer.len();
    buffer.extend_from_slice(&[0; HEADER_BYTES]);
    let mut whole = match postcard::to_extend(message, std::mem::take(buffer)) {
        Ok(whole) => whole,
        // A message of ours that postcard cannot encode is a fault in its type: every one is covered by a test.
        Err(error) => return Err(FrameError::Garbage(error)),
    };
    let bytes = whole.len() - start - HEADER_BYTES;
    let fits = bytes <= MAX_FRAME_BYTES;
    if fits {
        let length = u32::try_from(bytes).expect("the cap is below 4 GiB");
        whole[start..start + HEADER_BYTES].copy_from_slice(&length.to_le_bytes());
    } else {
        whole.truncate(start);
    }
    *buffer = whole;
    if fits { Ok(()) } else { Err(FrameError::TooLarge(bytes)) }
}

/// The message in `frame` without its length.
#[inline]
pub fn body_of(frame: &[u8]) -> &[u8] {
    &frame[HEADER_BYTES..]
}

/// Bytes of a stream that were read and not taken yet.
#[derive(Debug, Default)]
pub struct ReadBuffer {
    buffer: Vec<u8>,
    begin: usize,
    end: usize,
}

impl ReadBuffer {
    /// The bytes that were not taken.
    #[inline]
    pub fn unread(&self) -> &[u8] {
        &self.buffer[self.begin..self.end]
    }

    /// Takes `count` of the bytes that were not taken.
    #[inline]
    pub fn take(&mut self, count: usize) -> &[u8] {
        let begin = self.begin;
        self.begin += count;
        &self.buffer[begin..self.begin]
    }

    /// Makes room for `bytes` from the first that was not taken.
    pub fn reserve(&mut self, bytes: usize) {
        if self.begin == self.end {
            (self.begin, self.end) = (0, 0);
            if self.buffer.len() > KEPT_BYTES && bytes < KEPT_BYTES {
                // One large message is no reason to hold so much for ever.
                self.buffer = Vec::new();
            }
        }
        if self.buffer.len() - self.begin < bytes {
            self.buffer.copy_within(self.begin..self.end, 0);
            (self.begin, self.end) = (0, self.end - self.begin);
            if self.buffer.len() < bytes {
                self.buffer.resize(bytes.max(READ_BYTES), 0);
            }
        }
    }

    /// Reads once into the room that there is, at least half of what is read at a time; gives the number of bytes, 0 at the
    /// end of the stream.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn fill(&mut self, read: impl FnOnce(&mut [u8]) -> io::Result<usize>) -> io::Result<usize> {
        if self.begin == self.end || self.buffer.len() - self.end < READ_BYTES / 2 {
            self.reserve(self.end - self.begin + READ_BYTES);
        }
        let count = read(&mut self.buffer[self.end..])?;
        self.end += count;
        Ok(count)
    }
}

/// Reads frames from a stream.
#[derive(Debug)]
pub struct FrameReader {
    buffer: ReadBuffer,
    limit: usize,
}

impl Default for FrameReader {
    fn default() -> Self {
        Self::with_limit(MAX_FRAME_BYTES)
    }
}

impl FrameReader {
    /// A reader that refuses messages of more bytes than `limit`.
    pub const fn with_limit(limit: usize) -> Self {
        Self { buffer: ReadBuffer { buffer: Vec::new(), begin: 0, end: 0 }, limit }
    }

    /// The next message that has arrived whole; `None` when more bytes are needed.
    ///
    /// # Errors
    /// [`FrameError::TooLarge`] and [`FrameError::Garbage`]: the stream is of no use after that.
    pub fn next_message<M: DeserializeOwned>(&mut self) -> Result<Option<M>, FrameError> {
        let Some((header, rest)) = self.buffer.unread().split_first_chunk::<HEADER_BYTES>() else { return Ok(None) };
        let length = u32::from_le_bytes(*header) as usize;
        if length > self.limit {
            return Err(FrameError::TooLarge(length));
        }
        let Some(body) = rest.get(..length) else { return Ok(None) };
        let message = postcard::from_bytes(body).map_err(FrameError::Garbage)?;
        self.buffer.take(HEADER_BYTES + length);
        Ok(Some(message))
    }

    /// Whether a message has arrived whole, or cannot be one.
    pub fn has_message(&self) -> bool {
        self.buffer.unread().split_first_chunk::<HEADER_BYTES>().is_some_and(|(header, rest)| {
            let length = u32::from_le_bytes(*header) as usize;
            length > self.limit || rest.len() >= length
        })
    }

    /// Reads what has arrived on `stream`; `None` if nothing has, `false` at its end.
    ///
    /// # Errors
    /// As [`FrameReader::fill`].
    pub fn fill_at_once(&mut self, stream: &mut impl ReadAtOnce) -> Option<Result<bool, FrameError>> {
        match self.fill(&mut AtOnce(stream)) {
            Err(FrameError::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => None,
            other => Some(other),
        }
    }

    /// Reads once from `stream`; `false` at its end.
    ///
    /// # Errors
    /// Those of the stream, and [`FrameError::Torn`] when it ends inside a message.
    pub fn fill(&mut self, stream: &mut impl Read) -> Result<bool, FrameError> {
        let unread = self.buffer.unread().len();
        if unread > READ_BYTES {
            // The longer a message, the more of it is read at a time.
            self.buffer.reserve(2 * unread);
        }
        loop {
            match self.buffer.fill(|room| stream.read(room)) {
                Ok(0) if !self.buffer.unread().is_empty() => return Err(FrameError::Torn),
                Ok(count) => return Ok(count > 0),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(FrameError::Io(error)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stream that gives at most `piece` bytes at a time.
    struct Pieces<'a> {
        rest: &'a [u8],
        piece: usize,
    }

    impl Read for Pieces<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let most = buffer.len().min(self.piece);
            self.rest.read(&mut buffer[..most])
        }
    }

    fn frames_of(bytes: &[u8], piece: usize) -> Result<Vec<String>, FrameError> {
        let mut reader = FrameReader::default();
        let mut stream = Pieces { rest: bytes, piece };
        let mut messages = Vec::new();
        loop {
            while let Some(message) = reader.next_message::<String>()? {
                messages.push(message);
            }
            if !reader.fill(&mut stream)? {
                return Ok(messages);
            }
        }
    }

    #[test]
    fn frames_come_out_whole_however_they_are_cut() {
        let long = "x".repeat(if cfg!(miri) { 2_000 } else { 200_000 });
        let sent = ["", "a", "bcd", &long, "end"];
        let mut bytes = Vec::new();
        for message in sent {
            write_frame(&mut bytes, &message).unwrap();
        }
        for piece in [1, 2, 3, 7, 65_536, bytes.len()] {
            assert_eq!(frames_of(&bytes, piece).unwrap(), sent);
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "megabytes byte by byte")]
    fn the_room_of_a_large_message_is_given_back() {
        let mut bytes = Vec::new();
        write_frame(&mut bytes, &"x".repeat(3 * KEPT_BYTES)).unwrap();
        write_frame(&mut bytes, &"y").unwrap();
        let (first, second) = bytes.split_at(bytes.len() - 6);
        let mut reader = FrameReader::default();
        let mut stream = first;
        while reader.next_message::<String>().unwrap().is_none() {
            assert!(reader.fill(&mut stream).unwrap());
        }
        assert!(reader.buffer.buffer.len() > KEPT_BYTES);
        assert!(reader.fill(&mut &*second).unwrap());
        assert_eq!(reader.next_message::<String>().unwrap().as_deref(), Some("y"));
        assert!(reader.buffer.buffer.len() <= KEPT_BYTES, "{}", reader.buffer.buffer.len());
    }

    #[test]
    fn a_torn_frame_a_huge_length_and_garbage_are_told_apart() {
        let mut bytes = Vec::new();
        write_frame(&mut bytes, &"whole").unwrap();
        let torn = &bytes[..bytes.len() - 1];
        assert!(matches!(frames_of(torn, 64), Err(FrameError::Torn)));
        assert!(matches!(frames_of(&u32::MAX.to_le_bytes(), 64), Err(FrameError::TooLarge(_))));
        assert!(matches!(frames_of(&[2, 0, 0, 0, 1, 0xff], 64), Err(FrameError::Garbage(_))));
    }

    #[test]
    #[cfg_attr(miri, ignore = "64 MiB byte by byte")]
    fn a_message_over_the_limit_leaves_the_buffer_as_it_was() {
        let mut bytes = b"before".to_vec();
        let error = write_frame(&mut bytes, &"x".repeat(MAX_FRAME_BYTES)).unwrap_err();
        assert!(matches!(error, FrameError::TooLarge(_)));
        assert_eq!(bytes, b"before");
    }
}
