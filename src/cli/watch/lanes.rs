//! The page of the lanes: a row a worker with its task, how long it runs, its progress, its processor and memory.

use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;
use ratatui_core::style::Style;

use super::cells::{put, put_right, width};
use super::frame::Scene;
use super::palette::{PAUSED, RUNNING, sign};
use fanlane_core::model::format::{bytes, count, duration, percent};
use fanlane_core::model::lanes::LaneTimeline;
use fanlane_core::model::{TaskProgress, sanitize};

/// Columns of a terminal from which a row says what the task says of itself.
const WIDTH_WITH_WORDS: u16 = 64;
/// Columns of a terminal from which a row has processor and memory.
const WIDTH_WITH_MEASURES: u16 = 100;
/// Rows of the page from which its last one says which lanes are shown.
const MIN_ROWS_WITH_PLACE: u16 = 4;
/// Width of a time: `1 min 05 s`.
const TIME_WIDTH: u16 = 10;
/// Width of the use of a processor: `100 %`, and of an amount of memory: `1023 MiB`.
const MEASURE_WIDTHS: [u16; 2] = [7, 10];
/// Share of the room for words that belongs to the task, in percent; the rest is for what it says of itself.
const TASK_PERCENT: u16 = 45;

/// Draws the rows around the selected lane.
pub fn draw(scene: &Scene<'_>, buffer: &mut Buffer, area: Rect) {
    if area.is_empty() {
        return;
    }
    let shown = scene.facts.shown_lanes();
    if shown.is_empty() {
        put(buffer, area.x, area.y, area.width, empty_words(scene), scene.palette.weak());
        return;
    }
    let selected = scene.state.lane.min(shown.len() - 1);
    let hides_some = shown.len() > usize::from(area.height) && area.height >= MIN_ROWS_WITH_PLACE;
    let rows = usize::from(if hides_some { area.height - 1 } else { area.height });
    let top = selected.saturating_sub(rows / 2).min(shown.len().saturating_sub(rows));
    let digits = width(&count(shown.last().map_or(1, |last| *last as u64 + 1)));
    for (row, place) in (top..shown.len()).take(rows).enumerate() {
        let line = Rect { y: area.y + row as u16, height: 1, ..area };
        draw_lane(scene, buffer, line, shown[place], digits);
        if place == selected {
            buffer.set_style(line, scene.palette.selected());
        }
    }
    if hides_some {
        let (first, last) = (top + 1, (top + rows).min(shown.len()));
        let words = format!("rows {first} to {last} of {}; j and k move", count(shown.len() as u64));
        put(buffer, area.x, area.bottom() - 1, area.width, &words, scene.palette.weak());
    }
}

