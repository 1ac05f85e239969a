//! Draws the bars of the visible rows as one mesh. Bars that share a pixel are one rectangle with the worst outcome. What
//! succeeded is calm and low; everything else is stronger and taller, so that it is seen without colour and at any width. What
//! was tried again is hatched.

use std::ops::Range;

use egui::{Color32, Mesh, Painter, Pos2, Rangef, Rect, Shape, Stroke, StrokeKind, TextureId, pos2};

use super::LanesData;
use super::find::Found;
use super::labels::{Label, MIN_ICON_WIDTH, MIN_TEXT_WIDTH};
use super::rows::Rows;
use crate::ui::theme::{self, Palette};
use crate::ui::widgets::TimeWindow;
use fanlane_core::event::OutcomeClass;
use fanlane_core::model::lanes::{LaneTimeline, Life, Mark};
use fanlane_core::model::{LatestLine, lanes};

/// Distance of a successful bar from the edges of its row, in points.
const DONE_INSET: f32 = 4.0;
/// Distance of any other bar from the edges of its row, in points.
const OTHER_INSET: f32 = 2.0;
/// Maximum distance of a successful bar from the edges of its row, as a share of its height.
const MAX_INSET_SHARE: f32 = 0.13;
/// Height of the progress line of a running task, in points.
const PROGRESS_HEIGHT: f32 = 3.0;
/// Minimum opacity of a pixel that is hardly busy.
const MIN_OPACITY: f32 = 0.35;
/// Distance of the lines of a hatch, and their width, in points.
const HATCH: [f32; 2] = [8.0, 3.0];

/// Where bars are drawn, and what.
pub struct Scene<'a> {
    pub painter: &'a Painter,
    pub data: &'a LanesData<'a>,
    pub window: &'a TimeWindow,
    pub palette: &'a Palette,
    pub rows: &'a Rows<'a>,
    /// The top of the first row.
    pub top: f32,
    /// The axis of time.
    pub time: Rangef,
}

struct Canvas<'a> {
    scene: &'a Scene<'a>,
    mesh: Mesh,
    pending: Option<(Rect, Color32)>,
    pixel: f32,
    labels: Vec<Label>,
}

/// The colour of a bar.
pub fn fill(palette: &Palette, mark: Mark) -> Color32 {
    match mark.class() {
        Some(OutcomeClass::Done) => palette.done_bar,
        Some(class) => palette.outcome(class),
        None => palette.retried_bar,
    }
}

/// The colour of a pixel of which a share is busy, if what is in it succeeded; anything else has its full strength.
pub fn shade(palette: &Palette, mark: Mark, busy: f32) -> Color32 {
    let color = fill(palette, mark);
    if mark != Mark::Done || busy >= 1.0 {
        return color;
    }
    // In steps, so that neighbours of nearly the same shade become one rectangle.
    let share = (busy.max(MIN_OPACITY) * 16.0).round() / 16.0;
    palette.idle.lerp_to_gamma(color, share)
}

impl Scene<'_> {
    /// Draws rows that are high enough for words.
    pub fn paint(&self, shown: Range<usize>) {
        let mut canvas = Canvas::new(self);
        for row in shown {
            let rect = Rect::from_x_y_ranges(self.time, self.rows.range(row, self.top));
            if let Some(lane) = self.rows.lanes(row).first() {
                canvas.lane(&self.data.lanes.lanes()[*lane], rect);
            }
        }
        // Words are drawn above the mesh, so after it.
        for label in canvas.finish() {
            label.paint(self);
        }
    }

    /// Draws, below the tiles of thin rows, the time of the workers and what is running.
    pub fn paint_thin_ground(&self, shown: Range<usize>) {
        let mut canvas = Canvas::new(self);
        for row in shown {
            let y = self.rows.range(row, self.top);
            let lanes = self.rows.lanes(row).iter().map(|lane| &self.data.lanes.lanes()[*lane]);
            for lane in lanes.clone() {
                canvas.lives(lane, y);
            }
            canvas.flush();
            for running in lanes.filter_map(|lane| lane.running) {
                let x = canvas.range(running.start_ns as f64, self.data.now_ns as f64);
                canvas.rect(Rect::from_x_y_ranges(x, y), self.palette.accent);
            }
            canvas.flush();
        }
        canvas.finish();
    }

    /// Draws, above the tiles of thin rows, lines between rows that have room for them, and the deaths of workers.
    pub fn paint_thin_marks(&self, shown: Range<usize>) {
        let mut canvas = Canvas::new(self);
        for row in shown {
            let y = self.rows.range(row, self.top);
            if self.rows.height() >= 4.0 {
                let bottom = (y.max / canvas.pixel).round() * canvas.pixel;
                let gap = Rangef::new(bottom - canvas.pixel, bottom);
                canvas.mesh.add_colored_rect(Rect::from_x_y_ranges(self.time, gap), self.palette.sunken);
            }
            for lane in self.rows.lanes(row) {
                canvas.deaths(&self.data.lanes.lanes()[*lane], y);
            }
        }
        canvas.finish();
    }
}

