//! The questions about the queue of jobs: beside or after the run under way, drop a job, start it at a time.

use egui::RichText;
use egui_material_icons::icons::{ICON_CALL_SPLIT, ICON_DELETE, ICON_PLAYLIST_ADD, ICON_SCHEDULE};

use super::Asked;
use crate::session::{Command, QueueCommand, Session};
use crate::ui::icon_button::{icon_button, primary_button};
use crate::ui::sanitize;
use crate::ui::theme;
use fanlane_core::model::date::parse_coming;
use fanlane_core::store::queue::Change;
use fanlane_os::clock::unix_ms;

impl Asked<'_> {
    pub(super) fn run_beside_ui(&mut self, session: &Session) -> bool {
        self.title("A run is under way");
        let name = sanitize::command(&session.editor.shown_name());
        let run = session.run.under_way().map_or_else(String::new, |run| run.title());
        let before = session.queue.list().waiting().count();
        self.ui.label(format!("{name} can run now, beside {}, or after it.", sanitize::command(&run)));
        self.ui.add_space(theme::HALF);
        let queued = match before {
            0 => "After it: it waits in the queue on the page Runs.".to_owned(),
            1 => "After it: it waits in the queue on the page Runs, behind one job.".to_owned(),
            jobs => format!("After it: it waits in the queue on the page Runs, behind {jobs} jobs."),
        };
        let words = format!("Now: both share the cores, and the page Runs lists both.\n{queued}");
        self.ui.label(RichText::new(words).color(theme::palette(self.ui).text_weak));
        self.buttons_ui(|asked| {
            let after = primary_button(asked.ui, ICON_PLAYLIST_ADD, "After it", true);
            if asked.is_new {
                after.request_focus();
            }
            let now = icon_button(asked.ui, ICON_CALL_SPLIT, "Now, beside it", true).clicked();
            if after.clicked() {
                asked.requests.command(Command::RunAfter);
            } else if now {
                asked.requests.command(Command::RunBeside);
            }
            asked.stay_ui("Cancel", false) || after.clicked() || now
        })
    }

    pub(super) fn drop_job_ui(&mut self, id: u64, name: &str) -> bool {
        let text = format!("Job {id}, {}, will not run. Jobs that wait for it are held.", sanitize::command(name));
        let command = QueueCommand::Change(id, Change::Drop);
        self.confirm_ui(["Drop the job from the queue?", &text, "Drop the job", "Keep it"], ICON_DELETE, command)
    }

    pub(super) fn start_at_ui(&mut self, id: u64, time: &mut String, fault: &mut Option<String>) -> bool {
        self.title("Start at a time");
        let before = time.clone();
        let entered = self.field_ui("Earliest start", time, "22:30");
        if *time != before {
            *fault = None;
        }
        let palette = theme::palette(self.ui);
        let (words, color) = match &fault {
            Some(words) => (sanitize::text(words.as_bytes()), palette.error),
            None => ("22:30, 2026-11-23 08:00, or +90m from now".to_owned(), palette.text_weak),
        };
        self.ui.add(egui::Label::new(RichText::new(words).color(color)).wrap());
        self.buttons_ui(|asked| {
            let is_typed = !time.trim().is_empty();
            let set = primary_button(asked.ui, ICON_SCHEDULE, "Set", is_typed).clicked() || (entered && is_typed);
            let any = icon_button(asked.ui, ICON_PLAYLIST_ADD, "At any time", true).clicked();
            if any {
                asked.requests.command(QueueCommand::Change(id, Change::At(None)));
            }
            if asked.stay_ui("Cancel", false) || any {
                return true;
            }
            if !set {
                return false;
            }
            match parse_coming(time, unix_ms()) {
                Ok(at) => {
                    asked.requests.command(QueueCommand::Change(id, Change::At(Some(at))));
                    true
                }
                Err(words) => {
                    *fault = Some(words);
                    false
                }
            }
        })
    }
}
