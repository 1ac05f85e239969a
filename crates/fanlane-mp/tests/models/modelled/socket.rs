//! A socket in one direction: it accepts one part of what is sent at a time, and a reader sleeps until there is something or
//! the sender has closed it. Descriptors are not passed.

use std::collections::VecDeque;
use std::io::{self, IoSlice, Read};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use loom::sync::{Condvar, Mutex};
use rustix::net::{RecvFlags, SendFlags};

use crate::orders::processes;

pub const MAX_DESCRIPTORS: usize = 64;

/// For the unit tests of the sources, which are compiled here as well and not run.
pub fn pair() -> io::Result<(UnixStream, UnixStream)> {
    UnixStream::pair()
}

#[derive(Debug)]
pub struct Stream {
    descriptor: Arc<OwnedFd>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    bytes: VecDeque<u8>,
    is_closed: bool,
}

impl Stream {
    pub fn create() -> io::Result<Arc<Self>> {
        // Any descriptor will do: it stands for the stream.
        let descriptor = Arc::new(OwnedFd::from(std::fs::File::open("/dev/null")?));
        let stream = Arc::new(Self { descriptor, state: Mutex::new(State::default()), changed: Condvar::new() });
        processes::add_stream(&stream);
        Ok(stream)
    }

    pub const fn descriptor(&self) -> &Arc<OwnedFd> {
        &self.descriptor
    }

    /// Ends the stream.
    pub fn close(&self) {
        self.state.lock().unwrap().is_closed = true;
        self.changed.notify_all();
    }

    pub fn send(&self, bytes: &[u8]) {
        if processes::step() {
            self.state.lock().unwrap().bytes.extend(bytes);
            self.changed.notify_all();
        }
    }

    fn receive(&self, buffer: &mut [u8], at_once: bool) -> io::Result<usize> {
        let mut state = self.state.lock().unwrap();
        while state.bytes.is_empty() && !state.is_closed {
            if at_once {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            state = self.changed.wait(state).unwrap();
        }
        state.bytes.read(buffer)
    }
}

impl Read for &Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.receive(buffer, false)
    }
}

pub trait ReadAtOnce: Read {
    fn read_at_once(&mut self, buffer: &mut [u8]) -> io::Result<usize>;
}

impl ReadAtOnce for &Stream {
    fn read_at_once(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.receive(buffer, true)
    }
}

pub struct AtOnce<'a, S>(pub &'a mut S);

impl<S: ReadAtOnce> Read for AtOnce<'_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read_at_once(buffer)
    }
}

fn stream_of(socket: &impl AsFd) -> Arc<Stream> {
    let number: RawFd = socket.as_fd().as_raw_fd();
    processes::find_stream(|stream| stream.descriptor.as_raw_fd() == number).expect("a stream of this model")
}

pub fn receive_with_descriptors(
    socket: impl AsFd,
    buffer: &mut [u8],
    flags: RecvFlags,
    _descriptors: &mut impl Extend<OwnedFd>,
) -> io::Result<usize> {
    stream_of(&socket).receive(buffer, flags.contains(RecvFlags::DONTWAIT))
}

pub fn send_with_descriptors(
    socket: impl AsFd,
    parts: &[IoSlice<'_>],
    _flags: SendFlags,
    descriptors: &[Arc<OwnedFd>],
) -> io::Result<usize> {
    assert!(descriptors.is_empty(), "descriptors are not passed");
    let Some(part) = parts.iter().find(|part| !part.is_empty()) else { return Ok(0) };
    stream_of(&socket).send(part);
    Ok(part.len())
}
