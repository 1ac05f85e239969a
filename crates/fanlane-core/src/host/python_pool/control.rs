//! What is said between a script and the host of its pool: frames of a kind, a length and a body.

use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use rustix::event::{PollFd, PollFlags, poll};

use crate::engine::RunCommand;
use crate::host::serve::HostState;
use crate::job::batch::BatchFeed;
use crate::job::{MAX_WORKERS, TaskId};

/// Length of a frame without its body.
const HEADER_BYTES: usize = 5;
/// Maximum length of what a person reads of a call.
const MAX_LABEL_BYTES: usize = 400;
/// How much is read at once.
const READ_BYTES: usize = 64 << 10;

/// The connection to the script.
pub struct Control {
    stream: UnixStream,
    /// Becomes readable at the end of the script's process, whose children may hold the other end of the connection.
    script: Option<OwnedFd>,
    inbox: Vec<u8>,
    /// What was taken of `inbox`.
    taken: usize,
}

/// Where the calls of a script go.
pub struct Feeding {
    feed: Option<BatchFeed>,
}

impl Feeding {
    /// Calls go to `feed`.
    pub const fn new(feed: BatchFeed) -> Self {
        Self { feed: Some(feed) }
    }
}

impl Control {
    /// A connection at its begin.
    pub const fn new(stream: UnixStream, script: Option<OwnedFd>) -> Self {
        Self { stream, script, inbox: Vec::new(), taken: 0 }
    }

    /// Another handle for sending.
    pub fn sender(&self) -> io::Result<UnixStream> {
        self.stream.try_clone()
    }

    /// Sends a frame.
    pub fn send(&mut self, kind: u8, body: &[u8]) -> io::Result<()> {
        self.stream.write_all(&frame(kind, body))
    }

    /// Waits for the script's setup.
    pub fn setup(&mut self) -> Result<Vec<u8>, String> {
        match self.next() {
            Some((b'S', body)) => Ok(body.to_vec()),
            Some((kind, _)) => {
                Err(format!("the package of this script speaks another protocol: it begins with {kind}"))
            }
            None => Err("the script has ended before it has asked for anything".to_owned()),
        }
    }

    /// Waits for the next frame; `None` once the script has gone.
    fn next(&mut self) -> Option<(u8, &[u8])> {
        let length = loop {
            let unread = &self.inbox[self.taken..];
            if let Some(header) = unread.first_chunk::<HEADER_BYTES>() {
                let length = u32::from_le_bytes([header[1], header[2], header[3], header[4]]) as usize;
                if unread.len() >= HEADER_BYTES + length {
                    break length;
                }
            }
            self.fill()?;
        };
        let start = self.taken + HEADER_BYTES;
        self.taken = start + length;
        Some((self.inbox[start - HEADER_BYTES], &self.inbox[start..start + length]))
    }

    fn fill(&mut self) -> Option<()> {
        self.inbox.drain(..self.taken);
        self.taken = 0;
        let length = self.inbox.len();
        self.inbox.resize(length + READ_BYTES, 0);
        let read = self.read_into(length);
        self.inbox.truncate(length + read.unwrap_or(0));
        read.filter(|count| *count > 0).map(drop)
    }

    fn read_into(&mut self, from: usize) -> Option<usize> {
        loop {
            let mut polled = vec![PollFd::new(&self.stream, PollFlags::IN)];
            polled.extend(self.script.as_ref().map(|script| PollFd::new(script, PollFlags::IN)));
            match poll(&mut polled, None) {
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => continue,
                Err(_) => return None,
            }
            if polled.get(1).is_some_and(|script| !script.revents().is_empty()) {
                return None;
            }
            match self.stream.read(&mut self.inbox[from..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return read.ok(),
            }
        }
    }

    /// Does what the script asks until it ends; then the run is stopped.
    pub fn serve(mut self, state: &Arc<HostState>, mut feeding: Feeding) {
        while let Some((kind, body)) = self.next() {
            match kind {
                b'C' => state.grow(&mut || feeding.push(body)),
                b'E' => state.grow(&mut || feeding.feed = None),
                b'X' => words(body).for_each(|call| {
                    if let Some(task) = call.checked_sub(1) {
                        state.command(RunCommand::Cancel(TaskId(task)));
                    }
                }),
                b'W' if body.len() == 4 => {
                    let workers = u32::from_le_bytes([body[0], body[1], body[2], body[3]]);
                    state.command(RunCommand::SetWorkers(workers.min(MAX_WORKERS)));
                }
                b'P' => state.command(RunCommand::Pause),
                b'U' => state.command(RunCommand::Resume),
                b'T' => state.command(RunCommand::StopNow),
                // Of a newer package, which asks for nothing that this program could do.
                _ => {}
            }
        }
        state.command(RunCommand::StopNow);
    }
}

impl Feeding {
    /// Takes in the labels of calls.
    fn push(&mut self, mut body: &[u8]) {
        let labels = std::iter::from_fn(|| {
            let (length, rest) = body.split_first_chunk::<4>()?;
            let (label, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            body = rest;
            Some(&label[..label.len().min(MAX_LABEL_BYTES)])
        });
        if let Some(feed) = &mut self.feed {
            // It fails where the run has ended, which the script is told anyway.
            let _ = feed.push_all(labels);
        }
    }
}

/// A frame of this kind.
pub fn frame(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).expect("bodies are bounded by their senders");
    [&[kind][..], &length.to_le_bytes(), body].concat()
}

fn words(body: &[u8]) -> impl Iterator<Item = u64> {
    body.chunks_exact(8).map(|word| u64::from_le_bytes(word.try_into().expect("eight bytes")))
}
