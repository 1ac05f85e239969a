//! Files that commands write on request: whole or not at all, and an existing one is replaced only with `--force`. A device,
//! a pipe or a descriptor of the program is written as it is.

use std::io::{self, Write};
use std::path::Path;

use anyhow::{Error, Result};

use fanlane_core::store::atomic_write::{self, Existing};
use fanlane_core::store::output_target;

/// What happens to an existing file.
pub const fn existing(force: bool) -> Existing {
    if force { Existing::Replace } else { Existing::Keep }
}

/// Writes a file.
///
/// # Errors
/// When it exists and `force` is not set, or when it cannot be written.
pub fn write(path: &Path, force: bool, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    let written = if output_target::is_stream(path) {
        output_target::create(path).and_then(|mut file| fill(&mut file))
    } else {
        atomic_write::write(path, existing(force), fill)
    };
    written.map_err(|error| {
        let refused = error.kind() == io::ErrorKind::AlreadyExists;
        let what = if refused { "exists already; name another file, or add --force" } else { "cannot be written" };
        Error::new(error).context(format!("{} {what}", path.display()))
    })
}
