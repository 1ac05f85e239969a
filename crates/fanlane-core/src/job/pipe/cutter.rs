//! From a stream to blocks of whole records. Only what a block needs is read, and nothing is kept of blocks that were given out.

use std::io::{self, ErrorKind, Read};

use bstr::ByteSlice;
use regex::bytes::Regex;

use super::separator::Separator;
use super::{DEFAULT_BLOCK_BYTES, MAX_BLOCK_BYTES, Pipe};

/// Cuts a stream.
#[derive(Debug)]
pub struct Cutter {
    rule: Rule,
    separator: Separator,
    /// Separators are left out of the blocks.
    removes_separators: bool,
    header_expression: Option<Regex>,
    /// What each block is given in front.
    header: Vec<u8>,
    block_bytes: usize,
    /// What was read.
    buffer: Vec<u8>,
    /// Where in it the next block begins.
    start: usize,
    /// The records of the next block that were counted, and where the last of them ends.
    counted: (u64, usize),
    /// What was read may have another block.
    is_looking: bool,
    /// A block was found in what was read last.
    has_found: bool,
    is_over: bool,
    /// The block without its separators.
    removed: Vec<u8>,
}

/// A block of whole records.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    /// What each block is given in front.
    pub header: &'a [u8],
    /// The records.
    pub bytes: &'a [u8],
    /// How many bytes of the stream these are.
    pub stream_bytes: u64,
}

/// Where a block ends.
#[derive(Clone, Copy, Debug)]
enum Rule {
    /// Behind the last record of what was read.
    Last,
    /// Behind the last line of what was read whose number is a multiple of this.
    Lines(u64),
    /// Behind this many records.
    Records(u64),
}

impl Cutter {
    /// Cuts a stream as `pipe` says.
    ///
    /// # Errors
    /// When one of its regular expressions is none.
    pub fn new(pipe: &Pipe) -> Result<Self, String> {
        let rule = match (pipe.records, pipe.lines) {
            (None, None) => Rule::Last,
            (None, Some(lines)) => Rule::Lines(lines.max(1)),
            (Some(records), lines) => Rule::Records(records.saturating_mul(lines.unwrap_or(1)).max(1)),
        };
        let block_bytes = pipe.block_bytes.unwrap_or(DEFAULT_BLOCK_BYTES).clamp(1, MAX_BLOCK_BYTES);
        Ok(Self {
            rule,
            separator: pipe.separator()?,
            removes_separators: pipe.remove_separators,
            header_expression: pipe.header_expression()?,
            header: Vec::new(),
            block_bytes: usize::try_from(block_bytes).unwrap_or(usize::MAX),
            buffer: Vec::new(),
            start: 0,
            counted: (0, 0),
            is_looking: false,
            has_found: false,
            is_over: false,
            removed: Vec::new(),
        })
    }

