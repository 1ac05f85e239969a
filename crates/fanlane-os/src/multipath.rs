//! Messages that go through a stream or, while the receiver polls, through the mailbox beside it, and keep their order
//! whichever way they take. Each end counts the messages of the stream. How a message lies on the stream is not known here.

use crate::mailbox::Mailbox;
use crate::spin_wait::SpinWait;

/// The sending end: decides which way a message takes.
#[derive(Debug, Default)]
pub struct MultipathSender {
    mailbox: Option<Mailbox>,
}

/// The receiving end: says whose turn it is, that of the message from the mailbox or of the next one on the stream.
#[derive(Debug, Default)]
pub struct MultipathReader {
    mailbox: Option<Mailbox>,
    spin_wait: SpinWait,
    /// The message that came through the mailbox.
    pub(super) mailed: Vec<u8>,
    /// How many messages of the stream come before that; `None` once it was taken.
    pub(super) before_mailed: Option<u32>,
}

impl MultipathSender {
    /// Sends through the mailbox if there is one.
    pub const fn new(mailbox: Option<Mailbox>) -> Self {
        Self { mailbox }
    }

    /// Sends the message that consists of `parts` through the mailbox if `may_mail`, it is short, and the receiver polls.
    /// Gives whether it did; otherwise the caller sends this message on the stream, behind those before it.
    #[inline]
    pub fn try_mail(&mut self, parts: [&[u8]; 2], may_mail: bool) -> bool {
        let Some(mailbox) = &mut self.mailbox else { return false };
        let mailed = may_mail && mailbox.try_send(parts);
        if !mailed {
            mailbox.note_sent();
        }
        mailed
    }
}

impl MultipathReader {
    /// Receives from the mailbox that the sender uses, if there is one.
    pub fn new(mailbox: Option<Mailbox>) -> Self {
        Self { mailbox, ..Self::default() }
    }

    /// For a reader that has taken all messages that have arrived whole: polls for a while, if that has succeeded lately. It
    /// polls the mailbox or, without one, the stream by `poll_stream`, whose result it gives. Otherwise the stream is to be
    /// read, unless [`MultipathReader::is_mail_next`].
    #[inline]
    pub fn poll<T>(&mut self, poll_stream: impl FnMut() -> Option<T>) -> Option<T> {
        let Some(mailbox) = &self.mailbox else { return self.spin_wait.poll(poll_stream) };
        if self.before_mailed.is_none() {
            self.before_mailed = mailbox.poll(&mut self.spin_wait, &mut self.mailed);
        }
        None
    }

    /// Whether the next message is the one that came through the mailbox.
    #[inline]
    pub fn is_mail_next(&self) -> bool {
        self.mailbox.as_ref().zip(self.before_mailed).is_some_and(|(mailbox, before)| mailbox.is_next(before))
    }

    /// Takes the message that came through the mailbox, when it is the next.
    #[inline]
    pub fn take_mail(&mut self) -> &[u8] {
        debug_assert!(self.is_mail_next(), "there is one, and those before it were taken");
        self.before_mailed = None;
        &self.mailed
    }

    /// A message was taken from the stream.
    #[inline]
    pub const fn note_taken(&mut self) {
        if let Some(mailbox) = &mut self.mailbox {
            mailbox.note_received();
        }
    }
}
