//! Modal dialogs, one at a time: only where something cannot be undone or must be typed.

mod examples;
mod keys;
mod queue;
mod when_done;

use egui::{Frame, Id, Modal, RichText, Ui};
use egui_material_icons::MaterialIcon;
use egui_material_icons::icons::{
    ICON_CLOSE, ICON_DELETE, ICON_EDIT, ICON_EXIT_TO_APP, ICON_FOLDER_OPEN, ICON_SAVE, ICON_STOP,
};

use std::time::{Duration, Instant};

use crate::session::{AtRisk, Command, CurrentRun, HistoryCommand, OtherWork, PresetCommand, RaceCommand, Session};
use fanlane_core::model::format;

use super::command_palette;

use super::file_dialog::{FileDialog, PathWanted};
use super::icon_button::{icon_button, primary_button};
use super::line_edit::line_edit;
use super::pages::Pages;
use super::request::{Question, Requests};
use super::sanitize;
use super::theme;

/// The open questions. Only the newest is shown; the one below it comes back when it is answered.
#[derive(Default)]
pub struct Dialog {
    questions: Vec<Question>,
    /// The newest has just come to the top, so its field or its harmless button takes the focus.
    is_new: bool,
}

impl Dialog {
    /// Opens a question, unless it is open already.
    pub fn ask(&mut self, question: Question) {
        // The same question about something else comes in its place.
        let kind = std::mem::discriminant(&question);
        match self.questions.iter().position(|open| std::mem::discriminant(open) == kind) {
            Some(place) if self.questions[place] == question || matches!(question, Question::Palette(_)) => {}
            Some(place) if matches!(question, Question::Open { fault: None, .. }) => {
                self.questions[place..].rotate_left(1)
            }
            _ => {
                self.questions.push(question);
                self.is_new = true;
            }
        }
    }

    /// A question is open.
    pub const fn is_open(&self) -> bool {
        !self.questions.is_empty()
    }

    /// The question about a shutdown is open.
    pub fn asks_for_shutdown(&self) -> bool {
        self.questions.iter().any(|question| matches!(question, Question::ShutDown { .. }))
    }

    /// Takes the question about a shutdown away once its time is over without an answer; true then. Its time does not run
    /// while the shutdown would end other work.
    pub fn is_shutdown_due(&mut self, others: OtherWork, delay: Duration) -> bool {
        let now = Instant::now();
        for question in &mut self.questions {
            if let Question::ShutDown { at, after } = question {
                *after = others;
                if !others.is_none() {
                    *at = now + delay;
                }
            }
        }
        let is_due = |question: &Question| matches!(question, Question::ShutDown { at, .. } if *at <= now);
        let before = self.questions.len();
        self.questions.retain(|question| !is_due(question));
        self.questions.len() < before
    }

    /// Drops questions about what has ended meanwhile. That is no answer: nothing is done.
    fn drop_void(&mut self, session: &Session) {
        let is_void = |question: &Question| match question {
            Question::StopRun | Question::WhenDone { .. } | Question::RunBeside => !session.is_running(),
            Question::StopRace => !session.is_racing(),
            Question::Close { busy } => *busy && !session.is_busy(),
            Question::DropJob(id, _) | Question::StartAt { id, .. } => session.queue.list().place(*id).is_none(),
            _ => false,
        };
        let newest = self.questions.last().is_some_and(is_void);
        self.questions.retain(|question| !is_void(question));
        self.is_new |= newest;
    }

