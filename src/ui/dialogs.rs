//! Modal dialogs, one at a time: only where something cannot be undone or must be typed.

use egui::{Grid, Id, Modal, RichText, Ui};
use egui_material_icons::icons::{
    ICON_CLOSE, ICON_DELETE, ICON_EDIT, ICON_EXIT_TO_APP, ICON_FOLDER_OPEN, ICON_SAVE, ICON_STOP,
};

use crate::session::{Command, CurrentRun, HistoryCommand, PresetCommand, RaceCommand, Session};
use fanlane_core::model::format;

use super::action::Action;

use super::file_dialog::FileDialog;
use super::icon_button::{icon_button, primary_button};
use super::line_edit::line_edit;
use super::pages::Pages;
use super::request::{Question, Requests};
use super::sanitize;
use super::theme;

/// The question that is open, if any.
#[derive(Default)]
pub struct Dialog {
    question: Option<Question>,
    /// It opened in this frame, so its field or its harmless button takes the focus.
    is_new: bool,
}

impl Dialog {
    /// Opens a question and closes the one before.
    pub fn ask(&mut self, question: Question) {
        self.question = Some(question);
        self.is_new = true;
    }

    /// A question is open.
    pub const fn is_open(&self) -> bool {
        self.question.is_some()
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
        let Some(mut question) = self.question.take() else { return };
        let is_new = std::mem::take(&mut self.is_new);
        let modal = Modal::new(Id::unique("question")).show(ui.ctx(), |ui| {
            ui.set_width(if matches!(question, Question::Keys | Question::Close) { 520.0 } else { 440.0 });
            let mut asked = Asked { ui, requests, is_new };
            match &mut question {
                Question::Stop => asked.stop_ui(session),
                Question::Close => asked.close_ui(session),
                Question::Open(path) => asked.open_ui(path, files),
                Question::SaveAs(name) => asked.save_as_ui(name),
                Question::Rename(id, name) => {
                    let id = id.clone();
                    asked
                        .name_ui("Rename the preset", ICON_EDIT, "Rename", name, |name| PresetCommand::Rename(id, name))
                }
                Question::Discard(command) => asked.discard_ui(session, command),
                Question::RemoveRun(id, name) => {
                    let what = format!("Run {id}, {}, and its results will be deleted.", sanitize::command(name));
                    asked.remove_ui(
                        "Remove the run from the history?",
                        &what,
                        "Remove the run",
                        HistoryCommand::Remove(*id),
                    )
                }
                Question::RemoveRace(file) => {
                    let what = format!("{} will be deleted.", file.display());
                    asked.remove_ui(
                        "Delete the saved race?",
                        &what,
                        "Delete the race",
                        RaceCommand::Remove(file.clone()),
                    )
                }
                Question::Keys => asked.keys_ui(pages),
            }
        });
        let run_is_over = match question {
            Question::Stop => !session.is_running(),
            Question::Close => !session.is_busy(),
            _ => false,
        };
        if run_is_over && question == Question::Close {
            requests.stop_and_close();
        }
        if !modal.inner && !modal.should_close() && !run_is_over {
            self.question = Some(question);
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

    fn stop_ui(&mut self, session: &Session) -> bool {
        self.title("Stop the run?");
        self.ui.label(what_is_lost(session));
        self.ui.add_space(theme::GAP);
        self.ui
            .horizontal(|ui| {
                let mut asked = Asked { ui, requests: self.requests, is_new: self.is_new };
                let stop = icon_button(asked.ui, ICON_STOP, "Stop the run", true).clicked();
                if stop {
                    asked.requests.command(Command::Stop);
                }
                asked.stay_ui("Keep running", true) || stop
            })
            .inner
    }

    fn close_ui(&mut self, session: &Session) -> bool {
        let can_stay = !session.is_racing() && session.run.current().is_some_and(CurrentRun::can_stay);
        self.title(if session.is_racing() { "A race is under way" } else { "A run is under way" });
        if can_stay {
            self.ui.label(
                "It can continue in the background; the next window, or “fanlane attach” in a terminal, shows it.",
            );
            self.ui.add_space(theme::HALF);
            self.ui.label(format!("If it is stopped: {}", what_is_lost(session)));
        } else {
            self.ui.label(what_is_lost(session));
        }
        self.ui.add_space(theme::GAP);
        self.ui
            .horizontal(|ui| {
                let mut asked = Asked { ui, requests: self.requests, is_new: self.is_new };
                let leave = can_stay && primary_button(asked.ui, ICON_EXIT_TO_APP, "Run in background", true).clicked();
                if leave {
                    asked.requests.leave_and_close();
                }
                let close = icon_button(asked.ui, ICON_STOP, "Stop and close", true).clicked();
                if close {
                    asked.requests.stop_and_close();
                }
                asked.stay_ui("Cancel", true) || close || leave
            })
            .inner
    }

    fn open_ui(&mut self, path: &mut String, files: &mut FileDialog) -> bool {
        self.title("Open a job file");
        let entered = self.field_ui("Path of the job file", path, "/home/me/thumbnails.ron");
        self.ui.add_space(theme::GAP);
        self.ui
            .horizontal(|ui| {
                let typed = path.trim().to_owned();
                let open = primary_button(ui, ICON_FOLDER_OPEN, "Open", !typed.is_empty()).clicked();
                if icon_button(ui, ICON_FOLDER_OPEN, "Browse…", !files.is_open()).clicked() {
                    files.open(ui.ctx());
                    return true;
                }
                let open = (open || entered) && !typed.is_empty();
                if open {
                    self.requests.command(Command::OpenJob(typed.into()));
                }
                let mut asked = Asked { ui, requests: self.requests, is_new: self.is_new };
                asked.stay_ui("Cancel", false) || open
            })
            .inner
    }

    fn save_as_ui(&mut self, name: &mut String) -> bool {
        self.name_ui("Save the job as a preset", ICON_SAVE, "Save preset", name, PresetCommand::SaveAs)
    }

    fn name_ui(
        &mut self,
        title: &str,
        icon: egui_material_icons::MaterialIcon,
        words: &str,
        name: &mut String,
        command: impl FnOnce(String) -> PresetCommand,
    ) -> bool {
        self.title(title);
        let entered = self.field_ui("Preset name", name, "Thumbnails");
        self.ui.add_space(theme::GAP);
        self.ui
            .horizontal(|ui| {
                let named = !name.trim().is_empty();
                let save = (primary_button(ui, icon, words, named).clicked() || entered) && named;
                if save {
                    self.requests.command(command(name.trim().to_owned()));
                }
                let mut asked = Asked { ui, requests: self.requests, is_new: self.is_new };
                asked.stay_ui("Cancel", false) || save
            })
            .inner
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

    fn discard_ui(&mut self, session: &Session, command: &Command) -> bool {
        self.title("Discard the changes?");
        let name = if session.editor.draft().name.is_empty() { "The open job" } else { &session.editor.draft().name };
        self.ui.label(format!("{name} has unsaved changes. They are lost when another job is opened."));
        self.ui.add_space(theme::GAP);
        self.ui
            .horizontal(|ui| {
                let discard = icon_button(ui, ICON_DELETE, "Discard", true).clicked();
                if discard {
                    self.requests.command(command.clone());
                }
                let mut asked = Asked { ui, requests: self.requests, is_new: self.is_new };
                asked.stay_ui("Keep editing", true) || discard
            })
            .inner
    }

    fn remove_ui(&mut self, question: &str, what: &str, answer: &str, command: impl Into<Command>) -> bool {
        self.title(question);
        self.ui.label(what);
        self.ui.add_space(theme::GAP);
        self.ui
            .horizontal(|ui| {
                let remove = icon_button(ui, ICON_DELETE, answer, true).clicked();
                if remove {
                    self.requests.command(command);
                }
                let mut asked = Asked { ui, requests: self.requests, is_new: self.is_new };
                asked.stay_ui("Cancel", true) || remove
            })
            .inner
    }

    fn keys_ui(&mut self, pages: &Pages) -> bool {
        self.title("Keyboard shortcuts");
        Grid::new("keys").num_columns(2).spacing([theme::GAP, theme::HALF]).show(self.ui, |ui| {
            let actions = Action::ALL.iter().map(|action| (action.explanation().to_owned(), action.shortcut()));
            let pages =
                pages.iter().map(|(view, shortcut)| (format!("Show the page {}", view.page().title()), shortcut));
            for (explanation, shortcut) in actions.chain(pages) {
                if let Some(shortcut) = shortcut {
                    ui.label(RichText::new(shortcut.to_string()).monospace());
                    ui.label(explanation);
                    ui.end_row();
                }
            }
            ui.label(RichText::new("Ctrl+ +  Ctrl+ -").monospace());
            ui.label("Zoom in or out");
            ui.end_row();
            ui.label(RichText::new("Tab").monospace());
            ui.label("Go to the next button or field");
            ui.end_row();
        });
        self.ui.add_space(theme::GAP);
        self.stay_ui("Close", true)
    }
}

fn what_is_lost(session: &Session) -> String {
    if session.is_racing() {
        return "Its measurements so far will be lost. To keep them, stop it on the page Race and save it.".to_owned();
    }
    let Some(run) = session.run.current() else { return String::new() };
    let model = run.model();
    format!(
        "{} of {} have ended; their results are kept. Queued tasks are cancelled, running tasks are terminated.",
        format::count(model.progress.counts.total()),
        format::plural(model.progress.tasks, "task"),
    )
}
