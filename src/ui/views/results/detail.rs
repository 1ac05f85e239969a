//! The details of one task: its command, its outcome, its attempts and its output.

use egui::text::LayoutJob;
use egui::{Align, Button, FontSelection, Frame, Label, Margin, RichText, ScrollArea, Stroke, Ui, Vec2, vec2};
use egui_material_icons::icons::{
    ICON_CANCEL, ICON_CLOSE, ICON_CONTENT_COPY, ICON_FIND_IN_PAGE, ICON_OPEN_IN_NEW, ICON_REPLAY,
};

use crate::session::{Command, CurrentRun, Session, task_text};
use crate::ui::icon_button::{icon_button, icon_text, small_icon_button};
use crate::ui::part::right_end_ui;
use crate::ui::request::Requests;
use crate::ui::sanitize;
use crate::ui::theme;
use crate::ui::widgets::badge::progress_words;
use crate::ui::widgets::{outcome_badge_ui, running_badge_ui};
use fanlane_core::event::{AttemptRecord, Captured, OutcomeClass, Output, StreamName, TaskId};
use fanlane_core::model::search::Needle;
use fanlane_core::model::{Autopsy, Failure, RunModel, format};

use super::find::FindBar;
use super::live_text::LiveTextView;
use super::output::{Lines, output_ui};
use super::words::{outcome_sentence, value_text};

/// Minimum height of a long command before it scrolls, in points.
const MIN_COMMAND_HEIGHT: f32 = 5.0 * theme::UNIT;
/// Maximum length of a sentence with the facts beside it, in bytes.
const MAX_BESIDE: usize = 48;
/// Minimum height of an output, in points.
const MIN_OUTPUT_HEIGHT: f32 = 10.0 * theme::UNIT;
/// Share of the pane that a long command takes before it scrolls.
const MAX_COMMAND_SHARE: f32 = 0.25;

/// The pane with the details.
pub struct Detail {
    shown: Option<Shown>,
    stream: StreamName,
    /// The stream to open the next attempt on, where a text was found.
    wanted_stream: Option<StreamName>,
    find: FindBar,
    live: LiveTextView,
    /// Height of the pane, in points.
    room: f32,
}

/// The shown attempt, with its output cut into lines.
struct Shown {
    run: u64,
    task: TaskId,
    /// Place among the task's attempts; `None`: the last.
    attempt: Option<usize>,
    /// How many attempts there were when the lines were cut.
    attempts: usize,
    stdout: Lines,
    stderr: Lines,
}

/// The stream that is looked at first: what a failed task says of its failure is on stderr.
fn first_stream(output: &Output, class: OutcomeClass) -> StreamName {
    let says = |stream: &Captured| !stream.head.trim_ascii().is_empty() || stream.dropped_bytes > 0;
    let failed = class != OutcomeClass::Done;
    if says(&output.stderr) && (failed || !says(&output.stdout)) { StreamName::Stderr } else { StreamName::Stdout }
}

impl Default for Detail {
    fn default() -> Self {
        Self {
            shown: None,
            stream: StreamName::Stdout,
            wanted_stream: None,
            find: FindBar::default(),
            live: LiveTextView::default(),
            room: 0.0,
        }
    }
}

impl Detail {
    /// Opens the bar that finds a text in the output.
    pub fn open_find(&mut self) {
        self.find.open();
    }

    /// Closes that bar; true if it was open.
    pub fn close_find(&mut self) -> bool {
        self.find.close()
    }

    /// Draws the pane. What does not fit is scrolled to.
    pub fn show_ui(&mut self, ui: &mut Ui, session: &Session, task: TaskId, requests: &mut Requests) {
        self.room = ui.available_height();
        ScrollArea::vertical().id_salt("details").auto_shrink(false).show(ui, |ui| {
            self.contents_ui(ui, session, task, requests);
        });
    }

