//! The end of a child process and what it used.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

/// How a child ended, and what it used.
#[derive(Clone, Copy, Debug)]
pub struct Reaped {
    /// Its exit status.
    pub status: ExitStatus,
    /// CPU time that the child, and the processes that it has waited for, spent in programs, in nanoseconds.
    pub user_ns: u64,
    /// CPU time that they spent in the system, in nanoseconds.
    pub system_ns: u64,
    /// Its peak memory, in bytes.
    pub peak_memory_bytes: u64,
}

impl Reaped {
    /// CPU time of the child and of the processes that it has waited for, in nanoseconds.
    pub const fn cpu_ns(&self) -> u64 {
        self.user_ns + self.system_ns
    }
}

/// Waits for the end of a child and leaves it to be reaped.
pub fn wait_unreaped(pid: Pid) {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    while matches!(waitid(WaitId::Pid(pid), options), Err(rustix::io::Errno::INTR)) {}
}

/// Waits for the end of a child and reaps it. A child that was reaped elsewhere counts as killed by SIGKILL.
#[expect(unsafe_code, reason = "no safe library call gives the resource use of one child")]
pub fn reap(pid: Pid) -> Reaped {
    let mut status = libc::SIGKILL;
    // SAFETY: `rusage` is plain numbers, for which all zeros are valid.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    loop {
        // SAFETY: both pointers are to live values of the types that wait4 writes.
        let reaped = unsafe { libc::wait4(pid.as_raw_nonzero().get(), &raw mut status, 0, &raw mut usage) };
        if reaped != -1 || io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
            break;
        }
    }
    let time_ns =
        |time: libc::timeval| time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_usec.unsigned_abs() * 1_000;
    Reaped {
        status: ExitStatus::from_raw(status),
        user_ns: time_ns(usage.ru_utime),
        system_ns: time_ns(usage.ru_stime),
        peak_memory_bytes: usage.ru_maxrss.unsigned_abs() * 1024,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::zombie_processes, reason = "`reap` is what waits for it")]
    fn the_status_and_the_use_of_a_child_are_told() {
        let child = std::process::Command::new("/bin/sh").args(["-c", "exit 3"]).spawn().expect("started");
        wait_unreaped(Pid::from_child(&child));
        let reaped = reap(Pid::from_child(&child));
        assert_eq!(reaped.status.code(), Some(3));
        assert!(reaped.peak_memory_bytes > 0);
        assert_eq!(reap(Pid::from_child(&child)).status.signal(), Some(libc::SIGKILL), "it is reaped already");
    }
}
