//! Programs by their names, found as a shell finds them.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The program that `name` stands for: in the first folder of the PATH that has it, or where it says itself if it names a folder,
/// too. `None` where no file is there that may be executed.
pub fn find_program(name: &OsStr) -> Option<PathBuf> {
    find_program_in(name, &std::env::var_os("PATH").unwrap_or_default(), Path::new(""))
}

/// The same with another PATH; relative folders and names begin in `base`.
pub fn find_program_in(name: &OsStr, path: &OsStr, base: &Path) -> Option<PathBuf> {
    if name.as_bytes().contains(&b'/') {
        return Some(base.join(name)).filter(|path| is_program(path));
    }
    std::env::split_paths(path).map(|folder| base.join(folder).join(name)).find(|path| is_program(path))
}

/// Whether this is a file that some user may execute.
pub fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_an_executable_file_on_the_path_or_at_its_place() {
        let found = |name: &str| find_program(OsStr::new(name));
        let shell = found("sh").expect("every system has one");
        assert!(shell.is_absolute() && found(&shell.to_string_lossy()).is_some(), "{shell:?}");
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("no-program");
        std::fs::write(&file, "").expect("written");
        let names = [file.to_string_lossy().into_owned(), folder.path().to_string_lossy().into_owned()];
        for name in names.iter().map(String::as_str).chain(["no-program-of-this-name", "/bin", "", "/"]) {
            assert_eq!(found(name), None, "{name:?}");
        }
    }
}
