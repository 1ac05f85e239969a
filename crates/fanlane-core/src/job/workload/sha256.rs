//! `sha256`: the SHA-256 digest (FIPS 180-4) of a file, read in pieces. Not a check of anything against anything.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::argument::shown;
use super::{ArgumentInfo, ArgumentKind, CallContext, Parameters, WorkloadInfo};
use crate::job::CallValue;

pub(super) const INFO: WorkloadInfo = WorkloadInfo {
    name: "sha256",
    about: "The SHA-256 digest of a file, in 64 hexadecimal digits.",
    argument: ArgumentInfo {
        meaning: "file",
        unit: "relative to the job's working directory",
        kind: ArgumentKind::Path,
    },
    parameters: &[],
    example: NULL_DEVICE,
    example_value: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    needs_server: false,
    call,
};

/// The empty file that every machine has.
const NULL_DEVICE: &str = "/dev/null";

/// How much is read at once, in bytes.
const PIECE: usize = 64 * 1024;

fn call(argument: &[u8], _: &Parameters, _: &CallContext) -> Result<CallValue, String> {
    if argument.is_empty() {
        return Err(INFO.argument.wrong(argument));
    }
    let mut file = open(argument)?;
    let mut hasher = Sha256::new();
    let mut piece = vec![0; PIECE];
    loop {
        let length = match file.read(&mut piece) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(format!("cannot read {}: {error}", shown(argument))),
        };
        hasher.update(&piece[..length]);
    }
    Ok(CallValue::Text(format!("{:x}", hasher.finalize()).into()))
}

/// Opens a file that has an end: a pipe or a device could keep its reader for ever.
fn open(argument: &[u8]) -> Result<File, String> {
    let cannot_open = |error| format!("cannot open {}: {error}", shown(argument));
    let path = Path::new(OsStr::from_bytes(argument));
    // A pipe without a writer would already block here.
    let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(cannot_open)?;
    let metadata = file.metadata().map_err(cannot_open)?;
    let kind = metadata.file_type();
    let is_null = || std::fs::metadata(NULL_DEVICE).is_ok_and(|null| null.rdev() == metadata.rdev());
    let what = if kind.is_file() || kind.is_char_device() && is_null() {
        return Ok(file);
    } else if kind.is_dir() {
        "a directory"
    } else if kind.is_fifo() {
        "a pipe"
    } else {
        "a device"
    };
    Err(format!("cannot read {}: it is {what}, expected a regular file", shown(argument)))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    use std::path::Path;

    use super::INFO;
    use crate::job::CallValue;
    use crate::job::workload::tests::call_bytes;

    fn digest_of(path: &Path) -> Result<CallValue, String> {
        call_bytes(&INFO, path.as_os_str().as_bytes())
    }

    #[test]
    fn agrees_with_the_standards_examples() {
        let folder = tempfile::tempdir().unwrap();
        // A name that is no UTF-8 is a name all the same.
        let path = folder.path().join(OsStr::from_bytes(b"a b\xff"));
        for (content, digest) in [
            (&b"abc"[..], "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (&[b'a'; 1_000_000], "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
        ] {
            std::fs::write(&path, content).unwrap();
            assert_eq!(digest_of(&path), Ok(CallValue::Text(digest.into())));
        }
    }

    #[test]
    fn says_what_is_wrong_with_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let inside = |name: &str| folder.path().join(name);
        let pipe = inside("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).unwrap();
        let missing = inside("missing");
        let text = |path: &Path| String::from_utf8(path.as_os_str().to_owned().into_vec()).unwrap();
        for (path, message) in [
            (missing.as_path(), format!("cannot open {:?}: No such file or directory (os error 2)", text(&missing))),
            (&pipe, format!("cannot read {:?}: it is a pipe, expected a regular file", text(&pipe))),
            (
                folder.path(),
                format!("cannot read {:?}: it is a directory, expected a regular file", text(folder.path())),
            ),
            (Path::new("/dev/zero"), "cannot read \"/dev/zero\": it is a device, expected a regular file".to_owned()),
            (
                Path::new(""),
                "the file is empty, expected the path of a file (relative to the job's working directory)".to_owned(),
            ),
        ] {
            assert_eq!(digest_of(path), Err(message));
        }
        let with_nul = call_bytes(&INFO, b"a\0b").expect_err("no file has such a name");
        assert!(with_nul.starts_with("cannot open \"a\\0b\": "), "{with_nul}");
    }
}
