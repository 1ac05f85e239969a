//! The flags about what a run prints, whoever prints it: the one that began it, or one that watches it.

use std::io::{self, IsTerminal};

use anyhow::{Context, Result};
use clap::Args;

use super::report::{Bar, Format, Streams, Style};

/// What is printed while a run goes on.
#[derive(Clone, Debug, Default, Args)]
pub struct ReportArgs {
    /// Print in the order of the inputs instead of in the order in which tasks end
    #[arg(short, long)]
    pub keep_order: bool,
    /// Print one JSON object per task, and one with the summary at the end
    #[arg(long)]
    pub json: bool,
    /// Show progress on standard error, and how long the rest will take [default: when it is a terminal]
    #[arg(long, visible_alias = "eta", overrides_with = "no_bar")]
    pub bar: bool,
    /// Show no progress
    #[arg(long, overrides_with = "bar")]
    pub no_bar: bool,
    /// Print the tasks' own output and failures only: no progress, no summary
    #[arg(long)]
    pub quiet: bool,
}

impl ReportArgs {
    /// How the report looks.
    pub fn style(&self) -> Style {
        let format = if self.json { Format::Json } else { Format::Text };
        Style { format, keep_order: self.keep_order, quiet: self.quiet }
    }

    /// Where the report goes.
    ///
    /// # Errors
    /// When the program's own streams cannot be used.
    pub fn streams(&self) -> Result<Streams> {
        let wants_bar = match (self.bar, self.no_bar || self.quiet) {
            (true, _) => Some(true),
            (false, true) => Some(false),
            (false, false) => None,
        };
        Streams::of_program(Bar::new(wants_bar, io::stderr().is_terminal()))
            .context("standard output and standard error cannot be used")
    }
}
