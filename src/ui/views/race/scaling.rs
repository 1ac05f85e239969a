//! The view Scaling: speed-up against the ideal line with the fitted laws, and efficiency.

use egui::{RichText, Ui, vec2};

use crate::ui::theme;
use crate::ui::widgets::chart::{
    Chart, ChartAxis, ChartMark, ChartPoint, LineKind, Scale, Series, chart_legend_ui, chart_ui,
};
use crate::ui::widgets::empty_state_ui;
use fanlane_core::model::race::RaceModel;
use fanlane_core::model::race::laws::{Amdahl, FITTING, NoFit, Usl};
use fanlane_core::model::statistics::{Quotient, Summary};

use super::digest::Digest;
use super::race_name;
use egui_material_icons::icons::ICON_TRENDING_UP;

/// Points of a drawn law.
const LAW_POINTS: u32 = 64;

pub fn scaling_ui(ui: &mut Ui, model: &RaceModel, digest: &Digest, beside: Option<(&Digest, &RaceModel)>) {
    if digest.sizes.len() < 2 {
        let advice = "Race at least two pool sizes; to fit the laws of scaling, three or more.";
        empty_state_ui(ui, ICON_TRENDING_UP, "One pool size shows no scaling", advice);
        return;
    }
    laws_ui(ui, digest);
    let largest = digest.sizes.last().map_or(2, |(size, _)| *size);
    let largest = beside.and_then(|(other, _)| Some(other.sizes.last()?.0)).unwrap_or(0).max(largest);
    let mut speed_ups = vec![ideal(ui, largest)];
    let name = if beside.is_some() { race_name(model) } else { "measured".to_owned() };
    speed_ups.push(measured(ui, name, 0, &digest.sizes));
    if let Some((other, other_model)) = beside.filter(|(other, _)| other.sizes.len() > 1) {
        speed_ups.push(Series { line: LineKind::Dashed, ..measured(ui, race_name(other_model), 1, &other.sizes) });
    }
    let law = |name: &str, color: usize, speed_up: &dyn Fn(f64) -> f64| Series {
        name: name.to_owned(),
        color: theme::palette(ui).line(color),
        points: law_points(largest, speed_up),
        line: LineKind::Dashed,
        dots: false,
    };
    if let Some(amdahl) = digest.amdahl.as_ref().ok().filter(|law| law.residual <= FITTING) {
        speed_ups.push(law("Amdahl's law", 2, &|workers| amdahl.speed_up(workers)));
    }
    if let Some(usl) = digest.usl.as_ref().ok().filter(|law| law.residual <= FITTING) {
        speed_ups.push(law("Universal Scalability Law", 3, &|workers| usl.speed_up(workers)));
    }
    chart_legend_ui(ui, &speed_ups);
    let marks: Vec<ChartMark> =
        digest.knee.map(|knee| ChartMark { x: knee.into(), words: format!("knee at {knee}") }).into_iter().collect();
    let room = ui.available_size();
    let left = ((room.x - theme::GAP) * 0.6).floor();
    ui.horizontal_top(|ui| {
        ui.allocate_ui(vec2(left, room.y), |ui| speed_up_ui(ui, digest, &speed_ups, &marks, largest, room.y));
        ui.add_space(theme::UNIT);
        ui.allocate_ui(vec2(room.x - left - theme::GAP, room.y), |ui| efficiency_ui(ui, digest, largest, room.y));
    });
}

fn speed_up_ui(ui: &mut Ui, digest: &Digest, series: &[Series], marks: &[ChartMark], largest: u32, height: f32) {
    // The ideal line may leave the chart, measured points may not.
    let top = series.iter().skip(1).map(Series::top).fold(1.0, f64::max).max(f64::from(largest).min(4.0));
    let value = digest.sizes.iter().map(|(size, time)| {
        format!("{size}: {:.2}", digest.sizes[0].1.mean / time.mean * f64::from(digest.sizes[0].0))
    });
    let chart = Chart {
        name: "Speed-up over workers",
        value: value.collect::<Vec<_>>().join(", "),
        x: workers_axis(digest, largest),
        y: ChartAxis {
            title: "speed-up",
            min: 0.0,
            max: top * 1.08,
            scale: Scale::Linear,
            words: &|value| format!("{value:.1}"),
        },
        series,
        marks,
    };
    chart_ui(ui, &chart, height);
}