    fn contents_ui(&mut self, ui: &mut Ui, session: &Session, task: TaskId, requests: &mut Requests) {
        let top = ui.cursor().top();
        let Some(run) = session.run.current() else { return };
        let model = run.model();
        let attempts: Vec<&AttemptRecord> = model.attempts(task).collect();
        let wanted = match &self.shown {
            Some(shown) if shown.run == run.serial && shown.task == task => {
                shown.attempt.filter(|place| *place < attempts.len())
            }
            // Where a text is looked for in all outputs, the attempt that has it is shown, at its place.
            _ => session.run.query().needle().and_then(|needle| self.place_of_hit(session, &attempts, &needle)),
        };
        let Some(record) = wanted.map_or(attempts.last(), |place| attempts.get(place)) else {
            running_ui(ui, run, &model, task, self.room, requests);
            if model.running.contains_key(&task)
                && let Some(text) = model.live_text()
            {
                let room = self.output_room(ui, top);
                ui.allocate_ui(room, |ui| self.live.show_ui(ui, text, &mut self.find));
            }
            return;
        };
        self.cut_lines(run, record, attempts.len(), wanted);
        // Asked of the session after the lock on its model is gone.
        let running = !model.is_finished() && run.expects_events();
        ui.push_id(("task", task.0), |ui| {
            self.head_ui(ui, run, record, running, requests);
            if model.records.of(task).is_none() && !model.running.contains_key(&task) {
                ui.label(super::steering::unended_words(&model, task));
            }
            facts_ui(ui, record, &model);
            if attempts.len() > 1 {
                self.attempts_ui(ui, &attempts, record);
            }
            self.streams_ui(ui, session, record, top, requests);
        });
    }

    /// The room for an output: what the pane has left, and no less than some lines.
    fn output_room(&self, ui: &Ui, top: f32) -> Vec2 {
        let left = top + self.room - ui.cursor().top();
        vec2(ui.available_width(), left.max(MIN_OUTPUT_HEIGHT))
    }

    /// The place of the attempt that has the text; the last comes first, and is `None`.
    fn place_of_hit(&mut self, session: &Session, attempts: &[&AttemptRecord], needle: &Needle) -> Option<usize> {
        let last = attempts.len().checked_sub(1)?;
        let places = std::iter::once(last).chain(0..last);
        let (place, hit) =
            places.into_iter().find_map(|place| Some((place, needle.find_in_record(attempts[place])?)))?;
        self.find.open_with(&session.run.query().text);
        self.wanted_stream = Some(hit.stream);
        (place != last).then_some(place)
    }

    fn cut_lines(&mut self, run: &CurrentRun, record: &AttemptRecord, attempts: usize, attempt: Option<usize>) {
        let (run, task) = (run.serial, record.task);
        let is_current = self.shown.as_ref().is_some_and(|shown| {
            (shown.run, shown.task, shown.attempt, shown.attempts) == (run, task, attempt, attempts)
        });
        if is_current {
            return;
        }
        let output = record.output.as_deref();
        let stdout = Lines::cut(output.map(|output| &output.stdout));
        let stderr = Lines::cut(output.map(|output| &output.stderr));
        let first = || output.map_or(StreamName::Stdout, |output| first_stream(output, record.outcome.class()));
        self.stream = self.wanted_stream.take().unwrap_or_else(first);
        self.shown = Some(Shown { run, task, attempt, attempts, stdout, stderr });
    }

    fn head_ui(&self, ui: &mut Ui, run: &CurrentRun, record: &AttemptRecord, running: bool, requests: &mut Requests) {
        let text = task_text(&run.batch, record.task);
        let badge = |ui: &mut Ui| drop(outcome_badge_ui(ui, record.outcome.class()));
        heading_ui(ui, run.number(record.task), &text, requests, badge, |ui, requests| {
            let again =
                icon_button(ui, ICON_REPLAY, "Rerun this task", !running).on_disabled_hover_text("A run is under way");
            if again.clicked() {
                requests.command(Command::RerunTask(record.task));
            }
        });
        if let Some(failure) = Failure::of(record).filter(|failure| !failure.line.is_empty()) {
            failure_ui(ui, &failure);
        }
        command_ui(ui, &text, self.room);
    }

    fn attempts_ui(&mut self, ui: &mut Ui, attempts: &[&AttemptRecord], shown: &AttemptRecord) {
        ui.horizontal_wrapped(|ui| {
            ui.label(RichText::new("Attempts").color(theme::palette(ui).text_weak));
            for (place, attempt) in attempts.iter().enumerate() {
                let class = attempt.outcome.class();
                let icon = icon_text(theme::outcome_icon(class)).color(theme::palette(ui).outcome_text(class));
                let text = format!("{} {}", attempt.attempt, format::duration(attempt.wall_ns));
                let button = ui.add(Button::selectable(std::ptr::eq(*attempt, shown), (icon, text)));
                let name = format!("Attempt {}, {}", attempt.attempt, class.name());
                if button.accessible_name(name).clicked()
                    && let Some(shown) = &mut self.shown
                {
                    shown.attempt = Some(place);
                    // Its lines are cut in the next frame.
                    shown.attempts = 0;
                }
            }
        });
    }

