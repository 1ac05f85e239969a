//! Sending to a worker without ever waiting for it: whoever sends may hold the engine's lock. A worker that looks for its
//! next word just then is handed a short one through the mailbox.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::net::SendFlags;
use serde::Serialize;

use crate::mp::frame::write_frame;
use crate::mp::mailbox::Mailbox;

/// What a buffer keeps when it is empty.
const KEPT_BYTES: usize = 2 << 20;

/// The sending half of a lane's connection.
#[derive(Clone)]
pub struct Link {
    shared: Arc<LinkShared>,
}

struct LinkShared {
    stream: UnixStream,
    state: Mutex<LinkState>,
}

#[derive(Default)]
struct LinkState {
    buffer: Vec<u8>,
    /// Counts the bytes that are sent on the stream.
    mailbox: Option<Mailbox>,
    /// A thread is sending what the socket did not take at once.
    flushing: bool,
}

impl Link {
    /// Sends on `stream`, and through the mailbox beside it if there is one.
    pub fn new(stream: UnixStream, mailbox: Option<Mailbox>) -> Self {
        let state = Mutex::new(LinkState { mailbox, ..LinkState::default() });
        Self { shared: Arc::new(LinkShared { stream, state }) }
    }

    /// Sends `message`, or has it sent as soon as the worker reads on. A worker that is gone is noticed by whoever
    /// reads from it.
    pub fn send<M: Serialize>(&self, message: &M) {
        let state = &mut *self.shared.state();
        let waiting = state.buffer.len();
        if write_frame(&mut state.buffer, message).is_err() {
            // One task that no frame holds. Unsent it would be waited for without end; so its worker is given up.
            let _ = self.shared.stream.shutdown(std::net::Shutdown::Both);
            return;
        }
        if let Some(mailbox) = &mut state.mailbox {
            if !state.flushing && mailbox.try_send([&state.buffer, &[]]) {
                state.buffer.clear();
                return;
            }
            // The count goes around.
            mailbox.note_sent((state.buffer.len() - waiting) as u32);
        }
        if state.flushing {
            return;
        }
        let mut sent = 0;
        while sent < state.buffer.len() {
            let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
            match rustix::net::send(&self.shared.stream, &state.buffer[sent..], flags) {
                Ok(count) => sent += count,
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => {
                    state.buffer.drain(..sent);
                    state.flushing = true;
                    self.flush_aside();
                    return;
                }
                Err(_) => break,
            }
        }
        state.buffer.clear();
        state.buffer.shrink_to(KEPT_BYTES);
    }

    /// Rare: a very long command line, or a worker that does not read. The thread ends with the last byte or with the
    /// connection.
    fn flush_aside(&self) {
        let shared = Arc::clone(&self.shared);
        let spawned = std::thread::Builder::new().name("flush".to_owned()).spawn(move || {
            loop {
                let bytes = {
                    let mut state = shared.state();
                    if state.buffer.is_empty() {
                        state.flushing = false;
                        return;
                    }
                    std::mem::take(&mut state.buffer)
                };
                if (&shared.stream).write_all(&bytes).is_err() {
                    return;
                }
            }
        });
        if spawned.is_err() {
            // Without a thread the message cannot be sent: the worker is given up, and its tasks go to others.
            let _ = self.shared.stream.shutdown(std::net::Shutdown::Both);
        }
    }
}

impl LinkShared {
    fn state(&self) -> MutexGuard<'_, LinkState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::engine::protocol::{TaskFrameRef, ToWorkerRef};
    use crate::event::TaskId;
    use crate::mp::frame::MAX_FRAME_BYTES;

    #[test]
    fn a_task_that_no_frame_holds_ends_the_connection_rather_than_being_waited_for() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        theirs.set_nonblocking(true).unwrap();
        let payload = vec![0; MAX_FRAME_BYTES];
        let frame = TaskFrameRef { task: TaskId(0), attempt: 1, payload: &payload };
        Link::new(ours.try_clone().unwrap(), None).send(&ToWorkerRef::Run(vec![frame]));
        assert_eq!(theirs.read(&mut [0]).ok(), Some(0));
        drop(ours);
    }
}
