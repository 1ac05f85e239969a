//! What a task's payload asks to start: a program with its arguments, variables and standard input.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Seek, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{MemfdFlags, Mode, OFlags};

use crate::engine::protocol::{CommandKind, StdinKind};

use super::command_line::{LineStarter, Started};
use super::file_part;

/// A program to be started.
pub struct Invocation {
    /// The program and its arguments.
    pub words: Vec<OsString>,
    /// The shell that would have started them, where the line can do without.
    pub spared: Option<OsString>,
    /// Variables on top of the worker's own.
    pub variables: Vec<(String, OsString)>,
    /// `None`: the null device, which is the worker's own standard input.
    pub stdin: Option<File>,
}

impl Invocation {
    /// Reads a payload.
    ///
    /// # Errors
    /// A message for the job's author, when the standard input cannot be had.
    pub fn read(kind: &CommandKind, starter: &LineStarter, payload: Vec<u8>) -> Result<Self, String> {
        if !kind.is_extended() {
            let Started { words, spared } = starter.start(payload);
            return Ok(Self { words, spared, variables: Vec::new(), stdin: None });
        }
        let mut rest = payload.as_slice();
        let line = part(&mut rest).to_vec();
        let variables = kind.variables.iter().map(|name| (name.clone(), OsStr::from_bytes(part(&mut rest)).to_owned()));
        let variables = variables.collect();
        let stdin = match kind.stdin {
            StdinKind::Nothing => None,
            StdinKind::Text => Some(
                held_in_memory(part(&mut rest))
                    .map_err(|error| format!("the text for standard input cannot be held: {error}"))?,
            ),
            StdinKind::File => {
                let path = Path::new(OsStr::from_bytes(part(&mut rest)));
                Some(open(path).map_err(|error| {
                    format!("{} cannot be opened as standard input: {error}; check the path", path.display())
                })?)
            }
            StdinKind::Part => Some(file_part::begin(part(&mut rest)).map_err(|(path, error)| {
                format!("{} cannot be read as standard input: {error}; check the file", path.display())
            })?),
        };
        let Started { words, spared } = starter.start(line);
        Ok(Self { words, spared, variables, stdin })
    }

    /// The same through a shell, which knows what to do about a file that the system does not execute, such as a script
    /// without a first line that names its interpreter; `None` where no shell is to be used, or one is already.
    pub fn through_shell(&self) -> Option<Vec<OsString>> {
        let shell = [self.spared.clone()?, "-c".into(), r#""$0" "$@""#.into()];
        Some(shell.into_iter().chain(self.words.iter().cloned()).collect())
    }
}

/// The next part of an extended payload. Both sides are the same program, so what is missing is not expected.
fn part<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let Some((length, behind)) = rest.split_first_chunk::<4>() else { return &[] };
    let (part, behind) = behind.split_at((u32::from_le_bytes(*length) as usize).min(behind.len()));
    *rest = behind;
    part
}

/// A file without a name: the command reads it at its own pace, and no thread has to feed it meanwhile.
fn held_in_memory(text: &[u8]) -> io::Result<File> {
    let mut file = File::from(rustix::fs::memfd_create("stdin", MemfdFlags::CLOEXEC)?);
    file.write_all(text)?;
    file.rewind()?;
    Ok(file)
}

/// A pipe without a writer must not hold up the lane, which could not even be stopped then.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let file = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK, Mode::empty())?;
    rustix::fs::fcntl_setfl(&file, OFlags::empty())?;
    let file = File::from(file);
    if file.metadata()?.is_dir() {
        return Err(io::Error::other("it is a folder"));
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::ffi::OsStringExt;

    use super::*;
    use crate::job::Shell;

    fn extended(parts: &[&[u8]]) -> Vec<u8> {
        let mut payload = Vec::new();
        for part in parts {
            payload.extend_from_slice(&u32::try_from(part.len()).expect("it is short").to_le_bytes());
            payload.extend_from_slice(part);
        }
        payload
    }

    #[test]
    fn words_without_a_shell_are_arguments_as_they_are() {
        let kind = CommandKind { shell: Shell::None, ..CommandKind::default() };
        let invocation =
            Invocation::read(&kind, &LineStarter::new(&kind), b"echo\0a b\0\0$HOME;'\0\xff".to_vec()).expect("read");
        let words: Vec<&[u8]> = invocation.words.iter().map(|word| word.as_bytes()).collect();
        assert_eq!(words, [&b"echo"[..], b"a b", b"", b"$HOME;'", b"\xff"]);
        assert!(invocation.stdin.is_none() && invocation.variables.is_empty());
        assert_eq!(invocation.through_shell(), None);
    }

    #[test]
    fn variables_and_a_text_stand_behind_the_line() {
        let kind = CommandKind {
            shell: Shell::Sh,
            variables: vec!["A".into(), "B".into()],
            stdin: StdinKind::Text,
            has_files: false,
        };
        let payload = extended(&[b"cat x", b"", b"b\xff b", b"in\nput"]);
        let mut invocation = Invocation::read(&kind, &LineStarter::new(&kind), payload).expect("read");
        assert_eq!(invocation.words, ["cat", "x"]);
        let expected = [("A".to_owned(), OsString::new()), ("B".into(), OsString::from_vec(b"b\xff b".to_vec()))];
        assert_eq!(invocation.variables, expected);
        let mut text = String::new();
        invocation.stdin.take().expect("a text").read_to_string(&mut text).expect("it can be read");
        assert_eq!(text, "in\nput");
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let kind = CommandKind { stdin: StdinKind::File, ..CommandKind::default() };
        for (path, reason) in [("/nowhere/at/all", "No such file"), ("/", "it is a folder")] {
            let starter = LineStarter::new(&kind);
            let fault =
                Invocation::read(&kind, &starter, extended(&[b"cat", path.as_bytes()])).err().expect("it is not there");
            assert!(fault.starts_with(&format!("{path} cannot be opened")) && fault.contains(reason), "{fault}");
        }
    }
}
