//! The window as a whole: draws the bars and the page from the session, then carries out their requests.

mod act;
mod frame;

use std::path::PathBuf;

use egui::{Context, Ui, ViewportCommand};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::session::{Command, DoneAction, Dropped, Origin, OtherWork, RaceCommand, Session, SessionOptions};

use super::accessibility::CompleteTree;
use super::areas::Area;
use super::arrows_in_text::ArrowsInText;
use super::desktop::{Desktop, Wish};
use super::dialogs::Dialog;
use super::file_dialog::{FileAnswer, FileDialog, PathWanted};
use super::focus_in_sight::FocusInSight;
use super::look::Look;
use super::pace::{Demand, Pace};
use super::pages::{PageView, Pages};
use super::request::{Question, Request, Requests};
use super::run_bar::race_words;
use super::top_bar::TopBar;
use super::unshown::Unshown;
use super::window_title::{count_words, window_title};
use super::{sanitize, shortcuts, theme};
use fanlane_core::event::MachineSample;
use fanlane_core::job::TaskKind;
use fanlane_core::model::format;

/// How often the title is updated during a run.
const TITLE_INTERVAL: Duration = Duration::from_secs(1);

/// Time after the last input in which a run is drawn as for someone who looks.
const ATTENTION_TIMEOUT: Duration = Duration::from_secs(1);

/// Minimum share of all cores' time that is unused where drawing takes nothing from the tasks.
const MIN_SPARE_SHARE: f32 = 0.2;

/// Time to object to a shutdown.
const SHUTDOWN_DELAY: Duration = Duration::from_secs(30);

/// The window.
pub struct FanlaneApp {
    session: Session,
    top_bar: TopBar,
    pages: Pages,
    dialog: Dialog,
    file_dialog: FileDialog,
    desktop: Desktop,
    requests: Requests,
    title: String,
    /// When the title was last set.
    titled: Option<Instant>,
    closing: bool,
    /// The window closes; it was asked what becomes of what would be lost.
    leaving: bool,
    pace: Pace,
    /// When there was input last, since the run or race began.
    touched: Option<Instant>,
    /// What was applied.
    look: Option<Look>,
    unshown: Unshown,
    /// The size of the window, in points of the usual size.
    size: Option<[f32; 2]>,
}

impl FanlaneApp {
    /// A window for a session made with `options`; fonts and themes are installed in `ctx`.
    pub fn new(ctx: &Context, options: SessionOptions) -> Self {
        Self::paced(ctx, options, Pace::steady())
    }

    /// The same, with a frame rate of its own during a run.
    pub fn paced(ctx: &Context, options: SessionOptions, pace: Pace) -> Self {
        let (waker, delay) = (ctx.clone(), pace.delay());
        let wake = Arc::new(move || waker.request_repaint_after(delay.get()));
        Self { pace, ..Self::with_session(ctx, Session::new(options, wake)) }
    }

    /// A window for an existing session.
    pub fn with_session(ctx: &Context, session: Session) -> Self {
        theme::install(ctx);
        ctx.add_plugin(CompleteTree);
        ctx.add_plugin(FocusInSight::default());
        ctx.add_plugin(ArrowsInText);
        Self {
            session,
            top_bar: TopBar::default(),
            pages: Pages::default(),
            dialog: Dialog::default(),
            file_dialog: FileDialog::default(),
            desktop: Desktop::default(),
            requests: Requests::default(),
            title: String::new(),
            titled: None,
            closing: false,
            leaving: false,
            pace: Pace::steady(),
            touched: None,
            look: None,
            unshown: Unshown::default(),
            size: None,
        }
    }

    /// Adds a page.
    pub fn with_page(mut self, view: Box<dyn PageView>) -> Self {
        self.pages.add(view);
        self
    }

    /// The session that the window shows.
    pub const fn session(&self) -> &Session {
        &self.session
    }

    /// The session, for programs that drive the window.
    pub const fn session_mut(&mut self) -> &mut Session {
        &mut self.session
    }

