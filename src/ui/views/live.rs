//! The page Live: the use of the cores, the length of the queue, and the lanes of the workers, on one axis of time.
//!
//! Starting, pausing and stopping are not here but in the bar above all pages.

mod page;

use egui::{Align, Frame, Layout, Margin, Response, RichText, Role, Ui, UiBuilder, WidgetInfo, pos2, vec2};
use egui_material_icons::MaterialIcon;
use egui_material_icons::icons::{
    ICON_FIT_SCREEN, ICON_GRID_ON, ICON_LAST_PAGE, ICON_MEMORY, ICON_PLAY_ARROW, ICON_SHOW_CHART, ICON_VIEW_TIMELINE,
};

use crate::ui::theme;
use crate::ui::widgets::plot_frame::Y_AXIS_WIDTH;
use crate::ui::widgets::{
    HeatStripState, LanesData, LanesState, TimeWindow, core_average_ui, core_legend_ui, core_lines_ui, count_badge_ui,
    depth_plot_ui, empty_state_ui, heat_legend_ui, heat_strip, heat_strip_ui, hold_words, lanes, lanes_ui,
    running_badge_ui,
};
use fanlane_core::event::{OutcomeClass, TaskId};
use fanlane_core::model::format;
use fanlane_core::model::{CoreHistory, DepthHistory, LaneHistory, Progress};

pub use page::LiveView;

/// Height of cores and queue as a share of the page: minimum, maximum if the lanes have to scroll, maximum if not.
const UPPER_SHARES: [f32; 3] = [0.34, 0.46, 0.74];
/// Height of a card's title and its margins, in points.
const CARD_HEIGHT: f32 = TITLE_HEIGHT + 3.0 * theme::UNIT;
/// Height of a card's title and its controls, in points.
const TITLE_HEIGHT: f32 = 3.5 * theme::UNIT;
/// Minimum width of the legend of a card, in points.
const MIN_LEGEND_WIDTH: f32 = 15.0 * theme::UNIT;
/// Minimum height of a plot below the heat strip, in points.
const MIN_PLOT_HEIGHT: f32 = 9.0 * theme::UNIT;
/// Minimum width of a card that shows its whole note, in points.
const WIDE_CARD: f32 = 60.0 * theme::UNIT;

/// The data of the page.
pub struct LiveData<'a> {
    /// The lanes of the workers.
    pub lanes: &'a LaneHistory,
    /// The use of the cores.
    pub cores: &'a CoreHistory,
    /// Queued, running and ended tasks over time.
    pub depth: &'a DepthHistory,
    /// The progress of the run.
    pub progress: &'a Progress,
    /// The run's time, in nanoseconds since its start; once it has ended, its end.
    pub now_ns: u64,
    /// The label of a task: its command line or call.
    pub label: &'a dyn Fn(TaskId) -> String,
    /// The displayed number of a task.
    pub number: &'a dyn Fn(TaskId) -> u64,
}

/// The state of the page between frames.
#[derive(Clone, Default)]
pub struct LiveState {
    /// The part of the run's time in view.
    pub window: TimeWindow,
    cores_as_lines: bool,
    heat: HeatStripState,
    lanes: LanesState,
}

impl LiveState {
    /// The state for another run: keeps how the cores are drawn, but no place in time.
    pub fn for_another_run(&self) -> Self {
        Self { cores_as_lines: self.cores_as_lines, ..Self::default() }
    }
}

/// A request of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LiveAction {
    /// Show this task's results.
    OpenTask(TaskId),
}

/// Draws the page in the available room. During a run the caller repaints regularly.
pub fn live_ui(ui: &mut Ui, data: &LiveData<'_>, state: &mut LiveState) -> Option<LiveAction> {
    if data.progress.tasks == 0 && data.lanes.lanes().is_empty() {
        let advice = "Press Run, or Ctrl+Enter: each worker gets a lane here, and each task a bar.";
        empty_state_ui(ui, ICON_PLAY_ARROW, "No run yet: press Run", advice);
        return None;
    }
    state.window.begin(data.now_ns.max(data.lanes.end_ns()));
    let full = ui.available_rect_before_wrap();
    let upper = upper_height(full.height(), data.lanes.lanes().len());
    let half = ((full.width() - theme::UNIT) / 2.0).floor();
    let middle = full.left() + half;
    let bottom = full.top() + upper;
    let cores = egui::Rect::from_min_max(full.min, pos2(middle, bottom));
    let queue = egui::Rect::from_min_max(pos2(middle + theme::UNIT, full.top()), pos2(full.right(), bottom));
    let lanes = egui::Rect::from_min_max(pos2(full.left(), bottom + theme::UNIT), full.max);
    card_ui(ui, "Cores", cores, |ui| cores_ui(ui, data, state));
    card_ui(ui, "Queue", queue, |ui| queue_ui(ui, data, state));
    let mut opened = None;
    card_ui(ui, "Lanes", lanes, |ui| opened = lanes_card_ui(ui, data, state));
    ui.advance_cursor_after_rect(full);
    opened.map(LiveAction::OpenTask)
}