    fn streams_ui(
        &mut self,
        ui: &mut Ui,
        session: &Session,
        record: &AttemptRecord,
        top: f32,
        requests: &mut Requests,
    ) {
        let empty = Captured::default();
        let output = record.output.as_deref();
        let (stdout, stderr) = output.map_or((&empty, &empty), |output| (&output.stdout, &output.stderr));
        let Some(shown) = &self.shown else { return };
        ui.horizontal(|ui| {
            for (stream, captured) in [(StreamName::Stdout, stdout), (StreamName::Stderr, stderr)] {
                let name = stream.name();
                let size = (captured.head.len() + captured.tail.len()) as u64 + captured.dropped_bytes;
                let words = format!("{name} {}", format::bytes(size));
                if ui.add(Button::selectable(self.stream == stream, words)).accessible_name(name).clicked() {
                    self.stream = stream;
                }
            }
            right_end_ui(ui, "output", |ui| {
                let (words, captured) = match self.stream {
                    StreamName::Stdout => ("Copy stdout", stdout),
                    StreamName::Stderr => ("Copy stderr", stderr),
                };
                let is_there = !captured.head.is_empty();
                ui.add_enabled_ui(is_there, |ui| {
                    if small_icon_button(ui, ICON_FIND_IN_PAGE, "Find in this output (Ctrl+F)").clicked() {
                        self.find.open();
                    }
                    if small_icon_button(ui, ICON_OPEN_IN_NEW, "Open in editor").clicked() {
                        let (task, attempt, stream) = (record.task, record.attempt, self.stream);
                        requests.command(Command::OpenOutput { task, attempt, stream });
                    }
                });
                if icon_button(ui, ICON_CONTENT_COPY, words, is_there).clicked() {
                    requests.copy(super::output::whole_text(captured));
                }
            });
        });
        self.find.show_ui(ui, session, record, self.stream);
        let room = self.output_room(ui, top);
        let marks = self.find.marks();
        ui.allocate_ui(room, |ui| match self.stream {
            StreamName::Stdout => output_ui(ui, stdout, &shown.stdout, marks.as_ref()),
            StreamName::Stderr => output_ui(ui, stderr, &shown.stderr, marks.as_ref()),
        });
    }
}

/// The line above the details of a task: its number, its state, and between the steps that each has, the one of its state.
fn heading_ui(
    ui: &mut Ui,
    number: u64,
    text: &str,
    requests: &mut Requests,
    badge: impl FnOnce(&mut Ui),
    step: impl FnOnce(&mut Ui, &mut Requests),
) {
    ui.horizontal(|ui| {
        ui.label(RichText::new(format!("Task {}", format::count(number))).text_style(theme::title_style()));
        badge(ui);
        right_end_ui(ui, "steps", |ui| {
            if icon_button(ui, ICON_CONTENT_COPY, "Copy command", true).clicked() {
                requests.copy(sanitize::text(text.as_bytes()));
            }
            step(ui, requests);
            if small_icon_button(ui, ICON_CLOSE, "Close the details").clicked() {
                requests.command(Command::SelectTask(None));
            }
        });
    });
}

/// A task that has not ended: what is known of it, and a button that cancels it.
fn running_ui(ui: &mut Ui, run: &CurrentRun, model: &RunModel, task: TaskId, room: f32, requests: &mut Requests) {
    let running = model.running.get(&task);
    let can_cancel = !model.is_finished() && !model.progress.stopping;
    let text = task_text(&run.batch, task);
    let badge = |ui: &mut Ui| {
        if running.is_some() {
            running_badge_ui(ui);
        }
    };
    heading_ui(ui, run.number(task), &text, requests, badge, |ui, requests| {
        let cancel = icon_button(ui, ICON_CANCEL, "Cancel this task", can_cancel)
            .on_hover_text("Cancel only this task; the others continue")
            .on_disabled_hover_text("The run has ended or is stopping");
        if cancel.clicked() {
            requests.command(Command::CancelTask(task));
        }
    });
    command_ui(ui, &text, room);
    let Some(running) = running else {
        super::steering::queued_task_ui(ui, run, model, task, requests);
        let why = run.waiting(model).task_words(task);
        let words = why.unwrap_or_else(|| super::steering::unended_words(model, task).to_owned());
        ui.add(Label::new(sanitize::line(words.as_bytes())).wrap());
        return;
    };
    if model.live_text().is_none() {
        ui.label("It is running; its output is shown when it has ended.");
    }
    let mut facts = vec![
        ("Start", format!("+{}", format::duration(running.start_ns))),
        ("So far", format::duration(run.now_ns(model).saturating_sub(running.start_ns))),
        ("Try", running.attempt.to_string()),
    ];
    let progress = model.lanes.progress_of(running.worker);
    facts.extend(progress.map(|progress| ("Progress", progress_words(progress))));
    facts.extend(running.pid.map(|pid| ("PID", pid.to_string())));
    facts.extend(model.lane_of.get(&running.worker).map(|lane| ("Lane", (lane.0 + 1).to_string())));
    pairs_ui(ui, None, facts);
    super::place::place_ui(ui, run, model, task, room, requests);
}

