//! What a terminal's driver, or a shell with job control, tells by signals: another size, the wish that this process is
//! suspended (Ctrl-Z), and that it goes on.

use std::io;
use std::thread;
use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process};
use signal_hook::consts::{SIGCONT, SIGTSTP, SIGWINCH};
use signal_hook::iterator::{Handle, Signals};

/// What was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TerminalSignal {
    /// The terminal has another size.
    Resized,
    /// This process is to be suspended.
    Suspend,
    /// This process goes on after it was suspended.
    Continued,
}

/// Catches the signals until it is dropped.
#[derive(Debug)]
pub struct TerminalSignals(Handle);

impl TerminalSignals {
    /// Calls `on_signal` for each signal, on a thread of its own.
    ///
    /// # Errors
    /// When signals cannot be caught.
    pub fn catch(on_signal: impl Fn(TerminalSignal) + Send + 'static) -> io::Result<Self> {
        let mut signals = Signals::new([SIGWINCH, SIGTSTP, SIGCONT])?;
        let handle = signals.handle();
        let thread = thread::Builder::new().name("terminal signals".to_owned());
        thread.spawn(move || {
            for signal in signals.forever() {
                on_signal(match signal {
                    SIGTSTP => TerminalSignal::Suspend,
                    SIGCONT => TerminalSignal::Continued,
                    _ => TerminalSignal::Resized,
                });
            }
        })?;
        Ok(Self(handle))
    }
}

impl Drop for TerminalSignals {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Stops this process until it is continued.
pub fn stop_here() {
    /// The kernel may deliver the signal to another thread a little later.
    const DELIVERY_TIMEOUT: Duration = Duration::from_millis(50);
    // A process may always stop itself.
    let _ = kill_process(getpid(), Signal::STOP);
    thread::sleep(DELIVERY_TIMEOUT);
}
