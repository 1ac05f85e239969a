//! The tasks that failed: the newest below the lanes, and a page with more of them.

use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;

use super::cells::put;
use super::frame::Scene;
use super::palette::sign;
use crate::cli::report::describe;
use fanlane_core::event::AttemptRecord;
use fanlane_core::model::format::count;
use fanlane_core::model::{Autopsy, sanitize};

/// Maximum number of failures below the lanes.
const BRIEF: u16 = 3;

/// How many rows the newest failures take below the lanes.
pub fn brief_height(scene: &Scene<'_>) -> u16 {
    match scene.facts.failures.newest().len() {
        0 => 0,
        some => u16::try_from(some).unwrap_or(BRIEF).min(BRIEF) + 1,
    }
}

/// Draws the newest failures.
pub fn draw_brief(scene: &Scene<'_>, buffer: &mut Buffer, area: Rect) {
    if area.height == 0 {
        return;
    }
    let total = scene.facts.failures.total();
    let words = if total > u64::from(BRIEF) {
        format!("The newest of {} failures; f lists them", count(total))
    } else {
        "Failures; f lists them".to_owned()
    };
    put(buffer, area.x, area.y, area.width, &words, scene.palette.weak());
    for (row, record) in (1..area.height).zip(scene.facts.failures.newest()) {
        draw_failure(scene, buffer, Rect { y: area.y + row, height: 1, ..area }, record);
    }
}

/// Draws the page.
pub fn draw(scene: &Scene<'_>, buffer: &mut Buffer, area: Rect) {
    if area.is_empty() {
        return;
    }
    let failures = scene.facts.failures.newest();
    let title = match (failures.len() as u64, scene.facts.failures.total()) {
        (_, 0) => "No task has failed.".to_owned(),
        (kept, total) if kept < total => format!("The newest {} of {} failures", count(kept), count(total)),
        (_, total) => format!("{} failed, the newest first; Enter shows the output", count(total)),
    };
    put(buffer, area.x, area.y, area.width, &title, scene.palette.weak());
    let rows = usize::from(area.height - 1);
    let selected = scene.state.failure_row(scene.facts);
    let top = selected.saturating_sub(rows / 2).min(failures.len().saturating_sub(rows));
    for (row, (place, record)) in failures.iter().enumerate().skip(top).take(rows).enumerate() {
        let line = Rect { y: area.y + 1 + row as u16, height: 1, ..area };
        draw_failure(scene, buffer, line, record);
        if place == selected {
            buffer.set_style(line, scene.palette.selected());
        }
    }
}

fn draw_failure(scene: &Scene<'_>, buffer: &mut Buffer, row: Rect, record: &AttemptRecord) {
    let lane = scene.facts.lanes.lane_of(record.worker).unwrap_or(0);
    let how = describe::outcome(record);
    let last = Autopsy::of(record).and_then(|autopsy| autopsy.last_lines.last().cloned()).unwrap_or_default();
    let last = if last.is_empty() { last } else { format!(": {}", sanitize::line(last.trim().as_bytes())) };
    let text = format!("{} {} {how}{last}", sign(record.outcome.class()), scene.label(record.task, lane));
    put(buffer, row.x, row.y, row.width, &text, scene.palette.outcome(record.outcome.class()));
}
