//! A task in a row of the table: what differs from task to task leads, and the whole command line follows as far as there is
//! room.

use egui::text::{LayoutJob, TextFormat};
use egui::{Label, Response, TextStyle, Ui};

use crate::session::{task_inputs, task_text};
use crate::ui::cut_label::cut_label;
use crate::ui::sanitize;
use crate::ui::theme;
use crate::ui::views::live::names::names_of;
use fanlane_core::event::TaskId;
use fanlane_core::job::Batch;

/// Distance between the inputs and the command line, in points.
const DISTANCE: f32 = theme::GAP;

/// Draws a task.
pub fn task_label_ui(ui: &mut Ui, batch: &Batch, task: TaskId) -> Response {
    let command = sanitize::command(&task_text(batch, task));
    let inputs = sanitize::command(&task_inputs(batch, task));
    let palette = theme::palette(ui);
    let font = TextStyle::Monospace.resolve(ui.style());
    let mut job = LayoutJob::default();
    // Where the command line is its input, or begins with it, it is not said twice.
    let begins = command.strip_prefix(&*inputs).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
    let leads = !inputs.is_empty() && !begins;
    if leads {
        // Where the whole has no room, what all inputs have in common makes room for what differs.
        let room = ui.available_width() / (font.size * theme::MONOSPACE_WIDTH);
        let is_long = inputs.chars().count() as f32 > room;
        let name = if is_long { names_of(ui, batch).name(batch, task) } else { String::new() };
        let shown = if name.is_empty() || name == inputs { inputs.clone() } else { format!("…{name}") };
        job.append(&shown, 0.0, TextFormat::simple(font.clone(), palette.text_strong));
    }
    let (space, color) = if leads { (DISTANCE, palette.text_weak) } else { (0.0, palette.text_strong) };
    job.append(&command, space, TextFormat::simple(font, color));
    let spoken = if leads { format!("{inputs}: {command}") } else { command };
    ui.add(cut_label(job)).accessible_name(spoken).on_hover_ui(|ui| {
        let whole = egui::RichText::new(sanitize::text(task_text(batch, task).as_bytes())).monospace();
        ui.add(Label::new(whole).wrap());
    })
}
