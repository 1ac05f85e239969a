//! The output of a task while it runs: both streams in the order in which they came, the newest line last.

use std::collections::VecDeque;

use egui::{Button, Frame, Label, RichText, ScrollArea, TextStyle, Ui};

use super::find::{FindBar, LiveMarks};
use crate::ui::theme;
use fanlane_core::event::{StreamName, TaskId};
use fanlane_core::model::{LiveLine, LiveText, format};

/// How the output of a running task is shown.
#[derive(Default)]
pub struct LiveTextView {
    /// What is shown while the view is held still, and of which task.
    held: Option<(TaskId, VecDeque<LiveLine>)>,
}

impl LiveTextView {
    /// Draws the newest lines of a task, or those that are held, with what is found in them.
    pub fn show_ui(&mut self, ui: &mut Ui, text: &LiveText, find: &mut FindBar) {
        self.held.take_if(|(task, _)| *task != text.task);
        self.switches_ui(ui, text);
        let (lines, follows) = match &self.held {
            Some((_, lines)) => (lines, false),
            None => (text.lines(), true),
        };
        let marks = find.show_live_ui(ui, lines);
        let palette = theme::palette(ui);
        let frame = Frame::new().fill(palette.sunken).corner_radius(theme::RADIUS).inner_margin(theme::UNIT);
        frame.show(ui, |ui| {
            if lines.is_empty() {
                ui.set_min_size(ui.available_size());
                ui.label(RichText::new("Nothing yet").color(palette.text_weak));
                return;
            }
            ui.spacing_mut().item_spacing.y = 2.0;
            let height = ui.text_style_height(&TextStyle::Monospace);
            // What was found would move away.
            let mut area = ScrollArea::both().auto_shrink(false).stick_to_bottom(follows && marks.is_none());
            if let Some(line) = marks.as_ref().and_then(|marks| marks.scroll_to) {
                let middle = line as f32 * (height + ui.spacing().item_spacing.y) - ui.available_height() / 2.0;
                area = area.vertical_scroll_offset(middle.max(0.0));
            }
            area.show_rows(ui, height, lines.len(), |ui, range| {
                for (place, line) in range.clone().zip(lines.range(range)) {
                    ui.horizontal(|ui| line_ui(ui, place, line, marks.as_ref()));
                }
            });
        });
    }

    fn switches_ui(&mut self, ui: &mut Ui, text: &LiveText) {
        ui.horizontal(|ui| {
            let is_held = self.held.is_some();
            if ui.add(Button::selectable(!is_held, "Follow the newest")).clicked() {
                self.held = None;
            }
            if ui.add(Button::selectable(is_held, "Pause scrolling")).clicked() {
                self.held.get_or_insert_with(|| (text.task, text.lines().clone()));
            }
            let mut notes = Vec::new();
            if text.skipped_bytes() > 0 {
                notes.push(format!(
                    "{} skipped: the task prints faster than it is shown",
                    format::bytes(text.skipped_bytes())
                ));
            }
            if text.dropped_lines() > 0 {
                notes.push(format!("{} not shown", format::plural(text.dropped_lines(), "earlier line")));
            }
            ui.add(Label::new(RichText::new(notes.join(" · ")).small().color(theme::palette(ui).text_weak)).truncate());
        });
    }
}

fn line_ui(ui: &mut Ui, place: usize, line: &LiveLine, marks: Option<&LiveMarks>) {
    let palette = theme::palette(ui);
    if line.skipped_bytes > 0 {
        let words = format!("… {} skipped …", format::bytes(line.skipped_bytes));
        ui.label(RichText::new(words).monospace().italics().color(palette.warning));
    }
    if line.stream == StreamName::Stderr {
        ui.label(RichText::new("stderr").small().color(palette.warning));
    }
    let label = match marks {
        Some(marks) => Label::new(marks.line_job(ui, place, &line.text)),
        None => Label::new(RichText::new(&line.text).monospace()),
    };
    ui.add(label.extend().selectable(true));
}
