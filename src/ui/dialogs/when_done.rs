//! What happens when the run is done, and the last question before a shutdown.

use std::time::{Duration, Instant};

use egui::RichText;
use egui_material_icons::icons::{ICON_CHECK, ICON_STOP};

use fanlane_core::model::format;

use super::Asked;
use crate::session::{Command, DoneAction, Messages, OtherWork, Session};
use crate::ui::icon_button::{icon_button, primary_button};
use crate::ui::request::Request;
use crate::ui::theme;

impl Asked<'_> {
    pub(super) fn when_done_ui(
        &mut self,
        session: &Session,
        action: &mut DoneAction,
        line: &mut String,
        messages: &mut Messages,
    ) -> bool {
        self.title("When the run is done");
        self.ui.checkbox(&mut messages.shown, "Show a message on the desktop, unless this window is in focus");
        self.ui.add_enabled_ui(messages.shown, |ui| ui.checkbox(&mut messages.sound, "With a sound"));
        self.ui.add_space(theme::UNIT);
        self.ui.label(RichText::new("For this run only:").color(theme::palette(self.ui).text_weak));
        self.ui.radio_value(action, DoneAction::Nothing, "Nothing else");
        let runs = matches!(action, DoneAction::Run(_));
        if self.ui.radio(runs, "Run a command").clicked() && !runs {
            *action = DoneAction::Run(String::new());
        }
        if let DoneAction::Run(_) = action {
            self.is_new = false;
            self.field_ui("Command line", line, "rsync -a out/ server:results/");
            let words = "Run by /bin/sh; FANLANE_DONE and FANLANE_NOT_DONE hold the numbers of tasks, FANLANE_RUN that of the run.";
            self.ui.label(RichText::new(words).small().color(theme::palette(self.ui).text_weak));
        }
        self.ui.radio_value(action, DoneAction::ShutDown, "Shut down the machine (asks for 30 s whether it may)");
        self.buttons_ui(|asked| {
            let is_complete = !matches!(action, DoneAction::Run(_)) || !line.trim().is_empty();
            let set = primary_button(asked.ui, ICON_CHECK, "Set", is_complete).clicked();
            if set {
                let action = match action {
                    DoneAction::Run(_) => DoneAction::Run(line.trim().to_owned()),
                    other => other.clone(),
                };
                asked.requests.command(Command::WhenDone(action));
                if *messages != session.messages() {
                    asked.requests.command(Command::SetMessages(*messages));
                }
            }
            asked.stay_ui("Cancel", true) || set
        })
    }

    pub(super) fn shut_down_ui(&mut self, at: Instant, after: OtherWork) -> bool {
        let (title, words) = if after.is_none() {
            let secs = at.saturating_duration_since(Instant::now()).as_secs() + 1;
            let left = format::plural(secs, "second");
            (
                "The machine is about to be shut down",
                format!("The run is done, and a shutdown was chosen for its end: {left} left."),
            )
        } else {
            let runs =
                (after.runs > 0).then(|| format!("{} under way", format::plural(after.runs as u64, "other run")));
            let jobs =
                (after.jobs > 0).then(|| format!("{} to start", format::plural(after.jobs as u64, "queued job")));
            let others = runs.into_iter().chain(jobs).collect::<Vec<_>>().join(", ");
            (
                "The shutdown waits for other work",
                format!(
                    "The run is done, and a shutdown was chosen for its end. It would end other work: {others}. It comes 30 \
                     seconds after the last of it, unless you keep the machine on."
                ),
            )
        };
        self.title(title);
        self.ui.label(words);
        self.ui.ctx().request_repaint_after(Duration::from_millis(250));
        self.buttons_ui(|asked| {
            let now = icon_button(asked.ui, ICON_STOP, "Shut down now", true).clicked();
            if now {
                asked.requests.request(Request::ShutDown);
            }
            asked.stay_ui("Keep it on", true) || now
        })
    }
}
