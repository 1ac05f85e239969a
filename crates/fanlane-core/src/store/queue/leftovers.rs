//! The files of the queue beside those of the jobs, and which of them killed processes have left behind.
//!
//! A job's file may be missing for a moment, as while an editor saves it, so what belongs to it is not removed at once.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::folder::is_locked;
use super::{JobQueue, QueueError};
use crate::store::atomic_write::UNFINISHED;
use fanlane_os::clock::unix_ms;

/// Minimum age, in seconds, at which standard input without a job is set aside, and later removed.
const MIN_LEFTOVER_SECS: i64 = 3600;

/// The files of a queue that are no jobs.
#[derive(Default)]
pub(super) struct Beside {
    /// Files that were being written.
    unfinished: Vec<PathBuf>,
    /// The jobs that have a file which their process locks.
    runs: Vec<u64>,
    /// The jobs that have standard input.
    stdin: Vec<u64>,
    /// The jobs whose standard input was set aside.
    set_aside: Vec<u64>,
}

impl Beside {
    pub(super) fn add(&mut self, id: Option<u64>, path: PathBuf) {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        match (id, path.extension().and_then(|ending| ending.to_str())) {
            (Some(id), Some("run")) => self.runs.push(id),
            (Some(id), Some("stdin")) => self.stdin.push(id),
            (Some(id), Some("left")) => self.set_aside.push(id),
            _ if name.starts_with(UNFINISHED.0) && name.ends_with(UNFINISHED.1) => self.unfinished.push(path),
            _ => {}
        }
    }

    /// Removes what was left behind, while the queue is locked; the jobs whose processes live.
    pub(super) fn clear(self, queue: &JobQueue, known: &HashSet<u64>) -> Result<HashSet<u64>, QueueError> {
        let mut live = HashSet::new();
        // What cannot be removed or renamed is in the way of nothing; the next look tries again.
        for id in self.runs {
            let path = queue.run_lock(id);
            if is_locked(&path)? {
                live.insert(id);
            } else {
                let _ = fs::remove_file(path);
            }
        }
        for path in self.unfinished {
            // What is written under the lock of the queue is finished by now; what is written without it is locked itself.
            if !is_locked(&path)? {
                let _ = fs::remove_file(path);
            }
        }
        let now = i64::try_from(unix_ms() / 1000).unwrap_or(i64::MAX);
        let is_old = |since: i64| now.saturating_sub(since) > MIN_LEFTOVER_SECS;
        for id in self.stdin {
            let path = queue.stdin_file(id);
            if !known.contains(&id) && fs::metadata(&path).is_ok_and(|found| is_old(found.mtime())) {
                // Jobs wait for days, so its age does not say for how long it has had no job; that of its new name does.
                let _ = fs::rename(&path, aside(&path));
            }
        }
        for id in self.set_aside {
            let path = queue.stdin_file(id);
            if known.contains(&id) {
                let _ = fs::rename(aside(&path), path);
            } else if fs::metadata(aside(&path)).is_ok_and(|found| is_old(found.ctime())) {
                let _ = fs::remove_file(aside(&path));
            }
        }
        Ok(live)
    }
}

fn aside(stdin: &Path) -> PathBuf {
    stdin.with_extension("left")
}
