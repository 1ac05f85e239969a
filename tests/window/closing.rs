//! What would lose a person's work: it asks first, no question answers itself, and what was replaced is within reach.

use std::path::Path;
use std::sync::Arc;

use eframe::egui::accesskit::Role;
use eframe::egui::{DroppedFile, Key, Modifiers, ViewportCommand, ViewportEvent, ViewportId};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use fanlane::session::{Command, JobDraft, Page, PresetCommand, RaceCommand, RowQuery, Session, SessionOptions};
use fanlane_core::engine::RunCommand;
use fanlane_core::event::{EventKind, Outcome, OutcomeClass, TaskEvent, TaskId};
use fanlane_core::store::race::Races;

use super::canned::{self, FakeEngine, models};
use super::driver::{self, Window, click, fresh, handle, open_example, press, shown, type_into, until, with_run};

#[derive(Debug)]
struct Dropped(std::path::PathBuf);

impl DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }
    fn bytes(&self) -> Result<Vec<u8>, String> {
        std::fs::read(&self.0).map_err(|error| error.to_string())
    }
}

/// Presses the window's close button; whether it closes.
fn close(window: &mut Window<'_>) -> bool {
    let commands = |window: &Window<'_>| {
        let output = window.output().viewport_output.get(&ViewportId::ROOT);
        output.map(|output| output.commands.clone()).unwrap_or_default()
    };
    window.input_mut().viewports.entry(ViewportId::ROOT).or_default().events.push(ViewportEvent::Close);
    window.run_steps(1);
    let is_refused = commands(window).contains(&ViewportCommand::CancelClose);
    window.input_mut().viewports.entry(ViewportId::ROOT).or_default().events.clear();
    window.run_steps(3);
    !is_refused
}

/// Whether the window closes by itself within the next frames.
fn closes(window: &mut Window<'_>) -> bool {
    (0..6).any(|_| {
        window.run_steps(1);
        let output = window.output().viewport_output.get(&ViewportId::ROOT);
        output.is_some_and(|output| output.commands.contains(&ViewportCommand::Close))
    })
}

fn racing(folder: &Path) -> (Window<'static>, FakeEngine) {
    let engine = FakeEngine::default();
    let options = SessionOptions { races: Some(Races::open(folder)), ..SessionOptions::in_memory(engine.engine()) };
    let mut session = Session::new(options, Arc::new(|| {}));
    session.edit(|draft| *draft = JobDraft::from_job(&canned::cubes()));
    let mut window = driver::window(session);
    handle(&mut window, RaceCommand::Start);
    until(&mut window, "the first run of the race", |_| engine.asked().started.len() == 1);
    (window, engine)
}

/// Lets the race fail or end by itself: the run ends, and so does the race that is asked to stop.
fn end_race(window: &mut Window<'_>, engine: &FakeEngine) {
    handle(window, RaceCommand::Stop);
    engine.finish(5_000_000, true);
    until(window, "the race ends", |session| !session.is_racing());
}

#[test]
fn a_close_question_is_not_answered_by_the_end_of_the_run() {
    let (mut window, engine) = fresh();
    click(&mut window, "Run");
    until(&mut window, "the run", Session::is_running);
    assert!(!close(&mut window));
    assert!(window.query_by_label("A run is under way").is_some());
    engine.finish(5, false);
    until(&mut window, "the end", |session| !session.is_running());
    assert!(window.query_by_label("A run is under way").is_none(), "the question is void");
    assert!(!closes(&mut window), "nobody answered");
    assert!(engine.asked().commands.is_empty());
    assert!(close(&mut window), "now nothing is at risk");
}

#[test]
fn a_close_question_is_not_answered_by_the_end_of_the_race() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut window, engine) = racing(folder.path());
    assert!(!close(&mut window));
    assert!(window.query_by_label("A race is under way").is_some());
    end_race(&mut window, &engine);
    assert!(window.query_by_label("A race is under way").is_none(), "the question is void");
    assert!(!closes(&mut window), "nobody answered");
}

