//! A part of a file as the standard input of a command. It goes from the file into a pipe inside the system, without passing through
//! the memory of this process.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::pipe::{PipeFlags, SpliceFlags, splice};

use super::invocation::open;
use fanlane_os::large_pipe::large_pipe;

/// What is still to be written of a part.
struct Rest {
    file: File,
    /// Ranges of the file, from a byte to the one behind.
    ranges: Vec<(u64, u64)>,
    writer: OwnedFd,
}

/// Begins to write a part into a pipe, and returns the end that is read. What does not fit is written by a thread, which ends with
/// the part or with the last reader.
///
/// # Errors
/// The file and why it cannot be read.
pub fn begin(given: &[u8]) -> Result<File, (PathBuf, io::Error)> {
    let mut words = given.splitn(4, |byte| *byte == b' ');
    let mut number = || words.next().and_then(|word| std::str::from_utf8(word).ok()?.parse::<u64>().ok());
    // Both sides are the same program, so what is missing is not expected.
    let [header, from, to] = [number(), number(), number()].map(Option::unwrap_or_default);
    let path = PathBuf::from(OsStr::from_bytes(words.next().unwrap_or_default()));
    begin_at(&path, vec![(0, header), (from, to)]).map_err(|error| (path, error))
}

fn begin_at(path: &Path, ranges: Vec<(u64, u64)>) -> io::Result<File> {
    let file = open(path)?;
    let (reader, writer) = large_pipe(PipeFlags::empty())?;
    let mut rest = Rest { file, ranges, writer };
    if !rest.write(SpliceFlags::NONBLOCK)? {
        let thread = std::thread::Builder::new().name("file part".to_owned());
        // A reader that is gone, or a file that cannot be read, ends it: the command sees the end of its input.
        thread.spawn(move || rest.write(SpliceFlags::empty()))?;
    }
    Ok(reader.into())
}

impl Rest {
    /// Writes on; returns whether all is written.
    fn write(&mut self, flags: SpliceFlags) -> io::Result<bool> {
        for (from, to) in &mut self.ranges {
            while from < to {
                let length = usize::try_from(*to - *from).unwrap_or(usize::MAX).min(1 << 30);
                match splice(&self.file, Some(from), &self.writer, None, length, flags) {
                    // The file has become shorter.
                    Ok(0) => return Ok(true),
                    Ok(_) => {}
                    Err(Errno::INTR) => {}
                    Err(Errno::AGAIN) => return Ok(false),
                    // Some file systems cannot do it; writing may wait, so that is for the thread.
                    Err(Errno::INVAL) if flags.contains(SpliceFlags::NONBLOCK) => return Ok(false),
                    Err(Errno::INVAL) => {
                        let mut buffer = vec![0; length.min(64 << 10)];
                        let count = self.file.read_at(&mut buffer, *from)?;
                        if count == 0 {
                            return Ok(true);
                        }
                        let mut writer = File::from(self.writer.try_clone()?);
                        writer.write_all(&buffer[..count])?;
                        *from += count as u64;
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn a_part_is_read_behind_the_header_whatever_its_length() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a b");
        let text: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251) as u8).collect();
        std::fs::write(&path, &text).expect("written");
        for (header, from, to) in
            [(0, 0, 0), (3, 10, 20), (0, 5, 3_000_000), (7, 2_999_999, 3_000_000), (0, 10, 4_000_000)]
        {
            let mut read = Vec::new();
            let mut part = begin(format!("{header} {from} {to} {}", path.display()).as_bytes()).expect("begun");
            part.read_to_end(&mut read).expect("it is read");
            let end = to.min(text.len());
            assert!(read == [&text[..header], &text[from..end]].concat(), "{header} {from} {to}");
        }
        let absent = begin(b"0 0 1 /nowhere/at/all").expect_err("it is not there");
        assert_eq!(absent.0, PathBuf::from("/nowhere/at/all"));
        // A reader that leaves does no harm.
        drop(begin(format!("0 0 3000000 {}", path.display()).as_bytes()).expect("begun"));
    }
}
