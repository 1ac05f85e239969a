//! Which role this process has: a worker of a run, a command in the terminal, or the window. Nothing else is decided
//! here, and a worker is told apart before anything is initialised.

use std::path::PathBuf;
use std::process::ExitCode;

use fanlane::cli::{self, Request};
use fanlane::{engine, host, mp};

fn main() -> ExitCode {
    mp::init([engine::worker_role(), host::host_role()]);
    name_this_program();
    let words: Vec<_> = std::env::args_os().collect();
    if cli::progress::is_report(&words) {
        return cli::progress::report(&words).into();
    }
    let status = match cli::understand(words) {
        Request::Answered(status) => status,
        Request::Headless(command) => cli::perform(command),
        Request::Window(job) => match open_window(job.clone()) {
            Ok(()) => return ExitCode::SUCCESS,
            Err(NoWindow { reason, was_open: false }) => {
                cli::remark(&format!("{reason}; running in the terminal instead"));
                cli::run_instead_of_window(job.as_deref())
            }
            // What it ran is not run a second time behind its user's back.
            Err(NoWindow { reason, was_open: true }) => {
                cli::remark(&reason);
                return ExitCode::FAILURE;
            }
        },
    };
    status.into()
}

/// Tells tasks where this program is, in `FANLANE`: their scripts may call it though it is not on the path.
#[expect(unsafe_code, reason = "the environment of a process can be changed before it has a second thread")]
fn name_this_program() {
    if let Ok(program) = std::env::current_exe() {
        // SAFETY: this is the first that `main` does, on the only thread there is.
        unsafe { std::env::set_var("FANLANE", program) };
    }
}

/// Why there is no window.
struct NoWindow {
    /// In one line.
    reason: String,
    /// There was one, and it broke down.
    was_open: bool,
}

/// Opens the window and returns when it is closed.
#[cfg(feature = "gui")]
fn open_window(job: Option<PathBuf>) -> Result<(), NoWindow> {
    use std::panic::{self, AssertUnwindSafe};
    use std::time::{Duration, Instant};

    use fanlane::ui::{WindowOptions, run_window};

    /// A window that lived this long had been opened.
    const OPENED: Duration = Duration::from_secs(5);

    if std::env::var_os("RUST_BACKTRACE").is_none() {
        panic::set_hook(Box::new(|fault| {
            let message = fault.payload_as_str().unwrap_or("no message").lines().next().unwrap_or_default();
            let place = fault.location().map_or_else(String::new, |place| format!(" ({place})"));
            cli::remark(&format!("a fault in the program: {message}{place}"));
        }));
    }
    let begun = Instant::now();
    // Graphics drivers and display servers fail in ways that their libraries answer with a panic.
    let closed = panic::catch_unwind(AssertUnwindSafe(|| {
        run_window(WindowOptions { job, worker_executable: cli::worker_executable()?, presets_folder: None })
    }));
    let was_open = begun.elapsed() > OPENED;
    match closed {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(NoWindow { reason: cli::in_one_line(&error), was_open }),
        Err(_) => Err(NoWindow { reason: "the window broke down".to_owned(), was_open }),
    }
}

/// This build has no window.
#[cfg(not(feature = "gui"))]
fn open_window(_job: Option<PathBuf>) -> Result<(), NoWindow> {
    let reason = "this build has no window; build it with its default features (cargo build --release)".to_owned();
    Err(NoWindow { reason, was_open: false })
}
