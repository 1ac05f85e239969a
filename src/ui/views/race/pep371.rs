//! The view PEP 371: its six workloads in 2008 and here, on the same axes.

use egui::{RichText, ScrollArea, Ui, vec2};
use egui_material_icons::icons::ICON_SPORTS_SCORE;

use crate::session::RaceCommand;
use crate::ui::icon_button::primary_button;
use crate::ui::request::Requests;
use crate::ui::theme;
use crate::ui::widgets::chart::{Chart, ChartAxis, ChartPoint, LineKind, Scale, Series, chart_legend_ui, chart_ui};
use fanlane_core::job::Mode;
use fanlane_core::model::race::RaceModel;
use fanlane_core::model::race::pep371::{PepWorkload, SOURCE, WORKERS, WORKLOADS, WorkSet, threads_note};

use super::secs_words;

/// Minimum width for three charts in a row, in points.
const WIDE: f32 = 100.0 * theme::UNIT;
/// Minimum height of a chart, in points.
const MIN_HEIGHT: f32 = 24.0 * theme::UNIT;

pub fn wall_ui(ui: &mut Ui, model: Option<&RaceModel>, obstacle: Option<String>, requests: &mut Requests) {
    let size = model.and_then(|model| model.header.as_ref()).and_then(WorkSet::of).unwrap_or_default();
    ui.horizontal(|ui| {
        let obstacle = obstacle.as_deref();
        let race = primary_button(ui, ICON_SPORTS_SCORE, "Race the six workloads", obstacle.is_none());
        let race = race.on_hover_text("72 combinations, each run at least three times: about half a minute");
        if race.on_disabled_hover_text(obstacle.unwrap_or_default()).clicked() {
            requests.command(RaceCommand::StartPep371(WorkSet::Of2008));
        }
        let today = ui.add_enabled(obstacle.is_none(), egui::Button::new("With longer tasks"));
        let today = today.on_hover_text("Tasks of some tens of milliseconds in place of those of 2008: about a minute");
        if today.on_disabled_hover_text(obstacle.unwrap_or_default()).clicked() {
            requests.command(RaceCommand::StartPep371(WorkSet::Today));
        }
        let python = ui.add_enabled(obstacle.is_none(), egui::Button::new("In Python"));
        let python = python
            .on_hover_text("The work of 2008 by functions of Python, in the interpreter that is found: about a minute");
        if python.on_disabled_hover_text(obstacle.unwrap_or_default()).clicked() {
            requests.command(RaceCommand::StartPep371(WorkSet::Python));
        }
        let words = "n workers do n times the work; their start and end are timed, too.";
        let words = RichText::new(words).small().color(theme::palette(ui).text_weak);
        ui.add(egui::Label::new(words).truncate());
    });
    let legend: Vec<Series> = Mode::ALL
        .into_iter()
        .flat_map(|mode| series(ui, model, 0, &WORKLOADS[0], size, mode))
        .filter(|one| model.is_some() || one.line == LineKind::Dashed)
        .collect();
    chart_legend_ui(ui, &legend);
    let source = if size.has_table() { format!("Dashed: {SOURCE}. ") } else { String::new() };
    let threads = threads_note(size, model.and_then(|model| model.interpreter.as_ref()));
    let note = format!("{source}{} {threads}", size.note());
    ui.add(egui::Label::new(RichText::new(note).small().color(theme::palette(ui).text_weak)).wrap());
    let columns = if ui.available_width() >= WIDE { 3 } else { 2 };
    let rows = WORKLOADS.len().div_ceil(columns);
    let height = (ui.available_height() / rows as f32 - 6.0 * theme::UNIT).max(MIN_HEIGHT);
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        let width = (ui.available_width() - theme::UNIT * (columns - 1) as f32) / columns as f32;
        for (row, workloads) in WORKLOADS.chunks(columns).enumerate() {
            ui.horizontal_top(|ui| {
                for (column, workload) in workloads.iter().enumerate() {
                    ui.allocate_ui(vec2(width, height + theme::ROW), |ui| {
                        let case = (row * columns + column) as u32;
                        ui.vertical(|ui| workload_ui(ui, model, case, workload, size, height));
                    });
                }
            });
        }
    });
}

