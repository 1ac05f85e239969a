//! The page Live of the window: the view with the data of the run that the session shows.

use std::collections::HashMap;

use egui::Ui;
use egui_material_icons::icons::ICON_VIEW_TIMELINE;

use crate::session::{Command, CurrentRun, Page, RowQuery, Session, task_text};
use crate::ui::widgets::{TaskInfo, TaskOrder};
use fanlane_core::engine::RunCommand;
use fanlane_core::event::TaskId;
use fanlane_core::job::dependencies::Dependencies;
use fanlane_core::model::RunModel;

use crate::ui::request::Requests;
use crate::ui::sanitize;
use crate::ui::{PageTab, PageView};

use super::names::Names;
use super::{LiveAction, LiveData, LiveState, live_ui};

/// The page Live. Its state belongs to one run.
#[derive(Default)]
pub struct LiveView {
    run: Option<u64>,
    state: LiveState,
    names: Names,
    /// The tasks that wait for each task.
    after: HashMap<TaskId, Vec<TaskId>>,
}

impl PageView for LiveView {
    fn tab(&self) -> PageTab {
        PageTab { page: Page::LIVE, icon: ICON_VIEW_TIMELINE, explanation: "What the workers and the cores are doing" }
    }

    fn dismiss(&mut self) -> bool {
        let was_selected = self.state.window.selection().is_some();
        self.state.window.select(None);
        was_selected
    }

    fn show_ui(&mut self, ui: &mut Ui, session: &Session, requests: &mut Requests) {
        let run = session.run.current();
        let serial = run.map(|run| run.serial);
        if self.run != serial {
            let names = run.map_or_else(Names::default, |run| Names::of(&run.batch));
            let after = run.map_or_else(HashMap::new, |run| turned(run.batch.dependencies()));
            *self = Self { run: serial, state: self.state.for_another_run(), names, after };
        }
        let none = RunModel::default();
        let model = run.map(|run| run.model());
        let model = model.as_deref().unwrap_or(&none);
        let tasks = Tasks { run, model, names: &self.names, after: &self.after };
        let data = LiveData {
            model,
            batch: run.map(|run| &*run.batch),
            now_ns: run.map_or(0, |run| run.now_ns(model)),
            can_steer: run.is_some_and(|run| run.allows(RunCommand::Restart(TaskId(0)))),
            tasks: &tasks,
        };
        match live_ui(ui, &data, &mut self.state) {
            None => {}
            Some(LiveAction::OpenTask(task)) => {
                requests.command(Command::SelectTask(Some(task)));
                requests.command(Command::Show(Page::RESULTS));
            }
            Some(LiveAction::ShowStretch(stretch)) => {
                let query = RowQuery { span: Some(stretch), ..session.run.query().unfiltered() };
                requests.command(Command::SetQuery(query));
                requests.command(Command::Show(Page::RESULTS));
            }
            Some(LiveAction::Order(task, order)) => {
                requests.order(task, order);
                if order == TaskOrder::Locate {
                    // The answer is in its details.
                    requests.command(Command::Show(Page::RESULTS));
                }
            }
            Some(LiveAction::Rerun(task)) => requests.command(Command::RerunTask(task)),
            Some(LiveAction::Resume) => requests.command(Command::Resume),
        }
    }
}

/// For each task that is waited for, those that wait for it.
fn turned(before: &Dependencies) -> HashMap<TaskId, Vec<TaskId>> {
    let mut after: HashMap<TaskId, Vec<TaskId>> = HashMap::new();
    for (task, before) in before {
        before.iter().for_each(|one| after.entry(*one).or_default().push(*task));
    }
    after.values_mut().for_each(|tasks| tasks.sort_unstable());
    after
}

/// What the session knows of the tasks of a run.
struct Tasks<'a> {
    run: Option<&'a CurrentRun>,
    model: &'a RunModel,
    names: &'a Names,
    after: &'a HashMap<TaskId, Vec<TaskId>>,
}

impl TaskInfo for Tasks<'_> {
    fn label(&self, task: TaskId) -> String {
        self.run.map_or_else(String::new, |run| sanitize::command(&task_text(&run.batch, task)))
    }

    fn number(&self, task: TaskId) -> u64 {
        self.run.map_or_else(|| task.number(), |run| run.number(task))
    }

    fn input(&self, task: TaskId) -> String {
        self.run.map_or_else(String::new, |run| self.names.name(&run.batch, task))
    }

    fn short_input(&self, task: TaskId) -> String {
        self.run.map_or_else(String::new, |run| self.names.short_name(&run.batch, task))
    }

    fn before(&self, task: TaskId) -> &[TaskId] {
        self.run.and_then(|run| run.batch.dependencies().get(&task)).map_or(&[], Vec::as_slice)
    }

    fn after(&self, task: TaskId) -> &[TaskId] {
        self.after.get(&task).map_or(&[], Vec::as_slice)
    }

    fn place(&self, task: TaskId) -> Option<(usize, u64, u64)> {
        let lanes = &self.model.lanes;
        if let Some(record) = self.model.records.of(task).filter(|record| record.attempt > 0) {
            let end_ns = record.start_ns.saturating_add(record.wall_ns);
            return Some((lanes.lane_of(record.worker)?, record.start_ns, end_ns));
        }
        let running = self.model.running.get(&task)?;
        Some((lanes.lane_of(running.worker)?, running.start_ns, self.run?.now_ns(self.model)))
    }

    fn attempt(&self, task: TaskId, start_ns: u64) -> Option<(u32, u32)> {
        let retried = self.model.records.retried(task);
        if retried.is_empty() {
            return None;
        }
        let of = self.run?.job.retries + 1;
        let ended = self.model.attempts(task).find(|record| record.start_ns == start_ns).map(|record| record.attempt);
        let running = || self.model.running.get(&task).filter(|running| running.start_ns == start_ns);
        let place = ended.or_else(|| running().map(|running| running.attempt))?;
        Some((place, of.max(place)))
    }
}
