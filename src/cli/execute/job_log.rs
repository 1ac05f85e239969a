//! Names of job logs: `+` before the name appends, `-` is standard output, as in GNU parallel.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::cli::terminal::shared_stdout;
use fanlane_core::store::joblog::{ExistingLog, JobLog};

/// Opens the job log of that name for a run that resumes none.
///
/// # Errors
/// When it cannot be written.
pub fn open_log(name: &Path) -> io::Result<JobLog> {
    if name == Path::new("-") {
        return JobLog::to_writer(shared_stdout()?);
    }
    match log_path(name) {
        appended if appended != name => JobLog::open(appended, ExistingLog::Append),
        path => JobLog::open(path, ExistingLog::Overwrite),
    }
}

/// The file that a job log's name means.
pub fn log_path(name: &Path) -> &Path {
    match name.as_os_str().as_bytes().strip_prefix(b"+") {
        Some(path) => Path::new(OsStr::from_bytes(path)),
        None => name,
    }
}