    /// Runs before each frame, also while the window is hidden.
    fn advance(&mut self, ctx: &Context, frame: &eframe::Frame) {
        self.session.poll();
        match self.file_dialog.poll() {
            Some((PathWanted::Job, FileAnswer::Chosen(file))) => self.command(Command::OpenJob(file)),
            Some((PathWanted::Job, FileAnswer::Missing)) => self.ask_for_path(),
            Some((PathWanted::Value { parameter, .. }, FileAnswer::Chosen(path))) => {
                self.session.set_value(parameter, &path);
            }
            Some((PathWanted::Value { .. }, FileAnswer::Missing)) => self.session.tell_no_dialog(),
            Some((_, FileAnswer::Cancelled)) | None => {}
        }
        self.ask_desktop(ctx);
        let is_busy = self.session.is_busy();
        let look = Look::of(ctx, &self.session);
        if self.look != Some(look) {
            self.look = Some(look);
            look.apply(ctx);
        }
        let demand = self.demand(ctx, look.is_calm);
        let next = self.pace.begin_frame(demand);
        if is_busy {
            ctx.request_repaint_after(next);
        } else if self.closing {
            self.leaving = true;
            ctx.send_viewport_cmd(ViewportCommand::Close);
        }
        let size = ctx.input(|input| input.viewport().inner_rect).map(|rect| rect.size() * ctx.zoom_factor());
        self.size = size.map(Into::into).or(self.size);
        if let Some(expiry) = self.session.notices.next_expiry() {
            ctx.request_repaint_after(expiry);
        }
        let title = {
            let run = self.session.run.current().filter(|_| !self.session.is_racing());
            let model = run.map(|run| run.model());
            let name = match run {
                Some(run) => run.job.display_name().to_owned(),
                None if self.session.is_racing() => race_words(&self.session),
                None => self.session.editor.shown_name(),
            };
            window_title(&name, model.as_ref().map(|model| &model.progress))
        };
        let is_due = !is_busy || self.titled.is_none_or(|titled| titled.elapsed() >= TITLE_INTERVAL);
        if title != self.title && is_due {
            // A command to the context would draw two more frames at once.
            match frame.winit_window() {
                Some(window) => window.set_title(&title),
                None => ctx.send_viewport_cmd(ViewportCommand::Title(title.clone())),
            }
            self.title = title;
            self.titled = Some(Instant::now());
        }
    }

    fn demand(&mut self, ctx: &Context, is_calm: bool) -> Demand {
        if !self.session.is_busy() {
            self.touched = None;
            return Demand::Free;
        }
        if ctx.input(|input| !input.raw.events.is_empty()) {
            self.touched = Some(Instant::now());
        }
        if is_calm {
            return Demand::Calm;
        }
        let is_attended = self.touched.is_some_and(|at| at.elapsed() < ATTENTION_TIMEOUT);
        if is_attended || self.has_time_to_spare() { Demand::Watched } else { Demand::Unwatched }
    }

    /// Whether the tasks of the run leave time of the cores. Those of a race are measured against each other: none has any.
    fn has_time_to_spare(&self) -> bool {
        let run = self.session.run.under_way();
        run.is_some_and(|run| run.model().cores.newest().is_some_and(|sample| spare_share(sample) >= MIN_SPARE_SHARE))
    }

    /// No sleep while something runs, and what was chosen for the end of a run.
    fn ask_desktop(&mut self, ctx: &Context) {
        self.desktop.stay_awake(self.session.is_busy());
        if let Some(fault) = self.desktop.fault() {
            self.session.tell_fault(fault);
        }
        if self.dialog.asks_for_shutdown() && self.dialog.is_shutdown_due(self.session.other_work(), SHUTDOWN_DELAY) {
            self.desktop.wish(Wish::ShutDown);
        }
        let Some(done) = self.session.take_done() else { return };
        if done.action == DoneAction::ShutDown {
            self.dialog.ask(Question::ShutDown { at: Instant::now() + SHUTDOWN_DELAY, after: OtherWork::default() });
        }
        let messages = self.session.messages();
        if messages.shown && !ctx.input(|input| input.focused) {
            let text = format!("{} in {}", count_words(&done.counts), format::duration(done.wall_ns));
            let title = format!("{} is done", sanitize::command(&done.name));
            self.desktop.wish(Wish::Notify { title, text, sound: messages.sound });
        }
    }

    fn take_input(&mut self, ctx: &Context) {
        let (close_requested, dropped) = ctx.input(|input| {
            let dropped: Vec<PathBuf> = input.raw.dropped_files.iter().map(|file| file.path().to_owned()).collect();
            (input.viewport().close_requested(), dropped)
        });
        if close_requested && !self.leaving && !self.session.at_risk().is_empty() {
            ctx.send_viewport_cmd(ViewportCommand::CancelClose);
            if !self.closing {
                self.dialog.ask(Question::Close { busy: self.session.is_busy() });
            }
        }
        match Dropped::of(dropped) {
            Some(Dropped::Job(file)) => self.command(Command::OpenJob(file)),
            Some(Dropped::Inputs(files)) => self.command(Command::TakeFiles(files)),
            None => {}
        }
        if !self.dialog.is_open() {
            let escapes = ctx.input(|input| input.key_pressed(egui::Key::Escape));
            if escapes && self.pages.view_mut(self.session.page()).is_some_and(PageView::dismiss) {
                ctx.input_mut(|input| input.consume_key(egui::Modifiers::NONE, egui::Key::Escape));
            }
            let is_on_area = [Area::Jobs, Area::Page].into_iter().any(|area| area.has_focus(ctx));
            let focus_is_free = is_on_area || self.top_bar.has_or_frees_focus(ctx);
            for request in shortcuts::pressed(ctx, &self.pages, self.session.page(), focus_is_free) {
                let leads_to_page = matches!(request, Request::Command(Command::Show(_)));
                self.perform(ctx, request);
                if leads_to_page {
                    Area::Page.focus(ctx);
                }
            }
        }
    }

