//! Any text as a template: it is refused with a place within it, or bound and expanded without a panic.

use bstr::BStr;
use fanlane_core::job::template::{TaskPlace, Template};

/// Panics where this does not hold.
pub fn check(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let columns: Vec<String> = ["name", "2", "a.b"].map(str::to_owned).to_vec();
    let values = [BStr::new("a b/c'.d"), BStr::new("7"), BStr::new("")];
    let place = TaskPlace { number: 12, slot: 3, total: 40 };
    for parse in [Template::parse, Template::parse_words, Template::parse_text] {
        match parse(text).and_then(|template| template.bind(&columns)) {
            Ok(line) => drop(line.expand(place, &values)),
            Err(error) => {
                let column = error.column().unwrap_or(1);
                assert!(column >= 1 && column <= text.chars().count() + 1, "{error}");
                assert!(!error.to_string().is_empty());
            }
        }
    }
}
