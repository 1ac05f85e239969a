//! The page Live: the lanes of the workers, and below them the cores, the queue and the throughput, on one axis of time.
//!
//! Starting and stopping are not here but in the bar above all pages.

mod bands;
mod lists;
pub(in crate::ui::views) mod names;
mod page;
mod status;

use egui::{Align, Layout, Rangef, Rect, Ui, UiBuilder, pos2, vec2};
use egui_material_icons::icons::{ICON_PLAY_ARROW, ICON_VIEW_TIMELINE};

use crate::session::sentence;
use crate::ui::widgets::lanes::{self, AROUND_ROWS, MAX_ROW, SCROLL_WIDTH};
use crate::ui::widgets::overview::OVERVIEW_HEIGHT;
use crate::ui::widgets::{
    HeatStripState, LanesAction, LanesData, LanesState, TaskInfo, TaskOrder, TimeColumns, TimeWindow, empty_state_ui,
    lanes_ui, overview_ui,
};
use crate::ui::{sanitize, theme};
use fanlane_core::event::TaskId;
use fanlane_core::job::Batch;
use fanlane_core::model::{RunModel, Stretch, Waiting, overdue};

pub use page::LiveView;

/// Height of the line above the lanes, in points.
const STATUS_HEIGHT: f32 = 4.0 * theme::UNIT;
/// Minimum height of the lanes with all around them, in points.
const MIN_LANES: f32 = AROUND_ROWS + 6.0 * theme::ROW;
/// Heights of the page from which on bands have these heights: cores, queue, throughput, in points; 0: left out.
const BAND_HEIGHTS: [(f32, [f32; 3]); 5] = [
    (1000.0, [168.0, 160.0, 144.0]),
    (840.0, [136.0, 136.0, 120.0]),
    (680.0, [120.0, 120.0, 96.0]),
    (560.0, [104.0, 112.0, 0.0]),
    (0.0, [76.0, 88.0, 0.0]),
];

/// The data of the page.
pub struct LiveData<'a> {
    /// What is known of the run.
    pub model: &'a RunModel,
    /// The tasks; `None` where nothing is known of them.
    pub batch: Option<&'a Batch>,
    /// The run's time, in nanoseconds since its start; once it has ended, its end.
    pub now_ns: u64,
    /// The run can be asked for more than the end of a task.
    pub can_steer: bool,
    /// What the tasks are called.
    pub tasks: &'a dyn TaskInfo,
}

impl LiveData<'_> {
    fn waiting(&self) -> Waiting<'_> {
        let Self { batch, model, now_ns, .. } = *self;
        Waiting { batch, model, now_ns }
    }

    fn lanes_data(&self) -> LanesData<'_> {
        let Self { model, now_ns, can_steer, tasks, .. } = *self;
        LanesData { lanes: &model.lanes, now_ns, can_steer, overdue_ns: overdue::limit_ns(&model.durations), tasks }
    }
}

/// The state of the page between frames.
#[derive(Clone, Default)]
pub struct LiveState {
    /// The part of the run's time in view, and the selected one.
    pub window: TimeWindow,
    cores_as_lines: bool,
    /// Throughput in place of the queue, where there is room for one of them.
    shows_throughput: bool,
    heat: HeatStripState,
    lanes: LanesState,
}

impl LiveState {
    /// The state for another run: keeps how things are drawn, but no place in time.
    pub fn for_another_run(&self) -> Self {
        Self {
            cores_as_lines: self.cores_as_lines,
            shows_throughput: self.shows_throughput,
            lanes: self.lanes.for_another_run(),
            ..Self::default()
        }
    }
}

/// A request of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LiveAction {
    /// Show this task's results.
    OpenTask(TaskId),
    /// Show the results of the tasks that ran in this stretch of time.
    ShowStretch(Stretch),
    /// Do something with a task that has not ended.
    Order(TaskId, TaskOrder),
    /// Run a task of the ended run again.
    Rerun(TaskId),
    /// Start tasks again.
    Resume,
}

/// Draws the page in the available room. During a run the caller repaints regularly.
pub fn live_ui(ui: &mut Ui, data: &LiveData<'_>, state: &mut LiveState) -> Option<LiveAction> {
    if data.model.progress.tasks == 0 && data.model.lanes.lanes().is_empty() {
        let advice = "Press Run, or Ctrl+Enter: each worker gets a lane here, and each task a bar.";
        empty_state_ui(ui, ICON_PLAY_ARROW, "No run yet: press Run", advice);
        return None;
    }
    state.window.begin(data.now_ns.max(data.model.lanes.end_ns()));
    let seen_ns = state.window.range_ns();
    let full = ui.available_rect_before_wrap();
    ui.painter().rect_filled(full, 2 * theme::RADIUS, theme::palette(ui).sunken);
    let inner = full.shrink2(vec2(theme::UNIT + theme::HALF, theme::UNIT));
    let parts = Parts::of(inner, data.model.lanes.lanes().len());
    let mut action = part_ui(ui, "status", parts.status, |ui| status::status_ui(ui, data, state));
    let steps = data.model.depth.steps(data.now_ns);
    part_ui(ui, "lanes", parts.lanes, |ui| {
        if data.model.lanes.lanes().is_empty() {
            no_lanes_ui(ui, data);
            return;
        }
        let asked = lanes_ui(ui, &data.lanes_data(), parts.columns, &mut state.window, &mut state.lanes);
        action = action.or(asked.map(|asked| match asked {
            LanesAction::Open(task) => LiveAction::OpenTask(task),
            LanesAction::ShowStretch(stretch) => LiveAction::ShowStretch(stretch),
            LanesAction::Order(task, order) => LiveAction::Order(task, order),
            LanesAction::Rerun(task) => LiveAction::Rerun(task),
        }));
    });
    overview_ui(ui, parts.overview, &steps, &data.model.pool, &mut state.window);
    for (band, rect) in parts.bands {
        part_ui(ui, band.name(), rect, |ui| {
            bands::band_ui(ui, band, rect, parts.columns, data, &steps, state);
        });
    }
    if state.window.range_ns() != seen_ns {
        // What was drawn before the gesture shows the time before it.
        ui.ctx().request_repaint();
    }
    ui.advance_cursor_after_rect(full);
    action
}

