//! How large results come to the engine: through the lane's socket, or in shared memory whose descriptor comes through it.
//!
//! A few results of each lane go the way that the job does not ask for, and the engine compares them with their
//! neighbours: so the run's events say what the other way would bring, on this machine and with these results.

use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::engine::link::LinkStream;
use crate::event::{AttemptRecord, CallValue, EventKind, SampleEvent};
use crate::job::Transport;
use fanlane_mp::SharedBytes;
use fanlane_os::fd_passing;
use fanlane_os::frame::FrameError;
use fanlane_os::message_reader::MessageReader;
use fanlane_os::socket::ReadAtOnce;

/// Results from this size on, in bytes, are worth a choice; smaller ones come through the pipe.
pub const LARGE_BYTES: usize = 32 << 10;

/// About the maximum size of a worker's results in shared memory that the engine has not taken yet; what is more goes
/// through the pipe, where it waits for the engine.
pub const MAX_UNREAD_BYTES: usize = 8 << 20;

/// The bytes of a record's value; none for a number or an object, which are short.
pub fn value_bytes(record: &AttemptRecord) -> &[u8] {
    match &record.value {
        Some(CallValue::Bytes(bytes)) => bytes,
        Some(CallValue::Text(text)) => text.as_bytes(),
        Some(CallValue::Int(_) | CallValue::Float(_) | CallValue::Object { .. }) | None => &[],
    }
}

/// Takes the value out of a record; its kind stays.
pub fn empty(record: &mut AttemptRecord) {
    match &mut record.value {
        Some(CallValue::Bytes(bytes)) => *bytes = Box::default(),
        Some(CallValue::Text(text)) => *text = Box::default(),
        Some(CallValue::Int(_) | CallValue::Float(_) | CallValue::Object { .. }) | None => {}
    }
}

/// Puts a value that came in shared memory into its record.
///
/// # Errors
/// [`FrameError::Io`] for what is no such value.
fn refill(record: &mut AttemptRecord, bytes: &SharedBytes) -> Result<(), FrameError> {
    let wrong = || FrameError::Io(io::ErrorKind::InvalidData.into());
    match &mut record.value {
        Some(CallValue::Bytes(value)) => *value = bytes.to_vec().into_boxed_slice(),
        Some(CallValue::Text(value)) => {
            *value = String::from_utf8(bytes.to_vec()).map_err(|_| wrong())?.into_boxed_str()
        }
        Some(CallValue::Int(_) | CallValue::Float(_) | CallValue::Object { .. }) | None => return Err(wrong()),
    }
    Ok(())
}

/// Which way the large results of a lane go.
#[derive(Debug)]
pub struct TransportChoice {
    used: Transport,
    count: u64,
}

impl TransportChoice {
    /// As the job asks for it, but for a few.
    pub const fn new(used: Transport) -> Self {
        Self { used, count: 0 }
    }

    /// The way of the next one, and whether it is compared with a neighbour, for which it has to go alone.
    pub const fn next(&mut self) -> (Transport, bool) {
        /// How many of the first are compared.
        const FIRST: u64 = 16;
        /// Of every round of this size after that, two are compared.
        const ROUND: u64 = 64;
        let place = self.count;
        self.count += 1;
        let compared = place < FIRST || place % ROUND < 2;
        (if compared && place % 2 == 1 { self.used.other() } else { self.used }, compared)
    }
}

/// The messages of a lane's worker as they arrive: bytes, descriptors, and how long large results were on their way.
#[derive(Debug)]
pub struct Incoming {
    stream: Arc<dyn LinkStream>,
    descriptors: Vec<OwnedFd>,
    used: Transport,
    /// The latest large result, if it was not compared yet: its way, its size, and how long it took.
    latest: Option<(Transport, u64, u64)>,
    /// The first two pay for what is used again later.
    is_warm: bool,
    /// The messages read last held large results.
    is_large: bool,
}

impl Incoming {
    /// Reads `stream`, whose worker sends large results in the way `used`.
    pub fn new(stream: Arc<dyn LinkStream>, used: Transport) -> Self {
        Self { stream, descriptors: Vec::new(), used, latest: None, is_warm: false, is_large: false }
    }

    /// Whether the messages read last held large results: then the worker may be waiting for the next read, since few of
    /// them fill the way.
    pub const fn is_large(&self) -> bool {
        self.is_large
    }

    /// The next message of those that were read.
    ///
    /// # Errors
    /// As [`MessageReader::next_message`].
    pub fn next_message<M: DeserializeOwned>(&mut self, reader: &mut MessageReader) -> Result<Option<M>, FrameError> {
        fd_passing::with_next_arrived(&mut self.descriptors, || reader.next_message())
    }

    /// Takes note of results that came through the pipe.
    pub fn note_piped(&mut self, records: &[AttemptRecord]) {
        self.is_large = records.first().is_some_and(|record| value_bytes(record).len() >= LARGE_BYTES);
    }

