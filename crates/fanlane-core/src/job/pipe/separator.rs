//! What is between two records: a text, or a match of a regular expression, that ends one record and begins the next.

use bstr::ByteSlice;
use regex::bytes::{Regex, RegexBuilder};

/// What ends a record, together with what begins the next one.
#[derive(Debug)]
pub enum Separator {
    /// Records may end anywhere.
    Anywhere,
    /// The end of a record and the beginning of the next one, as texts.
    Text {
        /// Both, one behind the other.
        both: Vec<u8>,
        /// Length of the end.
        end: usize,
    },
    /// The same as an expression, whose first group is the end and whose second one is the beginning.
    Expression {
        /// The expression of both.
        both: Regex,
        /// The end of a record has a length of its own.
        has_end: bool,
        /// The beginning of a record at the beginning of a block.
        first: Regex,
        /// The end of a record at the end of a block.
        last: Regex,
    },
}

/// A regular expression on bytes, as GNU parallel reads them: `^` and `$` match at each line.
pub fn expression(text: &str) -> Result<Regex, String> {
    let built = RegexBuilder::new(text).multi_line(true).unicode(false).build();
    built.map_err(|error| {
        let reason = error.to_string();
        let last = reason.lines().last().unwrap_or_default().trim_start_matches("error: ");
        format!("{text:?} is no regular expression that is known here: {last}; it is one of the regex crate, without look-around")
    })
}

impl Separator {
    /// Records that begin with `start` and end with `end`.
    ///
    /// # Errors
    /// When they are to be regular expressions and one of them is none.
    pub fn new(start: &str, end: &str, is_expression: bool) -> Result<Self, String> {
        if is_expression {
            let end = if end.is_empty() && start.is_empty() { "(?s:.)" } else { end };
            for part in [end, start] {
                expression(part)?;
            }
            return Ok(Self::Expression {
                both: expression(&format!("({end})({start})"))?,
                has_end: !end.is_empty(),
                first: expression(&format!(r"\A(?:{start})"))?,
                last: expression(&format!(r"(?:{end})\z"))?,
            });
        }
        if start.is_empty() && end.is_empty() {
            return Ok(Self::Anywhere);
        }
        Ok(Self::Text { both: format!("{end}{start}").into_bytes(), end: end.len() })
    }

    /// Where the first record ends that does so behind `from`, which is where a record begins.
    pub fn first_end(&self, bytes: &[u8], from: usize) -> Option<usize> {
        match self {
            Self::Anywhere => (from < bytes.len()).then_some(from + 1),
            Self::Text { both, end } => {
                // The beginning of a record is not the one of the next.
                let from = from + usize::from(*end == 0);
                let found = bytes.get(from..)?.find(both)?;
                Some(from + found + end)
            }
            Self::Expression { both, has_end, .. } => {
                let mut at = from + usize::from(!has_end);
                while at <= bytes.len() {
                    let end = both.captures_at(bytes, at)?.get(1)?.end();
                    if end > from {
                        return Some(end);
                    }
                    at += 1;
                }
                None
            }
        }
    }

    /// Where a record ends in bytes that may begin within one, the first `searched` of which were searched before in vain: the
    /// first such place, and with expressions the last, as in GNU parallel.
    pub fn end_in(&self, bytes: &[u8], searched: usize) -> Option<usize> {
        match self {
            Self::Anywhere => Some(0),
            Self::Text { both, end } => {
                let from = searched.saturating_sub(both.len().saturating_sub(1));
                bytes[from..].find(both).map(|found| from + found + end)
            }
            Self::Expression { .. } => self.last_end(bytes),
        }
    }

    /// Where the last record ends that is whole.
    pub fn last_end(&self, bytes: &[u8]) -> Option<usize> {
        match self {
            Self::Anywhere => Some(bytes.len()),
            Self::Text { both, end } => bytes.rfind(both).map(|found| found + end),
            Self::Expression { .. } => {
                let mut last = None;
                while let Some(end) = self.first_end(bytes, last.unwrap_or(0)) {
                    last = Some(end);
                }
                last
            }
        }
    }

    /// The block without what separates its records.
    pub fn removed(&self, block: &[u8]) -> Vec<u8> {
        match self {
            Self::Anywhere => block.to_vec(),
            Self::Text { both, end } => {
                let (end, start) = both.split_at(*end);
                let joined = block.replace(both, b"");
                let inner = joined.strip_prefix(start).unwrap_or(&joined);
                inner.strip_suffix(end).unwrap_or(inner).to_vec()
            }
            Self::Expression { both, first, last, .. } => {
                let joined = both.replace_all(block, &b""[..]).into_owned();
                let from = first.find(&joined).map_or(0, |found| found.end());
                let to = last.find_at(&joined, from).map_or(joined.len(), |found| found.start());
                joined[from..to].to_vec()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_records_are_found_from_both_sides() {
        let table = [
            ("", "\n", false, "a\nb\nc", Some(2), Some(4)),
            ("", "\n", false, "\n\n", Some(1), Some(2)),
            ("", "\n", false, "abc", None, None),
            (">", "", false, ">a>b>c", Some(2), Some(4)),
            (">", "", false, ">a", None, Some(0)),
            (">", "\n", false, ">a\n>b\nx\n>c\n", Some(3), Some(8)),
            ("", "", false, "abc", Some(1), Some(3)),
            ("", r"\n+", true, "a\n\nb\nc", Some(3), Some(5)),
            ("[>@]", "", true, ">a@b>c", Some(2), Some(4)),
            (r"\d", "[a-z]", true, "1a2b3c", Some(2), Some(4)),
        ];
        for (start, end, is_expression, text, first, last) in table {
            let separator = Separator::new(start, end, is_expression).expect("a separator");
            assert_eq!(separator.first_end(text.as_bytes(), 0), first, "first of {start:?} {end:?} in {text:?}");
            assert_eq!(separator.last_end(text.as_bytes()), last, "last of {start:?} {end:?} in {text:?}");
        }
        assert!(Separator::new("(", "", true).is_err_and(|words| words.contains("no regular expression")));
    }

    #[test]
    fn separators_are_left_out() {
        let removed = |start: &str, end: &str, is_expression, text: &str| {
            let separator = Separator::new(start, end, is_expression).expect("a separator");
            String::from_utf8(separator.removed(text.as_bytes())).expect("text")
        };
        assert_eq!(removed("", "\n", false, "a\nb\n"), "ab");
        assert_eq!(removed(">", "\n", false, ">a\n>b\n"), "ab");
        assert_eq!(removed("", "[,;]", true, "a,b;c,"), "abc");
    }
}
