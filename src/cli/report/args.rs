//! The flags about what is printed during a run, by the command that started it or by one that watches it.

use anyhow::{Context, Result};
use clap::Args;

use super::tag::Colouring;
use super::{Bar, Format, Grouping, Streams, Style};
use crate::cli::terminal::stderr_is_terminal;
use fanlane_core::engine::OutputLevel;
use fanlane_core::event::StreamName;

/// What is printed during a run.
#[derive(Debug, Default, Args)]
pub struct ReportArgs {
    /// Print in the order of the inputs instead of the order in which tasks end
    #[arg(short, long, alias = "keeporder", overrides_with = "no_keep_order")]
    keep_order: bool,
    /// The default.
    #[arg(long, hide = true, aliases = ["nokeeporder", "nok", "no-k"], overrides_with = "keep_order")]
    no_keep_order: bool,
    /// Print one JSON object per task, and one with the summary at the end
    #[arg(long)]
    json: bool,
    /// Print lines while tasks run, each whole; lines of different tasks mix [with -k: the first unfinished task's lines]
    #[arg(long, visible_alias = "lb", aliases = ["line-buffered", "linebuffer", "linebuffered"], conflicts_with_all = ["ungroup", "latest_line", "json"])]
    line_buffer: bool,
    /// Print what tasks print as it comes, without tags and in no order; lines may be torn
    #[arg(short, long, conflicts_with_all = ["latest_line", "json"])]
    ungroup: bool,
    /// Print the latest line of each task alone; on a terminal while the task runs
    #[arg(long, visible_alias = "ll", alias = "latestline", conflicts_with = "json")]
    latest_line: bool,
    /// Print the output of each task in colours of its own
    #[arg(long, alias = "colour", conflicts_with_all = ["ungroup", "json"])]
    color: bool,
    /// Print the output of tasks that failed in white on red
    #[arg(long, visible_alias = "cf", aliases = ["colour-failed", "colorfailed", "colourfailed", "color-fail", "colour-fail", "colorfail", "colourfail"])]
    #[arg(conflicts_with_all = ["line_buffer", "ungroup", "json"])]
    color_failed: bool,
    /// Show progress and the estimated time left on standard error [default: if it is a terminal]
    #[arg(long, visible_alias = "eta", alias = "progress", overrides_with = "no_bar")]
    bar: bool,
    /// Show the workers, their tasks, cores and queue while the run goes on, and control it by keys; ? lists them
    #[arg(long, conflicts_with_all = ["bar", "no_bar", "latest_line"])]
    watch: bool,
    /// Show no progress
    #[arg(long, overrides_with = "bar")]
    no_bar: bool,
    /// Print the tasks' own output and failures only: no progress, no summary
    #[arg(long)]
    quiet: bool,
}

impl ReportArgs {
    /// The flags as values.
    pub const fn options(&self) -> ReportOptions {
        let format = if self.json { Format::Json } else { Format::Text };
        let bar = match (self.bar, self.no_bar || self.quiet) {
            (true, _) => Some(true),
            (false, true) => Some(false),
            (false, false) => None,
        };
        let grouping = match (self.line_buffer, self.ungroup, self.latest_line) {
            (true, ..) => Grouping::Lines,
            (_, true, _) => Grouping::Ungrouped,
            (.., true) => Grouping::LatestLine,
            _ => Grouping::Group,
        };
        // As in GNU parallel, where nothing is held back there is no order.
        let keep_order = self.keep_order && !self.ungroup;
        let colouring = match (self.color, self.color_failed) {
            (by_task, true) => Colouring::Failed { by_task },
            (true, false) => Colouring::ByTask,
            (false, false) => Colouring::Never,
        };
        ReportOptions {
            style: Style { format, grouping, keep_order, quiet: self.quiet, colouring, as_files: false },
            bar,
            watch: self.watch,
            commands: None,
        }
    }
}

/// How a run is reported.
#[derive(Clone, Copy, Debug)]
pub struct ReportOptions {
    /// How the report looks.
    pub style: Style,
    /// Whether progress is shown; `None`: if standard error is a terminal.
    pub bar: Option<bool>,
    /// Whether a view of the run has the terminal.
    pub watch: bool,
    /// Where the command line of each task is printed before what it prints.
    pub commands: Option<StreamName>,
}

impl ReportOptions {
    /// How much of what running tasks print the report wants, or the view.
    pub fn output_level(&self) -> OutputLevel {
        match self.style.grouping.output_level(self.bar().is_drawn()) {
            OutputLevel::Nothing if self.watch => OutputLevel::LatestLines,
            level => level,
        }
    }

    fn bar(&self) -> Bar {
        let bar = Bar::new(self.bar, stderr_is_terminal());
        if self.style.grouping == Grouping::LatestLine { bar.with_lines() } else { bar }
    }

    /// Whether a flag asks for a report in words.
    pub fn asks_for_words(&self) -> bool {
        let Style { format, grouping, keep_order, quiet, colouring, as_files } = self.style;
        let is_given = keep_order || quiet || colouring != Colouring::Never || as_files;
        format == Format::Json || grouping != Grouping::Group || is_given || self.bar.is_some()
    }

    /// Opens the streams of the report.
    ///
    /// # Errors
    /// When the program's own streams cannot be used.
    pub fn streams(&self) -> Result<Streams> {
        let streams = if self.watch { Streams::held_back() } else { Streams::of_program(self.bar()) };
        streams.context("standard output and standard error cannot be used")
    }
}

impl Default for ReportOptions {
    fn default() -> Self {
        ReportArgs::default().options()
    }
}