/// A plot with its title.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Band {
    Cores,
    Queue,
    Throughput,
    /// Queue or throughput.
    Either,
}

impl Band {
    const fn name(self) -> &'static str {
        match self {
            Self::Cores => "Cores",
            Self::Queue => "Queue",
            Self::Throughput => "Throughput",
            Self::Either => "Queue or throughput",
        }
    }
}

/// Where the parts of the page are.
struct Parts {
    columns: TimeColumns,
    status: Rect,
    lanes: Rect,
    overview: Rect,
    bands: Vec<(Band, Rect)>,
}

impl Parts {
    /// The lanes get what the bands leave, and the bands what the lanes cannot use.
    fn of(full: Rect, lanes: usize) -> Self {
        let heads = Rangef::new(full.left(), full.left() + lanes::heads_width(full.width()));
        let columns = TimeColumns { heads, time: Rangef::new(heads.max, full.right() - SCROLL_WIDTH) };
        let (_, heights) = BAND_HEIGHTS.into_iter().find(|(from, _)| full.height() >= *from).unwrap_or(BAND_HEIGHTS[4]);
        let mut bands = match heights {
            [cores, queue, 0.0] => vec![(Band::Cores, cores), (Band::Either, queue)],
            [cores, queue, pool] => vec![(Band::Cores, cores), (Band::Queue, queue), (Band::Throughput, pool)],
        };
        let gaps = theme::UNIT * (bands.len() + 1) as f32;
        let room = full.height() - STATUS_HEIGHT - OVERVIEW_HEIGHT - gaps;
        let banded: f32 = bands.iter().map(|(_, height)| height).sum();
        let wanted = AROUND_ROWS + MAX_ROW * lanes.max(2) as f32;
        let lanes_height = (room - banded).min(wanted).max(MIN_LANES.min(room * 0.6));
        let spare = (room - banded - lanes_height) / bands.len() as f32;
        bands.iter_mut().for_each(|(_, height)| *height = (*height + spare).max(0.0).floor());
        let mut top = full.top();
        let mut next = |height: f32, gap: f32| {
            let part = Rect::from_min_max(pos2(full.left(), top), pos2(full.right(), top + height));
            top += height + gap;
            part
        };
        let status = next(STATUS_HEIGHT, 0.0);
        let lanes = next(lanes_height.floor(), 0.0);
        let overview = Rect::from_x_y_ranges(columns.time, next(OVERVIEW_HEIGHT, theme::UNIT).y_range());
        let bands = bands.into_iter().map(|(band, height)| (band, next(height, theme::UNIT))).collect();
        Self { columns, status, lanes, overview, bands }
    }
}

fn part_ui<R>(ui: &mut Ui, name: &str, rect: Rect, contents: impl FnOnce(&mut Ui) -> R) -> R {
    let builder = UiBuilder::new().max_rect(rect).id_salt(name).layout(Layout::top_down(Align::Min));
    ui.scope_builder(builder, contents).inner
}

fn no_lanes_ui(ui: &mut Ui, data: &LiveData<'_>) {
    let progress = &data.model.progress;
    let (title, advice) = match (&progress.cannot_start, data.waiting().queue_words()) {
        (Some(reason), _) => ("No worker can be started", sentence(reason)),
        (None, _) if progress.summary.is_some() => {
            ("No lanes", "The run ended before any worker had started.".to_owned())
        }
        (None, Some(words)) if progress.held.is_some() => ("No worker yet", words),
        (None, _) if progress.workers == 0 => {
            ("No worker yet", "The pool has no workers: move the slider to start some.".to_owned())
        }
        (None, _) => ("Starting workers", "Each worker gets a lane here.".to_owned()),
    };
    empty_state_ui(ui, ICON_VIEW_TIMELINE, title, &sanitize::line(advice.as_bytes()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_every_size_all_parts_fit_and_at_least_six_lanes_are_in_view() {
        for (width, height) in [(750.0, 440.0), (750.0, 470.0), (1690.0, 900.0), (2330.0, 1260.0)] {
            for lanes in [1, 2, 6, 20, 500] {
                let full = Rect::from_min_size(pos2(10.0, 20.0), vec2(width, height));
                let parts = Parts::of(full, lanes);
                let all = parts.bands.iter().map(|(_, rect)| *rect).chain([parts.status, parts.lanes, parts.overview]);
                for rect in all {
                    assert!(full.expand(1.0).contains_rect(rect), "{lanes} lanes at {width}×{height}: {rect:?}");
                }
                let rows = (parts.lanes.height() - AROUND_ROWS) / theme::ROW;
                assert!(rows >= (lanes as f32).min(6.0) - 0.1, "{lanes} lanes at {width}×{height}: {rows} rows");
                assert!(parts.bands.iter().all(|(_, rect)| rect.height() >= 64.0), "{width}×{height}");
                let bottom = parts.bands.last().map_or(0.0, |(_, rect)| rect.bottom());
                assert!(full.bottom() - bottom < 12.0, "nothing is left over: {bottom} of {}", full.bottom());
            }
        }
    }
}
