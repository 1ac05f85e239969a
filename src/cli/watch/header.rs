//! The top of a frame: what runs and how it stands, how far it is, what the machine does, why it waits.

use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;
use ratatui_core::style::Style;

use super::cells::{GAP, flow, put, put_right, width};
use super::frame::Scene;
use super::palette::{PAUSED, RUNNING, sign};
use super::strips;
use crate::cli::report::tasks_rate;
use fanlane_core::event::OutcomeClass;
use fanlane_core::model::format::{bytes, count, duration, estimate, plural};
use fanlane_core::model::sanitize;

/// Columns of a terminal below which the counts take a second row, if there are rows for all.
const WIDE: u16 = 100;
/// Rows that a header of all parts takes.
const ROWS_FOR_ALL: u16 = 6;
/// Minimum and maximum width of a strip of cores or of the queue, in cells.
const STRIP: std::ops::RangeInclusive<usize> = 10..=64;

/// Draws the header into the rows of `area`; returns how many it used.
pub fn draw(scene: &Scene<'_>, buffer: &mut Buffer, area: Rect) -> u16 {
    let mut left = area;
    let mut next = |rows: u16| {
        let rows = rows.min(left.height);
        let taken = Rect { height: rows, ..left };
        left = Rect { y: left.y + rows, height: left.height - rows, ..left };
        taken
    };
    draw_title(scene, buffer, next(1));
    let reason = reason(scene);
    if let Some(reason) = &reason {
        let row = next(1);
        if row.height > 0 {
            put(buffer, row.x, row.y, row.width, reason, scene.palette.notable());
        }
    }
    draw_bar(scene, buffer, next(1));
    // Also where one would do at this moment: nothing jumps while numbers grow.
    let counts = next(if area.width < WIDE && area.height >= ROWS_FOR_ALL { 2 } else { 1 });
    if counts.height > 0 {
        flow(buffer, counts, &counts_and_times(scene));
    }
    let machine = next(1);
    if machine.height > 0 {
        draw_machine(scene, buffer, machine);
    }
    area.height - left.height
}

/// How the run stands, in a sign and words.
fn standing(scene: &Scene<'_>) -> (String, Style) {
    let (progress, palette) = (&scene.facts.progress, scene.palette);
    let not_done = progress.counts.not_done();
    match &progress.summary {
        Some(summary) if summary.stopped => ("■ stopped".to_owned(), palette.notable()),
        Some(_) if not_done > 0 => {
            let failed = OutcomeClass::Failed;
            (format!("{} ended, {} not done", sign(failed), count(not_done)), palette.outcome(failed))
        }
        Some(_) => (format!("{} all done", sign(OutcomeClass::Done)), palette.outcome(OutcomeClass::Done)),
        None if progress.stopping => ("■ stopping".to_owned(), palette.notable()),
        None if progress.paused => {
            let before = progress.stopped_before.map(|task| format!(" before task {}", scene.tasks.number(task)));
            (format!("{PAUSED} paused{}", before.unwrap_or_default()), palette.notable())
        }
        None if progress.cannot_start.is_some() || progress.held.is_some() => {
            ("… waiting".to_owned(), palette.notable())
        }
        None if scene.facts.mode.is_none() => ("… starting".to_owned(), palette.weak()),
        None => (format!("{RUNNING} running"), palette.strong()),
    }
}

fn draw_title(scene: &Scene<'_>, buffer: &mut Buffer, row: Rect) {
    if row.height == 0 {
        return;
    }
    let (words, style) = standing(scene);
    let room = row.width.saturating_sub(width(&words) + 1);
    put_right(buffer, row.x, row.y, row.width, &words, style);
    let x = put(buffer, row.x, row.y, room, &sanitize::command(scene.name), scene.palette.strong());
    let progress = &scene.facts.progress;
    let workers = if progress.summary.is_some() || progress.live_workers == progress.workers {
        plural(u64::from(progress.workers), "worker")
    } else {
        format!("{} of {}", count(u64::from(progress.live_workers)), plural(u64::from(progress.workers), "worker"))
    };
    let run = scene.run.map_or_else(String::new, |run| format!("run {run}, "));
    let beside = format!("  {run}{workers}");
    if x + width(&beside) <= room {
        put(buffer, row.x + x, row.y, room - x, &beside, scene.palette.weak());
    }
}

/// Why tasks wait, or why the run ends early.
fn reason(scene: &Scene<'_>) -> Option<String> {
    let progress = &scene.facts.progress;
    let words = if let Some(why) = &progress.inputs_fault {
        format!("the inputs broke off: {why}")
    } else if let Some(halt) = &progress.halted {
        format!("--halt {halt} is reached")
    } else if progress.summary.is_some() {
        return None;
    } else if let Some(why) = &progress.cannot_start {
        format!("no worker can be started: {why}")
    } else if let Some(why) = &progress.held {
        format!("no further tasks are started for now: {why}")
    } else if progress.grows && progress.remaining() == 0 {
        "waiting for further inputs".to_owned()
    } else {
        return None;
    };
    Some(sanitize::command(&words))
}

