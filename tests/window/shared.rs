//! The page Shared, the objects of a job, and the progress of tasks, driven through the accessibility tree on a session
//! made by hand: no display, no process.

use eframe::egui::accesskit::Role;
use eframe::egui::{Key, Modifiers, OutputCommand};
use egui_kittest::kittest::Queryable as _;
use fanlane::session::{Command, Page, Session};
use fanlane_core::event::{
    AttemptRecord, Captured, DispatchEvent, EventKind, LaneId, Outcome, Output, SampleEvent, SharedContent,
    SharedEvent, SharedObject, TaskEvent, TaskId, WorkerEvent, WorkerId,
};
use fanlane_core::job::{SharedSpec, Transport, field};

use super::driver::{Window, handle, type_into, unfold, until, with_cubes};

const MS: u64 = 1_000_000;

fn start(window: &mut Window<'_>) {
    window.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    until(window, "the run", Session::is_running);
}

fn object(name: &str, kind: &str, length: Option<u64>, content: &str) -> SharedObject {
    SharedObject { name: name.into(), kind: kind.into(), length, content: content.into(), calls: 1234, waiting: 2 }
}

#[test]
fn the_page_says_what_to_do_where_nothing_is_shared() {
    let (mut window, _engine) = with_cubes();
    window.key_press_modifiers(Modifiers::COMMAND, Key::Num4);
    window.run_steps(4);
    assert_eq!(window.state().session().page(), Page::SHARED);
    assert!(window.query_by_label("No shared objects").is_some());
    assert!(window.query_by_label("Transfer of results: none yet").is_some());
    window.state_mut().session_mut().edit(|draft| draft.shared = "seen = Set".into());
    window.run_steps(4);
    assert!(window.query_by_label("No run yet: press Run").is_some());
}

#[test]
fn objects_are_shown_while_the_run_goes_on_and_after_it() {
    let (mut window, engine) = with_cubes();
    start(&mut window);
    handle(&mut window, Command::Show(Page::SHARED));
    let objects =
        vec![object("seen", "set", Some(3), "[\"a\",\"b\u{1b}[2J\"]"), object("gate", "Lock", None, "held, 2 waiting")];
    engine.say(MS, EventKind::Shared(SharedEvent::Sampled(objects)));
    until(&mut window, "the objects", |session| !session.run.current().expect("a run").model().shared.is_empty());
    for label in ["seen", "set", "gate", "held, 2 waiting"] {
        assert!(window.query_by_label(label).is_some(), "{label}");
    }
    assert_eq!(window.query_all_by_label("1,234").count(), 2, "their calls");
    assert!(window.query_by_label_contains("\u{1b}").is_none(), "what a task wrote acts on nothing");
    assert!(window.query_by_label("Copy seen").is_none());

    let content = |name: &str, kind: &str, json: Option<String>| SharedContent {
        name: name.into(),
        kind: kind.into(),
        length: Some(9),
        json,
    };
    let long = format!("[{}1]", "1,".repeat(5000));
    let contents = vec![content("big", "list", None), content("seen", "set", Some(long))];
    engine.say(2 * MS, EventKind::Shared(SharedEvent::Ended(contents)));
    until(&mut window, "the end", |session| !session.run.current().expect("a run").model().shared_ended.is_empty());
    assert!(window.query_by_label("too long to be shown").is_some());
    window.get_by_role_and_label(Role::Button, "Copy seen").click();
    let copied = (0..6).any(|_| {
        window.run_steps(1);
        let commands = &window.output().platform_output.commands;
        commands.iter().any(|command| matches!(command, OutputCommand::CopyText(text) if text.len() == 10_003))
    });
    assert!(copied, "the whole content is copied");
    engine.finish(3 * MS, false);
    until(&mut window, "the end of the run", |session| !session.is_running());
}

#[test]
fn the_meter_says_how_large_results_are_and_how_long_their_way_is() {
    let (mut window, engine) = with_cubes();
    start(&mut window);
    handle(&mut window, Command::Show(Page::SHARED));
    let stdout = Captured { head: vec![b'x'; 3000], ..Captured::default() };
    let record = AttemptRecord {
        start_ns: MS,
        wall_ns: MS,
        output: Some(Box::new(Output { stdout, ..Output::default() })),
        ..AttemptRecord::new(TaskId(0), 1, WorkerId(1), Outcome::Done)
    };
    engine.say(4 * MS, EventKind::Task(TaskEvent::Finished(vec![record])));
    until(&mut window, "the result", |session| {
        session.run.current().expect("a run").model().result_transfers.results == 1
    });
    let words = fanlane_core::model::format::duration(2 * MS);
    assert!(window.query_by_label_contains(&format!("and {words} each")).is_some());
    engine.finish(5 * MS, false);
    until(&mut window, "the end of the run", |session| !session.is_running());
}

#[test]
fn the_faster_way_of_large_results_is_advised_and_chosen_on_the_page_job() {
    let (mut window, engine) = with_cubes();
    start(&mut window);
    handle(&mut window, Command::Show(Page::SHARED));
    for _ in 0..4 {
        let (bytes, used) = (16 << 20, Transport::Pipe);
        let kind =
            EventKind::Sample(SampleEvent::ResultsCompared { bytes, pipe_ns: 9 * MS, shared_memory_ns: 4 * MS, used });
        engine.say(MS, kind);
    }
    until(&mut window, "the advice", |session| {
        session.run.current().expect("a run").model().transports.better().is_some()
    });
    let words = "Shared memory would be faster: 4 results of about 16.0 MiB by each transport";
    assert!(window.query_by_label_contains(words).is_some());
    engine.finish(5 * MS, false);
    until(&mut window, "the end of the run", |session| !session.is_running());
    handle(&mut window, Command::Show(Page::JOB));
    window.get_by_role_and_label(Role::Button, "In shared memory").scroll_to_me();
    window.run_steps(20);
    window.get_by_role_and_label(Role::Button, "In shared memory").click();
    window.run_steps(4);
    let job = window.state().session().editor.draft().to_job().expect("it is right");
    assert_eq!(job.transport, Transport::SharedMemory);
}

