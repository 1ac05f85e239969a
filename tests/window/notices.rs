//! Messages lie over the page: nothing moves, and what is no longer true goes away. The theme is chosen.

use std::sync::Arc;

use eframe::egui::accesskit::Live;
use eframe::egui::{Key, Modifiers, Theme};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use fanlane::session::{Command, Page, Session, SessionOptions};

use super::canned::FakeEngine;
use super::driver::{Window, click, fresh, handle, press, shown, type_into, window, with_run};

#[test]
fn a_message_moves_nothing() {
    let (mut window, _) = fresh();
    let place = window.get_by_label("What will run").rect();
    handle(&mut window, Command::OpenJob("/there/is/no/job.ron".into()));
    assert!(window.query_by_label_contains("/there/is/no/job.ron").is_some());
    assert_eq!(window.get_by_label("What will run").rect(), place);
    click(&mut window, "Dismiss");
    assert_eq!(window.get_by_label("What will run").rect(), place);
}

#[test]
fn the_theme_is_chosen_and_remembered() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = Some(folder.path().join("window.json"));
    let open = || {
        let in_memory = SessionOptions::in_memory(FakeEngine::default().engine());
        window(Session::new(SessionOptions { settings: settings.clone(), ..in_memory }, Arc::new(|| {})))
    };
    let mut first = open();
    assert_eq!(first.ctx.theme(), Theme::Dark, "without a desktop that says otherwise");
    click(&mut first, "View");
    click(&mut first, "Theme Light");
    assert_eq!(first.ctx.theme(), Theme::Light);
    let mut next = open();
    assert_eq!(next.ctx.theme(), Theme::Light, "also the next time");
    click(&mut next, "View");
    click(&mut next, "Theme System");
    assert_eq!(next.ctx.theme(), Theme::Dark);
}

#[test]
fn an_error_goes_when_the_same_succeeds_and_not_before() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("other.ron");
    let text = r#"Job(version: 1, name: "Other", task: Command("echo {}"), inputs: [Range(1, 3)])"#;
    std::fs::write(&file, text).expect("written");
    let (mut window, _) = fresh();
    handle(&mut window, Command::OpenJob("/there/is/no/job.ron".into()));
    handle(&mut window, Command::SetWorkers(3));
    assert_eq!(shown(&window).notices.all().len(), 1);
    handle(&mut window, Command::OpenJob(file));
    assert!(shown(&window).notices.all().is_empty(), "{:?}", shown(&window).notices.all());
}

#[test]
fn a_screen_reader_is_told_messages_when_they_appear_and_the_outcome_of_a_run() {
    let (mut window, _) = with_run(Page::RESULTS);
    handle(&mut window, Command::OpenJob("/there/is/no/job.ron".into()));
    let live = |window: &Window<'_>, text: &str| window.get_by_label_contains(text).accesskit_node().live();
    assert_eq!(live(&window, "/there/is/no/job.ron"), Live::Assertive, "an error, at once");
    handle(&mut window, Command::RedoEdit);
    assert_eq!(live(&window, "nothing to redo"), Live::Polite);
    let label = window.get_by(|node| node.label().is_some_and(|label| label.starts_with("ended in ")));
    assert!(label.accesskit_node().label().is_some_and(|label| label.contains(" done")), "how many and how");
    assert_eq!(label.accesskit_node().live(), Live::Polite);
}

#[test]
fn the_last_change_of_the_job_is_undone_from_its_text_field_and_from_other_pages() {
    let (mut window, _) = fresh();
    handle(&mut window, Command::New);
    type_into(&mut window, "Command line", "echo hello");
    press(&mut window, Modifiers::COMMAND, Key::Z);
    assert_eq!(shown(&window).editor.draft().command, "");
    press(&mut window, Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    assert_eq!(shown(&window).editor.draft().command, "echo hello");
    handle(&mut window, Command::Show(Page::RUNS));
    press(&mut window, Modifiers::COMMAND, Key::Z);
    assert_eq!(shown(&window).editor.draft().command, "");
    assert!(window.query_by_label_contains("The last change of the open job was undone").is_some());
}
