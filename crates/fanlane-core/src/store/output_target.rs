//! Opening the files that a run writes while it goes on, by the names that users give: a regular file, a pipe or a device; or
//! one of this program's own descriptors, such as `/dev/stderr`, which is written where it stands and never truncated.

use std::fs::File;
use std::io;
use std::path::Path;

use fanlane_os::own_descriptor;

/// Opens `path` to be written from its beginning. A regular file is created or truncated.
///
/// # Errors
/// Errors of the system.
pub fn create(path: &Path) -> io::Result<File> {
    match own_descriptor::of_path(path) {
        Some(descriptor) => descriptor.map(File::from),
        None => File::create(path),
    }
}

/// Opens `path` to be written behind what it holds. A missing file is created.
///
/// # Errors
/// Errors of the system.
pub fn append(path: &Path) -> io::Result<File> {
    match own_descriptor::of_path(path) {
        Some(descriptor) => descriptor.map(File::from),
        None => File::options().create(true).append(true).open(path),
    }
}

/// Whether `path` is there and is no regular file: it can be neither replaced nor read again.
pub fn is_stream(path: &Path) -> bool {
    own_descriptor::of_path(path).is_some()
        || path.metadata().is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
}
