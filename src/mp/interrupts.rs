//! Ctrl-C, TERM and HUP while some work goes on: the first asks it to stop, the second to stop at once, and the third ends
//! the program, for the case that its own output is stuck.

use std::os::raw::c_int;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};

/// The exit status of a program that was interrupted.
pub const INTERRUPTED: u8 = 130;

/// Calls `on_signal` with 1 for the first signal, 2 for the second, while `work` goes on; returns what `work` returned
/// and how many signals came.
///
/// # Errors
/// When signals cannot be caught.
pub fn during<T>(on_signal: impl Fn(u32) + Send, work: impl FnOnce() -> T) -> std::io::Result<(T, u32)> {
    let ignored = ignored_signals();
    let wanted: Vec<c_int> =
        [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| ignored & (1 << (signal - 1)) == 0).collect();
    let mut signals = Signals::new(wanted)?;
    let closing = CloseOnDrop(signals.handle());
    let count = AtomicU32::new(0);
    let counted = &count;
    let result = thread::scope(|scope| {
        scope.spawn(move || {
            for _ in signals.forever() {
                match counted.fetch_add(1, Ordering::Relaxed) {
                    before @ 0..2 => on_signal(before + 1),
                    _ => std::process::exit(i32::from(INTERRUPTED)),
                }
            }
        });
        // Also when `work` panics: the scope waits for its thread, and the thread for this.
        let _closing = closing;
        work()
    });
    Ok((result, count.into_inner()))
}

struct CloseOnDrop(Handle);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// The signals that were ignored when the program was started, bit 0 for signal 1: `nohup` and a shell's background
/// jobs want them to stay so.
fn ignored_signals() -> u64 {
    // Only Linux tells without unsafe code; elsewhere none counts as ignored.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
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