    /// Completes a record whose value came in shared memory.
    ///
    /// # Errors
    /// [`FrameError::Io`] for what is no such value.
    pub fn complete(&mut self, record: &mut AttemptRecord, bytes: &SharedBytes) -> Result<(), FrameError> {
        self.is_large = true;
        refill(record, bytes)
    }

    /// Takes note of how long a result that is to be compared was on its way until now; what the comparison came to, if
    /// this was the second of two.
    pub fn compare(&mut self, way: Transport, record: &AttemptRecord, now_ns: u64) -> Option<EventKind> {
        self.is_large = true;
        let bytes = value_bytes(record).len() as u64;
        let way_ns = now_ns.saturating_sub(record.start_ns + record.wall_ns);
        let latest = self.latest.replace((way, bytes, way_ns));
        let (_, other_bytes, other_ns) =
            latest.filter(|(other, size, _)| *other != way && size.abs_diff(bytes) <= bytes / 8)?;
        self.latest = None;
        if !std::mem::replace(&mut self.is_warm, true) {
            return None;
        }
        let [pipe_ns, shared_memory_ns] = if way == Transport::Pipe { [way_ns, other_ns] } else { [other_ns, way_ns] };
        let bytes = u64::midpoint(bytes, other_bytes);
        Some(EventKind::Sample(SampleEvent::ResultsCompared { bytes, pipe_ns, shared_memory_ns, used: self.used }))
    }
}

impl Read for Incoming {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.receive(buffer, true, Some(&mut self.descriptors))
    }
}

impl ReadAtOnce for Incoming {
    fn read_at_once(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.receive(buffer, false, Some(&mut self.descriptors))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Outcome, TaskId, WorkerId};

    fn record(value: CallValue) -> AttemptRecord {
        AttemptRecord {
            start_ns: 100,
            wall_ns: 100,
            value: Some(value),
            ..AttemptRecord::new(TaskId(0), 1, WorkerId(1), Outcome::Done)
        }
    }

    fn large(bytes: usize) -> AttemptRecord {
        record(CallValue::Bytes(vec![7; bytes].into()))
    }

    fn incoming() -> Incoming {
        Incoming::new(Arc::new(std::os::unix::net::UnixStream::pair().unwrap().0), Transport::Pipe)
    }

    #[test]
    fn neighbours_that_went_both_ways_are_compared_from_the_second_two_on() {
        let mut incoming = incoming();
        let sizes = [1 << 20, 1 << 20, 1 << 20, (1 << 20) + 100, 1 << 20, 3 << 20, 3 << 20];
        let mut said = Vec::new();
        for (place, size) in sizes.into_iter().enumerate() {
            let end_ns = 200 + 10 * (place as u64 + 1);
            let way = if place % 2 == 0 { Transport::Pipe } else { Transport::SharedMemory };
            said.extend(incoming.compare(way, &large(size), end_ns));
        }
        let compared = |bytes, pipe_ns, shared_memory_ns| {
            EventKind::Sample(SampleEvent::ResultsCompared { bytes, pipe_ns, shared_memory_ns, used: Transport::Pipe })
        };
        // The fifth and the sixth differ too much in size.
        assert_eq!(said, [compared((1 << 20) + 50, 30, 40), compared(3 << 20, 70, 60)]);
    }

    #[test]
    fn a_value_is_put_back_as_the_kind_that_it_was() {
        let mut incoming = incoming();
        let text = "ä".repeat(LARGE_BYTES);
        for (value, bytes) in [
            (CallValue::Text(text.as_str().into()), text.as_bytes()),
            (CallValue::Bytes(vec![0xff; LARGE_BYTES].into()), &[0xff; LARGE_BYTES]),
        ] {
            let mut sent = record(value.clone());
            empty(&mut sent);
            assert!(value_bytes(&sent).is_empty() && sent.value.is_some());
            incoming.complete(&mut sent, &SharedBytes::copy_of(bytes).unwrap()).unwrap();
            assert_eq!(sent.value, Some(value));
        }
        let no_text = SharedBytes::copy_of(&[0xff; LARGE_BYTES]).unwrap();
        assert!(incoming.complete(&mut record(CallValue::Text("".into())), &no_text).is_err());
        assert!(incoming.complete(&mut record(CallValue::Int(1)), &no_text).is_err());
        assert!(incoming.is_large());
        incoming.note_piped(&[record(CallValue::Int(1))]);
        assert!(!incoming.is_large());
    }

    #[test]
    fn the_first_of_a_lane_and_then_a_few_go_the_other_way() {
        let mut choice = TransportChoice::new(Transport::Pipe);
        let ways: Vec<_> = (0..640).map(|_| choice.next()).collect();
        assert!(ways[..16].chunks(2).all(|two| two == [(Transport::Pipe, true), (Transport::SharedMemory, true)]));
        assert_eq!(ways[16], (Transport::Pipe, false));
        let other = ways.iter().filter(|(way, _)| *way == Transport::SharedMemory).count();
        assert_eq!(other, 8 + 9);
        let mut choice = TransportChoice::new(Transport::SharedMemory);
        assert_eq!([choice.next().0, choice.next().0], [Transport::SharedMemory, Transport::Pipe]);
    }
}