    /// Draws the question and passes on the answer.
    pub fn show_ui(
        &mut self,
        ui: &Ui,
        session: &Session,
        pages: &Pages,
        files: &mut FileDialog,
        requests: &mut Requests,
    ) {
        self.drop_void(session);
        let Some(mut question) = self.questions.pop() else { return };
        let is_new = std::mem::take(&mut self.is_new);
        if is_new {
            // A key of this frame moves nothing from where the focus was before to what the question has.
            ui.memory_mut(|memory| memory.move_focus(egui::FocusDirection::None));
        }
        let frame = Frame::popup(ui.style()).inner_margin(theme::GAP);
        let modal = Modal::new(Id::unique("question")).frame(frame).show(ui.ctx(), |ui| {
            let room = ui.ctx().content_rect().size() - egui::Vec2::splat(6.0 * theme::GAP);
            let width = match question {
                Question::Examples => examples::width(ui),
                Question::Keys => keys::width(room.x),
                Question::Close { .. } => 520.0,
                Question::Open { .. } | Question::Palette(_) => 640.0,
                _ => 440.0,
            };
            ui.set_width(f32::min(width, room.x));
            // In a small window, or a large size, a question has its own scroll bar.
            let area =
                egui::ScrollArea::vertical().max_height(room.y).min_scrolled_height(room.y).auto_shrink([false, true]);
            area.show(ui, |ui| {
                let mut asked = Asked { ui, requests, is_new };
                match &mut question {
                    Question::StopRun => asked.confirm_ui(
                        ["Stop the run?", &what_stopping_does(session), "Stop the run", "Keep running"],
                        ICON_STOP,
                        Command::Stop,
                    ),
                    Question::StopRace => asked.confirm_ui(
                        [
                            "Stop the race?",
                            "Finished runs count, the current one does not.",
                            "Stop the race",
                            "Keep racing",
                        ],
                        ICON_STOP,
                        RaceCommand::Stop,
                    ),
                    Question::RunBeside => asked.run_beside_ui(session),
                    Question::DropJob(id, name) => asked.drop_job_ui(*id, name),
                    Question::StartAt { id, time, fault } => asked.start_at_ui(*id, time, fault),
                    Question::Close { .. } => asked.close_ui(session),
                    Question::Open { path, fault } => asked.open_ui(path, fault, session, files),
                    Question::WhenDone { action, line, messages } => {
                        asked.when_done_ui(session, action, line, messages)
                    }
                    Question::ShutDown { at, after } => asked.shut_down_ui(*at, *after),
                    Question::Palette(query) => {
                        command_palette::palette_ui(asked.ui, query, asked.is_new, session, pages, asked.requests)
                    }
                    Question::SaveAs(name) => asked.save_as_ui(name),
                    Question::Rename(id, name) => {
                        let id = id.clone();
                        asked.name_ui("Rename the preset", ICON_EDIT, "Rename", name, |name| {
                            PresetCommand::Rename(id, name)
                        })
                    }
                    Question::Discard(command) => {
                        let name = sanitize::command(&session.editor.shown_name());
                        let text = format!(
                            "{name} has unsaved changes. When another job is open, only Undo (Ctrl+Z) brings them back."
                        );
                        asked.confirm_ui(
                            ["Discard the changes?", &text, "Discard", "Keep editing"],
                            ICON_DELETE,
                            (**command).clone(),
                        )
                    }
                    Question::RemoveRun(id, name) => {
                        let text = format!("Run {id}, {}, and its results will be deleted.", sanitize::command(name));
                        asked.confirm_ui(
                            ["Remove the run from the history?", &text, "Remove the run", "Cancel"],
                            ICON_DELETE,
                            HistoryCommand::Remove(*id),
                        )
                    }
                    Question::RemoveRace(file) => {
                        let text = format!("{} will be deleted.", file.display());
                        asked.confirm_ui(
                            ["Delete the saved race?", &text, "Delete the race", "Cancel"],
                            ICON_DELETE,
                            RaceCommand::Remove(file.clone()),
                        )
                    }
                    Question::Examples => asked.examples_ui(session),
                    Question::Keys => asked.keys_ui(pages),
                }
            })
            .inner
        });
        if !modal.inner && !modal.should_close() {
            self.questions.push(question);
        } else {
            self.is_new = true;
        }
    }
}

/// A question while it is drawn. Each `_ui` returns true once it is answered.
struct Asked<'a> {
    ui: &'a mut Ui,
    requests: &'a mut Requests,
    is_new: bool,
}

