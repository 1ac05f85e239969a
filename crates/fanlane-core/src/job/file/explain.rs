//! What a fault of a text means, in words for its author: what stands there and what is expected.

use ron::error::{Error, SpannedError};

use super::TextPosition;
use super::locate::{blank_length, byte_at, place_at};
use crate::job::{field, suggestion};

/// How many characters of what stands in the text are shown.
const SHOWN_CHARS: usize = 24;

/// The place of a fault and its explanation.
pub(super) fn explain(error: &SpannedError, text: &str) -> (TextPosition, String) {
    let start = byte_at(text, TextPosition { line: error.span.start.line, column: error.span.start.col });
    // The reader notices some faults in front of the blanks before them.
    let start = start + blank_length(&text[start..]);
    let at = |byte: usize, message: String| (place_at(text, byte), message);
    let end = byte_at(text, TextPosition { line: error.span.end.line, column: error.span.end.col });
    let expected = |what: &str| {
        // What is missing at the end of a torn file is noticed behind the last thing that is there.
        let start = if end + blank_length(&text[end..]) == text.len() { text.len() } else { start };
        at(start, format!("expected {what}, found {}", found_at(text, start)))
    };

    match &error.code {
        Error::NoSuchStructField { expected, found, outer } => at(
            start,
            format!("unknown field '{found}' in {}; {}", outer_name(outer), where_it_belongs(found, expected)),
        ),
        Error::NoSuchEnumVariant { expected, found, outer } => {
            at(start, format!("unknown {} '{found}'; {}", kind_of(outer), nearest(found, expected, "expected one of")))
        }
        Error::MissingStructField { field, outer } => {
            at(start, format!("the field '{field}' is missing in {}; add it", outer_name(outer)))
        }
        Error::DuplicateStructField { field, outer } => {
            at(start, format!("the field '{field}' occurs twice in {}; remove one", outer_name(outer)))
        }
        Error::ExpectedInteger => expected("a whole number"),
        Error::ExpectedFloat => expected("a number"),
        Error::ExpectedBoolean => expected("true or false"),
        Error::ExpectedString => expected("text in double quotes"),
        Error::ExpectedArray => expected("a list in [ ]"),
        Error::ExpectedArrayEnd => expected("',' or ']'"),
        Error::ExpectedMapColon => expected("':' after the field's name"),
        Error::ExpectedNamedStructLike(name) if !name.is_empty() => expected(&format!("{name}( … )")),
        Error::ExpectedStructLike | Error::ExpectedNamedStructLike(_) => expected("'('"),
        Error::ExpectedStructLikeEnd => expected("')'"),
        Error::ExpectedOptionEnd => expected("')' behind the value of Some"),
        Error::ExpectedIdentifier => expected("a name without quotes"),
        Error::ExpectedDifferentStructName { expected, found } => {
            at(start, format!("expected {expected}( … ), found '{found}'"))
        }
        Error::ExpectedComma => {
            let number = number_around(text, start);
            // The reader takes `3` as the number and misses a comma at `.5`.
            if text[start..].starts_with('.') && number.start < start {
                at(number.start, format!("expected a whole number, found '{}'", &text[number]))
            } else {
                expected("',' or the closing bracket")
            }
        }
        Error::IntegerOutOfBounds => {
            let number = number_around(text, start);
            at(number.start, format!("the number '{}' is too large or too small here", &text[number]))
        }
        Error::ExpectedDifferentLength { expected, found } => {
            // "tuple variant Input::Range with 2 elements"
            let name = expected.rsplit("::").next().unwrap_or(expected);
            at(start, format!("expected {name}, found {found}"))
        }
        Error::TrailingCharacters => expected("the end of the file"),
        Error::Eof => at(text.len(), "the file ends too early".to_owned()),
        Error::ExpectedStringEnd => at(start, "the text that begins here has no closing quote".to_owned()),
        Error::UnclosedBlockComment => {
            let begin = text[..end].rfind("/*").unwrap_or(start);
            at(begin, "the comment that begins here has no closing */".to_owned())
        }
        Error::InvalidEscape(_) => at(start, "unknown escape in this text; write \\\\ for a backslash".to_owned()),
        Error::NoSuchExtension(name) => at(start, format!("unknown extension '{name}'; remove it")),
        Error::ExceededRecursionLimit => at(start, "too many brackets lie in each other".to_owned()),
        Error::InvalidValueForType { expected, found } => at(start, format!("expected {expected}, found {found}")),
        // Faults that the types of a job do not allow to happen, or that speak for themselves.
        other => at(start, other.to_string()),
    }
}

fn outer_name(outer: &Option<String>) -> &str {
    outer.as_deref().unwrap_or("this value")
}

/// The words of the job file's reader for an enum.
fn kind_of(outer: &Option<String>) -> &'static str {
    match outer.as_deref() {
        Some("TaskTemplate") => "task",
        Some("Input") => "input",
        Some("Mode") => "mode",
        _ => "value",
    }
}

/// The place of a field that lies elsewhere in a job, or the nearest of those that are `expected`.
fn where_it_belongs(found: &str, expected: &[&str]) -> String {
    let elsewhere = field::fields().find(|field| field.name() == found && !expected.contains(&found));
    match elsewhere.and_then(|field| field.key.rsplit_once('.')) {
        Some((outer, _)) if expected.contains(&"version") => format!("it belongs in '{outer}'"),
        _ => nearest(found, expected, "the fields are"),
    }
}

/// `did you mean 'x'?` if one name is near, otherwise all of them.
fn nearest(found: &str, names: &[&str], introduction: &str) -> String {
    match suggestion::nearest(found, names.iter().copied()) {
        Some(name) => format!("did you mean '{name}'?"),
        None => format!("{introduction}: {}", names.join(", ")),
    }
}

/// What stands at a byte of the text, shortened.
fn found_at(text: &str, start: usize) -> String {
    let rest = &text[start..];
    let Some(first) = rest.chars().next() else { return "the end of the file".to_owned() };
    if first == '"' {
        let inside: String = rest[1..].chars().take_while(|c| !matches!(c, '"' | '\n')).collect();
        return format!("the text \"{}\"", shortened(&inside));
    }
    let word: String = rest.chars().take_while(|c| is_word(*c)).collect();
    if word.is_empty() { format!("'{first}'") } else { format!("'{}'", shortened(&word)) }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The number that a byte of the text lies in or behind.
fn number_around(text: &str, byte: usize) -> std::ops::Range<usize> {
    let before = text[..byte].chars().rev().take_while(|c| is_word(*c)).map(char::len_utf8).sum::<usize>();
    let behind = text[byte..].chars().take_while(|c| is_word(*c)).map(char::len_utf8).sum::<usize>();
    byte - before..byte + behind
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.' | '+' | '-')
}