    fn perform_requests(&mut self, ctx: &Context) {
        for request in self.requests.take() {
            self.perform(ctx, request);
            // The result is shown at once, also when nothing else moves.
            ctx.request_repaint();
        }
    }

    fn perform(&mut self, ctx: &Context, request: Request) {
        match request {
            Request::Command(command) => self.command(command),
            Request::Confirmed(command) => self.handle(command),
            Request::Action(action) => self.act(ctx, action),
            Request::Ask(question) => self.dialog.ask(question),
            Request::ChoosePath(wanted) => {
                if !self.file_dialog.open(ctx, wanted) {
                    self.session.tell_no_dialog();
                }
            }
            Request::Copy(text) => ctx.copy_text(text),
            Request::ShutDown => self.desktop.wish(Wish::ShutDown),
            Request::StopAndClose => {
                self.session.handle(Command::Stop);
                self.session.handle(RaceCommand::Stop);
                self.closing = true;
            }
            Request::LeaveAndClose => {
                self.session.handle(Command::EndWithWindow(false));
                self.leaving = true;
                ctx.send_viewport_cmd(ViewportCommand::Close);
            }
        }
    }

    fn ask_for_path(&mut self) {
        self.dialog.ask(Question::Open { path: String::new(), fault: None });
    }

    /// With the desktop's own dialogs, services and fonts.
    pub fn on_desktop(self, ctx: &Context) -> Self {
        let (file_dialog, desktop) = (FileDialog::of_desktop(), Desktop::of_session(ctx));
        Self { file_dialog, desktop, unshown: Unshown::listen(ctx), ..self }
    }

    /// Bars, tabs, jobs, page.
    fn next_area(&self, ctx: &Context) {
        if self.top_bar.has_focus(ctx) {
            self.pages.focus_tab(ctx, self.session.page());
        } else if self.pages.has_focus(ctx) {
            Area::Jobs.focus(ctx);
        } else if Area::Jobs.has_focus(ctx) {
            Area::Page.focus(ctx);
        } else {
            self.top_bar.focus(ctx);
        }
    }

    fn name_to_save(&self) -> String {
        match self.session.editor.origin() {
            Some(Origin::Preset(_)) => format!("{} copy", self.session.editor.draft().name),
            _ => self.session.editor.draft().name.clone(),
        }
    }

    /// The one door of commands: those that would replace an edited job are asked about first.
    fn command(&mut self, command: Command) {
        if self.session.discards_edits(&command) {
            self.dialog.ask(Question::Discard(Box::new(command)));
        } else {
            self.handle(command);
        }
    }

    /// What was asked about, or need not be.
    fn handle(&mut self, command: Command) {
        let (is_new, takes_files) = (command == Command::New, matches!(command, Command::TakeFiles(_)));
        self.session.handle(command);
        // What is to be done with dropped files is written next.
        let draft = self.session.editor.draft();
        let wants_command = takes_files && draft.kind == TaskKind::Command && draft.command.is_empty();
        if (is_new || wants_command)
            && let Some(view) = self.pages.view_mut(self.session.page())
        {
            view.focus_first();
        }
    }
}

/// The share of all cores' time that was unused.
fn spare_share(sample: &MachineSample) -> f32 {
    let used: f32 = sample.core_percent.iter().sum();
    1.0 - used / (100.0 * sample.core_percent.len().max(1) as f32)
}

impl eframe::App for FanlaneApp {
    fn logic(&mut self, ctx: &Context, frame: &mut eframe::Frame) {
        self.advance(ctx, frame);
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        let ctx = ui.ctx().clone();
        self.take_input(&ctx);
        self.frame_ui(ui);
        self.perform_requests(&ctx);
        if let Some(words) = self.unshown.take_words() {
            self.session.tell(words);
            ctx.request_repaint();
        }
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        visuals.panel_fill.to_normalized_gamma_f32()
    }

    fn on_exit(&mut self, _gl: Option<&eframe::glow::Context>) {
        self.session.remember_window(self.size);
        self.session.shutdown();
    }
}