fn empty_words(scene: &Scene<'_>) -> &'static str {
    let progress = &scene.facts.progress;
    if progress.summary.is_some() {
        "The run ended before any worker had started."
    } else if scene.facts.mode.is_some() && progress.workers == 0 {
        "The pool has no workers: + starts one."
    } else {
        "Workers are starting: each gets a row here."
    }
}

/// What a row says.
struct Words {
    sign: &'static str,
    style: Style,
    task: String,
    /// What the task says of itself, or how the last one ended.
    said: String,
    time_ns: Option<u64>,
}

fn draw_lane(scene: &Scene<'_>, buffer: &mut Buffer, row: Rect, index: usize, digits: u16) {
    let lane = &scene.facts.lanes.lanes()[index];
    let words = words(scene, lane, index);
    let weak = scene.palette.weak();
    put_right(buffer, row.x, row.y, digits.min(row.width), &count(index as u64 + 1), weak);
    let x = row.x + digits + 1;
    if x + 2 >= row.right() {
        return;
    }
    put(buffer, x, row.y, 1, words.sign, words.style);
    let x = x + 2;
    let mut right = row.right();
    let mut cell = |buffer: &mut Buffer, cells: u16, text: &str, style| {
        // The task has the first claim to the room.
        if right >= x + 2 * cells {
            right -= cells;
            put_right(buffer, right, row.y, cells, text, style);
        }
    };
    if let Some(time_ns) = words.time_ns {
        let time = duration(time_ns);
        cell(buffer, TIME_WIDTH.max(width(&time) + 1), &time, words.style);
    }
    if row.width >= WIDTH_WITH_MEASURES {
        let sample = lane.sample.as_ref();
        let [cpu, memory] = MEASURE_WIDTHS;
        cell(buffer, memory, &sample.map_or_else(String::new, |sample| bytes(sample.rss_bytes)), weak);
        cell(buffer, cpu, &sample.map_or_else(String::new, |sample| percent(f64::from(sample.cpu_percent))), weak);
    }
    let room = right.saturating_sub(x).saturating_sub(1);
    if words.said.is_empty() || row.width < WIDTH_WITH_WORDS {
        let percent = lane.progress().map_or_else(String::new, progress_percent);
        let for_percent = if percent.is_empty() { 0 } else { width(&percent) + 1 };
        if for_percent > 0 && room > 2 * for_percent {
            put_right(buffer, x, row.y, room, &percent, Style::new());
            put(buffer, x, row.y, room - for_percent, &words.task, words.style);
        } else {
            put(buffer, x, row.y, room, &words.task, words.style);
        }
        return;
    }
    let for_task = (u32::from(room) * u32::from(TASK_PERCENT) / 100) as u16;
    put(buffer, x, row.y, for_task, &words.task, words.style);
    put(buffer, x + for_task + 1, row.y, room.saturating_sub(for_task + 1), &words.said, weak);
}

fn words(scene: &Scene<'_>, lane: &LaneTimeline, index: usize) -> Words {
    let weak = scene.palette.weak();
    let nothing = Words { sign: "·", style: weak, task: String::new(), said: String::new(), time_ns: None };
    if let Some(running) = lane.running {
        let tries = if running.attempt > 1 { format!(" (try {})", running.attempt) } else { String::new() };
        return Words {
            sign: if running.is_suspended { PAUSED } else { RUNNING },
            style: Style::new(),
            task: scene.label(running.task, index) + &tries,
            said: if running.is_suspended { "stopped by a signal".to_owned() } else { said(lane) },
            time_ns: Some(scene.now_ns.saturating_sub(running.start_ns)),
        };
    }
    let last = lane.bars.as_slice().last();
    let ended = last.map(|bar| format!("{} {}", sign(bar.class()), bar.class().name()));
    if let Some(how) = lane.died.as_ref().filter(|_| lane.live().is_none()) {
        let died = fanlane_core::event::OutcomeClass::Lost;
        let task = format!("worker died: {}", sanitize::line(how.as_bytes()));
        return Words { sign: sign(died), style: scene.palette.outcome(died), task, ..nothing };
    }
    let Some((bar, ended)) = last.zip(ended) else {
        return Words { task: "no task yet".to_owned(), ..nothing };
    };
    let said = format!("{ended}, {} ended here", count(lane.counts.total()));
    let task = scene.label(bar.task(), index);
    Words { task, said, time_ns: Some(bar.wall_ns), ..nothing }
}

/// The reported progress and the latest line of the running task.
fn said(lane: &LaneTimeline) -> String {
    let progress = lane.progress().map(progress_words);
    let line = lane.latest_line().map(|line| line.text.to_string());
    progress.into_iter().chain(line).collect::<Vec<_>>().join(" · ")
}

fn progress_percent(progress: &TaskProgress) -> String {
    percent(f64::from(progress.fraction) * 100.0)
}

/// The reported progress: `40 % second pass`.
fn progress_words(progress: &TaskProgress) -> String {
    let percent = progress_percent(progress);
    match sanitize::line(progress.message.as_bytes()) {
        message if message.is_empty() => percent,
        message => format!("{percent} {message}"),
    }
}
