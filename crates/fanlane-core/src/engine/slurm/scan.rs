//! Reads what the elements have written since the last look, in the order of its times, so that a batch that is attached to again
//! is told as it went.

use std::collections::HashMap;
use std::io;

use super::folder::{BatchFolder, ElementLife};
use super::records::{ElementFrame, RecordReader};

/// What an element said, and when.
#[derive(Debug)]
pub struct TimedFrame {
    /// In nanoseconds since the run's start.
    pub at_ns: u64,
    /// Who.
    pub life: ElementLife,
    /// What is added to the times of the element to get those of the run.
    pub shift_ns: i64,
    /// What.
    pub frame: ElementFrame,
}

/// The files of records of a batch as far as they were read.
#[derive(Debug)]
pub struct RecordScan {
    started_unix_ms: u64,
    files: HashMap<ElementLife, RecordFile>,
}

#[derive(Debug, Default)]
struct RecordFile {
    reader: RecordReader,
    /// Known once the element has said when it began.
    shift_ns: Option<i64>,
    at_ns: u64,
    has_ended: bool,
}

impl RecordScan {
    /// Nothing was read yet.
    pub fn new(started_unix_ms: u64) -> Self {
        Self { started_unix_ms, files: HashMap::new() }
    }

    /// What has come since the last call; `now_ns` is the latest time that anything can have.
    ///
    /// # Errors
    /// When the folder cannot be listed. A file that cannot be read is looked at again with the next call.
    pub fn read(&mut self, folder: &BatchFolder, now_ns: u64) -> io::Result<Vec<TimedFrame>> {
        let mut found = Vec::new();
        for life in folder.lives()? {
            let file = self.files.entry(life).or_default();
            if file.has_ended {
                continue;
            }
            let Ok(frames) = file.reader.read(&folder.records(life)) else { continue };
            for frame in frames {
                let Some(shift_ns) = file.shift_after(&frame, self.started_unix_ms) else { continue };
                file.has_ended |= matches!(frame, ElementFrame::Ended(_));
                if let Some(own_ns) = own_time(&frame) {
                    file.at_ns = file.at_ns.max(own_ns.saturating_add_signed(shift_ns)).min(now_ns);
                }
                found.push(TimedFrame { at_ns: file.at_ns, life, shift_ns, frame });
            }
        }
        found.sort_by_key(|timed| timed.at_ns);
        Ok(found)
    }
}

impl RecordFile {
    fn shift_after(&mut self, frame: &ElementFrame, started_unix_ms: u64) -> Option<i64> {
        if let ElementFrame::Began { zero_unix_ms, .. } = frame {
            // Before the start of the run is a clock that is behind.
            self.shift_ns = Some((zero_unix_ms.saturating_sub(started_unix_ms) as i64).saturating_mul(1_000_000));
        }
        self.shift_ns
    }
}

/// The time of what an element says, by its own clock; `None` where it has none.
fn own_time(frame: &ElementFrame) -> Option<u64> {
    match frame {
        ElementFrame::Began { .. } => Some(0),
        ElementFrame::Started { start_ns, .. } => Some(*start_ns),
        ElementFrame::Retried(record) => Some(record.start_ns + record.wall_ns),
        ElementFrame::Finished(records) => records.iter().map(|record| record.start_ns + record.wall_ns).max(),
        ElementFrame::Progress { sent_ns, .. } => Some(*sent_ns),
        ElementFrame::Interpreter(_) | ElementFrame::CannotStart(_) | ElementFrame::Ended(_) => None,
    }
}
