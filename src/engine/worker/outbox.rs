//! The results on their way to the engine: gathered while tasks are tiny, sent at once when they are not.

use std::io::Write;
use std::os::unix::net::UnixStream;

use crate::engine::protocol::FromWorker;
use crate::event::{AttemptRecord, Outcome, Value};
use crate::mp::clock::monotonic_ns;
use crate::mp::frame::{FrameError, write_frame};

/// Results wait no longer than this for the next one, in nanoseconds.
const GATHER_NS: u64 = 250_000;
/// Values of this many bytes together are sent at once.
const GATHER_BYTES: usize = 256 << 10;

pub struct Outbox {
    stream: UnixStream,
    records: Vec<AttemptRecord>,
    bytes: usize,
    first_ns: u64,
    buffer: Vec<u8>,
}

impl Outbox {
    pub const fn new(stream: UnixStream) -> Self {
        Self { stream, records: Vec::new(), bytes: 0, first_ns: 0, buffer: Vec::new() }
    }

    /// Adds a record that ended at `now_ns`; sends when enough has been gathered, and says whether it did.
    pub fn push(&mut self, record: AttemptRecord, now_ns: u64) -> bool {
        if self.records.is_empty() {
            self.first_ns = now_ns;
        }
        self.bytes += match &record.value {
            Some(Value::Bytes(bytes)) => bytes.len(),
            Some(Value::Text(text)) => text.len(),
            _ => 0,
        };
        self.records.push(record);
        let enough = now_ns.saturating_sub(self.first_ns) > GATHER_NS || self.bytes > GATHER_BYTES;
        if enough {
            self.flush();
        }
        enough
    }

    /// Sends what waits if it has waited for long.
    pub fn flush_old(&mut self) {
        if !self.records.is_empty() && monotonic_ns().saturating_sub(self.first_ns) > GATHER_NS {
            self.flush();
        }
    }

    /// Sends what waits.
    pub fn flush(&mut self) {
        if self.records.is_empty() {
            return;
        }
        let records = std::mem::take(&mut self.records);
        self.bytes = 0;
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
    pub fn close(&mut self) {
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
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
        write_frame(&mut self.buffer, message)?;
        // An engine that is gone is noticed on the control socket, which ends this process.
        let _ = self.stream.write_all(&self.buffer);
        if self.buffer.capacity() > 4 * GATHER_BYTES {
            self.buffer = Vec::new();
        }
        Ok(())
    }
}
