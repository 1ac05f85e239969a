//! What the system says of where a process is, readable without rights over it: its state, and what in the kernel it waits in.

use std::fs;
use std::time::Duration;

use crate::process_tree;

/// Where a process is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessFacts {
    /// The process.
    pub pid: u32,
    /// Its state as one letter, as `ps` shows it: `R` runs, `S` sleeps, `D` waits and cannot be interrupted, `T` is stopped.
    pub state: char,
    /// The function of the kernel that it waits in; `None` where it waits in none, or the system does not tell.
    pub waits_in: Option<String>,
    /// CPU time so far, with that of its ended children.
    pub cpu: Duration,
}

impl ProcessFacts {
    /// Those of a process; `None` if it has ended.
    pub fn of(pid: u32) -> Option<Self> {
        let state = process_tree::state(pid)?;
        let ticks = process_tree::cpu_ticks(pid)?;
        let cpu = Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second().max(1));
        let waits_in = fs::read_to_string(format!("/proc/{pid}/wchan")).ok();
        Some(Self { pid, state, waits_in: waits_in.filter(|name| !matches!(name.as_str(), "" | "0")), cpu })
    }

    /// Where it is, in words: `sleeps for a time (hrtimer_nanosleep)`.
    pub fn words(&self) -> String {
        let what = match self.state {
            'R' => "computes",
            'T' => "is stopped by a signal",
            't' => "is stopped by a debugger",
            'Z' | 'X' => "has ended",
            state => self.waits_in.as_deref().and_then(known_wait).unwrap_or(match state {
                'D' => "waits for the system and cannot be interrupted, most often for a disk or a network file system",
                _ => "waits",
            }),
        };
        match &self.waits_in {
            Some(name) if self.state != 'R' => format!("{what} ({name})"),
            _ => what.to_owned(),
        }
    }
}

/// What a process waits for that waits in this function of the kernel.
fn known_wait(name: &str) -> Option<&'static str> {
    // By parts of names, which change less than the names.
    const KNOWN: [(&str, &str); 18] = [
        ("nanosleep", "sleeps for a time"),
        ("futex", "waits for a lock, or for another thread"),
        ("do_wait", "waits for a child process to end"),
        ("pipe_read", "waits to read from a pipe"),
        ("pipe_write", "waits for the reader of a pipe"),
        ("n_tty_read", "waits for input from a terminal"),
        ("poll", "waits until one of several files or connections is ready"),
        ("do_select", "waits until one of several files or connections is ready"),
        ("unix_stream", "waits for a process at the other end of a socket"),
        ("unix_dgram", "waits for a process at the other end of a socket"),
        ("inet_csk_accept", "waits for a network connection to be opened"),
        ("inet_stream_connect", "waits for a network connection to be opened"),
        ("sk_wait_data", "waits for data of a network connection"),
        ("wait_for_more_packets", "waits for data of a network connection"),
        ("locks_lock", "waits for the lock of a file"),
        ("flock", "waits for the lock of a file"),
        ("sigsuspend", "waits for a signal"),
        ("pause", "waits for a signal"),
    ];
    KNOWN.iter().find(|(part, _)| name.contains(part)).map(|(_, words)| *words)
}

/// Whether a process has a handler of its own for `signal`, which would otherwise end it.
pub fn catches(pid: u32, signal: i32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    (1..=64).contains(&signal) && mask & (1 << (signal - 1)) != 0
}

/// Sends `signal` to one thread of a process that the caller knows to be there.
///
/// # Errors
/// When there is no such thread, or it belongs to another user.
pub fn signal_thread(pid: u32, thread: u32, signal: i32) -> std::io::Result<()> {
    #[expect(unsafe_code, reason = "there is no other way to signal a thread of another process")]
    // SAFETY: the call has numbers alone.
    let sent = unsafe { libc::syscall(libc::SYS_tgkill, pid, thread, signal) };
    if sent == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};
    use std::time::Instant;

    use super::*;

    struct Ended(Child);

    impl Drop for Ended {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    #[test]
    fn what_a_process_waits_for_is_said_in_words() {
        let mut command = Command::new("/bin/cat");
        let child = Ended(command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("started"));
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            let facts = ProcessFacts::of(child.0.id()).expect("it is there");
            // A system that does not tell what it waits in says that it waits.
            if facts.state == 'S' && facts.words().starts_with("waits") {
                break;
            }
            assert!(Instant::now() < until, "{facts:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
        let facts = |state, waits_in: &str| ProcessFacts {
            pid: 1,
            state,
            waits_in: Some(waits_in.to_owned()).filter(|name| !name.is_empty()),
            cpu: Duration::ZERO,
        };
        assert_eq!(facts('S', "hrtimer_nanosleep").words(), "sleeps for a time (hrtimer_nanosleep)");
        assert_eq!(facts('S', "anon_pipe_read").words(), "waits to read from a pipe (anon_pipe_read)");
        assert_eq!(facts('S', "").words(), "waits");
        assert!(facts('D', "").words().contains("network file system"));
        assert_eq!(facts('R', "").words(), "computes");
        assert!(ProcessFacts::of(u32::MAX >> 1).is_none());
        assert!(!catches(child.0.id(), 60));
    }
}
