//! How many tasks of a run have ended, and how, at the right of its name and state.

use egui::text::LayoutJob;
use egui::{Align, FontSelection, RichText, Ui};

use crate::ui::icon_button::icon_text;
use crate::ui::theme;
use crate::ui::window_title::IN_WORDS;
use fanlane_core::event::{OutcomeClass, OutcomeCounts};
use fanlane_core::model::{Progress, format};

/// The outcomes that are told: none where all tasks are done.
pub fn shown_classes(counts: &OutcomeCounts) -> Vec<OutcomeClass> {
    let all_done = counts.not_done() == 0;
    IN_WORDS.into_iter().rev().filter(|class| !all_done && counts.of(*class) > 0).collect()
}

/// The width that [`counts_ui`] takes, in points.
pub fn counts_width(progress: &Progress, classes: &[OutcomeClass], has_words: bool) -> f32 {
    let word = |class: &OutcomeClass| if has_words { class.name().len() + 1 } else { 0 };
    let of_class = |class: &OutcomeClass| format::count(progress.counts.of(*class)).len() + word(class) + 1;
    let letters = 2 * format::count(progress.tasks).len() + 3 + classes.iter().map(of_class).sum::<usize>();
    let icons = classes.len() as f32 * (theme::ICON_SIZE + theme::UNIT);
    letters as f32 * theme::BODY_SIZE * theme::MONOSPACE_WIDTH + icons
}

/// How many tasks have ended, and how, if there is room for that: the numbers sum up. Drawn from the right.
pub fn counts_ui(ui: &mut Ui, progress: &Progress, classes: &[OutcomeClass], has_words: bool) {
    let palette = theme::palette(ui);
    let counts = &progress.counts;
    for &class in classes {
        let count = format::count(counts.of(class));
        let spoken = format!("{count} {}", class.name());
        let shown = if has_words { &spoken } else { &count };
        let number = RichText::new(format!(" {shown}")).text_style(theme::number_style());
        let mut line = LayoutJob::default();
        let (style, font) = (ui.style(), FontSelection::Default);
        let icon = icon_text(theme::outcome_icon(class)).color(palette.outcome(class));
        icon.append_to(&mut line, style, font.clone(), Align::Center);
        number.color(palette.outcome_text(class)).append_to(&mut line, style, font, Align::Center);
        ui.label(line).on_hover_text(&spoken).accessible_name(&spoken);
    }
    let total = format::count(progress.tasks);
    // As wide as the last number.
    let ended = format!("{:>width$} / {total}", format::count(counts.total()), width = total.len());
    ui.label(RichText::new(ended).text_style(theme::number_style()).color(palette.text_strong));
}
