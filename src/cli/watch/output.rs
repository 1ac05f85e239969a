//! The page of a task: how it stands, and what it printed.

use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;
use ratatui_core::style::Style;

use super::cells::put;
use super::facts::Facts;
use super::frame::Scene;
use super::palette::{RUNNING, sign};
use crate::cli::report::describe;
use fanlane_core::event::{AttemptRecord, Captured, StreamName, TaskId};
use fanlane_core::model::format::{bytes, duration, plural};
use fanlane_core::model::{LiveText, sanitize};

/// A line of an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// It was printed on standard error.
    pub is_error: bool,
    /// Its text, sanitized.
    pub text: String,
}

/// What a task printed, as far as it is known.
pub fn lines(facts: &Facts, task: TaskId) -> Vec<Line> {
    match (facts.record(task), facts.live(task)) {
        (Some(record), _) => of_record(record),
        (None, Some(live)) => of_live(live),
        (None, None) => Vec::new(),
    }
}

fn of_live(live: &LiveText) -> Vec<Line> {
    let mut lines = Vec::new();
    let dropped = live.dropped_lines();
    if dropped > 0 {
        lines.push(Line { is_error: false, text: format!("[{} before are not shown here]", plural(dropped, "line")) });
    }
    for line in live.lines() {
        let is_error = line.stream == StreamName::Stderr;
        if line.skipped_bytes > 0 {
            lines.push(Line { is_error, text: format!("[{} skipped]", bytes(line.skipped_bytes)) });
        }
        lines.push(Line { is_error, text: line.text.clone() });
    }
    lines
}

fn of_record(record: &AttemptRecord) -> Vec<Line> {
    let mut lines = Vec::new();
    if let Some(value) = &record.value {
        push(&mut lines, &value.text(), false);
    }
    if let Some(output) = &record.output {
        push_stream(&mut lines, &output.stdout, false);
        push_stream(&mut lines, &output.stderr, true);
    }
    lines
}

fn push_stream(lines: &mut Vec<Line>, stream: &Captured, is_error: bool) {
    push(lines, &stream.head, is_error);
    if stream.dropped_bytes > 0 {
        let text = format!("[{} more are not shown here]", bytes(stream.dropped_bytes));
        lines.push(Line { is_error, text });
        push(lines, &stream.tail, is_error);
    }
}

fn push(lines: &mut Vec<Line>, text: &[u8], is_error: bool) {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    if !text.is_empty() {
        lines.extend(text.split(|byte| *byte == b'\n').map(|line| Line { is_error, text: sanitize::line(line) }));
    }
}

/// Draws the page.
pub fn draw(scene: &Scene<'_>, task: TaskId, buffer: &mut Buffer, area: Rect) {
    if area.is_empty() {
        return;
    }
    let facts = scene.facts;
    let running = facts.lanes.lanes().iter().enumerate().find_map(|(index, lane)| {
        let running = lane.running.filter(|running| running.task == task)?;
        Some((index, running))
    });
    let record = facts.record(task);
    let lane = running.map(|(index, _)| index).or_else(|| facts.lanes.lane_of(record?.worker)).unwrap_or(0);
    let standing = match (running, record) {
        (Some((index, running)), _) => {
            let ran_ns = scene.now_ns.saturating_sub(running.start_ns);
            format!("{RUNNING} running for {} in lane {}", duration(ran_ns), index + 1)
        }
        (None, Some(record)) => {
            let class = record.outcome.class();
            format!("{} {} after {}", sign(class), describe::outcome(record), duration(record.wall_ns))
        }
        (None, None) => "not running".to_owned(),
    };
    let command = scene.tasks.describe(task, u32::try_from(lane + 1).unwrap_or(1));
    let style = record.map_or_else(|| scene.palette.strong(), |record| scene.palette.outcome(record.outcome.class()));
    let mut rows = vec![
        (format!("Task {}", scene.label(task, lane)), scene.palette.strong()),
        (sanitize::command(&command), scene.palette.weak()),
        (standing, style),
    ];
    let lines = lines(facts, task);
    if lines.is_empty() {
        let words = match (running, record) {
            (Some(_), _) => "It has printed nothing yet.",
            (None, Some(_)) => "It printed nothing.",
            (None, None) => "What it printed is not kept in this view.",
        };
        rows.push((words.to_owned(), scene.palette.weak()));
    }
    let room = usize::from(area.height).saturating_sub(rows.len());
    let end = lines.len() - scene.state.scrolled.min(lines.len().saturating_sub(room));
    rows.extend(lines[end.saturating_sub(room)..end].iter().map(|line| {
        let mark = if line.is_error { "stderr │ " } else { "" };
        (format!("{mark}{}", line.text), Style::new())
    }));
    for (y, (text, style)) in (area.top()..area.bottom()).zip(rows) {
        put(buffer, area.x, y, area.width, &text, style);
    }
}
