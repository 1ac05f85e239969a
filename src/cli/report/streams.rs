//! The two streams that a report writes to. Output is gathered and written in blocks, the order between the two streams is
//! kept, and a bar on the terminal is hidden while something is written.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::{AsFd, BorrowedFd};

use super::bar::Bar;
use super::held::Held;
use fanlane_core::event::StreamName;
use fanlane_os::own_descriptor;
use fanlane_os::standard_streams::Patient;

/// How much is gathered before it is written, in bytes.
const BLOCK_BYTES: usize = 64 << 10;

/// The destination of a stream; `Send` so that tests can observe it.
pub type Sink = Box<dyn Write + Send>;

/// Standard output and standard error of a report.
pub struct Streams {
    stdout: Stream,
    stderr: Stream,
    /// The bar, on standard error.
    pub bar: Bar,
    /// The report's own words are written; without a standard error the exit status alone tells.
    own_words: bool,
    /// What is held back.
    held: Option<Held>,
}

struct Stream {
    name: &'static str,
    sink: Sink,
    gathered: Vec<u8>,
}

impl Streams {
    /// The program's own streams.
    ///
    /// # Errors
    /// When they cannot be duplicated.
    pub fn of_program(bar: Bar) -> io::Result<Self> {
        let (stdout, stderr) = own()?;
        Ok(Self { own_words: !own_descriptor::was_closed(2), ..Self::new(stdout, stderr, bar) })
    }

    /// The program's own streams while a view has the terminal: standard error is held back until [`Streams::release`], and so
    /// is standard output if it is a terminal.
    ///
    /// # Errors
    /// When they cannot be duplicated.
    pub fn held_back() -> io::Result<Self> {
        let held = Held::new();
        let (stdout, _) = own()?;
        let stdout = if io::stdout().is_terminal() { held.sink(StreamName::Stdout) } else { stdout };
        let stderr = held.sink(StreamName::Stderr);
        Ok(Self { held: Some(held), ..Self::new(stdout, stderr, Bar::Hidden) })
    }

    /// Writes what was held back; from now on nothing is.
    ///
    /// # Errors
    /// When one of the streams cannot be written.
    pub fn release(&mut self) -> io::Result<()> {
        let Some(held) = self.held.take() else { return Ok(()) };
        let flushed = self.flush();
        let (mut stdout, mut stderr) = own()?;
        let released = held.release(&mut *stdout, &mut *stderr);
        self.stdout.sink = stdout;
        self.stderr.sink = stderr;
        flushed.and(released)
    }

    /// Streams into other sinks.
    pub fn new(stdout: Sink, stderr: Sink, bar: Bar) -> Self {
        let stream = |name, sink| Stream { name, sink, gathered: Vec::new() };
        Self {
            stdout: stream("standard output", stdout),
            stderr: stream("standard error", stderr),
            bar,
            own_words: true,
            held: None,
        }
    }

    /// Adds to standard output, which is written sooner or later; `write` appends to the bytes it is given.
    ///
    /// # Errors
    /// When one of the streams cannot be written.
    pub fn stdout(&mut self, write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> io::Result<()> {
        if !self.stderr.gathered.is_empty() {
            self.flush()?;
        }
        write(&mut self.stdout.gathered)?;
        self.flush_block()
    }

    /// Adds words of the report to standard error, which is written sooner or later; `write` appends to the bytes it is
    /// given.
    ///
    /// # Errors
    /// When one of the streams cannot be written.
    pub fn stderr(&mut self, write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> io::Result<()> {
        if self.own_words { self.task_stderr(write) } else { Ok(()) }
    }

    fn task_stderr(&mut self, write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> io::Result<()> {
        if !self.stdout.gathered.is_empty() {
            self.flush()?;
        }
        write(&mut self.stderr.gathered)?;
        self.flush_block()
    }

    /// Adds what a task printed to the stream of that name.
    ///
    /// # Errors
    /// When one of the streams cannot be written.
    pub fn to(&mut self, name: StreamName, write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> io::Result<()> {
        match name {
            StreamName::Stdout => self.stdout(write),
            StreamName::Stderr => self.task_stderr(write),
        }
    }

    /// Writes what was gathered.
    ///
    /// # Errors
    /// When one of the streams cannot be written; what was gathered for it is dropped.
    pub fn flush(&mut self) -> io::Result<()> {
        let Self { stdout, stderr, bar, .. } = self;
        if stdout.gathered.is_empty() && stderr.gathered.is_empty() {
            return Ok(());
        }
        bar.aside(|| {
            stdout.flush()?;
            stderr.flush()
        })
    }

    fn flush_block(&mut self) -> io::Result<()> {
        if self.stdout.gathered.len().max(self.stderr.gathered.len()) < BLOCK_BYTES { Ok(()) } else { self.flush() }
    }
}

/// Standard output and standard error of this process.
fn own() -> io::Result<(Sink, Sink)> {
    // Not `io::stdout()`: it searches all output for line ends.
    Ok((sink(1, io::stdout().as_fd())?, sink(2, io::stderr().as_fd())?))
}

/// A stream of the program as a sink. One that was closed takes nothing, rather than lose it in the null device that stands
/// in its place.
fn sink(number: i32, stream: BorrowedFd<'_>) -> io::Result<Sink> {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if bytes.is_empty() { Ok(0) } else { Err(own_descriptor::closed_error()) }
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    if own_descriptor::was_closed(number) {
        return Ok(Box::new(Closed));
    }
    Ok(Box::new(Patient(File::from(stream.try_clone_to_owned()?))))
}

/// Standard output as a writer.
impl Write for &mut Streams {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stdout(|out| {
            out.extend_from_slice(bytes);
            Ok(())
        })?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Streams::flush(self)
    }
}

impl Stream {
    fn flush(&mut self) -> io::Result<()> {
        let written = self.sink.write_all(&self.gathered);
        self.gathered.clear();
        written.map_err(|error| io::Error::new(error.kind(), format!("cannot write {}: {error}", self.name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::report::test_sink::Watched;

    #[test]
    fn the_streams_keep_their_order_towards_each_other() {
        let both = Watched::default();
        let mut streams = Streams::new(Box::new(both.clone()), Box::new(both.clone()), Bar::Hidden);
        for word in ["a", "b"] {
            streams.stdout(|out| write!(out, "out {word};")).expect("written");
            streams.stdout(|out| write!(out, "more {word};")).expect("written");
            streams.stderr(|err| write!(err, "err {word};")).expect("written");
        }
        streams.flush().expect("written");
        assert_eq!(both.text(), "out a;more a;err a;out b;more b;err b;");
    }

    #[test]
    fn a_large_block_is_written_at_once() {
        let out = Watched::default();
        let mut streams = Streams::new(Box::new(out.clone()), Box::new(io::sink()), Bar::Hidden);
        streams.stdout(|out| out.write_all(b"small")).expect("written");
        assert_eq!(out.text().len(), 0);
        streams.stdout(|out| out.write_all(&[b'x'; BLOCK_BYTES])).expect("written");
        assert_eq!(out.text().len(), BLOCK_BYTES + 5);
    }

    #[test]
    fn a_stream_that_cannot_be_written_is_named() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut streams = Streams::new(Box::new(Full), Box::new(io::sink()), Bar::Hidden);
        streams.stdout(|out| out.write_all(b"x")).expect("gathered");
        let error = streams.flush().expect_err("nothing can be written");
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert!(error.to_string().starts_with("cannot write standard output: "), "{error}");
    }
}
