//! Text in cells of a terminal: how many it takes, and what of it fits.

use ratatui_core::buffer::{Buffer, CellWidth};
use ratatui_core::layout::Rect;
use ratatui_core::style::Style;

/// Cells between pieces of text.
pub const GAP: u16 = 2;

/// How many cells a text takes.
pub fn width(text: &str) -> u16 {
    text.cell_width()
}

/// Writes as much of a text as fits into `room` cells, with a mark where its end is missing; returns the cells it took.
pub fn put(buffer: &mut Buffer, x: u16, y: u16, room: u16, text: &str, style: Style) -> u16 {
    if room == 0 {
        return 0;
    }
    if width(text) <= room {
        return buffer.set_stringn(x, y, text, usize::from(room), style).0 - x;
    }
    let (end, _) = buffer.set_stringn(x, y, text, usize::from(room - 1), style);
    buffer.set_stringn(end, y, "…", 1, style).0 - x
}

/// Writes a text at the right end of `room` cells.
pub fn put_right(buffer: &mut Buffer, x: u16, y: u16, room: u16, text: &str, style: Style) {
    let free = room.saturating_sub(width(text));
    put(buffer, x + free, y, room - free, text, style);
}

/// Writes pieces one after the other as long as they fit whole, and goes on in the next row up to the end of `area`.
pub fn flow(buffer: &mut Buffer, area: Rect, pieces: &[(String, Style)]) {
    let (mut x, mut y) = (area.left(), area.top());
    for (text, style) in pieces {
        let needed = width(text);
        if x > area.left() && x + needed > area.right() {
            (x, y) = (area.left(), y + 1);
        }
        if y >= area.bottom() {
            return;
        }
        x += put(buffer, x, y, area.right() - x, text, *style) + GAP;
        x = x.min(area.right());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(room: u16, text: &str) -> String {
        let mut buffer = Buffer::empty(Rect::new(0, 0, room, 1));
        put(&mut buffer, 0, 0, room, text, Style::new());
        buffer.content().iter().map(|cell| cell.symbol()).collect()
    }

    #[test]
    fn a_text_that_does_not_fit_ends_with_a_mark_and_no_character_is_halved() {
        let table = [
            (5, "abc", "abc  "),
            (3, "abc", "abc"),
            (3, "abcd", "ab…"),
            (1, "abc", "…"),
            // Wide characters take two cells, of which the second stands empty in a buffer.
            (4, "世界", "世 界 "),
            (3, "世界", "世 …"),
            (4, "世界界", "世 … "),
            (2, "e\u{301}e\u{301}", "e\u{301}e\u{301}"),
        ];
        for (room, text, expected) in table {
            assert_eq!(written(room, text), expected, "{text:?} in {room}");
        }
    }

    #[test]
    fn pieces_flow_into_the_next_row_and_end_with_the_area() {
        let piece = |text: &str| (text.to_owned(), Style::new());
        let mut buffer = Buffer::empty(Rect::new(0, 0, 8, 2));
        flow(&mut buffer, Rect::new(0, 0, 8, 2), &[piece("abc"), piece("def"), piece("ghi"), piece("12345")]);
        assert_eq!(buffer, Buffer::with_lines(["abc  def", "ghi     "]));
    }
}