#[test]
fn running_tasks_stand_above_the_results_with_what_they_have_said() {
    let (mut window, engine) = with_cubes();
    start(&mut window);
    handle(&mut window, Command::Show(Page::RESULTS));
    let worker = WorkerId(1);
    engine.say(MS, EventKind::Worker(WorkerEvent::Started { worker, lane: LaneId(0), pid: 7 }));
    engine
        .say(MS, EventKind::Task(TaskEvent::Started { task: TaskId(3), attempt: 1, worker, start_ns: MS, pid: None }));
    until(&mut window, "the task", |session| session.run.running_rows() == [TaskId(3)]);
    assert!(window.query_by_label("Running").is_some());
    let message = "second pass".into();
    engine.say(2 * MS, EventKind::Sample(SampleEvent::Progress { worker, sent_ns: 2 * MS, fraction: 0.4, message }));
    until(&mut window, "the progress", |session| {
        session.run.current().expect("a run").model().lanes.progress_of(WorkerId(1)).is_some()
    });
    assert!(window.query_by_label_contains("second pass").is_some() && window.query_by_label("Running").is_none());
    window.get_by_role_and_label(Role::Button, "Task 4").click();
    until(&mut window, "the details", |session| session.run.selected() == Some(TaskId(3)));
    engine.finish(5 * MS, false);
    until(&mut window, "the end of the run", |session| !session.is_running());
    assert!(window.state().session().run.running_rows().is_empty());
}

#[test]
fn objects_are_declared_on_the_page_job() {
    let (mut window, _engine) = with_cubes();
    handle(&mut window, Command::Show(Page::JOB));
    unfold(&mut window, "Shared objects");
    type_into(&mut window, "Objects", "seen = Set\ncount = Value(0)");
    window.check_accessibility();
    type_into(&mut window, "Maximum memory", "many");
    assert!(window.state().session().editor.preview().error(&field::SHARED_BYTES).is_some());
    assert!(window.query_all_by_label_contains("500M").count() > 1, "the help and the complaint");
    type_into(&mut window, "Maximum memory", "64M");
    let job = window.state().session().editor.draft().to_job().expect("it is right");
    assert_eq!(job.shared["seen"], SharedSpec::Set);
    assert_eq!((job.shared.len(), job.shared_bytes), (2, Some(64 << 20)));
    assert!(window.query_by_label("Shared objects (3 set)").is_some());
    type_into(&mut window, "Objects", "gate = Barrier(0)");
    assert!(window.state().session().editor.preview().error(&field::SHARED).is_some());
    assert!(window.query_all_by_label_contains("number of parties is 0").count() > 0);
}

#[test]
fn the_progress_of_a_task_stands_in_its_lane_and_its_details() {
    let (mut window, engine) = with_cubes();
    start(&mut window);
    let worker = WorkerId(1);
    engine.say(MS, EventKind::Worker(WorkerEvent::Started { worker, lane: LaneId(0), pid: 77 }));
    engine.say(
        2 * MS,
        EventKind::Task(TaskEvent::Started { task: TaskId(4), attempt: 2, worker, start_ns: MS, pid: Some(78) }),
    );
    let reported = |sent_ns, fraction, message: &str| {
        EventKind::Sample(SampleEvent::Progress { worker, sent_ns, fraction, message: message.into() })
    };
    engine.say(3 * MS, reported(2 * MS, 0.4, "second\u{1b} pass"));
    until(&mut window, "the report", |session| {
        session.run.current().expect("a run").model().lanes.progress_of(worker).is_some()
    });
    handle(&mut window, Command::Show(Page::LIVE));
    window.get_by_label("Timeline of the lanes").focus();
    window.run_steps(2);
    window.key_press(Key::ArrowRight);
    window.run_steps(4);
    let value = window.get_by_label("Timeline of the lanes").value().unwrap_or_default();
    assert!(value.contains("40 % done: second") && !value.contains('\u{1b}'), "{value}");
    window.state_mut().session_mut().handle(Command::SelectTask(Some(TaskId(4))));
    handle(&mut window, Command::Show(Page::RESULTS));
    assert!(window.query_by_label_contains("40 % done: second").is_some());

    // Late news of what it did before says nothing of this.
    engine.say(4 * MS, reported(MS - 1, 0.9, ""));
    engine.say(4 * MS, EventKind::Dispatch(DispatchEvent::Paused));
    until(&mut window, "the late report", |session| session.run.current().expect("a run").model().progress.paused);
    assert!(window.query_by_label_contains("40 % done: second").is_some());
    // And what was said of one task is not said of the next.
    engine.say(
        5 * MS,
        EventKind::Task(TaskEvent::Started { task: TaskId(5), attempt: 1, worker, start_ns: 4 * MS, pid: None }),
    );
    engine.say(5 * MS, EventKind::Dispatch(DispatchEvent::Resumed));
    until(&mut window, "the next task", |session| !session.run.current().expect("a run").model().progress.paused);
    assert!(window.state().session().run.current().expect("a run").model().lanes.progress_of(worker).is_none());
    engine.finish(5 * MS, false);
    until(&mut window, "the end of the run", |session| !session.is_running());
}
