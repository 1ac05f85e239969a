//! Fast start of a program with captured output: two pipes, a session of its own and a pidfd, in one clone that shares its
//! parent's memory until the program is executed.
//!
//! A session of its own has no terminal: a program that asks for one is refused at once, where it would otherwise be stopped for
//! reading or setting the terminal of another process group. A program may instead be given the terminal, in its foreground.
//!
//! `std::process` is good for starting programs; this is for starting thousands a second. It saves the hundred system calls
//! with which `posix_spawn` queries every signal, and the one that opens the pidfd.

use std::ffi::{CStr, CString, OsStr, OsString, c_char, c_int, c_void};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;

use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::Pid;

use super::limit::Limit;
use super::signal;

/// Where programs are searched when the environment has no PATH.
const DEFAULT_PATH: &[u8] = b"/bin:/usr/bin";
/// The new process needs a few small frames until it executes its program.
const STACK_BYTES: usize = 64 << 10;
const STACK_ALIGNMENT: usize = 16;

/// A program that was started.
#[derive(Debug)]
pub struct Launched {
    /// Its process, the leader of a process group with the same id, and of a session unless it has the terminal. The caller has to
    /// reap it.
    pub pid: Pid,
    /// Becomes readable at the end of the process.
    pub handle: OwnedFd,
    /// Its standard output and standard error; `None` where it has those of this process, and the terminal.
    pub streams: Option<[OwnedFd; 2]>,
}

/// Starts programs in one environment, from one thread.
#[derive(Debug)]
pub struct Launcher {
    environment: Vec<CString>,
    limits: Vec<(Limit, libc::rlimit)>,
    /// The signals that this process ignores and that a program would inherit so.
    ignored: Vec<c_int>,
    stack: Vec<u8>,
    /// The terminal that programs get.
    terminal: Option<OwnedFd>,
    /// The last program, and the paths at which it is tried.
    last: Option<(OsString, Vec<CString>)>,
}

impl Launcher {
    /// A launcher whose programs get the present environment of this process and these variables, and every signal at its
    /// default disposition.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] for a variable with a NUL byte.
    pub fn new<N: AsRef<OsStr>, V: AsRef<OsStr>>(variables: impl IntoIterator<Item = (N, V)>) -> io::Result<Self> {
        let mut environment = Vec::new();
        for (name, value) in std::env::vars_os() {
            environment.push(assignment(&name, &value)?);
        }
        set_all(&mut environment, variables)?;
        Ok(Self {
            environment,
            limits: Vec::new(),
            ignored: signal::ignored(),
            stack: vec![0; STACK_BYTES],
            terminal: None,
            last: None,
        })
    }

    /// Limits a resource of programs started from now on, to at most the hard limit of this process.
    pub fn limit(&mut self, what: Limit, soft: u64, hard: u64) {
        self.limits.retain(|(held, _)| *held != what);
        self.limits.push((what, what.bounded(soft, hard)));
    }

    /// Gives programs started from now on the terminal of this session: each is in its foreground, reads it where there is nothing
    /// else to read, and prints to the streams of this process.
    ///
    /// # Errors
    /// When no descriptor is left.
    pub fn lend(&mut self, terminal: BorrowedFd<'_>) -> io::Result<()> {
        self.terminal = Some(terminal.try_clone_to_owned()?);
        Ok(())
    }

    /// Starts `words`, of which the first is the program, with `variables` added to the environment and `stdin` as standard
    /// input; `None` for that of this process.
    ///
    /// # Errors
    /// Why it could not be started, with the error code of the system; [`io::ErrorKind::InvalidInput`] for no word, or a word
    /// with a NUL byte.
    pub fn launch<N: AsRef<OsStr>, V: AsRef<OsStr>>(
        &mut self,
        words: &[OsString],
        variables: impl ExactSizeIterator<Item = (N, V)>,
        stdin: Option<BorrowedFd<'_>>,
    ) -> io::Result<Launched> {
        let program = words.first().ok_or(io::ErrorKind::InvalidInput)?;
        let own;
        let environment = if variables.len() == 0 {
            &self.environment
        } else {
            let mut changed = self.environment.clone();
            set_all(&mut changed, variables)?;
            // A changed environment may have a PATH of its own.
            self.last = None;
            own = changed;
            &own
        };
        let candidates = match self.last.take() {
            Some((last, candidates)) if last == *program => candidates,
            _ => candidates(program, environment)?,
        };
        let words: Vec<CString> =
            words.iter().map(|word| c_string(word.as_bytes().to_vec())).collect::<Result<_, _>>()?;
        let (words, environment_pointers) = (pointers(&words), pointers(environment));
        let order = Order {
            candidates: pointers(&candidates),
            words: &words,
            environment: &environment_pointers,
            limits: &self.limits,
            ignored: &self.ignored,
            stdin: stdin.or(self.terminal.as_ref().map(AsFd::as_fd)).map(|file| file.as_raw_fd()),
            terminal: self.terminal.as_ref().map(AsRawFd::as_raw_fd),
            stdout: -1,
            stderr: -1,
            fault: 0,
        };
        let launched = launch(&mut self.stack, order);
        if std::ptr::eq(environment, &raw const self.environment) {
            self.last = Some((program.clone(), candidates));
        }
        launched
    }
}

