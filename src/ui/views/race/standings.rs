//! The standings of a race: a row for each contender with a bar for its time, a whisker for the deviation of its runs, and
//! numbers.

use egui::{Align2, FontId, Rangef, Rect, Role, Sense, Stroke, TextStyle, Ui, pos2, vec2};

use crate::ui::theme;
use crate::ui::widgets::describe;
use fanlane_core::model::format;
use fanlane_core::model::race::{RaceModel, Standing};
use fanlane_core::model::statistics::Summary;

use super::{Look, secs_words};

/// Width of the names, in points.
const NAME_WIDTH: f32 = 21.0 * theme::UNIT;
/// The number columns: width in points, title and meaning.
const COLUMNS: [(f32, &str, &str); 4] = [
    (18.0 * theme::UNIT, "mean ± σ", "Mean of the runs that count, and their standard deviation"),
    (17.0 * theme::UNIT, "min … max", "The fastest and the slowest run"),
    (14.0 * theme::UNIT, "speed-up", "Against the first, with the 95 % confidence interval"),
    (11.0 * theme::UNIT, "memory", "Peak memory of the workers and their child processes"),
];
/// Minimum width of a page with all columns, in points; a narrower one leaves out the second.
const WIDE: f32 = 105.0 * theme::UNIT;

/// Height of a row, in points.
const ROW_HEIGHT: f32 = theme::ROW - 2.0;
/// Height of the titles, in points.
const TITLES_HEIGHT: f32 = 2.0 * theme::UNIT;

/// Draws the rows. The times of a compared race are second, thin bars.
pub fn standings_ui(ui: &mut Ui, model: &RaceModel, standings: &[Standing], beside: Option<(&RaceModel, &[Standing])>) {
    let of_beside = |one: &Standing| {
        let (other, standings) = beside?;
        let contender = &model.contenders()[one.contender];
        standings.iter().find(|two| &other.contenders()[two.contender] == contender)
    };
    let ends = |one: &Standing| one.time.max.max(one.time.mean + one.time.deviation);
    let all = standings.iter().chain(standings.iter().filter_map(of_beside));
    let longest = all.map(ends).fold(0.0, f64::max);
    let width = ui.available_width();
    let columns: Vec<_> = COLUMNS.into_iter().enumerate().filter(|(place, _)| *place != 1 || width >= WIDE).collect();
    let numbers: f32 = columns.iter().map(|(_, (width, ..))| width).sum();
    ui.spacing_mut().item_spacing.y = 0.0;
    titles_ui(ui, &columns, numbers);
    for one in standings {
        let (rect, response) = ui.allocate_exact_size(vec2(width, ROW_HEIGHT), Sense::hover());
        let bars = Rangef::new(rect.left() + NAME_WIDTH, rect.right() - numbers - theme::GAP);
        let name = model.contenders()[one.contender].name();
        row_ui(
            ui,
            [rect, rect.with_max_x(bars.max).with_min_x(bars.min)],
            one,
            (&name, longest),
            &Look::of(ui, model, one.contender),
        );
        if let Some(other) = of_beside(one) {
            thin_bar_ui(ui, rect, bars, other, longest);
        }
        let texts = texts(one);
        let mut right = rect.right() - numbers;
        for (place, (width, ..)) in &columns {
            right += width;
            let font = TextStyle::Name("small number".into()).resolve(ui.style());
            let color = theme::palette(ui).text;
            ui.painter().text(pos2(right, rect.center().y), Align2::RIGHT_CENTER, &texts[*place], font, color);
        }
        describe(ui, &response, Role::Row, &name, || texts.join(", "));
        response.on_hover_text(hint(one, &name, of_beside(one)));
    }
}

