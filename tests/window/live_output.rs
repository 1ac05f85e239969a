//! What running tasks print, in the lanes and in the details of a task, while they print it.

use eframe::egui::accesskit::Role;
use eframe::egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use fanlane::session::{Command, Page, Session};
use fanlane_core::engine::{OutputLevel, RunCommand};
use fanlane_core::event::{
    AttemptRecord, Captured, EventKind, LaneId, Outcome, Output, Printed, SampleEvent, StreamName, TaskEvent, TaskId,
    WorkerEvent, WorkerId,
};
use fanlane_core::model::RunModel;

use super::canned::FakeEngine;
use super::driver::{Window, handle, press, type_into, until, with_cubes};

const MS: u64 = 1_000_000;
const WORKER: WorkerId = WorkerId(1);
const TASK: TaskId = TaskId(4);

fn printed(stream: StreamName, offset: u64, text: &str) -> EventKind {
    let printed = Printed { task: TASK, attempt: 1, worker: WORKER, stream, offset, bytes: text.as_bytes().into() };
    EventKind::Sample(SampleEvent::Printed(printed))
}

/// Starts a run whose task is running, and shows a page.
fn running(window: &mut Window<'_>, engine: &FakeEngine, page: Page) {
    handle(window, Command::Run);
    until(window, "the run", Session::is_running);
    engine.say(MS, EventKind::Worker(WorkerEvent::Started { worker: WORKER, lane: LaneId(0), pid: 77 }));
    let started = TaskEvent::Started { task: TASK, attempt: 1, worker: WORKER, start_ns: MS, pid: Some(78) };
    engine.say(2 * MS, EventKind::Task(started));
    handle(window, Command::SelectTask(Some(TASK)));
    handle(window, Command::Show(page));
    window.run_steps(2);
}

/// Waits until the model is so.
fn until_model(window: &mut Window<'_>, what: &str, is_so: impl Fn(&RunModel) -> bool) {
    until(window, what, |session| is_so(&session.run.current().expect("a run").model()));
    window.run_steps(2);
}

#[test]
fn the_latest_line_of_a_running_task_stands_in_its_lane() {
    let (mut window, engine) = with_cubes();
    running(&mut window, &engine, Page::LIVE);
    assert_eq!(engine.asked().watched.last(), Some(&RunCommand::Watch(OutputLevel::LatestLines)));
    engine.say(3 * MS, printed(StreamName::Stderr, 0, "frame 1\nframe 7 of\u{1b} 9\n"));
    until_model(&mut window, "the line", |model| model.lanes.latest_line_of(WORKER).is_some());
    let value = window.get_by_label("Lane 1").value().unwrap_or_default();
    assert!(value.contains("running task 5: stderr: frame 7 of^[ 9"), "{value}");
    window.get_by_label("Timeline of the lanes").focus();
    window.run_steps(2);
    window.key_press(Key::ArrowRight);
    window.run_steps(4);
    let value = window.get_by_label("Timeline of the lanes").value().unwrap_or_default();
    assert!(value.contains("stderr: frame 7 of^[ 9") && !value.contains('\u{1b}'), "{value}");
}

#[test]
fn the_details_of_a_running_task_follow_its_output_and_can_be_held_still() {
    let (mut window, engine) = with_cubes();
    running(&mut window, &engine, Page::RESULTS);
    assert!(engine.asked().watched.contains(&RunCommand::Follow(TASK)));
    assert!(window.query_by_label("Nothing yet").is_some());
    engine.say(3 * MS, printed(StreamName::Stdout, 0, "first line\n"));
    engine.say(4 * MS, printed(StreamName::Stderr, 0, "a warning\n"));
    let lines =
        |count: usize| move |model: &RunModel| model.live_text().is_some_and(|text| text.lines().len() == count);
    until_model(&mut window, "two lines", lines(2));
    for label in ["first line", "a warning", "stderr"] {
        assert!(window.query_by_label(label).is_some(), "{label}");
    }
    window.get_by_role_and_label(Role::Button, "Pause scrolling").click();
    window.run_steps(2);
    engine.say(5 * MS, printed(StreamName::Stdout, 2059, "last line\n"));
    until_model(&mut window, "three lines", lines(3));
    assert!(window.query_by_label("last line").is_none(), "the view is held");
    window.get_by_role_and_label(Role::Button, "Follow the newest").click();
    window.run_steps(2);
    assert!(window.query_by_label("last line").is_some());
    assert!(window.query_by_label("… 2.00 KiB skipped …").is_some(), "what is missing is said where it is missing");
    window.check_accessibility();
    // When it has ended, its record takes the place.
    let stdout = Captured { head: b"whole output\n".to_vec(), ..Captured::default() };
    let output = Some(Box::new(Output { stdout, ..Output::default() }));
    let record = AttemptRecord { output, ..AttemptRecord::new(TASK, 1, WORKER, Outcome::Done) };
    engine.say(6 * MS, EventKind::Task(TaskEvent::Finished(vec![record])));
    until_model(&mut window, "the end of the task", |model| model.records.of(TASK).is_some());
    assert!(window.query_by_label("whole output").is_some() && window.query_by_label("last line").is_none());
    assert_eq!(engine.asked().watched.last(), Some(&RunCommand::Unfollow(TASK)));
}

#[test]
fn what_a_running_task_has_printed_is_searched() {
    let (mut window, engine) = with_cubes();
    running(&mut window, &engine, Page::RESULTS);
    let many: String = (1..=200).map(|frame| format!("frame {frame}\n")).collect();
    engine.say(3 * MS, printed(StreamName::Stdout, 0, &many));
    until_model(&mut window, "the lines", |model| model.live_text().is_some_and(|text| text.lines().len() == 200));
    press(&mut window, Modifiers::COMMAND, Key::F);
    type_into(&mut window, "Find in this output", "FRAME 20");
    assert!(window.query_by_label("2 of 2").is_some(), "frames 20 and 200, the newest first");
    assert!(window.query_by_label("frame 200").is_some());
    press(&mut window, Modifiers::NONE, Key::F3);
    assert!(window.query_by_label("1 of 2").is_some() && window.query_by_label("frame 20").is_some(), "scrolled to");
    type_into(&mut window, "Find in this output", "nothing like it");
    assert!(window.query_by_label("not found").is_some());
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert!(window.query_by_label("Find in this output").is_none());
}
