//! Processes that run one function each.

mod join;

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitStatus;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use rustix::process::Signal;
use serde::{Deserialize, Serialize};

use crate::connection::Connection;
use crate::error::{ProcessStateError, SendError, SpawnError};
use crate::function::{Callable, Function};
use crate::registry;
use fanlane_os::child::{Child, ChildPlan, describe_end};
use fanlane_os::clock::deadline_after;
use fanlane_os::fd_passing;
use fanlane_os::parent_death::end_with_parent;

pub use join::{JoinHandle, spawn};

/// The variable that marks processes of this module and everything they start.
pub const MARKER: &str = "FANLANE_MP";

/// The role of a process that runs one function.
const CALL_ROLE: &str = "call";

/// The exit code of a process whose function failed.
const FAILED: i32 = 1;

/// The service of a process that runs one function.
pub(crate) fn service() -> Function {
    Function::service(CALL_ROLE, serve_call)
}

/// A process that runs one function with its arguments, and ends with an exit code. [`spawn`] starts one whose function's
/// value comes back.
///
/// When the value is dropped, a daemon is ended and any other process is waited for, as Python does when a program ends;
/// while a panic unwinds, every process is ended. No process outlives the program that started it, and each is reaped.
///
/// ```
/// use fanlane_mp::{self as mp, Process, function};
///
/// fn greet(name: String) {
///     println!("hello {name}");
/// }
///
/// fn main() -> Result<(), mp::Error> {
///     mp::init([function!(greet)]);
///     let mut process = Process::new(greet, ("bob".to_owned(),))?;
///     process.start()?;
///     assert_eq!(process.join()?, 0);
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Process {
    name: String,
    is_daemon: bool,
    state: State,
}

#[derive(Debug)]
enum State {
    New { function: &'static str, args: Vec<u8>, descriptors: Vec<Arc<OwnedFd>> },
    Started { child: Arc<Child>, control: Connection },
    Closed,
}

/// What a process is told about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CurrentProcess {
    /// Its name; `MainProcess` for a process that is not a worker.
    pub name: String,
    /// Whether it is ended when its parent drops its handle.
    pub is_daemon: bool,
    /// The process id of its parent, if that started it as a worker.
    pub parent_pid: Option<u32>,
}

#[derive(Serialize, Deserialize)]
struct Call {
    current: CurrentProcess,
    function: String,
    /// Whether the value of the function is sent back.
    returns_value: bool,
}

static CURRENT: OnceLock<CurrentProcess> = OnceLock::new();
static ACTIVE: Mutex<Vec<(String, Weak<Child>)>> = Mutex::new(Vec::new());

/// This process.
///
/// ```
/// assert_eq!(fanlane_mp::current_process().name, "MainProcess");
/// ```
pub fn current_process() -> CurrentProcess {
    let main = || CurrentProcess { name: "MainProcess".to_owned(), is_daemon: false, parent_pid: None };
    CURRENT.get().cloned().unwrap_or_else(main)
}

pub(crate) fn set_current(current: CurrentProcess) {
    let _ = CURRENT.set(current);
}

/// Names and process ids of the running processes and pool workers that this program has started.
///
/// ```
/// assert!(fanlane_mp::active_children().is_empty());
/// ```
pub fn active_children() -> Vec<(String, u32)> {
    let mut active = ACTIVE.lock().unwrap_or_else(PoisonError::into_inner);
    active.retain(|(_, child)| child.strong_count() > 0);
    active
        .iter()
        .filter_map(|(name, child)| {
            let child = child.upgrade()?;
            child.try_reap().is_none().then(|| (name.clone(), child.pid()))
        })
        .collect()
}

pub(crate) fn note_active(name: &str, child: &Arc<Child>) {
    let mut active = ACTIVE.lock().unwrap_or_else(PoisonError::into_inner);
    active.retain(|(_, child)| child.strong_count() > 0);
    active.push((name.to_owned(), Arc::downgrade(child)));
}

