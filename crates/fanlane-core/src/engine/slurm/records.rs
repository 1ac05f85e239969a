//! The file of records of one element: frames that its one writer appends, each with its length and a check, so that a reader
//! takes what is whole and waits at what is not.
//!
//! A file is read while it is written, also from another machine. What stands behind a frame that is torn or damaged is never
//! taken for a frame.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::event::{AttemptRecord, InterpreterFacts, TaskId};

/// Length and check.
const HEADER_BYTES: usize = 8;
/// The most that is read of a file at a time, in bytes, so that the records of one element do not hold up those of the others.
const READ_BYTES: u64 = 8 << 20;
/// How often what was written is made to survive the loss of its machine.
const SYNC_INTERVAL: Duration = Duration::from_secs(1);

/// What an element says. Tasks are numbered as in the batch, times count from the start of the element.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ElementFrame {
    /// It has begun; the first frame.
    Began {
        /// The node.
        host: Box<str>,
        /// Its process there.
        pid: u32,
        /// When its clock was at zero, in milliseconds since 1970 by the clock of the node.
        zero_unix_ms: u64,
    },
    /// A task has been running for a while.
    Started { task: TaskId, attempt: u32, start_ns: u64, pid: Option<u32> },
    /// An attempt failed, and its task is tried again.
    Retried(AttemptRecord),
    /// These tasks have ended.
    Finished(Vec<AttemptRecord>),
    /// A task has reported its progress.
    Progress { sent_ns: u64, fraction: f32, message: Box<str> },
    /// The interpreter of its calls.
    Interpreter(InterpreterFacts),
    /// No worker can be started on the node.
    CannotStart(Box<str>),
    /// It has ended; the last frame.
    Ended(ElementEnd),
}

/// Why an element has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ElementEnd {
    /// All its tasks have.
    Done,
    /// Its allotted time is nearly over; it has begun no further task.
    TimeNearlyOver,
    /// It was asked to begin no further task.
    Asked,
    /// The scheduler has ended it.
    Terminated,
    /// It cannot run tasks, for this reason.
    Unable(Box<str>),
}

/// The one writer of a file of records.
pub struct RecordWriter {
    file: File,
    frame: Vec<u8>,
    synced: Instant,
    is_dirty: bool,
}

impl RecordWriter {
    /// Creates the file, which must not exist.
    ///
    /// # Errors
    /// Errors of the system.
    pub fn create(path: &Path) -> io::Result<Self> {
        let file = File::options().append(true).create_new(true).open(path)?;
        Ok(Self { file, frame: Vec::new(), synced: Instant::now(), is_dirty: false })
    }

    /// Appends a frame. It survives the end of this process at once, and that of its machine after a second or with
    /// [`RecordWriter::sync`].
    ///
    /// # Errors
    /// Errors of the system; nothing may be written after one.
    pub fn write(&mut self, frame: &ElementFrame) -> io::Result<()> {
        self.frame.clear();
        self.frame.extend_from_slice(&[0; HEADER_BYTES]);
        self.frame = postcard::to_extend(frame, std::mem::take(&mut self.frame)).map_err(io::Error::other)?;
        let (header, body) = self.frame.split_at_mut(HEADER_BYTES);
        let length = u32::try_from(body.len()).map_err(io::Error::other)?;
        header[..4].copy_from_slice(&length.to_le_bytes());
        header[4..].copy_from_slice(&check_of(body));
        self.file.write_all(&self.frame)?;
        self.is_dirty = true;
        if self.synced.elapsed() >= SYNC_INTERVAL { self.sync() } else { Ok(()) }
    }

    /// Makes what was written survive the loss of the machine.
    ///
    /// # Errors
    /// Errors of the system.
    pub fn sync(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.is_dirty) {
            self.file.sync_data()?;
        }
        self.synced = Instant::now();
        Ok(())
    }
}

fn check_of(body: &[u8]) -> [u8; 4] {
    *Sha256::digest(body).first_chunk().expect("a digest has 32 bytes")
}

/// Reads the frames of a file as they come.
#[derive(Debug, Default)]
pub struct RecordReader {
    /// How far whole frames were taken.
    taken_bytes: u64,
    /// A frame is damaged: nothing behind it can be read.
    is_damaged: bool,
}

