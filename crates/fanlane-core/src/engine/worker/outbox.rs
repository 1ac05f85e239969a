//! The results on their way to the engine: gathered while tasks are tiny, sent at once when they are not.

use std::sync::Arc;

use crate::engine::link::LinkStream;
use crate::engine::protocol::FromWorker;
use crate::engine::transport::{LARGE_BYTES, MAX_UNREAD_BYTES, TransportChoice, empty, value_bytes};
use crate::event::{AttemptRecord, Outcome};
use crate::job::Transport;
use fanlane_mp::SharedBytes;
use fanlane_os::clock::monotonic_ns;
use fanlane_os::fd_passing;
use fanlane_os::frame::{FrameError, body_of, write_frame};
use fanlane_os::mailbox::Mailbox;
use fanlane_os::multipath::MultipathSender;
use fanlane_os::pacing::Gathering;

/// Results wait no longer than this for the next one, in nanoseconds.
pub const MAX_GATHER_NS: u64 = 250_000;
/// Values of this many bytes together are sent at once.
const GATHER_BYTES: usize = 256 << 10;

pub struct Outbox {
    stream: Arc<dyn LinkStream>,
    multipath: MultipathSender,
    choice: TransportChoice,
    records: Vec<AttemptRecord>,
    gathering: Gathering,
    buffer: Vec<u8>,
}

impl Outbox {
    pub fn new(stream: Arc<dyn LinkStream>, mailbox: Option<Mailbox>, transport: Transport) -> Self {
        Self {
            stream,
            multipath: MultipathSender::new(mailbox),
            choice: TransportChoice::new(transport),
            records: Vec::new(),
            gathering: Gathering::new(MAX_GATHER_NS, GATHER_BYTES),
            buffer: Vec::new(),
        }
    }

    /// Adds a record that ended at `now_ns`; sends when enough has been gathered, and returns whether it did.
    pub fn push(&mut self, record: AttemptRecord, now_ns: u64) -> bool {
        let bytes = value_bytes(&record).len();
        let (way, compared) = if bytes < LARGE_BYTES || !self.stream.passes_descriptors() {
            (Transport::Pipe, false)
        } else {
            self.choice.next()
        };
        let unsent = match way {
            Transport::SharedMemory => self.send_shared(record, compared),
            Transport::Pipe if compared => self.send_alone(record),
            Transport::Pipe => Some(record),
        };
        let Some(record) = unsent else { return true };
        self.gathering.add(now_ns, bytes);
        self.records.push(record);
        let is_due = self.gathering.is_due(now_ns);
        if is_due {
            self.flush();
        }
        is_due
    }

    /// Sends what waits if it has waited for long.
    pub fn flush_old(&mut self) {
        if self.gathering.is_due(monotonic_ns()) {
            self.flush();
        }
    }

    /// Sends what waits.
    pub fn flush(&mut self) {
        if self.records.is_empty() {
            return;
        }
        let records = std::mem::take(&mut self.records);
        self.gathering.clear();
        let message = FromWorker::Finished(records);
        if let Err(FrameError::TooLarge(_)) = self.write(&message) {
            let FromWorker::Finished(records) = message else { return };
            for record in records {
                self.send_one(record);
            }
        }
    }

    /// Sends a message after all results that wait.
    pub fn send(&mut self, message: &FromWorker) {
        self.flush();
        let _ = self.write(message);
    }

    /// Nothing more is sent: the engine sees the end of the lane.
    pub fn close(&self) {
        self.stream.close();
    }

    /// Sends a record whose value goes in shared memory, after all that wait. Gives it back where there is no such memory,
    /// or the engine has much of it still: then it waits for the engine in the pipe.
    fn send_shared(&mut self, mut record: AttemptRecord, compared: bool) -> Option<AttemptRecord> {
        let Ok(Some(shared)) = SharedBytes::copy_within(value_bytes(&record), MAX_UNREAD_BYTES) else {
            return Some(record);
        };
        self.flush();
        empty(&mut record);
        let message = FromWorker::FinishedShared(Box::new(record), shared, compared);
        // It is small, and what is in it can be sent.
        let _ = self.write(&message);
        None
    }

    /// Sends a record through the pipe, after all that wait, so that its way can be compared. Gives it back where no frame
    /// holds it.
    fn send_alone(&mut self, record: AttemptRecord) -> Option<AttemptRecord> {
        self.flush();
        let message = FromWorker::FinishedAlone(Box::new(record));
        match (self.write(&message), message) {
            (Err(FrameError::TooLarge(_)), FromWorker::FinishedAlone(record)) => Some(*record),
            _ => None,
        }
    }

    /// One record in a frame of its own; a value that no frame holds becomes a failure that says so.
    fn send_one(&mut self, mut record: AttemptRecord) {
        let lone = FromWorker::Finished(vec![record.clone()]);
        if let Err(FrameError::TooLarge(bytes)) = self.write(&lone) {
            record.value = None;
            record.outcome = Outcome::CallFailed(
                format!("its result of {bytes} bytes is too large to be handed over; return less, or write a file")
                    .into(),
            );
            let _ = self.write(&FromWorker::Finished(vec![record]));
        }
    }

    fn write(&mut self, message: &FromWorker) -> Result<(), FrameError> {
        self.buffer.clear();
        let (written, descriptors) = fd_passing::with_descriptors(|| write_frame(&mut self.buffer, message));
        written?;
        if self.multipath.try_mail([body_of(&self.buffer), &[]], descriptors.is_empty()) {
            return Ok(());
        }
        // An engine that is gone is noticed on the control socket, which ends this process.
        let _ = self.stream.send_all(&self.buffer, &descriptors);
        if self.buffer.capacity() > 4 * GATHER_BYTES {
            self.buffer = Vec::new();
        }
        Ok(())
    }
}