fn c_string(bytes: Vec<u8>) -> io::Result<CString> {
    CString::new(bytes).map_err(|_| io::ErrorKind::InvalidInput.into())
}

fn assignment(name: &OsStr, value: &OsStr) -> io::Result<CString> {
    c_string([name.as_bytes(), b"=", value.as_bytes()].concat())
}

fn set_all<N: AsRef<OsStr>, V: AsRef<OsStr>>(
    environment: &mut Vec<CString>,
    variables: impl IntoIterator<Item = (N, V)>,
) -> io::Result<()> {
    for (name, value) in variables {
        let name = name.as_ref();
        environment.retain(|held| value_of(held, name.as_bytes()).is_none());
        environment.push(assignment(name, value.as_ref())?);
    }
    Ok(())
}

/// The value, if the assignment is one to `name`.
fn value_of<'a>(assignment: &'a CStr, name: &[u8]) -> Option<&'a [u8]> {
    assignment.to_bytes().strip_prefix(name)?.strip_prefix(b"=")
}

/// The paths at which a program is tried, in order.
fn candidates(program: &OsStr, environment: &[CString]) -> io::Result<Vec<CString>> {
    let name = program.as_bytes();
    if name.contains(&b'/') {
        return Ok(vec![c_string(name.to_vec())?]);
    }
    if name.is_empty() {
        return Err(io::Error::from_raw_os_error(libc::ENOENT));
    }
    let path = environment.iter().find_map(|held| value_of(held, b"PATH")).unwrap_or(DEFAULT_PATH);
    let folders = path.split(|byte| *byte == b':');
    // An empty folder means the current one.
    folders
        .map(|folder| if folder.is_empty() { b"." } else { folder })
        .map(|folder| c_string([folder, b"/", name].concat()))
        .collect()
}

/// The terminated array of pointers for `execve`, valid for as long as the strings live.
fn pointers(strings: &[CString]) -> Vec<*const c_char> {
    strings.iter().map(|string| string.as_ptr()).chain([std::ptr::null()]).collect()
}

/// What the new process does before it executes the program.
struct Order<'a> {
    candidates: Vec<*const c_char>,
    words: &'a [*const c_char],
    environment: &'a [*const c_char],
    limits: &'a [(Limit, libc::rlimit)],
    ignored: &'a [c_int],
    stdin: Option<RawFd>,
    terminal: Option<RawFd>,
    stdout: RawFd,
    stderr: RawFd,
    /// Why it did not execute the program.
    fault: c_int,
}

