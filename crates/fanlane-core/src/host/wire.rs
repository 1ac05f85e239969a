//! The protocol between a host and its watchers: first sixteen bytes with the version of the protocol, then frames. The
//! user of the other process is checked before anything is read from it.

use std::borrow::Cow;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::net::sockopt;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::engine::{EngineChoice, RunCommand, RunStanding};
use crate::event::Event;
use crate::job::{Mode, TaskId};
use crate::model::Earlier;
use fanlane_os::clock::{monotonic_ns, unix_ms};
use fanlane_os::frame::{FrameError, FrameReader, write_frame};

use super::DetachedError;

/// Raised with each change of the messages, including events and packed batches.
pub(super) const PROTOCOL_VERSION: u32 = 9;
const MAGIC: &[u8; 12] = b"fanlane-host";
/// Maximum size of a message from a watcher, in bytes.
pub(super) const MAX_REQUEST_BYTES: usize = 4 << 10;
/// Maximum time for the handshake and the first request.
pub(super) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// What a host is to run, in its form on the wire.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PackedOrder {
    /// The batch; see [`Batch::pack`](crate::job::Batch::pack).
    #[serde(with = "serde_bytes")]
    pub batch: Vec<u8>,
    /// The folder that the job's relative paths start from.
    #[serde(with = "serde_bytes")]
    pub folder: Vec<u8>,
    /// What runs it.
    pub engine: EngineChoice,
    /// How it is run.
    pub mode: Mode,
    /// The pool's size.
    pub workers: u32,
    /// The folder of the history; `None`: the run is not recorded.
    pub history: Option<serde_bytes::ByteBuf>,
    /// The run that it resumes.
    pub continues: Option<i64>,
    /// The tasks of its batch that earlier runs have ended.
    pub earlier: Earlier,
    /// The tasks before which it pauses.
    pub breakpoints: Vec<TaskId>,
    /// Whether it is started from the window.
    pub window: bool,
    /// Whether it is stopped when the connection to its starter ends.
    pub stops_with_starter: bool,
}

/// A message from a watcher to a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ToHost {
    /// Send the info about the run.
    Describe,
    /// Send the info about the run, its batch, and all its events from the start.
    Watch,
    /// A command for the run.
    Command(RunCommand),
    /// Whether the run is stopped when this connection ends.
    StopOnDisconnect(bool),
    /// As the first and only request: a command for the run whose tasks are given by their numbers instead of their ids.
    Control(RunCommand),
}

/// A detached run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DetachedInfo {
    /// The host's process.
    pub pid: u32,
    /// The run's number in the history; `None` while it has none.
    pub run: Option<i64>,
    /// The job's name, or its command line.
    pub name: String,
    /// Wall clock at the start, in milliseconds since 1970-01-01 UTC.
    pub started_unix_ms: u64,
    /// The monotonic clock at the start, in nanoseconds; the times of events are relative to it.
    pub epoch_ns: u64,
    /// The folder that the job's relative paths start from.
    #[serde(with = "serde_bytes")]
    pub folder: Vec<u8>,
    /// Whether the run is recorded in the history.
    pub recorded: bool,
    /// The tasks of its batch that earlier runs have ended.
    pub earlier: Earlier,
    /// Whether the run has ended.
    pub ended: bool,
    /// It is not detached but runs in a terminal: it can be controlled, and not watched.
    pub in_terminal: bool,
}

impl DetachedInfo {
    /// A run of this process that begins now, and has no number yet.
    pub fn unnumbered(name: &str) -> Self {
        Self {
            pid: std::process::id(),
            run: None,
            name: name.to_owned(),
            started_unix_ms: unix_ms(),
            epoch_ns: monotonic_ns(),
            folder: Vec::new(),
            recorded: false,
            earlier: Earlier::default(),
            ended: false,
            in_terminal: false,
        }
    }
}

/// A message from a host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum FromHost<'a> {
    /// The info about the run: the first message.
    Info(Cow<'a, DetachedInfo>),
    /// The batch; see [`Batch::pack`](crate::job::Batch::pack).
    Batch(serde_bytes::ByteBuf),
    /// An event of the run.
    Event(Cow<'a, Event>),
    /// The run's number in the history; `None`: it is not recorded.
    Recorded(Option<i64>),
    /// A message for the user.
    Message(Cow<'a, str>),
    /// The last message.
    End,
    /// The request is refused.
    Refused(Cow<'a, str>),
    /// Where the run and the task were before a [`ToHost::Control`] was carried out.
    Standing(RunStanding),
    /// Rows of a batch that grows, before the event that tells of it.
    Rows(Vec<serde_bytes::ByteBuf>),
}

/// Whether the process at the other end belongs to this user.
pub(super) fn is_own(stream: &impl AsFd) -> bool {
    sockopt::socket_peercred(stream).is_ok_and(|peer| peer.uid == rustix::process::geteuid())
}

/// Sends the version of the protocol.
pub(super) fn write_handshake(stream: &mut impl Write) -> io::Result<()> {
    let mut words = [0; 16];
    words[..12].copy_from_slice(MAGIC);
    words[12..].copy_from_slice(&PROTOCOL_VERSION.to_le_bytes());
    stream.write_all(&words)
}

/// Receives the version of the protocol and compares it.
pub(super) fn read_handshake(stream: &mut impl Read) -> Result<(), DetachedError> {
    let mut words = [0; 16];
    stream.read_exact(&mut words).map_err(|error| DetachedError::Lost(error.to_string()))?;
    let (greeting, protocol) = words.split_at(12);
    let protocol = u32::from_le_bytes(protocol.try_into().expect("the rest of sixteen bytes"));
    if greeting == MAGIC && protocol == PROTOCOL_VERSION {
        return Ok(());
    }
    Err(DetachedError::OtherBuild)
}

/// Writes one message.
pub(super) fn write_message(stream: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    let mut bytes = Vec::new();
    write_frame(&mut bytes, message).map_err(io::Error::other)?;
    stream.write_all(&bytes)
}

/// The next message; `None` at the end of the stream.
pub(super) fn read_message<M: DeserializeOwned>(
    frames: &mut FrameReader,
    stream: &mut impl Read,
) -> Result<Option<M>, FrameError> {
    loop {
        if let Some(message) = frames.next_message()? {
            return Ok(Some(message));
        }
        if !frames.fill(stream)? {
            return Ok(None);
        }
    }
}

/// A stream with a deadline for all reads together, however slowly its bytes arrive.
pub(super) struct DeadlineReader<'a> {
    stream: &'a UnixStream,
    deadline: Instant,
}

impl<'a> DeadlineReader<'a> {
    pub(super) fn new(stream: &'a UnixStream, timeout: Duration) -> Self {
        Self { stream, deadline: Instant::now() + timeout }
    }
}

impl Read for DeadlineReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.stream.set_read_timeout(Some(left))?;
        let read = self.stream.read(buffer);
        self.stream.set_read_timeout(None)?;
        read
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_protocol_is_told_as_another_build() {
        let mut words = Vec::new();
        write_handshake(&mut words).expect("a vector takes it");
        assert!(read_handshake(&mut &*words).is_ok());
        words[12] ^= 0xff;
        assert!(matches!(read_handshake(&mut &*words), Err(DetachedError::OtherBuild)));
        assert!(matches!(read_handshake(&mut &b"GET / HTTP/1.1\r\n"[..]), Err(DetachedError::OtherBuild)));
        assert!(matches!(read_handshake(&mut &b"short"[..]), Err(DetachedError::Lost(_))));
    }
}