/// The lines of a mode: of 2008, where the work is that of 2008, and of this machine.
fn series(
    ui: &Ui,
    model: Option<&RaceModel>,
    case: u32,
    workload: &PepWorkload,
    size: WorkSet,
    mode: Mode,
) -> impl Iterator<Item = Series> {
    let then = size.has_table().then(|| then(ui, workload, mode));
    then.into_iter().chain([here(ui, model, case, mode)])
}

fn workload_ui(ui: &mut Ui, model: Option<&RaceModel>, case: u32, workload: &PepWorkload, size: WorkSet, height: f32) {
    ui.horizontal(|ui| {
        ui.label(RichText::new(workload.name(size)).color(theme::palette(ui).text_strong));
        let speed_ups = model.and_then(|model| model.wall_speed_ups(case, size));
        let differs = workload.differs(size);
        let differs = (!differs.is_empty()).then(|| format!("here: {differs}"));
        if let Some(words) = speed_ups.or(differs) {
            let words = RichText::new(words).small().color(theme::palette(ui).text_weak);
            ui.add(egui::Label::new(words).truncate());
        }
    });
    let series: Vec<Series> =
        Mode::ALL.into_iter().flat_map(|mode| series(ui, model, case, workload, size, mode)).collect();
    let all = || series.iter().flat_map(|one| &one.points).map(|point| point.y).filter(|secs| *secs > 0.0);
    let (low, high) = (all().fold(f64::INFINITY, f64::min), all().fold(0.0, f64::max));
    let value = series.iter().filter_map(|one| {
        let last = one.points.last()?;
        Some(format!("{} at 8: {}", one.name, secs_words(last.y)))
    });
    let chart = Chart {
        name: workload.name(size),
        value: value.collect::<Vec<_>>().join(", "),
        x: ChartAxis {
            title: "workers",
            min: 0.9,
            max: 9.0,
            scale: Scale::Log2At(WORKERS.map(f64::from).into()),
            words: &|value| format!("{value:.0}"),
        },
        y: ChartAxis {
            title: "seconds, logarithmic",
            min: low / 1.5,
            max: high * 1.5,
            scale: Scale::Log(10.0),
            words: &secs_words,
        },
        series: &series,
        marks: &[],
    };
    chart_ui(ui, &chart, height);
}

fn color(ui: &Ui, mode: Mode) -> egui::Color32 {
    theme::palette(ui).line(match mode {
        Mode::One => 5,
        Mode::Threads => 1,
        Mode::Pool => 0,
    })
}

const fn word(mode: Mode) -> &'static str {
    match mode {
        Mode::One => "one process",
        Mode::Threads => "threads",
        Mode::Pool => "processes",
    }
}

fn then(ui: &Ui, workload: &PepWorkload, mode: Mode) -> Series {
    let points =
        WORKERS.iter().zip(workload.secs(mode)).map(|(workers, secs)| ChartPoint::new(f64::from(*workers), *secs));
    Series {
        name: format!("{} 2008", word(mode)),
        color: color(ui, mode),
        points: points.collect(),
        line: LineKind::Dashed,
        dots: false,
    }
}

fn here(ui: &Ui, model: Option<&RaceModel>, case: u32, mode: Mode) -> Series {
    let points = WORKERS.iter().filter_map(|workers| {
        let time = model?.wall_time(case, mode, *workers)?;
        // A logarithmic axis has no place for an interval that reaches below 0.
        let half = time.half_width().filter(|half| *half < time.mean);
        Some(ChartPoint::with_half_width(f64::from(*workers), time.mean, half))
    });
    Series {
        name: format!("{} here", word(mode)),
        color: color(ui, mode),
        points: points.collect(),
        line: LineKind::Solid,
        dots: true,
    }
}
