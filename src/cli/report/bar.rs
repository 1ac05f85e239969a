//! Progress on standard error: a bar on a terminal, a plain line every few seconds elsewhere.

use std::io;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::lane_lines::{self, LaneLines};
use fanlane_core::event::Printed;
use fanlane_core::model::format::{count, estimate, rate};
use fanlane_core::model::{Earlier, Progress};
use fanlane_os::terminal;

/// How often a plain line is written.
const PLAIN_INTERVAL: Duration = Duration::from_secs(5);

/// Progress on standard error.
pub enum Bar {
    /// None.
    Hidden,
    /// A bar that is redrawn in place, with lines above it if there are some.
    Drawn(ProgressBar, LaneLines),
    /// Lines, for a standard error that is not a terminal.
    Plain {
        /// When the last one was written.
        last: Instant,
    },
}

impl Bar {
    /// `wanted`: according to the flags; `None`: if standard error is a terminal.
    pub fn new(wanted: Option<bool>, stderr_is_terminal: bool) -> Self {
        match (wanted.unwrap_or(stderr_is_terminal), stderr_is_terminal) {
            (false, _) => Self::Hidden,
            (true, false) => Self::Plain { last: Instant::now() },
            (true, true) => {
                let bar = ProgressBar::with_draw_target(Some(0), lane_lines::target(true));
                let style = ProgressStyle::with_template("{bar:24} {msg}").expect("the template is a constant");
                Self::Drawn(bar.with_style(style.progress_chars("━╸─")), LaneLines::default())
            }
        }
    }

    /// The same with the latest line of each lane above it, where it is drawn.
    #[must_use]
    pub fn with_lines(self) -> Self {
        match self {
            Self::Drawn(bar, _) => {
                let (lines, bar) = LaneLines::above(bar);
                Self::Drawn(bar, lines)
            }
            other => other,
        }
    }

    /// Shows what was printed in a lane, if that has a line.
    pub fn show_line(&mut self, slot: u32, printed: &Printed) {
        if let Self::Drawn(_, lines) = self {
            lines.show(slot, printed);
        }
    }

    /// Removes the line of a lane whose task has ended.
    pub fn hide_line(&mut self, slot: u32) {
        if let Self::Drawn(_, lines) = self {
            lines.hide(slot);
        }
    }

    /// Shows the progress; returns a line to be written to standard error, if one is due.
    pub fn show(&mut self, progress: &Progress, earlier: Earlier, now_ns: u64) -> Option<String> {
        match self {
            Self::Hidden => None,
            Self::Drawn(bar, lines) => {
                lines.draw_on(bar, terminal::is_in_foreground());
                bar.set_message(sentence(progress, earlier, now_ns));
                bar.update(|state| {
                    state.set_len(progress.tasks.max(1));
                    state.set_pos(progress.counts.total());
                });
                None
            }
            Self::Plain { last } => {
                if last.elapsed() < PLAIN_INTERVAL {
                    return None;
                }
                *last = Instant::now();
                Some(format!("{}\n", sentence(progress, earlier, now_ns)))
            }
        }
    }

    /// Removes the bar from the screen until it is shown the next time in the foreground.
    pub fn leave(&mut self) {
        if let Self::Drawn(bar, lines) = self {
            lines.draw_on(bar, false);
        }
    }

    /// Whether the bar is on the screen and has to be hidden to write to the terminal.
    pub const fn is_drawn(&self) -> bool {
        matches!(self, Self::Drawn(..))
    }

    /// Writes while the bar is hidden.
    ///
    /// # Errors
    /// Those of `write`.
    pub fn aside(&self, write: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        match self {
            Self::Drawn(bar, _) => bar.suspend(write),
            Self::Hidden | Self::Plain { .. } => write(),
        }
    }

    /// Removes the bar from the screen for good.
    pub fn clear(&mut self) {
        if let Self::Drawn(bar, lines) = self {
            lines.clear();
            bar.finish_and_clear();
        }
        *self = Self::Hidden;
    }
}

/// A rate of tasks: `2,080 tasks/s`.
pub fn tasks_rate(per_sec: f64) -> String {
    rate(per_sec).replace(" /s", " tasks/s")
}

fn sentence(progress: &Progress, earlier: Earlier, now_ns: u64) -> String {
    let counts = &progress.counts;
    let at_least = if progress.grows { "at least " } else { "" };
    let mut text = format!("{} of {at_least}{} ended", count(counts.total()), count(progress.tasks));
    if let Some(words) = earlier.words() {
        text += &format!(", {words}");
    }
    let not_done = counts.not_done() - counts.cancelled;
    if not_done > 0 {
        text += &format!(", {} failed", count(not_done));
    }
    let per_sec = progress.rate(now_ns);
    if per_sec > 0.0 {
        text += &format!(", {}", tasks_rate(per_sec));
    }
    if let Some(reason) = &progress.held {
        text += &format!(", waiting: {reason}");
    } else if progress.stopping {
        text += ", stopping";
    } else if progress.grows && progress.remaining() == 0 {
        text += ", waiting for further inputs";
    } else if let Some(secs) = progress.left_secs(now_ns) {
        text += &format!(", {at_least}{} left", estimate(secs));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use fanlane_core::event::OutcomeCounts;

    #[test]
    fn the_sentence_says_how_far_how_fast_how_long() {
        let mut progress = Progress { tasks: 10_000, ..Progress::default() };
        let sentence = |progress: &Progress, now_ns| sentence(progress, Earlier::default(), now_ns);
        assert_eq!(sentence(&progress, 0), "0 of 10,000 ended");
        progress.counts = OutcomeCounts { done: 4990, failed: 7, timed_out: 3, ..OutcomeCounts::default() };
        let now_ns = 2_500_000_000;
        assert_eq!(sentence(&progress, now_ns), "5,000 of 10,000 ended, 10 failed, 2,000 tasks/s, 3 s left");
        progress.grows = true;
        assert_eq!(
            sentence(&progress, now_ns),
            "5,000 of at least 10,000 ended, 10 failed, 2,000 tasks/s, at least 3 s left"
        );
        progress.tasks = 5000;
        assert!(sentence(&progress, now_ns).ends_with("tasks/s, waiting for further inputs"));
        progress = Progress { tasks: 10_000, stopping: true, grows: false, ..progress };
        assert_eq!(sentence(&progress, now_ns), "5,000 of 10,000 ended, 10 failed, 2,000 tasks/s, stopping");
    }

    #[test]
    fn what_earlier_runs_did_is_counted_apart() {
        let progress = Progress { tasks: 10, ..Progress::default() };
        let earlier = Earlier { done: 12, failed: 3, ended: 0 };
        assert_eq!(sentence(&progress, earlier, 0), "0 of 10 ended, 12 done earlier, 3 failed earlier");
    }

    #[test]
    fn a_bar_is_drawn_on_terminals_only() {
        assert!(matches!(Bar::new(None, false), Bar::Hidden));
        assert!(matches!(Bar::new(Some(false), true), Bar::Hidden));
        assert!(matches!(Bar::new(Some(true), false), Bar::Plain { .. }));
        assert!(Bar::new(None, true).is_drawn());
    }
}
