//! Draws the bars of the visible lanes as one mesh. Bars that share a pixel are one rectangle with the worst outcome. Bars that
//! did not succeed are taller, so that they are visible without colour and at any width.

use std::ops::Range;

use egui::{Align2, Color32, Mesh, Painter, Rangef, Rect, Shape, Stroke, StrokeKind, TextureId, pos2};

use super::{Found, LanesData};
use crate::ui::theme::{self, Palette};
use crate::ui::widgets::TimeWindow;
use fanlane_core::event::{OutcomeClass, TaskId};
use fanlane_core::model::lanes::LaneTimeline;
use fanlane_core::model::{LatestLine, format};

/// Distance of a successful bar from the edges of its row, in points.
const DONE_INSET: f32 = 5.0;
/// Distance of any other bar from the edges of its row, in points.
const OTHER_INSET: f32 = 2.0;
/// Minimum width of a bar with its task's number, in points; also of a successful one with its icon.
const MIN_NUMBER_WIDTH: f32 = 7.0 * theme::UNIT;
/// Minimum width of a bar with its outcome's icon, in points.
const MIN_ICON_WIDTH: f32 = 2.0 * theme::UNIT;
/// Height of the progress line of a running task, in points.
const PROGRESS_HEIGHT: f32 = 3.0;
/// Maximum length of a line in a bar, in characters: more than any bar has room for.
const MAX_LINE_CHARS: usize = 400;
/// Minimum opacity of a pixel that is hardly busy.
const MIN_OPACITY: f32 = 0.35;

struct Canvas<'a> {
    painter: &'a Painter,
    palette: &'a Palette,
    window: &'a TimeWindow,
    mesh: Mesh,
    pending: Option<(Rect, Color32)>,
    pixel: f32,
}

/// Draws the bars of some lanes.
pub fn paint(
    painter: &Painter,
    data: &LanesData<'_>,
    window: &TimeWindow,
    palette: &Palette,
    lanes: Range<usize>,
    rect_of: &dyn Fn(usize) -> Rect,
) {
    let mut canvas = Canvas {
        painter,
        palette,
        window,
        mesh: Mesh::with_texture(TextureId::default()),
        pending: None,
        pixel: 1.0 / painter.pixels_per_point(),
    };
    // Words are drawn above the mesh, so after it.
    let mut words = Vec::new();
    for index in lanes {
        let lane = &data.lanes.lanes()[index];
        canvas.lane(lane, rect_of(index), data.now_ns, &mut words);
    }
    let mesh = std::mem::take(&mut canvas.mesh);
    painter.add(Shape::mesh(mesh));
    for words in words {
        canvas.words(&words, data.number);
    }
}

struct Words {
    rect: Rect,
    task: TaskId,
    class: Option<OutcomeClass>,
    fill: Color32,
    /// The reported progress, 0 to 1.
    progress: Option<f32>,
    /// The latest line of a running task.
    line: Option<String>,
}

