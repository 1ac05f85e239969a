//! The form of a job with parameters: what is to be chosen, and Run. The command itself is one click away.

use egui::{Button, CentralPanel, ComboBox, Frame, Response, RichText, ScrollArea, Ui};
use egui_material_icons::icons::{ICON_ADD, ICON_CODE, ICON_FOLDER_OPEN, ICON_PLAY_ARROW, ICON_REMOVE, ICON_UNDO};

use crate::session::{JobDraft, Session};
use fanlane_core::job::field::PARAMETERS;
use fanlane_core::job::parameter::ParameterError;
use fanlane_core::job::{Parameter, ParameterKind};
use fanlane_core::model::format;

use crate::ui::action::Action;
use crate::ui::file_dialog::{PathKind, PathWanted};
use crate::ui::icon_button::{icon_button, primary_button, small_icon_button, steady_icon_button};
use crate::ui::line_edit::line_edit;
use crate::ui::request::{Request, Requests};
use crate::ui::sanitize;
use crate::ui::theme;

use super::field::help_ui;
use super::{error_ui, message_ui};

/// Maximum width of the form, in points: lines stay readable in a wide window.
const MAX_WIDTH: f32 = 80.0 * theme::UNIT;
/// Maximum number of choices that stand side by side.
const MAX_SIDE_BY_SIDE: usize = 4;
/// Room for the button that brings a default back.
const UNDO_ROOM: f32 = 5.0 * theme::UNIT;
/// Width of the button that opens the desktop's dialog.
const BROWSE_WIDTH: f32 = 14.0 * theme::UNIT;
/// Width of a field for a number.
const NUMBER_WIDTH: f32 = 14.0 * theme::UNIT;

/// Draws the form; true when a value was changed. `shows_job` is set where the job itself is asked for, `wants_focus` is
/// taken by the first field.
pub fn form_ui(
    ui: &mut Ui,
    draft: &mut JobDraft,
    session: &Session,
    shows_job: &mut bool,
    mut wants_focus: bool,
    requests: &mut Requests,
) -> bool {
    let mut changed = false;
    CentralPanel::default().frame(Frame::new()).show(ui, |ui| {
        ScrollArea::vertical().id_salt("form").auto_shrink(false).show(ui, |ui| {
            ui.set_max_width(MAX_WIDTH.min(ui.available_width() - theme::GAP));
            let palette = theme::palette(ui);
            let name = sanitize::command(&session.editor.shown_name());
            ui.label(RichText::new(name).heading().color(palette.text_strong));
            if !draft.description.is_empty() {
                let about = sanitize::text(draft.description.as_bytes());
                ui.add(egui::Label::new(RichText::new(about).color(palette.text_weak)).wrap());
            }
            ui.add_space(theme::GAP);
            for parameter in draft.form() {
                let field = parameter_ui(ui, &parameter, draft, session, requests, &mut changed);
                if std::mem::take(&mut wants_focus) {
                    field.request_focus();
                }
            }
            error_ui(ui, &session.editor, &PARAMETERS);
            run_ui(ui, session, shows_job, requests);
        });
    });
    changed
}

/// Run, how much it is, or why it cannot be run.
fn run_ui(ui: &mut Ui, session: &Session, shows_job: &mut bool, requests: &mut Requests) {
    let obstacle = session.run_obstacle();
    let preview = session.editor.preview();
    ui.horizontal(|ui| {
        let words = match preview.expanded() {
            Some(expanded) if expanded.tasks > 0 => format!("Run {}", format::plural(expanded.tasks, "task")),
            _ => "Run the job".to_owned(),
        };
        if primary_button(ui, ICON_PLAY_ARROW, &words, obstacle.is_none()).on_hover_text(Action::Run.hint()).clicked() {
            requests.action(Action::Run);
        }
        if icon_button(ui, ICON_CODE, "Show the job", true)
            .on_hover_text("The command, its inputs and all options; the form stays one click away")
            .clicked()
        {
            *shows_job = true;
        }
    });
    let words = if preview.is_under_way() { Some("Reading the inputs…".to_owned()) } else { obstacle };
    if let Some(words) = words {
        help_ui(ui, &sanitize::text(words.as_bytes()));
    }
}

