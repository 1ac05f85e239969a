//! Work that would make the window wait, such as reading the history: done on a thread, whose result is taken once.

use std::sync::Arc;

use crossbeam_channel::{Receiver, TryRecvError, bounded};

use super::Wake;

/// Does some work on a thread; the receiver gets the result.
pub(super) fn on_a_thread<T: Send + 'static>(
    wake: &Wake,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<Receiver<T>> {
    let (sender, receiver) = bounded(1);
    let wake = Arc::clone(wake);
    let thread = std::thread::Builder::new().name("background".to_owned()).spawn(move || {
        // The window may be closed by now.
        let _ = sender.send(work());
        wake();
    });
    thread.ok().map(|_| receiver)
}

/// The result of the work, once: `None` while it goes on or none was begun, `Some(None)` if it broke off.
pub(super) fn taken<T>(work: &mut Option<Receiver<T>>) -> Option<Option<T>> {
    let result = match work.as_ref()?.try_recv() {
        Err(TryRecvError::Empty) => return None,
        result => result.ok(),
    };
    *work = None;
    Some(result)
}
