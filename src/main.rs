//! Which role this process has: a worker of a run, a command in the terminal, or the window. Nothing else is decided
//! here, and a worker is told apart before anything is initialised.

use std::path::PathBuf;
use std::process::ExitCode;

use fanlane::cli::{self, Request};
use fanlane::engine;

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args_os().collect();
    if words.get(1).is_some_and(|word| word == engine::WORKER_ROLE) {
        engine::worker_main();
    }
    let status = match cli::understand(words) {
        Request::Answered(status) => status,
        Request::Headless(command) => cli::perform(command),
        Request::Window(job) => match open_window(job.clone()) {
            Ok(()) => return ExitCode::SUCCESS,
            Err(reason) => {
                cli::remark(&format!("{reason}; running in the terminal instead"));
                cli::run_instead_of_window(job.as_deref())
            }
        },
    };
    status.into()
}

/// Opens the window and returns when it is closed, or why it could not be opened, in one line.
#[cfg(feature = "gui")]
fn open_window(job: Option<PathBuf>) -> Result<(), String> {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    fanlane::ui::display::probe().map_err(|problem| problem.to_string())?;
    // Graphics drivers and display servers fail in ways that their libraries answer with a panic.
    match catch_unwind(AssertUnwindSafe(|| fanlane::ui::run_window(job))) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(format!("the window cannot be opened: {error}")),
        Err(_) => Err("the window cannot be opened: its libraries gave up (see above)".to_owned()),
    }
}

/// This build has no window.
#[cfg(not(feature = "gui"))]
fn open_window(_job: Option<PathBuf>) -> Result<(), String> {
    Err("this build has no window (build it with `cargo build --release`, without --no-default-features)".to_owned())
}
