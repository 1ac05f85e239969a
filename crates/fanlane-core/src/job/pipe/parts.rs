//! The parts of a file: where its blocks begin and end. Only a little is read of it at the end of each block; the tasks read the rest.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::separator::Separator;
use super::{DEFAULT_BLOCK_BYTES, Pipe};

/// How much is read at once, in bytes.
const READ_BYTES: usize = 128 << 10;

/// The parts of a file behind its header, each from a byte to the one behind it, and the length of the header.
#[derive(Debug, PartialEq, Eq)]
pub struct Parts {
    /// Length of what each part is given in front, in bytes.
    pub header_bytes: u64,
    /// The parts, one behind the other.
    pub parts: Vec<(u64, u64)>,
}

impl Parts {
    /// Finds the parts.
    ///
    /// # Errors
    /// When the file cannot be read, is none that has a length, or a regular expression of `pipe` is none.
    pub fn find(file: &File, pipe: &Pipe) -> io::Result<Self> {
        let found = file.metadata()?;
        if !found.is_file() {
            return Err(io::Error::other("it is no file that parts can be read of; cut the stream: --pipe < FILE"));
        }
        let separator = pipe.separator().map_err(io::Error::other)?;
        let size = found.len();
        let header_bytes = header(file, pipe, size)?;
        let block = match (pipe.block_bytes, pipe.blocks) {
            (Some(bytes), _) => bytes,
            (None, Some(blocks)) => size / u64::from(blocks.max(1)) + 1,
            (None, None) => DEFAULT_BLOCK_BYTES,
        };
        let mut ends = vec![header_bytes];
        let mut at = header_bytes.saturating_add(block.max(1));
        while at < size {
            if let Some(end) = end_behind(file, at, &separator)? {
                at = end;
                ends.push(end);
            } else {
                break;
            }
            at = at.saturating_add(block.max(1));
        }
        if ends.last() != Some(&size) && header_bytes < size {
            ends.push(size);
        }
        let parts = ends.windows(2).map(|pair| (pair[0], pair[1])).filter(|(from, to)| from < to).collect();
        Ok(Self { header_bytes, parts })
    }
}

/// Where a record ends at `at` or behind; `None`: at the end of the file.
fn end_behind(file: &File, at: u64, separator: &Separator) -> io::Result<Option<u64>> {
    if matches!(separator, Separator::Anywhere) {
        return Ok(Some(at));
    }
    let mut read = Vec::new();
    loop {
        let searched = read.len();
        if !read_on(file, &mut read, at, READ_BYTES)? {
            return Ok(None);
        }
        if let Some(end) = separator.end_in(&read, searched) {
            return Ok(Some(at + end as u64));
        }
    }
}

fn header(file: &File, pipe: &Pipe, size: u64) -> io::Result<u64> {
    let Some(expression) = pipe.header_expression().map_err(io::Error::other)? else { return Ok(0) };
    let mut read = Vec::new();
    while (read.len() as u64) < size {
        // The expression is matched from the beginning each time: twice as much each time keeps that in proportion.
        let more = read.len().max(READ_BYTES);
        let has_more = read_on(file, &mut read, 0, more)?;
        if let Some(found) = expression.find(&read) {
            return Ok(found.end() as u64);
        }
        if !has_more {
            break;
        }
    }
    Ok(0)
}

/// Reads on behind what was `read` from `at` on, at most `more` bytes; false at the end of the file.
fn read_on(file: &File, read: &mut Vec<u8>, at: u64, more: usize) -> io::Result<bool> {
    let length = read.len();
    read.resize(length + more, 0);
    let count = loop {
        match file.read_at(&mut read[length..], at + length as u64) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            count => break count?,
        }
    };
    read.truncate(length + count);
    Ok(count > 0)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn parts(text: &str, pipe: Pipe) -> Vec<(u64, u64)> {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(text.as_bytes()).expect("written");
        Parts::find(&file, &pipe).expect("parts").parts
    }

    #[test]
    fn parts_end_behind_the_first_record_that_does_so_after_a_block() {
        let of = |bytes| Pipe { block_bytes: Some(bytes), ..Pipe::default() };
        assert_eq!(parts("1\n2\n3\n4\n5", of(4)), [(0, 6), (6, 9)]);
        assert_eq!(parts("1\n2\n3\n", of(1)), [(0, 2), (2, 4), (4, 6)]);
        assert_eq!(parts("123456789", of(2)), [(0, 9)]);
        assert!(parts("", of(2)).is_empty());
        assert_eq!(parts(">a>b>c", Pipe { record_start: Some(">".into()), ..of(2) }), [(0, 2), (2, 4), (4, 6)]);
        assert_eq!(parts("12345", Pipe { record_end: Some(String::new()), ..of(2) }), [(0, 2), (2, 4), (4, 5)]);
        let headed = Pipe { header: Some(":".into()), ..of(2) };
        assert_eq!(parts("h\n1\n2\n", headed.clone()), [(2, 6)]);
        assert_eq!(parts("h\n1\n2\n3\n4\n", headed), [(2, 6), (6, 10)]);
        let two = Pipe { blocks: Some(2), ..Pipe::default() };
        assert_eq!(parts("1\n2\n3\n4\n", two), [(0, 6), (6, 8)]);
    }

    #[test]
    fn a_separator_is_found_wherever_what_is_read_at_once_ends() {
        let long = 2 * READ_BYTES as u64;
        for shift in 0..4 {
            let first = long - shift;
            let text = format!("{}-=-{}", "x".repeat(usize::try_from(first).expect("it fits")), "y".repeat(10));
            let pipe = Pipe { record_end: Some("-=-".into()), block_bytes: Some(1), ..Pipe::default() };
            assert_eq!(parts(&text, pipe.clone()), [(0, first + 3), (first + 3, first + 13)], "{shift}");
            let headed = Pipe { header: Some("(?s:.*?)-=-".into()), ..pipe };
            assert_eq!(parts(&text, headed), [(first + 3, first + 13)], "{shift}, as a header");
        }
    }

    #[test]
    fn what_has_no_length_has_no_parts() {
        let null = File::open("/dev/null").expect("it is there");
        assert!(Parts::find(&null, &Pipe::default()).is_err_and(|error| error.to_string().contains("--pipe")));
    }
}
