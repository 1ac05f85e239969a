//! A writer for a terminal: bytes of any origin become text that the terminal shows and does not act on.

use std::io::{self, Write};

use super::is_control_or_acting;

/// Longest beginning of a character that can be incomplete, in bytes.
const MAX_PARTIAL_BYTES: usize = 3;

/// Writes what it is given, with line ends and tabs; what a terminal would act on as Rust escapes it, bytes that are not UTF-8
/// as `\xff`.
#[derive(Debug)]
pub struct ForTerminal<W> {
    out: W,
    /// The beginning of a character whose rest was not written yet.
    partial: Vec<u8>,
}

impl<W: Write> ForTerminal<W> {
    /// Writes to `out`.
    pub const fn new(out: W) -> Self {
        Self { out, partial: Vec::new() }
    }

    fn write_partial(&mut self) -> io::Result<()> {
        let partial = std::mem::take(&mut self.partial);
        self.out.write_all(partial.escape_ascii().to_string().as_bytes())
    }
}

impl<W: Write> Write for ForTerminal<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut all = std::mem::take(&mut self.partial);
        all.extend_from_slice(bytes);
        let mut shown = String::with_capacity(all.len());
        let end = all.as_ptr_range().end;
        for chunk in all.utf8_chunks() {
            for letter in chunk.valid().chars() {
                if is_control_or_acting(letter) && !matches!(letter, '\n' | '\t') {
                    shown.extend(letter.escape_default());
                } else {
                    shown.push(letter);
                }
            }
            let rest = chunk.invalid();
            let may_go_on = rest.as_ptr_range().end == end
                && rest.len() <= MAX_PARTIAL_BYTES
                && str::from_utf8(rest).is_err_and(|error| error.error_len().is_none());
            if may_go_on {
                self.partial = rest.to_vec();
            } else {
                shown.push_str(&rest.escape_ascii().to_string());
            }
        }
        self.out.write_all(shown.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.write_partial()?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_written_acts_however_it_is_cut() {
        let bytes = "a\x1b]0;x\x07\tb\r\n\u{202e}\u{9b}\u{7f}é\u{200b}".as_bytes();
        let bytes = [bytes, b"\xff \xe2\x82"].concat();
        let expected = "a\\u{1b}]0;x\\u{7}\tb\\r\n\\u{202e}\\u{9b}\\u{7f}é\\u{200b}\\xff \\xe2\\x82";
        for length in 1..=bytes.len() {
            let mut shown = ForTerminal::new(Vec::new());
            bytes.chunks(length).for_each(|piece| shown.write_all(piece).expect("written"));
            shown.flush().expect("written");
            assert_eq!(String::from_utf8_lossy(&shown.out), expected, "pieces of {length}");
        }
    }
}
