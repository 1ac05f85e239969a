//! The page Runs driven through its accessibility tree: runs are recorded, listed, opened, gone on with and removed.

use std::path::Path;
use std::sync::Arc;

use eframe::egui::accesskit::Role;
use eframe::egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use fanlane::session::{Command, HistoryCommand, JobDraft, Page, PastRunUse, Session, SessionOptions};
use fanlane_core::event::{EventKind, LaneId, Outcome, OutcomeCounts, TaskEvent, WorkerEvent, WorkerId};
use fanlane_core::job::{Input, Job};
use fanlane_core::store::history::{History, RunState, file_in};

use super::canned::{self, FakeEngine, models};
use super::driver::{self, Window, click, shown, until};

fn window<'a>(engine: &FakeEngine, folder: &Path) -> Window<'a> {
    let history = Some(folder.join("history"));
    let options = SessionOptions { history, folder: folder.to_owned(), ..SessionOptions::in_memory(engine.engine()) };
    let mut session = Session::new(options, Arc::new(|| {}));
    let lines = vec![Input::Lines("inputs".into())];
    session.edit(|draft| *draft = JobDraft::from_job(&Job { inputs: lines, ..canned::thumbnails() }));
    driver::window(session)
}

/// Runs the open job on the engine that stands in for the real one; its first tasks end in these ways.
fn run(window: &mut Window<'_>, engine: &FakeEngine, outcomes: &[Outcome]) {
    let started = engine.asked().started.len();
    window.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    until(window, "the run starts", |_| engine.asked().started.len() > started);
    engine.say(1, EventKind::Worker(WorkerEvent::Started { worker: WorkerId(1), lane: LaneId(0), pid: 7 }));
    for (task, outcome) in (0..).zip(outcomes) {
        engine.say(
            task,
            EventKind::Task(TaskEvent::Finished(vec![models::record(task, 1, task, 1000, outcome.clone())])),
        );
    }
    let stopped = outcomes.len() < 3;
    engine.finish(9, stopped);
    until(window, "the run ends", |session| !session.is_running());
}

#[test]
fn a_run_is_listed_opened_gone_on_with_and_removed() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("inputs"), "a\nb\nc\n").expect("written");
    let engine = FakeEngine::default();
    let mut window = window(&engine, folder.path());
    window.key_press_modifiers(Modifiers::COMMAND, Key::Num6);
    until(&mut window, "the list is read", |session| !session.history.is_unread());
    assert!(window.query_by_label("No runs yet").is_some());

    run(&mut window, &engine, &[Outcome::Done, Outcome::Exited { code: 3 }]);
    window.key_press_modifiers(Modifiers::COMMAND, Key::Num6);
    until(&mut window, "the run is listed", |session| session.history.all().iter().any(|run| run.summary.is_some()));
    let row = shown(&window).history.all()[0].clone();
    assert_eq!((row.state, row.tasks), (RunState::Stopped, 3));
    assert_eq!(row.counts, OutcomeCounts { done: 1, failed: 1, ..OutcomeCounts::default() });
    click(&mut window, "Run 1");
    for name in ["Open", "Resume", "Rerun failed", "Rerun all", "Remove…"] {
        let rect = window.get_by_role_and_label(Role::Button, name).rect();
        assert!(rect.right() <= 1024.5 && rect.bottom() <= 640.5, "{name}: {rect:?}");
    }

    click(&mut window, "Open");
    until(&mut window, "it is shown", |session| session.page() == Page::RESULTS);
    let run = shown(&window).run.current().expect("a run");
    assert_eq!(run.model().records.len(), 2);
    assert!(!run.is_under_way());
    assert_eq!(run.obstacle_to_rerun(), None);

    window.key_press_modifiers(Modifiers::COMMAND, Key::Num6);
    window.run_steps(4);
    click(&mut window, "Resume");
    until(&mut window, "the rest runs", |_| engine.asked().started.len() == 2);
    let numbers: Vec<u64> = {
        let run = shown(&window).run.current().expect("a run");
        (0..run.batch.len()).map(|task| run.number(fanlane_core::event::TaskId(task))).collect()
    };
    assert_eq!(numbers, [3], "what failed is left alone");
    engine.finish(9, false);
    until(&mut window, "it ends", |session| !session.is_running());
    window.key_press_modifiers(Modifiers::COMMAND, Key::Num6);
    until(&mut window, "both are listed", |session| {
        session.history.all().len() == 2 && session.history.all()[0].summary.is_some()
    });
    assert_eq!(shown(&window).history.all()[0].continues, Some(1));

    window.state_mut().session_mut().handle(HistoryCommand::Open(1, PastRunUse::RerunFailed));
    until(&mut window, "what failed runs", |_| engine.asked().started.len() == 3);
    window.state_mut().session_mut().handle(HistoryCommand::Open(1, PastRunUse::Show));
    window.run_steps(2);
    assert!(shown(&window).notices.all().iter().any(|notice| notice.text.contains("A run is under way")));
    engine.finish(9, false);
    until(&mut window, "it ends", |session| !session.is_running());

    window.key_press_modifiers(Modifiers::COMMAND, Key::Num6);
    until(&mut window, "all are listed", |session| session.history.all().len() == 3);
    click(&mut window, "Remove…");
    click(&mut window, "Cancel");
    assert_eq!(shown(&window).history.all().len(), 3);
    click(&mut window, "Remove…");
    click(&mut window, "Remove the run");
    until(&mut window, "it is gone", |session| session.history.all().len() == 2);
    let history = History::existing(&folder.path().join("history")).expect("readable").expect("there");
    assert!(history.run(1).is_err());
}

