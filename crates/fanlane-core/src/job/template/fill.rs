//! Putting the values of parameters into a template: `{@name}`, with the forms and formats that other values have. What a
//! value holds is never read as a part of the template or of the command: it is one word for a shell. Only the texts of yes
//! and no, which the author of the job wrote, are put in as they are.

use super::form::Form;
use super::shell_place::unsafe_place;
use super::{NumberFormat, Part, Piece, Reader, TemplateError, is_whole_number, words};
use crate::job::parameter::fill::{ParameterValues, SIGN};
use crate::job::parameter::{Inserted, ParameterError, is_name};
use crate::job::quote::quote_for;

/// The pieces with the values in place of `{@name}`.
pub(super) fn fill(reader: Reader, pieces: &[Piece], values: &ParameterValues) -> Result<Vec<Piece>, TemplateError> {
    let mut filled: Vec<Piece> = Vec::with_capacity(pieces.len());
    let mut word_start = 0;
    let mut holds_value = false;
    for (place, piece) in pieces.iter().enumerate() {
        if *piece == Piece::NextWord {
            // A word of a program that would be nothing but empty values is left out.
            if filled.len() > word_start || !holds_value {
                filled.push(Piece::NextWord);
                word_start = filled.len();
            }
            holds_value = false;
            continue;
        }
        let before = place.checked_sub(1).map(|before| &pieces[before]);
        let Some((value, part, column)) = parameter_of(piece, before, values)? else {
            filled.push(piece.clone());
            continue;
        };
        holds_value = true;
        if let (Reader::Shell(quoting), Inserted::Word(_) | Inserted::Path(_)) = (reader, value)
            && let Some(within) = unsafe_place(&pieces[..place], quoting)
        {
            return Err(TemplateError::NotAWord { column, within });
        }
        let text = part_of(value, part, column)?;
        match (reader, value) {
            _ if text.is_empty() => {}
            (Reader::Program, Inserted::Written(written))
                if is_word_end(before) && is_word_end(pieces.get(place + 1)) =>
            {
                for (index, word) in words::split(written)?.into_iter().enumerate() {
                    if index > 0 {
                        filled.push(Piece::NextWord);
                    }
                    filled.push(Piece::Text(word.text));
                }
            }
            (Reader::Shell(quoting), Inserted::Word(_) | Inserted::Path(_)) => {
                let mut quoted = Vec::new();
                quote_for(quoting, text.as_bytes(), &mut quoted);
                filled.push(Piece::Text(String::from_utf8_lossy(&quoted).into_owned()));
            }
            _ => filled.push(Piece::Text(text)),
        }
    }
    if holds_value && filled.len() == word_start {
        filled.pop_if(|last| *last == Piece::NextWord);
    }
    if reader == Reader::Program && filled.is_empty() {
        return Err(TemplateError::EmptyProgram { column: 1 });
    }
    Ok(filled)
}

fn is_word_end(piece: Option<&Piece>) -> bool {
    matches!(piece, None | Some(Piece::NextWord))
}

/// The value that a piece asks for.
fn parameter_of<'a>(
    piece: &Piece,
    before: Option<&Piece>,
    values: &'a ParameterValues,
) -> Result<Option<(&'a Inserted, Part, usize)>, TemplateError> {
    let Piece::Braced { inside, column } = piece else { return Ok(None) };
    // The dollar sign of a shell's variable.
    let is_variable = matches!(before, Some(Piece::Text(text)) if text.ends_with('$'));
    let Some(asked) = inside.strip_prefix(SIGN).filter(|_| !is_variable) else { return Ok(None) };
    if let Some(value) = values.get(asked) {
        return Ok(Some((value, Part::Form(Form::Whole), *column)));
    }
    let (name, form) = Form::split(asked);
    if let Some(value) = values.get(name) {
        return Ok(Some((value, Part::Form(form), *column)));
    }
    let (name, written) = name.rsplit_once(':').map_or((name, None), |(name, written)| (name, Some(written)));
    match (values.get(name), written.map(NumberFormat::read)) {
        (Some(value), Some(Some(format))) => Ok(Some((value, Part::Number(format), *column))),
        (Some(_), _) => {
            Err(TemplateError::Format { column: *column, found: inside.clone(), name: format!("{SIGN}{name}") })
        }
        (None, _) if is_name(name) => {
            let error = Box::new(ParameterError::unknown(name, values.names()));
            Err(TemplateError::Parameter { column: *column, error })
        }
        (None, _) => Ok(None),
    }
}

fn part_of(value: &Inserted, part: Part, column: usize) -> Result<String, TemplateError> {
    let mut bytes = Vec::new();
    match part {
        Part::Form(form) => bytes.extend_from_slice(form.of(value.text().as_bytes())),
        Part::Number(format) if is_whole_number(value.text().as_bytes()) => {
            format.write(value.text().as_bytes(), &mut bytes);
        }
        // Only other values are computed.
        Part::Computed(_) => bytes.extend_from_slice(value.text().as_bytes()),
        Part::Number(_) => return Err(TemplateError::NotWhole { column, value: value.text().to_owned() }),
    }
    // A form cuts at ASCII characters alone.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
