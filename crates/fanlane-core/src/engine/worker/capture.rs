//! Bounded capture of a stream: its head and its tail, with the count of what was dropped between. Where the whole is
//! wanted, it goes to a file as soon as memory is not enough; a file that cannot be written costs only itself.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::event::{Captured, Spill};

/// Takes in a stream piece by piece and never holds more than its limit.
#[derive(Debug)]
pub struct Capture {
    head: Vec<u8>,
    head_limit: usize,
    /// The newest bytes beyond the head, as a ring once it is full.
    tail: Vec<u8>,
    tail_limit: usize,
    tail_start: usize,
    total_bytes: u64,
    whole: SpillFile,
}

/// The file for the whole of a stream.
#[derive(Debug)]
enum SpillFile {
    /// Not asked for.
    Unwanted,
    /// Memory has been enough so far.
    Wanted(PathBuf),
    /// It takes all that comes.
    Open(PathBuf, File),
    /// Why there is none.
    Failed(String),
}

impl SpillFile {
    /// Writes the next pieces; a file that cannot take them is removed, so that the disk has its room back.
    fn write(&mut self, pieces: &[&[u8]]) {
        let (path, opened) = match std::mem::replace(self, Self::Unwanted) {
            Self::Wanted(path) => {
                let opened = create(&path);
                (path, opened)
            }
            Self::Open(path, file) => (path, Ok(file)),
            other => {
                *self = other;
                return;
            }
        };
        let written = opened.and_then(|mut file| {
            pieces.iter().try_for_each(|piece| file.write_all(piece))?;
            Ok(file)
        });
        *self = match written {
            Ok(file) => Self::Open(path, file),
            Err(error) => {
                let _ = fs::remove_file(&path);
                Self::Failed(error.to_string())
            }
        };
    }
}

/// Held while a file or its folder is made.
static CREATING: Mutex<()> = Mutex::new(());

/// From now on no file is made for what commands print: this process removes their folder and ends. Threads that would make one
/// stand still.
pub fn end_spilling() {
    std::mem::forget(CREATING.lock().unwrap_or_else(PoisonError::into_inner));
}

fn create(path: &Path) -> io::Result<File> {
    let _creating = CREATING.lock().unwrap_or_else(PoisonError::into_inner);
    match File::create_new(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            // Of a worker that died over the same attempt: it is not read any more.
            fs::remove_file(path)?;
            File::create_new(path)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let Some(folder) = path.parent() else { return Err(error) };
            match fs::DirBuilder::new().mode(0o700).create(folder) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
                _ => File::create_new(path),
            }
        }
        other => other,
    }
}

impl Capture {
    /// Keeps at most `limit_bytes` in memory, half of it for the head; a longer stream goes as a whole to the file
    /// `whole`, if that is given.
    pub fn new(limit_bytes: usize, whole: Option<PathBuf>) -> Self {
        let tail_limit = limit_bytes / 2;
        Self {
            head: Vec::new(),
            head_limit: limit_bytes - tail_limit,
            tail: Vec::new(),
            tail_limit,
            tail_start: 0,
            total_bytes: 0,
            whole: whole.map_or(SpillFile::Unwanted, SpillFile::Wanted),
        }
    }

    /// Takes in the next piece.
    pub fn push(&mut self, mut piece: &[u8]) {
        self.total_bytes += piece.len() as u64;
        if self.total_bytes > (self.head_limit + self.tail_limit) as u64 {
            match &self.whole {
                // The tail is no ring yet: nothing was dropped until now.
                SpillFile::Wanted(_) => self.whole.write(&[&self.head, &self.tail, piece]),
                SpillFile::Open(..) => self.whole.write(&[piece]),
                SpillFile::Unwanted | SpillFile::Failed(_) => {}
            }
        }
        let room = self.head_limit - self.head.len();
        let (to_head, rest) = piece.split_at(room.min(piece.len()));
        self.head.extend_from_slice(to_head);
        piece = rest;
        if piece.len() >= self.tail_limit {
            self.tail.clear();
            self.tail.extend_from_slice(&piece[piece.len() - self.tail_limit..]);
            self.tail_start = 0;
            return;
        }
        let room = self.tail_limit - self.tail.len();
        let (to_end, over) = piece.split_at(room.min(piece.len()));
        self.tail.extend_from_slice(to_end);
        for part in over.chunks(self.tail_limit.max(1)) {
            let until_wrap = self.tail_limit - self.tail_start;
            let (first, second) = part.split_at(until_wrap.min(part.len()));
            self.tail[self.tail_start..self.tail_start + first.len()].copy_from_slice(first);
            self.tail[..second.len()].copy_from_slice(second);
            self.tail_start = (self.tail_start + part.len()) % self.tail_limit;
        }
    }

    /// How much has come.
    pub const fn total_bytes(&self) -> u64 {
        self.total_bytes
    }

