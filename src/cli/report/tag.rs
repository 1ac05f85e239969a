//! `--tag`: what a task prints, with the task's values and a tab before each line, as GNU parallel writes it.

use std::io;

use bstr::BString;

/// The tag of a task with these values.
pub fn of_values(values: &[BString]) -> Vec<u8> {
    let mut tag = bstr::join(" ", values);
    tag.push(b'\t');
    tag
}

/// Puts a tag before each line of a stream that comes in pieces.
pub struct Tagger<'a> {
    tag: Option<&'a [u8]>,
    in_line: bool,
}

impl<'a> Tagger<'a> {
    /// For a stream that has not begun; without a tag it stays as it is.
    pub const fn new(tag: Option<&'a [u8]>) -> Self {
        Self { tag, in_line: false }
    }

    /// Appends the next piece to `out`.
    ///
    /// # Errors
    /// None that memory does not give: the signature is that of a writer.
    pub fn write(&mut self, piece: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        let Some(tag) = self.tag else {
            out.extend_from_slice(piece);
            return Ok(());
        };
        for line in piece.split_inclusive(|byte| *byte == b'\n') {
            if !self.in_line {
                out.extend_from_slice(tag);
            }
            out.extend_from_slice(line);
            self.in_line = !line.ends_with(b"\n");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_has_its_tag_wherever_it_is_cut() {
        let tag = of_values(&["b c".into(), "d".into()]);
        // As `parallel --tag` writes them: a last line without an end gets none.
        let cases = [("", ""), ("a\n", "b c d\ta\n"), ("a\n\nb\r\nc", "b c d\ta\nb c d\t\nb c d\tb\r\nb c d\tc")];
        for (text, expected) in cases {
            for size in 1..=text.len().max(1) {
                let mut out = Vec::new();
                let mut tagger = Tagger::new(Some(&tag));
                for piece in text.as_bytes().chunks(size) {
                    tagger.write(piece, &mut out).expect("written");
                }
                assert_eq!(String::from_utf8_lossy(&out), expected, "in pieces of {size}");
            }
        }
    }
}