// The lanes get the height that they need; the plots get the rest.
fn upper_height(height: f32, lanes: usize) -> f32 {
    let wanted = lanes::heights(lanes.max(2));
    let left = |lanes_height: f32| height - theme::UNIT - CARD_HEIGHT - lanes_height;
    let [least, crowded, largest] = UPPER_SHARES.map(|share| height * share);
    left(wanted.max).clamp(left(wanted.min).clamp(least, crowded), largest).floor()
}

fn card_ui(ui: &mut Ui, name: &str, rect: egui::Rect, contents: impl FnOnce(&mut Ui)) {
    let palette = theme::palette(ui);
    ui.painter().rect_filled(rect, 2 * theme::RADIUS, palette.sunken);
    let margin = Margin::symmetric(theme::UNIT as i8 + 4, theme::UNIT as i8);
    let builder = UiBuilder::new().max_rect(rect).id_salt(name).layout(Layout::top_down(Align::Min));
    ui.scope_builder(builder, |ui| {
        Frame::new().inner_margin(margin).show(ui, |ui| {
            ui.set_min_size(ui.available_size());
            contents(ui);
        });
    });
}

// A card's title at the left, its controls at the right.
fn title_ui(ui: &mut Ui, title: &str, note: &str, controls: impl FnOnce(&mut Ui)) {
    let palette = theme::palette(ui);
    ui.allocate_ui_with_layout(vec2(ui.available_width(), TITLE_HEIGHT), Layout::left_to_right(Align::Center), |ui| {
        ui.set_min_height(TITLE_HEIGHT);
        ui.label(RichText::new(title).text_style(theme::title_style()).color(palette.text_strong));
        if !note.is_empty() {
            ui.label(RichText::new(note).small().color(palette.text_weak));
        }
        ui.with_layout(Layout::right_to_left(Align::Center), controls);
    });
}

fn icon_button_ui(ui: &mut Ui, icon: MaterialIcon, name: &str, on: bool) -> Response {
    let text = icon.rich_text().size(theme::ICON_SIZE);
    let button = egui::Button::new(text).selected(on).frame_when_inactive(on).min_size(egui::Vec2::splat(theme::ROW));
    let response = ui.scope(|ui| {
        ui.spacing_mut().button_padding = egui::Vec2::splat(2.0);
        ui.add(button)
    });
    let response = response.inner;
    response.widget_info(|| WidgetInfo::selected(Role::Button, ui.is_enabled(), on, name));
    response.on_hover_text(name)
}

fn cores_ui(ui: &mut Ui, data: &LiveData<'_>, state: &mut LiveState) {
    let note = match data.cores.newest() {
        Some(sample) => {
            let mean = sample.core_percent.iter().sum::<f32>() / sample.core_percent.len().max(1) as f32;
            let (used, total) = (format::bytes(sample.memory_used_bytes), format::bytes(sample.memory_total_bytes));
            let memory =
                if ui.available_width() < WIDE_CARD { String::new() } else { format!(" · memory {used} of {total}") };
            format!("{mean:.0} % of {}{memory}", data.cores.cores())
        }
        None => String::new(),
    };
    title_ui(ui, "Cores", &note, |ui| {
        if icon_button_ui(ui, ICON_SHOW_CHART, "Cores as lines", state.cores_as_lines).clicked() {
            state.cores_as_lines = true;
        }
        if icon_button_ui(ui, ICON_GRID_ON, "Cores as heat strip", !state.cores_as_lines).clicked() {
            state.cores_as_lines = false;
        }
        ui.add_space(theme::UNIT);
        if ui.available_width() < MIN_LEGEND_WIDTH {
            return;
        }
        let room = vec2(ui.available_width().min(22.0 * theme::UNIT), TITLE_HEIGHT);
        ui.allocate_ui_with_layout(room, Layout::right_to_left(Align::Center), |ui| {
            if state.cores_as_lines { core_legend_ui(ui, data.cores) } else { heat_legend_ui(ui) }
        });
    });
    if data.cores.columns().is_empty() {
        let (title, advice) = if data.progress.summary.is_some() {
            ("Not measured", "The run ended before the first sample, or was not monitored.")
        } else {
            ("No measurement yet", "The first sample comes within a second.")
        };
        empty_state_ui(ui, ICON_MEMORY, title, advice);
    } else if state.cores_as_lines {
        core_lines_ui(ui, data.cores, &mut state.window);
    } else {
        heat_ui(ui, data, state);
    }
}

