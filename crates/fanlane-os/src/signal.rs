//! Signals: their names, and which of them this process was started with ignored.

use std::os::raw::c_int;

/// The signals that this process ignores, in ascending order. A program inherits them from whatever started it: `nohup`
/// ignores SIGHUP, and a shell without job control ignores SIGINT and SIGQUIT in its background jobs.
pub fn ignored() -> Vec<c_int> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    (1..=64).filter(|signal| mask & (1 << (signal - 1)) != 0).collect()
}

/// Gives `signal` its default effect in this process.
pub fn restore_default(signal: c_int) {
    set(signal, libc::SIG_DFL);
}

/// Lets `signal` have no effect in this process. Programs that it starts inherit that.
pub fn ignore(signal: c_int) {
    set(signal, libc::SIG_IGN);
}

fn set(signal: c_int, action: libc::sighandler_t) {
    #[expect(unsafe_code, reason = "dispositions are set through the C library alone")]
    // SAFETY: no code of this process runs on the signal.
    unsafe {
        libc::signal(signal, action);
    }
}

/// What a signal does in this process.
#[derive(Clone, Copy)]
pub struct Disposition {
    signal: c_int,
    action: libc::sigaction,
}

impl Disposition {
    /// That of a signal now.
    #[expect(unsafe_code, reason = "dispositions are read through the C library alone")]
    pub fn of(signal: c_int) -> Self {
        // SAFETY: all bytes zero are a value of this type, into which the call writes.
        let action = unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            libc::sigaction(signal, std::ptr::null(), &raw mut action);
            action
        };
        Self { signal, action }
    }

    /// Has the signal do this from now on.
    #[expect(unsafe_code, reason = "dispositions are set through the C library alone")]
    pub fn install(&self) {
        // SAFETY: its handler was installed in this process before, and handlers are never unloaded.
        unsafe {
            libc::sigaction(self.signal, &raw const self.action, std::ptr::null_mut());
        }
    }
}

impl std::fmt::Debug for Disposition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Disposition").field("signal", &self.signal).finish_non_exhaustive()
    }
}

/// The name of a signal, such as `SIGKILL`; `signal 42` for one without a name.
pub fn name(signal: i32) -> String {
    const NAMES: [(i32, &str); 30] = [
        (libc::SIGHUP, "SIGHUP"),
        (libc::SIGINT, "SIGINT"),
        (libc::SIGQUIT, "SIGQUIT"),
        (libc::SIGILL, "SIGILL"),
        (libc::SIGTRAP, "SIGTRAP"),
        (libc::SIGABRT, "SIGABRT"),
        (libc::SIGBUS, "SIGBUS"),
        (libc::SIGFPE, "SIGFPE"),
        (libc::SIGKILL, "SIGKILL"),
        (libc::SIGUSR1, "SIGUSR1"),
        (libc::SIGSEGV, "SIGSEGV"),
        (libc::SIGUSR2, "SIGUSR2"),
        (libc::SIGPIPE, "SIGPIPE"),
        (libc::SIGALRM, "SIGALRM"),
        (libc::SIGTERM, "SIGTERM"),
        (libc::SIGCHLD, "SIGCHLD"),
        (libc::SIGCONT, "SIGCONT"),
        (libc::SIGSTOP, "SIGSTOP"),
        (libc::SIGTSTP, "SIGTSTP"),
        (libc::SIGTTIN, "SIGTTIN"),
        (libc::SIGTTOU, "SIGTTOU"),
        (libc::SIGURG, "SIGURG"),
        (libc::SIGXCPU, "SIGXCPU"),
        (libc::SIGXFSZ, "SIGXFSZ"),
        (libc::SIGVTALRM, "SIGVTALRM"),
        (libc::SIGPROF, "SIGPROF"),
        (libc::SIGWINCH, "SIGWINCH"),
        (libc::SIGIO, "SIGIO"),
        (libc::SIGPWR, "SIGPWR"),
        (libc::SIGSYS, "SIGSYS"),
    ];
    NAMES
        .iter()
        .find(|(number, _)| *number == signal)
        .map_or_else(|| format!("signal {signal}"), |(_, name)| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ignored_signal_is_listed_until_its_default_is_restored() {
        assert!(ignored().contains(&libc::SIGPIPE), "Rust programs ignore it");
        ignore(libc::SIGUSR1);
        assert!(ignored().contains(&libc::SIGUSR1));
        restore_default(libc::SIGUSR1);
        assert!(!ignored().contains(&libc::SIGUSR1));
    }

    #[test]
    fn a_known_signal_has_its_name() {
        assert_eq!(name(9), "SIGKILL");
        assert_eq!(name(64), "signal 64");
    }
}
