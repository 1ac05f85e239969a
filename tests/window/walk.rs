//! Walks from page to page: keys, presets, workers and modes, what a run and its end look like.

use eframe::egui::accesskit::Role;
use eframe::egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use fanlane::session::{Command, Page, PresetCommand, Session};
use fanlane_core::engine::{EngineTraits, RunCommand};
use fanlane_core::event::{DispatchEvent, EventKind, TaskId};
use fanlane_core::job::Mode;
use fanlane_core::job::TaskKind;
use std::path::Path;

use super::canned::{FakeEngine, options};
use super::driver::{Window, click, fresh, handle, open_example, press, shown, type_into, until, window, with_run};

#[test]
fn the_first_window_shows_an_example_with_run_in_focus() {
    let (mut window, engine) = fresh();
    assert!(window.get_by_role_and_label(Role::Button, "Run").is_focused());
    assert!(window.query_by_label("What will run").is_some());
    press(&mut window, Modifiers::NONE, Key::Enter);
    assert_eq!(engine.asked().started.len(), 1);
    assert_eq!(shown(&window).page(), Page::LIVE);
}

#[test]
fn run_pause_resume_and_stop() {
    let (mut window, engine) = fresh();
    click(&mut window, "Run");
    until(&mut window, "the run", Session::is_running);
    assert!(window.get_by_role_and_label(Role::Button, "Run").accesskit_node().is_disabled());
    assert!(window.get_by_role_and_label(Role::Button, "Pause").is_focused(), "the focus follows the run");

    click(&mut window, "Pause");
    engine.say(2, EventKind::Dispatch(DispatchEvent::Paused));
    until(&mut window, "the pause", |session| session.run.current().expect("a run").model().progress.paused);
    click(&mut window, "Resume");
    engine.say(3, EventKind::Dispatch(DispatchEvent::Resumed));
    until(&mut window, "going on", |session| !session.run.current().expect("a run").model().progress.paused);

    click(&mut window, "Stop");
    assert_eq!(engine.asked().commands, [RunCommand::Pause, RunCommand::Resume], "it asks first");
    click(&mut window, "Keep running");
    assert!(window.query_by_label("Stop the run?").is_none());
    click(&mut window, "Stop");
    click(&mut window, "Stop the run");
    until(&mut window, "the end", |session| !session.is_running());
    assert_eq!(engine.asked().commands.last(), Some(&RunCommand::Stop));
    assert!(window.query_by_label_contains("stopped after").is_some());
}

#[test]
fn a_run_is_asked_only_what_its_engine_can_do() {
    let (mut window, engine) = fresh();
    engine.asked().traits = EngineTraits {
        can_pause: false,
        can_resize: false,
        can_watch: false,
        can_steer: false,
        can_locate: false,
        ..EngineTraits::default()
    };
    click(&mut window, "Run");
    until(&mut window, "the run", Session::is_running);
    assert!(window.get_by_role_and_label(Role::Button, "Pause").accesskit_node().is_disabled());
    for command in [Command::Pause, Command::SetWorkers(3), Command::Stop] {
        handle(&mut window, command);
    }
    until(&mut window, "the end", |session| !session.is_running());
    assert_eq!(engine.asked().commands, [RunCommand::Stop]);
}

#[test]
fn the_keys_do_what_the_key_list_says() {
    let (mut window, engine) = fresh();
    for (key, page) in [(Key::Num3, Page::RESULTS), (Key::Num2, Page::LIVE), (Key::Num1, Page::JOB)] {
        press(&mut window, Modifiers::COMMAND, key);
        assert_eq!(shown(&window).page(), page);
    }
    press(&mut window, Modifiers::NONE, Key::F1);
    assert!(window.query_by_label("Ctrl+Enter").is_some());
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert!(window.query_by_label("Ctrl+Enter").is_none());

    press(&mut window, Modifiers::COMMAND, Key::Enter);
    until(&mut window, "the run", Session::is_running);
    press(&mut window, Modifiers::NONE, Key::Space);
    assert_eq!(engine.asked().commands, [RunCommand::Pause]);
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert!(window.query_by_label("Stop the run?").is_some());
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert!(window.query_by_label("Stop the run?").is_none());
    assert!(shown(&window).is_running(), "Esc in the question goes on");

    press(&mut window, Modifiers::COMMAND, Key::O);
    assert!(window.query_by_label("Open a job file").is_some());
    press(&mut window, Modifiers::NONE, Key::Escape);
    press(&mut window, Modifiers::COMMAND, Key::S);
    assert!(window.query_by_label("Save the job as a preset").is_some(), "an example asks for a name");
}

