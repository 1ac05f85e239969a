//! What happens when the run under way is done: a message for the desktop, and an action that was chosen for this run.
//!
//! The action is for one run: it is forgotten with its end, and a run that is stopped by hand has none.

use std::time::Duration;

use crossbeam_channel::Receiver;

use super::Session;
use super::background::{on_a_thread, taken};
use super::end_command::{self, EndedRun, Printing};
use super::notices::{Notice, Topic, sentence};
use fanlane_core::event::OutcomeCounts;

/// How often other runs are looked for while a shutdown waits for them.
const OTHERS_INTERVAL: Duration = Duration::from_secs(1);

/// What is done when the run under way is done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DoneAction {
    /// Nothing.
    #[default]
    Nothing,
    /// A command line is run by the shell.
    Run(String),
    /// The machine is shut down, unless the question before it is answered in time.
    ShutDown,
}

/// A run that came to its end by itself while this window showed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoneRun {
    /// The name of its job.
    pub name: String,
    /// Its tasks by outcome.
    pub counts: OutcomeCounts,
    /// How long it took, in nanoseconds.
    pub wall_ns: u64,
    /// What was chosen for its end.
    pub action: DoneAction,
}

/// Work that goes on, or begins by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OtherWork {
    /// Runs under way.
    pub runs: usize,
    /// Jobs of the queue that are to start.
    pub jobs: usize,
}

impl OtherWork {
    /// There is none.
    pub const fn is_none(self) -> bool {
        self.runs == 0 && self.jobs == 0
    }
}

/// The state of the waiting.
#[derive(Default)]
pub(super) struct WhenDone {
    /// What was chosen, and for which run, by its serial number.
    chosen: Option<(u64, DoneAction)>,
    /// The run under way, by its serial number.
    watched: Option<u64>,
    ended: Option<DoneRun>,
    /// The command under way.
    command: Option<Receiver<Result<(), String>>>,
}

impl Session {
    /// What is done when the run under way is done.
    pub fn done_action(&self) -> &DoneAction {
        let under_way = self.run.under_way().map(|run| run.serial);
        let chosen = self.when_done.chosen.as_ref().filter(|(serial, _)| Some(*serial) == under_way);
        chosen.map_or(&DoneAction::Nothing, |(_, action)| action)
    }

    /// The run that came to its end, once.
    pub const fn take_done(&mut self) -> Option<DoneRun> {
        self.when_done.ended.take()
    }

    /// Chooses what is done when the run under way is done; without one it would never happen.
    pub(super) fn set_done_action(&mut self, action: DoneAction) {
        if let Some(run) = self.run.under_way() {
            self.when_done.chosen = Some((run.serial, action));
        }
    }

    /// What a shutdown would end now, besides the run that is done; looked for anew at intervals.
    pub fn other_work(&mut self) -> OtherWork {
        self.detached.list_after(OTHERS_INTERVAL, &self.wake);
        let list = self.queue.list();
        let of_queue = list.jobs.iter().filter(|job| job.is_running()).count();
        // Those of the queue are detached runs, too, but may have begun since these were listed.
        let runs = self.detached.count().max(of_queue).max(usize::from(self.is_busy()));
        OtherWork { runs, jobs: list.coming() }
    }

    /// Tells what the window has met.
    pub fn tell(&mut self, text: String) {
        self.notices.show(Notice::error(text));
    }

    /// Tells what the window could not do.
    pub fn tell_fault(&mut self, text: String) {
        self.notices.show(Notice::error(text).about(Topic::WhenDone));
    }

    pub(super) fn poll_when_done(&mut self) {
        let under_way = self.run.under_way().map(|run| run.serial);
        let before = std::mem::replace(&mut self.when_done.watched, under_way);
        if let Some(serial) = before.filter(|_| before != under_way) {
            self.run_is_done(serial);
        }
        if let Some(Some(Err(fault))) = taken(&mut self.when_done.command) {
            self.tell_fault(sentence(&fault));
        }
    }

    fn run_is_done(&mut self, serial: u64) {
        let chosen = self.when_done.chosen.take_if(|(of, _)| *of == serial);
        let action = chosen.map_or(DoneAction::Nothing, |(_, action)| action);
        let Some(run) = self.run.current().filter(|run| run.serial == serial) else { return };
        let (name, number) = (run.job.display_name().to_owned(), run.history_id());
        let model = run.model();
        let Some(summary) = model.summary().filter(|summary| !summary.stopped) else { return };
        let (counts, wall_ns) = (model.progress.counts, summary.wall_ns);
        drop(model);
        if let DoneAction::Run(line) = &action {
            let (line, ended) = (line.clone(), EndedRun { name: name.clone(), number, counts });
            self.when_done.command =
                on_a_thread(&self.wake, move || end_command::perform(&line, &ended, Printing::Nowhere));
        }
        self.when_done.ended = Some(DoneRun { name, counts, wall_ns, action });
    }
}
