//! A disk that fails at a given moment: the kernel asks this test before each system call of one thread that changes a
//! file system, and carries it out or refuses it. The program under test is not changed for it.

#![expect(unsafe_code, reason = "the standard library has no filters of system calls")]

use std::io;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::sync::mpsc;

/// Which calls fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Content is written.
    Write,
    /// A file or folder is synced.
    Sync,
    /// A file gets a name, or another one.
    Rename,
    /// A file or folder is made.
    Make,
    /// A file is made shorter.
    Cut,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Write, Self::Sync, Self::Rename, Self::Make, Self::Cut];

    const fn calls(self) -> &'static [libc::c_long] {
        match self {
            Self::Write => {
                &[libc::SYS_write, libc::SYS_writev, libc::SYS_pwrite64, libc::SYS_sendfile, libc::SYS_copy_file_range]
            }
            Self::Sync => &[libc::SYS_fsync, libc::SYS_fdatasync],
            #[cfg(target_arch = "x86_64")]
            Self::Rename => {
                &[libc::SYS_rename, libc::SYS_renameat, libc::SYS_renameat2, libc::SYS_link, libc::SYS_linkat]
            }
            #[cfg(not(target_arch = "x86_64"))]
            Self::Rename => &[libc::SYS_renameat, libc::SYS_renameat2, libc::SYS_linkat],
            #[cfg(target_arch = "x86_64")]
            Self::Make => &[libc::SYS_openat, libc::SYS_mkdirat, libc::SYS_mkdir],
            #[cfg(not(target_arch = "x86_64"))]
            Self::Make => &[libc::SYS_openat, libc::SYS_mkdirat],
            Self::Cut => &[libc::SYS_ftruncate],
        }
    }

    /// Whether this call counts: opening what is there makes nothing.
    fn is(self, call: &libc::seccomp_data) -> bool {
        let number = libc::c_long::from(call.nr);
        self.calls().contains(&number) && (number != libc::SYS_openat || call.args[2] & libc::O_CREAT as u64 != 0)
    }
}

/// Which of them fail, and how.
#[derive(Clone, Copy, Debug)]
pub struct Failing {
    /// Calls of this kind.
    pub fault: Fault,
    /// The first that fails, from 0.
    pub first: u64,
    /// All later ones fail, too.
    pub lasts: bool,
    /// What the system says then.
    pub error: i32,
}

/// Does `work` on a thread of its own, where calls fail; returns its result, and the number of such calls.
pub fn under<T: Send>(failing: Failing, work: impl FnOnce() -> T + Send) -> (T, u64) {
    std::thread::scope(|scope| {
        let (sender, listeners) = mpsc::channel();
        let worker = scope.spawn(move || {
            let listener = watch(failing.fault).expect("this kernel lets a filter of system calls ask");
            sender.send(listener).expect("it is waited for");
            work()
        });
        let seen = match listeners.recv() {
            Ok(listener) => answer(&listener, failing),
            Err(_) => 0,
        };
        match worker.join() {
            Ok(result) => (result, seen),
            Err(fault) => std::panic::resume_unwind(fault),
        }
    })
}

const fn statement(code: u32, value: u32) -> libc::sock_filter {
    libc::sock_filter { code: code as u16, jt: 0, jf: 0, k: value }
}

/// Has the kernel ask before each call of this kind on this thread; returns the descriptor of its questions.
fn watch(fault: Fault) -> io::Result<OwnedFd> {
    let calls = fault.calls();
    let mut filter = vec![statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0)];
    for (place, call) in calls.iter().enumerate() {
        // To the last statement, over the other comparisons and the statement that allows.
        let to_ask = (calls.len() - place) as u8;
        let equal = statement(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, *call as u32);
        filter.push(libc::sock_filter { jt: to_ask, ..equal });
    }
    filter.push(statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW));
    filter.push(statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_USER_NOTIF));
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    // SAFETY: the numbers are those of the kernel's interface, and `program` outlives the call.
    let listener = unsafe {
        if libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 {
            return Err(io::Error::last_os_error());
        }
        let flags = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER;
        libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const program)
    };
    if listener < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just made this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(listener as i32) })
}

const RECEIVE: libc::c_ulong = 0xc050_2100;
const SEND: libc::c_ulong = 0xc018_2101;

/// Answers the questions about a thread until it has ended; returns how many calls were of the kind.
fn answer(listener: &OwnedFd, failing: Failing) -> u64 {
    let mut seen = 0;
    loop {
        let mut wait = libc::pollfd { fd: listener.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one structure, which outlives the call.
        let ready = unsafe { libc::poll(&raw mut wait, 1, -1) };
        if ready < 0 {
            continue;
        }
        if wait.revents & libc::POLLIN == 0 {
            return seen;
        }
        // SAFETY: all zeros are values of these structures, which are as large as the numbers of the calls say.
        unsafe {
            let mut question: libc::seccomp_notif = std::mem::zeroed();
            if libc::ioctl(listener.as_raw_fd(), RECEIVE, &raw mut question) != 0 {
                continue;
            }
            let mut reply: libc::seccomp_notif_resp = std::mem::zeroed();
            reply.id = question.id;
            reply.flags = libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32;
            if failing.fault.is(&question.data) {
                if seen == failing.first || (failing.lasts && seen > failing.first) {
                    reply.flags = 0;
                    reply.error = -failing.error;
                }
                seen += 1;
            }
            // It fails when the thread is gone, which the next poll reports, too.
            libc::ioctl(listener.as_raw_fd(), SEND, &raw mut reply);
        }
    }
}
