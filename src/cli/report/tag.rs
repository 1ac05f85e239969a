//! `--tag` and `--tagstring`: the output of a task with its tag and a tab before each line, as GNU parallel writes it.

use std::io;

use bstr::BString;

/// Puts a tag before each line of a stream that comes in pieces.
#[derive(Debug)]
pub struct Tagger {
    tag: Option<BString>,
    in_line: bool,
}

impl Tagger {
    /// For a stream that has not begun; without a tag it is left unchanged. The tab is added here.
    pub const fn new(tag: Option<BString>) -> Self {
        Self { tag, in_line: false }
    }

    /// Appends the next piece to `out`.
    ///
    /// # Errors
    /// None in practice: the signature is that of a writer.
    pub fn write(&mut self, piece: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        let Some(tag) = &self.tag else {
            out.extend_from_slice(piece);
            return Ok(());
        };
        for line in piece.split_inclusive(|byte| *byte == b'\n') {
            if !self.in_line {
                out.extend_from_slice(tag);
                out.push(b'\t');
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
        // As `parallel --tag` writes them: a last line without an end gets none.
        let cases = [("", ""), ("a\n", "b c d\ta\n"), ("a\n\nb\r\nc", "b c d\ta\nb c d\t\nb c d\tb\r\nb c d\tc")];
        for (text, expected) in cases {
            for size in 1..=text.len().max(1) {
                let mut out = Vec::new();
                let mut tagger = Tagger::new(Some("b c d".into()));
                for piece in text.as_bytes().chunks(size) {
                    tagger.write(piece, &mut out).expect("written");
                }
                assert_eq!(String::from_utf8_lossy(&out), expected, "in pieces of {size}");
            }
        }
    }
}