impl RecordReader {
    /// The frames that have become whole since the last call.
    ///
    /// # Errors
    /// Errors of the system; the same frames come with the next call then.
    pub fn read(&mut self, path: &Path) -> io::Result<Vec<ElementFrame>> {
        let mut frames = Vec::new();
        if self.is_damaged {
            return Ok(frames);
        }
        // Opened anew each time: a network file system looks for new content only then.
        let mut file = File::open(path)?;
        if file.metadata()?.len() <= self.taken_bytes {
            return Ok(frames);
        }
        file.seek(SeekFrom::Start(self.taken_bytes))?;
        let mut bytes = Vec::new();
        let mut limit = READ_BYTES;
        loop {
            let has_more = Read::by_ref(&mut file).take(limit).read_to_end(&mut bytes)? as u64 == limit;
            let mut rest = &bytes[..];
            while let Some((body, behind)) = split_frame(rest) {
                match postcard::from_bytes(body.unwrap_or_default()) {
                    Ok(frame) if body.is_some() => frames.push(frame),
                    _ => {
                        self.is_damaged = true;
                        return Ok(frames);
                    }
                }
                self.taken_bytes += (rest.len() - behind.len()) as u64;
                rest = behind;
            }
            // A single frame may be larger than what is read at a time.
            if !frames.is_empty() || !has_more {
                return Ok(frames);
            }
            limit *= 2;
        }
    }

    #[cfg(test)]
    /// Whether a frame is damaged, so that nothing behind it was read.
    pub const fn is_damaged(&self) -> bool {
        self.is_damaged
    }
}

/// The body of the frame at the front, and what follows; `None` where it is not whole, no body where it is damaged.
fn split_frame(bytes: &[u8]) -> Option<(Option<&[u8]>, &[u8])> {
    let (header, rest) = bytes.split_first_chunk::<HEADER_BYTES>()?;
    let (length, check) = header.split_at(4);
    let length = u32::from_le_bytes(length.try_into().expect("four bytes")) as usize;
    let (body, behind) = rest.split_at_checked(length)?;
    Some((Some(body).filter(|body| check_of(body) == check), behind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Outcome, WorkerId};

    fn finished(task: u64) -> ElementFrame {
        ElementFrame::Finished(vec![AttemptRecord::new(TaskId(task), 1, WorkerId(1), Outcome::Exited { code: 3 })])
    }

    fn frames() -> Vec<ElementFrame> {
        vec![
            ElementFrame::Began { host: "n1".into(), pid: 7, zero_unix_ms: 9 },
            ElementFrame::Started { task: TaskId(0), attempt: 1, start_ns: 2, pid: None },
            finished(0),
            ElementFrame::Ended(ElementEnd::Done),
        ]
    }

    /// The content of a file with all frames.
    fn content(folder: &Path) -> Vec<u8> {
        let path = folder.join("whole");
        let mut writer = RecordWriter::create(&path).expect("created");
        frames().iter().for_each(|frame| writer.write(frame).expect("written"));
        writer.sync().expect("synced");
        std::fs::read(path).expect("read")
    }

    #[test]
    fn a_file_torn_at_any_byte_gives_what_is_whole_and_the_rest_when_it_comes() {
        let folder = tempfile::tempdir().expect("a folder");
        let whole = content(folder.path());
        let path = folder.path().join("torn");
        for cut in 0..whole.len() {
            std::fs::write(&path, &whole[..cut]).expect("written");
            let mut reader = RecordReader::default();
            let mut read = reader.read(&path).expect("read");
            assert_eq!(read, frames()[..read.len()], "{cut}");
            assert!(!reader.is_damaged(), "{cut}");
            std::fs::write(&path, &whole).expect("written");
            read.extend(reader.read(&path).expect("read"));
            assert_eq!(read, frames(), "{cut}");
            assert_eq!(reader.read(&path).expect("read"), [], "{cut}");
        }
    }

    #[test]
    fn nothing_behind_a_damaged_frame_is_taken() {
        let folder = tempfile::tempdir().expect("a folder");
        let whole = content(folder.path());
        let path = folder.path().join("damaged");
        for place in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[place] ^= 0x41;
            std::fs::write(&path, &bytes).expect("written");
            let read = RecordReader::default().read(&path).expect("read");
            assert!(read.len() < frames().len(), "{place}");
            assert_eq!(read, frames()[..read.len()], "{place}");
        }
    }

    #[test]
    fn a_file_has_one_writer() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("one");
        let _writer = RecordWriter::create(&path).expect("created");
        let second = RecordWriter::create(&path).map(drop).expect_err("there is one");
        assert_eq!(second.kind(), io::ErrorKind::AlreadyExists);
    }
}
