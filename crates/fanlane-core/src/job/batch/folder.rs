//! Where the commands of a batch run.

use std::path::{Path, PathBuf};

use super::BatchError;
use crate::job::Job;

/// The working folder of a job that is looked up in `folder`; absolute.
///
/// # Errors
/// When the job names one that is not there, or is no folder.
pub(super) fn find_working_dir(job: &Job, folder: &Path) -> Result<PathBuf, BatchError> {
    let path = match &job.working_dir {
        Some(path) => folder.join(path),
        None => folder.to_owned(),
    };
    let refuse = |path: &Path, reason: String| BatchError::WorkingDir { path: path.to_owned(), reason };
    // The empty path is how `Path::parent` says the current folder.
    let path = if path.as_os_str().is_empty() { PathBuf::from(".") } else { path };
    let path = std::path::absolute(&path).map_err(|error| refuse(&path, error.to_string()))?;
    if job.working_dir.is_some() {
        let found = std::fs::metadata(&path).map_err(|error| refuse(&path, error.to_string()))?;
        if !found.is_dir() {
            return Err(refuse(&path, "it is not a folder".to_owned()));
        }
    }
    Ok(path)
}
