//! Finding the files that match a pattern, below a folder, in the order of their bytes.
//!
//! The `glob` crate says what a single name matches; its own walk is not used, because it silently leaves out names that are
//! not Unicode, and hidden files even where the pattern asks for them.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern, PatternError};

use super::InputError;

/// One part of a pattern, between slashes.
enum Part<'a> {
    /// A name without wildcards.
    Name(&'a str),
    /// A name with wildcards.
    Wild(Pattern),
    /// `**`: any folders, also none.
    Folders,
}

/// The paths that match `pattern`, as it writes them: relative ones are relative to `folder`.
pub(super) fn matches(pattern: &str, folder: &Path) -> Result<Vec<Vec<u8>>, InputError> {
    let bad = |error: PatternError| InputError::BadPattern {
        pattern: pattern.to_owned(),
        column: error.pos + 1,
        reason: error.msg,
    };
    Pattern::new(pattern).map_err(bad)?;
    let mut parts = Vec::new();
    for name in pattern.split('/').filter(|name| !name.is_empty()) {
        match name {
            "**" if matches!(parts.last(), Some(Part::Folders)) => {}
            "**" => parts.push(Part::Folders),
            _ if name.contains(['*', '?', '[']) => parts.push(Part::Wild(Pattern::new(name).map_err(bad)?)),
            _ => parts.push(Part::Name(name)),
        }
    }
    let start = if pattern.starts_with('/') { PathBuf::from("/") } else { PathBuf::new() };
    let mut walk = Walk { folder, only_folders: pattern.ends_with('/'), found: Vec::new() };
    walk.step(&parts, start)?;
    walk.found.sort_unstable();
    walk.found.dedup();
    Ok(walk.found)
}

struct Walk<'a> {
    folder: &'a Path,
    only_folders: bool,
    found: Vec<Vec<u8>>,
}

impl Walk<'_> {
    fn step(&mut self, parts: &[Part<'_>], so_far: PathBuf) -> Result<(), InputError> {
        let Some((part, rest)) = parts.split_first() else {
            self.take(&so_far);
            return Ok(());
        };
        match part {
            Part::Name(name) => {
                let path = so_far.join(name);
                if fs::symlink_metadata(self.folder.join(&path)).is_ok() {
                    self.step(rest, path)?;
                }
            }
            Part::Wild(pattern) => {
                let wants_hidden = pattern.as_str().starts_with('.');
                for name in self.names_in(&so_far)? {
                    if is_hidden(&name) == wants_hidden && fits(pattern, &name) {
                        self.step(rest, so_far.join(OsStr::from_bytes(&name)))?;
                    }
                }
            }
            Part::Folders => {
                if !rest.is_empty() {
                    self.step(rest, so_far.clone())?;
                }
                for name in self.names_in(&so_far)?.iter().filter(|name| !is_hidden(name)) {
                    let path = so_far.join(OsStr::from_bytes(name));
                    if rest.is_empty() {
                        self.take(&path);
                    }
                    // A link to a parent folder would be an endless loop.
                    if fs::symlink_metadata(self.folder.join(&path)).is_ok_and(|found| found.is_dir()) {
                        self.step(parts, path)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, path: &Path) {
        let mut bytes = path.as_os_str().as_bytes().to_vec();
        if self.only_folders {
            if !self.folder.join(path).is_dir() {
                return;
            }
            if !bytes.ends_with(b"/") {
                bytes.push(b'/');
            }
        }
        self.found.push(bytes);
    }

    /// The names in a folder; none if it is not a folder.
    fn names_in(&self, path: &Path) -> Result<Vec<Vec<u8>>, InputError> {
        let full = self.folder.join(path);
        // The empty path is how `Path::parent` says the current folder.
        let full = if full.as_os_str().is_empty() { PathBuf::from(".") } else { full };
        let unreadable = |source| InputError::Unreadable { origin: full.display().to_string(), source };
        let entries = match fs::read_dir(&full) {
            Ok(entries) => entries,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotADirectory | io::ErrorKind::NotFound) => {
                return Ok(Vec::new());
            }
            Err(error) => return Err(unreadable(error)),
        };
        entries
            .map(|entry| entry.map(|entry| entry.file_name().as_bytes().to_vec()))
            .collect::<io::Result<_>>()
            .map_err(unreadable)
    }
}

fn is_hidden(name: &[u8]) -> bool {
    name.starts_with(b".")
}

/// Bytes that are not Unicode are matched like one unknown character.
fn fits(pattern: &Pattern, name: &[u8]) -> bool {
    let options = MatchOptions {
        case_sensitive: true,
        require_literal_separator: true,
        // What is hidden was decided above.
        require_literal_leading_dot: false,
    };
    pattern.matches_with(&String::from_utf8_lossy(name), options)
}
