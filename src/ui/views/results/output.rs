//! The output of a task as lines: cut once, and only the visible ones are made into text.

use bstr::ByteSlice;
use egui::{Frame, Label, RichText, ScrollArea, TextStyle, Ui};

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

/// Draws a stream.
pub fn output_ui(ui: &mut Ui, captured: &Captured, lines: &Lines) {
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
        ScrollArea::both().auto_shrink(false).show_rows(ui, height, rows, |ui, range| {
            for row in range {
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
        assert_eq!(whole_text(&captured), "one\n\ntw\n… 2.00 KiB not kept …\no\nthree\n");
    }

    #[test]
    fn nothing_has_no_rows() {
        assert_eq!(Lines::cut(None).rows(&Captured::default()), 0);
    }
}