// A few cores do not fill the card: their average is plotted below them.
fn heat_ui(ui: &mut Ui, data: &LiveData<'_>, state: &mut LiveState) {
    let strip = heat_strip::max_height(data.cores.cores());
    let (width, spare) = (ui.available_width(), ui.available_height() - strip - 3.0 * theme::UNIT);
    if spare < MIN_PLOT_HEIGHT {
        heat_strip_ui(ui, data.cores, &mut state.window, &mut state.heat, true);
        return;
    }
    ui.allocate_ui(vec2(width, strip), |ui| {
        heat_strip_ui(ui, data.cores, &mut state.window, &mut state.heat, false);
    });
    let words = RichText::new("average of all cores").small().color(theme::palette(ui).text_weak);
    ui.spacing_mut().item_spacing.y = theme::HALF;
    ui.horizontal(|ui| {
        ui.add_space(Y_AXIS_WIDTH);
        ui.label(words);
    });
    core_average_ui(ui, data.cores, &mut state.window);
}

fn queue_ui(ui: &mut Ui, data: &LiveData<'_>, state: &mut LiveState) {
    match hold_words(data.progress) {
        Some(words) => title_ui(ui, "Queue", "", |ui| {
            // The row's controls go from the right to the left; the row has room for two small lines.
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let text = RichText::new(&words).small().color(theme::palette(ui).warning);
                ui.add(egui::Label::new(text).wrap());
            });
        }),
        None => title_ui(ui, "Queue", "tasks over time", |_| {}),
    }
    depth_plot_ui(ui, data.depth, data.now_ns, &mut state.window);
}

fn lanes_card_ui(ui: &mut Ui, data: &LiveData<'_>, state: &mut LiveState) -> Option<TaskId> {
    title_ui(ui, "Lanes", "", |ui| {
        if icon_button_ui(ui, ICON_FIT_SCREEN, "Whole run", state.window.is_whole()).clicked() {
            state.window.show_whole();
        }
        if data.progress.summary.is_none()
            && icon_button_ui(
                ui,
                ICON_LAST_PAGE,
                "Follow the newest",
                state.window.follows() && !state.window.is_whole(),
            )
            .clicked()
        {
            state.window.follow();
        }
        ui.add_space(theme::UNIT);
        // The first drawn is the rightmost.
        for class in OutcomeClass::ALL.into_iter().rev() {
            let count = data.progress.counts.of(class);
            if count > 0 || class == OutcomeClass::Done {
                count_badge_ui(ui, class, count);
                ui.add_space(theme::HALF);
            }
        }
        if data.progress.summary.is_none() {
            running_badge_ui(ui);
        }
    });
    if data.lanes.lanes().is_empty() {
        let (title, advice) = match (&data.progress.cannot_start, hold_words(data.progress)) {
            (Some(reason), _) => ("No worker can be started", reason.clone()),
            (None, Some(words)) => ("No worker yet", words),
            (None, None) if data.progress.workers == 0 => {
                ("No worker yet", "The pool has no workers: move the slider to start some.".to_owned())
            }
            (None, None) if data.progress.summary.is_some() => {
                ("No lanes", "The run ended before any worker had started.".to_owned())
            }
            (None, None) => ("Starting workers", "Each worker gets a lane here.".to_owned()),
        };
        empty_state_ui(ui, ICON_VIEW_TIMELINE, title, &advice);
        return None;
    }
    let lanes = LanesData { lanes: data.lanes, now_ns: data.now_ns, label: data.label, number: data.number };
    lanes_ui(ui, &lanes, &mut state.window, &mut state.lanes)
}
