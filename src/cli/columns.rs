//! Tables for a terminal: cells side by side, as wide as they are shown. A letter of East Asia takes two places, a mark above
//! another letter none.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

/// The side of its column that a cell stands at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Names.
    Left,
    /// Numbers.
    Right,
}

/// Places that a text takes on a terminal.
pub fn width(text: &str) -> usize {
    text.width()
}

/// The text with blanks up to this width.
pub fn padded(text: &str, places: usize, side: Side) -> String {
    let blanks = " ".repeat(places.saturating_sub(width(text)));
    match side {
        Side::Left => format!("{text}{blanks}"),
        Side::Right => format!("{blanks}{text}"),
    }
}

/// Writes rows with two blanks between columns that are as wide as their widest cell.
///
/// # Errors
/// When `out` cannot be written.
pub fn write<const N: usize>(rows: &[[String; N]], sides: [Side; N], out: &mut dyn Write) -> io::Result<()> {
    let widths: [usize; N] =
        std::array::from_fn(|column| rows.iter().map(|row| width(&row[column])).max().unwrap_or(0));
    for row in rows {
        let cells: [String; N] = std::array::from_fn(|column| padded(&row[column], widths[column], sides[column]));
        writeln!(out, "{}", cells.join("  ").trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_as_a_terminal_shows_them() {
        let rows = [["名前", "1"], ["abc", "23"], ["e\u{301}", "4"]].map(|row| row.map(str::to_owned));
        let mut out = Vec::new();
        write(&rows, [Side::Left, Side::Right], &mut out).expect("written");
        assert_eq!(String::from_utf8_lossy(&out), "名前   1\nabc   23\ne\u{301}      4\n");
    }
}
