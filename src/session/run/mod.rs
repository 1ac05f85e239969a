//! The run that the window shows: of this process, detached, or read from the history; and the query of its results.

mod current;
mod detached;
mod editor;
mod failure_causes;
mod find;
mod row_filter;
mod row_index;
mod row_order;
mod row_query;
mod search_words;
mod start;
mod whole;

use fanlane_core::engine::{OutputLevel, RunCommand};
use fanlane_core::event::{OutcomeClass, TaskId};
use fanlane_core::model::CauseId;

use super::notices::Notice;
use super::{Machine, Session, Wake};

pub use current::CurrentRun;
pub(super) use current::{RecorderMessages, RunOrigin};
pub use detached::DetachedList;
pub use editor::{EditorPrograms, OpenedOutputs};
pub use failure_causes::FailureCauses;
pub use find::{Find, FoundMatches};
pub use row_index::MAX_LISTED_REST;
pub use row_order::{MAX_QUEUED, RowOrder};
pub use row_query::{RowQuery, SearchScope, SortKey};
pub use search_words::COLUMN_EXAMPLES;
pub(super) use start::StartRequest;
pub(super) use whole::Whole;

/// The shown run, if any.
#[derive(Default)]
pub struct ShownRun {
    current: Option<CurrentRun>,
    selected: Option<TaskId>,
    query: RowQuery,
    rows: RowOrder,
    /// The generation of the records that `rows` and `causes` are of.
    generation: u32,
    causes: FailureCauses,
    serials: u64,
    /// Runs that can be shown again, the next one last.
    before: Vec<ShownBefore>,
    /// The job that the shown run was started from, by [`JobEditor::opening`](super::JobEditor).
    opening: Option<u64>,
    asked: Option<AskedWorkers>,
    output: AskedOutput,
}

/// A run that was shown, and how.
struct ShownBefore {
    run: CurrentRun,
    selected: Option<TaskId>,
    query: RowQuery,
    opening: Option<u64>,
}

/// A number of workers that the run was asked for.
struct AskedWorkers {
    asked: u32,
    /// What the run had then: as soon as it has another, it has answered.
    before: u32,
}

/// What a run was asked for of the output of its running tasks.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct AskedOutput {
    /// The run, by its serial number.
    run: u64,
    level: OutputLevel,
    follows: Option<TaskId>,
}

/// Number of results from which on a run is freed by a thread, and its memory given back to the system.
const MANY_RESULTS: usize = 50_000;
/// Maximum number of runs that can be shown again without the history.
const MAX_BEFORE: usize = 8;

impl ShownRun {
    /// The run.
    pub const fn current(&self) -> Option<&CurrentRun> {
        self.current.as_ref()
    }

    /// A run is under way.
    pub fn is_under_way(&self) -> bool {
        self.current.as_ref().is_some_and(CurrentRun::is_under_way)
    }

    /// The run, while it is under way.
    pub fn under_way(&self) -> Option<&CurrentRun> {
        self.current.as_ref().filter(|run| run.is_under_way())
    }

    /// The number of workers of the run under way, as it was last asked for.
    pub fn workers_under_way(&self, machine: Machine) -> Option<u32> {
        let run = self.under_way()?;
        let workers = run.workers().unwrap_or_else(|| machine.pool_of(&run.job));
        let asked = self.asked.as_ref().filter(|asked| asked.before == workers);
        Some(asked.map_or(workers, |asked| asked.asked))
    }

    /// The job that the shown run was started from, by the count of opened jobs.
    pub(super) const fn opening(&self) -> Option<u64> {
        self.opening
    }

    /// The run that [`Command::Back`](super::Command::Back) shows: the one that was rerun.
    pub fn before(&self) -> Option<&CurrentRun> {
        self.before.last().map(|before| &before.run)
    }

    /// The task whose details are shown.
    pub const fn selected(&self) -> Option<TaskId> {
        self.selected
    }

    /// The query of the results.
    pub const fn query(&self) -> &RowQuery {
        &self.query
    }

    /// The results to show.
    pub const fn rows(&self) -> &RowOrder {
        &self.rows
    }

    /// The failures by cause.
    pub const fn causes(&self) -> &FailureCauses {
        &self.causes
    }