fn efficiency_ui(ui: &mut Ui, digest: &Digest, largest: u32, height: f32) {
    let of_one = measured(ui, "efficiency".to_owned(), 0, &digest.sizes);
    let share = |value: f64, workers: f64| value / workers * 100.0;
    let points = of_one.points.iter().map(|point| ChartPoint {
        x: point.x,
        y: share(point.y, point.x),
        interval: point.interval.map(|(low, high)| (share(low, point.x), share(high, point.x))),
    });
    let series = [Series { points: points.collect(), ..of_one }];
    let value = series[0].points.iter().map(|point| format!("{}: {:.0} %", point.x, point.y));
    let top = series[0].top().max(100.0);
    let chart = Chart {
        name: "Efficiency over workers",
        value: value.collect::<Vec<_>>().join(", "),
        x: workers_axis(digest, largest),
        y: ChartAxis {
            title: "efficiency (speed-up per worker)",
            min: 0.0,
            max: top.min(200.0) * 1.04,
            scale: Scale::Linear,
            words: &|value| format!("{value:.0} %"),
        },
        series: &series,
        marks: &[],
    };
    chart_ui(ui, &chart, height);
}

fn workers_axis(digest: &Digest, largest: u32) -> ChartAxis<'static> {
    let sizes: Vec<f64> = digest.sizes.iter().map(|(size, _)| f64::from(*size)).collect();
    let min = sizes.first().copied().unwrap_or(1.0).min(1.0);
    // A few sizes on a linear scale, larger ones on a logarithmic one.
    let scale = if largest > 12 { Scale::Log2At(sizes) } else { Scale::Linearly(sizes) };
    let max = f64::from(largest) * if largest > 12 { 1.05 } else { 1.0 } + 0.15;
    ChartAxis {
        title: "workers",
        min: min - if largest > 12 { 0.05 } else { 0.15 },
        max,
        scale,
        words: &|value| format!("{value:.0}"),
    }
}

/// The speed-up against the smallest pool, whose own speed-up is taken to be its number of workers.
fn measured(ui: &Ui, name: String, color: usize, sizes: &[(u32, Summary)]) -> Series {
    let first = &sizes[0];
    let base = f64::from(first.0);
    let points = sizes.iter().map(|(size, time)| {
        let quotient = Quotient::of(&first.1, time);
        let half = quotient.half_width.filter(|_| *size != first.0).map(|half| half * base);
        ChartPoint::with_half_width(f64::from(*size), quotient.value * base, half)
    });
    Series { name, color: theme::palette(ui).line(color), points: points.collect(), line: LineKind::Solid, dots: true }
}

fn ideal(ui: &Ui, largest: u32) -> Series {
    let points = [1, largest].map(|size| ChartPoint::new(size.into(), size.into())).into();
    Series { name: "ideal".to_owned(), color: theme::palette(ui).edge, points, line: LineKind::Solid, dots: false }
}

fn law_points(largest: u32, speed_up: &dyn Fn(f64) -> f64) -> Vec<ChartPoint> {
    let at = |step: u32| 1.0 + f64::from(largest - 1) * f64::from(step) / f64::from(LAW_POINTS);
    (0..=LAW_POINTS).map(|step| ChartPoint::new(at(step), speed_up(at(step)))).collect()
}

/// The fitted laws, or why they could not be fitted.
fn laws_ui(ui: &mut Ui, digest: &Digest) {
    let residual = |share: f64| {
        let verdict = if share > FITTING { "it does not describe these times" } else { "residual" };
        format!("{verdict}: {:.1} % off", share * 100.0)
    };
    let left_out = if digest.left_out { " (without the sizes beyond the number of cores)" } else { "" };
    let none = |name: &str, why: &NoFit| format!("{name} could not be fitted: {why}{left_out}.");
    let amdahl = match &digest.amdahl {
        Ok(Amdahl { serial_fraction, half_width, residual: share, .. }) => format!(
            "Amdahl's law: {:.1} ± {:.1} % of the work is serial ({}).",
            serial_fraction * 100.0,
            half_width * 100.0,
            residual(*share)
        ),
        Err(why) => none("Amdahl's law", why),
    };
    let usl = match &digest.usl {
        Ok(law @ Usl { contention, coherence, residual: share, .. }) => {
            let peak = law.peak().map_or_else(String::new, |peak| format!(", fastest at {peak:.0} workers"));
            format!(
                "Universal Scalability Law: contention {contention:.3}, coherence {coherence:.5}{peak} ({}).",
                residual(*share)
            )
        }
        Err(why) => none("The Universal Scalability Law", why),
    };
    for words in [amdahl, usl] {
        ui.add(egui::Label::new(RichText::new(words).small().color(theme::palette(ui).text)).wrap());
    }
}
