//! What each action does.

use egui::{Context, ViewportCommand};

use crate::session::{Command, DoneAction, Page, PresetCommand, QueueCommand, RowQuery, Scale, SearchScope};

use super::FanlaneApp;
use crate::ui::action::Action;
use crate::ui::command_palette::PaletteQuery;
use crate::ui::file_dialog::PathWanted;
use crate::ui::request::Question;
use crate::ui::widgets::priority_number;
use fanlane_core::model::Priority;

impl FanlaneApp {
    pub(super) fn act(&mut self, ctx: &Context, action: Action) {
        let running = self.session.is_running();
        let (paused, stopping) = self.session.run.current().map_or((false, false), |run| {
            let model = run.model();
            (model.progress.paused, model.progress.stopping)
        });
        match action {
            Action::New => self.command(Command::New),
            Action::NextArea => self.next_area(ctx),
            Action::Run if running && self.session.run_obstacle().is_none() => self.dialog.ask(Question::RunBeside),
            Action::Run => self.session.handle(Command::Run),
            Action::PauseResume if running && paused => self.session.handle(Command::Resume),
            Action::PauseResume if running => self.session.handle(Command::Pause),
            Action::Stop if running && !stopping => self.dialog.ask(Question::StopRun),
            Action::Stop if self.session.is_racing() => self.dialog.ask(Question::StopRace),
            Action::PauseResume | Action::Stop => {}
            Action::Save if self.session.editor.saved_origin().is_some() => self.session.handle(PresetCommand::Save),
            Action::Save | Action::SaveAs => self.dialog.ask(Question::SaveAs(self.name_to_save())),
            Action::Open if self.file_dialog.open(ctx, PathWanted::Job) => {}
            Action::Open => self.ask_for_path(),
            Action::Palette => self.dialog.ask(Question::Palette(PaletteQuery::default())),
            Action::Search => {
                self.session.handle(Command::Show(Page::RESULTS));
                if let Some(view) = self.pages.view_mut(Page::RESULTS) {
                    view.focus_search();
                }
            }
            Action::Find => {
                self.session.handle(Command::Show(Page::RESULTS));
                let is_one_shown = self.session.run.selected().is_some();
                if !is_one_shown {
                    let query = RowQuery { scope: SearchScope::Outputs, ..self.session.run.query().clone() };
                    self.session.handle(Command::SetQuery(query));
                }
                if let Some(view) = self.pages.view_mut(Page::RESULTS) {
                    if is_one_shown { view.find() } else { view.focus_search() }
                }
            }
            Action::RerunFailed => self.session.handle(Command::RerunFailed),
            Action::Undo => self.session.handle(Command::UndoEdit),
            Action::Redo => self.session.handle(Command::RedoEdit),
            Action::RunNext | Action::PauseBefore | Action::RaisePriority | Action::LowerPriority => self.steer(action),
            Action::WhenDone if running => {
                let action = self.session.done_action().clone();
                let line = if let DoneAction::Run(line) = &action { line.clone() } else { String::new() };
                let messages = self.session.messages();
                self.dialog.ask(Question::WhenDone { action, line, messages });
            }
            Action::WhenDone => {}
            Action::PauseQueue => {
                let is_paused = self.session.queue.list().paused;
                self.command(QueueCommand::SetPaused(!is_paused).into());
            }
            Action::Job(action) => {
                let queue = &self.session.queue;
                match queue.subject().map(|job| action.request(queue.list(), job)) {
                    Some(Some(request)) => self.perform(ctx, request),
                    Some(None) => {}
                    None => self.session.tell_no_job_waits(),
                }
            }
            Action::ZoomIn => self.session.handle(Command::SetScale(self.session.scale().larger())),
            Action::ZoomOut => self.session.handle(Command::SetScale(self.session.scale().smaller())),
            Action::ZoomReset => self.session.handle(Command::SetScale(Scale::default())),
            Action::Examples => self.dialog.ask(Question::Examples),
            Action::Keys => self.dialog.ask(Question::Keys),
            Action::Quit => ctx.send_viewport_cmd(ViewportCommand::Close),
        }
    }

    /// Steers the selected task, if it waits.
    fn steer(&mut self, action: Action) {
        let Some(task) = self.session.run.selected_queued() else { return self.session.tell_nothing_waits() };
        let Some(run) = self.session.run.current() else { return };
        let command = {
            let steering = &run.model().steering;
            let priority = priority_number(steering, task);
            match action {
                Action::PauseBefore => Command::SetBreakpoint(task, !steering.has_breakpoint(task)),
                // A number would put a task that is next behind others.
                Action::RaisePriority if steering.priority_of(task) == Priority::First => return,
                Action::RaisePriority => Command::SetPriority(task, priority.saturating_add(1)),
                Action::LowerPriority => Command::SetPriority(task, priority.saturating_sub(1)),
                _ => Command::RaiseTask(task),
            }
        };
        self.session.handle(command);
    }
}
