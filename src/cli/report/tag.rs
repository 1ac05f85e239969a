//! `--tag` and `--tagstring`: the output of a task with its tag and a tab before each line, as GNU parallel writes it.
//! `--color` and `--color-failed`: each line in the colours of its task, with its tag.

use std::io::{self, Write as _};

use bstr::BString;

/// Puts a tag before each line of a stream that comes in pieces, and writes it in colours.
#[derive(Debug)]
pub struct Tagger {
    dress: Dress,
    in_line: bool,
}

/// How the lines of a task are written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dress {
    /// What stands before each, without the tab.
    pub tag: Option<BString>,
    /// Their colours.
    pub colours: Option<Colours>,
}

/// A background and a foreground, by their numbers among the 256 colours of terminals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colours(u8, u8);

impl Colours {
    /// Those of tasks that failed: white on red.
    pub const FAILED: Self = Self(160, 231);

    /// Those of the task of this number, from 1; neighbours differ.
    pub fn of_task(number: u64) -> Self {
        const WHITE: u8 = 231;
        const BLACK: u8 = 16;
        const ALL: [Colours; 12] = [
            Colours(25, WHITE),
            Colours(223, BLACK),
            Colours(29, WHITE),
            Colours(182, BLACK),
            Colours(94, WHITE),
            Colours(152, BLACK),
            Colours(90, WHITE),
            Colours(186, BLACK),
            Colours(23, WHITE),
            Colours(217, BLACK),
            Colours(60, WHITE),
            Colours(151, BLACK),
        ];
        let place = number.saturating_sub(1) % ALL.len() as u64;
        ALL[usize::try_from(place).expect("it is below the number of colours")]
    }
}

/// Which tasks have colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colouring {
    /// None.
    #[default]
    Never,
    /// Each its own.
    ByTask,
    /// Those that failed, and with `ByTask` also the others.
    Failed {
        /// Other tasks have colours of their own.
        by_task: bool,
    },
}

impl Colouring {
    /// The colours of a task, as far as it is known whether it failed.
    pub fn of(self, number: u64, has_failed: bool) -> Option<Colours> {
        match self {
            Self::Never => None,
            Self::Failed { .. } if has_failed => Some(Colours::FAILED),
            Self::Failed { by_task: false } => None,
            Self::ByTask | Self::Failed { by_task: true } => Some(Colours::of_task(number)),
        }
    }
}

impl Tagger {
    /// For a stream that has not begun; without tag and colours it is left unchanged. The tab is added here.
    pub const fn new(dress: Dress) -> Self {
        Self { dress, in_line: false }
    }

    /// Appends the next piece to `out`.
    ///
    /// # Errors
    /// None in practice: the signature is that of a writer.
    pub fn write(&mut self, piece: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        let Dress { tag, colours } = &self.dress;
        if tag.is_none() && colours.is_none() {
            out.extend_from_slice(piece);
            return Ok(());
        }
        for line in piece.split_inclusive(|byte| *byte == b'\n') {
            if let Some(Colours(background, foreground)) = colours {
                // The background reaches to the edge of the terminal.
                write!(out, "\x1b[48;5;{background};38;5;{foreground}m\x1b[K")?;
            }
            if let Some(tag) = tag.as_ref().filter(|_| !self.in_line) {
                out.extend_from_slice(tag);
                out.push(b'\t');
            }
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            out.extend_from_slice(text);
            if colours.is_some() {
                out.extend_from_slice(b"\x1b[m");
            }
            out.extend_from_slice(&line[text.len()..]);
            self.in_line = text.len() == line.len();
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
                let mut tagger = Tagger::new(Dress { tag: Some("b c d".into()), colours: None });
                for piece in text.as_bytes().chunks(size) {
                    tagger.write(piece, &mut out).expect("written");
                }
                assert_eq!(String::from_utf8_lossy(&out), expected, "in pieces of {size}");
            }
        }
    }

    #[test]
    fn each_line_is_written_in_the_colours_of_its_task() {
        for (colouring, number, has_failed, expected) in [
            (Colouring::ByTask, 1, true, Some(Colours(25, 231))),
            (Colouring::ByTask, 14, false, Some(Colours(223, 16))),
            (Colouring::Failed { by_task: false }, 1, true, Some(Colours::FAILED)),
            (Colouring::Failed { by_task: false }, 1, false, None),
            (Colouring::Failed { by_task: true }, 1, false, Some(Colours(25, 231))),
            (Colouring::Never, 1, true, None),
        ] {
            assert_eq!(colouring.of(number, has_failed), expected, "{colouring:?} {number} {has_failed}");
        }
        let mut tagger = Tagger::new(Dress { tag: Some("t".into()), colours: Some(Colours::FAILED) });
        let mut out = Vec::new();
        for piece in ["a\nb", "c"] {
            tagger.write(piece.as_bytes(), &mut out).expect("written");
        }
        let begin = "\x1b[48;5;160;38;5;231m\x1b[K";
        let expected = format!("{begin}t\ta\x1b[m\n{begin}t\tb\x1b[m{begin}c\x1b[m");
        assert_eq!(String::from_utf8_lossy(&out), expected);
    }
}
