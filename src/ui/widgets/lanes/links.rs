//! Which tasks a task waited for and which waited for it: lines between their bars, and words.

use egui::{Color32, Painter, Pos2, Shape, Stroke, pos2, vec2};

use super::bars::Scene;
use super::find::Found;
use super::{LanesData, TaskInfo};
use crate::ui::theme;
use fanlane_core::event::TaskId;
use fanlane_core::model::format;

/// Maximum number of lines to one side of a task.
const MAX_LINES: usize = 64;
/// Maximum number of tasks that are named.
const MAX_NAMED: usize = 3;
/// Length of the head of an arrow, in points.
const HEAD: f32 = 5.0;

/// Draws lines from the tasks that a task waited for, and to those that waited for it, as far as they have begun.
pub fn paint(scene: &Scene<'_>, found: &Found, color: Color32) {
    let Some(own) = ends(scene, found.place.lane, found.from_ns, found.to_ns) else { return };
    let place = |task: TaskId| {
        let (lane, from_ns, to_ns) = scene.data.tasks.place(task)?;
        ends(scene, lane, from_ns, to_ns)
    };
    let tasks = scene.data.tasks;
    for before in tasks.before(found.task).iter().copied().take(MAX_LINES).filter_map(place) {
        arrow(scene.painter, before[1], own[0], color);
    }
    for after in tasks.after(found.task).iter().copied().take(MAX_LINES).filter_map(place) {
        arrow(scene.painter, own[1], after[0], color);
    }
}

/// The middles of the left and the right edge of a bar.
fn ends(scene: &Scene<'_>, lane: usize, from_ns: u64, to_ns: u64) -> Option<[Pos2; 2]> {
    let y = scene.rows.range(scene.rows.row_of(lane)?, scene.top).center();
    Some([from_ns, to_ns].map(|time_ns| pos2(scene.window.place_of(scene.time, time_ns as f64), y)))
}

fn arrow(painter: &Painter, from: Pos2, to: Pos2, color: Color32) {
    painter.line_segment([from, to], Stroke::new(theme::LINE, color));
    let along = (to - from).normalized() * HEAD;
    let across = vec2(-along.y, along.x) * 0.5;
    painter.add(Shape::convex_polygon(vec![to, to - along + across, to - along - across], color, Stroke::NONE));
}

/// `waited for tasks 1 and 3; task 9 waits for it`; `None` for a task without either.
pub fn words(data: &LanesData<'_>, found: &Found) -> Option<String> {
    let list = |tasks: &[TaskId]| names(data.tasks, tasks);
    match (list(data.tasks.before(found.task)), list(data.tasks.after(found.task))) {
        (None, None) => None,
        (Some(before), None) => Some(format!("it waited for {before}")),
        (None, Some(after)) => Some(format!("{after} after it")),
        (Some(before), Some(after)) => Some(format!("it waited for {before}; {after} after it")),
    }
}

/// `task 1`, `tasks 1, 3`, `tasks 1, 3, 4 and 17 more`.
fn names(info: &dyn TaskInfo, tasks: &[TaskId]) -> Option<String> {
    let numbers: Vec<String> = tasks.iter().take(MAX_NAMED).map(|task| info.number(*task).to_string()).collect();
    match tasks.len() {
        0 => None,
        1 => Some(format!("task {}", numbers[0])),
        few if few <= MAX_NAMED => Some(format!("tasks {}", numbers.join(", "))),
        many => Some(format!("tasks {} and {} more", numbers.join(", "), format::count((many - MAX_NAMED) as u64))),
    }
}
