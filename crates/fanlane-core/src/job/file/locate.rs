//! Where the fields of a job stand in its text, so that a fault of a value can be shown at that value.
//!
//! This is no parser: it steps over strings, comments and nested values, and says nothing about a text that it does not
//! understand. What is right or wrong is for `ron` to say.

use super::TextPosition;

/// Where the value of a field begins, in bytes; `key` names the fields from the outermost to it, with dots between them.
/// Where an inner one is not written there, the value of the field that it lies in.
pub(super) fn value_start(text: &str, key: &str) -> Option<usize> {
    let mut names = key.split('.');
    let mut start = field_start(text, names.next()?)?;
    for name in names {
        let Some(inner) = field_start(within_brackets(&text[start..]), name) else { break };
        start += inner;
    }
    Some(start)
}

/// The value at the start of `text` up to its closing bracket.
fn within_brackets(text: &str) -> &str {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(byte) = text.as_bytes().get(at) {
        let rest = &text[at..];
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' if depth <= 1 => break,
            b')' | b']' | b'}' => depth -= 1,
            b',' if depth == 0 => break,
            _ => {
                if let Some(length) = skip_ignorable(rest).or_else(|| skip_string(rest)) {
                    at += length;
                    continue;
                }
            }
        }
        at += rest.chars().next().map_or(1, char::len_utf8);
    }
    &text[..at]
}

/// Where the value of a field one bracket deep begins.
fn field_start(text: &str, field: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(byte) = text.as_bytes().get(at) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b',' | b':' | b' ' | b'\n' => {}
            _ => {
                let rest = &text[at..];
                if let Some(length) = skip_ignorable(rest).or_else(|| skip_string(rest)) {
                    at += length;
                    continue;
                }
                let name = word_at_start(rest);
                if depth == 1 && name == field {
                    let colon = at + name.len() + blank_length(&rest[name.len()..]);
                    if text[colon..].starts_with(':') {
                        return Some(colon + 1 + blank_length(&text[colon + 1..]));
                    }
                }
                let step = if name.is_empty() { rest.chars().next().map_or(1, char::len_utf8) } else { name.len() };
                at += step;
                continue;
            }
        }
        at += 1;
    }
    None
}

/// The place of a byte in a text.
pub(super) fn place_at(text: &str, byte: usize) -> TextPosition {
    let before = &text[..byte];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    TextPosition {
        line: before.bytes().filter(|byte| *byte == b'\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
    }
}

/// The byte of a place in a text, or the text's end.
pub(super) fn byte_at(text: &str, place: TextPosition) -> usize {
    let mut line_start = 0;
    for _ in 1..place.line {
        match text[line_start..].find('\n') {
            Some(newline) => line_start += newline + 1,
            None => return text.len(),
        }
    }
    text[line_start..].char_indices().nth(place.column - 1).map_or(text.len(), |(offset, _)| line_start + offset)
}

/// How long the blanks and comments at the start of `text` are.
pub(super) fn blank_length(text: &str) -> usize {
    let mut at = 0;
    while let Some(length) = skip_ignorable(&text[at..]) {
        at += length;
    }
    at
}

/// Blanks, or one comment, at the start of `text`.
fn skip_ignorable(text: &str) -> Option<usize> {
    let blanks = text.len() - text.trim_start().len();
    if blanks > 0 {
        return Some(blanks);
    }
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if !text.starts_with("/*") {
        return None;
    }
    let mut depth = 0_usize;
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let step = if bytes[at..].starts_with(b"/*") {
            depth += 1;
            2
        } else if bytes[at..].starts_with(b"*/") {
            depth -= 1;
            2
        } else {
            1
        };
        at += step;
        if depth == 0 {
            break;
        }
    }
    Some(at)
}

/// One string or character, raw or not, at the start of `text`; all of it if it does not end.
fn skip_string(text: &str) -> Option<usize> {
    if let Some(raw) = text.strip_prefix('r').or_else(|| text.strip_prefix("br")) {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if raw[hashes..].starts_with('"') {
            let start = text.len() - raw.len() + hashes + 1;
            let end = format!("\"{}", "#".repeat(hashes));
            return Some(text[start..].find(&end).map_or(text.len(), |length| start + length + end.len()));
        }
    }
    let opening = if text.starts_with("b\"") { 2 } else { usize::from(text.starts_with('"')) };
    if opening == 0 {
        return None;
    }
    let mut escaped = false;
    for (offset, byte) in text.bytes().enumerate().skip(opening) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(offset + 1),
            _ => {}
        }
    }
    Some(text.len())
}

/// The name or whole number at the start of `text`.
pub(super) fn word_at_start(text: &str) -> &str {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outermost_fields_are_found_among_strings_comments_and_nested_values() {
        let text = "#![enable(implicit_some)]\n/* a: /* b: */ c: */ Job(\n  version /* : */ : 1, // name: x\n  é: \"task: \\\" (\",\n  \
                    task: W(name: 1),\n  raw: r#\"\" retries: \"#, inputs: [(workers: 2)], workers: 10\n)";
        let place = |field: &str| value_start(text, field).map(|start| place_at(text, start));
        assert_eq!(place("version"), Some(TextPosition { line: 3, column: 21 }));
        assert_eq!(place("é"), Some(TextPosition { line: 4, column: 6 }));
        assert_eq!(place("inputs"), Some(TextPosition { line: 6, column: 34 }));
        assert_eq!(value_start(text, "workers").map(|start| word_at_start(&text[start..])), Some("10"));
        for elsewhere in ["a", "b", "c", "name", "retries", "implicit_some", "Job"] {
            assert_eq!(place(elsewhere), None, "{elsewhere}");
        }
    }

    #[test]
    fn fields_within_fields_are_found_there_and_nowhere_else() {
        let text = "Job(nice: 1, control: Control(slots: \"nice: (\", limits: (cpu_secs: 2), nice: 3), cpu_secs: (4))";
        let found = |key: &str| value_start(text, key).map(|start| &text[start..][..1]);
        assert_eq!((found("nice"), found("control.nice")), (Some("1"), Some("3")));
        assert_eq!(found("control.limits.cpu_secs"), Some("2"));
        // What is not written is shown where it would stand.
        assert_eq!((found("control.halt"), found("control.limits.memory_bytes")), (Some("C"), Some("(")));
        assert_eq!(found("halt"), None);
    }

    #[test]
    fn any_text_is_stepped_through() {
        for text in
            ["", "/*", "\"", "r#\"", "((((", "))))", "a", "a:", "(a", "(a:", "'\"'", "r", "br#", "\\", "/", "ä\"ö"]
        {
            for end in (0..=text.len()).filter(|end| text.is_char_boundary(*end)) {
                assert_eq!(value_start(&text[..end], "x.y"), None);
                within_brackets(&text[..end]);
            }
        }
    }

    #[test]
    fn places_and_bytes_are_inverse() {
        let text = "aä\n\nb\n";
        for (byte, _) in text.char_indices().chain([(text.len(), ' ')]) {
            assert_eq!(byte_at(text, place_at(text, byte)), byte);
        }
        assert_eq!(byte_at(text, TextPosition { line: 9, column: 1 }), text.len());
    }
}
