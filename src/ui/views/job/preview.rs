//! What the open job expands to: how many tasks, and the first of them as they will run.

use egui::text::{LayoutJob, TextFormat};
use egui::{Align, FontId, Layout, RichText, Ui};
use egui_extras::{Column, TableBuilder};

use crate::session::{Beside, Expanded, Preview};
use fanlane_core::model::format;

use crate::ui::cut_label::cut_label;
use crate::ui::sanitize;
use crate::ui::theme::{self, Palette};
use crate::ui::widgets::table::describe_table;

use super::title_ui;

/// Maximum number of letters of what all lines begin with that are shown before what differs.
const MAX_SAME_LETTERS: usize = 28;
/// Share of the room that is left to what all lines begin with, where what differs is long.
const MIN_SAME_SHARE: f32 = 0.25;

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
    let same = same_beginning(&expanded.first);
    // What differs comes first; what is the same takes what is left, and a share in any case.
    let letters = (ui.available_width() - 8.0 * theme::UNIT).max(0.0) / (theme::BODY_SIZE * theme::MONOSPACE_WIDTH);
    let longest = expanded.first.iter().map(|text| text[same..].chars().count()).max().unwrap_or(0);
    let least = (letters * MIN_SAME_SHARE) as usize;
    let most_same = (letters as usize).saturating_sub(longest).clamp(least, MAX_SAME_LETTERS.max(least));
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
        .body(|mut body| {
            describe_table(&mut body, "Table of what will run", rows, 2);
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
                        let label = ui.add(cut_label(line(text, (same, most_same), beside, palette)));
                        label.on_hover_text(spoken(text, beside)).accessible_name(spoken(text, beside));
                    }
                    None => {
                        let words = format!("and {} more", format::count(rest));
                        ui.label(RichText::new(words).color(palette.text_weak));
                    }
                });
            });
        });
}

/// How many bytes all of these begin with, up to the end of a word; 0 where there is nothing to tell apart.
fn same_beginning(texts: &[String]) -> usize {
    let [first, others @ ..] = texts else { return 0 };
    if others.is_empty() {
        return 0;
    }
    let shared = |other: &String| first.bytes().zip(other.bytes()).take_while(|(one, two)| one == two).count();
    let same = others.iter().map(shared).min().unwrap_or(0);
    // Not within a word: what differs stands there whole.
    first.as_bytes()[..same].iter().rposition(|byte| matches!(byte, b' ' | b'/' | b'=')).map_or(0, |at| at + 1)
}

/// What is heard of a line.
fn spoken(text: &str, beside: &Beside) -> String {
    let parts = [text, &beside.stdin, beside.variables.trim_end()];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).map(sanitize::command).collect();
    parts.join("  ")
}

/// A task's line, at most `most` letters of what all lines begin with in a weaker colour, and behind it in a weaker colour what else the command gets.
fn line(text: &str, (same, most): (usize, usize), beside: &Beside, palette: &Palette) -> LayoutJob {
    let mut line = LayoutJob::default();
    let (same, text) = text.split_at(same);
    let kept = same.char_indices().rev().nth(most).map_or(0, |(at, _)| at);
    let same = if kept > 0 { format!("…{}", &same[kept..]) } else { same.to_owned() };
    let format = TextFormat::simple(FontId::monospace(theme::BODY_SIZE), palette.text_weak);
    line.append(&sanitize::command(&same), 0.0, format);
    for (gap, text, color) in [
        ("", text, palette.text),
        ("  ", &*beside.stdin, palette.text_weak),
        ("  ", beside.variables.trim_end(), palette.text_weak),
    ] {
        if !text.is_empty() {
            let format = TextFormat::simple(FontId::monospace(theme::BODY_SIZE), color);
            line.append(&format!("{gap}{}", sanitize::command(text)), 0.0, format);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_all_lines_begin_with_ends_with_a_word() {
        let same = |texts: &[&str]| same_beginning(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        assert_eq!(same(&["gzip -k photos/a1", "gzip -k photos/a2"]), "gzip -k photos/".len());
        assert_eq!(same(&["one 1", "one 10"]), 4);
        assert_eq!(same(&["echo é", "echo è"]), 5, "not within a letter");
        assert_eq!(same(&["a", "b"]), 0);
        assert_eq!(same(&["alone"]), 0);
        assert_eq!(same(&[]), 0);
    }
}