impl Asked<'_> {
    fn title(&mut self, title: &str) {
        self.ui.label(RichText::new(title).heading());
        self.ui.add_space(theme::UNIT);
    }

    /// The button that changes nothing, with the focus.
    fn stay_ui(&mut self, words: &str, takes_focus: bool) -> bool {
        let stay = icon_button(self.ui, ICON_CLOSE, words, true);
        if self.is_new && takes_focus {
            stay.request_focus();
        }
        stay.clicked()
    }

    /// A row of buttons below the text; true once one of them was pressed.
    fn buttons_ui(&mut self, buttons: impl FnOnce(&mut Asked<'_>) -> bool) -> bool {
        self.ui.add_space(theme::GAP);
        let (requests, is_new) = (&mut *self.requests, self.is_new);
        self.ui.horizontal(|ui| buttons(&mut Asked { ui, requests, is_new })).inner
    }

    /// A text, the button for a command, and the button that changes nothing.
    fn confirm_ui(
        &mut self,
        [title, text, answer, stay]: [&str; 4],
        icon: MaterialIcon,
        command: impl Into<Command>,
    ) -> bool {
        self.title(title);
        self.ui.label(text);
        self.buttons_ui(|asked| {
            let confirmed = icon_button(asked.ui, icon, answer, true).clicked();
            if confirmed {
                asked.requests.confirmed(command);
            }
            asked.stay_ui(stay, true) || confirmed
        })
    }

    fn close_ui(&mut self, session: &Session) -> bool {
        let can_stay = !session.is_racing() && session.run.current().is_some_and(CurrentRun::can_stay);
        self.title(match (session.is_racing(), session.is_running()) {
            (true, _) => "A race is under way",
            (false, true) => "A run is under way",
            (false, false) => "Close without saving?",
        });
        for risk in session.at_risk() {
            self.ui.label(match risk {
                AtRisk::Run if can_stay => format!(
                    "It can continue in the background; the next window, or “fanlane attach” in a terminal, shows it. \
                     If it is stopped: {}",
                    what_stopping_does(session)
                ),
                AtRisk::Run => what_stopping_does(session),
                AtRisk::Race => "Its measurements so far will be lost. To keep them, stop it on the page Race and \
                                 save it."
                    .to_owned(),
                AtRisk::UnsavedRace(name) => {
                    format!("The race of {} is not saved: save it on the page Race.", sanitize::command(&name))
                }
                AtRisk::Edits(name) => format!("{} has unsaved changes.", sanitize::command(&name)),
            });
            self.ui.add_space(theme::HALF);
        }
        self.buttons_ui(|asked| {
            let leave = can_stay && primary_button(asked.ui, ICON_EXIT_TO_APP, "Run in background", true).clicked();
            if leave {
                asked.requests.leave_and_close();
            }
            let (icon, words) =
                if session.is_busy() { (ICON_STOP, "Stop and close") } else { (ICON_DELETE, "Discard and close") };
            let close = icon_button(asked.ui, icon, words, true).clicked();
            if close {
                asked.requests.stop_and_close();
            }
            asked.stay_ui("Cancel", true) || close || leave
        })
    }

    fn open_ui(
        &mut self,
        path: &mut String,
        fault: &mut Option<String>,
        session: &Session,
        files: &mut FileDialog,
    ) -> bool {
        self.title("Open a job file");
        if !files.is_offered() {
            let words =
                "This desktop offers no dialog for choosing files: type or paste the path, or drop the file here.";
            self.ui.label(words);
            self.ui.add_space(theme::HALF);
        }
        let before = path.clone();
        let entered = self.field_ui("Path of the job file", path, "/home/me/thumbnails.ron");
        if *path != before {
            *fault = None;
        }
        if let Some(fault) = fault {
            let text = RichText::new(sanitize::text(fault.as_bytes())).color(theme::palette(self.ui).error);
            self.ui.add(egui::Label::new(text).wrap());
        }
        self.buttons_ui(|asked| {
            let typed = path.trim().to_owned();
            let open = primary_button(asked.ui, ICON_FOLDER_OPEN, "Open", !typed.is_empty()).clicked();
            let can_browse = files.is_offered();
            if can_browse && icon_button(asked.ui, ICON_FOLDER_OPEN, "Browse…", true).clicked() {
                return files.open(asked.ui.ctx(), PathWanted::Job);
            }
            if asked.stay_ui("Cancel", false) {
                return true;
            }
            if !(open || entered) || typed.is_empty() {
                return false;
            }
            let file = session.path_of(&typed);
            match session.can_open(&file) {
                Ok(()) => {
                    asked.requests.command(Command::OpenJob(file));
                    true
                }
                Err(error) => {
                    *fault = Some(error);
                    false
                }
            }
        })
    }

    fn save_as_ui(&mut self, name: &mut String) -> bool {
        self.name_ui("Save the job as a preset", ICON_SAVE, "Save preset", name, PresetCommand::SaveAs)
    }

    fn name_ui(
        &mut self,
        title: &str,
        icon: MaterialIcon,
        words: &str,
        name: &mut String,
        command: impl FnOnce(String) -> PresetCommand,
    ) -> bool {
        self.title(title);
        let entered = self.field_ui("Preset name", name, "Thumbnails");
        self.buttons_ui(|asked| {
            let named = !name.trim().is_empty();
            let save = (primary_button(asked.ui, icon, words, named).clicked() || entered) && named;
            if save {
                asked.requests.command(command(name.trim().to_owned()));
            }
            asked.stay_ui("Cancel", false) || save
        })
    }

    /// A line of text; true when Enter was pressed in it.
    fn field_ui(&mut self, label: &str, text: &mut String, example: &str) -> bool {
        let label = self.ui.label(label);
        let field = line_edit(text).hint_text(example.to_owned()).desired_width(f32::INFINITY);
        let field = self.ui.add(field).labelled_by(label.id);
        if self.is_new {
            field.request_focus();
        }
        field.lost_focus() && self.ui.input(|input| input.key_pressed(egui::Key::Enter))
    }
}

fn what_stopping_does(session: &Session) -> String {
    let Some(run) = session.run.current() else { return String::new() };
    let model = run.model();
    format!(
        "{} of {} have ended; their results are kept. Queued tasks are cancelled, running tasks are terminated.",
        format::count(model.progress.counts.total()),
        format::plural(model.progress.tasks, "task"),
    )
}