impl<'a> Canvas<'a> {
    fn new(scene: &'a Scene<'a>) -> Self {
        let pixel = 1.0 / scene.painter.pixels_per_point();
        let mesh = Mesh::with_texture(TextureId::default());
        Self { scene, mesh, pending: None, pixel, labels: Vec::new() }
    }

    /// Hands the mesh to the painter; returns the labels, which belong above it.
    fn finish(mut self) -> Vec<Label> {
        self.flush();
        self.scene.painter.add(Shape::mesh(self.mesh));
        self.labels
    }

    fn lane(&mut self, lane: &LaneTimeline, rect: Rect) {
        let (palette, now_ns) = (self.scene.palette, self.scene.data.now_ns);
        // Low rows need their height for words.
        let inset = |inset: f32| {
            let inset = inset.min(rect.height() * MAX_INSET_SHARE * inset / DONE_INSET);
            Rangef::new(rect.top() + inset, rect.bottom() - inset)
        };
        let middle = inset(DONE_INSET);
        self.lives(lane, middle);
        self.flush();
        let (from_ns, to_ns) = self.scene.window.range_ns();
        let pixel_ns = self.scene.window.span_ns() / f64::from(rect.width().max(1.0)) * f64::from(self.pixel);
        lane.segments(from_ns.max(0.0) as u64, to_ns.ceil() as u64, pixel_ns, |segment| {
            let done = segment.worst == Mark::Done;
            let y = if done { middle } else { inset(OTHER_INSET) };
            let x = self.range(segment.from_ns, segment.to_ns);
            let shade = shade(palette, segment.worst, segment.busy);
            self.segment(lane, &segment, Rect::from_x_y_ranges(x, y), shade);
        });
        self.flush();
        if let Some(running) = lane.running {
            let bar = Rect::from_x_y_ranges(self.range(running.start_ns as f64, now_ns as f64), inset(OTHER_INSET));
            self.rect(bar, palette.accent);
            self.flush();
            if running.is_suspended {
                self.hatch(bar, palette.idle);
            }
            let progress = lane.progress().map(|progress| progress.fraction);
            if let Some(done) = progress {
                // The end is unknown, so the progress is a share of the bar so far, not of the time.
                let y = Rangef::new(bar.bottom() - PROGRESS_HEIGHT, bar.bottom());
                self.mesh.add_colored_rect(Rect::from_x_y_ranges(bar.x_range(), y), palette.idle);
                let right = bar.left() + bar.width() * done;
                self.mesh
                    .add_colored_rect(Rect::from_x_y_ranges(Rangef::new(bar.left(), right), y), palette.text_strong);
            }
            if bar.width() >= MIN_ICON_WIDTH {
                let is_overdue =
                    self.scene.data.overdue_ns.is_some_and(|limit_ns| running.start_ns + limit_ns < now_ns);
                let icon = match running.is_suspended {
                    true => theme::stopped_icon(),
                    false if is_overdue => theme::overdue_icon(),
                    false => theme::running_icon(),
                };
                let line = lane.latest_line().map(LatestLine::words);
                let (task, start_ns) = (running.task, running.start_ns);
                let wall_ns = now_ns.saturating_sub(start_ns);
                let (fill, is_hatched) = (palette.accent, running.is_suspended);
                let label = Label { rect: bar, task, start_ns, icon, fill, is_hatched, progress, line, wall_ns };
                self.labels.push(label);
            }
        }
        self.deaths(lane, rect.y_range());
    }

    fn segment(&mut self, lane: &LaneTimeline, segment: &lanes::Segment, mut bar: Rect, shade: Color32) {
        if segment.count > 1 || bar.width() < 4.0 * self.pixel {
            return self.rect(bar, shade);
        }
        // A gap separates it from the next bar.
        bar.max.x -= self.pixel;
        self.rect(bar, shade);
        let done = segment.worst == Mark::Done;
        if segment.worst == Mark::Retried && bar.width() >= HATCH[0] {
            self.flush();
            self.hatch(bar, self.scene.palette.idle);
        }
        if bar.width() >= if done { MIN_TEXT_WIDTH } else { MIN_ICON_WIDTH } {
            let attempt = lane.bars.as_slice()[segment.first];
            let icon = segment.worst.class().map_or_else(theme::retried_icon, theme::outcome_icon);
            let (task, start_ns, wall_ns) = (attempt.task(), attempt.start_ns, attempt.wall_ns);
            let (progress, line) = (None, None);
            let (fill, is_hatched) = (shade, segment.worst == Mark::Retried);
            self.labels.push(Label { rect: bar, task, start_ns, icon, fill, is_hatched, progress, line, wall_ns });
        }
    }

