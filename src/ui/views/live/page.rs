//! The page Live of the window: the view with the data of the run that the session shows.

use egui::Ui;
use egui_material_icons::icons::ICON_VIEW_TIMELINE;

use crate::session::{Command, CurrentRun, Page, Session, task_text};
use crate::ui::widgets::TaskInfo;
use fanlane_core::event::TaskId;
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
            *self = Self { run: serial, state: self.state.for_another_run(), names };
        }
        let none = RunModel::default();
        let model = run.map(|run| run.model());
        let model = model.as_deref().unwrap_or(&none);
        let tasks = Tasks { run, model, names: &self.names };
        let data = LiveData {
            lanes: &model.lanes,
            cores: &model.cores,
            depth: &model.depth,
            pool: &model.pool,
            durations: &model.durations,
            progress: &model.progress,
            records: Some(&model.records),
            batch: run.map(|run| &*run.batch),
            now_ns: run.map_or(0, |run| run.now_ns(model)),
            tasks: &tasks,
        };
        match live_ui(ui, &data, &mut self.state) {
            None => {}
            Some(LiveAction::OpenTask(task)) => {
                requests.command(Command::SelectTask(Some(task)));
                requests.command(Command::Show(Page::RESULTS));
            }
            Some(LiveAction::ShowStretch(_)) => requests.command(Command::Show(Page::RESULTS)),
            Some(LiveAction::Resume) => requests.command(Command::Resume),
        }
    }
}

/// What the session knows of the tasks of a run.
struct Tasks<'a> {
    run: Option<&'a CurrentRun>,
    model: &'a RunModel,
    names: &'a Names,
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
