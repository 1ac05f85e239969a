//! Whether a command line needs a shell. One that only names a program and its arguments is started directly, which
//! saves the start of a shell; the result is what `/bin/sh` would have done.
//!
//! The idea is GNU make's: look for anything that the shell would act on, and when in doubt take the shell.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

/// The program that runs command lines.
pub const SHELL: &str = "/bin/sh";

/// Words that a shell does not look up as a program, or carries out itself, perhaps a little differently.
const SHELL_WORDS: &str = ". : [ alias bg break case cd chdir command continue do done echo elif else esac eval exec exit \
    export false fc fg fi for function getopts hash if jobs kill local newgrp printf pwd read readonly \
    return select set shift source test then time times trap true type ulimit umask unalias unset until \
    wait while";

/// Program and arguments of a line that needs no shell; `None` where it might.
pub fn simple_words(line: &[u8]) -> Option<Vec<OsString>> {
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
            "", "   ", "A=1 ls", "cd /tmp", "echo x", "exit 3", "ls *", "ls ~", "ls | wc", "ls; ls", "ls && ls",
            "ls > x", "ls $HOME", "ls \"a\"", "ls `x`", "(ls)", "{ ls; }", "ls #x", "ls a?", "ls [a]", "! ls", "ls &",
            "ls\nls", "'open", "end\\", "while x", "'ls'", "l\\s", "'' x",
        ] {
            assert_eq!(simple_words(line.as_bytes()), None, "{line}");
        }
    }
}
