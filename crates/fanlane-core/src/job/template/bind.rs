//! From pieces and columns to steps: every name and position is looked up once, for all tasks.

use super::expand::{CommandLine, Step};
use super::form::Form;
use super::parse::looks_like_format;
use super::{NumberFormat, Part, Piece, Reader, TemplateError};
use crate::job::suggestion;

/// A value that a template pads as a number, so that it must be one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberUse {
    /// The number of the value in its task, from 0.
    pub index: usize,
    /// Where the template asks for it, in characters from 1.
    pub column: usize,
}

pub(super) fn bind(reader: Reader, pieces: &[Piece], columns: &[String]) -> Result<CommandLine, TemplateError> {
    let mut line = CommandLine::default();
    let mut replaces = false;
    for (place, piece) in pieces.iter().enumerate() {
        let step = match piece {
            Piece::Text(text) => {
                line.push_text(text);
                continue;
            }
            Piece::NextWord => {
                // Where there is no value there is no word, and so no end of one.
                if words_part(reader, pieces, place + 1).is_none() {
                    line.push_text("\0");
                }
                continue;
            }
            Piece::Number(format) => Step::Number(*format),
            Piece::Slot(format) => Step::Slot(*format),
            Piece::SlotFromZero(format) => Step::SlotFromZero(*format),
            Piece::All(part) if words_part(reader, pieces, place).is_some() => {
                Step::Words { part: part.clone(), first: place == 0 }
            }
            Piece::All(part) => Step::All(part.clone()),
            Piece::At { position, part, column } => {
                let index = index_of(*position, columns.len()).ok_or(TemplateError::NoSuchValue {
                    column: *column,
                    position: *position,
                    given: columns.len(),
                })?;
                let step = value_step(&mut line, index, part.clone(), *column);
                // A last group of fewer values has another end.
                if *position < 0 { Step::FromEnd { back: columns.len() - index, part: part.clone() } } else { step }
            }
            Piece::Named { name, part, column } => match columns.iter().position(|column| column == name) {
                Some(index) => value_step(&mut line, index, part.clone(), *column),
                None => return Err(no_such_column(name, columns, *column)),
            },
            Piece::Braced { inside, column } => match column_called(inside, columns, *column)? {
                Some((index, part)) => value_step(&mut line, index, part, *column),
                None => {
                    // The dollar sign of a shell's variable.
                    let is_variable = line.ends_with('$');
                    if !is_variable && let Some(fault) = missing_column(inside, columns, *column) {
                        return Err(fault);
                    }
                    line.push_text(&format!("{{{inside}}}"));
                    continue;
                }
            },
        };
        replaces = true;
        line.steps.push(step);
    }
    if !replaces && !columns.is_empty() {
        match reader {
            Reader::Shell(_) => {
                line.push_text(" ");
                line.steps.push(Step::All(Part::Form(Form::Whole)));
            }
            Reader::Program => line.steps.push(Step::Words { part: Part::Form(Form::Whole), first: false }),
            Reader::Text => {}
        }
    }
    line.quoting = match reader {
        Reader::Shell(quoting) if !line.begins_with_value() => Some(quoting),
        _ => None,
    };
    Ok(line)
}

fn value_step(line: &mut CommandLine, index: usize, part: Part, column: usize) -> Step {
    if let Part::Number(_) = part {
        line.numbers.push(NumberUse { index, column });
    }
    Step::Value { index, part }
}

/// A word of a program that is `{}` and nothing else is a word for each value.
fn words_part(reader: Reader, pieces: &[Piece], place: usize) -> Option<&Part> {
    let ends = |piece: Option<&Piece>| matches!(piece, None | Some(Piece::NextWord));
    let is_alone = ends(pieces.get(place + 1)) && ends(place.checked_sub(1).and_then(|before| pieces.get(before)));
    match pieces.get(place) {
        Some(Piece::All(part)) if reader == Reader::Program && is_alone => Some(part),
        _ => None,
    }
}

fn index_of(position: i64, count: usize) -> Option<usize> {
    let size = usize::try_from(position.unsigned_abs()).ok()?;
    if size > count {
        return None;
    }
    Some(if position < 0 { count - size } else { size - 1 })
}

/// The fault of braces that look like the name of a column, where columns have names and none has this one. Braces around
/// anything else are text, such as a script of awk or a list for the shell.
fn missing_column(inside: &str, columns: &[String], column: usize) -> Option<TemplateError> {
    let names = names_of(columns);
    let (name, _) = Form::split(inside);
    let name = name.rsplit_once(':').filter(|(_, written)| looks_like_format(written)).map_or(name, |(name, _)| name);
    let is_word = name.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '-'));
    let starts_as_word = name.starts_with(|letter: char| letter.is_alphabetic() || letter == '_');
    let meant = suggestion::nearest(name, names.iter().map(String::as_str)).map(str::to_owned);
    let is_name = name.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '-' | ' ' | '.' | '/'));
    let is_meant = (is_word && starts_as_word) || (is_name && meant.is_some());
    (!names.is_empty() && is_meant).then(|| TemplateError::NoSuchColumn {
        column,
        found: inside.to_owned(),
        meant,
        names,
    })
}

/// The names of the columns that have one.
fn names_of(columns: &[String]) -> Vec<String> {
    // A column without a name has its position in place of one.
    let is_named = |(index, name): &(usize, &String)| **name != (index + 1).to_string();
    columns.iter().enumerate().filter(is_named).map(|(_, name)| name.clone()).collect()
}

fn no_such_column(name: &str, columns: &[String], column: usize) -> TemplateError {
    let names = names_of(columns);
    let meant = suggestion::nearest(name, names.iter().map(String::as_str)).map(str::to_owned);
    TemplateError::NoSuchColumn { column, found: name.to_owned(), meant, names }
}

fn column_called(inside: &str, columns: &[String], column: usize) -> Result<Option<(usize, Part)>, TemplateError> {
    let find = |name: &str| columns.iter().position(|column| column == name);
    if let Some(index) = find(inside) {
        return Ok(Some((index, Part::Form(Form::Whole))));
    }
    let (name, form) = Form::split(inside);
    if let Some(index) = find(name) {
        return Ok(Some((index, Part::Form(form))));
    }
    let Some((name, written)) = inside.rsplit_once(':') else { return Ok(None) };
    let Some(index) = find(name) else { return Ok(None) };
    match NumberFormat::read(written) {
        Some(format) => Ok(Some((index, Part::Number(format)))),
        None if looks_like_format(written) => {
            Err(TemplateError::Format { column, found: inside.to_owned(), name: name.to_owned() })
        }
        None => Ok(None),
    }
}
