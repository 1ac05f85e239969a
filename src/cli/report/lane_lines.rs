//! `--latest-line` on a terminal: a line above the bar for each lane, with the latest line of its task.

use std::collections::BTreeMap;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::terminal::draw_line;
use fanlane_core::event::Printed;
use fanlane_core::model::LatestLine;

/// How often the lines are drawn, in Hz.
const DRAWS_PER_SEC: u8 = 10;

/// Where bars are drawn: on standard error, or nowhere.
pub fn target(is_drawn: bool) -> ProgressDrawTarget {
    if is_drawn { ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SEC) } else { ProgressDrawTarget::hidden() }
}

/// The lines above a bar; without [`LaneLines::above`] there are none.
#[derive(Default)]
pub struct LaneLines {
    above: Option<MultiProgress>,
    /// Nothing is drawn: the terminal belongs to another program.
    is_away: bool,
    /// By slots, from 1.
    lines: BTreeMap<u32, ProgressBar>,
}

impl LaneLines {
    /// Lines above `bar`, which is drawn together with them on standard error.
    pub fn above(bar: ProgressBar) -> (Self, ProgressBar) {
        let above = MultiProgress::with_draw_target(target(true));
        let bar = above.add(bar);
        (Self { above: Some(above), is_away: false, lines: BTreeMap::new() }, bar)
    }

    /// Draws on the terminal, together with `bar`, or for now on nothing.
    pub fn draw_on(&mut self, bar: &ProgressBar, is_in_foreground: bool) {
        if self.is_away == is_in_foreground {
            self.is_away = !is_in_foreground;
            match &self.above {
                Some(above) => {
                    let _ = above.clear();
                    above.set_draw_target(target(is_in_foreground));
                }
                None => {
                    bar.set_draw_target(target(is_in_foreground));
                    draw_line("");
                }
            }
        }
    }

    /// Shows the latest line of the task in a lane.
    pub fn show(&mut self, slot: u32, printed: &Printed) {
        let (Some(above), Some(line)) = (&self.above, LatestLine::of(printed)) else { return };
        let place = self.lines.range(..slot).count();
        let bar = self.lines.entry(slot).or_insert_with(|| {
            let style = ProgressStyle::with_template("{prefix:>3} {wide_msg}").expect("the template is a constant");
            let bar = above.insert(place, ProgressBar::no_length().with_style(style));
            bar.set_prefix(slot.to_string());
            bar
        });
        bar.set_message(line.text.into_string());
    }

    /// Removes the line of a lane whose task has ended.
    pub fn hide(&mut self, slot: u32) {
        if let (Some(above), Some(line)) = (&self.above, self.lines.remove(&slot)) {
            line.finish_and_clear();
            above.remove(&line);
        }
    }

    /// Removes all lines.
    pub fn clear(&mut self) {
        let slots: Vec<u32> = self.lines.keys().copied().collect();
        slots.into_iter().for_each(|slot| self.hide(slot));
    }
}