fn draw_bar(scene: &Scene<'_>, buffer: &mut Buffer, row: Rect) {
    if row.height == 0 {
        return;
    }
    let (progress, palette) = (&scene.facts.progress, scene.palette);
    let at_least = if progress.grows { "at least " } else { "" };
    let words = format!(" {} of {at_least}{}", count(progress.counts.total()), count(progress.tasks));
    let length = row.width.saturating_sub(width(&words));
    put_right(buffer, row.x, row.y, row.width, &words, Style::new());
    let share = |number: u64| {
        let cells = u128::from(length) * u128::from(number) / u128::from(progress.tasks.max(1));
        // What there is is seen, however little of the whole it is.
        u16::try_from(cells).unwrap_or(length).max(u16::from(number > 0)).min(length)
    };
    let ended = share(progress.counts.total());
    let not_done = share(progress.counts.not_done()).min(ended);
    let parts = [
        (ended - not_done, "━", palette.outcome(OutcomeClass::Done)),
        (not_done, "╳", palette.outcome(OutcomeClass::Failed)),
        (length - ended, "─", palette.weak()),
    ];
    let mut x = row.x;
    for (cells, glyph, style) in parts {
        x += put(buffer, x, row.y, cells, &glyph.repeat(usize::from(cells)), style);
    }
}

fn counts_and_times(scene: &Scene<'_>) -> Vec<(String, Style)> {
    let (facts, palette) = (scene.facts, scene.palette);
    let progress = &facts.progress;
    let mut pieces = Vec::new();
    for class in OutcomeClass::ALL {
        let number = progress.counts.of(class);
        if number > 0 || matches!(class, OutcomeClass::Done | OutcomeClass::Failed) {
            let style = if number > 0 { palette.outcome(class) } else { palette.weak() };
            pieces.push((format!("{} {} {}", sign(class), count(number), class.name()), style));
        }
    }
    let plain = |text: String| (text, Style::new());
    if progress.summary.is_none() {
        pieces.push(plain(format!("{RUNNING} {} running", count(facts.running()))));
        pieces.push(plain(format!("{} queued", count(facts.queued()))));
        let at_least = if progress.grows { "at least " } else { "" };
        if let Some(secs) = progress.left_secs(scene.now_ns).filter(|_| !progress.stopping && !progress.paused) {
            pieces.push(plain(format!("{at_least}{} left", estimate(secs))));
        }
    }
    let per_sec = progress.rate(scene.now_ns);
    if per_sec > 0.0 {
        pieces.push((tasks_rate(per_sec), palette.weak()));
    }
    pieces.push((format!("{} so far", duration(scene.now_ns)), palette.weak()));
    if progress.retries > 0 {
        pieces.push((format!("{} tried again", count(progress.retries)), palette.weak()));
    }
    if let Some(words) = scene.earlier.words() {
        pieces.push((words, palette.weak()));
    }
    pieces
}

/// What stands before the strip of the queue.
const QUEUE: &str = "queue ";

fn draw_machine(scene: &Scene<'_>, buffer: &mut Buffer, row: Rect) {
    let (facts, weak) = (scene.facts, scene.palette.weak());
    let Some(sample) = facts.cores.newest() else {
        let words = if facts.progress.summary.is_some() { "cores: not measured" } else { "cores: not measured yet" };
        put(buffer, row.x, row.y, row.width, words, weak);
        return;
    };
    let cores = sample.core_percent.len();
    let mean = sample.core_percent.iter().sum::<f32>() / cores.max(1) as f32;
    let room = (usize::from(row.width) / 3).min(*STRIP.end());
    let (used, total) = (bytes(sample.memory_used_bytes), bytes(sample.memory_total_bytes));
    let cores = format!("cores {} {mean:.0} % of {cores}", strips::cores(&sample.core_percent, room));
    let memory = format!("memory {used} of {total}");
    let mut x = put(buffer, row.x, row.y, row.width, &cores, Style::new()) + GAP;
    if x + width(&memory) <= row.width {
        x += put(buffer, row.x + x, row.y, row.width - x, &memory, Style::new()) + GAP;
    }
    let room = usize::from(row.width.saturating_sub(x + width(QUEUE)));
    if STRIP.start() <= &room {
        let queue = strips::queue(&facts.depth, scene.now_ns, room.min(*STRIP.end()));
        put(buffer, row.x + x, row.y, row.width - x, &format!("{QUEUE}{queue}"), weak);
    }
}