    /// The tasks that failed for a cause, in the batch's order.
    pub fn tasks_of_cause(&self, cause: CauseId) -> Vec<TaskId> {
        self.current.as_ref().map_or_else(Vec::new, |run| self.causes.tasks(cause, &run.model()))
    }

    /// The running tasks that match the query, by number; they come before [`ShownRun::rows`].
    pub fn running_rows(&self) -> Vec<TaskId> {
        let Some(run) = &self.current else { return Vec::new() };
        let model = run.model();
        row_order::running(&self.query, &model, &run.batch, run.now_ns(&model))
    }

    /// The waiting tasks that match the query, the next one first, where it asks for these.
    pub fn queued_rows(&self) -> Vec<TaskId> {
        let Some(run) = self.under_way().filter(|_| self.query.waiting) else { return Vec::new() };
        let model = run.model();
        row_order::queued(&self.query, run.waiting(&model))
    }

    /// The selected task, if it waits in the queue of the run under way and can be steered.
    pub fn selected_queued(&self) -> Option<TaskId> {
        let (task, run) = (self.selected?, self.under_way()?);
        let model = run.model();
        let waits = run.allows(RunCommand::Raise(task)) && run.waiting(&model).task_words(task).is_some();
        (waits && !model.progress.stopping).then_some(task)
    }

    /// The tasks that ended without success, in the batch's order.
    pub fn failed_tasks(&self) -> Vec<TaskId> {
        let Some(run) = &self.current else { return Vec::new() };
        let model = run.model();
        let not_done = model.records.iter_from(0).filter(|record| record.outcome.class() != OutcomeClass::Done);
        let mut tasks: Vec<TaskId> = not_done.map(|record| record.task).collect();
        tasks.sort_unstable();
        tasks
    }

    /// Whether run `id` of the history stops when this window is closed; `None` if this window does not decide that.
    pub fn ends_with_window(&self, id: i64) -> Option<bool> {
        let link = self.current.as_ref().filter(|run| run.is_under_way())?.detached_link()?;
        (link.id() == Some(id) && link.can_stay()).then(|| link.ends_with_window())
    }

    /// Shows a run of the past, or one that was found running.
    pub(super) fn show(&mut self, run: CurrentRun) {
        let before = std::mem::take(&mut self.before);
        let shown = self.replace(run);
        release(before.into_iter().chain(shown));
    }

    /// Shows a run that was just started; `keeps`: there is no history to find the shown one in.
    pub(super) fn show_started(&mut self, run: CurrentRun, request: &StartRequest, keeps: bool) {
        if request.whole.is_some() {
            // The same run goes on: filter, order and selection stay.
            self.asked = None;
            self.current = Some(run);
            return;
        }
        let shown = self.replace(run);
        self.opening = request.opening;
        if request.takes_place {
            return;
        }
        if !request.keeps_shown {
            release(std::mem::take(&mut self.before));
        }
        if keeps || request.keeps_shown {
            self.before.extend(shown);
            release(self.before.drain(..self.before.len().saturating_sub(MAX_BEFORE)));
        } else {
            release(shown);
        }
    }

    /// Shows the run before as it was shown; the others follow in a circle.
    pub(super) fn back(&mut self) -> bool {
        let Some(ShownBefore { run, selected, query, opening }) = self.before.pop() else { return false };
        if let Some(shown) = self.replace(run) {
            self.before.insert(0, shown);
        }
        (self.selected, self.query, self.opening) = (selected, query, opening);
        true
    }

    /// A filter is of the run that it was made for; the order is a habit.
    fn replace(&mut self, run: CurrentRun) -> Option<ShownBefore> {
        let RowQuery { sort, descending, .. } = self.query;
        let query = std::mem::replace(&mut self.query, RowQuery { sort, descending, ..RowQuery::default() });
        self.rows.clear();
        self.causes.clear();
        self.asked = None;
        let (selected, opening) = (self.selected.take(), self.opening.take());
        let before = self.current.replace(run)?;
        Some(ShownBefore { run: before, selected, query, opening })
    }

