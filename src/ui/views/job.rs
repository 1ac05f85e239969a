//! The page Job: what is going to run. The template, its inputs and options on the left; on the right what they expand to.

mod field;
mod form;
mod group;
mod input;
mod inputs;
mod parameters;
mod preview;
mod python;
mod task;

use egui::{CentralPanel, Frame, Panel, Response, RichText, ScrollArea, Ui};
use egui_material_icons::icons::{ICON_DESCRIPTION, ICON_DYNAMIC_FORM, ICON_GRID_VIEW};

use crate::session::{Command, JobDraft, JobEditor, Page, Session};
use crate::ui::{PageTab, PageView};
use fanlane_core::job::field::{self as job_field, Field, FieldGroup};

use crate::ui::action::Action;
use crate::ui::icon_button::icon_button;
use crate::ui::line_edit::line_edit;
use crate::ui::request::Requests;
use crate::ui::sanitize;
use crate::ui::theme;

/// The groups of fields that are not folded at first: they have parts of their own above the others.
static UNFOLDED: [&FieldGroup; 2] = [&job_field::WORK_GROUP, &job_field::OPTION_GROUP];

/// The page Job.
#[derive(Default)]
pub struct JobView {
    /// The open job while its fields are drawn.
    draft: JobDraft,
    /// The revision of the open job that `draft` is.
    revision: u64,
    /// The first field takes the focus.
    wants_focus: bool,
    /// The job is shown though it has a form.
    shows_job: bool,
    /// The opening of the job that this was chosen for.
    opening: u64,
    fields: Fields,
}

/// How wide the fields are, in points.
#[derive(Clone, Copy)]
struct Fields {
    /// The width of the page.
    page: f32,
    /// Their own width.
    width: f32,
    /// The share of the page that they take; by dragging their edge, another one.
    share: f32,
}

impl Default for Fields {
    fn default() -> Self {
        Self { page: 0.0, width: 0.0, share: 0.5 }
    }
}

/// Width in which the help beside the fields does not wrap much, in points: less only in a small window.
const USUAL_FIELDS: f32 = 58.0 * theme::UNIT;

impl PageView for JobView {
    fn tab(&self) -> PageTab {
        PageTab { page: Page::JOB, icon: ICON_DESCRIPTION, explanation: "What to run" }
    }

    fn focus_first(&mut self) {
        self.wants_focus = true;
    }

    fn show_ui(&mut self, ui: &mut Ui, session: &Session, requests: &mut Requests) {
        let editor = &session.editor;
        if self.revision != editor.revision() {
            self.draft.clone_from(editor.draft());
            self.revision = editor.revision();
        }
        if self.opening != editor.opening() {
            self.opening = editor.opening();
            self.shows_job = self.draft.parameters.is_empty();
        }
        let wants_focus = std::mem::take(&mut self.wants_focus);
        let has_form = !self.draft.parameters.is_empty();
        if has_form && !self.shows_job {
            let draft = &mut self.draft;
            if form::form_ui(ui, draft, session, &mut self.shows_job, wants_focus, requests) {
                requests.command(Command::Edit(Box::new(draft.clone())));
            }
            return;
        }
        let mut shows_form = false;
        let mut asked = None;
        let draft = &mut self.draft;
        let width = ui.available_width();
        // A window that was made smaller leaves room for the preview, and in a wider one both grow.
        let most = (width * 0.6).clamp(320.0, 960.0);
        let is_as_wide = (self.fields.page - width).abs() < 1.0;
        let range = if is_as_wide {
            320.0..=most
        } else {
            let kept = (width * self.fields.share).max(USUAL_FIELDS).min(most);
            kept..=kept
        };
        let mut changed = false;
        let space = Frame::new();
        let fields = Panel::left("job fields").frame(space).size_range(range).show(ui, |ui| {
            // Another job begins at its top.
            let area = ScrollArea::vertical().id_salt(("job fields", editor.opening()));
            area.auto_shrink(false).show(ui, |ui| {
                let width = (ui.available_width() - theme::GAP).max(280.0);
                ui.set_width(width);
                if has_form {
                    shows_form = icon_button(ui, ICON_DYNAMIC_FORM, "Show the form", true)
                        .on_hover_text("What is to be chosen before a run, without the command")
                        .clicked();
                }
                changed |= name_ui(ui, draft, editor);
                changed |= task::task_ui(ui, draft, editor, wants_focus, &mut asked);
                changed |= inputs::inputs_ui(ui, draft, editor);
                // A part that was too wide does not make those below it wider.
                ui.set_max_width(width);
                title_ui(ui, job_field::OPTION_GROUP.title);
                for field in job_field::OPTION_GROUP.fields {
                    changed |= field::field_ui(ui, field, draft, editor);
                }
                ui.add_space(theme::GAP);
                for group in job_field::GROUPS.into_iter().filter(|group| !UNFOLDED.contains(group)) {
                    changed |= group::group_ui(ui, group, draft, editor);
                }
            });
        });
        let fields = fields.response.rect.width();
        if is_as_wide && (fields - self.fields.width).abs() > 1.0 {
            self.fields.share = fields / width;
        }
        self.fields = Fields { page: width, width: fields, ..self.fields };
        self.shows_job &= !shows_form;
        if changed && !matches!(asked, Some(Command::Import(_))) {
            requests.command(Command::Edit(Box::new(draft.clone())));
        }
        if let Some(asked) = asked {
            requests.command(asked);
        }
        let space = space.inner_margin(egui::Margin { left: theme::GAP as i8, ..egui::Margin::ZERO });
        CentralPanel::default().frame(space).show(ui, |ui| {
            preview::preview_ui(ui, editor.preview());
            // Beside the fields: none of them moves with the first letter.
            if editor.draft().is_blank() {
                ui.add_space(theme::UNIT);
                let examples = icon_button(ui, ICON_GRID_VIEW, "Begin with an example…", true);
                if examples.on_hover_text(Action::Examples.hint()).clicked() {
                    requests.action(Action::Examples);
                }
            }
        });
    }
}

fn name_ui(ui: &mut Ui, draft: &mut JobDraft, editor: &JobEditor) -> bool {
    let field = &job_field::NAME;
    let label = label_ui(ui, field.label).on_hover_text(field.help);
    let line = line_edit(&mut draft.name).hint_text(editor.shown_name()).desired_width(f32::INFINITY);
    let changed = ui.add(line).labelled_by(label.id).changed();
    error_ui(ui, editor, field);
    if !draft.description.is_empty() {
        ui.label(RichText::new(sanitize::text(draft.description.as_bytes())).color(theme::palette(ui).text_weak));
    }
    ui.add_space(theme::GAP);
    changed
}

fn label_ui(ui: &mut Ui, label: &str) -> Response {
    ui.label(RichText::new(label).text_style(egui::TextStyle::Small).color(theme::palette(ui).text_weak))
}

/// The title of a group of fields.
fn title_ui(ui: &mut Ui, title: &str) -> Response {
    ui.label(RichText::new(title).text_style(theme::title_style()).color(theme::palette(ui).text_strong))
}

/// What is wrong with a field, under it.
fn error_ui(ui: &mut Ui, editor: &JobEditor, field: &'static Field) {
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
