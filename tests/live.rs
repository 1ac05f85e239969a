//! The live page, walked through by its accessible names with events that never change.
#![cfg(feature = "gui")]

#[path = "support/canned/mod.rs"]
mod canned;

use std::cell::RefCell;
use std::rc::Rc;

use canned::models::{MS, Models, half_way, record};
use eframe::egui;
use egui::accesskit::Role;
use egui::{Event, Key, Modifiers, MouseWheelSource, MouseWheelUnit, Pos2, TouchPhase, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use fanlane::ui::theme;
use fanlane::ui::views::live::{LiveAction, LiveData, LiveState, live_ui};
use fanlane_core::event::{DispatchEvent, EventKind, Outcome, TaskEvent, TaskId, WorkerId};

const TIMELINE: &str = "Timeline of the lanes";

struct Page {
    harness: Harness<'static>,
    seen: Rc<RefCell<Seen>>,
}

#[derive(Default)]
struct Seen {
    state: LiveState,
    actions: Vec<LiveAction>,
}

impl Page {
    fn open(models: Models, now_ns: u64, size: [f32; 2]) -> Self {
        let seen = Rc::new(RefCell::new(Seen::default()));
        let shared = Rc::clone(&seen);
        let harness = Harness::builder().with_size(size).with_context_setup(theme::install).build_ui(move |ui| {
            let data = LiveData {
                lanes: &models.lanes,
                cores: &models.cores,
                depth: &models.depth,
                progress: &models.progress,
                now_ns,
                label: &|task| format!("echo {}", task.number()),
                number: &|task| task.number(),
            };
            let mut seen = shared.borrow_mut();
            let action = live_ui(ui, &data, &mut seen.state);
            seen.actions.extend(action);
        });
        Self { harness, seen }
    }

    fn value(&self, label: &str) -> String {
        self.harness.get_by_label(label).value().unwrap_or_default()
    }

    fn range_ns(&self) -> (f64, f64) {
        self.seen.borrow().state.window.range_ns()
    }

    fn actions(&self) -> Vec<LiveAction> {
        self.seen.borrow().actions.clone()
    }

    fn wheel(&mut self, at: Pos2, notches: f32) {
        self.harness.hover_at(at);
        self.harness.run_steps(2);
        let delta = vec2(0.0, notches);
        let (unit, phase, modifiers) = (MouseWheelUnit::Line, TouchPhase::Move, Modifiers::NONE);
        let source = MouseWheelSource::Wheel;
        self.harness.event(Event::MouseWheel { unit, delta, phase, modifiers, source });
        self.harness.run_steps(30);
    }

    fn press(&mut self, key: Key) {
        self.harness.key_press(key);
        self.harness.run_steps(2);
    }
}

/// Two lanes; tasks 1 and 2 in the first second, task 3 failed, task 4 is running.
fn small_run() -> Models {
    let mut models = Models::started(10, 2);
    models.ended(record(0, 1, 100 * MS, 900 * MS, Outcome::Done));
    models.ended(record(1, 2, 100 * MS, 800 * MS, Outcome::Done));
    models.ended(record(2, 1, 1000 * MS, 1000 * MS, Outcome::Exited { code: 3 }));
    let (task, worker) = (TaskId(3), WorkerId(2));
    models.apply(
        1500 * MS,
        EventKind::Task(TaskEvent::Started { task, attempt: 1, worker, start_ns: 1000 * MS, pid: None }),
    );
    models
}

#[test]
fn before_the_first_run_the_page_says_what_to_do() {
    let page = Page::open(Models::default(), 0, [850.0, 560.0]);
    page.harness.get_by_label("No run yet: press Run");
    assert!(page.harness.query_by_label(TIMELINE).is_none());
}

#[test]
fn a_run_without_workers_says_why() {
    let mut models = Models::started(3, 0);
    models.apply(MS, EventKind::Dispatch(DispatchEvent::WorkersCannotStart { reason: "out of processes".into() }));
    let page = Page::open(models, 10 * MS, [850.0, 560.0]);
    page.harness.get_by_label("No worker can be started");
    page.harness.get_by_label("out of processes");
}

#[test]
fn everything_has_a_name_a_role_and_a_value() {
    let page = Page::open(half_way(4, 8, 6, 200), 6000 * MS, [1024.0, 640.0]);
    assert!(page.value("CPU use of each core over time").contains("over 8 cores"));
    assert!(page.value("Queued and ended tasks over time").contains(" queued, "));
    assert!(page.value("Running tasks over time").contains(" running"));
    assert!(page.value("Lane 3").contains("PID 41002, CPU "));
    let row = page.harness.get_by_role_and_label(Role::Row, "Lane 4");
    assert!(row.value().is_some_and(|value| value.contains("running task")), "{:?}", row.value());
    page.harness.get_by_role_and_label(Role::ColumnHeader, "Busy");
}

#[test]
fn cores_can_be_shown_as_lines_and_back() {
    let mut page = Page::open(half_way(2, 2, 6, 200), 6000 * MS, [1024.0, 640.0]);
    page.harness.get_by_label("Cores as lines").click();
    page.harness.run_steps(2);
    page.harness.get_by_label("CPU use of each core over time, as lines");
    page.harness.get_by_label("Cores as heat strip").click();
    page.harness.run_steps(2);
    page.harness.get_by_label("CPU use of each core over time");
}

#[test]
fn the_pointer_tells_about_a_bar_and_a_click_opens_its_task() {
    let mut page = Page::open(small_run(), 2000 * MS, [1024.0, 640.0]);
    let timeline = page.harness.get_by_label(TIMELINE).rect();
    // Three quarters of the run, in the upper lane: the failed task.
    let at = Pos2::new(timeline.left() + timeline.width() * 0.75, timeline.top() + 12.0);
    page.harness.hover_at(at);
    page.harness.run_steps(3);
    let told = page.value(TIMELINE);
    assert_eq!(told, "Lane 1 · Task 3 · failed · 1.00 s, from 1.00 s · echo 3");
    for pressed in [true, false] {
        let (button, modifiers) = (egui::PointerButton::Primary, Modifiers::NONE);
        page.harness.event(Event::PointerButton { pos: at, button, pressed, modifiers });
        page.harness.run_steps(1);
    }
    assert_eq!(page.actions(), [LiveAction::OpenTask(TaskId(2))]);
}

#[test]
fn the_wheel_zooms_every_plot_around_the_pointer_and_buttons_lead_back() {
    let mut page = Page::open(half_way(2, 2, 6, 200), 6000 * MS, [1024.0, 640.0]);
    let heat = page.harness.get_by_label("CPU use of each core over time").rect();
    assert_eq!(page.range_ns(), (0.0, 6e9));
    page.wheel(heat.center(), 4.0);
    let (from_ns, to_ns) = page.range_ns();
    assert!(from_ns > 0.0 && to_ns < 6e9, "{from_ns} {to_ns}");
    page.harness.get_by_label("Follow the newest").click();
    page.harness.run_steps(2);
    assert!((page.range_ns().1 - 6e9).abs() < 1.0 && page.range_ns().0 > 0.0);
    page.harness.get_by_label("Whole run").click();
    page.harness.run_steps(2);
    assert_eq!(page.range_ns(), (0.0, 6e9));
}

#[test]
fn the_wheel_beside_the_timeline_scrolls_the_lanes() {
    let mut page = Page::open(half_way(64, 8, 2, 200), 2000 * MS, [1024.0, 640.0]);
    assert!(page.harness.query_by_label("Lane 64").is_none());
    let first = page.harness.get_by_label("Lane 2").rect();
    page.wheel(first.center(), -200.0);
    page.harness.get_by_label("Lane 64");
    assert_eq!(page.range_ns(), (0.0, 2e9));
}

#[test]
fn the_keyboard_walks_the_bars_and_opens_one() {
    let mut page = Page::open(small_run(), 2000 * MS, [1024.0, 640.0]);
    page.harness.get_by_label(TIMELINE).focus();
    page.harness.run_steps(2);
    page.press(Key::ArrowRight);
    assert!(page.value(TIMELINE).starts_with("Lane 1 · Task 3 · failed"), "{}", page.value(TIMELINE));
    page.press(Key::ArrowLeft);
    assert!(page.value(TIMELINE).starts_with("Lane 1 · Task 1 · done"), "{}", page.value(TIMELINE));
    page.press(Key::ArrowDown);
    assert!(page.value(TIMELINE).starts_with("Lane 2 · Task 2 · done"), "{}", page.value(TIMELINE));
    page.press(Key::ArrowRight);
    assert!(page.value(TIMELINE).starts_with("Lane 2 · Task 4 · running"), "{}", page.value(TIMELINE));
    page.press(Key::ArrowRight);
    assert!(page.value(TIMELINE).starts_with("Lane 2 · Task 4 · running"), "there is nothing beyond the newest");
    page.press(Key::Plus);
    assert!(page.range_ns().0 > 0.0);
    page.press(Key::Home);
    assert_eq!(page.range_ns(), (0.0, 2e9));
    page.press(Key::Enter);
    assert_eq!(page.actions(), [LiveAction::OpenTask(TaskId(3))]);
}

#[test]
fn the_keyboard_moves_through_time_on_every_plot() {
    for label in ["CPU use of each core over time", "Queued and ended tasks over time", "Running tasks over time"] {
        let mut page = Page::open(half_way(2, 2, 6, 200), 6000 * MS, [1024.0, 640.0]);
        page.harness.get_by_label(label).focus();
        page.harness.run_steps(2);
        page.press(Key::Plus);
        assert_eq!(page.range_ns(), (1.5e9, 4.5e9), "{label}");
        page.press(Key::ArrowRight);
        assert_eq!(page.range_ns(), (1.8e9, 4.8e9), "{label}");
        page.press(Key::End);
        assert_eq!(page.range_ns(), (3e9, 6e9), "{label}");
        page.press(Key::Home);
        assert_eq!(page.range_ns(), (0.0, 6e9), "{label}");
    }
}

#[test]
fn nothing_reaches_out_of_the_page_at_any_size() {
    for size in [[640.0, 420.0], [840.0, 540.0], [1760.0, 1000.0], [2400.0, 1360.0]] {
        let page = Page::open(half_way(16, 16, 6, 200), 6000 * MS, size);
        let screen = egui::Rect::from_min_size(Pos2::ZERO, size.into());
        for node in page.harness.root().children_recursive().filter(|node| node.accesskit_node().label().is_some()) {
            assert!(screen.expand(1.0).contains_rect(node.rect()), "{node:?} at {size:?}");
        }
    }
}

#[test]
fn a_finished_run_does_not_grow() {
    let mut models = small_run();
    models.ended(record(3, 2, 1000 * MS, 1000 * MS, Outcome::Done));
    models.finish(2000 * MS);
    let page = Page::open(models, 2000 * MS, [1024.0, 640.0]);
    assert!(page.harness.query_by_label("Follow the newest").is_none());
    assert!(!page.value("Lane 2").contains("running task"));
}
