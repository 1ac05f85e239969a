//! The page Job: what is going to run. The template, its inputs and options on the left; on the right what they expand to.

mod command_environment;
mod control;
mod input;
mod inputs;
mod limits;
mod options;
mod order;
mod preview;
mod section;
mod shared;
mod task;

use egui::{CentralPanel, Frame, Panel, Response, RichText, ScrollArea, Ui};
use egui_material_icons::MaterialIcon;
use egui_material_icons::icons::ICON_DESCRIPTION;

use crate::session::{Command, Field, JobDraft, JobEditor, Page, Session};
use crate::ui::PageView;

use crate::ui::line_edit::line_edit;
use crate::ui::request::Requests;
use crate::ui::sanitize;
use crate::ui::theme;

/// The page Job.
#[derive(Default)]
pub struct JobView {
    /// The open job while its fields are drawn.
    draft: JobDraft,
    /// The revision of the open job that `draft` is.
    revision: u64,
}

impl PageView for JobView {
    fn page(&self) -> Page {
        Page::JOB
    }

    fn icon(&self) -> MaterialIcon {
        ICON_DESCRIPTION
    }

    fn explanation(&self) -> &'static str {
        "What to run"
    }

    fn show_ui(&mut self, ui: &mut Ui, session: &Session, requests: &mut Requests) {
        let editor = &session.editor;
        if self.revision != editor.revision() {
            self.draft.clone_from(editor.draft());
            self.revision = editor.revision();
        }
        let draft = &mut self.draft;
        let width = ui.available_width();
        // A window that was made smaller leaves room for the preview.
        let most = (width * 0.6).clamp(320.0, 760.0);
        let mut changed = false;
        let space = Frame::new();
        Panel::left("job fields").frame(space).default_size(width * 0.5).size_range(320.0..=most).show(ui, |ui| {
            ScrollArea::vertical().id_salt("job fields").auto_shrink(false).show(ui, |ui| {
                ui.set_width((ui.available_width() - theme::GAP).max(280.0));
                changed |= name_ui(ui, draft, editor);
                changed |= task::task_ui(ui, draft, editor);
                changed |= inputs::inputs_ui(ui, draft, editor);
                changed |= options::options_ui(ui, draft, editor);
                ui.add_space(theme::GAP);
                changed |= control::control_ui(ui, draft, editor);
                changed |= limits::limits_ui(ui, draft, editor);
                changed |= command_environment::command_environment_ui(ui, draft, editor);
                changed |= shared::shared_ui(ui, draft, editor);
                changed |= order::order_ui(ui, draft, editor);
            });
        });
        if changed {
            requests.command(Command::Edit(Box::new(draft.clone())));
        }
        let space = space.inner_margin(egui::Margin { left: theme::GAP as i8, ..egui::Margin::ZERO });
        CentralPanel::default().frame(space).show(ui, |ui| preview::preview_ui(ui, editor.preview()));
    }
}

fn name_ui(ui: &mut Ui, draft: &mut JobDraft, editor: &JobEditor) -> bool {
    let name = line_ui(ui, "Name", &mut draft.name, "Thumbnails");
    error_ui(ui, editor, Field::Name);
    if !draft.description.is_empty() {
        ui.label(RichText::new(sanitize::text(draft.description.as_bytes())).color(theme::palette(ui).text_weak));
    }
    ui.add_space(theme::GAP);
    name.changed()
}

/// A line of text under its label.
fn line_ui(ui: &mut Ui, label: &str, text: &mut String, example: &str) -> Response {
    let label = label_ui(ui, label);
    let field = line_edit(text).hint_text(example.to_owned()).desired_width(f32::INFINITY);
    ui.add(field).labelled_by(label.id)
}

fn label_ui(ui: &mut Ui, label: &str) -> Response {
    ui.label(RichText::new(label).text_style(egui::TextStyle::Small).color(theme::palette(ui).text_weak))
}

/// The title of a group of fields.
fn title_ui(ui: &mut Ui, title: &str) {
    ui.label(RichText::new(title).text_style(theme::title_style()).color(theme::palette(ui).text_strong));
}

/// What is wrong with a field, under it.
fn error_ui(ui: &mut Ui, editor: &JobEditor, field: Field) {
    if let Some(message) = editor.preview().error(field) {
        message_ui(ui, message);
    }
}

fn message_ui(ui: &mut Ui, message: &str) {
    ui.horizontal_top(|ui| {
        let color = theme::palette(ui).error;
        ui.label(crate::ui::icon_button::icon_text(egui_material_icons::icons::ICON_ERROR).color(color));
        ui.add(egui::Label::new(RichText::new(sanitize::text(message.as_bytes())).color(color)).wrap());
    });
}
