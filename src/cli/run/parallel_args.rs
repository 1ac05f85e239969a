//! Options of GNU parallel that command lines for it have, and that people need no help for: those that ask for what is the case
//! here, and some that change how the words are read. None of them is a field of a job.

use clap::{ArgAction, Args};

use fanlane_core::event::StreamName;

/// Options of GNU parallel, hidden from the help.
#[derive(Debug, Default, Args)]
pub struct ParallelArgs {
    /// Flags that ask for the behaviour here.
    #[arg(long, hide = true, action = ArgAction::Count)]
    #[arg(aliases = ["will-cite", "willcite", "nn", "no-notice", "nonotice", "gnu", "plain", "silent"])]
    pub group: u8,
    /// The number of tasks, which is known anyway.
    #[arg(long, hide = true, aliases = ["totaljobs", "total"], value_name = "N")]
    pub total_jobs: Option<String>,
    /// Leave out blank values.
    #[arg(short = 'r', long, hide = true, alias = "norunifempty")]
    pub no_run_if_empty: bool,
    /// Another replacement string in place of `{}`.
    #[arg(short = 'I', hide = true, value_name = "TEXT", allow_hyphen_values = true)]
    pub replacement: Option<String>,
    /// How many values a task has; each word with a replacement string is written once for each value.
    #[arg(short = 'N', long, hide = true, alias = "maxreplaceargs", value_name = "N")]
    pub max_replace_args: Option<u32>,
    /// Walk the sources side by side, beginning the shorter ones again.
    #[arg(long, hide = true, alias = "xapply")]
    pub link: bool,
    /// Print each command line before what it prints.
    #[arg(short = 'v', hide = true, action = ArgAction::Count)]
    pub commands_on_stdout: u8,
    /// The same, on standard error.
    #[arg(short = 't', long = "verbose", hide = true)]
    pub commands_on_stderr: bool,
}

impl ParallelArgs {
    /// Where the command line of a task is printed before what it prints.
    pub const fn commands(&self) -> Option<StreamName> {
        match (self.commands_on_stdout, self.commands_on_stderr) {
            (0, false) => None,
            (0, true) => Some(StreamName::Stderr),
            _ => Some(StreamName::Stdout),
        }
    }
}
