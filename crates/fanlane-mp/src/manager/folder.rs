//! The folder of a manager's socket and key: for this user alone, and removed with the manager. The folder of a killed
//! manager is removed by the next one.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use fanlane_os::process_id::ProcessId;
use fanlane_os::{owned_folder, socket};

const PREFIX: &str = "fanlane-manager-";

/// A folder of this process, for this user alone, in the folder for temporary files. It is removed with this value.
#[derive(Debug)]
pub struct Folder(TempDir);

impl Folder {
    /// Makes a folder, and removes those that killed processes of this user have left.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn create() -> io::Result<Self> {
        let temporary = std::env::temp_dir();
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|folder| folder.is_absolute());
        let others: Vec<PathBuf> = runtime.into_iter().chain(["/tmp".into()]).collect();
        Self::create_in(&temporary, &others)
    }

    /// Makes a folder in `place`, or in one of `others` where the path of its socket would be longer than the system takes, or
    /// no text: clients in other languages have to reach it, too.
    fn create_in(place: &Path, others: &[PathBuf]) -> io::Result<Self> {
        let name = owned_folder::name_start(PREFIX, ProcessId::own())?;
        let fits = |place: &&Path| {
            // With the letters that make the name unique.
            let socket = place.join(format!("{name}-123456")).join("manager");
            socket.to_str().is_some() && socket::is_short(&socket)
        };
        let make = |place: &Path| {
            // A folder that cannot be removed does no harm.
            let _ = owned_folder::sweep(place, PREFIX);
            tempfile::Builder::new()
                .prefix(&format!("{name}-"))
                .permissions(Permissions::from_mode(0o700))
                .tempdir_in(place)
                .map(Self)
        };
        let reachable = std::iter::once(place).chain(others.iter().map(PathBuf::as_path)).filter(fits);
        reachable.map(make).find(Result::is_ok).unwrap_or_else(|| make(place))
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::MetadataExt;

    use super::*;

    fn name_of(process: ProcessId) -> io::Result<String> {
        owned_folder::name_start(PREFIX, process)
    }

    fn sweep(place: &Path) -> io::Result<()> {
        owned_folder::sweep(place, PREFIX)
    }

    #[test]
    fn it_is_for_its_owner_alone_and_what_the_dead_have_left_is_removed() {
        let place = tempfile::tempdir().unwrap();
        let mut child = std::process::Command::new("/bin/cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        let began = fanlane_os::process_tree::live_start_ticks(child.id()).unwrap();
        let other = ProcessId::from_word(began << 32 | u64::from(child.id())).unwrap();
        let of = |process, rest: &str| place.path().join(format!("{}-{rest}", name_of(process).unwrap()));
        let (own, others) = (of(ProcessId::own(), "a1"), of(other, "b2"));
        let elsewhere = others.to_str().unwrap().replace(PREFIX, "fanlane-manager-f");
        let strange = [elsewhere.as_str(), "fanlane-manager-", "fanlane-manager-1-2", "fanlane-manager-x-y-z", "other"];
        let strange = strange.map(|name| place.path().join(name));
        for folder in [&own, &others].into_iter().chain(&strange) {
            fs::create_dir(folder).unwrap();
            fs::write(folder.join("key"), "secret").unwrap();
        }
        let link = of(other, "c3");
        std::os::unix::fs::symlink(&strange[4], &link).unwrap();
        sweep(place.path()).unwrap();
        assert!(others.exists(), "its process lives");
        drop(child.stdin.take());
        child.wait().unwrap();
        sweep(place.path()).unwrap();
        assert!(!others.exists() && own.exists() && strange[4].join("key").exists() && link.is_symlink());
        assert!(strange.iter().all(|folder| folder.join("key").exists()));

        let folder = Folder::create().unwrap();
        assert_eq!(fs::metadata(folder.path()).unwrap().mode() & 0o777, 0o700);
        let path = folder.path().to_owned();
        assert!(path.file_name().unwrap().to_str().unwrap().starts_with(&name_of(ProcessId::own()).unwrap()));
        drop(folder);
        assert!(!path.exists());
    }

    #[test]
    fn a_place_that_is_long_or_no_text_is_left_for_another() {
        use std::os::unix::ffi::OsStrExt;

        let root = tempfile::tempdir().unwrap();
        let short = root.path().join("s");
        fs::create_dir(&short).unwrap();
        for name in [&[b'x'; 140][..], b"caf\xe9"] {
            let place = root.path().join(std::ffi::OsStr::from_bytes(name));
            fs::create_dir(&place).unwrap();
            let folder = Folder::create_in(&place, std::slice::from_ref(&short)).unwrap();
            assert!(folder.path().starts_with(&short));
            // Where there is no other, it is this one.
            let folder = Folder::create_in(&place, &[root.path().join("missing")]).unwrap();
            assert!(folder.path().starts_with(&place));
        }
        let folder = Folder::create_in(&short, &[]).unwrap();
        assert!(folder.path().starts_with(&short));
    }
}
