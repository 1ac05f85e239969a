//! The failures by cause above the table: a click shows the tasks of a cause alone, a button runs them again.

use egui::{Align, Button, Frame, Layout, Margin, RichText, ScrollArea, Ui, vec2};
use egui_material_icons::icons::{ICON_EXPAND_LESS, ICON_EXPAND_MORE, ICON_REPLAY};

use crate::session::{Command, RowQuery, Session};
use crate::ui::icon_button::{icon_button, icon_text};
use crate::ui::part::{left_of_ui, right_end_ui};
use crate::ui::request::Requests;
use crate::ui::sanitize;
use crate::ui::theme;
use fanlane_core::model::{Cause, CauseId, format};

/// Maximum number of causes that are listed; more of them are found by the search.
const MAX_LISTED: usize = 200;
/// Share of the page that a long list of causes takes.
const MAX_SHARE: f32 = 0.4;
/// Minimum width of the counts, in points.
const COUNT_WIDTH: f32 = 6.0 * theme::UNIT;
/// Minimum width of the buttons that run the tasks again, in points.
const AGAIN_WIDTH: f32 = 20.0 * theme::UNIT;
/// Number of letters of a count that fit into these.
const SHORT_COUNT: usize = 3;

/// The list of causes.
#[derive(Default)]
pub struct CauseList {
    all: bool,
}

impl CauseList {
    /// Draws the list, `rows` of its rows unless all are wanted; nothing where nothing has failed.
    pub fn show_ui(&mut self, ui: &mut Ui, session: &Session, rows: usize, requests: &mut Requests) {
        let causes = session.run.causes();
        let count = causes.count();
        if count == 0 {
            return;
        }
        self.all &= count > rows;
        let mut ranked = causes.ranked(if self.all { MAX_LISTED } else { rows });
        // The chosen one is always to be seen.
        if let Some(chosen) = session.run.query().cause.filter(|chosen| ranked.iter().all(|(id, _)| id != chosen)) {
            ranked.truncate(ranked.len().max(2) - 1);
            ranked.extend(causes.get(chosen).map(|cause| (chosen, cause)));
        }
        let fill = theme::palette(ui).sunken;
        let margin = Margin::symmetric(theme::UNIT as i8, theme::HALF as i8);
        let max_height = ui.available_height() * MAX_SHARE;
        Frame::new().fill(fill).corner_radius(theme::RADIUS).inner_margin(margin).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            ScrollArea::vertical().id_salt("causes").max_height(max_height).auto_shrink([false, true]).show(ui, |ui| {
                let hidden = count - ranked.len();
                let folds = hidden > 0 || self.all;
                // All of them as wide as the largest count needs.
                let letters = ranked.iter().map(|(_, cause)| format::count(cause.count).len()).max().unwrap_or(0);
                let wider = letters.saturating_sub(SHORT_COUNT) as f32 * (theme::UNIT + 1.0);
                for (place, (id, cause)) in ranked.iter().enumerate() {
                    ui.horizontal(|ui| {
                        let steps = format!("steps {place}");
                        let usual = vec2(AGAIN_WIDTH + wider, ui.spacing().interact_size.y);
                        left_of_ui(ui, &steps, usual, |ui| {
                            cause_ui(ui, session, *id, cause, COUNT_WIDTH + wider, requests);
                        });
                        right_end_ui(ui, &steps, |ui| {
                            if place == 0 && folds {
                                self.fold_ui(ui, hidden);
                            }
                            again_ui(ui, session, *id, cause, AGAIN_WIDTH + wider, requests);
                        });
                    });
                }
            });
        });
        ui.add_space(theme::UNIT);
    }

    fn fold_ui(&mut self, ui: &mut Ui, hidden: usize) {
        let (icon, words) = if self.all {
            (ICON_EXPAND_LESS, "fewer causes".to_owned())
        } else {
            (ICON_EXPAND_MORE, format!("{} more", format::count(hidden as u64)))
        };
        let text = RichText::new(&words).color(theme::palette(ui).text_weak);
        let button = ui.add(Button::new((text, icon_text(icon))).frame_when_inactive(false));
        let button = button.on_hover_text("All causes, or the most frequent ones");
        if button.accessible_name(format!("Show {words}")).clicked() {
            self.all = !self.all;
        }
    }
}

/// The button that runs the tasks of a cause again.
fn again_ui(ui: &mut Ui, session: &Session, id: CauseId, cause: &Cause, width: f32, requests: &mut Requests) {
    let tasks = format::plural(cause.count, "task");
    let words = sanitize::line(cause.words().as_bytes());
    ui.allocate_ui_with_layout(vec2(width, theme::ROW), Layout::right_to_left(Align::Center), |ui| {
        ui.set_min_width(width);
        let again = icon_button(ui, ICON_REPLAY, &format!("Rerun {tasks}"), !session.is_running())
            .on_hover_text("Run the tasks that failed for this cause again")
            .on_disabled_hover_text("A run is under way")
            .accessible_name(format!("Rerun {tasks}: {words}"));
        if again.clicked() {
            requests.command(Command::RerunCause(id));
        }
    });
}

fn cause_ui(ui: &mut Ui, session: &Session, id: CauseId, cause: &Cause, width: f32, requests: &mut Requests) {
    let palette = theme::palette(ui);
    let query = session.run.query();
    let is_chosen = query.cause == Some(id);
    let words = sanitize::line(cause.words().as_bytes());
    let count = format::count(cause.count);
    ui.allocate_ui_with_layout(vec2(width, theme::ROW), Layout::right_to_left(Align::Center), |ui| {
        ui.set_min_width(width);
        ui.label(RichText::new(format!("{count} ×")).text_style(theme::number_style()).color(palette.text_strong));
    });
    let icon = icon_text(theme::outcome_icon(cause.class)).color(palette.outcome_text(cause.class));
    let text = RichText::new(&words).color(palette.text_strong);
    let button = ui.add(Button::selectable(is_chosen, (icon, text)).truncate());
    let hint = if is_chosen { "Show all tasks again" } else { "Show only the tasks of this cause" };
    let button = button.on_hover_text(format!("{words}\n{hint}"));
    if button.accessible_name(format!("Cause: {count} × {words}")).clicked() {
        let cause = (!is_chosen).then_some(id);
        requests.command(Command::SetQuery(RowQuery { cause, class: None, ..query.clone() }));
    }
}
