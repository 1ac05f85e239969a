//! What comes from the terminal during a view: keys, and what its driver tells by signals. A thread waits for keys, so that the
//! view waits for them and for the events of the run at once.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, unbounded};
use rustix::event::{PollFd, PollFlags, poll};

use super::keys::{Decoder, Key};
use fanlane_os::terminal;
use fanlane_os::terminal_signals::{TerminalSignal, TerminalSignals};
use fanlane_os::waker::Waker;

/// How much is read of the terminal at once, in bytes.
const READ_BYTES: usize = 256;

/// How often it is looked whether the terminal is this program's again.
const BACKGROUND_INTERVAL: Duration = Duration::from_millis(100);

/// Something from the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// A key was pressed.
    Key(Key),
    /// Its driver or the shell tells something.
    Signal(TerminalSignal),
}

/// What comes from the terminal. Dropping it leaves all further keys to other readers.
pub struct Inputs {
    receiver: Receiver<Input>,
    end: Arc<Waker>,
    _signals: TerminalSignals,
}

impl Inputs {
    /// Begins to read.
    ///
    /// # Errors
    /// When there is no keyboard, or no thread can be started.
    pub fn begin() -> io::Result<Self> {
        let keyboard = terminal::keyboard()?;
        let (sender, receiver) = unbounded();
        let end = Arc::new(Waker::new()?);
        let of_signals = sender.clone();
        let signals = TerminalSignals::catch(move |signal| {
            // A view that has ended needs no signals.
            let _ = of_signals.send(Input::Signal(signal));
        })?;
        let ended = Arc::clone(&end);
        let thread = std::thread::Builder::new().name("keyboard".to_owned());
        thread.spawn(move || read_keys(&keyboard, &ended, &sender))?;
        Ok(Self { receiver, end, _signals: signals })
    }

    /// Where they arrive.
    pub const fn receiver(&self) -> &Receiver<Input> {
        &self.receiver
    }
}

impl Drop for Inputs {
    fn drop(&mut self) {
        self.end.wake();
    }
}

fn read_keys(keyboard: &OwnedFd, end: &Waker, keys: &Sender<Input>) {
    let mut decoder = Decoder::default();
    let mut bytes = [0; READ_BYTES];
    loop {
        let mut wanted = [PollFd::new(keyboard, PollFlags::IN), PollFd::from_borrowed_fd(end.as_fd(), PollFlags::IN)];
        match poll(&mut wanted, None) {
            Err(rustix::io::Errno::INTR) => continue,
            Ok(_) if wanted[1].revents().is_empty() => {}
            // The view has ended.
            _ => return,
        }
        if !terminal::is_in_foreground() {
            // What is typed is for another program, and reading it would stop this process.
            std::thread::sleep(BACKGROUND_INTERVAL);
            continue;
        }
        match rustix::io::read(keyboard, &mut bytes) {
            Err(rustix::io::Errno::INTR) => {}
            // The terminal has hung up.
            Ok(0) | Err(_) => return,
            Ok(count) => decoder.feed(&bytes[..count], |key| {
                let _ = keys.send(Input::Key(key));
            }),
        }
    }
}
