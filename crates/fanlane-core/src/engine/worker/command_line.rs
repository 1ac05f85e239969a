//! Whether a command line needs a shell. One that only names a program and its arguments is started directly, which
//! saves the start of a shell; the result is what the shell would have done. Shells that read files of the user's first are
//! never spared.
//!
//! The idea is GNU make's: look for anything that the shell would act on, and when in doubt take the shell.

use std::collections::HashSet;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use crate::engine::protocol::CommandKind;
use crate::job::Shell;
use crate::job::shell::SH;

/// How the name of a variable begins in which `bash` hands on a function; `%%` stands behind the function's name.
pub const EXPORTED_FUNCTION: &[u8] = b"BASH_FUNC_";

/// Words that a shell does not look up as a program, or carries out itself, perhaps a little differently.
const SHELL_WORDS: &str = ". : [ alias bg bind break builtin caller case cd chdir command compgen complete compopt continue coproc \
    declare dirs disown do done echo elif else enable esac eval exec exit export false fc fg fi for function getopts hash help \
    history if in jobs kill let local logout mapfile newgrp popd printf pushd pwd read readarray readonly return select set \
    shift shopt source suspend test then time times trap true type typeset ulimit umask unalias unset until wait while";

/// How the command lines of a job are started.
#[derive(Debug)]
pub struct LineStarter {
    /// The shell; `None`: payloads are words.
    shell: Option<OsString>,
    /// It can be spared for a simple line.
    is_spared: bool,
    /// The functions in the environment, which the shell runs in place of programs of these names.
    functions: HashSet<Vec<u8>>,
}

/// A program to be started for a line.
#[derive(Debug, PartialEq, Eq)]
pub struct Started {
    /// The program and its arguments.
    pub words: Vec<OsString>,
    /// The shell that would have started it.
    pub spared: Option<OsString>,
}

impl LineStarter {
    /// For commands of this kind, in the environment of this process.
    pub fn new(kind: &CommandKind) -> Self {
        let has = |name: &str| std::env::var_os(name).is_some() || kind.variables.iter().any(|own| own == name);
        let is_bash = |path: &Path| path.file_name().is_some_and(|name| name == "bash");
        let reads_functions = match &kind.shell {
            // On some systems it is `bash`.
            Shell::Sh => Path::new(SH).canonicalize().is_ok_and(|program| is_bash(&program)),
            Shell::Named(program) => is_bash(Path::new(program)),
            Shell::None => false,
        };
        let names = std::env::vars_os().filter(|_| reads_functions).filter_map(|(name, _)| {
            Some(name.as_bytes().strip_prefix(EXPORTED_FUNCTION)?.strip_suffix(b"%%")?.to_vec())
        });
        Self {
            shell: kind.shell.program().map(OsString::from),
            is_spared: kind.shell.is_spared(has),
            functions: names.collect(),
        }
    }

    /// What is started for a payload.
    pub fn start(&self, payload: Vec<u8>) -> Started {
        let Some(shell) = &self.shell else {
            let words = payload.split(|byte| *byte == 0).map(|word| OsString::from_vec(word.to_vec())).collect();
            return Started { words, spared: None };
        };
        let is_function =
            |words: &Vec<OsString>| words.first().is_some_and(|word| self.functions.contains(word.as_bytes()));
        match simple_words(&payload).filter(|words| self.is_spared && !is_function(words)) {
            Some(words) => Started { words, spared: Some(shell.clone()) },
            None => Started { words: vec![shell.clone(), "-c".into(), OsString::from_vec(payload)], spared: None },
        }
    }
}

/// Program and arguments of a line that needs no shell; `None` where it might.
fn simple_words(line: &[u8]) -> Option<Vec<OsString>> {
    let mut words: Vec<OsString> = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut first_quoted = false;
    let mut bytes = line.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b' ' | b'\t' => words.extend(word.take().map(OsString::from_vec)),
            b'\'' => {
                first_quoted |= words.is_empty();
                let word = word.get_or_insert_default();
                loop {
                    match bytes.next()? {
                        b'\'' => break,
                        quoted => word.push(quoted),
                    }
                }
            }
            b'\\' => {
                first_quoted |= words.is_empty();
                match bytes.next()? {
                    b'\n' => return None,
                    escaped => word.get_or_insert_default().push(escaped),
                }
            }
            b'=' if words.is_empty() => return None,
            plain if is_plain(plain) => word.get_or_insert_default().push(plain),
            _ => return None,
        }
    }
    words.extend(word.map(OsString::from_vec));
    let program = words.first()?;
    let known_to_shell = program.is_empty() || SHELL_WORDS.split(' ').any(|word| program == word);
    (!first_quoted && !known_to_shell).then_some(words)
}

/// Bytes that mean nothing to a shell, wherever they stand.
const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || byte >= 0x80
        || matches!(byte, b'_' | b'@' | b'%' | b'+' | b'=' | b':' | b',' | b'.' | b'/' | b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_lines_are_split_as_the_shell_splits_them() {
        for (line, words) in [
            ("/bin/true", vec!["/bin/true"]),
            ("  convert a.png \t b.png ", vec!["convert", "a.png", "b.png"]),
            ("sleep 0.5", vec!["sleep", "0.5"]),
            (r"cat a\ b it\'s", vec!["cat", "a b", "it's"]),
            ("cat 'a  b'c '' x''y", vec!["cat", "a  bc", "", "xy"]),
            ("cat '$HOME;`x`'", vec!["cat", "$HOME;`x`"]),
            ("env A=1 ls", vec!["env", "A=1", "ls"]),
            ("cat é", vec!["cat", "é"]),
        ] {
            let found = simple_words(line.as_bytes()).unwrap_or_else(|| panic!("{line} was left to the shell"));
            assert_eq!(found, words, "{line}");
        }
    }

    #[test]
    fn what_the_shell_acts_on_is_left_to_it() {
        for line in [
            "",
            "   ",
            "A=1 ls",
            "cd /tmp",
            "echo x",
            "exit 3",
            "ls *",
            "ls ~",
            "ls | wc",
            "ls; ls",
            "ls && ls",
            "ls > x",
            "ls $HOME",
            "ls \"a\"",
            "ls `x`",
            "(ls)",
            "{ ls; }",
            "ls #x",
            "ls a?",
            "ls [a]",
            "! ls",
            "ls &",
            "ls\nls",
            "declare -a x",
            "mapfile x",
            "'open",
            "end\\",
            "while x",
            "'ls'",
            "l\\s",
            "'' x",
        ] {
            assert_eq!(simple_words(line.as_bytes()), None, "{line}");
        }
    }
}
