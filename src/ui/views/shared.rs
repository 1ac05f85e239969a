//! The page Shared: the shared objects of the run, and the cost of transferring results.
//!
//! Objects belong to the tasks and cannot be changed here.

use egui::{Align, Label, Layout, RichText, Ui};
use egui_extras::TableRow;
use egui_material_icons::icons::{ICON_CONTENT_COPY, ICON_HUB};

use crate::session::{Page, Session};
use crate::ui::icon_button::small_icon_button;
use crate::ui::request::Requests;
use crate::ui::sanitize;
use crate::ui::theme;
use crate::ui::widgets::table::{ROW_HEIGHT, cell_ui, describe_table, table, title_cell_ui};
use crate::ui::widgets::{copy_meter_ui, empty_state_ui};
use crate::ui::{PageTab, PageView};
use fanlane_core::event::{SharedContent, SharedObject};
use fanlane_core::job::field;
use fanlane_core::model::{RunModel, format};

/// Maximum length of an object's content after the run, in characters.
const MAX_CHARS: usize = 160;

/// A column: its title, its width in grid units (0: what is left), numbers to the right.
const COLUMNS: [(&str, f32, bool); 6] = [
    ("Name", 18.0, false),
    ("Kind", 16.0, false),
    ("Items", 9.0, true),
    ("Content", 0.0, false),
    ("Calls", 9.0, true),
    ("Waiting", 9.0, true),
];

/// The page Shared.
pub struct SharedView;

impl PageView for SharedView {
    fn tab(&self) -> PageTab {
        PageTab { page: Page::SHARED, icon: ICON_HUB, explanation: "Objects that the tasks share" }
    }

    fn show_ui(&mut self, ui: &mut Ui, session: &Session, requests: &mut Requests) {
        shared_ui(ui, session, requests);
    }
}

fn shared_ui(ui: &mut Ui, session: &Session, requests: &mut Requests) {
    let none = RunModel::default();
    let model = session.run.current().map(|run| run.model());
    let model = model.as_deref().unwrap_or(&none);
    copy_meter_ui(ui, &model.result_transfers, &model.transports, &model.objects);
    ui.add_space(theme::UNIT);
    let rows = rows_of(model);
    if rows.is_empty() {
        let (title, advice) = match (model.header.is_some(), session.editor.draft().filled(&field::SHARED)) {
            (_, 0) => (
                "No shared objects",
                "Declare them on the page Job: all tasks of the run can use them, scripts with \u{201c}fanlane \
                 manager\u{201d}.",
            ),
            (false, _) => ("No run yet: press Run", "The objects that the job declares are shown here while it runs."),
            (true, _) => ("No shared objects in this run", "The next run has those that the job declares now."),
        };
        empty_state_ui(ui, ICON_HUB, title, advice);
        return;
    }
    table_ui(ui, &rows, requests);
}

/// A row of the table.
struct Row {
    name: String,
    kind: String,
    length: Option<u64>,
    content: String,
    /// Calls and waiting tasks; `None` if unknown.
    traffic: Option<(u64, u64)>,
    /// The whole content, if it is known.
    whole: Option<String>,
}

fn rows_of(model: &RunModel) -> Vec<Row> {
    if model.shared_ended.is_empty() { model.shared.iter().map(live_row).collect() } else { ended_rows(model) }
}

fn live_row(object: &SharedObject) -> Row {
    Row {
        name: sanitize::line(object.name.as_bytes()),
        kind: object.kind.clone(),
        length: object.length,
        content: sanitize::line(object.content.as_bytes()),
        traffic: Some((object.calls, object.waiting)),
        whole: None,
    }
}

fn ended_rows(model: &RunModel) -> Vec<Row> {
    let calls = |content: &SharedContent| {
        let seen = model.shared.iter().find(|object| object.name == content.name);
        seen.map(|object| (object.calls, object.waiting))
    };
    let row = |content: &SharedContent| {
        let short = content.json.as_ref().map(|json| {
            let cut: String = json.chars().take(MAX_CHARS).collect();
            if cut.len() < json.len() { cut + "\u{2026}" } else { cut }
        });
        Row {
            name: sanitize::line(content.name.as_bytes()),
            kind: content.kind.clone(),
            length: content.length,
            content: match short {
                None => "too long to be shown".to_owned(),
                Some(text) => {
                    state_words(&content.kind, &text).map_or_else(|| sanitize::line(text.as_bytes()), str::to_owned)
                }
            },
            traffic: calls(content),
            whole: content.json.clone(),
        }
    };
    model.shared_ended.iter().map(row).collect()
}

/// What a truth value means that stands for the state of an object, in the words for it during the run.
fn state_words(kind: &str, json: &str) -> Option<&'static str> {
    Some(match (kind, json) {
        ("Lock" | "RLock" | "Condition", "true") => "held",
        ("Lock" | "RLock" | "Condition", "false") => "free",
        ("Event", "true") => "set",
        ("Event", "false") => "not set",
        _ => return None,
    })
}

fn table_ui(ui: &mut Ui, rows: &[Row], requests: &mut Requests) {
    table(ui, "shared objects", COLUMNS.map(|(_, units, _)| units))
        .header(ROW_HEIGHT, |mut header| {
            for (title, _, right) in COLUMNS {
                header.col(|ui| title_cell_ui(ui, title, right, false));
            }
        })
        .body(|mut body| {
            describe_table(&mut body, "Table of shared objects", rows.len(), COLUMNS.len());
            body.rows(ROW_HEIGHT, rows.len(), |mut row| {
                let object = &rows[row.index()];
                row_ui(&mut row, object, requests);
            })
        });
}

fn row_ui(row: &mut TableRow<'_, '_>, object: &Row, requests: &mut Requests) {
    row.col(|ui| drop(ui.add(Label::new(RichText::new(&object.name).strong()).truncate())));
    row.col(|ui| drop(ui.add(Label::new(&object.kind).truncate())));
    row.col(|ui| cell_ui(ui, true, false, |ui| drop(ui.label(object.length.map_or_else(String::new, format::count)))));
    row.col(|ui| {
        if let Some(whole) = &object.whole {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let name = format!("Copy {}", object.name);
                if small_icon_button(ui, ICON_CONTENT_COPY, &name).clicked() {
                    requests.copy(sanitize::json(whole));
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| content_ui(ui, object));
            });
        } else {
            content_ui(ui, object);
        }
    });
    let number = |number: Option<u64>| number.map_or_else(String::new, format::count);
    row.col(|ui| cell_ui(ui, true, false, |ui| drop(ui.label(number(object.traffic.map(|traffic| traffic.0))))));
    row.col(|ui| cell_ui(ui, true, false, |ui| drop(ui.label(number(object.traffic.map(|traffic| traffic.1))))));
}

fn content_ui(ui: &mut Ui, object: &Row) {
    let text = Label::new(RichText::new(&object.content).monospace()).truncate().selectable(true);
    ui.add(text).on_hover_text(&object.content);
}
