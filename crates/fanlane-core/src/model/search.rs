//! Looking for text in outputs: one rule for one output, for all outputs of a run, and for the history.
//!
//! Threads, locks and marks on the screen are not here.

use std::ops::Range;

use regex::bytes::{Regex, RegexBuilder};

use crate::event::{AttemptRecord, Captured, StreamName};

/// What to look for in outputs, as `grep` reads it: a regular expression, or with `fixed` a text as it stands, of any
/// length. `^` and `$` are the ends of a line.
///
/// # Errors
/// When it is no regular expression, with the place, or one that takes too much memory.
pub fn output_pattern(text: &str, fixed: bool, ignore_case: bool) -> Result<Regex, regex::Error> {
    let mut builder = if fixed { RegexBuilder::new(&regex::escape(text)) } else { RegexBuilder::new(text) };
    if fixed {
        // A text takes memory in proportion to its length, an expression such as `(a{999}){999}` does not.
        builder.size_limit(usize::MAX);
    }
    builder.multi_line(true).case_insensitive(ignore_case).build()
}

/// Maximum length of what is searched byte by byte.
const MAX_SHORT_BYTES: usize = 512;

/// Whether bytes have an ASCII text, which is given in lower case, in any case.
fn has_ascii_text(bytes: &[u8], text: &[u8]) -> bool {
    let Some(last_start) = bytes.len().checked_sub(text.len()) else { return false };
    let (lower, upper) = (text[0], text[0].to_ascii_uppercase());
    memchr::memchr2_iter(lower, upper, &bytes[..=last_start])
        .any(|at| bytes[at..at + text.len()].eq_ignore_ascii_case(text))
}

/// A text to look for. Case is ignored, everything else is taken literally.
#[derive(Clone, Debug)]
pub struct Needle {
    pattern: Regex,
    /// The text in lower case, if it is ASCII.
    ascii: Option<Box<[u8]>>,
    /// Maximum length of a match, in bytes: the same letter in the other case may be longer.
    max_bytes: usize,
}

/// The first place where an attempt's output has the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The attempt, from 1.
    pub attempt: u32,
    /// The stream.
    pub stream: StreamName,
    /// Its first byte among those that were kept of the stream: first the head, then the tail.
    pub at: usize,
}

impl Needle {
    /// What `text` stands for, without the blanks around it; `None` for nothing.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        let ascii = text.is_ascii().then(|| text.to_ascii_lowercase().into_bytes().into());
        Some(Self { pattern: output_pattern(text, true, true).ok()?, ascii, max_bytes: 3 * text.len() })
    }

    /// The first match.
    pub fn find(&self, bytes: &[u8]) -> Option<Range<usize>> {
        self.pattern.find(bytes).map(|found| found.range())
    }

    /// Whether there is a match.
    pub fn is_in(&self, bytes: &[u8]) -> bool {
        // In a line as short as a command's, starting the expression would take longer than looking.
        match &self.ascii {
            Some(text) if bytes.len() <= MAX_SHORT_BYTES => {
                has_ascii_text(bytes, text) || !bytes.is_ascii() && self.pattern.is_match(bytes)
            }
            _ => self.pattern.is_match(bytes),
        }
    }

    /// All matches, which do not overlap.
    pub fn find_all<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = Range<usize>> + 'a {
        self.pattern.find_iter(bytes).map(|found| found.range())
    }

    /// The matches that begin in `piece`; they may end behind it. So a long text can be searched piece by piece.
    pub fn find_in_piece<'a>(
        &'a self,
        bytes: &'a [u8],
        piece: Range<usize>,
    ) -> impl Iterator<Item = Range<usize>> + 'a {
        let (from, to) = (piece.start.min(bytes.len()), piece.end.min(bytes.len()));
        let end = to.saturating_add(self.max_bytes).min(bytes.len());
        let found = self.find_all(bytes.get(from..end).unwrap_or_default());
        found.map(move |found| found.start + from..found.end + from).take_while(move |found| found.start < to)
    }

    /// The first match in a stream, by its first byte among those that were kept.
    pub fn find_in_stream(&self, stream: &Captured) -> Option<usize> {
        let in_tail = || self.find(&stream.tail).map(|found| found.start + stream.head.len());
        self.find(&stream.head).map(|found| found.start).or_else(in_tail)
    }

    /// The first match in what an attempt printed. Standard error comes first, as it does where a failed task is shown.
    pub fn find_in_record(&self, record: &AttemptRecord) -> Option<Hit> {
        let output = record.output.as_deref()?;
        let streams = [(StreamName::Stderr, &output.stderr), (StreamName::Stdout, &output.stdout)];
        let found = |(stream, captured): (StreamName, &Captured)| {
            self.find_in_stream(captured).map(|at| Hit { attempt: record.attempt, stream, at })
        };
        streams.into_iter().find_map(found)
    }
}

impl Hit {
    /// The line that it is in, without its end, and at most `most` bytes of it before the match and after. Empty if this is not
    /// the record in which it was found.
    pub fn line(self, record: &AttemptRecord, most: usize) -> &[u8] {
        let Some(output) = record.output.as_deref() else { return &[] };
        let captured = match self.stream {
            StreamName::Stdout => &output.stdout,
            StreamName::Stderr => &output.stderr,
        };
        match self.at.checked_sub(captured.head.len()) {
            None => line_at(&captured.head, self.at, most),
            Some(at) => line_at(&captured.tail, at, most),
        }
    }
}

