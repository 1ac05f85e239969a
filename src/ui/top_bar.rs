//! The bars above all pages: the open job, the shown run or the race, and the tabs of the pages; and the keyboard focus among
//! the buttons that start and pause.

use egui::Ui;

use crate::session::Session;

use super::job_bar::job_bar_ui;
use super::pages::Pages;
use super::request::Requests;
use super::run_bar::{run_bar_ui, run_progress_ui};

/// The keyboard focus among the buttons: on Run before a run, on Pause during it.
#[derive(Default)]
pub struct TopBar {
    begun: bool,
    was_running: bool,
    had_focus: bool,
    run: Option<egui::Id>,
    pause: Option<egui::Id>,
}

impl TopBar {
    /// No other widget than Run or Pause takes the space bar.
    pub fn has_or_frees_focus(&self, ctx: &egui::Context) -> bool {
        let focused = ctx.memory(|memory| memory.focused());
        focused.is_none_or(|focused| [self.run, self.pause].contains(&Some(focused)))
    }

    /// Run or Pause has the focus.
    pub fn has_focus(&self, ctx: &egui::Context) -> bool {
        let focused = ctx.memory(|memory| memory.focused());
        focused.is_some() && [self.run, self.pause].contains(&focused)
    }

    /// Puts the focus on Run, or during a run on Pause.
    pub fn focus(&self, ctx: &egui::Context) {
        if let Some(id) = self.pause.or(self.run) {
            ctx.memory_mut(|memory| memory.request_focus(id));
        }
    }

    /// Draws the bars.
    pub fn show_ui(&mut self, ui: &mut Ui, session: &Session, pages: &Pages, requests: &mut Requests) {
        let run = job_bar_ui(ui, session, requests);
        let pause = run_bar_ui(ui, session, requests);
        self.move_focus(session.is_running(), &run, pause.as_ref());
        run_progress_ui(ui, session);
        pages.tabs_ui(ui, session, requests);
    }

    fn move_focus(&mut self, running: bool, run: &egui::Response, pause: Option<&egui::Response>) {
        let has_focus = run.has_focus() || pause.is_some_and(egui::Response::has_focus);
        // A button that was disabled or is gone since has lost it already.
        let had_focus = std::mem::replace(&mut self.had_focus, has_focus) || has_focus;
        if !std::mem::replace(&mut self.begun, true) {
            run.request_focus();
        } else if running != self.was_running && had_focus {
            pause.filter(|_| running).unwrap_or(run).request_focus();
        }
        self.was_running = running;
        (self.run, self.pause) = (Some(run.id), pause.map(|pause| pause.id));
    }
}