#[test]
fn keys_that_are_letters_stay_with_a_field_that_is_typed_into() {
    let (mut window, engine) = fresh();
    click(&mut window, "Run");
    until(&mut window, "the run", Session::is_running);
    press(&mut window, Modifiers::COMMAND, Key::Num1);
    type_into(&mut window, "Name", "a/b");
    press(&mut window, Modifiers::NONE, Key::Space);
    press(&mut window, Modifiers::NONE, Key::Slash);
    assert_eq!(shown(&window).editor.draft().name, "a/b");
    assert_eq!(shown(&window).page(), Page::JOB);
    assert!(engine.asked().commands.is_empty());
}

#[test]
fn workers_by_slider_and_by_typing_also_during_a_run() {
    let (mut window, engine) = fresh();
    window.get_by_role_and_label(Role::Slider, "Workers").set_value_accesskit(5.0);
    window.run_steps(4);
    assert_eq!(shown(&window).editor.workers(), 5);
    type_into(&mut window, "Number of workers", "100");
    press(&mut window, Modifiers::NONE, Key::Enter);
    assert_eq!(shown(&window).editor.workers(), 100, "more than the slider has");
    click(&mut window, "Run");
    until(&mut window, "the run", Session::is_running);
    assert_eq!(engine.asked().started[0].1.workers, 100);
    window.get_by_role_and_label(Role::Slider, "Workers").set_value_accesskit(2.0);
    window.run_steps(4);
    assert_eq!(engine.asked().commands, [RunCommand::SetWorkers(2)]);
}

#[test]
fn the_mode_is_chosen_and_one_has_one_worker() {
    let (mut window, engine) = fresh();
    click(&mut window, "Mode threads");
    assert_eq!(shown(&window).editor.mode(), Mode::Threads);
    click(&mut window, "Mode one");
    assert!(window.get_by_role_and_label(Role::Slider, "Workers").accesskit_node().is_disabled());
    click(&mut window, "Run");
    let options = engine.asked().started[0].1.clone();
    assert_eq!((options.mode, options.workers), (Mode::One, 1));
}

#[test]
fn presets_are_opened_saved_and_deleted_with_undo() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = FakeEngine::default();
    let mut window = window(Session::new(options(&engine, Some(folder.path())), std::sync::Arc::new(|| {})));
    let second = shown(&window).presets.built_in()[1].name.clone();
    open_example(&mut window, &second);
    assert_eq!(shown(&window).editor.draft().name, second);

    click(&mut window, "Save");
    type_into(&mut window, "Preset name", "My own");
    click(&mut window, "Save preset");
    assert_eq!(shown(&window).presets.saved()[0].name, "My own");

    type_into(&mut window, "Name", "Changed");
    open_example(&mut window, &second);
    assert!(window.query_by_label("Discard the changes?").is_some());
    click(&mut window, "Keep editing");
    assert_eq!(shown(&window).editor.draft().name, "Changed");
    press(&mut window, Modifiers::COMMAND, Key::S);
    assert_eq!(shown(&window).presets.saved()[0].name, "Changed");

    window.get_by_role_and_label(Role::Button, "Preset Changed").click_secondary();
    window.run_steps(4);
    click(&mut window, "Delete");
    assert!(shown(&window).presets.saved().is_empty());
    click(&mut window, "Undo");
    assert_eq!(shown(&window).presets.saved()[0].name, "Changed");
}

#[test]
fn a_bad_job_file_is_told_in_a_banner_that_can_be_dismissed() {
    let (mut window, _) = fresh();
    handle(&mut window, Command::OpenJob("/there/is/no/job.ron".into()));
    assert!(window.query_by_label_contains("/there/is/no/job.ron").is_some());
    click(&mut window, "Dismiss");
    assert!(shown(&window).notices.all().is_empty());
}

#[test]
fn pages_without_a_run_say_what_to_do() {
    let (mut window, _) = fresh();
    click(&mut window, "Page Results");
    assert!(window.query_by_label("No results yet").is_some());
    click(&mut window, "Page Live");
    assert!(window.query_by_label_contains("No run yet").is_some());
}

#[test]
fn what_was_wrong_with_a_job_is_forgotten_with_the_job() {
    let (mut window, _) = fresh();
    let session = window.state_mut().session_mut();
    session.edit(|draft| {
        draft.kind = TaskKind::Command;
        draft.command = "echo {9}".to_owned();
    });
    session.handle(Command::Run);
    window.run_steps(4);
    assert_eq!(shown(&window).notices.all().len(), 1);
    let session = window.state_mut().session_mut();
    let first = session.presets.built_in()[0].id.clone();
    session.handle(PresetCommand::Open(first));
    assert!(shown(&window).notices.all().is_empty());
}

