//! What is done when a run is done: `--on-end COMMAND` and `--notify`.

use std::ffi::OsStr;
use std::process::{Command, Stdio};

use fanlane_os::search_path::find_program;

use crate::cli::terminal::{remark, ring_bell};
use crate::session::end_command::{self, EndedRun, Printing};

/// What is done when a run is done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AtEnd {
    /// A command line that is run.
    pub command: Option<String>,
    /// The user is told.
    pub notifies: bool,
}

impl AtEnd {
    /// Whether nothing is done.
    pub const fn is_nothing(&self) -> bool {
        self.command.is_none() && !self.notifies
    }

    /// Does it.
    ///
    /// # Errors
    /// In words for the end of a sentence, when the command cannot be started or fails.
    pub fn perform(&self, ended: &EndedRun, printing: Printing) -> Result<(), String> {
        if self.notifies {
            notify(ended);
        }
        self.command.as_ref().map_or(Ok(()), |line| end_command::perform(line, ended, printing))
    }
}

/// Shows a notification where there is a desktop, and otherwise rings the bell of the terminal.
fn notify(ended: &EndedRun) {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let has_desktop = is_set("WAYLAND_DISPLAY") || is_set("DISPLAY");
    let program = find_program(OsStr::new("notify-send")).filter(|_| has_desktop);
    let shown = program.is_some_and(|program| {
        let title = format!("{}: {}", ended.name, ended.result());
        let counts = &ended.counts;
        let body = format!("{} done, {} not done", counts.done, counts.not_done());
        let mut command = Command::new(program);
        command.args(["--app-name=Fanlane", "--"]).args([title, body]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    });
    if !shown && !ring_bell() {
        remark("the run is done; there is neither a desktop with notify-send nor a terminal to tell it by (--notify)");
    }
}