    /// Asks the run under way for another number of workers.
    pub(super) fn set_workers(&mut self, workers: u32) {
        let Some(run) = self.under_way().filter(|run| run.allows(RunCommand::SetWorkers(workers))) else { return };
        run.command(RunCommand::SetWorkers(workers));
        self.asked = run.workers().map(|before| AskedWorkers { asked: workers, before });
    }

    /// Asks the run under way for what is to be seen of the output of its running tasks: for all, and for one task as long as
    /// it has not ended. Nothing is sent unless that has changed.
    pub(super) fn want_output(&mut self, level: OutputLevel, follows: Option<TaskId>) {
        let Some(run) = self.current.as_ref().filter(|run| run.allows(RunCommand::Watch(level))) else { return };
        let follows = follows.filter(|task| run.model().records.of(*task).is_none());
        let wanted = AskedOutput { run: run.serial, level, follows };
        let nothing = AskedOutput { run: run.serial, ..AskedOutput::default() };
        let before = if self.output.run == run.serial { self.output } else { nothing };
        self.output = wanted;
        if wanted == before {
            return;
        }
        if wanted.level != before.level {
            run.command(RunCommand::Watch(level));
        }
        if wanted.follows != before.follows {
            run.model().follow(follows);
            before.follows.into_iter().for_each(|task| run.command(RunCommand::Unfollow(task)));
            follows.into_iter().for_each(|task| run.command(RunCommand::Follow(task)));
        }
    }

    pub(super) const fn next_serial(&mut self) -> u64 {
        self.serials += 1;
        self.serials
    }

    pub(super) fn is_recording(&self) -> bool {
        self.current.as_ref().is_some_and(CurrentRun::is_recording)
    }

    pub(super) const fn select(&mut self, task: Option<TaskId>) {
        self.selected = task;
    }

    /// Takes effect with the next [`ShownRun::poll`].
    pub(super) fn set_query(&mut self, query: RowQuery) {
        self.query = query;
    }

    /// Sends a command to the run, if it is running.
    pub(super) fn command(&self, command: RunCommand) {
        if let Some(run) = self.current.as_ref().filter(|run| run.is_under_way()) {
            run.command(command);
        }
    }

    pub(super) fn end_with_window(&self, wanted: bool) {
        if let Some(link) = self.current.as_ref().and_then(CurrentRun::detached_link) {
            link.end_with_window(wanted);
        }
    }

    /// Stops a run of this process and waits for its end. Its results stay.
    pub(super) fn end(&mut self) {
        if let Some(run) = &mut self.current {
            run.end();
        }
    }

    /// Brings the rows and the causes up to date. `seen`: they are looked at.
    pub(super) fn poll(&mut self, seen: bool, wake: &Wake) {
        let Some(run) = &self.current else { return };
        let model = run.shared_model();
        let generation = run.model().records.generation();
        if std::mem::replace(&mut self.generation, generation) != generation {
            self.rows.clear();
            self.causes.clear();
            // Causes are numbered anew, and tasks that run again have none.
            self.query.cause = None;
        }
        if self.query.waiting && !run.is_under_way() {
            self.query.waiting = false;
        }
        if seen {
            self.causes.update(&model, &run.batch, wake);
        }
        let seen = seen || !run.is_under_way();
        self.rows.update(&self.query, &model, &run.batch, &self.causes, seen, wake);
    }
}

impl Session {
    /// Says that no task is selected that could be steered.
    pub fn tell_nothing_waits(&mut self) {
        let text = "No waiting task is selected. Results lists those that wait: choose Waiting there, and a row.";
        self.notices.show(Notice::info(text));
    }
}

/// Frees runs that are not shown any more. A million results take a while, and leave memory that nothing else needs.
fn release(runs: impl IntoIterator<Item = ShownBefore>) {
    let is_large = |shown: &ShownBefore| shown.run.model().records.len() >= MANY_RESULTS;
    let large: Vec<ShownBefore> = runs.into_iter().filter(is_large).collect();
    if large.is_empty() {
        return;
    }
    let free = move || {
        drop(large);
        fanlane_os::memory::give_back();
    };
    // Without a thread they are freed here, with the closure.
    let _ = std::thread::Builder::new().name("release".to_owned()).spawn(free);
}
