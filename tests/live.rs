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
use fanlane::ui::widgets::TaskInfo;
use fanlane_core::event::{DispatchEvent, EventKind, Outcome, TaskEvent, TaskId, WorkerId};

const TIMELINE: &str = "Timeline of the lanes";

struct Page {
    harness: Harness<'static>,
    seen: Rc<RefCell<Seen>>,
}

/// Tasks that are called by their numbers; task 3 had a try before.
struct Echoes;

impl TaskInfo for Echoes {
    fn label(&self, task: TaskId) -> String {
        format!("echo {}", task.number())
    }

    fn number(&self, task: TaskId) -> u64 {
        task.number()
    }

    fn attempt(&self, task: TaskId, start_ns: u64) -> Option<(u32, u32)> {
        (task == TaskId(2)).then_some((if start_ns == 1000 * MS { 2 } else { 1 }, 3))
    }
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
            let data = LiveData { model: &models.model, batch: None, now_ns, can_steer: true, tasks: &Echoes };
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

    fn wheel(&mut self, at: Pos2, notches: f32, modifiers: Modifiers) {
        self.harness.hover_at(at);
        self.harness.run_steps(2);
        let delta = vec2(0.0, notches);
        let (unit, phase) = (MouseWheelUnit::Line, TouchPhase::Move);
        let source = MouseWheelSource::Wheel;
        self.harness.event(Event::MouseWheel { unit, delta, phase, modifiers, source });
        self.harness.run_steps(30);
    }

