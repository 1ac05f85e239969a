//! Atomic replacement of files: a reader finds the old content or the new one, also after a crash. The new content is
//! written to another file beside it, which takes over the name once it is on the disk.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use tempfile::{Builder, NamedTempFile, TempPath};

/// What becomes of a file that is already there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It is replaced.
    Replace,
    /// It stays, and the write fails with [`io::ErrorKind::AlreadyExists`].
    Keep,
}

/// How the name of a file begins and ends while it is written.
pub(crate) const UNFINISHED: (&str, &str) = (".saving-", ".tmp");

/// A new file in an existing folder, under another name until it is [`put`] in its place; it is removed if it never is.
///
/// # Errors
/// Errors of the system.
pub(crate) fn begin(folder: &Path) -> io::Result<(File, TempPath)> {
    // The permissions are those of any new file, and errors must not name the temporary file.
    let open = |path: &Path| File::options().read(true).write(true).create_new(true).open(path);
    Builder::new().prefix(UNFINISHED.0).suffix(UNFINISHED.1).make_in(folder, open).map(NamedTempFile::into_parts)
}

/// Gives a new file its name in the same folder, which is not synced.
///
/// # Errors
/// Errors of the system; what had the name is unchanged then.
pub(crate) fn put(new: TempPath, path: &Path, existing: Existing) -> io::Result<()> {
    match existing {
        Existing::Replace => new.persist(path),
        Existing::Keep => new.persist_noclobber(path),
    }
    .map_err(|error| error.error)
}

/// Writes a whole file. `path` must name a file in an existing folder.
///
/// # Errors
/// Errors of the system. Until the rename, the file is unchanged; if only the sync of the folder fails, the new content
/// is in place but might not survive a power failure.
pub fn write(path: &Path, existing: Existing, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let (mut file, new) = begin(folder)?;
    fill(&mut file)?;
    file.sync_all()?;
    put(new, path, existing)?;
    sync_folder(folder)
}

/// Makes names created, changed or removed in a folder survive a power failure.
///
/// # Errors
/// Errors of the system.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// If the process dies while it writes, the name refers to the old content.
    #[test]
    fn the_name_leads_to_the_old_content_until_all_is_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.ron");
        fs::write(&path, "old").expect("written");
        let inode_before = std::os::unix::fs::MetadataExt::ino(&fs::metadata(&path).expect("there"));
        write(&path, Existing::Replace, |file| {
            for piece in ["ne", "w"] {
                file.write_all(piece.as_bytes())?;
                file.flush()?;
                assert_eq!(fs::read_to_string(&path)?, "old");
            }
            Ok(())
        })
        .expect("written");
        assert_eq!(fs::read_to_string(&path).expect("there"), "new");
        let inode = std::os::unix::fs::MetadataExt::ino(&fs::metadata(&path).expect("there"));
        assert_ne!(inode, inode_before, "the old file itself was written to");
        assert_eq!(names(folder.path()), ["a.ron"]);
    }

    #[test]
    fn a_write_that_fails_leaves_the_old_content_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.ron");
        fs::write(&path, "old").expect("written");
        let error = write(&path, Existing::Replace, |file| {
            file.write_all(b"ne")?;
            Err(io::Error::from(io::ErrorKind::StorageFull))
        })
        .expect_err("fails");
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert_eq!(fs::read_to_string(&path).expect("there"), "old");
        assert_eq!(names(folder.path()), ["a.ron"]);
    }

    #[test]
    fn an_error_does_not_name_the_temporary_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = write(&folder.path().join("gone/a.ron"), Existing::Replace, |_| Ok(())).expect_err("no folder");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(!error.to_string().contains(".saving-"), "{error}");
    }

    #[test]
    fn a_file_that_is_to_be_kept_is_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.ron");
        write(&path, Existing::Keep, |file| file.write_all(b"first")).expect("written");
        let error = write(&path, Existing::Keep, |file| file.write_all(b"second")).expect_err("is there");
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).expect("there"), "first");
        assert_eq!(names(folder.path()), ["a.ron"]);
    }
}
