//! Rows of a CSV file, as spreadsheets of every country write it: the first row names the columns; what separates them is
//! recognised.

use std::io::{self, BufRead, Read};

use super::fault::column_names;
use super::row_bound::{RowBound, is_row_bound};
use super::source::Texts;
use super::value::ValueRules;
use super::{FieldCount, InputError, Source};

/// Separators that are recognised, the more common ones first.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// Size of the part of a file in which its separator is looked for, in bytes.
const HEAD_BYTES: u64 = 1 << 16;
/// Number of rows in which it is looked for.
const HEAD_ROWS: usize = 100;

/// Reads a table. `separator`: what stands between columns; `None`: it is recognised.
pub(super) fn read(
    mut reader: &mut dyn BufRead,
    separator: Option<u8>,
    origin: &str,
    rules: ValueRules,
) -> Result<Source, InputError> {
    let unreadable = |source| InputError::Unreadable { origin: origin.to_owned(), source };
    let mut head = Vec::new();
    Read::take(&mut reader, HEAD_BYTES).read_to_end(&mut head).map_err(unreadable)?;
    let is_all = (head.len() as u64) < HEAD_BYTES;
    let (announced, first_byte) = announced_separator(&head);
    let body = &head[first_byte..];
    let separator = separator.or(announced).unwrap_or_else(|| recognised(body, is_all));
    let lines_before = u64::from(first_byte > 0);

    let bound = RowBound::default();
    let mut csv =
        csv::ReaderBuilder::new().has_headers(false).delimiter(separator).from_reader(bound.around(body.chain(reader)));
    let mut texts = Texts::default();
    let mut names: Option<Vec<String>> = None;
    let mut record = csv::ByteRecord::new();
    let mut row = 0;
    let mut line = 0;
    let mut ends_in_lines = false;
    loop {
        row += 1;
        bound.begin_row();
        match csv.read_byte_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => return Err(csv_error(error, row, lines_before, origin, separator)),
        }
        line = record.position().map_or(row, csv::Position::line) + lines_before;
        ends_in_lines = record.iter().next_back().is_some_and(|field| field.contains(&b'\n'));
        let Some(names) = &names else {
            names = Some(column_names(record.iter().map(<[u8]>::trim_ascii), origin)?);
            continue;
        };
        for (column, field) in record.iter().enumerate() {
            rules.check(field, origin, || match names.get(column).filter(|name| !name.is_empty()) {
                Some(name) => format!("row {row} (line {line}), column '{name}'"),
                None => format!("row {row} (line {line}), column {}", column + 1),
            })?;
            texts.push(field);
        }
    }
    // A cell that never ends holds all lines behind it.
    if ends_in_lines && bound.has_open_quote() {
        return Err(InputError::OpenQuote { origin: origin.to_owned(), row: row - 1, line });
    }
    let names = names.ok_or_else(|| InputError::NoHeader { origin: origin.to_owned() })?;
    Ok(Source::named(texts.shrink(), names))
}

/// The separator of a first line such as `sep=;`, which spreadsheets write and read, and where the table begins behind it.
fn announced_separator(head: &[u8]) -> (Option<u8>, usize) {
    let end = head.iter().position(|byte| *byte == b'\n').map_or(head.len(), |at| at + 1);
    let line = head[..end].trim_ascii_end();
    // A tab at the end is the separator and no blank.
    let line = if head[..end].starts_with(b"sep=\t") { &head[..5] } else { line };
    match line {
        [s, e, p, b'=', separator] if [*s, *e, *p].eq_ignore_ascii_case(b"sep") && separator.is_ascii() => {
            (Some(*separator), end)
        }
        _ => (None, 0),
    }
}

/// The separator that cuts the first rows into the same number of columns, more than one; the comma where none does.
fn recognised(head: &[u8], is_all: bool) -> u8 {
    let cut = SEPARATORS.map(|separator| (separator, columns_of_rows(head, is_all, separator)));
    let is_table = |(_, rows): &&(u8, Vec<usize>)| rows.first().is_some_and(|first| *first > 1);
    let fits = |rows: &[usize]| rows.windows(2).all(|pair| pair[0] == pair[1]);
    let found = cut.iter().find(|cut| is_table(cut) && fits(&cut.1)).or_else(|| cut.iter().find(is_table));
    found.map_or(b',', |(separator, _)| *separator)
}

fn columns_of_rows(head: &[u8], is_all: bool, separator: u8) -> Vec<usize> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(separator).from_reader(head);
    let rows = reader.byte_records().map_while(Result::ok).take(HEAD_ROWS);
    let mut rows: Vec<usize> = rows.map(|record| record.len()).collect();
    if !is_all && rows.len() < HEAD_ROWS {
        // The last one goes on behind the head.
        rows.pop();
    }
    rows
}

fn csv_error(error: csv::Error, row: u64, lines_before: u64, origin: &str, separator: u8) -> InputError {
    let text = error.to_string();
    let origin = origin.to_owned();
    match error.into_kind() {
        csv::ErrorKind::UnequalLengths { pos, expected_len, len } => InputError::RaggedRow {
            origin,
            row,
            line: pos.map_or(row, |pos| pos.line()) + lines_before,
            found: FieldCount(len),
            expected: FieldCount(expected_len),
            separator: char::from(separator),
        },
        csv::ErrorKind::Io(source) if is_row_bound(&source) => {
            InputError::TooLong { origin, place: format!("row {row}"), max_bytes: super::read::MAX_ROW_BYTES }
        }
        csv::ErrorKind::Io(source) => InputError::Unreadable { origin, source },
        _ => InputError::Unreadable { origin, source: io::Error::other(text) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_separator_is_recognised() {
        for (table, separator) in [
            ("a,b\n1,2\n", b','),
            ("a;b\n1,5;2,5\n", b';'),
            ("a\tb\n1\t2\n", b'\t'),
            ("a|b\n1|2\n", b'|'),
            ("\"a,b\";c\n1;2\n", b';'),
            ("a;b,c\n1;2\n", b';'),
            ("name\nx;y\nz\n", b','),
            ("name\nx y\n", b','),
            ("", b','),
            ("a,b;c,d\n", b','),
        ] {
            assert_eq!(char::from(recognised(table.as_bytes(), true)), char::from(separator), "{table:?}");
        }
        // What is cut off says nothing.
        assert_eq!(recognised(b"a;b\n1;2\n3", false), b';');
    }

    #[test]
    fn a_first_line_may_announce_the_separator() {
        for (head, expected) in [
            ("sep=;\r\na;b", (Some(b';'), 7)),
            ("SEP=|\na|b", (Some(b'|'), 6)),
            ("sep=\t\na\tb", (Some(b'\t'), 6)),
            ("sep=;", (Some(b';'), 5)),
            ("sep,b\n", (None, 0)),
            ("sep=ab\n", (None, 0)),
        ] {
            assert_eq!(announced_separator(head.as_bytes()), expected, "{head:?}");
        }
    }
}
