//! What a terminal's driver, or a shell with job control, tells by signals: another size, the wish that this process is
//! suspended (Ctrl-Z), and that it goes on.

use std::io;
use std::sync::OnceLock;
use std::thread;

use rustix::process::{Signal, kill_current_process_group};
use signal_hook::consts::{SIGCONT, SIGTSTP, SIGWINCH};
use signal_hook::iterator::{Handle, Signals};

use crate::signal::{self, Disposition};

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
pub struct TerminalSignals {
    _caught: Caught,
}

impl TerminalSignals {
    /// Calls `on_signal` for each signal, on a thread of its own. Where this process was started with SIGTSTP ignored, it stays
    /// ignored.
    ///
    /// # Errors
    /// When signals cannot be caught.
    pub fn catch(on_signal: impl Fn(TerminalSignal) + Send + 'static) -> io::Result<Self> {
        let (mut signals, caught) = Caught::begin(&[SIGWINCH, SIGCONT])?;
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
        Ok(Self { _caught: caught })
    }
}

/// Wishes that this process is suspended, from now on.
#[derive(Debug)]
pub struct Suspensions {
    signals: Signals,
    caught: Caught,
}

impl Suspensions {
    /// Catches SIGTSTP from now on; before [`Suspensions::during`] it has no effect yet.
    ///
    /// # Errors
    /// When signals cannot be caught.
    pub fn catch() -> io::Result<Self> {
        let (signals, caught) = Caught::begin(&[])?;
        Ok(Self { signals, caught })
    }

    /// Calls `on_suspend` for each wish, on a thread of its own, while `work` goes on; it is to call [`stop_here`]. A further wish
    /// meanwhile is the same one.
    ///
    /// # Errors
    /// When there is no thread for it.
    pub fn during<T>(self, on_suspend: impl Fn() + Send, work: impl FnOnce() -> T) -> io::Result<T> {
        let Self { mut signals, caught } = self;
        thread::scope(|scope| {
            let catching = thread::Builder::new().name("terminal signals".to_owned()).spawn_scoped(scope, move || {
                while !signals.is_closed() {
                    if signals.wait().next().is_some() {
                        on_suspend();
                        signals.pending().for_each(drop);
                    }
                }
            });
            catching?;
            // Also when `work` panics: the scope waits for its thread, which ends with this.
            let _caught = caught;
            Ok(work())
        })
    }
}

/// SIGTSTP, and other signals, are caught; afterwards SIGTSTP has its default effect again, which it would otherwise lack.
#[derive(Debug)]
struct Caught {
    handle: Handle,
    catches_suspend: bool,
}

impl Caught {
    fn begin(others: &[i32]) -> io::Result<(Signals, Self)> {
        static CATCHING: OnceLock<Disposition> = OnceLock::new();
        static IS_IGNORED: OnceLock<bool> = OnceLock::new();
        let catches_suspend = !*IS_IGNORED.get_or_init(|| signal::ignored().contains(&SIGTSTP));
        let suspend = catches_suspend.then_some(SIGTSTP);
        let signals = Signals::new(others.iter().copied().chain(suspend))?;
        if catches_suspend {
            // The handler is installed only once for each signal.
            CATCHING.get_or_init(|| Disposition::of(SIGTSTP)).install();
        }
        let handle = signals.handle();
        Ok((signals, Self { handle, catches_suspend }))
    }
}

impl Drop for Caught {
    fn drop(&mut self) {
        self.handle.close();
        if self.catches_suspend {
            signal::restore_default(SIGTSTP);
        }
    }
}

/// Has SIGTSTP its default effect, once: this process is stopped until it is continued. In a process group that no shell waits for,
/// where it would never be continued, it is not stopped.
pub fn stop_here() {
    let before = Disposition::of(SIGTSTP);
    signal::restore_default(SIGTSTP);
    // Directed to this very thread, so that it has been stopped and continued when this returns.
    let _ = signal_hook::low_level::raise(SIGTSTP);
    before.install();
}

/// Asks this process group to be suspended, as the driver of the terminal does at Ctrl-Z: with it whatever a shell waits for.
pub fn suspend_group() {
    let _ = kill_current_process_group(Signal::TSTP);
}

/// Interrupts this process group, as the driver of the terminal does at Ctrl-C.
pub fn interrupt_group() {
    let _ = kill_current_process_group(Signal::INT);
}
