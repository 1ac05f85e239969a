//! Why a command could not be started: messages that name the cause and what to do.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::command_line::EXPORTED_FUNCTION;
use crate::job::shell::SH;

/// The system has run out of something that comes back as soon as other processes have ended.
pub fn is_exhausted(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EMFILE | libc::ENFILE))
}

/// The cause may be gone in a moment.
pub fn is_passing(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOMEM | libc::ETXTBSY | libc::EINTR))
}

/// What is wrong with starting `words`, of which the first is the program.
pub fn describe(words: &[OsString], error: &io::Error) -> String {
    let program = words.first().map(Path::new).unwrap_or_else(|| Path::new(SH));
    let name = program.display();
    let has_folder = program.components().count() > 1;
    match error.raw_os_error() {
        Some(libc::ENOENT) if has_folder && program.exists() => format!(
            "cannot start {name}: the interpreter that its first line names is not there; install it, or correct the line"
        ),
        Some(libc::ENOENT) if has_folder => format!("cannot start {name}: there is no such file; check the path"),
        Some(libc::ENOENT) if is_function(program.as_os_str()) => format!(
            "cannot start {name}: it is a function of bash and no program; have bash run the command line: --shell bash, without \
             --no-shell and -q"
        ),
        Some(libc::ENOENT) => {
            format!("cannot start {name}: no program of that name is on the PATH; check the spelling, or install it")
        }
        Some(libc::EACCES) if program.is_dir() => format!("cannot start {name}: it is a folder, not a program"),
        Some(libc::EACCES) if is_executable(program) => format!(
            "cannot start {name}: its file may be executed, but not by you or not where it lies, for example on a file \
             system that is mounted with noexec; copy it elsewhere, or start it through its interpreter"
        ),
        Some(libc::EACCES) => {
            format!("cannot start {name}: you may not execute it; `chmod +x` it, or start it through its interpreter")
        }
        Some(libc::ENOEXEC) => format!(
            "cannot start {name}: it is no program that this system can execute; if it is a script, name its interpreter in \
             its first line, as in #!/bin/sh"
        ),
        Some(libc::E2BIG) => {
            "cannot start the command: it is longer than the system takes; give the task fewer or shorter values"
                .to_owned()
        }
        _ if words.iter().any(|word| word.as_encoded_bytes().contains(&0)) => {
            "cannot start the command: it contains a NUL byte, which no argument can".to_owned()
        }
        _ => format!("cannot start {name}: {error}"),
    }
}

/// Whether the file's mode allows its execution by some user.
fn is_executable(program: &Path) -> bool {
    program.metadata().is_ok_and(|file| file.permissions().mode() & 0o111 != 0)
}

/// Whether `bash` has handed on a function of that name.
fn is_function(program: &OsStr) -> bool {
    let name = [EXPORTED_FUNCTION, program.as_bytes(), b"%%"].concat();
    std::env::var_os(OsStr::from_bytes(&name)).is_some()
}
