//! What the open job expands to: how many tasks, and the first of them as they will run.

use egui::text::{LayoutJob, TextFormat};
use egui::{Align, FontId, Layout, RichText, Ui};
use egui_extras::{Column, TableBuilder};

use crate::session::{Beside, Expanded, Preview};
use fanlane_core::model::format;

use crate::ui::sanitize;
use crate::ui::theme::{self, Palette};

use super::title_ui;

/// Draws the table.
pub fn preview_ui(ui: &mut Ui, preview: &Preview) {
    ui.horizontal(|ui| {
        title_ui(ui, "What will run");
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if preview.is_under_way() {
                ui.label("Reading the inputs…");
            } else if let Some(expanded) = preview.expanded() {
                ui.label(RichText::new(format::plural(expanded.tasks, "task")).text_style(theme::number_style()));
                if let Some(known) = &expanded.known {
                    let words = match &known.fault {
                        Some(_) => "history cannot be read;".to_owned(),
                        None => format!("history knows {} of", format::count(known.tasks)),
                    };
                    let help = known.fault.as_ref().map_or_else(
                        || {
                            "The number of tasks whose duration is known from earlier runs; the other tasks begin first"
                                .to_owned()
                        },
                        |fault| format!("The tasks begin as the inputs have them: {fault}"),
                    );
                    ui.label(RichText::new(words).color(theme::palette(ui).text_weak)).on_hover_text(help);
                }
            }
        });
    });
    match preview.expanded() {
        Some(expanded) if expanded.tasks > 0 => table_ui(ui, expanded),
        _ if preview.is_under_way() => {}
        _ => {
            let words = preview.obstacle().unwrap_or_default();
            ui.label(RichText::new(sanitize::text(words.as_bytes())).color(theme::palette(ui).text_weak));
        }
    }
}

fn table_ui(ui: &mut Ui, expanded: &Expanded) {
    let rest = expanded.tasks - expanded.first.len() as u64;
    let rows = expanded.first.len() + usize::from(rest > 0);
    let palette = theme::palette(ui);
    ui.spacing_mut().item_spacing.y = 0.0;
    TableBuilder::new(ui)
        .id_salt("preview")
        .striped(true)
        .auto_shrink(false)
        .cell_layout(Layout::left_to_right(Align::Center))
        .column(Column::exact(6.0 * theme::UNIT))
        .column(Column::remainder().clip(true))
        .header(theme::ROW, |mut header| {
            header.col(|ui| {
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    ui.label(RichText::new("#").color(palette.text_weak))
                });
            });
            header.col(|ui| {
                ui.label(RichText::new("Task").color(palette.text_weak));
            });
        })
        .body(|body| {
            body.rows(theme::ROW, rows, |mut row| {
                let place = row.index();
                let text = expanded.first.get(place).zip(expanded.beside.get(place));
                row.col(|ui| {
                    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                        let number = text.map_or_else(String::new, |(_, beside)| format::count(beside.number));
                        ui.label(RichText::new(number).text_style(theme::number_style()).color(palette.text_weak));
                    });
                });
                row.col(|ui| match text {
                    Some((text, beside)) => {
                        ui.add(egui::Label::new(line(text, beside, palette)).truncate());
                    }
                    None => {
                        let words = format!("and {} more", format::count(rest));
                        ui.label(RichText::new(words).color(palette.text_weak));
                    }
                });
            });
        });
}

/// A task's line, and behind it in a weaker colour what else the command gets.
fn line(text: &str, beside: &Beside, palette: &Palette) -> LayoutJob {
    let mut line = LayoutJob::default();
    for (text, color) in
        [(text, palette.text), (&*beside.stdin, palette.text_weak), (beside.variables.trim_end(), palette.text_weak)]
    {
        if !text.is_empty() {
            // The same words for those who hear the page.
            let gap = if line.is_empty() { "" } else { "  " };
            let format = TextFormat::simple(FontId::monospace(theme::BODY_SIZE), color);
            line.append(&format!("{gap}{}", sanitize::command(text)), 0.0, format);
        }
    }
    line
}
