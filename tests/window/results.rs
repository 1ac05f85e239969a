//! The page Results: its filters, its order, and all that it tells of one task.

use eframe::egui::accesskit::Role;
use eframe::egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use fanlane::session::{Command, Page, Session, SortKey};
use fanlane_core::engine::RunCommand;
use fanlane_core::event::{EventKind, LaneId, OutcomeClass, TaskEvent, TaskId, WorkerEvent, WorkerId};

use super::driver::{Window, click, press, shown, type_into, until, with_cubes, with_run};

#[test]
fn results_are_filtered_by_outcome_and_text_and_sorted() {
    let (mut window, _) = with_run(Page::RESULTS);
    let rows = |window: &Window<'_>| shown(window).run.rows().rows().len();
    assert_eq!(rows(&window), 240);
    click(&mut window, "Only failed");
    assert_eq!(shown(&window).run.query().class, Some(OutcomeClass::Failed));
    assert_eq!(rows(&window), 3);
    click(&mut window, "Show all outcomes");
    press(&mut window, Modifiers::NONE, Key::Slash);
    window.get_by(|node| node.is_focused() && node.role() == Role::TextInput).type_text("holiday-24");
    window.run_steps(4);
    assert_eq!(rows(&window), 2, "24 and 240");
    type_into(&mut window, "Search in the command lines", "nothing like it");
    assert_eq!(rows(&window), 0);
    click(&mut window, "Show all");
    assert_eq!(rows(&window), 240);

    click(&mut window, "Sort by Wall");
    assert_eq!((shown(&window).run.query().sort, shown(&window).run.query().descending), (SortKey::Wall, true));
    click(&mut window, "Sort by Wall, largest first now");
    assert!(!shown(&window).run.query().descending);
}

#[test]
fn a_failed_task_shows_everything_about_it() {
    let (mut window, engine) = with_run(Page::RESULTS);
    click(&mut window, "Only failed");
    click(&mut window, "Task 7");
    assert_eq!(shown(&window).run.selected(), Some(TaskId(6)));
    assert!(window.query_by_label_contains("exited with code 3").is_some());
    assert!(window.query_by_label("^[[31merror^[[0m: holiday-7.jpg: premature end of file").is_some(), "inert");
    click(&mut window, "stdout");
    assert!(window.query_by_label("Nothing").is_some());
    click(&mut window, "stderr");
    click(&mut window, "Copy stderr");
    click(&mut window, "Copy command");
    click(&mut window, "Rerun this task");
    assert_eq!(engine.asked().started.len(), 1);
    assert_eq!(shown(&window).run.current().expect("a run").batch.len(), 240, "in the same run");
    assert_eq!(shown(&window).page(), Page::RESULTS);
}

#[test]
fn a_running_task_can_be_cancelled() {
    let (mut window, engine) = with_cubes();
    click(&mut window, "Run");
    until(&mut window, "the run", Session::is_running);
    let worker = WorkerId(1);
    engine.say(1, EventKind::Worker(WorkerEvent::Started { worker, lane: LaneId(0), pid: 4242 }));
    engine.say(
        2,
        EventKind::Task(TaskEvent::Started { task: TaskId(4), attempt: 1, worker, start_ns: 2, pid: Some(4243) }),
    );
    until(&mut window, "the task", |session| {
        session.run.current().is_some_and(|run| run.model().running.contains_key(&TaskId(4)))
    });
    window.state_mut().session_mut().handle(Command::SelectTask(Some(TaskId(4))));
    window.state_mut().session_mut().handle(Command::Show(Page::RESULTS));
    window.run_steps(4);
    assert!(window.query_by_label("4243").is_some(), "its process");
    click(&mut window, "Cancel this task");
    assert_eq!(engine.asked().commands, [RunCommand::Cancel(TaskId(4))]);
}

#[test]
fn the_attempts_before_the_last_can_be_looked_at() {
    let (mut window, _) = with_run(Page::RESULTS);
    window.state_mut().session_mut().handle(Command::SelectTask(Some(TaskId(40))));
    window.run_steps(4);
    assert!(window.query_by_label("It succeeded.").is_some());
    click(&mut window, "Attempt 1, failed");
    assert!(window.query_by_label_contains("exited with code 1").is_some());
    click(&mut window, "Close the details");
    assert_eq!(shown(&window).run.selected(), None);
}

#[test]
fn long_output_is_scrolled_not_drawn_as_a_whole() {
    let (mut window, _) = with_run(Page::RESULTS);
    window.state_mut().session_mut().handle(Command::SelectTask(Some(TaskId(2))));
    window.run_steps(4);
    assert!(window.query_by_label("line 1 of a talkative command").is_some());
    assert!(window.query_by_label("line 4000 of a talkative command").is_none());
}

#[test]
fn all_failed_run_again() {
    let (mut window, engine) = with_run(Page::RESULTS);
    click(&mut window, "Rerun failed tasks");
    assert_eq!(engine.asked().started.len(), 1);
    until(&mut window, "the rest runs", |session| {
        session.run.current().expect("a run").model().progress.remaining() == 6
    });
    assert_eq!(shown(&window).run.current().expect("a run").batch.len(), 240, "in the same run");
}

#[test]
fn arrow_keys_walk_through_the_results() {
    let (mut window, _) = with_run(Page::RESULTS);
    window.get_by(|node| node.is_focused() && node.role() != Role::Window);
    press(&mut window, Modifiers::NONE, Key::Escape);
    press(&mut window, Modifiers::NONE, Key::ArrowDown);
    assert_eq!(shown(&window).run.selected(), Some(TaskId(0)));
    press(&mut window, Modifiers::NONE, Key::ArrowDown);
    press(&mut window, Modifiers::NONE, Key::ArrowDown);
    press(&mut window, Modifiers::NONE, Key::ArrowUp);
    assert_eq!(shown(&window).run.selected(), Some(TaskId(1)));
}
