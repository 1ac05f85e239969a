//! Who hears what the engine says to a lane: the thread that does the tasks, while it is out of work and between short
//! ones, or the listener beside it, while a task goes on or nothing has come for a while.
//!
//! A word that the executor hears itself wakes no second thread, whose time the tasks need. The ear is a lock;
//! [`State::executor_hears`] says who is to have it next.

use std::io::ErrorKind;
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::engine::protocol::ToWorker;
use crate::mp::frame::FrameError;
use crate::mp::mailbox::Mailbox;
use crate::mp::message_reader::MessageReader;
use crate::mp::waker::Waker;

use super::lane::{LaneShared, State};
use super::listener::LOOK;

/// Between tasks the executor listens no more often than this, in nanoseconds.
const PASSING_NS: u64 = 1_000_000;
/// An executor that has heard nothing for so long leaves listening to the listener, which needs no timer for it.
const PATIENCE: Duration = Duration::from_millis(20);

/// The receiving half of a lane's connection.
pub struct Ear {
    half: Mutex<Half>,
    /// Asks the listener to let go.
    aside: Waker,
}

struct Half {
    /// Whoever reads from it gives up after [`PATIENCE`].
    stream: UnixStream,
    /// It is looked for what comes only by the executor, when it is out of work.
    reader: MessageReader,
}

/// What came of listening.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    Something,
    Nothing,
    /// The connection has ended.
    End,
}

impl Ear {
    /// Hears what comes on `stream`, and through the mailbox beside it if there is one.
    ///
    /// # Errors
    /// When the system has no descriptors left.
    pub fn new(stream: UnixStream, mailbox: Option<Mailbox>) -> std::io::Result<Self> {
        stream.set_read_timeout(Some(PATIENCE))?;
        let half = Mutex::new(Half { stream, reader: MessageReader::new(mailbox) });
        Ok(Self { half, aside: Waker::new()? })
    }

    fn half(&self) -> MutexGuard<'_, Half> {
        self.half.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LaneShared {
    /// The executor, out of work, listens itself, or waits for the listener to bring some.
    pub(super) fn wait_for_work(&self) {
        let listener_hears = !std::mem::replace(&mut self.state().executor_hears, true);
        if listener_hears {
            self.ear.aside.wake();
        }
        let mut half = self.ear.half();
        if listener_hears {
            self.ear.aside.reset();
        }
        // The listener may have heard something last.
        if self.state().has_work() || self.hear_alone(&mut half) == Heard::Something {
            return;
        }
        drop(half);
        let mut state = self.state();
        state.executor_hears = false;
        self.listener.notify_one();
        while !state.has_work() && !state.executor_hears {
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Whether the executor, which is about to begin a task at `now_ns`, is to listen before that.
    pub(super) fn is_to_hear_in_passing(&self, state: &mut State, now_ns: u64) -> bool {
        let due = state.executor_hears && now_ns.saturating_sub(state.heard_ns) > PASSING_NS;
        if due {
            state.heard_ns = now_ns;
        }
        due
    }

    /// Hears what has come meanwhile, unless the other thread is just doing so.
    pub(super) fn hear_in_passing(&self) -> Heard {
        let mut half = match self.ear.half.try_lock() {
            Ok(half) => half,
            Err(TryLockError::Poisoned(half)) => half.into_inner(),
            Err(TryLockError::WouldBlock) => return Heard::Nothing,
        };
        let Half { stream, reader } = &mut *half;
        reader.fill_at_once(&mut &*stream).map_or(Heard::Nothing, |filled| self.heed_all(reader, filled))
    }

    /// The executor does what the engine says, once it says something; gives up after a while.
    fn hear_alone(&self, half: &mut Half) -> Heard {
        let Half { stream, reader } = half;
        match reader.fill_soon(&mut &*stream) {
            Err(FrameError::Io(error)) if error.kind() == ErrorKind::WouldBlock => Heard::Nothing,
            filled => self.heed_all(reader, filled),
        }
    }

    /// The listener: hears the engine and looks at what is running until the connection has ended.
    pub(super) fn listen(&self) {
        loop {
            self.look_on_while_the_executor_hears();
            let half = &mut self.ear.half();
            while !self.state().executor_hears {
                let look = self.state().look_every();
                match self.hear(half, timespec(look).as_ref()) {
                    Heard::End => return,
                    Heard::Something => self.work.notify_one(),
                    Heard::Nothing => {}
                }
                self.look();
            }
        }
    }

    /// While tasks are short, the listener only looks up now and then. Returns when it is to listen.
    fn look_on_while_the_executor_hears(&self) {
        let mut state = self.state();
        while state.executor_hears {
            let begun = state.begun;
            let look = state.look_every().unwrap_or(LOOK);
            state = match self.listener.wait_timeout(state, look) {
                Ok((state, _)) => state,
                Err(poisoned) => poisoned.into_inner().0,
            };
            if state.executor_hears && state.current.is_some() {
                // The same task all the time: it is a long one.
                state.executor_hears = state.begun != begun;
                drop(state);
                if self.hear_in_passing() == Heard::Something {
                    self.work.notify_one();
                }
                self.look();
                state = self.state();
            }
        }
    }

    /// The listener does what the engine says, once it says something; gives up after `patience`, or when it is asked aside.
    fn hear(&self, half: &mut Half, patience: Option<&Timespec>) -> Heard {
        let mut polled = [PollFd::new(&half.stream, PollFlags::IN), PollFd::new(&self.ear.aside, PollFlags::IN)];
        if poll(&mut polled, patience).unwrap_or(0) == 0 {
            return Heard::Nothing;
        }
        let [ready, asked_aside] = polled.map(|one| !one.revents().is_empty());
        if asked_aside {
            self.ear.aside.reset();
        }
        if !ready {
            return Heard::Nothing;
        }
        let Half { stream, reader } = half;
        let filled = reader.fill(stream);
        self.heed_all(reader, filled)
    }

    /// Does what has come, now that reading said so.
    fn heed_all(&self, reader: &mut MessageReader, filled: Result<bool, FrameError>) -> Heard {
        match filled {
            Ok(true) => {}
            Ok(false) | Err(FrameError::Torn | FrameError::Io(_)) => return Heard::End,
            Err(_) => self.give_up(None),
        }
        loop {
            match reader.next_message::<ToWorker>() {
                Ok(Some(message)) => self.heed(message),
                Ok(None) => return Heard::Something,
                Err(_) => self.give_up(None),
            }
        }
    }
}

impl State {
    fn has_work(&self) -> bool {
        !self.waiting.is_empty() || self.retiring
    }
}

/// A wait of less than a second.
fn timespec(wait: Option<Duration>) -> Option<Timespec> {
    wait.map(|wait| Timespec { tv_sec: 0, tv_nsec: wait.subsec_nanos().into() })
}
