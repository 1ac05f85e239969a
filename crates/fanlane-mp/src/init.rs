//! The entry point: what `main` calls first. It stands above the registry, processes and pools, and composes them.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;

use crate::function::Function;
use crate::{pool, process, registry};
use fanlane_os::child::WORKER_ROLE;
use fanlane_os::signal;

/// Makes functions known to other processes, and turns this process into a worker if its parent started it as one: then
/// it does not return. To be called first thing in `main`, so that a worker does nothing else of what `main` does.
///
/// Workers are started from the program's own executable, so no thread, lock or descriptor of the parent gets into them
/// by accident.
///
/// ```
/// use fanlane_mp::{self as mp, Pool, function};
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
    registry::register(functions.into_iter().chain([process::service(), pool::service()]));
    let mut words = std::env::args_os();
    let program = words.next();
    if words.next().is_some_and(|word| word == WORKER_ROLE) {
        let role = words.next().unwrap_or_default();
        let words: Vec<OsString> = words.collect();
        std::process::exit(serve(program.as_deref(), &role, &words));
    }
}

/// Calls [`init`] with functions, given by their paths, before `main`: for tests, whose `main` belongs to the test harness. It
/// stands once in a test program, outside of functions. Functions that are called before `main` must not rely on what others
/// like them have done.
///
/// ```
/// # #[cfg(test)]
/// mod tests {
///     use fanlane_mp::{Error, Pool, init_before_main};
///
///     fn cube(x: i64) -> i64 {
///         x * x * x
///     }
///
///     init_before_main![cube];
///
///     #[test]
///     fn cubes_are_made_by_workers() -> Result<(), Error> {
///         assert_eq!(Pool::new(2)?.map(cube, 1..=3)?, [1, 8, 27]);
///         Ok(())
///     }
/// }
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! __mp_init_before_main {
    ($($function:path),* $(,)?) => {
        const _: () = {
            extern "C" fn init() {
                $crate::init([$($crate::function!($function)),*]);
            }
            // SAFETY: the C library calls what stands in this section with its arguments set up, once, before `main`.
            #[expect(unsafe_code, reason = "there is no other way to run before the main function of a test harness")]
            #[unsafe(link_section = ".init_array")]
            #[used]
            static INIT: extern "C" fn() = init;
        };
    };
}

/// Runs the service that this process was started for; gives the exit code.
fn serve(program: Option<&OsStr>, role: &OsStr, words: &[OsString]) -> i32 {
    const NO_PARENT: i32 = 2;
    // The parent ends a worker with this signal, also where the parent itself was started with it ignored.
    signal::restore_default(libc::SIGTERM);
    // As in every Rust program: here the runtime may not have come to it yet.
    signal::ignore(libc::SIGPIPE);
    if let Some(serve) = role.to_str().and_then(registry::remote_named) {
        return serve(words);
    }
    let program = program.map_or(Path::new("this program"), Path::new);
    let complain = |what: &str| {
        // Standard error is inherited from the parent: the only place left for this message.
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
    let service = role.to_str().and_then(registry::service_named);
    let control = take_control_socket();
    match (service, control) {
        (_, Err(error)) => complain(&error.to_string()),
        (None, Ok(_)) => complain(&format!("it does not know the role {}", role.display())),
        (Some(serve), Ok(control)) => {
            if let Some(name) = program.file_name() {
                let name = std::ffi::CString::new(name.as_encoded_bytes()).unwrap_or_default();
                // The executable was started through a link, which would name the process otherwise.
                let _ = rustix::thread::set_name(&name);
            }
            serve(control)
        }
    }
}

/// Standard input becomes the null device, so that reading it gives end of file at once.
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