/// Starts this program again in one of its roles.
pub(crate) fn start_child(name: &str, role: &str) -> Result<(Arc<Child>, Connection), SpawnError> {
    if !registry::is_initialised() {
        return Err(SpawnError::NotInitialised);
    }
    let executable = registry::executable();
    let plan = ChildPlan { executable: &executable, role, marker: MARKER, environment: &[], writes_output: true };
    let (child, control) =
        Child::start(plan).map_err(|error| SpawnError::Start { name: name.to_owned(), reason: error.to_string() })?;
    let child = Arc::new(child);
    note_active(name, &child);
    Ok((child, Connection::from(control)))
}

/// The exit code as Python counts it: `-N` for a signal's number `N`.
fn exit_code_of(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| -status.signal().unwrap_or_default())
}

impl Process {
    /// A process that will call `function` with `args`, a tuple. It is not started yet.
    ///
    /// # Errors
    /// [`SpawnError::NotInitialised`], [`SpawnError::NotRegistered`], and [`SpawnError::Arguments`] for arguments that cannot be sent.
    pub fn new<F, Args>(_function: F, args: Args) -> Result<Self, SpawnError>
    where
        F: Callable<Args>,
        Args: Serialize,
    {
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        let function = registry::name_of::<F>()?;
        let mut bytes = Vec::new();
        let (encoded, descriptors) = fd_passing::with_descriptors(|| fd_passing::encode(&args, &mut bytes));
        encoded.map_err(SendError::from)?;
        let name = format!("Process-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        Ok(Self { name, is_daemon: false, state: State::New { function, args: bytes, descriptors } })
    }

    /// As [`Process::new`], and started.
    ///
    /// # Errors
    /// As [`Process::new`] and [`Process::start`].
    pub fn spawn<F, Args>(function: F, args: Args) -> Result<Self, SpawnError>
    where
        F: Callable<Args>,
        Args: Serialize,
    {
        let mut process = Self::new(function, args)?;
        process.start()?;
        Ok(process)
    }

    /// Gives it a name before it is started.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Makes it a daemon, before it is started: it is ended, not waited for, when this value is dropped.
    #[must_use]
    pub const fn daemon(mut self) -> Self {
        self.is_daemon = true;
        self
    }

    /// Starts it.
    ///
    /// # Errors
    /// [`SpawnError::Start`], and [`SpawnError::State`] where it was started before.
    pub fn start(&mut self) -> Result<(), SpawnError> {
        self.start_call(false)
    }

    fn start_call(&mut self, returns_value: bool) -> Result<(), SpawnError> {
        let State::New { function, args, descriptors } = &self.state else {
            return Err(self.wrong_state("was started already: make another").into());
        };
        let (child, control) = start_child(&self.name, CALL_ROLE)?;
        let current =
            CurrentProcess { name: self.name.clone(), is_daemon: self.is_daemon, parent_pid: Some(std::process::id()) };
        let told = control
            .send(&Call { current, function: (*function).to_owned(), returns_value })
            .and_then(|()| control.send_parts(args, descriptors));
        if let Err(error) = told {
            child.signal(Signal::KILL);
            let reason = format!("{error} ({})", describe_end(child.reap()));
            return Err(SpawnError::Start { name: self.name.clone(), reason });
        }
        self.state = State::Started { child, control };
        Ok(())
    }

    fn wrong_state(&self, state: &'static str) -> ProcessStateError {
        ProcessStateError { name: self.name.clone(), state }
    }

    fn child(&self) -> Result<&Arc<Child>, ProcessStateError> {
        match &self.state {
            State::New { .. } => Err(self.wrong_state("was not started: call start first")),
            State::Closed => Err(self.wrong_state("was closed")),
            State::Started { child, .. } => Ok(child),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is ended, not waited for, when this value is dropped.
    pub const fn is_daemon(&self) -> bool {
        self.is_daemon
    }

    /// Its process id, once it was started.
    pub fn pid(&self) -> Option<u32> {
        self.child().ok().map(|child| child.pid())
    }

    /// Waits for its end; gives its exit code: 0 when the function returned, 1 when it panicked or returned an error,
    /// the argument of [`std::process::exit`], `-N` when signal number `N` ended it.
    ///
    /// # Errors
    /// When it was not started or was closed.
    pub fn join(&self) -> Result<i32, ProcessStateError> {
        Ok(end_of(self.child()?))
    }

    /// As [`Process::join`]; `None` when `timeout` is over first.
    ///
    /// # Errors
    /// When it was not started or was closed.
    pub fn join_timeout(&self, timeout: Duration) -> Result<Option<i32>, ProcessStateError> {
        let child = self.child()?;
        Ok(child.wait_ended(deadline_after(timeout)).then(|| end_of(child)))
    }

    /// Whether it was started and has not ended.
    pub fn is_alive(&self) -> bool {
        self.child().is_ok_and(|child| child.try_reap().is_none())
    }

    /// Its exit code, as [`Process::join`] gives it; `None` while it runs.
    pub fn exit_code(&self) -> Option<i32> {
        self.child().ok()?.try_reap().map(exit_code_of)
    }

    /// Sends SIGTERM, which ends it unless it has a handler.
    ///
    /// # Errors
    /// When it was not started or was closed.
    pub fn terminate(&self) -> Result<(), ProcessStateError> {
        self.child().map(|child| child.signal(Signal::TERM))
    }

    /// Ends it with SIGKILL.
    ///
    /// # Errors
    /// When it was not started or was closed.
    pub fn kill(&self) -> Result<(), ProcessStateError> {
        self.child().map(|child| child.signal(Signal::KILL))
    }

    /// A descriptor that becomes ready when it ends, for [`wait`](crate::wait()).
    ///
    /// # Errors
    /// When it was not started or was closed.
    pub fn sentinel(&self) -> Result<Sentinel<'_>, ProcessStateError> {
        self.child().map(|child| Sentinel(child))
    }

    /// Releases its resources of the system. Further calls are errors.
    ///
    /// # Errors
    /// While it runs.
    pub fn close(&mut self) -> Result<(), ProcessStateError> {
        if self.is_alive() {
            return Err(self.wrong_state("still runs: join it first, or end it"));
        }
        if let State::Started { child, .. } = std::mem::replace(&mut self.state, State::Closed) {
            end_of(&child);
        }
        Ok(())
    }
}

/// Becomes ready when a process ends.
#[derive(Debug, Clone, Copy)]
pub struct Sentinel<'a>(&'a Child);

impl AsFd for Sentinel<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.sentinel()
    }
}

