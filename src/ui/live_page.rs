//! The page Live as the window shows it: its view, fed from the run that the session shows.

use egui::Ui;

use crate::event::TaskId;
use crate::model::RunModel;
use crate::session::{Command, Page, Session, task_text};

use super::request::Requests;
use super::sanitize;
use super::views::live::{LiveAction, LiveData, LiveState, live_ui};

/// What the page remembers from frame to frame, for one run.
#[derive(Default)]
pub struct LivePage {
    run: Option<u64>,
    state: LiveState,
}

impl LivePage {
    /// Draws the page.
    pub fn show_ui(&mut self, ui: &mut Ui, session: &Session, requests: &mut Requests) {
        let run = session.run_shown();
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
            requests.command(Command::Show(Page::Results));
        }
    }
}
