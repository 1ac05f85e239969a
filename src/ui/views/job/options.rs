//! How the tasks are run: what the top bar does not have.

use egui::{Align2, Button, Grid, RichText, Ui};

use crate::session::{Field, JobDraft, JobEditor};
use fanlane_core::job::Transport;

use crate::ui::line_edit::line_edit;
use crate::ui::theme;

use super::{message_ui, title_ui};

/// Draws the options; true when one was changed.
pub fn options_ui(ui: &mut Ui, draft: &mut JobDraft, editor: &JobEditor) -> bool {
    let mut changed = false;
    title_ui(ui, "Options");
    Grid::new("options").num_columns(3).spacing([theme::GAP, theme::UNIT]).show(ui, |ui| {
        changed |= number_ui(ui, "Timeout", &mut draft.timeout, "none", "seconds for one attempt");
        changed |= number_ui(ui, "Retries", &mut draft.retries, "0", "more tries of a failed task");
    });
    ui.horizontal(|ui| {
        let label = ui.label("Working folder");
        let folder = editor.folder().display().to_string();
        let field = line_edit(&mut draft.working_dir).hint_text(folder).desired_width(ui.available_width());
        changed |= ui.add(field).labelled_by(label.id).changed();
    });
    if draft.kind.traits().returns_value {
        changed |= transport_ui(ui, &mut draft.transport);
    }
    for field in [Field::Workers, Field::Timeout, Field::Retries, Field::WorkingDir, Field::Transport] {
        if let Some(message) = editor.preview().error(field) {
            message_ui(ui, message);
        }
    }
    changed
}

fn transport_ui(ui: &mut Ui, transport: &mut Transport) -> bool {
    let mut changed = false;
    ui.horizontal(|ui| {
        ui.label("Large results");
        for (way, words, hint) in [
            (Transport::Pipe, "By pipe", "Results come through their workers' sockets, copied by the system"),
            (
                Transport::SharedMemory,
                "In shared memory",
                "Results from 32 KiB on come in memory that the worker shares and uses again. A run by pipe measures on a \
                 few results what this would bring, and says so on the page Shared",
            ),
        ] {
            if ui.add(Button::selectable(*transport == way, words)).on_hover_text(hint).clicked() && *transport != way {
                *transport = way;
                changed = true;
            }
        }
    });
    changed
}

fn number_ui(ui: &mut Ui, label: &str, text: &mut String, hint: &str, meaning: &str) -> bool {
    let label = ui.label(label);
    // A grid would make it narrower than what is typed.
    let field = line_edit(text).hint_text(hint.to_owned()).align(Align2::RIGHT_CENTER);
    let changed = ui.add_sized([10.0 * theme::UNIT, theme::ROW + theme::HALF], field).labelled_by(label.id).changed();
    ui.label(RichText::new(meaning).color(theme::palette(ui).text_weak));
    ui.end_row();
    changed
}