#[test]
fn a_stop_question_is_not_answered_by_the_end_of_what_it_is_about() {
    let (mut window, engine) = fresh();
    click(&mut window, "Run");
    until(&mut window, "the run", Session::is_running);
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert!(window.query_by_label("Stop the run?").is_some());
    engine.finish(5, false);
    until(&mut window, "the end", |session| !session.is_running());
    assert!(window.query_by_label("Stop the run?").is_none());
    assert!(engine.asked().commands.is_empty());
}

#[test]
fn escape_asks_before_it_stops_a_race() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut window, engine) = racing(folder.path());
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert!(window.query_by_label("Stop the race?").is_some());
    click(&mut window, "Keep racing");
    assert!(shown(&window).is_racing() && engine.asked().commands.is_empty());
    press(&mut window, Modifiers::NONE, Key::Escape);
    click(&mut window, "Stop the race");
    assert_eq!(engine.asked().commands, [RunCommand::StopNow]);
    engine.finish(5, true);
    until(&mut window, "the end", |session| !session.is_racing());
}

#[test]
fn an_answer_closes_the_window_without_a_second_question() {
    let (mut window, engine) = fresh();
    type_into(&mut window, "Name", "Changed");
    click(&mut window, "Run");
    until(&mut window, "the run", Session::is_running);
    assert!(!close(&mut window));
    assert!(window.query_by_label("Changed has unsaved changes.").is_some(), "all that is lost is listed");
    click(&mut window, "Stop and close");
    assert_eq!(engine.asked().commands, [RunCommand::Stop]);
    until(&mut window, "the end", |session| !session.is_running());
    assert!(close(&mut window), "it was answered");
}

#[test]
fn closing_asks_about_an_edited_job_but_not_about_another_number_of_workers() {
    let (mut window, _) = fresh();
    handle(&mut window, Command::SetWorkers(3));
    assert!(close(&mut window));
    type_into(&mut window, "Name", "Changed");
    assert!(!close(&mut window));
    click(&mut window, "Cancel");
    assert_eq!(shown(&window).editor.draft().name, "Changed");
    assert!(!close(&mut window));
    click(&mut window, "Discard and close");
    assert!(closes(&mut window));
}

#[test]
fn every_way_to_open_a_job_asks_before_it_replaces_an_edited_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("other.ron");
    let text = r#"Job(version: 1, name: "Other", task: Command("echo {}"), inputs: [Range(1, 3)])"#;
    std::fs::write(&file, text).expect("written");
    let path = file.to_str().expect("text").to_owned();
    type Way<'a> = (&'a str, &'a dyn Fn(&mut Window<'_>));
    let ways: [Way<'_>; 3] = [
        ("the path and Enter", &|window| {
            press(window, Modifiers::COMMAND, Key::O);
            type_into(window, "Path of the job file", &path);
            press(window, Modifiers::NONE, Key::Enter);
        }),
        ("a dropped file", &|window| {
            window.input_mut().dropped_files.push(Arc::new(Dropped(file.clone())));
            window.run_steps(4);
        }),
        ("an example", &|window| {
            let second = shown(window).presets.built_in()[1].name.clone();
            open_example(window, &second);
        }),
    ];
    for (way, open) in ways {
        let (mut window, _) = fresh();
        type_into(&mut window, "Name", "Changed");
        open(&mut window);
        assert!(window.query_by_label("Discard the changes?").is_some(), "{way}");
        assert_eq!(shown(&window).editor.draft().name, "Changed", "{way}");
        click(&mut window, "Keep editing");
        assert_eq!(shown(&window).editor.draft().name, "Changed", "{way}");
        open(&mut window);
        click(&mut window, "Discard");
        assert_ne!(shown(&window).editor.draft().name, "Changed", "{way}");
        assert!(!shown(&window).editor.is_edited(), "{way}");
        // An unedited job is replaced at once.
        open(&mut window);
        assert!(window.query_by_label("Discard the changes?").is_none(), "{way}");
    }
}

#[test]
fn a_question_that_comes_between_brings_the_one_before_back() {
    let (mut window, _) = fresh();
    click(&mut window, "Run");
    until(&mut window, "the run", Session::is_running);
    press(&mut window, Modifiers::COMMAND, Key::O);
    type_into(&mut window, "Path of the job file", "/half/typed");
    assert!(!close(&mut window));
    click(&mut window, "Cancel");
    assert!(window.query_by_label("Open a job file").is_some(), "what was typed is still there");
    let field = window.get_by_role_and_label(Role::TextInput, "Path of the job file");
    assert_eq!(field.accesskit_node().value().as_deref(), Some("/half/typed"));
    assert!(field.is_focused(), "and goes on being typed");
}

