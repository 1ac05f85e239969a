//! Sending to a lane without ever waiting for its worker: the caller may hold the engine's lock. A short message goes through
//! the mailbox while the worker looks there.

use std::io::ErrorKind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use super::link::LinkStream;
use fanlane_os::frame::{body_of, write_frame};
use fanlane_os::mailbox::Mailbox;
use fanlane_os::multipath::MultipathSender;

/// What a buffer keeps when it is empty.
const KEPT_BYTES: usize = 2 << 20;

/// The sending half of a lane's link.
#[derive(Clone)]
pub struct LaneSender {
    shared: Arc<SenderShared>,
}

struct SenderShared {
    stream: Arc<dyn LinkStream>,
    state: Mutex<SenderState>,
}

#[derive(Default)]
struct SenderState {
    buffer: Vec<u8>,
    multipath: MultipathSender,
    /// A thread is sending what the socket did not take at once.
    flushing: bool,
}

impl LaneSender {
    /// Sends on `stream`, and through the mailbox beside it if there is one.
    pub fn new(stream: Arc<dyn LinkStream>, mailbox: Option<Mailbox>) -> Self {
        let state = Mutex::new(SenderState { multipath: MultipathSender::new(mailbox), ..SenderState::default() });
        Self { shared: Arc::new(SenderShared { stream, state }) }
    }

    /// Sends `message`, or has it sent as soon as the worker reads on. That a worker is gone is noticed where its lane is
    /// read.
    pub fn send<M: Serialize>(&self, message: &M) {
        let state = &mut *self.shared.state();
        if write_frame(&mut state.buffer, message).is_err() {
            // One task that no frame holds. Unsent it would be waited for without end; so its worker is given up.
            self.shared.stream.close();
            return;
        }
        if state.multipath.try_mail([body_of(&state.buffer), &[]], !state.flushing) {
            state.buffer.clear();
            return;
        }
        if state.flushing {
            return;
        }
        let mut sent = 0;
        while sent < state.buffer.len() {
            match self.shared.stream.send(&state.buffer[sent..], false, &[]) {
                Ok(count) => sent += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    state.buffer.drain(..sent);
                    state.flushing = true;
                    self.flush_on_thread();
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
    fn flush_on_thread(&self) {
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
                if shared.stream.send_all(&bytes, &[]).is_err() {
                    return;
                }
            }
        });
        if spawned.is_err() {
            // Without a thread the message cannot be sent: the worker is given up, and its tasks go to others.
            self.shared.stream.close();
        }
    }
}

impl SenderShared {
    fn state(&self) -> MutexGuard<'_, SenderState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::net::UnixStream;

    use super::*;
    use crate::engine::protocol::{TaskFrameRef, ToWorkerRef};
    use crate::event::TaskId;
    use fanlane_os::frame::MAX_FRAME_BYTES;

    #[test]
    fn a_task_that_no_frame_holds_ends_the_connection_rather_than_being_waited_for() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        theirs.set_nonblocking(true).unwrap();
        let payload = vec![0; MAX_FRAME_BYTES];
        let frame = TaskFrameRef { task: TaskId(0), attempt: 1, payload: &payload };
        let ours: Arc<dyn LinkStream> = Arc::new(ours);
        LaneSender::new(Arc::clone(&ours), None).send(&ToWorkerRef::Run(vec![frame]));
        assert_eq!(theirs.read(&mut [0]).ok(), Some(0));
        drop(ours);
    }
}
