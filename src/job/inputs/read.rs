//! Reading the inputs that are texts: lists, lines, file names and CSV rows.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use super::source::Texts;
use super::{Fields, InputError, Source, walk};

pub(super) fn list(values: &[String]) -> Result<Source, InputError> {
    let mut texts = Texts::default();
    for (index, value) in values.iter().enumerate() {
        refuse_nul(value.as_bytes(), "the list", || format!("value {}", index + 1))?;
        texts.push(value.as_bytes());
    }
    Ok(Source::single(texts.shrink()))
}

pub(super) fn lines_of_file(path: &Path) -> Result<Source, InputError> {
    let origin = path.display().to_string();
    let file = File::open(path).map_err(|source| InputError::Unreadable { origin: origin.clone(), source })?;
    lines(BufReader::new(file), &origin)
}

pub(super) fn lines(mut reader: impl BufRead, origin: &str) -> Result<Source, InputError> {
    let mut texts = Texts::default();
    loop {
        let number = texts.len() + 1;
        let is_there = texts.push_with(|bytes, start| {
            let read = reader
                .read_until(b'\n', bytes)
                .map_err(|source| InputError::Unreadable { origin: origin.to_owned(), source })?;
            if bytes.ends_with(b"\n") && read > 0 {
                bytes.pop();
            }
            refuse_nul(&bytes[start..], origin, || format!("line {number}"))?;
            Ok(read > 0)
        })?;
        if !is_there {
            return Ok(Source::single(texts.shrink()));
        }
    }
}

pub(super) fn glob(pattern: &str, folder: &Path) -> Result<Source, InputError> {
    let names = walk::matches(pattern, folder)?;
    if names.is_empty() {
        return Err(InputError::NoMatch { pattern: pattern.to_owned(), folder: folder.to_owned() });
    }
    let mut texts = Texts::default();
    for name in &names {
        texts.push(name);
    }
    Ok(Source::single(texts.shrink()))
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
            found: Fields(len),
            expected: Fields(expected_len),
        },
        csv::ErrorKind::Io(source) => InputError::Unreadable { origin: origin.to_owned(), source },
        _ => InputError::Unreadable { origin: origin.to_owned(), source: std::io::Error::other(text) },
    }
}

fn refuse_nul(value: &[u8], origin: &str, place: impl Fn() -> String) -> Result<(), InputError> {
    if value.contains(&0) {
        return Err(InputError::Nul { origin: origin.to_owned(), place: place() });
    }
    Ok(())
}