/// A parameter: its label, its value, what it is for, and what is wrong with it.
fn parameter_ui(
    ui: &mut Ui,
    parameter: &Parameter,
    draft: &mut JobDraft,
    session: &Session,
    requests: &mut Requests,
    changed: &mut bool,
) -> Response {
    let Parameter { name, kind, default, .. } = parameter;
    let title = sanitize::command(parameter.title());
    let before = draft.values.get(name).unwrap_or(default).clone();
    let mut text = before.clone();
    let palette = theme::palette(ui);
    if !matches!(kind, ParameterKind::YesNo { .. }) {
        ui.label(RichText::new(&*title).color(palette.text_strong));
    }
    let field = ui.horizontal(|ui| {
        let field = value_ui(ui, parameter, &title, &mut text, requests);
        if text != *default && !default.is_empty() {
            let words = format!("Back to the default of {title}: {}", sanitize::command(default));
            if small_icon_button(ui, ICON_UNDO, &words).clicked() {
                text.clone_from(default);
            }
        }
        field
    });
    if text != before {
        draft.values.insert(name.clone(), text);
        *changed = true;
    }
    if !parameter.help.is_empty() {
        help_ui(ui, &sanitize::text(parameter.help.as_bytes()));
    }
    match parameter.check(parameter.value(&draft.values)) {
        Err(ParameterError::Missing { takes, .. }) => help_ui(ui, &format!("Required: {takes}")),
        Err(_) => message_ui(ui, &format!("This takes {}.", kind.takes())),
        Ok(()) => {
            let errors = session.editor.preview().errors();
            let its = errors.iter().find(|error| error.parameter.as_deref() == Some(name));
            its.into_iter().for_each(|error| message_ui(ui, &error.message));
        }
    }
    ui.add_space(theme::GAP);
    field.inner
}

/// The widget for a value.
fn value_ui(ui: &mut Ui, parameter: &Parameter, title: &str, text: &mut String, requests: &mut Requests) -> Response {
    let hint = sanitize::command(&parameter.default);
    let line = |ui: &mut Ui, text: &mut String, width: f32| {
        ui.add(line_edit(text).hint_text(hint).desired_width(width)).accessible_name(title)
    };
    match &parameter.kind {
        ParameterKind::Text => line(ui, text, ui.available_width() - UNDO_ROOM),
        ParameterKind::Number { min, max, unit, .. } => {
            let field = line(ui, text, NUMBER_WIDTH);
            if !unit.is_empty() {
                ui.label(sanitize::command(unit));
            }
            for (icon, words, steps) in [(ICON_REMOVE, "Less", -1.0), (ICON_ADD, "More", 1.0)] {
                let Some(next) = parameter.kind.stepped(text, steps) else { continue };
                if small_icon_button(ui, icon, &format!("{words} of {title}")).clicked() {
                    *text = next;
                }
            }
            if let (Some(min), Some(max)) = (min, max) {
                let words = RichText::new(format!("{min} to {max}")).color(theme::palette(ui).text_weak);
                ui.label(words.text_style(egui::TextStyle::Small));
            }
            field
        }
        ParameterKind::Choice(choices) if choices.len() <= MAX_SIDE_BY_SIDE => {
            let mut first = None;
            for choice in choices {
                let button = ui.add(Button::selectable(text == choice, sanitize::command(choice)));
                let button = button.accessible_name(format!("{title}: {}", sanitize::command(choice)));
                if button.clicked() {
                    text.clone_from(choice);
                }
                first.get_or_insert(button);
            }
            first.unwrap_or_else(|| ui.label(""))
        }
        ParameterKind::Choice(choices) => {
            let chooser = ComboBox::from_id_salt(("choice", &parameter.name)).selected_text(sanitize::command(text));
            let chooser = chooser.width(32.0 * theme::UNIT).show_ui(ui, |ui| {
                for choice in choices {
                    if ui.selectable_label(text == choice, sanitize::command(choice)).clicked() {
                        text.clone_from(choice);
                    }
                }
            });
            chooser.response.accessible_name(title)
        }
        ParameterKind::File | ParameterKind::Folder | ParameterKind::Path => {
            let kind = match parameter.kind {
                ParameterKind::File => PathKind::File,
                ParameterKind::Folder => PathKind::Folder,
                _ => PathKind::New,
            };
            let room = ui.available_width() - UNDO_ROOM - BROWSE_WIDTH - theme::UNIT;
            let field = line(ui, text, room);
            if steady_icon_button(ui, ICON_FOLDER_OPEN, "Browse…", true, BROWSE_WIDTH)
                .on_hover_text(format!("Choose: {title}"))
                .accessible_name(format!("Browse for {title}"))
                .clicked()
            {
                let parameter = parameter.name.clone();
                requests.request(Request::ChoosePath(PathWanted::Value { parameter, kind }));
            }
            field
        }
        ParameterKind::YesNo { .. } => {
            let mut is_yes = ParameterKind::is_yes(text);
            let field = ui.checkbox(&mut is_yes, RichText::new(title).color(theme::palette(ui).text_strong));
            if field.changed() {
                *text = if is_yes { "yes" } else { "no" }.to_owned();
            }
            field
        }
    }
}
