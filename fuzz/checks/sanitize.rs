//! Any bytes that a task printed, as they are shown and copied: nothing in them acts on a terminal or turns a line around,
//! and what is shown is bounded.

use fanlane_core::model::sanitize;

fn acts(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{61c}')
}

/// Panics where this does not hold.
pub fn check(bytes: &[u8]) {
    let line = sanitize::line(bytes);
    assert!(!line.contains(acts), "{line:?}");
    // Each byte becomes at most a mark such as <U+E0001>.
    assert!(line.len() <= 10 * sanitize::LINE_BYTES + 64, "{}", line.len());
    let text = sanitize::text(bytes);
    assert!(!text.contains(|letter| acts(letter) && letter != '\n' && letter != '\t'), "{text:?}");
    let command = sanitize::command(&String::from_utf8_lossy(bytes));
    assert!(!command.contains(acts), "{command:?}");
}
