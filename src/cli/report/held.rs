//! Streams that are held back while a view has the terminal, and written when it is given back, in their order.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tempfile::SpooledTempFile;

use super::streams::Sink;
use fanlane_core::event::StreamName;

/// Maximum size of held text in memory, in bytes; beyond it waits in an unlinked temporary file.
const MAX_MEMORY_BYTES: usize = 64 << 20;
/// Size of the head of a piece: its stream, its length.
const HEAD_BYTES: usize = 5;

/// What is held back.
#[derive(Clone)]
pub struct Held(Arc<Mutex<SpooledTempFile>>);

impl Held {
    /// Nothing yet.
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(SpooledTempFile::new(MAX_MEMORY_BYTES))))
    }

    /// A sink that holds back what is written to it.
    pub fn sink(&self, stream: StreamName) -> Sink {
        Box::new(HeldSink { held: self.clone(), stream })
    }

    /// Writes what is held back to the streams it was meant for.
    ///
    /// # Errors
    /// When one of them cannot be written, or what waits in a file cannot be read.
    pub fn release(&self, stdout: &mut dyn Write, stderr: &mut dyn Write) -> io::Result<()> {
        let mut file = self.lock();
        let length = file.seek(SeekFrom::End(0))?;
        file.rewind()?;
        let mut at = 0;
        let mut piece = Vec::new();
        while at < length {
            let mut head = [0; HEAD_BYTES];
            file.read_exact(&mut head)?;
            let [stream, size @ ..] = head;
            let size = u32::from_le_bytes(size);
            piece.resize(size as usize, 0);
            file.read_exact(&mut piece)?;
            at += HEAD_BYTES as u64 + u64::from(size);
            if stream == StreamName::Stdout as u8 { stdout.write_all(&piece)? } else { stderr.write_all(&piece)? }
        }
        *file = SpooledTempFile::new(MAX_MEMORY_BYTES);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, SpooledTempFile> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct HeldSink {
    held: Held,
    stream: StreamName,
}

impl Write for HeldSink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let mut head = [0; HEAD_BYTES];
        head[0] = self.stream as u8;
        head[1..].copy_from_slice(&taken.to_le_bytes());
        let mut file = self.held.lock();
        file.write_all(&head)?;
        file.write_all(&bytes[..taken as usize])?;
        Ok(taken as usize)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_held_back_comes_whole_in_its_order_and_once() {
        let held = Held::new();
        let [mut out, mut err] = StreamName::BOTH.map(|stream| held.sink(stream));
        let both = tempfile::tempfile().expect("a file");
        let mut to = [both.try_clone().expect("shared"), both.try_clone().expect("shared")];
        out.write_all(b"one;").expect("held");
        out.write_all(b"two;").expect("held");
        err.write_all(b"err;").expect("held");
        out.write_all(b"three;").expect("held");
        let [stdout, stderr] = &mut to;
        for _ in 0..2 {
            held.release(stdout, stderr).expect("written");
        }
        let mut text = String::new();
        let mut both = both;
        both.rewind().expect("a file");
        both.read_to_string(&mut text).expect("text");
        assert_eq!(text, "one;two;err;three;");
    }
}