impl Canvas<'_> {
    fn lane(&mut self, lane: &LaneTimeline, rect: Rect, now_ns: u64, words: &mut Vec<Words>) {
        let x = rect.x_range();
        let (from_ns, to_ns) = self.window.range_ns();
        let middle = Rangef::new(rect.top() + DONE_INSET, rect.bottom() - DONE_INSET);
        // There are many lives if workers die in a loop.
        let first = lane.lives.partition_point(|life| (life.to_ns.unwrap_or(now_ns) as f64) < from_ns);
        let last = lane.lives.partition_point(|life| (life.from_ns as f64) <= to_ns);
        let lives = &lane.lives[first..last.max(first)];
        for life in lives {
            let range = self.range(x, life.from_ns as f64, life.to_ns.unwrap_or(now_ns) as f64);
            self.rect(Rect::from_x_y_ranges(range, middle), self.palette.idle);
        }
        self.flush();
        let pixel_ns = self.window.span_ns() / f64::from(x.span().max(1.0)) * f64::from(self.pixel);
        lane.segments(from_ns.max(0.0) as u64, to_ns.ceil() as u64, pixel_ns, |segment| {
            let color = self.palette.outcome(segment.worst);
            let done = segment.worst == OutcomeClass::Done;
            let inset = if done { DONE_INSET } else { OTHER_INSET };
            let y = Rangef::new(rect.top() + inset, rect.bottom() - inset);
            let mut range = self.range(x, segment.from_ns, segment.to_ns);
            let shade = if done && segment.busy < 1.0 {
                // In steps, so that neighbours of nearly the same shade become one rectangle.
                let share = (segment.busy.max(MIN_OPACITY) * 16.0).round() / 16.0;
                self.palette.idle.lerp_to_gamma(color, share)
            } else {
                color
            };
            if segment.count == 1 && range.span() >= 4.0 * self.pixel {
                // A gap separates it from the next bar.
                range.max -= self.pixel;
                if range.span() >= if done { MIN_NUMBER_WIDTH } else { MIN_ICON_WIDTH } {
                    let rect = Rect::from_x_y_ranges(range, y);
                    let task = lane.bars.as_slice()[segment.first].task();
                    words.push(Words {
                        rect,
                        task,
                        class: Some(segment.worst),
                        fill: color,
                        progress: None,
                        line: None,
                    });
                }
            }
            self.rect(Rect::from_x_y_ranges(range, y), shade);
        });
        self.flush();
        if let Some(running) = lane.running {
            let range = self.range(x, running.start_ns as f64, now_ns as f64);
            let bar = Rect::from_x_y_ranges(range, middle);
            self.rect(bar, self.palette.accent);
            let progress = lane.progress().map(|progress| progress.fraction);
            if let Some(done) = progress {
                // The end is unknown, so the progress is a share of the bar so far, not of the time.
                self.flush();
                let y = Rangef::new(bar.bottom() - PROGRESS_HEIGHT, bar.bottom());
                self.rect(Rect::from_x_y_ranges(bar.x_range(), y), self.palette.idle);
                let right = bar.left() + bar.width() * done;
                self.flush();
                self.rect(Rect::from_x_y_ranges(Rangef::new(bar.left(), right), y), self.palette.text_strong);
                self.flush();
            }
            if range.span() >= MIN_ICON_WIDTH {
                let line = lane.latest_line().map(LatestLine::words);
                words.push(Words {
                    rect: bar,
                    task: running.task,
                    class: None,
                    fill: self.palette.accent,
                    progress,
                    line,
                });
            }
        }
        for life in lives.iter().filter(|life| life.died) {
            let at_ns = life.to_ns.unwrap_or(now_ns) as f64;
            if (from_ns..=to_ns).contains(&at_ns) {
                let range = self.range(x, at_ns, at_ns);
                let mark = Rangef::new(range.min - self.pixel, range.max + self.pixel);
                self.rect(Rect::from_x_y_ranges(mark, rect.y_range()), self.palette.outcome(OutcomeClass::Lost));
            }
        }
        self.flush();
    }

    // At least one pixel wide, and on whole pixels, so that nothing flickers while the view moves.
    fn range(&self, x: Rangef, from_ns: f64, to_ns: f64) -> Rangef {
        let snap = |place: f32| (place / self.pixel).round() * self.pixel;
        let left = snap(self.window.place_of(x, from_ns).clamp(x.min - 1.0, x.max + 1.0));
        let right = snap(self.window.place_of(x, to_ns).clamp(x.min - 1.0, x.max + 1.0));
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

    fn words(&self, words: &Words, number: &dyn Fn(TaskId) -> u64) {
        let color = theme::on(words.fill);
        let visible = words.rect.intersect(self.painter.clip_rect());
        let icon = words.class.map_or(theme::running_icon(), theme::outcome_icon).codepoint;
        let size = (words.rect.height() - 2.0).clamp(8.0, theme::SMALL_SIZE + 1.0);
        if visible.width() < MIN_ICON_WIDTH {
            return;
        }
        let painter = self.painter.with_clip_rect(visible);
        let at = pos2(visible.left() + theme::HALF / 2.0, words.rect.center().y);
        painter.text(at, Align2::LEFT_CENTER, icon, theme::icon_font(size), color);
        if visible.width() >= MIN_NUMBER_WIDTH {
            let at = pos2(at.x + size + theme::HALF, at.y);
            let font = egui::FontId::monospace(size - 1.0);
            let number = number(words.task);
            let mut text = number.to_string();
            if let Some(done) = words.progress {
                text += &format!(" · {}", format::percent((done * 100.0).into()));
            }
            if let Some(line) = &words.line {
                text += &format!(" · {}", line.chars().take(MAX_LINE_CHARS).collect::<String>());
            }
            painter.text(at, Align2::LEFT_CENTER, text, font, color);
        }
    }
}

/// Draws a frame around a bar.
pub fn paint_mark(painter: &Painter, window: &TimeWindow, rect: Rect, found: &Found, color: Color32) {
    let left = window.place_of(rect.x_range(), found.from_ns as f64).max(rect.left());
    let right = window.place_of(rect.x_range(), found.to_ns as f64).min(rect.right());
    let frame = Rect::from_x_y_ranges(Rangef::new(left, right.max(left + 2.0)), rect.y_range());
    painter.rect_stroke(frame, 1.0, Stroke::new(theme::LINE, color), StrokeKind::Outside);
}
