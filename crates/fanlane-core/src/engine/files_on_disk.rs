//! Files as both sides of a transfer read and make them: a listing of what is there, and new files that have their name only when
//! they are whole.

use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::files::{FileEntry, FileKind, MAX_ENTRIES};
use crate::job::remote_files::path_of;
use fanlane_os::new_file_mask::new_file_mask;

/// The path of an entry of a listing of `root`.
pub fn below(root: &Path, within: &[u8]) -> PathBuf {
    if within.is_empty() { root.to_owned() } else { root.join(path_of(within)) }
}

/// What is at `path`: a file or a link alone, or a folder with all that is in it, each folder before what it holds. What is neither a
/// file, a folder nor a link is left out within a folder.
///
/// # Errors
/// When there is nothing, it cannot be read, or it is of another kind; in words.
pub fn list(path: &Path) -> Result<Vec<FileEntry>, String> {
    let mut entries = Vec::new();
    let mut waiting = vec![Vec::new()];
    while let Some(within) = waiting.pop() {
        let place = below(path, &within);
        let fault = |error: io::Error| format!("{}: {error}", place.display());
        // A link that is named itself means what it leads to; those within a folder stay links.
        let found = if within.is_empty() { fs::metadata(&place) } else { fs::symlink_metadata(&place) };
        let found = found.map_err(fault)?;
        let kind = if found.is_dir() {
            let mut names: Vec<Vec<u8>> = Vec::new();
            for entry in fs::read_dir(&place).map_err(fault)? {
                names.push(entry.map_err(fault)?.file_name().into_vec());
            }
            names.sort_unstable_by(|one, other| other.cmp(one));
            let prefix = if within.is_empty() { Vec::new() } else { [&*within, b"/"].concat() };
            waiting.extend(names.into_iter().map(|name| [&*prefix, &*name].concat()));
            FileKind::Folder
        } else if found.is_file() {
            FileKind::File { bytes: found.size() }
        } else if found.is_symlink() {
            FileKind::Link { target: fs::read_link(&place).map_err(fault)?.into_os_string().into_vec() }
        } else if within.is_empty() {
            return Err(format!("{}: it is neither a file nor a folder", place.display()));
        } else {
            continue;
        };
        if entries.len() + waiting.len() > MAX_ENTRIES {
            return Err(format!("{}: there are more than {MAX_ENTRIES} files in it", path.display()));
        }
        entries.push(FileEntry { within, kind, mode: found.mode() & 0o7777 });
    }
    Ok(entries)
}

/// A file on its way into its place.
#[derive(Debug)]
pub struct NewFile {
    path: PathBuf,
    file: NamedTempFile,
    mode: u32,
}

impl NewFile {
    /// Begins a file at `path`; folders above it are made.
    ///
    /// # Errors
    /// When it cannot be; in words.
    pub fn begin(path: &Path, mode: u32) -> Result<Self, String> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // Another task may remove the folder, which it has found empty, before there is something in it.
        const TRIES: u32 = 20;
        let mut tries = 0;
        loop {
            make_folder(folder)?;
            tries += 1;
            match tempfile::Builder::new().prefix(".fanlane-").tempfile_in(folder) {
                Ok(file) => return Ok(Self { path: path.to_owned(), file, mode }),
                Err(error) if error.kind() == io::ErrorKind::NotFound && tries < TRIES => {}
                Err(error) => return Err(format!("{}: {error}", path.display())),
            }
        }
    }

    /// Adds to its content.
    ///
    /// # Errors
    /// Errors of the system.
    pub fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    /// An error about it in words.
    pub fn fault(&self, error: &io::Error) -> String {
        format!("{}: {error}", self.path.display())
    }

    /// Gives it its permissions, as far as those of new files go, and its name.
    ///
    /// # Errors
    /// When it cannot have them; in words.
    pub fn finish(self) -> Result<(), String> {
        let Self { path, file, mode } = self;
        let fault = |error: io::Error| format!("{}: {error}", path.display());
        let mode = mode & 0o777 & !new_file_mask();
        file.as_file().set_permissions(Permissions::from_mode(mode)).map_err(fault)?;
        file.persist(&path).map_err(|error| fault(error.error))?;
        Ok(())
    }
}

/// Makes a folder with all above it.
///
/// # Errors
/// When it cannot be made; in words.
pub fn make_folder(path: &Path) -> Result<(), String> {
    fs::create_dir_all(path).map_err(|error| format!("the folder {} cannot be made: {error}", path.display()))
}

/// Makes a folder for this user alone, unless it is there.
///
/// # Errors
/// Errors of the system.
pub fn make_private_folder(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Makes a symbolic link, in place of another if there is one.
///
/// # Errors
/// When it cannot be made; in words.
pub fn make_link(path: &Path, target: &[u8]) -> Result<(), String> {
    let fault = |error: io::Error| format!("the link {} cannot be made: {error}", path.display());
    if let Some(folder) = path.parent() {
        make_folder(folder)?;
    }
    if fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink()) {
        fs::remove_file(path).map_err(fault)?;
    }
    std::os::unix::fs::symlink(std::ffi::OsStr::from_bytes(target), path).map_err(fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_listed_with_all_in_it_each_folder_before_what_it_holds() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("root");
        make_folder(&root.join("sub/deep")).expect("made");
        fs::write(root.join("sub/deep/file"), "12345").expect("written");
        fs::write(root.join("-a \n'"), "").expect("written");
        make_link(&root.join("link"), b"/nowhere").expect("made");
        let entries = list(&root).expect("listed");
        let names: Vec<&[u8]> = entries.iter().map(|entry| &*entry.within).collect();
        assert_eq!(names, [b"", &b"-a \n'"[..], b"link", b"sub", b"sub/deep", b"sub/deep/file"]);
        assert_eq!(entries[5].kind, FileKind::File { bytes: 5 });
        assert_eq!(entries[2].kind, FileKind::Link { target: b"/nowhere".to_vec() });
        assert!(list(&root.join("none")).expect_err("nothing").contains("No such file"));
        assert!(list(Path::new("/dev/null")).expect_err("a device").contains("neither"));
    }

    #[test]
    fn permissions_are_those_of_the_source_as_far_as_new_files_have_them() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("tool");
        NewFile::begin(&path, 0o4777).and_then(NewFile::finish).expect("made");
        assert_eq!(fs::metadata(&path).expect("there").mode() & 0o7777, 0o777 & !new_file_mask());
    }
}
