//! The entry point: what `main` calls first, and where a process that was started as a worker goes its own way.

use std::any::TypeId;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{OnceLock, PoisonError, RwLock};

use crate::mp::child::{OWN_EXECUTABLE, WORKER_ROLE};
use crate::mp::error::Error;
use crate::mp::function::{Body, Function, Run};
use crate::mp::{process, signal};

static REGISTRY: OnceLock<Registry> = OnceLock::new();
static EXECUTABLE: RwLock<Option<PathBuf>> = RwLock::new(None);

struct Registry {
    names: HashMap<TypeId, &'static str>,
    bodies: HashMap<&'static str, Body>,
}

/// Makes functions known to other processes, and turns this process into a worker if its parent started it as one: then
/// it does not return. To be called first thing in `main`, so that a worker does nothing else of what `main` does.
///
/// Workers are started from the program's own executable, so no thread, lock or descriptor of the parent gets into them
/// by accident.
///
/// ```
/// use fanlane::mp::{self, Pool, function};
///
/// fn cube(x: i64) -> i64 {
///     x * x * x
/// }
///
/// fn main() -> Result<(), mp::Error> {
///     mp::init([function!(cube)]);
///     let pool = Pool::new(2)?;
///     assert_eq!(pool.map(cube, 1..=6)?, [1, 8, 27, 64, 125, 216]);
///     Ok(())
/// }
/// ```
///
/// # Panics
/// When it is called twice, or with two functions of one name.
pub fn init(functions: impl IntoIterator<Item = Function>) {
    let mut registry = Registry { names: HashMap::new(), bodies: HashMap::new() };
    for function in functions.into_iter().chain(process::services()) {
        if let Body::Typed(id, _) = &function.body {
            registry.names.insert(*id, function.name);
        }
        let earlier = registry.bodies.insert(function.name, function.body);
        assert!(earlier.is_none(), "two functions named {} were given to fanlane::mp::init", function.name);
    }
    assert!(REGISTRY.set(registry).is_ok(), "fanlane::mp::init was called twice");
    let mut words = std::env::args_os();
    let program = words.next();
    if words.next().is_some_and(|word| word == WORKER_ROLE) {
        let role = words.next().unwrap_or_default();
        std::process::exit(serve(program.as_deref(), &role));
    }
}

/// Does what this process was started for.
fn serve(program: Option<&OsStr>, role: &OsStr) -> i32 {
    const NO_PARENT: i32 = 2;
    // The parent ends a worker by it, also where the parent itself was started with it ignored.
    signal::restore_default(libc::SIGTERM);
    let program = program.map_or(Path::new("this program"), Path::new);
    let complain = |what: &str| {
        // Nobody else is left to tell: standard error is the parent's own.
        #[expect(clippy::print_stderr, reason = "the parent is gone, or was never there")]
        {
            eprintln!(
                "{}: this process is a worker and is started by its parent alone: {what}. Start the program without \
                 {WORKER_ROLE}.",
                program.display()
            );
        }
        NO_PARENT
    };
    let service = role.to_str().and_then(|role| match REGISTRY.get()?.bodies.get(role)? {
        Body::Service(serve) => Some(*serve),
        Body::Typed(..) => None,
    });
    let control = take_control_socket();
    match (service, control) {
        (_, Err(error)) => complain(&error.to_string()),
        (None, Ok(_)) => complain(&format!("it does not know the role {}", role.display())),
        (Some(serve), Ok(control)) => {
            if let Some(name) = program.file_name() {
                let name = std::ffi::CString::new(name.as_encoded_bytes()).unwrap_or_default();
                // It was started through a link whose name says nothing.
                let _ = rustix::thread::set_name(&name);
            }
            serve(control)
        }
    }
}

/// Standard input becomes the null device, so that whatever reads it meets its end at once.
fn take_control_socket() -> io::Result<UnixStream> {
    let stdin = io::stdin();
    if !rustix::fs::FileType::from_raw_mode(rustix::fs::fstat(stdin.as_fd())?.st_mode).is_socket() {
        return Err(io::Error::other("its standard input is no socket"));
    }
    let control: OwnedFd = rustix::io::fcntl_dupfd_cloexec(stdin.as_fd(), 3)?;
    let null = std::fs::File::open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    Ok(UnixStream::from(control))
}

/// The name under which a function is known.
///
/// # Errors
/// [`Error::NotInitialised`], [`Error::NotRegistered`].
pub(crate) fn name_of<F: 'static>() -> Result<&'static str, Error> {
    let registry = REGISTRY.get().ok_or(Error::NotInitialised)?;
    let name = registry.names.get(&TypeId::of::<F>()).copied();
    name.ok_or_else(|| Error::NotRegistered(std::any::type_name::<F>().to_owned()))
}

/// The function of that name.
pub(crate) fn function_named(name: &str) -> Option<&'static dyn Run> {
    match REGISTRY.get()?.bodies.get(name)? {
        Body::Typed(_, run) => Some(&**run),
        Body::Service(_) => None,
    }
}

/// Whether [`init`] was called, without which no process can be started.
pub(crate) fn is_initialised() -> bool {
    REGISTRY.get().is_some()
}

/// Sets which executable processes are started from from now on, in place of this program's own. It has to call
/// [`init`] with the same functions: a program that embeds this one as a library has its reasons to.
///
/// ```no_run
/// fanlane::mp::set_executable("/usr/libexec/my-program/worker");
/// ```
pub fn set_executable(path: impl Into<PathBuf>) {
    *EXECUTABLE.write().unwrap_or_else(PoisonError::into_inner) = Some(path.into());
}

/// What processes are started from.
pub(crate) fn executable() -> PathBuf {
    let chosen = EXECUTABLE.read().unwrap_or_else(PoisonError::into_inner).clone();
    chosen.unwrap_or_else(|| PathBuf::from(OWN_EXECUTABLE))
}
