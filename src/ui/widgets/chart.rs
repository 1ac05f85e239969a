//! A chart of a few series of points, with whiskers, lines and marks, on linear or logarithmic axes; a tooltip shows values.
//! Plots over the time of a run are not here but in `plot_frame`.

mod axis;

use egui::{Align2, Color32, FontId, Pos2, Rect, Response, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::describe;
use crate::ui::theme::{self, Palette};

pub use axis::{ChartAxis, Scale};

/// Width of the numbers at the left, in points.
const LEFT: f32 = 8.0 * theme::UNIT;
/// Height of the numbers and the title below, in points.
const BELOW: f32 = 4.5 * theme::UNIT;
/// Height of the title of the vertical axis and of marks, in points.
const ABOVE: f32 = 2.5 * theme::UNIT;
/// Maximum number of marks on the vertical axis.
const MAX_MARKS: f32 = 8.0;
/// Half the width of a whisker's ends, in points.
const WHISKER: f32 = 3.0;

/// A point, with or without a whisker.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChartPoint {
    /// Horizontal.
    pub x: f64,
    /// Vertical.
    pub y: f64,
    /// The ends of the whisker.
    pub interval: Option<(f64, f64)>,
}

impl ChartPoint {
    /// A point without a whisker.
    pub const fn new(x: f64, y: f64) -> Self {
        Self { x, y, interval: None }
    }

    /// A point with a whisker of `half_width` to both sides.
    pub fn with_half_width(x: f64, y: f64, half_width: Option<f64>) -> Self {
        Self { x, y, interval: half_width.map(|half| (y - half, y + half)) }
    }
}

/// How the points of a series are joined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LineKind {
    /// Not at all.
    None,
    /// By a line.
    #[default]
    Solid,
    /// By a dashed line: a law, a prediction, another race.
    Dashed,
}

/// A series of points.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Its name in the legend and in the read-out.
    pub name: String,
    /// Its colour.
    pub color: Color32,
    /// From left to right.
    pub points: Vec<ChartPoint>,
    /// How they are joined.
    pub line: LineKind,
    /// Each is drawn as a dot.
    pub dots: bool,
}

impl Series {
    /// The highest value, with whiskers; 0 without points.
    pub fn top(&self) -> f64 {
        self.points.iter().map(|point| point.interval.map_or(point.y, |(_, high)| high)).fold(0.0, f64::max)
    }
}

/// A named place on the horizontal axis.
#[derive(Clone, Debug, PartialEq)]
pub struct ChartMark {
    /// The place.
    pub x: f64,
    /// The name.
    pub words: String,
}

/// The contents of a chart.
pub struct Chart<'a> {
    /// Its accessible name.
    pub name: &'a str,
    /// Its accessible value: the figures in words.
    pub value: String,
    /// The horizontal axis.
    pub x: ChartAxis<'a>,
    /// The vertical axis.
    pub y: ChartAxis<'a>,
    /// The series.
    pub series: &'a [Series],
    /// Named places.
    pub marks: &'a [ChartMark],
}

/// Draws a chart in the available width and in `height` points.
pub fn chart_ui(ui: &mut Ui, chart: &Chart<'_>, height: f32) -> Response {
    let palette = theme::palette(ui);
    let size = vec2(ui.available_width(), height.max(ABOVE + BELOW + theme::ROW));
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    let area = Rect::from_min_max(
        pos2(rect.left() + LEFT, rect.top() + ABOVE),
        pos2(rect.right() - theme::GAP, rect.bottom() - BELOW),
    );
    let small = FontId::proportional(theme::SMALL_SIZE);
    axes_ui(ui, chart, rect, area, palette, &small);
    let place =
        |point: &ChartPoint, y: f64| pos2(chart.x.place(point.x, area.x_range()), chart.y.place(y, upwards(area)));
    let painter = ui.painter().with_clip_rect(area.expand(WHISKER + 1.0));
    for mark in chart.marks {
        let x = chart.x.place(mark.x, area.x_range());
        let pen = Stroke::new(1.0, palette.edge);
        painter.extend(Shape::dashed_line(&[pos2(x, area.top()), pos2(x, area.bottom())], pen, 4.0, 3.0));
        let to_the_right = x < area.center().x;
        let (align, x) = if to_the_right { (Align2::LEFT_BOTTOM, x) } else { (Align2::RIGHT_BOTTOM, x) };
        ui.painter().text(pos2(x, area.top() - 2.0), align, &mark.words, small.clone(), palette.text);
    }
    for series in chart.series {
        let line: Vec<Pos2> = series.points.iter().map(|point| place(point, point.y)).collect();
        let pen = Stroke::new(theme::LINE, series.color);
        match series.line {
            LineKind::None => {}
            LineKind::Solid => drop(painter.add(Shape::line(line.clone(), pen))),
            LineKind::Dashed => painter.extend(Shape::dashed_line(&line, pen, 6.0, 4.0)),
        }
        for (point, at) in series.points.iter().zip(&line) {
            if let Some((low, high)) = point.interval {
                let [low, high] = [low, high].map(|end| place(point, end).y);
                painter.vline(at.x, high..=low, pen);
                for y in [low, high] {
                    painter.hline(at.x - WHISKER..=at.x + WHISKER, y, pen);
                }
            }
            if series.dots {
                painter.circle_filled(*at, WHISKER, series.color);
            }
        }
    }
    describe(ui, &response, Role::Image, chart.name, || chart.value.clone());
    match response.hover_pos().filter(|pointer| area.contains(*pointer)) {
        Some(pointer) => {
            painter.vline(pointer.x, area.y_range(), Stroke::new(1.0, palette.edge));
            let at = chart.x.value_at(pointer.x, area.x_range());
            response.on_hover_ui_at_pointer(|ui| read_out_ui(ui, chart, at))
        }
        None => response,
    }
}

