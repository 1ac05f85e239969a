//! What travels between a host and those who watch its run: first sixteen bytes that name the build's protocol, then frames.
//! Whose process the other side is, is looked at before a byte of it is read.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::net::sockopt;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::engine::RunCommand;
use crate::event::Event;
use crate::job::Mode;
use crate::model::Earlier;
use fanlane_os::frame::{FrameError, FrameReader, write_frame};

use super::DetachedError;

/// To be raised with each change of what travels here, events and packed batches among it.
pub(super) const PROTOCOL_VERSION: u32 = 2;
const MAGIC: &[u8; 12] = b"fanlane-host";
/// The largest message that a host takes from a watcher, in bytes.
pub(super) const MAX_REQUEST_BYTES: usize = 4 << 10;
/// So long may either side take to say who it is and what it wants.
pub(super) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// What a host is to run.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PackedOrder {
    /// The batch; see [`Batch::pack`](crate::job::Batch::pack).
    #[serde(with = "serde_bytes")]
    pub batch: Vec<u8>,
    /// Where the job's working folder and its relative inputs are looked up.
    #[serde(with = "serde_bytes")]
    pub folder: Vec<u8>,
    /// How it is run.
    pub mode: Mode,
    /// The pool's size.
    pub workers: u32,
    /// The folder of the history; `None`: the run is not recorded.
    pub history: Option<serde_bytes::ByteBuf>,
    /// The run that it goes on with.
    pub continues: Option<i64>,
    /// What earlier runs have ended of its batch.
    pub earlier: Earlier,
    /// It is started from the window.
    pub window: bool,
    /// It is stopped when the connection that it is started over ends.
    pub stops_with_starter: bool,
}

/// What a watcher says to a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ToHost {
    /// Say what you run.
    Describe,
    /// Say what you run, its batch, and everything that happens, from the start.
    Watch,
    /// Something for the run.
    Command(RunCommand),
    /// Whether the run is stopped when this connection ends.
    StopOnDisconnect(bool),
}

/// What a host runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DetachedInfo {
    /// The host's process.
    pub pid: u32,
    /// The run's number in the history; `None` as long as it has none.
    pub run: Option<i64>,
    /// The job's name, or its command line.
    pub name: String,
    /// Wall clock at the start, in milliseconds since 1970-01-01 UTC.
    pub started_unix_ms: u64,
    /// The monotonic clock at the start, in nanoseconds: the times of events are counted from there.
    pub epoch_ns: u64,
    /// Where the job's relative paths start.
    #[serde(with = "serde_bytes")]
    pub folder: Vec<u8>,
    /// The run is recorded in the history.
    pub recorded: bool,
    /// What earlier runs have ended of its batch.
    pub earlier: Earlier,
    /// The run has ended.
    pub ended: bool,
}

/// What a host says.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(test, derive(Serialize))]
pub(super) enum FromHost {
    /// What it runs: the answer to each first word.
    Info(DetachedInfo),
    /// The batch; see [`Batch::pack`](crate::job::Batch::pack).
    Batch(serde_bytes::ByteBuf),
    /// Something happened in the run.
    Event(Event),
    /// The run has this number in the history now; `None`: it is not recorded.
    Recorded(Option<i64>),
    /// Something that people should know.
    Message(String),
    /// Nothing more comes.
    End,
    /// What was asked for is not done.
    Refused(String),
}

/// [`FromHost`] as it is written.
#[derive(Debug, Serialize)]
pub(super) enum FromHostRef<'a> {
    Info(&'a DetachedInfo),
    Batch(&'a serde_bytes::Bytes),
    Event(&'a Event),
    Recorded(Option<i64>),
    Message(&'a str),
    End,
    Refused(&'a str),
}

/// Whether the process at the other end belongs to this user.
pub(super) fn is_own(stream: &impl AsFd) -> bool {
    sockopt::socket_peercred(stream).is_ok_and(|peer| peer.uid == rustix::process::geteuid())
}

/// Says which protocol is spoken here.
pub(super) fn write_handshake(stream: &mut impl Write) -> io::Result<()> {
    let mut words = [0; 16];
    words[..12].copy_from_slice(MAGIC);
    words[12..].copy_from_slice(&PROTOCOL_VERSION.to_le_bytes());
    stream.write_all(&words)
}

/// Hears which protocol is spoken there.
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

/// A stream that is read until a moment, however its bytes trickle in.
pub(super) struct DeadlineReader<'a> {
    stream: &'a UnixStream,
    deadline: Instant,
}

impl<'a> DeadlineReader<'a> {
    pub(super) fn new(stream: &'a UnixStream, patience: Duration) -> Self {
        Self { stream, deadline: Instant::now() + patience }
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
    use crate::event::{DispatchEvent, EventKind};

    #[test]
    fn what_is_written_by_reference_is_read_as_it_was() {
        let info = DetachedInfo {
            pid: 7,
            run: Some(3),
            name: "x".to_owned(),
            started_unix_ms: 1,
            epoch_ns: 2,
            folder: b"/\xff".to_vec(),
            recorded: true,
            earlier: Earlier { done: 4, ..Earlier::default() },
            ended: false,
        };
        let event = Event { at_ns: 5, kind: EventKind::Dispatch(DispatchEvent::Paused) };
        let pairs = [
            (FromHostRef::Info(&info), FromHost::Info(info.clone())),
            (
                FromHostRef::Batch(serde_bytes::Bytes::new(&[1, 2])),
                FromHost::Batch(serde_bytes::ByteBuf::from(vec![1, 2])),
            ),
            (FromHostRef::Event(&event), FromHost::Event(event.clone())),
            (FromHostRef::Recorded(Some(9)), FromHost::Recorded(Some(9))),
            (FromHostRef::Message("so"), FromHost::Message("so".to_owned())),
            (FromHostRef::End, FromHost::End),
            (FromHostRef::Refused("no"), FromHost::Refused("no".to_owned())),
        ];
        for (written, read) in pairs {
            let mut bytes = Vec::new();
            write_frame(&mut bytes, &written).expect("it can be written");
            let heard: FromHost =
                read_message(&mut FrameReader::default(), &mut &*bytes).expect("it is read").expect("one");
            assert_eq!(heard, read);
        }
    }

    #[test]
    fn another_protocol_is_no_garbage_but_another_build() {
        let mut words = Vec::new();
        write_handshake(&mut words).expect("a vector takes it");
        assert!(read_handshake(&mut &*words).is_ok());
        words[12] ^= 0xff;
        assert!(matches!(read_handshake(&mut &*words), Err(DetachedError::OtherBuild)));
        assert!(matches!(read_handshake(&mut &b"GET / HTTP/1.1\r\n"[..]), Err(DetachedError::OtherBuild)));
        assert!(matches!(read_handshake(&mut &b"short"[..]), Err(DetachedError::Lost(_))));
    }
}
