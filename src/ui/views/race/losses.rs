//! The view Losses: a waterfall from the ideal time to the measured one.

use egui::{Align2, FontId, Rangef, Rect, RichText, Role, Sense, Stroke, Ui, pos2, vec2};
use egui_material_icons::icons::ICON_WATERFALL_CHART;

use crate::ui::theme::{self, Palette};
use crate::ui::widgets::{describe, empty_state_ui};
use fanlane_core::model::race::{RaceModel, Waterfall};

use super::digest::Digest;
use super::secs_words;

/// Width of the names of the steps, in points.
const NAME_WIDTH: f32 = 21.0 * theme::UNIT;
/// Width of the numbers with the shares, in points.
const NUMBER_WIDTH: f32 = 20.0 * theme::UNIT;
/// Width of the shares at the right, in points.
const SHARE_WIDTH: f32 = 9.0 * theme::UNIT;
/// Minimum width of a waterfall, in points.
const MIN_WIDTH: f32 = 64.0 * theme::UNIT;

/// A bar of the waterfall.
struct Step<'a> {
    name: &'a str,
    meaning: String,
    from_secs: f64,
    to_secs: f64,
    is_total: bool,
}

pub fn losses_ui(ui: &mut Ui, model: &RaceModel, digest: &Digest) {
    let falls: Vec<(usize, &Waterfall)> = {
        // Chunk sizes have a view of their own.
        let whole = digest.falls.iter().enumerate().filter(|(place, _)| model.contenders()[*place].chunk.is_none());
        whole.filter_map(|(place, fall)| Some((place, fall.as_ref()?))).collect()
    };
    let Some((_, first)) = falls.first() else {
        let advice = "It appears after the first runs that count, of a contender and of its baseline.";
        empty_state_ui(ui, ICON_WATERFALL_CHART, "Nothing to add up yet", advice);
        return;
    };
    let baseline = model.contenders()[first.baseline].name();
    let words = format!(
        "Means of the runs that count. Ideal: the tasks as fast as with {baseline}, shared perfectly. Every step is measured; \
         together they add up to the measured time. All bars have the same scale."
    );
    ui.add(egui::Label::new(RichText::new(words).small().color(theme::palette(ui).text_weak)).wrap());
    let columns = ((ui.available_width() / MIN_WIDTH) as usize).clamp(1, falls.len());
    ui.spacing_mut().item_spacing = vec2(4.0 * theme::UNIT, theme::HALF);
    let ends = falls.iter().flat_map(|(_, fall)| steps(fall)).map(|step| step.from_secs.max(step.to_secs));
    let highest = ends.fold(0.0, f64::max);
    for row in falls.chunks(columns) {
        ui.add_space(theme::UNIT);
        ui.columns(columns, |cells| {
            for ((place, fall), ui) in row.iter().zip(cells) {
                waterfall_ui(ui, &model.contenders()[*place].name(), fall, highest);
            }
        });
    }
}

fn waterfall_ui(ui: &mut Ui, name: &str, fall: &Waterfall, highest: f64) {
    let palette = theme::palette(ui);
    ui.label(RichText::new(name).text_style(theme::title_style()).color(palette.text_strong));
    let steps = steps(fall);
    for step in &steps {
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 3.0 * theme::UNIT), Sense::hover());
        step_ui(ui, rect, step, highest, fall.measured_secs, palette);
        describe(ui, &response, Role::Row, &format!("{name}: {}", step.name), || number(step));
        response.on_hover_text(&step.meaning);
    }
}

fn steps(fall: &Waterfall) -> Vec<Step<'_>> {
    let total = |name, meaning: &str, secs| Step {
        name,
        meaning: meaning.to_owned(),
        from_secs: 0.0,
        to_secs: secs,
        is_total: true,
    };
    let mut steps =
        vec![total("ideal", "the tasks shared perfectly among the workers, without any overhead", fall.ideal_secs)];
    let mut at_secs = fall.ideal_secs;
    for part in &fall.parts {
        let to_secs = at_secs + part.secs;
        let meaning = part.meaning.to_owned();
        steps.push(Step { name: part.name, meaning, from_secs: at_secs, to_secs, is_total: false });
        at_secs = to_secs;
    }
    steps.push(total("measured", "the mean wall time of the runs that count", fall.measured_secs));
    steps
}

fn number(step: &Step<'_>) -> String {
    match step.to_secs - step.from_secs {
        secs if step.is_total => secs_words(secs),
        0.0 => "0".to_owned(),
        secs if secs < 0.0 => format!("−{}", secs_words(-secs)),
        secs => format!("+{}", secs_words(secs)),
    }
}

fn step_ui(ui: &Ui, rect: Rect, step: &Step<'_>, highest: f64, whole: f64, palette: &Palette) {
    let font = FontId::proportional(theme::BODY_SIZE);
    ui.painter().text(rect.left_center(), Align2::LEFT_CENTER, step.name, font, palette.text);
    let bars = Rangef::new(rect.left() + NAME_WIDTH, rect.right() - NUMBER_WIDTH);
    let x = |secs: f64| bars.min + bars.span() * (secs / highest.max(1e-12)) as f32;
    let (from, to) = (x(step.from_secs.min(step.to_secs)), x(step.from_secs.max(step.to_secs)));
    let color = match step {
        Step { is_total: true, .. } => palette.accent,
        Step { from_secs, to_secs, .. } if to_secs < from_secs => palette.line(2),
        Step { .. } => palette.line(1),
    };
    let bar = Rect::from_x_y_ranges(from..=to.max(from + 1.0), rect.shrink2(vec2(0.0, 2.0)).y_range());
    ui.painter().rect_filled(bar, 1.0, color);
    // A line to the next bar, which begins where this one ends.
    if step.name != "measured" {
        let end = x(step.to_secs);
        ui.painter().vline(end, bar.bottom()..=rect.bottom() + theme::UNIT, Stroke::new(1.0, palette.edge));
    }
    let font = theme::number_style().resolve(ui.style());
    let share = if whole > 0.0 { (step.to_secs - step.from_secs) / whole * 100.0 } else { 0.0 };
    let right = rect.right();
    let number_at = pos2(right - SHARE_WIDTH, rect.center().y);
    ui.painter().text(number_at, Align2::RIGHT_CENTER, number(step), font.clone(), palette.text);
    let share_at = pos2(right, rect.center().y);
    ui.painter().text(
        share_at,
        Align2::RIGHT_CENTER,
        format!("{:.1} %", if share.abs() < 0.05 { 0.0 } else { share }),
        font,
        palette.text_weak,
    );
}