fn titles_ui(ui: &mut Ui, columns: &[(usize, (f32, &str, &str))], numbers: f32) {
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), TITLES_HEIGHT), Sense::hover());
    let mut right = rect.right() - numbers;
    for (_, (width, title, _)) in columns {
        right += width;
        let font = FontId::proportional(theme::SMALL_SIZE);
        let color = theme::palette(ui).text_weak;
        ui.painter().text(pos2(right, rect.center().y), Align2::RIGHT_CENTER, title, font, color);
    }
}

fn row_ui(ui: &Ui, [rect, bars]: [Rect; 2], one: &Standing, (name, longest): (&str, f64), look: &Look) {
    let bars = bars.x_range();
    let palette = theme::palette(ui);
    let font = FontId::proportional(theme::BODY_SIZE);
    let names = rect.with_max_x(bars.min - theme::HALF);
    ui.painter().with_clip_rect(names).text(rect.left_center(), Align2::LEFT_CENTER, name, font, palette.text);
    let x = |secs: f64| bars.min + bars.span() * (secs / longest.max(1e-12)) as f32;
    let bar = Rect::from_x_y_ranges(bars.min..=x(one.time.mean), rect.shrink2(vec2(0.0, theme::HALF)).y_range());
    // Lighter, as dashed lines are.
    let fill = if look.dashed { look.color.gamma_multiply(0.6) } else { look.color };
    ui.painter().rect_filled(bar, 2.0, fill);
    if one.time.count < 2 {
        return;
    }
    let [low, high] = [-1.0, 1.0].map(|sign| x(one.time.deviation.mul_add(sign, one.time.mean).max(0.0)));
    let y = rect.center().y;
    for (width, color) in [(3.0, palette.sunken), (1.5, palette.text_strong)] {
        let pen = Stroke::new(width, color);
        ui.painter().hline(low..=high, y, pen);
        for end in [low, high] {
            ui.painter().vline(end, y - theme::HALF..=y + theme::HALF, pen);
        }
    }
}

fn thin_bar_ui(ui: &Ui, rect: Rect, bars: Rangef, other: &Standing, longest: f64) {
    let end = bars.min + bars.span() * (other.time.mean / longest.max(1e-12)) as f32;
    let y = rect.bottom() - 1.5;
    ui.painter().hline(bars.min..=end, y, Stroke::new(3.0, theme::palette(ui).edge));
}

fn texts(one: &Standing) -> [String; 4] {
    let time = &one.time;
    [
        mean_words(time),
        format!("{} … {}", secs_words(time.min), secs_words(time.max)),
        one.speed_up.map_or_else(
            || "1".to_owned(),
            |faster| match faster.half_width {
                Some(half) => format!("{:.2} ± {half:.2}", faster.value),
                None => format!("{:.2}", faster.value),
            },
        ),
        one.memory_bytes.map_or_else(|| "–".to_owned(), format::bytes),
    ]
}

/// A single run says nothing of how runs differ.
fn mean_words(time: &Summary) -> String {
    match time.count {
        0 | 1 => secs_words(time.mean),
        _ => format!("{} ± {}", secs_words(time.mean), secs_words(time.deviation)),
    }
}

fn hint(one: &Standing, name: &str, beside: Option<&Standing>) -> String {
    let time = &one.time;
    let mut hint = format!(
        "{name}: {}\nmean {} · median {}\nfastest {} · slowest {}\nCPU {}",
        format::plural(time.count as u64, "run"),
        mean_words(time),
        secs_words(time.median),
        secs_words(time.min),
        secs_words(time.max),
        secs_words(one.cpu_secs),
    );
    if one.outliers > 0 {
        hint += &format!("\n{}", format::plural(one.outliers as u64, "outlier"));
    }
    if one.not_done > 0 {
        hint += &format!("\nup to {} without success", format::plural(one.not_done, "task"));
        hint += &one.failure.as_ref().map_or_else(String::new, |why| format!(", first {why}"));
    }
    if let Some(other) = beside {
        hint += &format!("\ncompared with (thin bar): {}", mean_words(&other.time));
    }
    hint
}
