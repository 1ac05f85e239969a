//! The words in a bar: the input of its task, as much of it as fits; its number where nothing else does.

use egui::{Align2, Color32, FontId, Rect, pos2};
use egui_material_icons::MaterialIcon;

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
        painter.text(at, Align2::LEFT_CENTER, self.icon.codepoint, theme::icon_font(size), color);
        let left = at.x + size + theme::HALF;
        let char_width = painter.fonts_mut(|fonts| fonts.glyph_width(&font, '0')).max(1.0);
        let room = ((visible.right() - 2.0 - left) / char_width).floor().max(0.0) as usize;
        let number = || scene.data.tasks.number(self.task).to_string();
        let input = scene.data.tasks.input(self.task);
        let name = if input.is_empty() { number() } else { input };
        let attempt = scene.data.tasks.attempt(self.task, self.start_ns);
        let attempt = attempt.map_or_else(String::new, |(place, of)| format!("{place}/{of}"));
        let mut text = words(&name, &attempt, room).unwrap_or_else(|| {
            let number = number();
            if number.len() <= room { number } else { String::new() }
        });
        let mut more = Vec::new();
        if let Some(done) = self.progress {
            more.push(format::percent((done * 100.0).into()));
        }
        if let Some(line) = &self.line {
            more.push(line.chars().take(MAX_LINE_CHARS).collect());
        }
        if two_lines {
            let second = if more.is_empty() { format::duration(self.wall_ns) } else { more.join(" · ") };
            let at = pos2(left, center + size * 0.65);
            painter.text(at, Align2::LEFT_CENTER, second, FontId::monospace(size - 2.0), color);
        } else if text.len() >= name.len() {
            more.iter().for_each(|more| text += &format!(" · {more}"));
        }
        painter.text(pos2(left, y), Align2::LEFT_CENTER, text, font, color);
    }
}

/// A name and an attempt in this many characters; a long name is cut in its middle. `None` where too little of it would be left.
fn words(name: &str, attempt: &str, room: usize) -> Option<String> {
    let length = name.chars().count();
    let beside = if attempt.is_empty() { 0 } else { attempt.len() + 1 };
    if length + beside <= room {
        return Some(if attempt.is_empty() { name.to_owned() } else { format!("{name} {attempt}") });
    }
    if length <= room {
        return Some(name.to_owned());
    }
    if room < MIN_CUT_CHARS {
        return None;
    }
    // What tells inputs apart stands at their ends more often than in their middles.
    let tail = room / 2;
    let head: String = name.chars().take(room - tail - 1).collect();
    let end: String = name.chars().skip(length - tail).collect();
    Some(format!("{head}…{end}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_cut_in_its_middle_and_left_out_where_too_little_would_be_left() {
        let cases = [
            ("frame 7", "", 7, Some("frame 7")),
            ("frame 7", "2/3", 11, Some("frame 7 2/3")),
            ("frame 7", "2/3", 10, Some("frame 7")),
            ("holiday-0417.jpg", "", 9, Some("holi….jpg")),
            ("holiday-0417.jpg", "2/3", 12, Some("holid…17.jpg")),
            ("holiday-0417.jpg", "", 5, None),
            ("é中文字符五六七", "", 6, Some("é中…五六七")),
        ];
        for (name, attempt, room, wanted) in cases {
            assert_eq!(words(name, attempt, room).as_deref(), wanted, "{name} in {room}");
        }
    }
}