    /// Copies what is kept from `offset` of the stream on, at most `max_bytes`; returns the offset of the first byte copied,
    /// which is a later one where that has been dropped.
    pub fn copy_from(&self, offset: u64, max_bytes: usize, out: &mut Vec<u8>) -> u64 {
        let tail_offset = self.total_bytes - self.tail.len() as u64;
        let (newer, older) = self.tail.split_at(self.tail_start);
        let head_end = self.head.len() as u64;
        let start = if offset < head_end { offset } else { offset.max(tail_offset).min(self.total_bytes) };
        let parts: [(u64, &[u8]); 3] =
            [(0, &self.head), (tail_offset, older), (tail_offset + older.len() as u64, newer)];
        let mut next = start;
        for (part_offset, part) in parts {
            // Where the middle was dropped, what comes behind it is another piece.
            if let Some(skip) = next.checked_sub(part_offset).and_then(|skip| usize::try_from(skip).ok())
                && skip < part.len()
            {
                let room = max_bytes - (next - start) as usize;
                let piece = &part[skip..];
                let piece = &piece[..piece.len().min(room)];
                out.extend_from_slice(piece);
                next += piece.len() as u64;
            }
        }
        start
    }

    /// Nothing has come.
    pub const fn is_empty(&self) -> bool {
        self.total_bytes == 0
    }

    /// What was kept.
    pub fn finish(mut self) -> Captured {
        self.tail.rotate_left(self.tail_start);
        let kept = (self.head.len() + self.tail.len()) as u64;
        let dropped_bytes = self.total_bytes - kept;
        if dropped_bytes == 0 {
            self.head.append(&mut self.tail);
        }
        let spill = match self.whole {
            SpillFile::Unwanted | SpillFile::Wanted(_) => Spill::None,
            SpillFile::Open(..) => Spill::Kept,
            SpillFile::Failed(reason) => Spill::Failed(reason.into()),
        };
        Captured { head: self.head, dropped_bytes, tail: self.tail, spill }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn capture(limit: usize, whole: Option<PathBuf>, pieces: &[Vec<u8>]) -> Captured {
        let mut capture = Capture::new(limit, whole);
        for piece in pieces {
            capture.push(piece);
        }
        capture.finish()
    }

    proptest! {
        #[test]
        fn head_and_tail_are_those_of_the_whole_and_the_file_has_it_all(
            limit in 0_usize..40,
            max_bytes in 1_usize..50,
            pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..30), 0..12),
        ) {
            let whole = pieces.concat();
            let folder = tempfile::tempdir().expect("a folder");
            let file = folder.path().join("whole");
            let mut taken = Capture::new(limit, None);
            pieces.iter().for_each(|piece| taken.push(piece));
            // From every place and in every size: what is kept, without a gap within a piece.
            let mut next = 0;
            while next < taken.total_bytes() {
                let mut copied = Vec::new();
                let start = taken.copy_from(next, max_bytes, &mut copied) as usize;
                prop_assert!(start as u64 >= next && (start as u64 == next || next as usize >= limit - limit / 2));
                prop_assert_eq!(&*copied, &whole[start..start + copied.len()]);
                let is_end = start + copied.len() == whole.len();
                prop_assert!(copied.len() == max_bytes || is_end || start + copied.len() == limit - limit / 2);
                if copied.is_empty() {
                    prop_assert!(is_end && limit < 2);
                    break;
                }
                next = (start + copied.len()) as u64;
            }
            let captured = capture(limit, Some(file.clone()), &pieces);
            if whole.len() <= limit {
                prop_assert_eq!(captured, Captured { head: whole, ..Captured::default() });
                prop_assert!(!file.exists(), "memory was enough");
            } else {
                let tail = limit / 2;
                let head = limit - tail;
                prop_assert_eq!(&captured.head[..], &whole[..head]);
                prop_assert_eq!(&captured.tail[..], &whole[whole.len() - tail..]);
                prop_assert_eq!(captured.dropped_bytes, (whole.len() - limit) as u64);
                prop_assert_eq!(captured.spill, Spill::Kept);
                prop_assert_eq!(fs::read(&file).expect("written"), whole);
            }
        }
    }

    #[test]
    fn a_file_that_cannot_be_written_is_told_and_head_and_tail_are_kept() {
        let captured = capture(4, Some("/no/such/folder/whole".into()), &[b"abcdef".to_vec(), b"gh".to_vec()]);
        assert_eq!((&*captured.head, captured.dropped_bytes, &*captured.tail), (&b"ab"[..], 4, &b"gh"[..]));
        assert!(matches!(captured.spill, Spill::Failed(reason) if reason.contains("No such file")));
    }

    #[test]
    fn a_full_disk_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("whole");
        let full = File::options().write(true).open("/dev/full").expect("the device is there");
        let mut whole = SpillFile::Open(path, full);
        whole.write(&[b"x"]);
        assert!(matches!(&whole, SpillFile::Failed(reason) if reason.contains("No space left")), "{whole:?}");
        assert!(matches!(capture(4, None, &[vec![0; 9]]).spill, Spill::None), "not asked for");
    }
}