#[expect(unsafe_code, reason = "no safe call starts a process without a copy of its parent's memory")]
fn launch(stack: &mut [u8], mut order: Order<'_>) -> io::Result<Launched> {
    const FLAGS: c_int = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD | libc::SIGCHLD;
    let pipes = if order.terminal.is_none() {
        Some([pipe_with(PipeFlags::CLOEXEC)?, pipe_with(PipeFlags::CLOEXEC)?])
    } else {
        None
    };
    if let Some([(_, to_stdout), (_, to_stderr)]) = &pipes {
        (order.stdout, order.stderr) = (to_stdout.as_raw_fd(), to_stderr.as_raw_fd());
    }
    let top = stack.as_mut_ptr_range().end;
    let top = top.wrapping_sub(top as usize % STACK_ALIGNMENT);
    let mut handle: RawFd = -1;
    // SAFETY: the new process runs `become_program` on memory that is only its own, `stack`, and reads `order` and what
    // that points to, all of which outlives it: the parent stands still until the program is executed or the process has
    // ended (CLONE_VFORK). Signals are blocked meanwhile, so none of the parent's handlers runs in the new process.
    let (pid, fault) = unsafe {
        let mut all: libc::sigset_t = std::mem::zeroed();
        let mut before: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&raw mut all);
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const all, &raw mut before);
        let pid = libc::clone(become_program, top.cast(), FLAGS, (&raw mut order).cast(), &raw mut handle);
        let fault = io::Error::last_os_error();
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, std::ptr::null_mut());
        (pid, fault)
    };
    let pid = if pid < 0 { None } else { Pid::from_raw(pid) };
    let pid = pid.ok_or(fault)?;
    // SAFETY: the system has just put a descriptor there, and nothing else owns it.
    let handle = unsafe { OwnedFd::from_raw_fd(handle) };
    // SAFETY: read anew, since the new process may have written it.
    let fault = unsafe { (&raw const order.fault).read_volatile() };
    if fault != 0 {
        // It has ended without executing the program.
        while matches!(
            rustix::process::waitpid(Some(pid), rustix::process::WaitOptions::empty()),
            Err(rustix::io::Errno::INTR)
        ) {}
        return Err(io::Error::from_raw_os_error(fault));
    }
    Ok(Launched { pid, handle, streams: pipes.map(|pipes| pipes.map(|(stream, _)| stream)) })
}

/// Runs in the new process, whose memory is its parent's: nothing here allocates, locks, panics or returns.
#[expect(unsafe_code, reason = "only bare system calls may be made between clone and exec")]
extern "C" fn become_program(order: *mut c_void) -> c_int {
    // SAFETY: `launch` passes its order, and its thread stands still meanwhile. Each call is one that may be made in a
    // signal handler, on values that live.
    unsafe {
        let order = &mut *order.cast::<Order<'_>>();
        let fault = prepare(order).unwrap_or_else(|| try_candidates(order));
        (&raw mut order.fault).write_volatile(fault);
        libc::_exit(127)
    }
}

/// Gives the error code of what failed, if something did.
#[expect(unsafe_code, reason = "only bare system calls may be made between clone and exec")]
unsafe fn prepare(order: &Order<'_>) -> Option<c_int> {
    // SAFETY: see `become_program`.
    unsafe {
        let mut sources = [order.stdin.unwrap_or(-1), order.stdout, order.stderr];
        // A source must not be where an earlier target is written: those of pipes are never below 3 unless this process was
        // started without its standard streams.
        for source in &mut sources {
            if (0..3).contains(source) {
                *source = libc::fcntl(*source, libc::F_DUPFD_CLOEXEC, 3);
                if *source < 0 {
                    return Some(*libc::__errno_location());
                }
            }
        }
        for (target, source) in (0..).zip(sources) {
            if source >= 0 && libc::dup2(source, target) < 0 {
                return Some(*libc::__errno_location());
            }
        }
        let is_apart = match order.terminal {
            None => libc::setsid() >= 0,
            // Signals are blocked, so a process in the background may do that.
            Some(terminal) => libc::setpgid(0, 0) == 0 && libc::tcsetpgrp(terminal, libc::getpid()) == 0,
        };
        if !is_apart {
            return Some(*libc::__errno_location());
        }
        for (what, limit) in order.limits {
            if libc::setrlimit(what.number(), limit) < 0 {
                return Some(*libc::__errno_location());
            }
        }
        // An ignored signal stays ignored in a program; a handled one has its default effect there.
        for signal in order.ignored {
            libc::signal(*signal, libc::SIG_DFL);
        }
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
        None
    }
}

/// Executes the program at the first path that has it, or gives the error code.
#[expect(unsafe_code, reason = "only bare system calls may be made between clone and exec")]
unsafe fn try_candidates(order: &Order<'_>) -> c_int {
    let mut fault = libc::ENOENT;
    // SAFETY: see `become_program`; all three arrays end with a null pointer.
    unsafe {
        let mut candidate = order.candidates.as_ptr();
        while !(*candidate).is_null() {
            libc::execve(*candidate, order.words.as_ptr(), order.environment.as_ptr());
            match *libc::__errno_location() {
                libc::ENOENT | libc::ENOTDIR => {}
                // A later path may have another.
                libc::EACCES => fault = libc::EACCES,
                other => return other,
            }
            candidate = candidate.add(1);
        }
    }
    fault
}

#[cfg(test)]
mod tests;