#[test]
fn closing_the_window_during_a_run_asks() {
    let (mut window, engine) = fresh();
    click(&mut window, "Run");
    until(&mut window, "the run", Session::is_running);
    let request_close = |window: &mut Window<'_>| {
        let viewport = window.input_mut().viewports.entry(eframe::egui::ViewportId::ROOT).or_default();
        viewport.events.push(eframe::egui::ViewportEvent::Close);
        window.run_steps(1);
        let viewport = window.input_mut().viewports.entry(eframe::egui::ViewportId::ROOT).or_default();
        viewport.events.clear();
        window.run_steps(3);
    };
    request_close(&mut window);
    assert!(window.query_by_label("A run is under way").is_some());
    click(&mut window, "Cancel");
    assert!(engine.asked().commands.is_empty());
    request_close(&mut window);
    click(&mut window, "Stop and close");
    assert_eq!(engine.asked().commands, [RunCommand::Stop]);
}

#[test]
fn a_dropped_job_file_is_opened() {
    #[derive(Debug)]
    struct Dropped(std::path::PathBuf);
    impl eframe::egui::DroppedFile for Dropped {
        fn path(&self) -> &Path {
            &self.0
        }
        fn bytes(&self) -> Result<Vec<u8>, String> {
            std::fs::read(&self.0).map_err(|error| error.to_string())
        }
    }
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("dropped.ron");
    let text = r#"Job(version: 1, name: "Dropped", task: Command("echo {}"), inputs: [Range(1, 3)])"#;
    std::fs::write(&file, text).expect("written");
    let (mut window, _) = fresh();
    window.input_mut().dropped_files.push(std::sync::Arc::new(Dropped(file)));
    window.run_steps(4);
    assert_eq!(shown(&window).editor.draft().name, "Dropped");
}

#[test]
fn no_widget_reaches_beyond_the_smallest_window() {
    for page in [Page::JOB, Page::LIVE, Page::RESULTS, Page::SHARED, Page::RACE, Page::RUNS] {
        let (mut window, _) = with_run(page);
        window.state_mut().session_mut().handle(Command::SelectTask(Some(TaskId(6))));
        window.run_steps(4);
        for button in window.get_all_by_role(Role::Button) {
            let rect = button.rect();
            assert!(rect.right() <= 1024.5 && rect.left() >= -0.5, "{page:?}: {button:?}");
        }
    }
}

#[test]
fn a_window_that_is_made_smaller_leaves_room_for_every_part() {
    let (mut window, _) = with_run(Page::JOB);
    window.set_size(eframe::egui::vec2(1920.0, 1080.0));
    window.run_steps(4);
    window.set_size(eframe::egui::vec2(1024.0, 640.0));
    window.run_steps(4);
    let title = window.get_by_label("What will run").rect();
    assert!(1024.0 - title.left() > 280.0, "the preview begins at {}", title.left());
    window.state_mut().session_mut().handle(Command::Show(Page::RESULTS));
    window.state_mut().session_mut().handle(Command::SelectTask(Some(TaskId(6))));
    window.run_steps(6);
    assert!(window.query_by_role_and_label(Role::Button, "Task 7").is_some(), "its row is in view");
}

#[test]
fn a_run_that_a_gate_holds_says_what_it_waits_for() {
    let (mut window, engine) = fresh();
    click(&mut window, "Run");
    let reason = "100000 tasks need 16384 MiB free; 1024 MiB are";
    engine.say(1, EventKind::Dispatch(DispatchEvent::Held { reason: Some(reason.to_owned()) }));
    until(&mut window, "the gate", |session| session.run.current().expect("a run").model().progress.held.is_some());
    let words = format!("Waiting: {reason}");
    assert_eq!(window.query_all_by_label(&words).count(), 3, "in the bar, at the queue and where lanes will be");
    for node in window.query_all_by_label(&words) {
        assert!(node.rect().right() <= 1024.0, "{:?}", node.rect());
    }
    engine.say(2, EventKind::Dispatch(DispatchEvent::Held { reason: None }));
    until(&mut window, "going on", |session| session.run.current().expect("a run").model().progress.held.is_none());
    assert_eq!(window.query_all_by_label(&words).count(), 0);
    engine.say(3, EventKind::Dispatch(DispatchEvent::HaltReached { halt: "soon,fail=1".to_owned() }));
    engine.finish(4, false);
    until(&mut window, "the end", |session| !session.is_running());
    assert!(window.query_all_by_label("Ended by halt soon,fail=1").count() > 0, "at the queue");
    assert!(window.query_by_label_contains("Ended by halt soon,fail=1 after").is_some(), "in the bar");
}
