//! Processes of a test: waited for with a deadline, and gone when the test is, also one that fails.

#![allow(dead_code, reason = "each test program uses its own part")]

use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use fanlane_os::process_tree;
use rustix::process::{Pid, Signal, kill_process};

use super::start::{DEADLINE, Ended};

/// Waits for what no event tells.
pub fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let until = Instant::now() + DEADLINE;
    while !done() {
        assert!(Instant::now() < until, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// No process has this id, or only a zombie.
pub fn is_gone(pid: u32) -> bool {
    process_tree::parent_of(pid).is_none() || process_tree::has_ended(pid)
}

pub fn signal(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(pid.try_into().unwrap()).unwrap(), signal).unwrap();
}

/// Sends a signal to a process that may have ended meanwhile.
pub fn signal_if_there(pid: u32, signal: Signal) {
    match kill_process(Pid::from_raw(pid.try_into().unwrap()).unwrap(), signal) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => {}
        Err(error) => panic!("{pid}: {error}"),
    }
}

/// Waits until a child has ended, and ends it itself if it does not.
pub fn wait(child: &mut Child) -> ExitStatus {
    let until = Instant::now() + DEADLINE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if Instant::now() > until {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("the program was still running after {DEADLINE:?}");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The program under way; ends with the test.
pub struct Running(Option<Child>);

impl Running {
    pub fn start(mut command: Command) -> Self {
        Self(Some(command.spawn().unwrap()))
    }

    pub fn child(&mut self) -> &mut Child {
        self.0.as_mut().unwrap()
    }

    pub fn pid(&self) -> u32 {
        self.0.as_ref().unwrap().id()
    }

    pub fn signal(&self, wanted: Signal) {
        signal(self.pid(), wanted);
    }

    /// Waits for its end.
    pub fn ended(mut self) -> Ended {
        let pid = self.pid();
        wait_until("the end of the program", || process_tree::has_ended(pid));
        self.0.take().unwrap().wait_with_output().unwrap().into()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
