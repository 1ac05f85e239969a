//! The visible part of a run's time, shared by all plots of a page: zooming one zooms all, and the pointer's moment is marked
//! in all of them.

use egui::{Event, EventFilter, Key, Rangef, Response, Stroke, StrokeKind, Ui};

use crate::ui::theme;
use fanlane_core::model::Stretch;

/// Minimum visible span: 10 µs.
const MIN_SPAN_NS: f64 = 1e4;
/// The visible span of an empty run.
const EMPTY_SPAN_NS: f64 = 1e7;
/// The share of the view by which an arrow key moves it.
const KEY_STEP: f64 = 0.1;

/// The visible part of a run's time, and the selected one.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TimeWindow {
    /// A drag selects a stretch of time also without Shift.
    pub selects: bool,
    /// A drag in the overview chooses what is in view.
    pub(super) selects_view: bool,
    view: View,
    end_ns: f64,
    pointer_ns: Option<f64>,
    next_pointer_ns: Option<f64>,
    selection: Option<Stretch>,
    /// Where the drag began that selects.
    anchor_ns: Option<f64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum View {
    #[default]
    Whole,
    Newest {
        span_ns: f64,
    },
    Fixed {
        from_ns: f64,
        span_ns: f64,
    },
}

impl TimeWindow {
    /// Sets the end of the run; called once per frame before anything is drawn.
    pub fn begin(&mut self, end_ns: u64) {
        self.end_ns = (end_ns as f64).max(EMPTY_SPAN_NS);
        self.pointer_ns = self.next_pointer_ns.take();
    }

    /// The first and the last visible moment, in nanoseconds since the run's start.
    pub fn range_ns(&self) -> (f64, f64) {
        match self.view {
            View::Whole => (0.0, self.end_ns),
            View::Newest { span_ns } => ((self.end_ns - span_ns).max(0.0), self.end_ns),
            View::Fixed { from_ns, span_ns } => (from_ns, from_ns + span_ns),
        }
    }

    /// The length of the visible part, in nanoseconds.
    pub fn span_ns(&self) -> f64 {
        let (from_ns, to_ns) = self.range_ns();
        to_ns - from_ns
    }

    /// The moment under the pointer, wherever on the page it is.
    pub fn pointer_ns(&self) -> Option<f64> {
        self.pointer_ns
    }

    /// The view follows the newest moment.
    pub fn follows(&self) -> bool {
        !matches!(self.view, View::Fixed { .. })
    }

    /// The whole run is visible.
    pub fn is_whole(&self) -> bool {
        self.view == View::Whole
    }

    /// Follows the newest moment and keeps the zoom.
    pub fn follow(&mut self) {
        if let View::Fixed { span_ns, .. } = self.view {
            self.view = View::Newest { span_ns };
        }
    }

    /// Shows the whole run.
    pub fn show_whole(&mut self) {
        self.view = View::Whole;
    }

    /// Zooms in (factor above 1) or out around a moment, which stays where it is.
    pub fn zoom(&mut self, factor: f64, around_ns: f64) {
        let (from_ns, _) = self.range_ns();
        let old_ns = self.span_ns();
        let span_ns = (old_ns / factor).max(MIN_SPAN_NS);
        if span_ns >= self.end_ns {
            self.view = View::Whole;
        } else {
            self.place(around_ns - (around_ns - from_ns) * span_ns / old_ns, span_ns);
        }
    }

    /// Moves the view to later moments, or with a negative value to earlier ones.
    pub fn pan(&mut self, by_ns: f64) {
        let (from_ns, _) = self.range_ns();
        if !self.is_whole() && by_ns != 0.0 {
            self.place(from_ns + by_ns, self.span_ns());
        }
    }

    /// Shows a stretch of time and nothing else.
    pub fn show(&mut self, stretch: Stretch) {
        let span_ns = (stretch.span_ns() as f64).max(MIN_SPAN_NS);
        if span_ns >= self.end_ns { self.show_whole() } else { self.place(stretch.from_ns as f64, span_ns) }
    }

    /// Moves the view so that a moment is in its middle.
    pub fn center_on(&mut self, time_ns: f64) {
        if !self.is_whole() {
            let span_ns = self.span_ns();
            self.place(time_ns - span_ns / 2.0, span_ns);
        }
    }

    /// The end of the run, in nanoseconds since its start.
    pub const fn end_ns(&self) -> f64 {
        self.end_ns
    }

    /// The selected stretch of time.
    pub const fn selection(&self) -> Option<Stretch> {
        self.selection
    }