fn upwards(area: Rect) -> egui::Rangef {
    egui::Rangef::new(area.bottom(), area.top())
}

fn axes_ui(ui: &Ui, chart: &Chart<'_>, rect: Rect, area: Rect, palette: &Palette, font: &FontId) {
    let painter = ui.painter();
    let grid = Stroke::new(1.0, palette.grid);
    let title_color = palette.text_weak;
    painter.text(pos2(rect.left(), rect.top()), Align2::LEFT_TOP, chart.y.title, font.clone(), title_color);
    let title_at = pos2(area.right(), rect.bottom());
    painter.text(title_at, Align2::RIGHT_BOTTOM, chart.x.title, font.clone(), title_color);
    for value in chart.y.marks((area.height() / (4.0 * theme::UNIT)).min(MAX_MARKS)) {
        let y = chart.y.place(value, upwards(area));
        painter.hline(area.x_range(), y, grid);
        let at = pos2(area.left() - theme::HALF, y);
        painter.text(at, Align2::RIGHT_CENTER, (chart.y.words)(value), font.clone(), palette.text_weak);
    }
    let mut free_from = f32::NEG_INFINITY;
    for value in chart.x.marks(area.width() / (8.0 * theme::UNIT)) {
        let x = chart.x.place(value, area.x_range());
        painter.vline(x, area.y_range(), grid);
        let words = painter.layout_no_wrap((chart.x.words)(value), font.clone(), palette.text_weak);
        let left = x - words.size().x / 2.0;
        // Words that would overlap are left out; their line stays.
        if left > free_from {
            free_from = left + words.size().x + theme::UNIT;
            painter.galley(pos2(left, area.bottom() + theme::HALF), words, palette.text_weak);
        }
    }
    painter.hline(area.x_range(), area.bottom(), Stroke::new(1.0, palette.edge));
}

/// The value of each series at a place, or nearest to it.
fn read_out_ui(ui: &mut Ui, chart: &Chart<'_>, at: f64) {
    ui.label(format!("{}: {}", chart.x.title, (chart.x.words)(at)));
    for series in chart.series {
        let nearest = series.points.iter().min_by(|one, other| {
            let distance = |point: &ChartPoint| (chart.x.along(point.x) - chart.x.along(at)).abs();
            distance(one).total_cmp(&distance(other))
        });
        if let Some(point) = nearest {
            let words = match point.interval {
                Some((low, high)) => {
                    format!("{} ({} to {})", (chart.y.words)(point.y), (chart.y.words)(low), (chart.y.words)(high))
                }
                None => (chart.y.words)(point.y),
            };
            let at = (chart.x.words)(point.x);
            ui.horizontal(|ui| {
                key_ui(ui, series);
                ui.label(format!("{} at {at}: {words}", series.name));
            });
        }
    }
}

/// The names of the series, in as many rows as necessary.
pub fn chart_legend_ui(ui: &mut Ui, series: &[Series]) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(theme::UNIT, theme::HALF);
        // Rows of words, not of buttons.
        ui.spacing_mut().interact_size.y = theme::SMALL_SIZE;
        for one in series {
            // A key and its words stay together.
            let font = FontId::proportional(theme::SMALL_SIZE);
            let words = ui.painter().layout_no_wrap(one.name.clone(), font, theme::palette(ui).text);
            let size = vec2(words.size().x + 3.0 * theme::UNIT, words.size().y);
            let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
            key_at(ui, Rect::from_min_size(rect.min, vec2(2.0 * theme::UNIT, rect.height())), one);
            ui.painter().galley(pos2(rect.left() + 2.5 * theme::UNIT, rect.top()), words, theme::palette(ui).text);
            response.widget_info(|| WidgetInfo::labeled(Role::Label, ui.is_enabled(), &one.name));
        }
    });
}

fn key_ui(ui: &mut Ui, series: &Series) {
    let (rect, _) = ui.allocate_exact_size(vec2(2.0 * theme::UNIT, theme::UNIT), Sense::hover());
    key_at(ui, rect, series);
}

fn key_at(ui: &Ui, rect: Rect, series: &Series) {
    let pen = Stroke::new(2.0 * theme::LINE, series.color);
    match series.line {
        LineKind::None => {}
        LineKind::Solid => drop(ui.painter().hline(rect.x_range(), rect.center().y, pen)),
        LineKind::Dashed => {
            let ends = [rect.left_center(), rect.right_center()];
            ui.painter().extend(Shape::dashed_line(&ends, pen, 4.0, 3.0));
        }
    }
    if series.dots {
        ui.painter().circle_filled(rect.center(), WHISKER, series.color);
    }
}
