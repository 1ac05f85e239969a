//! The page of the keys.

use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;
use ratatui_core::style::Style;

use super::cells::put;
use super::frame::Scene;

/// Width of the column with the keys.
const KEYS_WIDTH: u16 = 16;

const KEYS: [(&str, &str); 11] = [
    ("p, Space", "pause: no further task is started; again: resume"),
    ("+ and -", "one worker more or less; no running task is ended"),
    ("s", "stop, after a question; again: end running tasks at once"),
    ("r", "run failed tasks again, as a new run, once this one has ended"),
    ("j k, arrows", "select a row; Page up, Page down, Home (g), End (G)"),
    ("Enter", "what the task printed"),
    ("f", "the tasks that failed"),
    ("Esc", "back to the lanes"),
    ("q", "leave the view"),
    ("Ctrl-C", "as without the view"),
    ("Ctrl-Z, Ctrl-L", "suspend; draw everything again"),
];

/// Draws the page.
pub fn draw(scene: &Scene<'_>, buffer: &mut Buffer, area: Rect) {
    let leaving = if scene.situation.is_detached {
        "leave the view; the run goes on"
    } else {
        "leave the view, which ends the run after a question"
    };
    for (y, (keys, meaning)) in (area.top()..area.bottom()).zip(KEYS) {
        let meaning = if keys == "q" { leaving } else { meaning };
        put(buffer, area.x, y, area.width.min(KEYS_WIDTH - 1), keys, scene.palette.strong());
        put(buffer, area.x + KEYS_WIDTH, y, area.width.saturating_sub(KEYS_WIDTH), meaning, Style::new());
    }
}