    /// The time in which the lane had a worker.
    fn lives(&mut self, lane: &LaneTimeline, y: Rangef) {
        let now_ns = self.scene.data.now_ns;
        for life in self.lives_in_view(lane) {
            let x = self.range(life.from_ns as f64, life.to_ns.unwrap_or(now_ns) as f64);
            self.rect(Rect::from_x_y_ranges(x, y), self.scene.palette.idle);
        }
    }

    fn deaths(&mut self, lane: &LaneTimeline, y: Rangef) {
        let (from_ns, to_ns) = self.scene.window.range_ns();
        let now_ns = self.scene.data.now_ns;
        for life in self.lives_in_view(lane).iter().filter(|life| life.died) {
            let at_ns = life.to_ns.unwrap_or(now_ns) as f64;
            if (from_ns..=to_ns).contains(&at_ns) {
                let x = self.range(at_ns, at_ns);
                let mark = Rangef::new(x.min - self.pixel, x.max + self.pixel);
                let color = self.scene.palette.outcome(OutcomeClass::Lost);
                self.rect(Rect::from_x_y_ranges(mark, y), color);
            }
        }
        self.flush();
    }

    /// There are many lives if workers die in a loop.
    fn lives_in_view<'b>(&self, lane: &'b LaneTimeline) -> &'b [Life] {
        let (from_ns, to_ns) = self.scene.window.range_ns();
        let now_ns = self.scene.data.now_ns;
        let first = lane.lives.partition_point(|life| (life.to_ns.unwrap_or(now_ns) as f64) < from_ns);
        let last = lane.lives.partition_point(|life| (life.from_ns as f64) <= to_ns);
        &lane.lives[first..last.max(first)]
    }

    /// At least one pixel wide, and on whole pixels, so that nothing flickers while the view moves.
    fn range(&self, from_ns: f64, to_ns: f64) -> Rangef {
        let (x, window) = (self.scene.time, self.scene.window);
        let snap = |place: f32| (place / self.pixel).round() * self.pixel;
        let left = snap(window.place_of(x, from_ns).clamp(x.min - 1.0, x.max + 1.0));
        let right = snap(window.place_of(x, to_ns).clamp(x.min - 1.0, x.max + 1.0));
        Rangef::new(left, right.max(left + self.pixel))
    }

    fn rect(&mut self, rect: Rect, color: Color32) {
        if let Some((last, last_color)) = &mut self.pending
            && *last_color == color
            && last.y_range() == rect.y_range()
            && rect.left() <= last.right()
            && rect.left() >= last.left()
        {
            last.max.x = last.max.x.max(rect.right());
            return;
        }
        self.flush();
        self.pending = Some((rect, color));
    }

    fn flush(&mut self) {
        if let Some((rect, color)) = self.pending.take() {
            self.mesh.add_colored_rect(rect, color);
        }
    }

    /// Slanted lines across a bar.
    fn hatch(&mut self, bar: Rect, color: Color32) {
        let seen = bar.intersect(Rect::from_x_y_ranges(self.scene.time, bar.y_range()));
        let [distance, width] = HATCH;
        let mut foot = bar.left() - bar.height() + ((seen.left() - bar.left()) / distance).floor() * distance;
        while foot < seen.right() {
            // From the foot to the head, cut off at the ends of the bar.
            let cut = |x: f32| x.clamp(seen.left(), seen.right());
            let low = |x: f32| pos2(cut(x), bar.bottom() - (cut(x) - x).clamp(0.0, bar.height()));
            let high = |x: f32| {
                let head = x + bar.height();
                pos2(cut(head), bar.top() + (head - cut(head)).clamp(0.0, bar.height()))
            };
            self.quad([low(foot), low(foot + width), high(foot + width), high(foot)], color);
            foot += distance;
        }
    }

    fn quad(&mut self, corners: [Pos2; 4], color: Color32) {
        let first = self.mesh.vertices.len() as u32;
        corners.into_iter().for_each(|corner| self.mesh.colored_vertex(corner, color));
        self.mesh.add_triangle(first, first + 1, first + 2);
        self.mesh.add_triangle(first, first + 2, first + 3);
    }
}

/// Draws a frame around a bar.
pub fn paint_frame(painter: &Painter, window: &TimeWindow, rect: Rect, found: &Found, color: Color32) {
    let left = window.place_of(rect.x_range(), found.from_ns as f64).max(rect.left());
    let right = window.place_of(rect.x_range(), found.to_ns as f64).min(rect.right());
    let frame = Rect::from_x_y_ranges(Rangef::new(left, right.max(left + 2.0)), rect.y_range());
    painter.rect_stroke(frame, 1.0, Stroke::new(theme::LINE, color), StrokeKind::Outside);
}
