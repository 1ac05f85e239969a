//! The visible part of a run's time, shared by all plots of a page: zooming one zooms all, and the pointer's moment is marked
//! in all of them.

use egui::{EventFilter, Key, Rangef, Response, Stroke, StrokeKind, Ui};

use crate::ui::theme;

/// Minimum visible span: 10 µs.
const MIN_SPAN_NS: f64 = 1e4;
/// The visible span of an empty run.
const EMPTY_SPAN_NS: f64 = 1e7;
/// The share of the view by which an arrow key moves it.
const KEY_STEP: f64 = 0.1;
/// How far one notch of the wheel (50 points) zooms.
const ZOOM_PER_POINT: f32 = 1.0 / 200.0;

/// The visible part of a run's time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TimeWindow {
    view: View,
    end_ns: f64,
    pointer_ns: Option<f64>,
    next_pointer_ns: Option<f64>,
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

    /// Wheel, drag, double click and pointer over something whose time axis takes up `x`.
    pub fn navigate(&mut self, ui: &Ui, response: &Response, x: Rangef) {
        if response.double_clicked() {
            self.show_whole();
        } else if response.dragged() {
            self.pan(-f64::from(response.drag_delta().x / x.span().max(1.0)) * self.span_ns());
        }
        let Some(pointer) = response.hover_pos().filter(|pointer| x.contains(pointer.x)) else { return };
        let (scroll, pinch) = ui.input_mut(|input| {
            // Consumed here, so that it does not also scroll an area around it.
            (std::mem::take(&mut input.smooth_scroll_delta), input.zoom_delta())
        });
        let factor = (scroll.y * ZOOM_PER_POINT).exp() * pinch;
        if factor != 1.0 {
            self.zoom(f64::from(factor), self.time_at(x, pointer.x));
        }
        self.pan(-f64::from(scroll.x / x.span().max(1.0)) * self.span_ns());
        self.next_pointer_ns = Some(self.time_at(x, pointer.x));
    }
}

impl TimeWindow {
    /// Handles the keys of a focused plot and draws its focus ring: arrows move, + and − zoom, Home shows the whole run, End
    /// follows.
    pub fn navigate_by_keys(&mut self, ui: &Ui, response: &Response) {
        if !response.has_focus() {
            return;
        }
        let filter = EventFilter { horizontal_arrows: true, ..EventFilter::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
        self.zoom_by_keys(ui, None);
        let step_ns = self.span_ns() * KEY_STEP;
        if pressed(ui, Key::ArrowLeft) {
            self.pan(-step_ns);
        }
        if pressed(ui, Key::ArrowRight) {
            self.pan(step_ns);
        }
        let ring = Stroke::new(theme::FOCUS, theme::palette(ui).accent);
        ui.painter().rect_stroke(response.rect, theme::RADIUS, ring, StrokeKind::Inside);
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
    fn what_is_to_be_seen_comes_into_view_by_the_shortest_way() {
        let mut window = window(10_000_000_000);
        window.zoom(10.0, 5e9);
        window.reveal(7e9, 7.5e9);
        assert_eq!(window.range_ns(), (6.5e9, 7.5e9));
        window.reveal(2e9, 9e9);
        assert_eq!(window.range_ns(), (2e9, 3e9));
    }
}
