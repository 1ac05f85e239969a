//! Quoting a value for the shell: `sh` reads any bytes back as one literal word.
//!
//! The words are those of GNU parallel, byte for byte, so that a dry run of either tool can be compared with the other.
//! Which value is quoted where is not decided here but by the [template](crate::job::template).

use bstr::{BStr, BString};

use super::shell::Quoting;

/// Appends `value` to `out` as one word of a POSIX shell. A value of plain characters stays as it is; the empty one
/// becomes `''`; all others stand between single quotes, and a single quote itself between double quotes.
///
/// A NUL byte, which no argument of a process can hold, is refused where values are read.
pub fn quote_into(value: &[u8], out: &mut Vec<u8>) {
    if value.is_empty() {
        out.extend_from_slice(b"''");
        return;
    }
    if value.iter().all(|byte| is_plain(*byte)) {
        out.extend_from_slice(value);
        return;
    }
    let starts_with_quote = value[0] == b'\'';
    if !starts_with_quote {
        out.push(b'\'');
    }
    for (index, run) in value.split(|byte| *byte == b'\'').enumerate() {
        match index {
            0 => {}
            // A single quote at the very start has no quotes to close.
            1 if starts_with_quote => out.extend_from_slice(b"\"'\"'"),
            _ => out.extend_from_slice(b"'\"'\"'"),
        }
        out.extend_from_slice(run);
    }
    if value.ends_with(b"'") {
        // The quotes that the last single quote opened again would hold nothing.
        out.pop();
    } else {
        out.push(b'\'');
    }
}

/// A word of a command without a shell as it stands in the job's command line, where it stays one word whatever it holds.
pub fn kept_word(word: &str) -> String {
    let is_plain = |byte: u8| !matches!(byte, b' ' | b'\t' | b'\n' | b'\'' | b'"' | b'\\');
    // A replacement string that is a word of its own needs no quotes.
    let is_replacement = word.starts_with('{') && word.ends_with('}') && word.bytes().all(is_plain);
    if is_replacement { word.to_owned() } else { quote(word.as_bytes().into()).to_string() }
}

/// Appends `value` to `out` as one word of a shell that reads quotes in this way.
pub fn quote_for(quoting: Quoting, value: &[u8], out: &mut Vec<u8>) {
    // What has a meaning between the single quotes of the shell, and how it is written there.
    let escaped = |byte: u8| -> &[u8] {
        match (quoting, byte) {
            (Quoting::Fish, b'\'') => b"\\'",
            (Quoting::Fish, b'\\') => b"\\\\",
            (Quoting::Csh, b'\'') => b"'\\''",
            (Quoting::Csh, b'!') => b"\\!",
            (Quoting::Csh, b'\n') => b"\\\n",
            _ => b"",
        }
    };
    if quoting == Quoting::Posix || value.iter().all(|byte| is_plain(*byte)) {
        quote_into(value, out);
        return;
    }
    out.push(b'\'');
    for byte in value {
        match escaped(*byte) {
            b"" => out.push(*byte),
            escaped => out.extend_from_slice(escaped),
        }
    }
    out.push(b'\'');
}

/// `value` as one word of a POSIX shell; see [`quote_into`].
pub fn quote(value: &BStr) -> BString {
    let mut word = Vec::with_capacity(value.len() + 2);
    quote_into(value, &mut word);
    word.into()
}