/// Waits for its end; ends the descendants of a killed process too.
fn end_of(child: &Child) -> i32 {
    let status = child.reap();
    if status.code().is_none() {
        child.sweep();
    }
    exit_code_of(status)
}

impl Drop for Process {
    fn drop(&mut self) {
        let State::Started { child, control } = std::mem::replace(&mut self.state, State::Closed) else { return };
        if self.is_daemon || std::thread::panicking() {
            child.signal(Signal::TERM);
            const TERMINATE_TIMEOUT: Duration = Duration::from_secs(2);
            if !child.wait_ended(deadline_after(TERMINATE_TIMEOUT)) {
                child.signal(Signal::KILL);
            }
        }
        end_of(&child);
        drop(control);
    }
}

/// In the child: runs the function that the parent names.
fn serve_call(control: UnixStream) -> i32 {
    let control = Arc::new(Connection::from(control));
    let received = control.recv::<Call>().and_then(|call| Ok((call, control.recv_parts()?)));
    let (call, (args, descriptors)) = match received {
        Ok(received) => received,
        // The parent has dropped the process or has ended.
        Err(_) => return FAILED,
    };
    let name = call.current.name.clone();
    set_current(call.current);
    end_with_parent(Arc::clone(&control), MARKER);
    let Some(function) = registry::function_named(&call.function) else {
        complain(&name, &SpawnError::NotRegistered(call.function).to_string());
        return FAILED;
    };
    if call.returns_value {
        return join::serve(&control, function, &args, descriptors);
    }
    let run = || fd_passing::with_arrived(descriptors, || function.run_once(&args));
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(())) => 0,
        Ok(Err(failure)) => {
            complain(&name, &failure);
            FAILED
        }
        // The panic's own message was written by then.
        Err(_) => FAILED,
    }
}

/// As the message of a panic, it goes where the parent's own messages go.
#[expect(clippy::print_stderr, reason = "a process that failed says so, as one that panicked does")]
fn complain(name: &str, what: &str) {
    eprintln!("{name} failed: {what}");
}
