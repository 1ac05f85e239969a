//! Why a worker could not be started, and whether it is worth trying again: what other processes hold comes back, what is
//! missing here, or forbidden to this process, does not.

use std::error::Error;
use std::io;

use rustix::process::{Resource, getrlimit};

use super::dispatcher::StartCause;
use fanlane_os::child::OWN_EXECUTABLE;
use fanlane_os::process_tree;

/// Number of processes and threads that a worker needs to do a task: its main thread, those of a lane, and the command.
const THREADS_OF_WORKER: u64 = 4;

/// A start that failed.
#[derive(Debug, PartialEq, Eq)]
pub struct StartFailure {
    /// Why, and what to do about it.
    pub reason: String,
    /// Whether it is worth trying again.
    pub cause: StartCause,
}

impl StartFailure {
    /// What an error at the start of a worker means.
    pub fn of(error: &io::Error) -> Self {
        let (cause, advice) = judge(os_code(error), &OwnLimits::now());
        let advice = match os_code(error) {
            Some(libc::ENOENT) if error.to_string().starts_with(OWN_EXECUTABLE) => {
                Some("workers are started through /proc; mount it here".to_owned())
            }
            _ => advice,
        };
        let advice = advice.map_or_else(String::new, |advice| format!("; {advice}"));
        Self { reason: format!("a worker could not be started: {error}{advice}"), cause }
    }
}

/// Too few of the `most` files that this process may have open are left for a worker more.
pub fn too_few_files(most: u64) -> io::Error {
    io::Error::other(TooFewFiles { most, source: io::Error::from_raw_os_error(libc::EMFILE) })
}

#[derive(Debug, thiserror::Error)]
#[error("this process may have {most} files open, and too few of them are left")]
struct TooFewFiles {
    most: u64,
    source: io::Error,
}

/// The limits of this process that can make every start fail.
#[derive(Clone, Copy, Debug, Default)]
struct OwnLimits {
    /// Maximum number of processes and threads of this user.
    processes: Option<u64>,
    /// The threads of this process.
    threads: u64,
    /// Maximum address space, in bytes.
    memory: Option<u64>,
}

impl OwnLimits {
    fn now() -> Self {
        Self {
            processes: getrlimit(Resource::Nproc).current,
            threads: process_tree::own_threads(),
            memory: getrlimit(Resource::As).current,
        }
    }

    /// No worker would fit in even if all other processes of this user ended.
    fn has_too_few_processes(&self) -> Option<u64> {
        self.processes.filter(|most| *most < self.threads + THREADS_OF_WORKER)
    }
}

/// Whether a cause lasts, and what to do about it.
fn judge(code: Option<i32>, own: &OwnLimits) -> (StartCause, Option<String>) {
    let lasts = |advice: &str| (StartCause::Lasts, Some(advice.to_owned()));
    match code {
        Some(libc::EAGAIN) if own.has_too_few_processes().is_some() => {
            let most = own.processes.unwrap_or_default();
            lasts(&format!("this user may have {most} processes and threads; allow more with `ulimit -u`"))
        }
        Some(libc::EAGAIN | libc::ENOMEM) if own.memory.is_some() => {
            lasts("the memory of this process is limited; allow more with `ulimit -v`")
        }
        // Some may be those of this process itself, and closed in a moment.
        Some(libc::EMFILE) => (StartCause::Unknown, Some("allow more with `ulimit -n`".to_owned())),
        Some(libc::EAGAIN | libc::ENOMEM | libc::ENFILE | libc::ENOBUFS | libc::ETXTBSY | libc::EINTR) => {
            (StartCause::Passes, None)
        }
        Some(libc::ENOENT) => lasts("the program is gone; install it again"),
        Some(libc::EACCES | libc::EPERM) => lasts("this user may not execute it; allow that, or run as another user"),
        Some(libc::ENOEXEC | libc::ELIBBAD) => lasts("it is no program for this machine; install it again"),
        // Of the system, or of the messages between engine and worker: neither changes by itself.
        Some(_) | None => (StartCause::Lasts, None),
    }
}