/// The line around a byte, without its end, and at most `most` bytes of it before that byte and after.
pub fn line_at(bytes: &[u8], at: usize, most: usize) -> &[u8] {
    let at = at.min(bytes.len());
    let (first, last) = (at.saturating_sub(most), bytes.len().min(at.saturating_add(most)));
    let from = bytes[first..at].iter().rposition(|byte| *byte == b'\n').map_or(first, |end| first + end + 1);
    let to = bytes[at..last].iter().position(|byte| *byte == b'\n').map_or(last, |end| at + end);
    &bytes[from..to]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Outcome, Output, TaskId, WorkerId};

    fn needle(text: &str) -> Needle {
        Needle::new(text).expect("a text")
    }

    fn captured(head: &str, tail: &str) -> Captured {
        Captured { head: head.into(), tail: tail.into(), ..Captured::default() }
    }

    #[test]
    fn case_is_ignored_and_everything_else_is_literal() {
        let table: [(&str, &str, Option<Range<usize>>); 8] = [
            ("error", "an ERROR", Some(3..8)),
            (" error ", "an Error.", Some(3..8)),
            ("a.c", "abc a.c", Some(4..7)),
            ("(", "f(x)", Some(1..2)),
            ("\\d", "1 \\D", Some(2..4)),
            ("größe", "GRÖSSE Größe", Some(8..15)),
            ("a  b", "a b a  b", Some(4..8)),
            ("x", "", None),
        ];
        for (text, bytes, found) in table {
            assert_eq!(needle(text).find(bytes.as_bytes()), found, "{text:?} in {bytes:?}");
        }
        for (text, bytes, is_there) in [
            ("photo-1", "convert Photo-12.jpg", true),
            ("photo-1", "convert Photo-2.jpg", false),
            ("99", "999", true),
            ("99", "9", false),
            ("k", "\u{212a}", true),
            ("é", "É", true),
            ("pp", "p PPp", true),
        ] {
            let long = format!("{}{bytes}", " ".repeat(MAX_SHORT_BYTES));
            assert_eq!(needle(text).is_in(bytes.as_bytes()), is_there, "{text:?} in {bytes:?}");
            assert_eq!(needle(text).is_in(long.as_bytes()), is_there, "{text:?} in a long line");
        }
        assert_eq!(needle("b").find(b"\xff\xfeB"), Some(2..3), "bytes that are not UTF-8 do not matter");
        assert!(Needle::new("  ").is_none());
    }

    #[test]
    fn a_fixed_text_may_be_long_and_an_expression_may_not_take_all_memory() {
        let long = "ask ".repeat(30_000);
        assert!(output_pattern(&long, false, true).is_err() && output_pattern(&long, true, true).is_ok());
        let error = output_pattern("(a{999}){999}", false, false).expect_err("too large").to_string();
        assert!(error.contains("size limit"), "{error}");
        assert!(output_pattern("(", false, false).is_err() && output_pattern("(", true, false).is_ok());
        assert!(output_pattern("^b$", false, false).expect("a pattern").is_match(b"a\nb\nc"));
    }

    #[test]
    fn piece_by_piece_every_match_is_found_once() {
        let bytes = "ab.AB.aB.abab".as_bytes();
        let ab = needle("ab");
        let whole: Vec<_> = ab.find_all(bytes).collect();
        assert_eq!(whole.len(), 5);
        for step in 1..=bytes.len() {
            let pieces = (0..bytes.len()).step_by(step);
            let found: Vec<_> = pieces.flat_map(|from| ab.find_in_piece(bytes, from..from + step)).collect();
            assert_eq!(found, whole, "pieces of {step}");
        }
        assert_eq!(ab.find_in_piece(bytes, 50..60).count(), 0);
    }

    #[test]
    fn a_hit_leads_to_its_line_in_the_head_and_behind_what_was_dropped() {
        let record = |stdout, stderr| AttemptRecord {
            output: Some(Box::new(Output { stdout, stderr, leaky: false })),
            ..AttemptRecord::new(TaskId(0), 2, WorkerId(1), Outcome::Done)
        };
        let cases = [
            (record(captured("one\ntwo here\n", ""), captured("", "")), StreamName::Stdout, 8, "two here"),
            (record(captured("here", ""), captured("a\nfrom HERE", "")), StreamName::Stderr, 7, "from HERE"),
            (record(captured("one\n", "o\nx here\nend"), captured("", "")), StreamName::Stdout, 8, "x here"),
        ];
        for (record, stream, at, line) in cases {
            let hit = needle("here").find_in_record(&record).expect("it is there");
            assert_eq!((hit.attempt, hit.stream, hit.at), (2, stream, at), "{line}");
            assert_eq!(hit.line(&record, usize::MAX), line.as_bytes());
            assert!(hit.line(&record, 6).len() <= 12);
        }
        let silent = AttemptRecord::new(TaskId(0), 1, WorkerId(1), Outcome::Done);
        assert_eq!(needle("here").find_in_record(&silent), None);
    }
}