/// The whole command, in as many lines as it has or takes; a long one scrolls.
fn command_ui(ui: &mut Ui, text: &str, room: f32) {
    let text = RichText::new(sanitize::text(text.as_bytes())).monospace();
    let max_height = (room * MAX_COMMAND_SHARE).max(MIN_COMMAND_HEIGHT);
    ScrollArea::vertical().id_salt("command").max_height(max_height).auto_shrink([false, true]).show(ui, |ui| {
        ui.add(Label::new(text).wrap().selectable(true));
    });
}

/// Why a task failed, before everything else.
fn failure_ui(ui: &mut Ui, failure: &Failure) {
    let palette = theme::palette(ui);
    let edge = Stroke::new(1.0, palette.outcome(failure.class));
    let margin = Margin::symmetric(theme::UNIT as i8, theme::HALF as i8);
    Frame::new().stroke(edge).corner_radius(theme::RADIUS).inner_margin(margin).show(ui, |ui| {
        ui.set_width(ui.available_width());
        let words = sanitize::line(failure.words().as_bytes());
        let words = RichText::new(words).text_style(theme::title_style()).color(palette.text_strong);
        ui.add(Label::new(words).wrap().selectable(true)).on_hover_text("The line of the output that tells why");
    });
}

/// How an attempt ended, in a sentence or two.
fn end_words(record: &AttemptRecord) -> String {
    let leaky = record.output.as_ref().is_some_and(|output| output.leaky);
    let leak = if leaky { " It left processes running, which were ended." } else { "" };
    let sentence = format!("{}{leak}", outcome_sentence(&record.outcome, record.attempt));
    // Peak memory alone stands among the facts.
    match Autopsy::of(record).filter(|one| one.possibly_out_of_memory || !one.advice.is_empty()) {
        Some(autopsy) => format!("{sentence} {}", sanitize::line(autopsy.remark().as_bytes())),
        None => sentence,
    }
}

fn facts_ui(ui: &mut Ui, record: &AttemptRecord, model: &RunModel) {
    let sentence = end_words(record);
    let is_long = sentence.len() > MAX_BESIDE;
    if is_long {
        ui.add(Label::new(&sentence).wrap().selectable(true));
    }
    let mut facts: Vec<(&str, String)> = Vec::new();
    facts.extend(record.value.as_ref().map(|value| ("Value", value_text(value))));
    if record.attempt > 0 {
        facts.push(("Start", format!("+{}", format::duration(record.start_ns))));
        facts.push(("Wall", format::duration(record.wall_ns)));
        facts.push(("CPU", format::duration(record.cpu_ns)));
        if record.max_rss_bytes > 0 {
            facts.push(("Memory", format::bytes(record.max_rss_bytes)));
        }
        facts.extend(model.lane_of.get(&record.worker).map(|lane| ("Lane", (lane.0 + 1).to_string())));
    }
    pairs_ui(ui, (!is_long).then_some(sentence), facts);
}

fn pairs_ui(ui: &mut Ui, sentence: Option<String>, facts: Vec<(&str, String)>) {
    ui.horizontal_wrapped(|ui| {
        if let Some(sentence) = sentence {
            ui.add(Label::new(sentence).selectable(true));
            ui.add_space(theme::UNIT);
        }
        let weak = theme::palette(ui).text_weak;
        for (name, text) in facts {
            let is_short = text.len() <= MAX_BESIDE;
            let mut pair = LayoutJob::default();
            let mut add = |text: RichText| text.append_to(&mut pair, ui.style(), FontSelection::Default, Align::Center);
            add(RichText::new(format!("{name}  ")).color(weak));
            add(RichText::new(text).text_style(theme::number_style()));
            // A figure does not stand in another line than its name.
            let label = Label::new(pair).selectable(true);
            ui.add(if is_short { label.extend() } else { label });
            ui.add_space(theme::UNIT);
        }
    });
}
