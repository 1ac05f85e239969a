//! The end of a worker when its parent ends, whatever the worker does at that moment.

use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Signal, kill_process, set_parent_process_death_signal};

use crate::process_tree;

/// Ends this process, and every process that inherited its value of the variable `marker`, once the other end of
/// `control`, the connection to the parent, is closed.
pub fn end_with_parent(control: impl AsFd + Send + 'static, marker: &'static str) {
    let watching = std::thread::Builder::new().name("parent's watcher".to_owned()).spawn(move || {
        wait_for_end(&control);
        if let Ok(mark) = std::env::var(marker) {
            process_tree::end_marked(marker, &mark);
        }
        end_at_once();
    });
    if watching.is_err() {
        // Without the watcher this process could outlive its parent unnoticed.
        end_at_once();
    }
}

/// Has the kernel kill this process when its parent ends, or no longer: for a process that is about to be stopped, which could
/// not notice that itself. Set by a thread that lives as long as the process.
pub fn kill_with_parent(wanted: bool) {
    // Without it, the process would be found by the next run.
    let _ = set_parent_process_death_signal(wanted.then_some(Signal::KILL));
}

fn wait_for_end(control: &impl AsFd) {
    // Only the end is of interest: the bytes that can be read are for other threads.
    let mut polled = [PollFd::from_borrowed_fd(control.as_fd(), PollFlags::RDHUP)];
    while let Err(rustix::io::Errno::INTR) | Ok(0) = poll(&mut polled, None) {}
}

/// Without clean-up: the parent is gone, and other threads may hold any lock.
fn end_at_once() {
    let _ = kill_process(rustix::process::getpid(), Signal::KILL);
}
