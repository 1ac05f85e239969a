//! The words in a bar: the input of its task, as much of it as fits; its number where nothing else does.

use egui::{Align2, Color32, FontId, Rect, pos2};
use egui_material_icons::MaterialIcon;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::bars::Scene;
use crate::ui::theme;
use fanlane_core::event::TaskId;
use fanlane_core::model::format;

/// Minimum width of a bar with the icon of its outcome, in points.
pub const MIN_ICON_WIDTH: f32 = 2.0 * theme::UNIT;
/// Minimum width of a bar with words, in points.
pub const MIN_TEXT_WIDTH: f32 = 4.5 * theme::UNIT;
/// Height of a bar with a second line, in points.
const TWO_LINES: f32 = 4.5 * theme::UNIT;
/// Minimum number of characters of an input that is cut.
const MIN_CUT_CHARS: usize = 6;
/// Maximum length of a line in a bar, in characters: more than any bar has room for.
const MAX_LINE_CHARS: usize = 400;

/// The words of a bar.
pub struct Label {
    /// The bar.
    pub rect: Rect,
    /// Its task.
    pub task: TaskId,
    /// When it began, in nanoseconds since the run's start.
    pub start_ns: u64,
    /// How it ended, or that it runs.
    pub icon: MaterialIcon,
    /// The colour of the bar.
    pub fill: Color32,
    /// The bar is hatched.
    pub is_hatched: bool,
    /// The reported progress, 0 to 1.
    pub progress: Option<f32>,
    /// The latest line of a running task.
    pub line: Option<String>,
    /// How long it took, or has taken so far, in nanoseconds.
    pub wall_ns: u64,
}

impl Label {
    /// Draws it.
    pub fn paint(&self, scene: &Scene<'_>) {
        let color = theme::on(self.fill);
        let visible = self.rect.intersect(scene.painter.clip_rect());
        if visible.width() < MIN_ICON_WIDTH {
            return;
        }
        let size = (visible.height() - 2.0).clamp(8.0, theme::SMALL_SIZE + 1.0);
        let painter = scene.painter.with_clip_rect(visible);
        let font = FontId::monospace(size - 1.0);
        let two_lines = self.rect.height() >= TWO_LINES;
        let center = self.rect.center().y;
        let y = if two_lines { center - size * 0.65 } else { center };
        let at = pos2(visible.left() + theme::HALF / 2.0, y);
        let left = at.x + size + theme::HALF;
        let char_width = painter.fonts_mut(|fonts| fonts.glyph_width(&font, '0')).max(1.0);
        let room = ((visible.right() - 2.0 - left) / char_width).floor().max(0.0) as usize;
        let number = || scene.data.tasks.number(self.task).to_string();
        let input = scene.data.tasks.input(self.task);
        let name = if input.is_empty() { number() } else { input };
        let attempt = scene.data.tasks.attempt(self.task, self.start_ns);
        let attempt = attempt.map_or_else(String::new, |(place, of)| format!("{place}/{of}"));
        let whole = fitted(&name, &attempt, room);
        let short = || Some(scene.data.tasks.short_input(self.task)).filter(|short| !short.is_empty());
        let mut text = whole
            .or_else(|| short().and_then(|short| fitted(&short, &attempt, room)))
            .or_else(|| cut(&name, room))
            .or_else(|| Some(number()).filter(|number| number.len() <= room))
            .unwrap_or_default();
        let mut more = Vec::new();
        if let Some(done) = self.progress {
            more.push(format::percent((done * 100.0).into()));
        }
        if let Some(line) = &self.line {
            more.push(line.chars().take(MAX_LINE_CHARS).collect());
        }
        if self.is_hatched {
            // Words do not stand on lines.
            let width = size + 2.0 * theme::HALF + char_width * text.width() as f32;
            let plate = Rect::from_min_size(visible.min, egui::vec2(width, visible.height()));
            painter.rect_filled(plate, 0.0, self.fill);
        }
        painter.text(at, Align2::LEFT_CENTER, self.icon.codepoint, theme::icon_font(size), color);
        if two_lines {
            let second = if more.is_empty() { format::duration(self.wall_ns) } else { more.join(" · ") };
            let at = pos2(left, center + size * 0.65);
            if !more.is_empty() || second.width() <= room {
                painter.text(at, Align2::LEFT_CENTER, second, FontId::monospace(size - 2.0), color);
            }
        } else if text.len() >= name.len() {
            more.iter().for_each(|more| text += &format!(" · {more}"));
        }
        painter.text(pos2(left, y), Align2::LEFT_CENTER, text, font, color);
    }
}

/// A whole name, with the attempt if there is room for it, in the room for this many digits; letters of Chinese, Japanese and
/// Korean take twice as much.
fn fitted(name: &str, attempt: &str, room: usize) -> Option<String> {
    let length = name.width();
    match attempt.len() {
        0 if length <= room => Some(name.to_owned()),
        beside if beside > 0 && length + beside < room => Some(format!("{name} {attempt}")),
        _ if length <= room => Some(name.to_owned()),
        _ => None,
    }
}

/// A name that is cut in its middle; `None` where too little of it would be left.
fn cut(name: &str, room: usize) -> Option<String> {
    if room < MIN_CUT_CHARS {
        return None;
    }
    // What tells inputs apart stands at their ends more often than in their middles.
    let tail = room / 2;
    let head = beginning(name.chars(), room - tail - 1);
    let end = beginning(name.chars().rev(), tail);
    Some(format!("{head}…{}", end.chars().rev().collect::<String>()))
}

/// As many letters as fit.
fn beginning(letters: impl Iterator<Item = char>, room: usize) -> String {
    let mut taken = 0;
    letters
        .take_while(|letter| {
            taken += letter.width().unwrap_or(0);
            taken <= room
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_as_a_whole_or_is_cut_in_its_middle() {
        let cases = [
            ("frame 7", "", 7, Some("frame 7")),
            ("frame 7", "2/3", 11, Some("frame 7 2/3")),
            ("frame 7", "2/3", 10, Some("frame 7")),
            ("frame 7", "2/3", 6, None),
        ];
        for (name, attempt, room, wanted) in cases {
            assert_eq!(fitted(name, attempt, room).as_deref(), wanted, "{name} in {room}");
        }
        assert_eq!(cut("holiday-0417.jpg", 9).as_deref(), Some("holi….jpg"));
        assert_eq!(cut("é中文字符五六七", 9).as_deref(), Some("é中…六七"), "wide letters take twice the room");
        assert_eq!(cut("holiday-0417.jpg", 5), None);
    }
}
