//! The page Live of the window: the view with the data of the run that the session shows.

use egui::Ui;
use egui_material_icons::icons::ICON_VIEW_TIMELINE;

use crate::session::{Command, Page, Session, task_text};
use fanlane_core::event::TaskId;
use fanlane_core::model::RunModel;

use crate::ui::request::Requests;
use crate::ui::sanitize;
use crate::ui::{PageTab, PageView};

use super::{LiveAction, LiveData, LiveState, live_ui};

/// The page Live. Its state belongs to one run.
#[derive(Default)]
pub struct LiveView {
    run: Option<u64>,
    state: LiveState,
}

impl PageView for LiveView {
    fn tab(&self) -> PageTab {
        PageTab { page: Page::LIVE, icon: ICON_VIEW_TIMELINE, explanation: "What the workers and the cores are doing" }
    }

    fn show_ui(&mut self, ui: &mut Ui, session: &Session, requests: &mut Requests) {
        let run = session.run.current();
        let serial = run.map(|run| run.serial);
        if self.run != serial {
            *self = Self { run: serial, state: LiveState::default() };
        }
        let none = RunModel::default();
        let model = run.map(|run| run.model());
        let model = model.as_deref().unwrap_or(&none);
        let label = |task: TaskId| run.map_or_else(String::new, |run| sanitize::command(&task_text(&run.batch, task)));
        let number = |task: TaskId| run.map_or_else(|| task.number(), |run| run.number(task));
        let data = LiveData {
            lanes: &model.lanes,
            cores: &model.cores,
            depth: &model.depth,
            progress: &model.progress,
            now_ns: run.map_or(0, |run| run.now_ns(model)),
            label: &label,
            number: &number,
        };
        if let Some(LiveAction::OpenTask(task)) = live_ui(ui, &data, &mut self.state) {
            requests.command(Command::SelectTask(Some(task)));
            requests.command(Command::Show(Page::RESULTS));
        }
    }
}