    /// Selects a stretch of time, or none.
    pub fn select(&mut self, selection: Option<Stretch>) {
        self.selection = selection;
    }

    /// Moves the view by the shortest way that shows a span.
    pub fn reveal(&mut self, from_ns: f64, to_ns: f64) {
        let (left_ns, right_ns) = self.range_ns();
        if from_ns < left_ns {
            self.pan(from_ns - left_ns);
        } else if to_ns > right_ns {
            self.pan((to_ns - right_ns).min(from_ns - left_ns));
        }
    }

    fn place(&mut self, from_ns: f64, span_ns: f64) {
        self.view = View::Fixed { from_ns: from_ns.clamp(0.0, (self.end_ns - span_ns).max(0.0)), span_ns };
    }

    /// The moment at a place of a time axis that takes up `x`.
    pub fn time_at(&self, x: Rangef, place: f32) -> f64 {
        let (from_ns, _) = self.range_ns();
        from_ns + f64::from((place - x.min) / x.span().max(1.0)) * self.span_ns()
    }

    /// The place of a moment on a time axis that takes up `x`.
    pub fn place_of(&self, x: Rangef, time_ns: f64) -> f32 {
        let (from_ns, _) = self.range_ns();
        x.min + ((time_ns - from_ns) / self.span_ns()) as f32 * x.span()
    }

    /// Wheel, drag, double click and pointer over something whose time axis takes up `x`: Ctrl and the wheel zoom, Shift and the
    /// wheel move; a drag moves, and with Shift it selects.
    pub fn navigate(&mut self, ui: &Ui, response: &Response, x: Rangef) {
        let shift = ui.input(|input| input.modifiers.shift);
        if response.double_clicked() {
            self.show_whole();
        } else if response.drag_started() && (shift || self.selects) {
            let origin = ui.input(|input| input.pointer.press_origin());
            self.anchor_ns = origin.map(|origin| self.time_at(x, origin.x));
        } else if let Some(anchor_ns) = self.anchor_ns.filter(|_| response.dragged()) {
            let pointer = response.interact_pointer_pos().map_or(anchor_ns, |pointer| self.time_at(x, pointer.x));
            let [one, other] = [anchor_ns, pointer].map(|time_ns| time_ns.clamp(0.0, self.end_ns) as u64);
            self.selection = Some(Stretch::between(one, other)).filter(|stretch| stretch.span_ns() > 0);
        } else if response.dragged() {
            self.pan(-f64::from(response.drag_delta().x / x.span().max(1.0)) * self.span_ns());
        }
        if response.drag_stopped() {
            self.anchor_ns = None;
        }
        let Some(pointer) = response.hover_pos().filter(|pointer| x.contains(pointer.x)) else { return };
        let (sideways, factor) = ui.input_mut(|input| {
            // Consumed here, so that it does not also scroll an area around it.
            (std::mem::take(&mut input.smooth_scroll_delta.x), input.zoom_delta())
        });
        if factor != 1.0 {
            self.zoom(f64::from(factor), self.time_at(x, pointer.x));
        }
        self.pan(-f64::from(sideways / x.span().max(1.0)) * self.span_ns());
        self.next_pointer_ns = Some(self.time_at(x, pointer.x));
    }
}