/// What was done twice: its command, its workers, how much longer it took, and task by task what has changed.
#[test]
fn two_runs_of_a_job_are_compared_and_a_double_click_opens_one() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("inputs"), "a\nb\nc\n").expect("written");
    let engine = FakeEngine::default();
    let mut window = window(&engine, folder.path());
    run(&mut window, &engine, &[Outcome::Done, Outcome::Exited { code: 3 }, Outcome::Done]);
    run(&mut window, &engine, &[Outcome::Done, Outcome::Done, Outcome::Exited { code: 1 }]);
    window.key_press_modifiers(Modifiers::COMMAND, Key::Num6);
    until(&mut window, "both are listed", |session| {
        session.history.all().iter().filter(|run| run.summary.is_some()).count() == 2
    });
    let title = "convert photos/holiday-{}.jpg -resize 256 thumbs/holiday-{}.jpg";
    let session = shown(&window);
    let newest = &session.history.all()[0];
    assert_eq!(session.history.command(newest), Some(title));
    assert_eq!(session.history.before(newest).map(|run| run.id), Some(1));
    for words in ["Workers", "Change", "as before"] {
        assert!(window.query_all_by_label(words).count() > 0, "{words}");
    }
    click(&mut window, "Run 2");
    click(&mut window, "Compare with another run");
    click(&mut window, "Compare with run 1");
    until(&mut window, "the comparison", |session| session.history.comparison().is_some());
    assert!(window.query_by_label("Run 2 compared with run 1").is_some());
    for (button, input) in [("Tasks: Failed newly 1", "c: convert"), ("Tasks: Fixed 1", "b: convert")] {
        click(&mut window, button);
        assert!(window.query_by_label_contains(&format!("{input} photos/holiday-")).is_some(), "{button}");
    }
    let disabled = window.get_by_role_and_label(Role::Button, "Tasks: Slower 0").accesskit_node().is_disabled();
    assert!(disabled, "no task got slower");
    click(&mut window, "Close the comparison");
    assert!(shown(&window).history.comparison().is_none());

    // Frames of a test are a quarter of a second apart; with a longer delay, the clicks above would make it a triple click.
    window.ctx.options_mut(|options| options.input_options.max_double_click_delay = 0.8);
    let row = window.get_by_role_and_label(Role::Button, "Run 1").rect();
    let place = eframe::egui::pos2(row.right() + 30.0, row.center().y);
    window.event(eframe::egui::Event::PointerMoved(place));
    for pressed in [true, false, true, false] {
        let (button, modifiers) = (eframe::egui::PointerButton::Primary, Modifiers::NONE);
        window.event(eframe::egui::Event::PointerButton { pos: place, button, pressed, modifiers });
    }
    until(&mut window, "it is shown", |session| session.page() == Page::RESULTS);
    assert_eq!(shown(&window).run.current().and_then(|run| run.history_id()), Some(1));
}

#[test]
fn a_run_whose_inputs_have_changed_is_shown_as_it_was_and_not_run_again() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("inputs"), "a\nb\nc\n").expect("written");
    let engine = FakeEngine::default();
    let mut window = window(&engine, folder.path());
    run(&mut window, &engine, &[Outcome::Done, Outcome::Done, Outcome::Exited { code: 1 }]);
    window.key_press_modifiers(Modifiers::COMMAND, Key::Num6);
    until(&mut window, "the run is recorded", |session| session.history.all().iter().any(|run| run.summary.is_some()));
    std::fs::write(folder.path().join("inputs"), "a\nx\nc\n").expect("written");
    for then in [PastRunUse::Show, PastRunUse::Resume, PastRunUse::Rerun, PastRunUse::RerunFailed] {
        window.state_mut().session_mut().handle(Command::Show(Page::RUNS));
        window.state_mut().session_mut().handle(HistoryCommand::Open(1, then));
        until(&mut window, "it is shown", |session| session.page() == Page::RESULTS);
        let session = shown(&window);
        let run = session.run.current().expect("a run");
        let line = fanlane::session::task_text(&run.batch, fanlane_core::event::TaskId(1));
        assert!(line.starts_with("convert photos/holiday-b.jpg"), "{then:?}: {line}");
        assert!(run.obstacle_to_rerun().is_some_and(|why| why.contains("have changed")));
        let is_told = session.notices.all().iter().any(|notice| notice.text.contains("Nothing was started."));
        assert!(is_told || then == PastRunUse::Show, "{then:?}: {:?}", session.notices.all());
    }
    window.state_mut().session_mut().handle(Command::RerunFailed);
    window.run_steps(2);
    assert_eq!(engine.asked().started.len(), 1);
}

#[test]
fn a_history_that_is_damaged_or_unwanted_is_told_on_the_page() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("history")).expect("made");
    std::fs::write(file_in(&folder.path().join("history")), "nonsense ".repeat(999)).expect("written");
    let engine = FakeEngine::default();
    let mut damaged = window(&engine, folder.path());
    damaged.key_press_modifiers(Modifiers::COMMAND, Key::Num6);
    until(&mut damaged, "it was read", |session| session.history.error().is_some());
    assert!(damaged.query_by_label("The history cannot be shown").is_some());

    let mut unwanted = driver::window(canned::session(&engine));
    unwanted.key_press_modifiers(Modifiers::COMMAND, Key::Num6);
    unwanted.run_steps(4);
    assert!(unwanted.query_by_label("No history").is_some());
}
