//! From the text of a command line to its pieces.

use std::sync::Arc;

use super::form::Form;
use super::{Expression, NumberFormat, Part, Piece, TemplateError};

/// What `{#}` and the like stand for.
enum Name {
    Number,
    Slot,
    SlotFromZero,
    At(i64),
}

pub(super) fn refuse_blank(text: &str) -> Result<(), TemplateError> {
    if text.trim().is_empty() { Err(TemplateError::Empty) } else { Ok(()) }
}

pub(super) fn parse(text: &str) -> Result<Vec<Piece>, TemplateError> {
    parse_part(text, &|byte| text[..byte].chars().count() + 1)
}

/// Parses a part of a template, of which `column_of` says where a byte stands in the whole.
pub(super) fn parse_part(text: &str, column_of: &dyn Fn(usize) -> usize) -> Result<Vec<Piece>, TemplateError> {
    if let Some(at) = text.find('\0') {
        return Err(TemplateError::Nul { column: column_of(at) });
    }
    let mut pieces = Vec::new();
    let mut literal_start = 0;
    let mut at = 0;
    while let Some(found) = text[at..].find('{') {
        let open = at + found;
        let inside_start = open + 1;
        // A brace inside braces begins anew: `{{}}` is a replacement string between two braces of text.
        let Some(length) = text[inside_start..].find(['{', '}']) else { break };
        let close = inside_start + length;
        if let Some(length) = text[inside_start..].strip_prefix('=').and_then(|rest| rest.find("=}")) {
            if literal_start < open {
                pieces.push(Piece::Text(text[literal_start..open].to_owned()));
            }
            let end = inside_start + 1 + length;
            pieces.push(computed(&text[inside_start + 1..end], column_of(open))?);
            at = end + 2;
            literal_start = at;
            continue;
        }
        let inside = &text[inside_start..close];
        if text.as_bytes()[close] == b'{' {
            at = close;
            continue;
        }
        at = close + 1;
        if let Some(piece) = braced(inside, || column_of(open))? {
            if literal_start < open {
                pieces.push(Piece::Text(text[literal_start..open].to_owned()));
            }
            pieces.push(piece);
            literal_start = at;
        }
    }
    if literal_start < text.len() {
        pieces.push(Piece::Text(text[literal_start..].to_owned()));
    }
    Ok(pieces)
}

/// `{= … =}`, `{=2 … =}` and `{=name … =}`, by what stands between the equals signs.
fn computed(inside: &str, column: usize) -> Result<Piece, TemplateError> {
    let read = |source: &str| Expression::read(source).map(|expression| Part::Computed(Arc::new(expression)));
    let fault = |reason| TemplateError::Expression { column, reason };
    let begin = inside.trim_start();
    let first_word = begin.split(char::is_whitespace).next().unwrap_or_default();
    let behind = &begin[first_word.len()..];
    if let Some(Name::At(position)) = name(first_word) {
        if position == 0 {
            return Err(TemplateError::Zero { column });
        }
        return Ok(Piece::At { position, part: read(behind).map_err(fault)?, column });
    }
    let reason = match read(inside) {
        Ok(part) => return Ok(Piece::All(part)),
        Err(reason) => reason,
    };
    let is_name = first_word.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '-'));
    match read(behind) {
        Ok(part) if is_name && !first_word.is_empty() && !behind.is_empty() => {
            Ok(Piece::Named { name: first_word.to_owned(), part, column })
        }
        _ => Err(fault(reason)),
    }
}

fn braced(inside: &str, column: impl Fn() -> usize) -> Result<Option<Piece>, TemplateError> {
    if let Some(piece) = counted(inside, &column)? {
        return Ok(Some(piece));
    }
    let (front, form) = Form::split(inside);
    if front.is_empty() {
        return Ok(Some(Piece::All(Part::Form(form))));
    }
    // Parallel takes `{1 }` as `{1}` and `{ 1}` as text; either is meant as the value.
    let trimmed = inside.trim();
    if trimmed != inside && counted(trimmed, &column)?.is_some() {
        return Err(TemplateError::Blank { column: column(), found: inside.to_owned(), meant: trimmed.to_owned() });
    }
    // No column is called like a script: a line end in braces is the shell's or awk's.
    Ok((!inside.contains('\n')).then(|| Piece::Braced { inside: inside.to_owned(), column: column() }))
}

/// `#`, `%` and positions, with a form or a format.
fn counted(inside: &str, column: &impl Fn() -> usize) -> Result<Option<Piece>, TemplateError> {
    let (front, written) = match inside.split_once(':') {
        Some((front, written)) => (front, Some(written)),
        None => (inside, None),
    };
    let (front, form) = if written.is_none() { Form::split(front) } else { (front, Form::Whole) };
    let Some(name) = name(front) else { return Ok(None) };
    if matches!(name, Name::At(0)) {
        return Err(TemplateError::Zero { column: column() });
    }
    let format = match written.map(NumberFormat::read) {
        None => None,
        Some(Some(format)) => Some(format),
        // Elsewhere braces with a number and a colon are something else's, such as Python's.
        Some(None) if matches!(name, Name::At(_)) && !written.is_some_and(looks_like_format) => return Ok(None),
        Some(None) => {
            return Err(TemplateError::Format { column: column(), found: inside.to_owned(), name: front.to_owned() });
        }
    };
    match name {
        Name::Number | Name::Slot | Name::SlotFromZero if form != Form::Whole => Ok(None),
        Name::Number => Ok(Some(Piece::Number(format.unwrap_or_default()))),
        Name::SlotFromZero => Ok(Some(Piece::SlotFromZero(format.unwrap_or_default()))),
        Name::Slot => Ok(Some(Piece::Slot(format.unwrap_or_default()))),
        Name::At(position) => {
            let part = format.map_or(Part::Form(form), Part::Number);
            Ok(Some(Piece::At { position, part, column: column() }))
        }
    }
}

fn name(front: &str) -> Option<Name> {
    match front {
        "#" => return Some(Name::Number),
        "%" => return Some(Name::Slot),
        "%-1" => return Some(Name::SlotFromZero),
        _ => {}
    }
    let digits = front.strip_prefix('-').unwrap_or(front);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // A number too large for any list of inputs is found missing when the template is bound.
    let size: i64 = digits.parse().unwrap_or(i64::MAX);
    Some(Name::At(if front.starts_with('-') { -size } else { size }))
}

/// A slip in a format, such as `03d` or `%s`.
pub(super) fn looks_like_format(written: &str) -> bool {
    let is_digits_and_letter = written.strip_suffix('d').is_some_and(|front| front.bytes().all(|b| b.is_ascii_digit()));
    written.starts_with('%') || is_digits_and_letter
}
