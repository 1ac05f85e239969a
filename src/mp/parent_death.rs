//! The end of a worker with its parent: whatever it does at that moment.

use std::os::fd::AsFd;
use std::sync::Arc;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Signal, kill_process};

use crate::mp::connection::Connection;
use crate::mp::process::MARKER;
use crate::mp::process_tree;

/// Watches the connection to the parent, and ends this process with all that it has started when that is closed.
pub fn end_with_parent(control: &Arc<Connection>) {
    let control = Arc::clone(control);
    let watching = std::thread::Builder::new().name("parent's watcher".to_owned()).spawn(move || {
        wait_for_end(&control);
        if let Ok(mark) = std::env::var(MARKER) {
            process_tree::end_marked(MARKER, &mark);
        }
        end_at_once();
    });
    if watching.is_err() {
        // Without the watcher this process could outlive its parent unnoticed.
        end_at_once();
    }
}

fn wait_for_end(control: &Connection) {
    // Only the end is of interest: what can be read is for others.
    let mut polled = [PollFd::from_borrowed_fd(control.as_fd(), PollFlags::RDHUP)];
    while let Err(rustix::io::Errno::INTR) | Ok(0) = poll(&mut polled, None) {}
}

/// Nobody is left who could be told anything, and the other threads may hold any lock.
fn end_at_once() {
    let _ = kill_process(rustix::process::getpid(), Signal::KILL);
}