#[test]
fn a_rerun_keeps_the_results_the_filter_and_the_place() {
    let (mut window, engine) = with_run(Page::RESULTS);
    handle(&mut window, Command::SetQuery(RowQuery { class: Some(OutcomeClass::Failed), ..RowQuery::default() }));
    handle(&mut window, Command::SelectTask(Some(TaskId(6))));
    click(&mut window, "Rerun this task");
    until(&mut window, "the rerun", |session| session.run.current().expect("a run").model().records.len() == 239);
    engine.say(4, EventKind::Task(TaskEvent::Finished(vec![models::record(0, 1, 1, 2, Outcome::Done)])));
    engine.finish(5, false);
    until(&mut window, "the end", |session| !session.is_running());
    let session = shown(&window);
    assert_eq!(session.page(), Page::RESULTS);
    assert_eq!((session.run.selected(), session.run.query().class), (Some(TaskId(6)), Some(OutcomeClass::Failed)));
    let run = session.run.current().expect("a run");
    assert_eq!((run.model().records.len(), &*run.job.name), (240, "Thumbnails"));
    assert_eq!(run.model().records.of(TaskId(6)).expect("it ran again").outcome, Outcome::Done);
    assert!(run.model().attempts(TaskId(6)).count() > 1, "its earlier attempts are there");
    assert!(window.query_by_label_contains("Back to").is_none(), "there is nothing to go back to");
}

#[test]
fn results_that_no_history_has_can_be_shown_again_after_the_next_run() {
    let (mut window, engine) = with_run(Page::RESULTS);
    assert!(!shown(&window).history.is_kept());
    handle(&mut window, Command::Run);
    engine.finish(5, false);
    until(&mut window, "the end", |session| !session.is_running());
    click(&mut window, "Back to Thumbnails");
    assert_eq!(shown(&window).run.current().expect("a run").model().records.len(), 240);
}

#[test]
fn a_filter_does_not_outlive_its_run() {
    let (mut window, engine) = with_run(Page::RESULTS);
    click(&mut window, "Only failed");
    handle(&mut window, Command::Run);
    until(&mut window, "the run", Session::is_running);
    assert_eq!(*shown(&window).run.query(), RowQuery::default());
    engine.finish(5, false);
    until(&mut window, "the end", |session| !session.is_running());
}

#[test]
fn the_slider_shows_and_sets_the_workers_of_the_run_under_way() {
    let (mut window, engine) = fresh();
    handle(&mut window, Command::SetWorkers(4));
    click(&mut window, "Run");
    until(&mut window, "the run", |session| session.run.current().is_some_and(|run| run.workers() == Some(4)));
    let preset = shown(&window).presets.built_in()[1].id.clone();
    handle(&mut window, PresetCommand::Open(preset));
    let of_job = shown(&window).editor.workers();
    assert_ne!(of_job, 4);
    let slider = window.get_by_role_and_label(Role::Slider, "Workers");
    assert_eq!(slider.accesskit_node().numeric_value(), Some(4.0), "of the run, not of the open job");
    slider.set_value_accesskit(2.0);
    window.run_steps(4);
    assert_eq!(engine.asked().commands, [RunCommand::SetWorkers(2)]);
    assert_eq!(shown(&window).workers(), 2, "as asked for, also before the answer");
    let next = window.get_by_role_and_label(Role::Slider, "Workers of the next run");
    assert_eq!(next.accesskit_node().numeric_value(), Some(f64::from(of_job)), "the job has its own");
    next.set_value_accesskit(7.0);
    window.run_steps(4);
    assert_eq!(shown(&window).editor.workers(), 7);
    assert_eq!(engine.asked().commands, [RunCommand::SetWorkers(2)], "which is nothing to the run");
    handle(&mut window, Command::SetJobWorkers(of_job));
    assert_eq!(shown(&window).editor.workers(), of_job, "the open job is not that of the run");
    engine.finish(5, false);
    until(&mut window, "the end", |session| !session.is_running());
    assert_eq!(shown(&window).workers(), of_job);
}
