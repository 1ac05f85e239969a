//! SIGINT (Ctrl-C), SIGTERM and SIGHUP while some work goes on: the first asks it to stop, the second to stop at once, and
//! the third ends the program, in case its own output is stuck.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};

use crate::signal;

/// The exit status of a program that was interrupted.
pub const INTERRUPTED: u8 = 130;

/// What is done before the third signal ends the program.
static BEFORE_EXIT: OnceLock<fn()> = OnceLock::new();

/// Has `undo` called before the third signal ends the program; the first call counts.
pub fn before_exit(undo: fn()) {
    let _ = BEFORE_EXIT.set(undo);
}

/// Calls `on_signal` with 1 for the first signal, 2 for the second, while `work` goes on; returns what `work` returned
/// and the number of signals.
///
/// # Errors
/// When signals cannot be caught.
pub fn during<T>(on_signal: impl Fn(u32) + Send, work: impl FnOnce() -> T) -> std::io::Result<(T, u32)> {
    Interrupts::catch()?.during(on_signal, work)
}

/// The signals, from the moment on at which they are caught.
#[derive(Debug)]
pub struct Interrupts(Signals);

impl Interrupts {
    /// Catches the signals from now on; what comes before [`Interrupts::during`] takes effect there.
    ///
    /// # Errors
    /// When signals cannot be caught.
    pub fn catch() -> std::io::Result<Self> {
        let ignored = signal::ignored();
        // `nohup` and a shell's background jobs want those that are ignored to stay so.
        let wanted = [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| !ignored.contains(signal));
        Ok(Self(Signals::new(wanted)?))
    }

    /// As [`during`].
    ///
    /// # Errors
    /// When there is no thread for it.
    pub fn during<T>(self, on_signal: impl Fn(u32) + Send, work: impl FnOnce() -> T) -> std::io::Result<(T, u32)> {
        let Self(mut signals) = self;
        let closing = CloseOnDrop(signals.handle());
        let count = AtomicU32::new(0);
        let counted = &count;
        let result = thread::scope(|scope| {
            let catching = thread::Builder::new().name("signals".to_owned()).spawn_scoped(scope, move || {
                for _ in signals.forever() {
                    match counted.fetch_add(1, Ordering::Relaxed) {
                        before @ 0..2 => on_signal(before + 1),
                        _ => {
                            if let Some(undo) = BEFORE_EXIT.get() {
                                undo();
                            }
                            std::process::exit(i32::from(INTERRUPTED));
                        }
                    }
                }
            });
            catching?;
            // Also when `work` panics: the scope waits for its thread, which ends with this.
            let _closing = closing;
            Ok::<T, std::io::Error>(work())
        })?;
        Ok((result, count.into_inner()))
    }
}

struct CloseOnDrop(Handle);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_without_a_signal_is_undisturbed() {
        let (result, signals) = during(|number| panic!("signal {number}"), || 7).expect("signals can be caught");
        assert_eq!((result, signals), (7, 0));
    }
}
