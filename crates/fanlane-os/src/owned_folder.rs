//! Folders whose names say which process owns them, so that what a killed process has left is removed by a later one.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::process_id::ProcessId;
use crate::process_tree;

/// The start of the names of a process's folders, behind which a `-` and letters of its own follow. It names the pid namespace
/// too: a container that shares the place has other pids.
///
/// # Errors
/// When the namespace is not known.
pub fn name_start(prefix: &str, owner: ProcessId) -> io::Result<String> {
    // Of this process: one that has ended is in none any more.
    let namespace = process_tree::pid_namespace(std::process::id()).ok_or(io::ErrorKind::NotFound)?;
    Ok(format!("{prefix}{namespace:x}-{:x}", owner.as_word()))
}

/// Removes the folders in `place` that killed processes of this user have left.
///
/// # Errors
/// When the place cannot be read.
pub fn sweep(place: &Path, prefix: &str) -> io::Result<()> {
    let me = rustix::process::geteuid().as_raw();
    for entry in fs::read_dir(place)?.flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| {
            let (_, word) = name.rsplit_once('-')?.0.rsplit_once('-')?;
            let process = ProcessId::from_word(u64::from_str_radix(word, 16).ok()?)?;
            // The whole start of the name must be that of the process.
            name.starts_with(&format!("{}-", name_start(prefix, process).ok()?)).then_some(process)
        });
        // No link is followed.
        let is_ours = || entry.metadata().is_ok_and(|found| found.is_dir() && found.uid() == me);
        if owner.is_some_and(|process| !process.is_alive()) && is_ours() {
            // Another process may remove it at the same time.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    Ok(())
}
