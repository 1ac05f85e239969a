//! From the text of a command line to its pieces.

use super::form::Form;
use super::{Piece, TemplateError};

pub(super) fn parse(text: &str) -> Result<Vec<Piece>, TemplateError> {
    if text.trim().is_empty() {
        return Err(TemplateError::Empty);
    }
    let column_of = |byte: usize| text[..byte].chars().count() + 1;
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
        let inside = &text[inside_start..close];
        if inside.starts_with('=') && text[inside_start + 1..].contains("=}") {
            return Err(TemplateError::Perl { column: column_of(open) });
        }
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

fn braced(inside: &str, column: impl Fn() -> usize) -> Result<Option<Piece>, TemplateError> {
    match inside {
        "#" => return Ok(Some(Piece::Number)),
        "%" => return Err(TemplateError::Slot { column: column() }),
        _ => {}
    }
    let (front, form) = Form::split(inside);
    if front.is_empty() {
        return Ok(Some(Piece::All(form)));
    }
    let digits = front.strip_prefix('-').unwrap_or(front);
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number too large for any list of inputs is found missing when the template is bound.
        let size = digits.parse().unwrap_or(i64::MAX);
        if size == 0 {
            return Err(TemplateError::Zero { column: column() });
        }
        let position = if front.starts_with('-') { -size } else { size };
        return Ok(Some(Piece::At { position, form, column: column() }));
    }
    // No column is called like a script: a line end in braces is the shell's or awk's.
    Ok((!inside.contains('\n')).then(|| Piece::Braced(inside.to_owned())))
}
