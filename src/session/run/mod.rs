//! The run that the window shows: under way here, detached, or read from the history; and which of its results are shown.

mod current;
mod detached;
mod row_order;
mod start;

use fanlane_core::engine::RunCommand;
use fanlane_core::event::{OutcomeClass, TaskId};

use super::Wake;

pub use current::CurrentRun;
pub(super) use current::{RecorderMessages, RunOrigin};
pub use detached::DetachedList;
pub use row_order::{RowOrder, RowQuery, SortKey};
pub(super) use start::StartRequest;

/// The run that is shown, if any.
#[derive(Default)]
pub struct ShownRun {
    current: Option<CurrentRun>,
    selected: Option<TaskId>,
    query: RowQuery,
    rows: RowOrder,
    serials: u64,
}

impl ShownRun {
    /// The run.
    pub const fn current(&self) -> Option<&CurrentRun> {
        self.current.as_ref()
    }

    /// A run is under way.
    pub fn is_under_way(&self) -> bool {
        self.current.as_ref().is_some_and(CurrentRun::is_under_way)
    }

    /// The task whose details are shown.
    pub const fn selected(&self) -> Option<TaskId> {
        self.selected
    }

    /// Which results are shown, and in which order.
    pub const fn query(&self) -> &RowQuery {
        &self.query
    }

    /// The results to show.
    pub const fn rows(&self) -> &RowOrder {
        &self.rows
    }

    /// The running tasks that match the query, by number: they stand above [`ShownRun::rows`].
    pub fn running_rows(&self) -> Vec<TaskId> {
        let Some(run) = &self.current else { return Vec::new() };
        row_order::running(&self.query, &run.model(), &run.batch)
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

    /// Whether this window follows run `id` of the history and decides if it goes on without a window; if so, whether it
    /// is stopped then.
    pub fn ends_with_window(&self, id: i64) -> Option<bool> {
        let link = self.current.as_ref().filter(|run| run.is_under_way())?.detached_link()?;
        (link.id() == Some(id) && link.can_stay()).then(|| link.ends_with_window())
    }

    /// Shows another run.
    pub(super) fn show(&mut self, run: CurrentRun) {
        self.selected = None;
        self.rows.clear();
        self.current = Some(run);
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

    /// Asks something of the run, if it is under way.
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

    /// Ends the run if it goes on in this process, and waits until nothing of it is left. Its results stay.
    pub(super) fn end(&mut self) {
        if let Some(run) = &mut self.current {
            run.end();
        }
    }

    /// Brings the rows up to date.
    pub(super) fn poll(&mut self, wake: &Wake) {
        if let Some(run) = &self.current {
            self.rows.update(&self.query, &run.shared_model(), &run.batch, wake);
        }
    }
}
