//! The output of a task as lines: cut once, and only the visible ones are made into text.

use bstr::ByteSlice;
use egui::{Frame, Label, RichText, ScrollArea, TextStyle, Ui};
use unicode_width::UnicodeWidthStr as _;

use super::find::Marks;
use crate::ui::sanitize;
use crate::ui::theme;
use fanlane_core::event::Captured;
use fanlane_core::model::format;

/// The byte ranges of the lines of a stream.
#[derive(Default)]
pub struct Lines {
    head: Vec<(usize, usize)>,
    tail: Vec<(usize, usize)>,
}

impl Lines {
    /// Cuts a stream into its lines.
    pub fn cut(captured: Option<&Captured>) -> Self {
        captured.map_or_else(Self::default, |captured| Self { head: cut(&captured.head), tail: cut(&captured.tail) })
    }

    /// A row's bytes, and their place among those that were kept; `None` for a remark of the program.
    fn bytes<'a>(&self, captured: &'a Captured, row: usize) -> Option<(&'a [u8], usize)> {
        if let Some(&(from, to)) = self.head.get(row) {
            return Some((captured.head.get(from..to)?, from));
        }
        let row = row.checked_sub(self.head.len() + usize::from(captured.dropped_bytes > 0))?;
        let &(from, to) = self.tail.get(row)?;
        Some((captured.tail.get(from..to)?, from + captured.head.len()))
    }

    /// The row that has the byte at a place among those that were kept.
    fn row_at(&self, captured: &Captured, at: usize) -> usize {
        let row = |lines: &[(usize, usize)], at| lines.partition_point(|(from, _)| *from <= at).saturating_sub(1);
        match at.checked_sub(captured.head.len()) {
            None => row(&self.head, at),
            Some(at) => self.head.len() + usize::from(captured.dropped_bytes > 0) + row(&self.tail, at),
        }
    }

    fn rows(&self, captured: &Captured) -> usize {
        self.head.len() + usize::from(captured.dropped_bytes > 0) + self.tail.len()
    }

    /// A row as text, and whether it is a remark of the program rather than output.
    fn row(&self, captured: &Captured, row: usize) -> (String, bool) {
        let shown = |bytes: &[u8], (from, to): (usize, usize)| sanitize::line(bytes.get(from..to).unwrap_or_default());
        if let Some(&line) = self.head.get(row) {
            return (shown(&captured.head, line), false);
        }
        let mut row = row - self.head.len();
        if captured.dropped_bytes > 0 {
            if row == 0 {
                return (dropped(captured), true);
            }
            row -= 1;
        }
        self.tail.get(row).map_or_else(Default::default, |&line| (shown(&captured.tail, line), false))
    }
}

fn dropped(captured: &Captured) -> String {
    format!("… {} not kept …", format::bytes(captured.dropped_bytes))
}

fn cut(bytes: &[u8]) -> Vec<(usize, usize)> {
    let mut from = 0;
    let mut lines = Vec::new();
    for line in bytes.lines_with_terminator() {
        let end = from + line.len();
        lines.push((from, end - usize::from(line.ends_with(b"\n"))));
        from = end;
    }
    lines
}

/// All of a stream that was kept, as text without control characters.
pub fn whole_text(captured: &Captured) -> String {
    let mut text = sanitize::text(&captured.head);
    if captured.dropped_bytes > 0 {
        text.push_str(&format!("\n{}\n", dropped(captured)));
        text.push_str(&sanitize::text(&captured.tail));
    }
    text
}

/// Draws a stream, with the marks of what was found in it.
pub fn output_ui(ui: &mut Ui, captured: &Captured, lines: &Lines, marks: Option<&Marks<'_>>) {
    let palette = theme::palette(ui);
    let frame = Frame::new().fill(palette.sunken).corner_radius(theme::RADIUS).inner_margin(theme::UNIT);
    frame.show(ui, |ui| {
        let rows = lines.rows(captured);
        if rows == 0 {
            ui.set_min_size(ui.available_size());
            ui.label(RichText::new("Nothing").color(palette.text_weak));
            return;
        }
        ui.spacing_mut().item_spacing.y = 2.0;
        let height = ui.text_style_height(&TextStyle::Monospace);
        let mut area = ScrollArea::both().auto_shrink(false);
        if let Some(at) = marks.and_then(|marks| marks.scroll_to) {
            let row = lines.row_at(captured, at);
            let middle = row as f32 * (height + ui.spacing().item_spacing.y) - ui.available_height() / 2.0;
            area = area.vertical_scroll_offset(middle.max(0.0)).horizontal_scroll_offset(0.0);
            if let Some((line, from)) = lines.bytes(captured, row) {
                let before = sanitize::line(&line[..(at - from).min(line.len())]).width() as f32;
                let font = TextStyle::Monospace.resolve(ui.style());
                let x = before * ui.fonts_mut(|fonts| fonts.glyph_width(&font, '0'));
                if x > ui.available_width() * 0.75 {
                    area = area.horizontal_scroll_offset(x - ui.available_width() / 2.0);
                }
            }
        }
        area.show_rows(ui, height, rows, |ui, range| {
            for row in range {
                if let (Some(marks), Some((line, at))) = (marks, lines.bytes(captured, row)) {
                    ui.add(Label::new(marks.line_job(ui, line, at)).extend().selectable(true));
                    continue;
                }
                let (text, ours) = lines.row(captured, row);
                let text = RichText::new(text).monospace();
                let text = if ours { text.color(palette.warning).italics() } else { text };
                ui.add(Label::new(text).extend().selectable(true));
            }
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn head_what_was_dropped_and_tail_are_rows_of_one_list() {
        let captured = Captured {
            head: b"one\n\ntw".to_vec(),
            dropped_bytes: 2048,
            tail: b"o\nthree\n".to_vec(),
            ..Captured::default()
        };
        let lines = Lines::cut(Some(&captured));
        let rows: Vec<String> = (0..lines.rows(&captured)).map(|row| lines.row(&captured, row).0).collect();
        assert_eq!(rows, ["one", "", "tw", "… 2.00 KiB not kept …", "o", "three"]);
        assert_eq!(lines.row(&captured, 99).0, "");
        // Each byte that was kept is found again in its row.
        for (at, row) in [(0, 0), (4, 1), (5, 2), (6, 2), (7, 4), (9, 5), (14, 5)] {
            assert_eq!(lines.row_at(&captured, at), row, "byte {at}");
        }
        assert_eq!(lines.bytes(&captured, 5), Some((&b"three"[..], 9)));
        assert_eq!(lines.bytes(&captured, 3), None);
        assert_eq!(whole_text(&captured), "one\n\ntw\n… 2.00 KiB not kept …\no\nthree\n");
    }

    #[test]
    fn nothing_has_no_rows() {
        assert_eq!(Lines::cut(None).rows(&Captured::default()), 0);
    }
}
