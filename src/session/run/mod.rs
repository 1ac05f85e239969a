//! The run that the window shows: of this process, detached, or read from the history; and the query of its results.

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

/// The shown run, if any.
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

    /// The query of the results.
    pub const fn query(&self) -> &RowQuery {
        &self.query
    }

    /// The results to show.
    pub const fn rows(&self) -> &RowOrder {
        &self.rows
    }

    /// The running tasks that match the query, by number; they come before [`ShownRun::rows`].
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

    /// Whether run `id` of the history stops when this window is closed; `None` if this window does not decide that.
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

    /// Brings the rows up to date.
    pub(super) fn poll(&mut self, wake: &Wake) {
        if let Some(run) = &self.current {
            self.rows.update(&self.query, &run.shared_model(), &run.batch, wake);
        }
    }
}