    /// The next block; `None` at the end. Nothing more is read than that takes.
    ///
    /// # Errors
    /// When the stream cannot be read.
    pub fn next_block(&mut self, stream: &mut dyn Read) -> io::Result<Option<Block<'_>>> {
        if let Some(expression) = self.header_expression.take() {
            self.read_header(&expression, stream)?;
        }
        let length = loop {
            if self.is_looking {
                if let Some(length) = self.find() {
                    self.has_found = true;
                    self.is_looking = matches!(self.rule, Rule::Records(_));
                    break length;
                }
                self.is_looking = false;
                if !self.is_over && !self.has_found {
                    // A record is longer than a block.
                    let longer = (self.block_bytes.saturating_mul(13).saturating_add(19)) / 10;
                    self.block_bytes = longer.min(MAX_BLOCK_BYTES as usize);
                }
            }
            if self.is_over {
                let rest = self.buffer.len() - self.start;
                if rest == 0 {
                    return Ok(None);
                }
                break rest;
            }
            self.fill(stream)?;
            (self.is_looking, self.has_found) = (true, false);
        };
        let block = self.start..self.start + length;
        self.start += length;
        self.counted = (0, 0);
        let (header, stream_bytes) = (self.header.as_slice(), length as u64);
        let bytes = if self.removes_separators {
            self.removed = self.separator.removed(&self.buffer[block]);
            &self.removed
        } else {
            &self.buffer[block]
        };
        Ok(Some(Block { header, bytes, stream_bytes }))
    }

    /// The length of the next block, if what was read has it.
    fn find(&mut self) -> Option<usize> {
        let rest = &self.buffer[self.start..];
        match self.rule {
            // What is left at the end is the last block.
            Rule::Last if self.is_over => None,
            Rule::Last => self.separator.last_end(rest),
            Rule::Lines(lines) => {
                let surplus = rest.iter().filter(|byte| **byte == b'\n').count() as u64 % lines;
                (0..=surplus).try_fold(rest.len(), |end, _| rest[..end].rfind_byte(b'\n')).map(|at| at + 1)
            }
            Rule::Records(records) => loop {
                let (count, at) = &mut self.counted;
                *at = self.separator.first_end(rest, *at)?;
                *count += 1;
                if *count == records {
                    break Some(*at);
                }
            },
        }
        .filter(|length| *length > 0)
    }

    /// Reads on until the buffer is as long as whole blocks are, or the stream has ended.
    fn fill(&mut self, stream: &mut dyn Read) -> io::Result<()> {
        self.buffer.drain(..std::mem::take(&mut self.start));
        let mut length = self.buffer.len();
        let wanted = length + self.block_bytes - length % self.block_bytes;
        self.buffer.resize(wanted, 0);
        let read = loop {
            if length == wanted {
                break Ok(());
            }
            match stream.read(&mut self.buffer[length..]) {
                Ok(0) => {
                    self.is_over = true;
                    break Ok(());
                }
                Ok(count) => length += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        self.buffer.truncate(length);
        read
    }

    /// Takes the header off what the stream begins with. A stream without it is read whole.
    fn read_header(&mut self, expression: &Regex, stream: &mut dyn Read) -> io::Result<()> {
        while !self.is_over {
            self.fill(stream)?;
            if let Some(found) = expression.find(&self.buffer) {
                self.header = self.buffer[..found.end()].to_vec();
                self.start = found.end();
                break;
            }
        }
        // Otherwise it is looked at once more was read, as in GNU parallel.
        self.is_looking = self.is_over;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a few bytes at a time, as a pipe may.
    struct Trickle<'a>(&'a [u8], usize);

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(self.0.len()).min(buffer.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn blocks(pipe: &Pipe, text: &str) -> Vec<String> {
        let cut = |step| {
            let mut cutter = Cutter::new(pipe).expect("a cutter");
            let mut stream = Trickle(text.as_bytes(), step);
            let (mut found, mut length) = (Vec::new(), 0);
            let mut headed = 0;
            while let Some(block) = cutter.next_block(&mut stream).expect("it is read") {
                length += block.stream_bytes;
                headed = block.header.len() as u64;
                found.push([block.header, block.bytes].concat());
            }
            assert_eq!(length + headed, text.len() as u64, "all of {text:?} is in a block");
            found.into_iter().map(|block| String::from_utf8(block).expect("text")).collect::<Vec<_>>()
        };
        let found = cut(1);
        assert_eq!(found, cut(1000), "how much comes at once changes nothing");
        found
    }

    fn of(change: impl FnOnce(&mut Pipe)) -> Pipe {
        let mut pipe = Pipe::default();
        change(&mut pipe);
        pipe
    }

    #[test]
    fn blocks_end_behind_the_last_record_that_fits() {
        let small = of(|pipe| pipe.block_bytes = Some(4));
        assert_eq!(blocks(&small, "1\n2\n3\n4\n5"), ["1\n2\n", "3\n4\n", "5"]);
        assert_eq!(blocks(&small, "12345\n6\n"), ["12345\n", "6\n"]);
        assert!(blocks(&small, "").is_empty());
        assert_eq!(blocks(&of(|pipe| pipe.block_bytes = Some(1)), "abc"), ["abc"]);
        assert_eq!(blocks(&Pipe::default(), "a\nb\n"), ["a\nb\n"]);
    }

    #[test]
    fn a_number_of_records_or_lines_is_counted() {
        let records = |count| of(|pipe| pipe.records = Some(count));
        assert_eq!(blocks(&records(2), "1\n2\n3\n4\n5\n"), ["1\n2\n", "3\n4\n", "5\n"]);
        assert_eq!(blocks(&records(1), "\n\na"), ["\n", "\n", "a"]);
        let starts = of(|pipe| (pipe.records, pipe.record_start) = (Some(1), Some(">".to_owned())));
        assert_eq!(blocks(&starts, ">a\n>b\nx>c"), [">a\n", ">b\nx", ">c"]);
        let pairs = Pipe { records: Some(2), ..starts.clone() };
        assert_eq!(blocks(&pairs, ">a>b>c>d>e"), [">a>b", ">c>d", ">e"]);
        assert_eq!(blocks(&Pipe { regexp: true, ..pairs }, ">a>b>c>d>e"), [">a>b", ">c>d", ">e"]);
        let both = of(|pipe| (pipe.records, pipe.lines) = (Some(2), Some(2)));
        assert_eq!(blocks(&both, "1\n2\n3\n4\n5\n"), ["1\n2\n3\n4\n", "5\n"]);
        let lines = of(|pipe| (pipe.lines, pipe.block_bytes) = (Some(2), Some(6)));
        assert_eq!(blocks(&lines, "1\n2\n3\n4\n5\n"), ["1\n2\n", "3\n4\n", "5\n"]);
    }

    #[test]
    fn the_header_is_given_to_each_block() {
        let of_header = |header: &str| of(|pipe| (pipe.header, pipe.records) = (Some(header.to_owned()), Some(1)));
        assert_eq!(blocks(&of_header(":"), "h\n1\n2\n"), ["h\n1\n", "h\n2\n"]);
        assert_eq!(blocks(&of_header("2"), "h\ni\n1\n2\n"), ["h\ni\n1\n", "h\ni\n2\n"]);
        assert_eq!(blocks(&of_header("(#.*\\n)*"), "#h\n1\n2\n"), ["#h\n1\n", "#h\n2\n"]);
        assert!(Cutter::new(&of_header("(")).is_err());
    }
}