impl TimeWindow {
    /// Handles the keys of a focused plot and draws its focus ring: arrows move, with Shift they select, + and − zoom, Home shows
    /// the whole run, End follows.
    pub fn navigate_by_keys(&mut self, ui: &Ui, response: &Response) {
        if !response.has_focus() {
            return;
        }
        let filter = EventFilter { horizontal_arrows: true, ..EventFilter::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
        self.zoom_by_keys(ui, None);
        let step_ns = self.span_ns() * KEY_STEP;
        self.select_by_keys(ui);
        self.pan(arrows(ui, false) * step_ns);
        let ring = Stroke::new(theme::FOCUS, theme::palette(ui).accent);
        ui.painter().rect_stroke(response.rect, theme::RADIUS, ring, StrokeKind::Inside);
    }

    /// Shift with the arrow keys moves the end of the selection; it begins in the middle of the view.
    pub fn select_by_keys(&mut self, ui: &Ui) {
        let steps = arrows(ui, true);
        if steps == 0.0 {
            return;
        }
        let (from_ns, to_ns) = self.range_ns();
        let middle_ns = ((from_ns + to_ns) / 2.0) as u64;
        let selection = self.selection.unwrap_or(Stretch::between(middle_ns, middle_ns));
        let end_ns = steps.mul_add(self.span_ns() * KEY_STEP, selection.to_ns as f64).clamp(0.0, self.end_ns) as u64;
        self.selection = Some(Stretch::between(selection.from_ns, end_ns)).filter(|stretch| stretch.span_ns() > 0);
    }

    /// The keys +, −, Home and End; they zoom around a moment, or around the middle.
    pub fn zoom_by_keys(&mut self, ui: &Ui, around_ns: Option<f64>) {
        let (from_ns, to_ns) = self.range_ns();
        let around_ns = around_ns.unwrap_or((from_ns + to_ns) / 2.0);
        if pressed(ui, Key::Plus) || pressed(ui, Key::Equals) {
            self.zoom(2.0, around_ns);
        }
        if pressed(ui, Key::Minus) {
            self.zoom(0.5, around_ns);
        }
        if pressed(ui, Key::Home) {
            self.show_whole();
        }
        if pressed(ui, Key::End) {
            self.follow();
        }
    }
}

/// How often the right arrow key was pressed, less the left one, with Shift or without.
pub fn arrows(ui: &Ui, with_shift: bool) -> f64 {
    let step = |event: &Event| match event {
        Event::Key { key, pressed: true, modifiers, .. } if modifiers.shift == with_shift && !modifiers.command => {
            f64::from(u8::from(*key == Key::ArrowRight)) - f64::from(u8::from(*key == Key::ArrowLeft))
        }
        _ => 0.0,
    };
    ui.input(|input| input.events.iter().map(step).sum())
}

/// A key without Ctrl, Alt or Command, which the window uses; + may need Shift.
pub fn pressed(ui: &Ui, key: Key) -> bool {
    ui.input(|input| {
        input.key_pressed(key) && !input.modifiers.command && !input.modifiers.alt && !input.modifiers.ctrl
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(end_ns: u64) -> TimeWindow {
        let mut window = TimeWindow::default();
        window.begin(end_ns);
        window
    }

    #[test]
    fn the_moment_under_the_pointer_stays_while_zooming() {
        let mut window = window(10_000_000_000);
        let x = Rangef::new(100.0, 1100.0);
        let before_ns = window.time_at(x, 400.0);
        window.zoom(5.0, before_ns);
        assert!((window.time_at(x, 400.0) - before_ns).abs() < 1.0);
        assert!((window.span_ns() - 2e9).abs() < 1.0);
        assert!((window.place_of(x, before_ns) - 400.0).abs() < 0.01);
    }

    #[test]
    fn the_view_never_leaves_the_run() {
        let mut window = window(10_000_000_000);
        window.zoom(10.0, 0.0);
        window.pan(-5e9);
        assert_eq!(window.range_ns(), (0.0, 1e9));
        window.pan(50e9);
        assert_eq!(window.range_ns(), (9e9, 10e9));
        window.zoom(1e-3, 5e9);
        assert!(window.is_whole());
        window.zoom(1e12, 5e9);
        assert!((window.span_ns() - MIN_SPAN_NS).abs() < 1e-3);
    }

    #[test]
    fn following_shows_the_newest_until_the_view_is_moved() {
        let mut window = window(10_000_000_000);
        window.zoom(10.0, 5e9);
        assert!(!window.follows());
        window.begin(20_000_000_000);
        assert_eq!(window.range_ns(), (4.5e9, 5.5e9));
        window.follow();
        assert_eq!(window.range_ns(), (19e9, 20e9));
        window.begin(30_000_000_000);
        assert_eq!(window.range_ns(), (29e9, 30e9));
        window.show_whole();
        assert_eq!(window.range_ns(), (0.0, 30e9));
    }

    #[test]
    fn a_stretch_is_shown_as_it_is_and_the_view_moves_to_a_moment() {
        let mut window = window(10_000_000_000);
        window.center_on(5e9);
        assert!(window.is_whole(), "there is nothing to move");
        window.show(Stretch::between(3_000_000_000, 1_000_000_000));
        assert_eq!(window.range_ns(), (1e9, 3e9));
        window.center_on(9.9e9);
        assert_eq!(window.range_ns(), (8e9, 10e9));
        window.show(Stretch::between(0, 20_000_000_000));
        assert!(window.is_whole());
    }

    #[test]
    fn what_is_to_be_seen_comes_into_view_by_the_shortest_way() {
        let mut window = window(10_000_000_000);
        window.zoom(10.0, 5e9);
        window.reveal(7e9, 7.5e9);
        assert_eq!(window.range_ns(), (6.5e9, 7.5e9));
        window.reveal(2e9, 9e9);
        assert_eq!(window.range_ns(), (2e9, 3e9));
    }
}
