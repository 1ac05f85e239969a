//! The view Times: the standings, and below them the progress curves of the runs in one chart.

use egui::{RichText, Ui};

use crate::ui::theme;
use crate::ui::widgets::chart::{Chart, ChartAxis, ChartPoint, LineKind, Scale, Series, chart_legend_ui, chart_ui};
use crate::ui::widgets::quantity;
use fanlane_core::model::race::{CurvePoint, RaceModel, Standing};

use super::digest::Digest;
use super::standings::standings_ui;
use super::{Look, race_name, secs_words};

/// Minimum height of the curves, in points.
const MIN_CURVES_HEIGHT: f32 = 20.0 * theme::UNIT;
/// Height of the legend with its distances, in points.
const LEGEND_HEIGHT: f32 = 3.0 * theme::UNIT;

pub fn times_ui(ui: &mut Ui, model: &RaceModel, digest: &Digest, beside: Option<(&Digest, &RaceModel)>, room: f32) {
    let bottom = ui.cursor().top() + room;
    let standings = in_race(model, &digest.standings);
    if standings.is_empty() {
        let words = "Bars appear after the first run that counts; the first round is a warm-up.";
        ui.label(RichText::new(words).color(theme::palette(ui).text_weak));
    } else {
        if let Some((_, other)) = beside {
            let words = format!("Wide bars: {}. Thin bars: {}.", race_name(model), race_name(other));
            ui.label(RichText::new(words).small().color(theme::palette(ui).text_weak));
        }
        // What was asked for comes first: all bars are seen, and the curves take what is left.
        let beside = beside.map(|(digest, other)| (other, digest.standings.as_slice()));
        ui.scope(|ui| standings_ui(ui, model, &standings, beside));
    }
    let height = (bottom - ui.cursor().top() - LEGEND_HEIGHT).max(MIN_CURVES_HEIGHT);
    curves_ui(ui, model, height);
}

/// Chunk sizes have a view of their own.
fn in_race(model: &RaceModel, standings: &[Standing]) -> Vec<Standing> {
    let takes_part = |one: &&Standing| model.contenders()[one.contender].chunk.is_none();
    standings.iter().filter(takes_part).cloned().collect()
}

/// The newest run of each contender, and the one under way.
fn curves_ui(ui: &mut Ui, model: &RaceModel, height: f32) {
    let mut series: Vec<Series> = Vec::new();
    for (place, contender) in model.contenders().iter().enumerate() {
        if contender.chunk.is_some() {
            continue;
        }
        let running = model.current.as_ref().filter(|current| current.turn.contender == place);
        let newest = model.runs.iter().rev().find(|run| run.turn.contender == place);
        let (curve, name) = match (running, newest) {
            (Some(running), _) if !running.curve.is_empty() => {
                (&running.curve, format!("{} (running)", contender.name()))
            }
            (_, Some(run)) => (&run.curve, contender.name()),
            _ => continue,
        };
        let look = Look::of(ui, model, place);
        let line = if look.dashed { LineKind::Dashed } else { LineKind::Solid };
        series.push(Series { name, color: look.color, points: steps(curve), line, dots: false });
    }
    let tasks = model.header.as_ref().and_then(|header| header.cases.first()).map_or(1, |case| case.tasks.max(1));
    let ends = series.iter().filter_map(|one| one.points.last());
    let longest = ends.map(|point| point.x).fold(0.0, f64::max);
    chart_legend_ui(ui, &series);
    let chart = Chart {
        name: "Progress of the newest runs",
        value: format!("{} runs of {tasks} tasks, the slowest {}", series.len(), secs_words(longest)),
        x: ChartAxis {
            title: "time since the run's start",
            min: 0.0,
            max: if longest > 0.0 { longest * 1.02 } else { 1.0 },
            scale: Scale::Linear,
            words: &secs_words,
        },
        y: ChartAxis {
            title: "tasks ended, latest run of each",
            min: 0.0,
            max: tasks as f64,
            scale: Scale::Linear,
            words: &|value| if value.fract() == 0.0 { quantity::short_count(value) } else { String::new() },
        },
        series: &series,
        marks: &[],
    };
    chart_ui(ui, &chart, height);
}

/// A curve as steps: its value changes only when tasks end.
fn steps(curve: &[CurvePoint]) -> Vec<ChartPoint> {
    let mut points = vec![ChartPoint::new(0.0, 0.0)];
    for (at_ns, ended) in curve {
        let secs = *at_ns as f64 / 1e9;
        let before = points.last().map_or(0.0, |point| point.y);
        points.push(ChartPoint::new(secs, before));
        points.push(ChartPoint::new(secs, *ended as f64));
    }
    points
}
