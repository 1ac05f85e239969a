//! Chooses the role of this process: a worker, a command in the terminal, or the window. The role of a worker is recognised
//! before anything is initialised.

use std::process::ExitCode;

use fanlane::cli::{self, Opening, Request};
use fanlane::{engine, host, mp};
use fanlane_os::{main_stack, signal, standard_streams};

fn main() -> ExitCode {
    main_stack::with_room(take_role)
}

fn take_role() -> ExitCode {
    // Writing beyond a limit on the size of files fails then as on a full disk, and ends no run.
    signal::ignore(libc::SIGXFSZ);
    mp::init([
        engine::worker_role(),
        engine::slurm_role(),
        engine::agent_role(),
        host::host_role(),
        host::queue_role(),
        host::python_pool_role(),
        cli::guard_role(),
    ]);
    standard_streams::make_blocking();
    export_program_path();
    let words: Vec<_> = std::env::args_os().collect();
    if cli::progress::is_report(&words) {
        return cli::progress::report(&words).into();
    }
    let status = match cli::understand(words) {
        Request::Answered(status) => status,
        Request::Headless(command) => cli::perform(command),
        Request::Window(opening) => match open_window(opening.clone()) {
            Ok(()) => return ExitCode::SUCCESS,
            Err(NoWindow { reason, was_open: false }) => {
                cli::remark(&format!("{reason}; running in the terminal instead"));
                cli::run_instead_of_window(&opening)
            }
            // The run of a crashed window is not repeated in the terminal.
            Err(NoWindow { reason, was_open: true }) => {
                cli::remark(&reason);
                return ExitCode::FAILURE;
            }
        },
    };
    status.into()
}

/// Sets `FANLANE` to the path of this program, so that scripts of tasks can call it even if it is not on the path.
#[expect(unsafe_code, reason = "the environment of a process can be changed before it has a second thread")]
fn export_program_path() {
    if let Ok(program) = std::env::current_exe() {
        // SAFETY: called before a second thread exists, but for a main thread that only waits for this one.
        unsafe { std::env::set_var("FANLANE", program) };
    }
}

/// Why there is no window.
struct NoWindow {
    /// In one line.
    reason: String,
    /// It was open and crashed.
    was_open: bool,
}

/// Opens the window and returns when it is closed.
#[cfg(feature = "gui")]
fn open_window(opening: Opening) -> Result<(), NoWindow> {
    use std::panic::{self, AssertUnwindSafe};
    use std::time::{Duration, Instant};

    use fanlane::ui::run_window;

    /// A window that ended earlier could not be opened.
    const MIN_OPEN_TIME: Duration = Duration::from_secs(5);

    if std::env::var_os("RUST_BACKTRACE").is_none() {
        panic::set_hook(Box::new(|fault| {
            let message = fault.payload_as_str().unwrap_or("no message").lines().next().unwrap_or_default();
            let place = fault.location().map_or_else(String::new, |place| format!(" ({place})"));
            cli::remark(&format!("internal error: {message}{place}"));
        }));
    }
    let begun = Instant::now();
    // Libraries of graphics drivers and display servers panic on some of their failures.
    let closed = panic::catch_unwind(AssertUnwindSafe(|| run_window(opening.job, opening.watched)));
    let was_open = begun.elapsed() > MIN_OPEN_TIME;
    match closed {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(NoWindow { reason: cli::in_one_line(&error), was_open }),
        Err(_) => Err(NoWindow { reason: "the window crashed".to_owned(), was_open }),
    }
}

/// This build has no window.
#[cfg(not(feature = "gui"))]
fn open_window(_opening: Opening) -> Result<(), NoWindow> {
    let reason = "this build has no window; build it with its default features (cargo build --release)".to_owned();
    Err(NoWindow { reason, was_open: false })
}
