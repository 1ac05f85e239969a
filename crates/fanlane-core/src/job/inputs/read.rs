//! Reading the inputs that are texts: lists, lines, file names and CSV rows.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use super::columns::Table;
use super::fault::refuse_nul;
use super::source::Texts;
use super::{FieldCount, InputError, Source, walk};

pub(super) fn list<'a>(values: impl Iterator<Item = &'a [u8]>, mut table: Table) -> Result<Source, InputError> {
    for value in values {
        table.push("the list", "value", |bytes| {
            bytes.extend_from_slice(value);
            Ok(true)
        })?;
    }
    table.finish("the list")
}

pub(super) fn records_of_file(path: &Path, separator: &[u8], table: Table) -> Result<Source, InputError> {
    let origin = path.display().to_string();
    let file = File::open(path).map_err(|source| InputError::Unreadable { origin: origin.clone(), source })?;
    records(BufReader::new(file), separator, &origin, table)
}

/// The pieces that end with `separator`, which the last may lack. They are read right into the table.
pub(super) fn records(
    mut reader: impl BufRead,
    separator: &[u8],
    origin: &str,
    mut table: Table,
) -> Result<Source, InputError> {
    let Some(last) = separator.last() else {
        return Err(InputError::BadSeparator { pattern: String::new(), reason: "it is empty".to_owned() });
    };
    let what = if separator == b"\n" { "line" } else { "record" };
    loop {
        let is_there = table.push(origin, what, |bytes| {
            let start = bytes.len();
            loop {
                let read = reader
                    .read_until(*last, bytes)
                    .map_err(|source| InputError::Unreadable { origin: origin.to_owned(), source })?;
                if bytes[start..].ends_with(separator) {
                    bytes.truncate(bytes.len() - separator.len());
                    return Ok(true);
                }
                if read == 0 {
                    return Ok(bytes.len() > start);
                }
            }
        })?;
        if !is_there {
            return table.finish(origin);
        }
    }
}

pub(super) fn glob(pattern: &str, folder: &Path, mut table: Table) -> Result<Source, InputError> {
    let names = walk::matches(pattern, folder)?;
    if names.is_empty() {
        return Err(InputError::NoMatch { pattern: pattern.to_owned(), folder: folder.to_owned() });
    }
    for name in &names {
        table.push(pattern, "match", |bytes| {
            bytes.extend_from_slice(name);
            Ok(true)
        })?;
    }
    table.finish(pattern)
}

pub(super) fn csv(path: &Path) -> Result<Source, InputError> {
    let origin = path.display().to_string();
    let unreadable = |source| InputError::Unreadable { origin: origin.clone(), source };
    let file = File::open(path).map_err(unreadable)?;
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(false).from_reader(file);
    let mut texts = Texts::default();
    let mut names: Vec<String> = Vec::new();
    let mut record = csv::ByteRecord::new();
    let mut row = 0;
    loop {
        row += 1;
        match reader.read_byte_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => return Err(csv_error(error, row, &origin)),
        }
        if names.is_empty() {
            names = column_names(&record, &origin)?;
            continue;
        }
        for field in &record {
            refuse_nul(field, &origin, || format!("row {row}"))?;
            texts.push(field);
        }
    }
    if names.is_empty() {
        return Err(InputError::NoHeader { origin });
    }
    Ok(Source::named(texts.shrink(), names))
}

fn column_names(record: &csv::ByteRecord, origin: &str) -> Result<Vec<String>, InputError> {
    let mut names = Vec::with_capacity(record.len());
    for (index, field) in record.iter().enumerate() {
        // Spreadsheets put a byte order mark in front of the first name.
        let field = if index == 0 { field.strip_prefix(b"\xef\xbb\xbf").unwrap_or(field) } else { field };
        let name = str::from_utf8(field)
            .map_err(|_| InputError::ColumnNotUnicode { origin: origin.to_owned(), column: index + 1 })?;
        names.push(name.to_owned());
    }
    Ok(names)
}

fn csv_error(error: csv::Error, row: u64, origin: &str) -> InputError {
    let text = error.to_string();
    match error.into_kind() {
        csv::ErrorKind::UnequalLengths { pos, expected_len, len } => InputError::RaggedRow {
            origin: origin.to_owned(),
            row,
            line: pos.map_or(row, |pos| pos.line()),
            found: FieldCount(len),
            expected: FieldCount(expected_len),
        },
        csv::ErrorKind::Io(source) => InputError::Unreadable { origin: origin.to_owned(), source },
        _ => InputError::Unreadable { origin: origin.to_owned(), source: std::io::Error::other(text) },
    }
}
