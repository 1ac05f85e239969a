//! Reading frames from a stream that may have a mailbox beside it.

use std::io::{self, Read};

use serde::de::DeserializeOwned;

use crate::frame::{FrameError, FrameReader};
use crate::mailbox::Mailbox;
use crate::socket::{AtOnce, ReadAtOnce};
use crate::spin_wait::SpinWait;

/// Receives whole messages in the order in which they were sent.
#[derive(Debug, Default)]
pub struct MessageReader {
    frames: FrameReader,
    spin_wait: SpinWait,
    /// Counts the bytes of the stream.
    mailbox: Option<Mailbox>,
    /// The message that came through the mailbox.
    mailed: Vec<u8>,
    /// How many bytes of the stream come before that; `None` once it is among the frames. While it is set, some of those bytes
    /// are still to be read.
    before_mailed: Option<u32>,
}

/// A stream of which at most a number of bytes is read, and counted.
struct Counted<'a, S>(&'a mut S, &'a mut Mailbox, usize);

impl<S: Read> Read for Counted<'_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let limit = buffer.len().min(self.2);
        let count = self.0.read(&mut buffer[..limit])?;
        // The count wraps around.
        self.1.note_received(count as u32);
        Ok(count)
    }
}

impl MessageReader {
    /// A reader with the mailbox that the sender uses, if there is one.
    pub fn new(mailbox: Option<Mailbox>) -> Self {
        Self { mailbox, ..Self::default() }
    }

    /// As [`FrameReader::next_message`].
    ///
    /// # Errors
    /// As [`FrameReader::next_message`].
    pub fn next_message<M: DeserializeOwned>(&mut self) -> Result<Option<M>, FrameError> {
        self.frames.next_message()
    }

    /// Waits until something has arrived; `false` at the end of the stream. Polls for a while before it sleeps, if that has
    /// succeeded lately.
    ///
    /// # Errors
    /// As [`FrameReader::fill`].
    pub fn fill_soon(&mut self, stream: &mut impl ReadAtOnce) -> Result<bool, FrameError> {
        let Some(mailbox) = &self.mailbox else { return self.frames.fill_soon(stream, &mut self.spin_wait) };
        if self.before_mailed.is_none() {
            self.before_mailed = mailbox.poll(&mut self.spin_wait, &mut self.mailed);
        }
        self.fill(stream)
    }

    /// Waits until something has arrived; `false` at the end of the stream.
    ///
    /// # Errors
    /// As [`FrameReader::fill`].
    pub fn fill(&mut self, stream: &mut impl Read) -> Result<bool, FrameError> {
        let Some(mailbox) = &mut self.mailbox else { return self.frames.fill(stream) };
        loop {
            if self.before_mailed.is_some_and(|before| mailbox.is_next(before)) {
                self.before_mailed = None;
                return self.frames.fill(&mut &self.mailed[..]);
            }
            // Bytes sent after the message in the mailbox may be on the stream already.
            let limit = self.before_mailed.map_or(usize::MAX, |before| mailbox.missing(before) as usize);
            let goes_on = self.frames.fill(&mut Counted(stream, mailbox, limit))?;
            if !goes_on || self.before_mailed.is_none() {
                return Ok(goes_on);
            }
        }
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
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::net::UnixStream;
    use std::sync::Arc;

    use super::*;
    use crate::frame::write_frame;
    use crate::mailbox;
    use crate::memory::Segment;

    #[test]
    fn messages_keep_their_order_whichever_way_they_take() {
        const MESSAGES: usize = 5_000;
        let segment = Arc::new(Segment::create("test", mailbox::PAIR_BYTES).unwrap());
        let [[mut outgoing, _], [incoming, _]] = [mailbox::pair(&segment, 0), mailbox::pair(&segment, 0)];
        let (mut here, there) = UnixStream::pair().unwrap();
        let message_of =
            |number: usize| (number, "x".repeat(if number.is_multiple_of(7) { 10_000 } else { number % 100 }));
        std::thread::scope(|scope| {
            scope.spawn(move || {
                let mut buffer = Vec::new();
                for number in 0..MESSAGES {
                    buffer.clear();
                    write_frame(&mut buffer, &message_of(number)).unwrap();
                    if !outgoing.try_send([&buffer, b""]) {
                        outgoing.note_sent(buffer.len() as u32);
                        here.write_all(&buffer).unwrap();
                    }
                    if number.is_multiple_of(3) {
                        // The receiver gets to poll before there is anything.
                        std::thread::yield_now();
                    }
                }
            });
            let mut reader = MessageReader::new(Some(incoming));
            let mut next = 0;
            loop {
                let filled = match next % 5 {
                    0 => reader.fill(&mut &there),
                    1 => reader.fill_at_once(&mut &there).unwrap_or(Ok(true)),
                    _ => reader.fill_soon(&mut &there),
                };
                let goes_on = filled.unwrap();
                while let Some(message) = reader.next_message::<(usize, String)>().unwrap() {
                    assert!(message == message_of(next), "{next}");
                    next += 1;
                }
                if !goes_on {
                    break;
                }
            }
            assert_eq!(next, MESSAGES);
        });
    }

    #[test]
    fn a_message_in_the_mailbox_waits_for_the_bytes_before_it() {
        let segment = Arc::new(Segment::create("test", mailbox::PAIR_BYTES).unwrap());
        let [incoming, _] = mailbox::pair(&segment, 0);
        let (mut here, there) = UnixStream::pair().unwrap();
        let [mut first, mut second] = [Vec::new(), Vec::new()];
        write_frame(&mut first, &"first").unwrap();
        write_frame(&mut second, &"second").unwrap();
        let mut reader = MessageReader::new(Some(incoming));
        (reader.mailed, reader.before_mailed) = (second, Some(first.len() as u32));
        here.write_all(&first[..3]).unwrap();
        assert!(reader.fill_at_once(&mut &there).is_none(), "some bytes are missing");
        assert_eq!(reader.next_message::<String>().unwrap(), None);
        here.write_all(&first[3..]).unwrap();
        assert!(reader.fill(&mut &there).unwrap());
        assert_eq!(reader.next_message::<String>().unwrap().as_deref(), Some("first"));
        assert_eq!(reader.next_message::<String>().unwrap().as_deref(), Some("second"));
        drop(here);
        assert!(!reader.fill_soon(&mut &there).unwrap());
    }

    #[test]
    fn a_message_in_the_mailbox_comes_before_bytes_sent_after_it() {
        let segment = Arc::new(Segment::create("test", mailbox::PAIR_BYTES).unwrap());
        let [incoming, _] = mailbox::pair(&segment, 0);
        let (mut here, there) = UnixStream::pair().unwrap();
        let [first, second, third] = ["first", "second", "third"].map(|text| {
            let mut frame = Vec::new();
            write_frame(&mut frame, &text).unwrap();
            frame
        });
        here.write_all(&[&first[..], &third].concat()).unwrap();
        drop(here);
        let mut reader = MessageReader::new(Some(incoming));
        (reader.mailed, reader.before_mailed) = (second, Some(first.len() as u32));
        let mut received = Vec::new();
        while reader.fill(&mut &there).unwrap() {
            while let Some(text) = reader.next_message::<String>().unwrap() {
                received.push(text);
            }
        }
        assert_eq!(received, ["first", "second", "third"]);
    }
}
