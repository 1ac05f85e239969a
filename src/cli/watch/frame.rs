//! A frame of the view: pure, from what is known of the run and the size of the terminal to cells.
//!
//! From the top: the header, the page, and a line with keys or a question. Where rows are few, the page gets what it needs
//! before the header gets all of its own.

use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;
use ratatui_core::style::Style;

use super::cells::{flow, put};
use super::facts::Facts;
use super::palette::Palette;
use super::state::{Page, Question, Situation, State};
use super::{failures, header, help, lanes, output};
use crate::cli::report::Tasks;
use fanlane_core::event::TaskId;
use fanlane_core::model::{Earlier, sanitize};

/// Rows below the header of a terminal with few rows.
const MIN_PAGE_ROWS: u16 = 3;
/// Rows of a terminal from which the newest failures stand below the lanes.
const ROWS_WITH_FAILURES: u16 = 20;

/// Everything that a frame shows.
pub struct Scene<'a> {
    /// What is known of the run.
    pub facts: &'a Facts,
    /// Its tasks.
    pub tasks: &'a dyn Tasks,
    /// Its name.
    pub name: &'a str,
    /// Its number in the history, once it has one.
    pub run: Option<i64>,
    /// The tasks that earlier runs have ended.
    pub earlier: Earlier,
    /// The run's time, in nanoseconds since its start; once it has ended, its end.
    pub now_ns: u64,
    /// What the view shows.
    pub state: &'a State,
    /// What holds whatever happens in the run.
    pub situation: &'a Situation,
    /// The styles.
    pub palette: Palette,
}

impl Scene<'_> {
    /// A task by its number and the words that tell it from the others: its input, or its command where it has none.
    pub fn label(&self, task: TaskId, lane: usize) -> String {
        let number = self.tasks.number(task);
        let values = bstr::join(" ", self.tasks.input(task));
        let words = if values.is_empty() {
            sanitize::command(&self.tasks.describe(task, u32::try_from(lane).map_or(1, |lane| lane.saturating_add(1))))
        } else {
            sanitize::line(&values)
        };
        format!("{number} {words}")
    }
}

/// Draws a frame.
pub fn draw(scene: &Scene<'_>, buffer: &mut Buffer) {
    let area = buffer.area;
    if area.is_empty() {
        return;
    }
    let footer = Rect { y: area.bottom() - 1, height: 1, ..area };
    let above = Rect { height: area.height - 1, ..area };
    let most = above.height.saturating_sub(MIN_PAGE_ROWS).max(1);
    let used = header::draw(scene, buffer, Rect { height: above.height.min(most), ..above });
    let page = Rect { y: above.y + used, height: above.height.saturating_sub(used), ..above };
    match scene.state.page {
        Page::Lanes => {
            let shown = if area.height >= ROWS_WITH_FAILURES { failures::brief_height(scene) } else { 0 };
            let lanes = Rect { height: page.height - shown, ..page };
            lanes::draw(scene, buffer, lanes);
            failures::draw_brief(scene, buffer, Rect { y: lanes.bottom(), height: shown, ..page });
        }
        Page::Failures => failures::draw(scene, buffer, page),
        Page::Output(task) => output::draw(scene, task, buffer, page),
        Page::Help => help::draw(scene, buffer, page),
    }
    draw_footer(scene, buffer, footer);
}

fn draw_footer(scene: &Scene<'_>, buffer: &mut Buffer, area: Rect) {
    let Scene { state, situation, palette, facts, .. } = scene;
    let put = |buffer: &mut Buffer, text: &str, style| {
        put(buffer, area.x, area.y, area.width, text, style);
    };
    let progress = &facts.progress;
    match (state.question, &state.notice) {
        (Some(Question::Stop), _) => put(buffer, "Stop the run? s: stop it  any other key: no", palette.notable()),
        (Some(Question::StopToLeave), _) => {
            put(buffer, "The run ends with this view. s: stop it  any other key: stay", palette.notable())
        }
        (None, Some(notice)) => put(buffer, notice, palette.strong()),
        (None, None) => {
            let is_over = progress.summary.is_some();
            let pause = if progress.paused { "p resume" } else { "p pause" };
            let stop = if progress.stopping { "s stop now" } else { "s stop" };
            let leave = if state.page == Page::Lanes { "q leave" } else { "Esc back" };
            let can_retry = is_over && facts.failures.total() > 0 && situation.retry_obstacle.is_none();
            let keys = [
                ("? keys", true),
                (leave, true),
                (pause, !is_over),
                (stop, !is_over),
                ("r retry failed", can_retry),
                ("+ - workers", !is_over),
                ("f failed", true),
                ("Enter output", state.page != Page::Help),
            ];
            let style = palette.weak();
            let keys = keys.into_iter().filter(|(_, shown)| *shown);
            let keys: Vec<(String, Style)> = keys.map(|(key, _)| (key.to_owned(), style)).collect();
            flow(buffer, area, &keys);
        }
    }
}
