//! Formats for other programs: a run's record as rows of a CSV file in [`rows`] and as a trace in [`trace`], a race in
//! [`race`], one of commands in [`command_race`]. JSON lines of a run are written by the command line's report.

pub mod command_race;
pub mod race;
pub mod rows;
pub mod trace;

/// The error of what a CSV writer writes to, as it was: a closed pipe is still known by its kind.
fn io_error(error: csv::Error) -> std::io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => std::io::Error::other(format!("{other:?}")),
    }
}
