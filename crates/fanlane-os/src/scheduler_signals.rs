//! The signals by which the scheduler of a cluster speaks to a process: SIGUSR1 some time before the end of its allotted time,
//! SIGTERM when it is to end now.

use std::io;
use std::thread;

use signal_hook::consts::{SIGTERM, SIGUSR1};
use signal_hook::iterator::Signals;

/// What a scheduler asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchedulerWish {
    /// The allotted time is nearly over.
    BeginNothing,
    /// End at once: what follows cannot be caught.
    End,
}

/// Calls `told` for each such signal from now on, on a thread of its own, for the rest of the life of this process.
///
/// # Errors
/// When signals cannot be caught, or there is no thread for it.
pub fn watch(told: impl Fn(SchedulerWish) + Send + 'static) -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGUSR1])?;
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in signals.forever() {
            told(if signal == SIGUSR1 { SchedulerWish::BeginNothing } else { SchedulerWish::End });
        }
    })?;
    Ok(())
}
