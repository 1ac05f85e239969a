//! The results folder: the output of each task, in files with the paths of GNU parallel,
//! `DIR/1/<value>/2/<value>/{stdout,stderr,seq}`, with the columns' names, if any, in place of numbers.
//!
//! Where parallel's path would leave the folder or be shared by two tasks, another is used: see [`folder_name`]. Below
//! the folder no symbolic link is followed, and existing files are replaced, never written into.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, linkat, mkdirat, openat, unlinkat};
use rustix::io::Errno;

use crate::event::{AttemptRecord, CallValue, Captured, Outcome, Spill, StreamName};

/// Maximum length of a file name on common file systems, in bytes.
const MAX_NAME_BYTES: usize = 255;

/// The file with a task's number, whose presence marks the task as ended.
const SEQ: &str = "seq";

/// More bytes than any task number has.
const MAX_SEQ_BYTES: u64 = 32;

/// The folder for the results of a run.
#[derive(Debug)]
pub struct ResultsFolder {
    path: PathBuf,
    root: OwnedFd,
    /// Columns by name and index, in the order of the folders.
    columns: Vec<(Vec<u8>, usize)>,
    /// Hashes of the folders used by tasks of this run.
    taken: HashSet<u64>,
    hasher: RandomState,
}

impl ResultsFolder {
    /// Uses the folder `path`, which is created if needed. `columns` are the names of a task's values.
    ///
    /// # Errors
    /// Errors of the system.
    pub fn open(path: &Path, columns: &[String]) -> io::Result<Self> {
        std::fs::create_dir_all(path)?;
        let path = std::path::absolute(path)?;
        let root = openat(CWD, &path, OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        let mut columns: Vec<(Vec<u8>, usize)> =
            columns.iter().enumerate().map(|(place, name)| (name.as_bytes().to_vec(), place)).collect();
        // Sorted as in parallel: by the number that a name begins with, then by its bytes.
        columns.sort_by(|(a, _), (b, _)| leading_number(a).cmp(&leading_number(b)).then_with(|| a.cmp(b)));
        Ok(Self { path, root, columns, taken: HashSet::new(), hasher: RandomState::new() })
    }

    /// Its absolute path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the results of the task `number` and returns their folder. A stream that was too long for memory is
    /// copied from `spill`. `values` are the task's, in the order of the columns. The file `seq` is written last, and
    /// not for a task that was cancelled or whose output is not whole: its presence marks the task as ended.
    ///
    /// # Errors
    /// Errors of the system, with the path, also for a symbolic link in the way.
    pub fn keep<V: AsRef<[u8]>>(
        &mut self,
        number: u64,
        record: &AttemptRecord,
        values: &[V],
        spill: Option<&Path>,
    ) -> io::Result<PathBuf> {
        let names = self.names_of(number, values);
        let folder = self.descend(&names).map_err(|error| self.about(&names, "", error))?;
        let about = |file, error| self.about(&names, file, error);
        remove(&folder, SEQ).map_err(|error| about(SEQ, error))?;
        for stream in StreamName::BOTH {
            let kept = record.output.as_ref().map(|output| output.stream(stream));
            let name = stream.name();
            remove(&folder, name).map_err(|error| about(name, error))?;
            let spilled = kept.filter(|kept| kept.spill == Spill::Kept).and(spill);
            if let Some(spilled) = spilled.map(|spill| spill.join(record.spill_name(stream))) {
                link_or_copy(&spilled, &folder, name).map_err(|error| about(name, error))?;
                continue;
            }
            let written = create(&folder, name).and_then(|mut file| match (kept, &record.value) {
                (Some(kept), _) => write_captured(kept, &mut file),
                (None, Some(value)) if stream == StreamName::Stdout => write_value(value, &mut file),
                (None, _) => Ok(()),
            });
            written.map_err(|error| about(name, error))?;
        }
        if !matches!(record.outcome, Outcome::Cancelled | Outcome::OutputLost(_)) {
            let written = create(&folder, SEQ).and_then(|mut file| write!(file, "{number}"));
            written.map_err(|error| about(SEQ, error))?;
        }
        Ok(self.path_of(&names))
    }

    /// The number in the file `seq` of the folder for these values, if a task has ended; `second` is the number of a
    /// second task with the same values.
    ///
    /// # Errors
    /// Errors of the system, with the path, also for a symbolic link in the way.
    pub fn ended<V: AsRef<[u8]>>(&self, values: &[V], second: Option<u64>) -> io::Result<Option<u64>> {
        let mut names = self.plain_names_of(values);
        names.extend(second.map(second_name));
        let mut folder = self.root.try_clone()?;
        let flags = OFlags::NOFOLLOW | OFlags::RDONLY | OFlags::CLOEXEC;
        for name in &names {
            match openat(&folder, name.as_slice(), flags | OFlags::DIRECTORY, Mode::empty()) {
                Ok(next) => folder = next,
                Err(Errno::NOENT) => return Ok(None),
                Err(error) => return Err(self.about(&names, "", error.into())),
            }
        }
        let mut text = String::new();
        // Opening a pipe in its place would block.
        match openat(&folder, SEQ, flags | OFlags::NONBLOCK, Mode::empty()) {
            Ok(file) => {
                let read = File::from(file).take(MAX_SEQ_BYTES).read_to_string(&mut text);
                read.map_err(|error| self.about(&names, SEQ, error))?;
            }
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(self.about(&names, SEQ, error.into())),
        }
        Ok(text.trim().parse().ok())
    }

    /// The nested folder names. A second task of this run with the same values also gets its number.
    fn names_of<V: AsRef<[u8]>>(&mut self, number: u64, values: &[V]) -> Vec<Vec<u8>> {
        let mut names = self.plain_names_of(values);
        if !self.taken.insert(self.hasher.hash_one(&names)) {
            names.push(second_name(number));
        }
        names
    }

    fn plain_names_of<V: AsRef<[u8]>>(&self, values: &[V]) -> Vec<Vec<u8>> {
        let mut names = Vec::with_capacity(2 * self.columns.len());
        for (name, place) in &self.columns {
            names.push(folder_name(name));
            names.push(folder_name(values.get(*place).map_or(&[], AsRef::as_ref)));
        }
        names
    }

    fn descend(&self, names: &[Vec<u8>]) -> io::Result<OwnedFd> {
        let mut folder = self.root.try_clone()?;
        for name in names {
            match mkdirat(&folder, name.as_slice(), Mode::from_raw_mode(0o777)) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
            let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::RDONLY | OFlags::CLOEXEC;
            folder = openat(&folder, name.as_slice(), flags, Mode::empty()).map_err(|error| match error {
                Errno::LOOP | Errno::NOTDIR => io::Error::new(
                    io::ErrorKind::NotADirectory,
                    "a symbolic link or a file lies in the way of a folder; remove it, or name another folder",
                ),
                other => other.into(),
            })?;
        }
        Ok(folder)
    }

    fn path_of(&self, names: &[Vec<u8>]) -> PathBuf {
        let mut path = self.path.clone();
        path.extend(names.iter().map(|name| OsStr::from_bytes(name)));
        path
    }

    fn about(&self, names: &[Vec<u8>], file: &str, error: io::Error) -> io::Error {
        let path = self.path_of(names).join(file);
        io::Error::new(error.kind(), format!("{}: {error}", path.display()))
    }
}

/// A value as the name of one folder. As in parallel, `\` is written `\\`, a tab `\t`, a slash `\_`. In addition, `.`
/// and `..` are written `\.` and `\..`, the empty value `\e`, and a value that is too long for a name is truncated and
/// followed by a hash of the whole, so that no two values share a folder.
pub fn folder_name(value: &[u8]) -> Vec<u8> {
    match value {
        b"" => return b"\\e".to_vec(),
        b"." => return b"\\.".to_vec(),
        b".." => return b"\\..".to_vec(),
        _ => {}
    }
    let mut name = Vec::with_capacity(value.len() + 4);
    for byte in value {
        match byte {
            b'\\' => name.extend_from_slice(b"\\\\"),
            b'\t' => name.extend_from_slice(b"\\t"),
            0 => name.extend_from_slice(b"\\0"),
            b'/' => name.extend_from_slice(b"\\_"),
            other => name.push(*other),
        }
    }
    if name.len() > MAX_NAME_BYTES {
        use sha2::{Digest, Sha256};
        let sum: String = Sha256::digest(value)[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        let end = format!("\\~{sum}");
        let mut keep = MAX_NAME_BYTES - end.len();
        // Half a character or half an escape could be the beginning of another.
        for _ in 0..3 {
            keep -= usize::from(name[keep] & 0xc0 == 0x80);
        }
        let backslashes = name[..keep].iter().rev().take_while(|byte| **byte == b'\\').count();
        keep -= backslashes % 2;
        name.truncate(keep);
        name.extend_from_slice(end.as_bytes());
    }
    name
}

/// The folder of a second task with the same values, in that of the first.
fn second_name(number: u64) -> Vec<u8> {
    format!("\\#{number}").into_bytes()
}

fn leading_number(name: &[u8]) -> u64 {
    let digits = name.iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |number: u64, digit| number.saturating_mul(10).saturating_add(u64::from(digit - b'0')))
}

/// An existing entry may be a link to elsewhere, or a pipe.
fn remove(folder: &OwnedFd, name: &str) -> io::Result<()> {
    match unlinkat(folder, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn create(folder: &OwnedFd, name: &str) -> io::Result<File> {
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(openat(folder, name, flags, Mode::from_raw_mode(0o666))?.into())
}

fn link_or_copy(from: &Path, folder: &OwnedFd, name: &str) -> io::Result<()> {
    if linkat(CWD, from, folder, name, AtFlags::empty()).is_ok() {
        return Ok(());
    }
    // The spill folder is on another file system.
    io::copy(&mut File::open(from)?, &mut create(folder, name)?)?;
    Ok(())
}

fn write_captured(kept: &Captured, file: &mut File) -> io::Result<()> {
    file.write_all(&kept.head)?;
    if kept.dropped_bytes > 0 {
        writeln!(file, "\n[fanlane: {} bytes of this output were not kept]", kept.dropped_bytes)?;
        file.write_all(&kept.tail)?;
    }
    Ok(())
}

fn write_value(value: &CallValue, file: &mut File) -> io::Result<()> {
    match value {
        CallValue::Bytes(bytes) => file.write_all(bytes),
        value => file.write_all(&value.text()).and_then(|()| file.write_all(b"\n")),
    }
}

#[cfg(test)]
mod tests;