    fn drag(&mut self, from: Pos2, to: Pos2, modifiers: Modifiers) {
        let button = egui::PointerButton::Primary;
        self.harness.event(Event::ModifiersChanged(modifiers));
        self.harness.hover_at(from);
        self.harness.run_steps(2);
        self.harness.event(Event::PointerButton { pos: from, button, pressed: true, modifiers });
        self.harness.run_steps(1);
        for share in [0.3, 0.6, 1.0] {
            self.harness.hover_at(from.lerp(to, share));
            self.harness.run_steps(1);
        }
        self.harness.event(Event::PointerButton { pos: to, button, pressed: false, modifiers });
        self.harness.run_steps(1);
        self.harness.event(Event::ModifiersChanged(Modifiers::NONE));
        self.harness.remove_cursor();
        self.harness.run_steps(2);
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
    page.harness.get_by_label("Out of processes.");
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
    assert_eq!(told, "Lane 1 · Task 3 · failed, try 2 of 3 · 1.00 s, from 1.00 s · echo 3");
    for pressed in [true, false] {
        let (button, modifiers) = (egui::PointerButton::Primary, Modifiers::NONE);
        page.harness.event(Event::PointerButton { pos: at, button, pressed, modifiers });
        page.harness.run_steps(1);
    }
    assert_eq!(page.actions(), [LiveAction::OpenTask(TaskId(2))]);
}

#[test]
fn ctrl_and_the_wheel_zoom_every_plot_around_the_pointer_and_buttons_lead_back() {
    let mut page = Page::open(half_way(2, 2, 6, 200), 6000 * MS, [1024.0, 640.0]);
    let heat = page.harness.get_by_label("CPU use of each core over time").rect();
    assert_eq!(page.range_ns(), (0.0, 6e9));
    page.wheel(heat.center(), 4.0, Modifiers::NONE);
    assert_eq!(page.range_ns(), (0.0, 6e9), "the wheel alone belongs to what scrolls");
    page.wheel(heat.center(), 4.0, Modifiers::CTRL | Modifiers::COMMAND);
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
fn all_lanes_are_in_view_until_rows_are_to_be_read_and_then_the_wheel_scrolls() {
    let mut page = Page::open(half_way(64, 8, 2, 200), 2000 * MS, [1024.0, 640.0]);
    assert!(page.value(TIMELINE).starts_with("64 lanes, "), "{}", page.value(TIMELINE));
    assert!(page.harness.query_by_label("Lane 1").is_none(), "rows without words are part of the picture");
    page.harness.get_by_label("Rows to read").click();
    page.harness.run_steps(2);
    assert!(page.harness.query_by_label("Lane 64").is_none());
    page.harness.get_by_label_contains("Wheel: scroll");
    let timeline = page.harness.get_by_label(TIMELINE).rect();
    page.wheel(timeline.center(), -200.0, Modifiers::NONE);
    page.harness.get_by_label("Lane 64");
    assert_eq!(page.range_ns(), (0.0, 2e9));
    page.harness.get_by_label("All lanes in view").click();
    page.harness.run_steps(2);
    assert!(page.harness.query_by_label_contains("Wheel: scroll").is_none());
}

#[test]
fn a_failure_in_one_of_five_hundred_lanes_is_found_by_pointing_at_its_row() {
    let mut models = Models::started(500, 500);
    for task in 0..500 {
        let outcome = if task == 321 { Outcome::Exited { code: 1 } } else { Outcome::Done };
        models.ended(record(task, task as u32 + 1, 100 * MS, 800 * MS, outcome));
    }
    models.finish(1000 * MS);
    let mut page = Page::open(models, 1000 * MS, [1024.0, 640.0]);
    let told = page.value(TIMELINE);
    assert!(told.starts_with("500 lanes, ") && told.contains(" in a row, 500 attempts"), "{told}");
    let timeline = page.harness.get_by_label(TIMELINE).rect();
    let at = Pos2::new(timeline.center().x, timeline.top() + timeline.height() * 321.5 / 500.0);
    let told: Vec<String> = (-2..=2)
        .map(|offset| {
            page.harness.hover_at(at + vec2(0.0, offset as f32));
            page.harness.run_steps(2);
            page.value(TIMELINE)
        })
        .collect();
    assert!(told.iter().any(|told| told.starts_with("Lane 322 · Task 322 · failed")), "{told:?}");
}

#[test]
fn lanes_are_sorted_by_a_click_on_a_title_and_by_number_again() {
    let mut models = small_run();
    models.ended(record(4, 1, 2000 * MS, 10 * MS, Outcome::Done));
    let mut page = Page::open(models, 2010 * MS, [1600.0, 900.0]);
    let top = |page: &Page, lane: &str| page.harness.get_by_role_and_label(Role::Row, lane).rect().top();
    assert!(top(&page, "Lane 1") < top(&page, "Lane 2"));
    let click = |page: &mut Page, wanted: Option<&str>, first: &str, second: &str| {
        page.harness.get_by_role_and_label(Role::ColumnHeader, "Tasks").click();
        page.harness.run_steps(4);
        let title = page.harness.get_by_role_and_label(Role::ColumnHeader, "Tasks");
        assert_eq!(title.value().as_deref(), wanted);
        assert!(top(page, first) < top(page, second), "{wanted:?}");
    };
    click(&mut page, Some("largest first"), "Lane 1", "Lane 2");
    click(&mut page, Some("smallest first"), "Lane 2", "Lane 1");
    click(&mut page, None, "Lane 1", "Lane 2");
}

#[test]
fn a_narrow_page_leaves_out_the_less_important_columns() {
    for (size, titles) in
        [([760.0, 480.0], &["Lane", "CPU", "Busy"][..]), ([1700.0, 900.0], &["PID", "Memory", "Tasks"])]
    {
        let page = Page::open(half_way(4, 2, 2, 200), 2000 * MS, size);
        for title in titles {
            page.harness.get_by_role_and_label(Role::ColumnHeader, title);
        }
        assert_eq!(page.harness.query_by_role_and_label(Role::ColumnHeader, "PID").is_some(), size[0] > 1000.0);
    }
}

#[test]
fn shift_and_a_drag_select_a_stretch_of_time_and_its_results_can_be_shown() {
    let mut page = Page::open(small_run(), 2000 * MS, [1600.0, 900.0]);
    let queue = page.harness.get_by_label("Queued and ended tasks over time").rect();
    let at = |share: f32| Pos2::new(queue.left() + queue.width() * share, queue.center().y);
    page.drag(at(0.25), at(0.5), Modifiers::SHIFT);
    assert_eq!(page.range_ns(), (0.0, 2e9), "the view stays");
    let words = page.harness.get_by_label_contains("0.50 s to 1.00 s: 2 tasks (2 done)");
    assert!(words.value().is_some_and(|words| words.contains("busy 90 % · mean 850 ms")), "{words:?}");
    page.harness.get_by_role_and_label(Role::Button, "Show these results").click();
    page.harness.run_steps(2);
    let [LiveAction::ShowStretch(stretch)] = page.actions()[..] else { panic!("{:?}", page.actions()) };
    assert!(stretch.from_ns.abs_diff(500 * MS) < 3 * MS && stretch.to_ns.abs_diff(1000 * MS) < 3 * MS, "{stretch:?}");
    page.harness.get_by_label("Clear the selection (Esc)").click();
    page.harness.run_steps(2);
    assert!(page.harness.query_by_label("Show these results").is_none());
    page.harness.get_by_label("Running tasks over time").focus();
    page.harness.run_steps(2);
    page.harness.key_press_modifiers(Modifiers::SHIFT, Key::ArrowRight);
    page.harness.run_steps(2);
    page.harness.get_by_label_contains("1.00 s to 1.20 s: ");
}

#[test]
fn the_overview_chooses_and_moves_what_is_in_view() {
    let mut page = Page::open(half_way(4, 2, 10, 200), 10_000 * MS, [1024.0, 640.0]);
    let strip = page.harness.get_by_label("Overview of the run").rect();
    let at = |share: f32| Pos2::new(strip.left() + strip.width() * share, strip.center().y);
    page.drag(at(0.2), at(0.4), Modifiers::NONE);
    let (from_ns, to_ns) = page.range_ns();
    assert!((from_ns - 2e9).abs() < 2e7 && (to_ns - 4e9).abs() < 2e7, "{from_ns} {to_ns}");
    page.drag(at(0.3), at(0.5), Modifiers::NONE);
    let (from_ns, to_ns) = page.range_ns();
    assert!((from_ns - 4e9).abs() < 2e8 && (to_ns - 6e9).abs() < 2e8, "{from_ns} {to_ns}");
    assert!(
        page.value("Overview of the run").contains(" of 10.00 s in view, "),
        "{}",
        page.value("Overview of the run")
    );
}

#[test]
fn a_pause_is_loud_and_ends_by_a_click() {
    let mut models = small_run();
    models.apply(1600 * MS, EventKind::Dispatch(DispatchEvent::Paused));
    let mut page = Page::open(models, 2000 * MS, [760.0, 480.0]);
    page.harness.get_by_label_contains("Paused: running tasks finish");
    page.harness.get_by_role_and_label(Role::Button, "Resume the run").click();
    page.harness.run_steps(2);
    assert_eq!(page.actions(), [LiveAction::Resume]);
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
