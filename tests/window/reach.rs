//! Sizes, motion and the keyboard focus: what lets more people use the window.

use std::sync::Arc;

use eframe::egui::accesskit::Role;
use eframe::egui::{Key, Modifiers, Rect, Theme, pos2, vec2};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use fanlane::session::{Command, MotionChoice, Page, Session, SessionOptions};
use fanlane_core::event::TaskId;

use super::canned::{FakeEngine, options, session_with_run};
use super::driver::{Window, fresh, handle, press, shown, sized, window, with_run};

#[test]
fn the_size_is_changed_by_keys_and_is_there_again_in_the_next_window() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = FakeEngine::default();
    let next = || {
        let settings = Some(folder.path().join("window.json"));
        window(Session::new(SessionOptions { settings, ..options(&engine, None) }, Arc::new(|| {})))
    };
    let mut first = next();
    for (key, factor) in [(Key::Plus, 1.1), (Key::Equals, 1.25), (Key::Equals, 1.5), (Key::Minus, 1.25)] {
        press(&mut first, Modifiers::COMMAND, key);
        assert_eq!(first.ctx.zoom_factor(), factor, "after {key:?}");
    }
    let mut second = next();
    assert_eq!(second.ctx.zoom_factor(), 1.25);
    press(&mut second, Modifiers::COMMAND, Key::Num0);
    assert_eq!(second.ctx.zoom_factor(), 1.0);
    assert_eq!(next().ctx.zoom_factor(), 1.0);
}

#[test]
fn less_motion_means_that_nothing_slides_fades_or_blinks() {
    let (mut window, _) = fresh();
    let moves = |window: &Window<'_>| {
        let style = window.ctx.style_of(Theme::Dark);
        (style.animation_time > 0.0, style.scroll_animation.duration.max > 0.0, style.visuals.text_cursor.blink)
    };
    assert_eq!(moves(&window), (true, true, true));
    handle(&mut window, Command::SetMotion(MotionChoice::Reduced));
    assert_eq!(moves(&window), (false, false, false));
    handle(&mut window, Command::SetMotion(MotionChoice::Full));
    assert_eq!(moves(&window), (true, true, true));
}

/// As a window of 1024 × 640 with everything drawn twice as large.
const HALF: [f32; 2] = [512.0, 320.0];

#[test]
fn where_everything_is_drawn_large_tab_scrolls_to_what_it_leads_to() {
    for (page, stops) in [(Page::JOB, 48)] {
        let engine = FakeEngine::default();
        let mut session = session_with_run(&engine, true);
        session.handle(Command::Show(page));
        let mut window = sized(session, HALF);
        let screen = Rect::from_min_size(pos2(0.0, 0.0), vec2(HALF[0], HALF[1]));
        let mut names = Vec::new();
        for _ in 0..stops {
            press(&mut window, Modifiers::NONE, Key::Tab);
            window.run_steps(2);
            let focused = window.get_by(|node| node.is_focused() && node.role() != Role::Window);
            let (rect, name) = (focused.rect(), focused.accesskit_node().label().unwrap_or_default());
            assert!(screen.contains(rect.center()), "{name:?} at {rect:?} is out of view; before it {names:?}");
            names.push(name);
        }
        names.sort();
        names.dedup();
        assert!(names.len() > 20, "the focus moves: {names:?}");
    }
}

#[test]
fn a_question_in_a_small_window_is_scrolled_to_its_buttons() {
    let engine = FakeEngine::default();
    let mut window = sized(session_with_run(&engine, true), HALF);
    press(&mut window, Modifiers::NONE, Key::F1);
    window.run_steps(6);
    let close = window.get_by_role_and_label(Role::Button, "Close");
    assert!(close.is_focused() && close.rect().max.y < HALF[1], "{:?}", close.rect());
}

#[test]
fn a_key_that_shows_a_page_leads_into_it_so_that_the_arrows_choose_a_task() {
    let engine = FakeEngine::default();
    let mut window = window(session_with_run(&engine, true));
    assert!(window.get_by_role_and_label(Role::Button, "Run").is_focused());
    press(&mut window, Modifiers::COMMAND, Key::Num3);
    assert!(window.get_by_label("Contents of the page Results").is_focused());
    press(&mut window, Modifiers::NONE, Key::ArrowDown);
    let first = shown(&window).run.selected();
    press(&mut window, Modifiers::NONE, Key::ArrowDown);
    let second = shown(&window).run.selected();
    assert!(first.is_some() && second.is_some() && first != second, "{first:?}, {second:?}");
}

#[test]
fn the_cells_of_a_table_are_no_stops_of_tab_that_show_and_do_nothing() {
    let (mut window, _engine) = with_run(Page::RESULTS);
    press(&mut window, Modifiers::COMMAND, Key::Num3);
    let mut stops = Vec::new();
    while !stops.iter().any(|stop: &String| stop.starts_with("Task ")) {
        assert!(stops.len() < 40, "no row is reached: {stops:?}");
        press(&mut window, Modifiers::NONE, Key::Tab);
        let focused = window.get_by(|node| node.is_focused() && node.role() != Role::Window);
        let name = focused.accesskit_node().label().unwrap_or_default();
        assert!(!name.is_empty(), "a {:?} without a name after {stops:?}", focused.accesskit_node().role());
        stops.push(name);
    }
    let table = window.get_by_role_and_label(Role::Table, "Table of tasks");
    assert!(table.accesskit_node().value().is_some_and(|words| words.starts_with("240 rows, ")));
}

#[test]
fn tab_goes_through_a_line_as_it_is_read() {
    for page in [Page::JOB, Page::LIVE, Page::RESULTS, Page::RACE, Page::RUNS] {
        let engine = FakeEngine::default();
        let mut session = session_with_run(&engine, true);
        session.handle(Command::Show(page));
        session.handle(Command::SelectTask(Some(TaskId(3))));
        let mut window = window(session);
        let mut last: Option<(Rect, String)> = None;
        for _ in 0..40 {
            press(&mut window, Modifiers::NONE, Key::Tab);
            let focused = window.get_by(|node| node.is_focused() && node.role() != Role::Window);
            let (rect, name) = (focused.rect(), focused.accesskit_node().label().unwrap_or_default());
            if let Some((before, other)) = &last {
                let is_back = (before.center().y - rect.center().y).abs() < 4.0
                    && rect.center().x < before.center().x
                    && before.min.x - rect.max.x < 24.0;
                assert!(!is_back, "{}: from {other:?} back to {name:?}", page.title());
            }
            last = Some((rect, name));
        }
    }
}