/// The system's number of an error, also of one that others explain.
fn os_code(error: &io::Error) -> Option<i32> {
    if let Some(code) = error.raw_os_error() {
        return Some(code);
    }
    let mut source: Option<&(dyn Error + 'static)> = error.source();
    while let Some(cause) = source {
        if let Some(code) = cause.downcast_ref::<io::Error>().and_then(io::Error::raw_os_error) {
            return Some(code);
        }
        source = cause.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_hold_is_waited_for_and_what_is_missing_here_is_not() {
        let usual = OwnLimits { threads: 5, ..OwnLimits::default() };
        let few = OwnLimits { processes: Some(8), ..usual };
        let enough = OwnLimits { processes: Some(100), ..usual };
        let tight = OwnLimits { memory: Some(1 << 20), ..usual };
        let cases = [
            (Some(libc::EAGAIN), usual, StartCause::Passes, ""),
            (Some(libc::EAGAIN), enough, StartCause::Passes, ""),
            (Some(libc::EAGAIN), few, StartCause::Lasts, "ulimit -u"),
            (Some(libc::EAGAIN), tight, StartCause::Lasts, "ulimit -v"),
            (Some(libc::ENOMEM), usual, StartCause::Passes, ""),
            (Some(libc::ENOMEM), tight, StartCause::Lasts, "ulimit -v"),
            (Some(libc::ENFILE), usual, StartCause::Passes, ""),
            (Some(libc::ENOBUFS), usual, StartCause::Passes, ""),
            (Some(libc::ETXTBSY), usual, StartCause::Passes, ""),
            (Some(libc::EINTR), usual, StartCause::Passes, ""),
            (Some(libc::EMFILE), usual, StartCause::Unknown, "ulimit -n"),
            (Some(libc::ENOENT), usual, StartCause::Lasts, "install"),
            (Some(libc::ENOTDIR), usual, StartCause::Lasts, ""),
            (Some(libc::EACCES), usual, StartCause::Lasts, "execute"),
            (Some(libc::EPERM), usual, StartCause::Lasts, "execute"),
            (Some(libc::ENOEXEC), usual, StartCause::Lasts, "install"),
            (Some(libc::E2BIG), usual, StartCause::Lasts, ""),
            (Some(libc::ELOOP), usual, StartCause::Lasts, ""),
            (Some(libc::ENOSYS), usual, StartCause::Lasts, ""),
            (None, usual, StartCause::Lasts, ""),
        ];
        for (code, own, expected, advice) in cases {
            let (cause, said) = judge(code, &own);
            assert_eq!(cause, expected, "{code:?} {own:?}");
            assert!(said.unwrap_or_default().contains(advice), "{code:?}");
        }
    }

    #[test]
    fn the_code_is_found_behind_the_words_of_others() {
        let bare = || io::Error::from_raw_os_error(libc::ENFILE);
        assert_eq!(os_code(&bare()), Some(libc::ENFILE));
        assert_eq!(os_code(&io::Error::new(io::ErrorKind::NotFound, "words")), None);
        let executable = std::path::Path::new("/no/such/program");
        let plan = fanlane_os::child::ChildPlan {
            executable,
            role: "none",
            marker: "FANLANE_TEST",
            environment: &[],
            writes_output: false,
        };
        let fault = too_few_files(20);
        assert_eq!(os_code(&fault), Some(libc::EMFILE));
        assert_eq!(
            StartFailure::of(&fault).reason,
            "a worker could not be started: this process may have 20 files open, and too few of them are left; allow more with \
             `ulimit -n`"
        );
        let fault = fanlane_os::child::Child::start(plan).map(drop).expect_err("there is none");
        assert_eq!(os_code(&fault), Some(libc::ENOENT));
        assert_eq!(
            StartFailure::of(&fault).reason,
            "a worker could not be started: /no/such/program: No such file or directory (os error 2); the program is gone; \
             install it again"
        );
    }
}
