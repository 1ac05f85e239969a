//! Receiving what the engine sends to a lane: by the thread that does the tasks (the executor here), while it is out of work
//! and between short ones, or by the listener beside it, while a task goes on or nothing has come for a while.
//!
//! A message that the executor receives itself wakes no second thread, whose time the tasks need. The receiver is a lock;
//! [`LaneState::executor_receives`] says which thread is to have it next.

use std::io::ErrorKind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::engine::link::{Bytes, LinkStream};
use crate::engine::protocol::ToWorker;
use fanlane_os::frame::FrameError;
use fanlane_os::mailbox::Mailbox;
use fanlane_os::message_reader::MessageReader;
use fanlane_os::waker::Waker;

use super::lane::{LaneShared, LaneState};
use super::listener::POLL_INTERVAL;

/// The shortest time between two receptions of the executor between tasks, in nanoseconds.
const TRY_RECV_INTERVAL_NS: u64 = 1_000_000;
/// How long the executor waits for a message before it leaves receiving to the listener, which needs no timer for it.
const RECEIVE_TIMEOUT: Duration = Duration::from_millis(20);

/// The receiving half of a lane's connection.
pub struct LaneReceiver {
    half: Mutex<ReceiverState>,
    /// Asks the listener to let go of the lock.
    interrupt: Waker,
}

struct ReceiverState {
    /// Reading from it times out after [`RECEIVE_TIMEOUT`].
    stream: Arc<dyn LinkStream>,
    /// Only the executor spins for what comes, when it is out of work.
    reader: MessageReader,
}

/// What came of receiving.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Received {
    Something,
    Nothing,
    /// The connection has ended.
    End,
}

impl LaneReceiver {
    /// Receives what comes on `stream`, and in the mailbox beside it if there is one.
    ///
    /// # Errors
    /// When the system has no descriptors left.
    pub fn new(stream: Arc<dyn LinkStream>, mailbox: Option<Mailbox>) -> std::io::Result<Self> {
        stream.set_read_timeout(Some(RECEIVE_TIMEOUT))?;
        let half = Mutex::new(ReceiverState { stream, reader: MessageReader::new(mailbox) });
        Ok(Self { half, interrupt: Waker::new()? })
    }

    fn half(&self) -> MutexGuard<'_, ReceiverState> {
        self.half.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LaneShared {
    /// The executor, out of work, receives itself, or waits for the listener to bring some.
    pub(super) fn wait_for_work(&self) {
        let listener_receives = !std::mem::replace(&mut self.state().executor_receives, true);
        if listener_receives {
            self.receiver.interrupt.wake();
        }
        let mut half = self.receiver.half();
        if listener_receives {
            self.receiver.interrupt.reset();
        }
        // The listener may have received something last.
        if self.state().has_work() || self.recv_as_executor(&mut half) == Received::Something {
            return;
        }
        drop(half);
        let mut state = self.state();
        state.executor_receives = false;
        self.listener.notify_one();
        while !state.has_work() && !state.executor_receives {
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Whether the executor, which is about to begin a task at `now_ns`, is to receive before that.
    pub(super) fn is_to_try_recv(&self, state: &mut LaneState, now_ns: u64) -> bool {
        let due = state.executor_receives && now_ns.saturating_sub(state.received_ns) > TRY_RECV_INTERVAL_NS;
        if due {
            state.received_ns = now_ns;
        }
        due
    }

    /// Receives what has come meanwhile, unless the other thread is just doing so.
    pub(super) fn try_recv(&self) -> Received {
        let mut half = match self.receiver.half.try_lock() {
            Ok(half) => half,
            Err(TryLockError::Poisoned(half)) => half.into_inner(),
            Err(TryLockError::WouldBlock) => return Received::Nothing,
        };
        let ReceiverState { stream, reader } = &mut *half;
        reader.fill_at_once(&mut Bytes(&**stream)).map_or(Received::Nothing, |filled| self.handle_all(reader, filled))
    }

    /// The executor receives and does what is asked; gives up after a while.
    fn recv_as_executor(&self, half: &mut ReceiverState) -> Received {
        let ReceiverState { stream, reader } = half;
        match reader.fill_soon(&mut Bytes(&**stream)) {
            Err(FrameError::Io(error)) if error.kind() == ErrorKind::WouldBlock => Received::Nothing,
            filled => self.handle_all(reader, filled),
        }
    }

    /// The listener: receives, and supervises what is running, until the link has ended.
    pub(super) fn listen(&self) {
        loop {
            self.supervise_while_executor_receives();
            let half = &mut self.receiver.half();
            while !self.state().executor_receives {
                let look = self.state().poll_interval(self.context.clock.is_stopped());
                match self.recv(half, timespec(look).as_ref()) {
                    Received::End => return,
                    Received::Something => self.work.notify_one(),
                    Received::Nothing => {}
                }
                self.look();
            }
        }
    }

    /// While tasks are short, the listener only looks up now and then. Returns when it is to receive.
    fn supervise_while_executor_receives(&self) {
        let mut state = self.state();
        while state.executor_receives {
            let begun = state.begun;
            let look = state.poll_interval(self.context.clock.is_stopped()).unwrap_or(POLL_INTERVAL);
            state = match self.listener.wait_timeout(state, look) {
                Ok((state, _)) => state,
                Err(poisoned) => poisoned.into_inner().0,
            };
            if state.executor_receives && state.current.is_some() {
                // The same task all the time: it is a long one.
                state.executor_receives = state.begun != begun;
                drop(state);
                if self.try_recv() == Received::Something {
                    self.work.notify_one();
                }
                self.look();
                state = self.state();
            }
        }
    }

    /// The listener receives and does what is asked; gives up after `timeout`, or when it is interrupted.
    fn recv(&self, half: &mut ReceiverState, timeout: Option<&Timespec>) -> Received {
        let mut polled = [
            PollFd::from_borrowed_fd(half.stream.descriptor(), PollFlags::IN),
            PollFd::new(&self.receiver.interrupt, PollFlags::IN),
        ];
        if poll(&mut polled, timeout).unwrap_or(0) == 0 {
            return Received::Nothing;
        }
        let [ready, interrupted] = polled.map(|one| !one.revents().is_empty());
        if interrupted {
            self.receiver.interrupt.reset();
        }
        if !ready {
            return Received::Nothing;
        }
        let ReceiverState { stream, reader } = half;
        let filled = reader.fill(&mut Bytes(&**stream));
        self.handle_all(reader, filled)
    }

    /// Handles what has come, after a read with this result.
    fn handle_all(&self, reader: &mut MessageReader, filled: Result<bool, FrameError>) -> Received {
        match filled {
            Ok(true) => {}
            Ok(false) | Err(FrameError::Torn | FrameError::Io(_)) => return Received::End,
            Err(_) => self.abort(None),
        }
        loop {
            match reader.next_message::<ToWorker>() {
                Ok(Some(message)) => self.handle(message),
                Ok(None) => return Received::Something,
                Err(_) => self.abort(None),
            }
        }
    }
}

impl LaneState {
    fn has_work(&self) -> bool {
        !self.waiting.is_empty() || self.retiring
    }
}

/// A wait of less than a second.
fn timespec(wait: Option<Duration>) -> Option<Timespec> {
    wait.map(|wait| Timespec { tv_sec: 0, tv_nsec: wait.subsec_nanos().into() })
}