const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'+' | b'/')
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    use super::*;

    /// What `parallel --dry-run -0 echo {}` of GNU parallel 20221122 prints after `echo `.
    #[test]
    fn words_are_those_of_gnu_parallel() {
        let table: &[(&[u8], &[u8])] = &[
            (b"", b"''"),
            (b"a", b"a"),
            (b"-x", b"-x"),
            (b"a_b/c.d+e-f", b"a_b/c.d+e-f"),
            (b"a b", b"'a b'"),
            (b"it's", b"'it'\"'\"'s'"),
            (b"'", b"\"'\""),
            (b"''", b"\"'\"''\"'\""),
            (b"a''b", b"'a'\"'\"''\"'\"'b'"),
            (b"'a'", b"\"'\"'a'\"'\""),
            (b"a'\nb", b"'a'\"'\"'\nb'"),
            (b"'\n'", b"\"'\"'\n'\"'\""),
            (b"a\nb", b"'a\nb'"),
            (b"\n", b"'\n'"),
            (b"\n\n", b"'\n\n'"),
            (b"a\n", b"'a\n'"),
            (b"x\r", b"'x\r'"),
            ("é".as_bytes(), "'é'".as_bytes()),
            (b"\xff", b"'\xff'"),
            (b"\x01", b"'\x01'"),
            (b"\x7f", b"'\x7f'"),
            (b"\t", b"'\t'"),
            (b"a\"b", b"'a\"b'"),
            (b"~", b"'~'"),
            (b"#x", b"'#x'"),
            (b"a=b", b"'a=b'"),
            (b",", b"','"),
            (b":", b"':'"),
            (b"@", b"'@'"),
            (b"%", b"'%'"),
            (b"^", b"'^'"),
            (b"{", b"'{'"),
            (b"[", b"'['"),
            (b"!", b"'!'"),
            (b"?", b"'?'"),
            (b"*", b"'*'"),
            (b"\\", b"'\\'"),
            (b"`", b"'`'"),
            (b"$", b"'$'"),
            (b"&", b"'&'"),
            (b"|", b"'|'"),
            (b";", b"';'"),
            (b"<", b"'<'"),
            (b"(", b"'('"),
        ];
        for (value, word) in table {
            assert_eq!(quote(BStr::new(value)), *word, "{}", BStr::new(value));
        }
    }

    /// A real shell reads each word back as the value that went in: never code, never two words. Which shells there are
    /// beside `sh` differs from machine to machine; the machine that judges changes has the others.
    #[test]
    fn a_shell_reads_back_what_went_in() {
        let hostile: [&[u8]; 12] = [
            b"; rm -rf /",
            b"$(id)",
            b"`id`",
            b"\"$HOME\"",
            b"'; id; '",
            b"a\\",
            b"!!",
            b"../../x",
            b"-n",
            b"*",
            b"\n;id\n",
            b"#",
        ];
        let mut values: Vec<Vec<u8>> = hostile.iter().map(|value| value.to_vec()).collect();
        let mut runner = TestRunner::deterministic();
        let any_bytes = proptest::collection::vec(1_u8.., 0..40);
        let quotes_and_blanks = proptest::collection::vec(
            prop_oneof![Just(b'\''), Just(b'"'), Just(b'\\'), Just(b'\n'), Just(b'$'), Just(b' '), Just(b'a')],
            0..12,
        );
        for _ in 0..300 {
            values.push(any_bytes.new_tree(&mut runner).expect("a tree").current());
            values.push(quotes_and_blanks.new_tree(&mut runner).expect("a tree").current());
        }

        for (shell, quoting) in [
            ("sh", Quoting::Posix),
            ("bash", Quoting::Posix),
            ("zsh", Quoting::Posix),
            ("fish", Quoting::Fish),
            ("tcsh", Quoting::Csh),
        ] {
            let mut script = b"printf '%s\\0'".to_vec();
            for value in &values {
                script.push(b' ');
                quote_for(quoting, value, &mut script);
            }
            script.extend_from_slice(b"\n");
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("script");
            std::fs::write(&path, &script).expect("written");
            let printed = match Command::new(shell).arg(&path).env("HOME", folder.path()).output() {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    assert!(shell != "sh" && std::env::var_os("CI").is_none(), "{shell} has to be installed here");
                    continue;
                }
                printed => printed.expect("it runs"),
            };
            assert!(printed.status.success(), "{shell}: {}", String::from_utf8_lossy(&printed.stderr));
            let words: Vec<&[u8]> = printed.stdout.split(|byte| *byte == 0).collect();
            assert_eq!(words.len(), values.len() + 1, "{shell}");
            for (value, word) in values.iter().zip(words) {
                assert_eq!(BStr::new(word), BStr::new(value), "{shell}");
            }
        }
    }
}
