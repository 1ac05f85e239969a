//! The view Chunk size: wall time by tasks per message, with Python's default marked.

use egui::{RichText, Ui};
use egui_material_icons::icons::ICON_STACKED_BAR_CHART;

use crate::ui::theme;
use crate::ui::widgets::chart::{
    Chart, ChartAxis, ChartMark, ChartPoint, LineKind, Scale, Series, chart_legend_ui, chart_ui,
};
use crate::ui::widgets::empty_state_ui;
use fanlane_core::model::race::{RaceModel, chunks};

use super::secs_words;

pub fn chunk_sizes_ui(ui: &mut Ui, model: &RaceModel) {
    let Some(found) = model.chunk_times() else {
        let advice = "Switch on Chunks above and race again: chunk sizes then take part in the largest pool.";
        empty_state_ui(ui, ICON_STACKED_BAR_CHART, "No chunk sizes were raced", advice);
        return;
    };
    let default = chunks::python_default(found.tasks, found.workers);
    let words = format!(
        "A chunk is the number of tasks in one message to a worker. Small chunks cost messages, large ones leave workers idle \
         at the end. Measured in a pool of {} with {} tasks; Python's Pool.map would take chunks of {default}.",
        found.workers, found.tasks
    );
    ui.add(egui::Label::new(RichText::new(words).small().color(theme::palette(ui).text_weak)).wrap());
    let (first, last) = (found.times[0].0, found.times[found.times.len() - 1].0);
    let (min, max) = (f64::from(first) / 1.3, f64::from(last.max(default)) * 1.3);
    let mut series = vec![Series {
        name: "fixed chunks".to_owned(),
        color: theme::palette(ui).line(0),
        points: found
            .times
            .iter()
            .map(|(size, time)| ChartPoint::with_half_width(f64::from(*size), time.mean, time.half_width()))
            .collect(),
        line: LineKind::Solid,
        dots: true,
    }];
    if let Some(adaptive) = &found.adaptive {
        series.push(Series {
            name: "adaptive (the default)".to_owned(),
            color: theme::palette(ui).line(1),
            points: [min, max].map(|x| ChartPoint::new(x, adaptive.mean)).into(),
            line: LineKind::Dashed,
            dots: false,
        });
    }
    chart_legend_ui(ui, &series);
    let highest = series.iter().map(Series::top).fold(0.0, f64::max);
    let sizes = found.times.iter().map(|(size, _)| f64::from(*size)).collect();
    let marks = [ChartMark { x: default.into(), words: format!("Python's {default}") }];
    let value = found.times.iter().map(|(size, time)| format!("{size}: {}", secs_words(time.mean)));
    let chart = Chart {
        name: "Wall time over chunk size",
        value: value.collect::<Vec<_>>().join(", "),
        x: ChartAxis {
            title: "chunk size (tasks per message)",
            min,
            max,
            scale: Scale::Log2At(sizes),
            words: &|value| format!("{value:.0}"),
        },
        y: ChartAxis { title: "wall time", min: 0.0, max: highest * 1.06, scale: Scale::Linear, words: &secs_words },
        series: &series,
        marks: &marks,
    };
    let height = ui.available_height();
    chart_ui(ui, &chart, height);
}
