//! Reading frames from a stream that may have a mailbox beside it.

use std::io::Read;

use serde::de::DeserializeOwned;

use crate::frame::{FrameError, FrameReader};
use crate::mailbox::Mailbox;
use crate::multipath::MultipathReader;
use crate::socket::ReadAtOnce;

/// Receives whole messages in the order in which they were sent.
#[derive(Debug, Default)]
pub struct MessageReader {
    frames: FrameReader,
    multipath: MultipathReader,
}

impl MessageReader {
    /// A reader with the mailbox that the sender uses, if there is one.
    pub fn new(mailbox: Option<Mailbox>) -> Self {
        Self { frames: FrameReader::default(), multipath: MultipathReader::new(mailbox) }
    }

    /// As [`FrameReader::next_message`].
    ///
    /// # Errors
    /// As [`FrameReader::next_message`].
    pub fn next_message<M: DeserializeOwned>(&mut self) -> Result<Option<M>, FrameError> {
        if self.multipath.is_mail_next() {
            return postcard::from_bytes(self.multipath.take_mail()).map(Some).map_err(FrameError::Garbage);
        }
        let message = self.frames.next_message()?;
        if message.is_some() {
            self.multipath.note_taken();
        }
        Ok(message)
    }

    /// Waits until something has arrived, after all messages were taken; `false` at the end of the stream. Polls for a while
    /// before it sleeps, if that has succeeded lately.
    ///
    /// # Errors
    /// As [`FrameReader::fill`].
    pub fn fill_soon(&mut self, stream: &mut impl ReadAtOnce) -> Result<bool, FrameError> {
        let Self { frames, multipath } = self;
        multipath.poll(|| frames.fill_at_once(stream)).unwrap_or_else(|| self.fill(stream))
    }

    /// Waits until something has arrived; `false` at the end of the stream.
    ///
    /// # Errors
    /// As [`FrameReader::fill`].
    pub fn fill(&mut self, stream: &mut impl Read) -> Result<bool, FrameError> {
        if self.multipath.is_mail_next() { Ok(true) } else { self.frames.fill(stream) }
    }

    /// Reads what has arrived on `stream`; `None` if nothing has, `false` at its end.
    ///
    /// # Errors
    /// As [`FrameReader::fill`].
    pub fn fill_at_once(&mut self, stream: &mut impl ReadAtOnce) -> Option<Result<bool, FrameError>> {
        if self.multipath.is_mail_next() { Some(Ok(true)) } else { self.frames.fill_at_once(stream) }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::net::UnixStream;
    use std::sync::Arc;

    use super::*;
    use crate::frame::{body_of, write_frame};
    use crate::mailbox;
    use crate::multipath::MultipathSender;
    use crate::shared_memory::Segment;

    #[test]
    fn messages_keep_their_order_whichever_way_they_take() {
        const MESSAGES: usize = 5_000;
        let segment = Arc::new(Segment::create("test", mailbox::PAIR_BYTES).unwrap());
        let [[outgoing, _], [incoming, _]] = [mailbox::pair(&segment, 0), mailbox::pair(&segment, 0)];
        let mut sender = MultipathSender::new(Some(outgoing));
        let (mut here, there) = UnixStream::pair().unwrap();
        let message_of =
            |number: usize| (number, "x".repeat(if number.is_multiple_of(7) { 10_000 } else { number % 100 }));
        std::thread::scope(|scope| {
            scope.spawn(move || {
                let mut buffer = Vec::new();
                for number in 0..MESSAGES {
                    buffer.clear();
                    write_frame(&mut buffer, &message_of(number)).unwrap();
                    if !sender.try_mail([body_of(&buffer), b""], true) {
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
        (reader.multipath.mailed, reader.multipath.before_mailed) = (body_of(&second).to_vec(), Some(1));
        here.write_all(&first[..3]).unwrap();
        assert!(reader.fill_at_once(&mut &there).is_some_and(|filled| filled.unwrap()));
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
        (reader.multipath.mailed, reader.multipath.before_mailed) = (body_of(&second).to_vec(), Some(1));
        let mut received = Vec::new();
        while reader.fill(&mut &there).unwrap() {
            while let Some(text) = reader.next_message::<String>().unwrap() {
                received.push(text);
            }
        }
        assert_eq!(received, ["first", "second", "third"]);
    }
}
