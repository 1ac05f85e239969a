//! Sanitizing text from tasks: what a terminal or a text renderer would act on is shown as a mark instead.
//!
//! Stored bytes are never changed, only what is shown. JSON is written by [`write_json`], which escapes what would act, and is
//! the same document.

mod json;
mod terminal;

pub use json::{to_json, write_json};
pub use terminal::ForTerminal;

/// Maximum length of a line shown, in bytes.
pub const LINE_BYTES: usize = 2048;

/// A line of output for display: control characters, escape sequences and marks of writing direction become visible and
/// have no effect, bytes that are not UTF-8 become `\u{fffd}`, and what is beyond [`LINE_BYTES`] is only counted.
pub fn line(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(LINE_BYTES)];
    let mut text = String::with_capacity(shown.len() + 16);
    for chunk in shown.utf8_chunks() {
        for letter in chunk.valid().chars() {
            push(&mut text, letter);
        }
        // A character that was cut is left out rather than shown as broken.
        let is_cut = shown.len() < bytes.len() && chunk.invalid().as_ptr_range().end == shown.as_ptr_range().end;
        if !chunk.invalid().is_empty() && !is_cut {
            text.push('\u{fffd}');
        }
    }
    let hidden = bytes.len() - shown.len();
    if hidden > 0 {
        text.push_str(&format!(" … {} more", crate::model::format::bytes(hidden as u64)));
    }
    text
}

/// A command as one line: its line breaks become familiar marks.
pub fn command(text: &str) -> String {
    line(text.trim_end_matches('\n').replace('\n', " ↵ ").as_bytes())
}

/// A whole output as harmless text with its line breaks and tabs; for the clipboard.
pub fn text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for letter in String::from_utf8_lossy(bytes).chars() {
        match letter {
            '\n' | '\t' => text.push(letter),
            letter => push(&mut text, letter),
        }
    }
    text
}

/// The same JSON document, in which characters that a terminal or a text renderer would act on are written as
/// `\\uXXXX`.
pub fn json(document: &str) -> String {
    let mut text = String::with_capacity(document.len());
    for letter in document.chars() {
        // JSON itself has no control characters but line breaks and tabs, and they are between its values.
        if is_acting(letter) {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            text.push(letter);
        }
    }
    text
}

/// Text on one line without anything that a terminal would act on: such characters are written as Rust escapes them.
pub fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if is_control_or_acting(letter) {
            shown.extend(letter.escape_default());
        } else {
            shown.push(letter);
        }
    }
    shown
}

/// Whether a terminal or a text renderer would act on a character instead of showing it.
pub const fn is_control_or_acting(letter: char) -> bool {
    matches!(letter, '\u{0}'..='\u{1f}') || is_acting(letter)
}

/// As [`is_control_or_acting`], beyond the controls that no text of JSON holds.
const fn is_acting(letter: char) -> bool {
    matches!(
        letter,
        '\u{7f}'..='\u{9f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{61c}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

fn push(text: &mut String, letter: char) {
    match letter {
        '\t' => text.push_str("    "),
        '\u{0}'..='\u{1f}' => {
            text.push('^');
            text.push(char::from(letter as u8 + 0x40));
        }
        '\u{7f}' => text.push_str("^?"),
        letter if is_acting(letter) => {
            text.push_str(&format!("<U+{:04X}>", u32::from(letter)));
        }
        letter => text.push(letter),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_json_document_stays_the_same_without_an_effect() {
        let value = serde_json::json!({"a\u{202e}": ["\u{9b}31m", "\u{1b}[0m", "e\u{301} \u{e0041}", "\n"]});
        let inert = json(&value.to_string());
        assert!(!inert.contains(|letter: char| letter.is_control() || is_acting(letter)), "{inert}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&inert).expect("JSON"), value);
    }

    #[test]
    fn nothing_in_a_line_has_an_effect() {
        let table: [(&[u8], &str); 8] = [
            (b"plain \xc3\xa4", "plain ä"),
            (b"\x1b[31mred\x1b[0m", "^[[31mred^[[0m"),
            (b"50 %\r100 %", "50 %^M100 %"),
            (b"a\tb\0c\x7f", "a    b^@c^?"),
            (b"\xff\xfe!", "\u{fffd}\u{fffd}!"),
            ("abc\u{202e}fed".as_bytes(), "abc<U+202E>fed"),
            ("zero\u{200b}width".as_bytes(), "zero<U+200B>width"),
            (b"", ""),
        ];
        for (bytes, text) in table {
            assert_eq!(line(bytes), text);
        }
    }

    #[test]
    fn a_command_of_several_lines_is_one_line() {
        assert_eq!(command("sleep 1\necho done\n"), "sleep 1 ↵ echo done");
    }

    #[test]
    fn a_long_line_is_cut_and_says_by_how_much() {
        let text = line(&vec![b'x'; LINE_BYTES + 1024]);
        assert!(text.ends_with("x … 1.00 KiB more"), "{}", &text[LINE_BYTES..]);
        let mut split = vec![b'x'; LINE_BYTES - 1];
        split.extend("ä".bytes());
        assert!(line(&split).ends_with("x … 1 B more"), "a letter that was cut is left out");
    }
}
