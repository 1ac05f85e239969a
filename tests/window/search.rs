//! Search in outputs: in the shown one, and over those of all tasks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use eframe::egui::accesskit::Role;
use eframe::egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use fanlane::session::{Command, EditorPrograms, Find, Page, RowQuery, SearchScope, Session, SessionOptions};
use fanlane_core::event::{
    AttemptRecord, Captured, Event, EventKind, Outcome, Output, StreamName, TaskEvent, TaskId, WorkerId,
};
use fanlane_core::model::search::Needle;

use super::canned::{self, FakeEngine};
use super::driver::{Window, click, handle, press, shown, type_into, until, with_run};

/// Lets frames pass until something is to be read.
fn until_read(window: &mut Window<'_>, words: &str) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while window.query_all_by_label_contains(words).next().is_none() {
        assert!(Instant::now() < deadline, "waited in vain for {words:?}");
        window.run_steps(1);
    }
    window.check_accessibility();
}

#[test]
fn a_text_is_found_in_the_shown_output_and_walked_through() {
    let (mut window, _) = with_run(Page::RESULTS);
    handle(&mut window, Command::SelectTask(Some(TaskId(2))));
    press(&mut window, Modifiers::COMMAND, Key::F);
    type_into(&mut window, "Find in this output", "LINE 400");
    until_read(&mut window, "1 of 2");
    assert!(window.query_by_label("line 400 of a talkative command").is_some(), "it is scrolled to");
    press(&mut window, Modifiers::NONE, Key::Enter);
    until_read(&mut window, "2 of 2");
    assert!(window.query_by_label("line 4000 of a talkative command").is_some());
    press(&mut window, Modifiers::NONE, Key::Enter);
    until_read(&mut window, "1 of 2");
    press(&mut window, Modifiers::SHIFT, Key::Enter);
    until_read(&mut window, "2 of 2");
    press(&mut window, Modifiers::NONE, Key::F3);
    until_read(&mut window, "1 of 2");
    press(&mut window, Modifiers::SHIFT, Key::F3);
    until_read(&mut window, "2 of 2");

    type_into(&mut window, "Find in this output", "the last");
    until_read(&mut window, "1 of 1");
    assert!(window.query_by_label("the last line").is_some(), "also behind what was dropped");
    type_into(&mut window, "Find in this output", "nothing like it");
    until_read(&mut window, "not found");

    press(&mut window, Modifiers::NONE, Key::Escape);
    assert!(window.query_by_label("Find in this output").is_none());
    assert_eq!(shown(&window).run.selected(), Some(TaskId(2)), "Esc closes the search alone");
}

#[test]
fn the_outputs_of_all_tasks_are_searched_and_the_lines_shown() {
    let (mut window, _) = with_run(Page::RESULTS);
    press(&mut window, Modifiers::COMMAND, Key::F);
    assert_eq!(shown(&window).run.query().scope, SearchScope::Outputs, "none is shown: all are searched");
    window.get_by(|node| node.is_focused() && node.role() == Role::TextInput).type_text("Premature");
    window.run_steps(4);
    let expected: Vec<u64> = vec![6, 18, 27, 40, 51, 75, 99];
    let tasks = |session: &Session| -> Vec<u64> {
        let model = session.run.current().expect("a run").model();
        session.run.rows().rows().iter().map(|row| model.records.get(*row as usize).expect("a row").task.0).collect()
    };
    until(&mut window, "the hits", |session| {
        tasks(session).iter().all(|task| expected.contains(task)) && tasks(session).len() >= 6
    });
    assert!(tasks(shown(&window)).contains(&40), "what an earlier attempt printed is found too");
    assert!(window.query_by_label("^[[31merror^[[0m: holiday-7.jpg: premature end of file").is_some());

    // A hit opens at its place.
    click(&mut window, "Task 41");
    until_read(&mut window, "1 of 1");
    assert!(window.query_by_label_contains("exited with code 1").is_some(), "the attempt that printed it");
    click(&mut window, "Search commands");
    handle(&mut window, Command::SetQuery(RowQuery::default()));
    until(&mut window, "all rows", |session| session.run.rows().rows().len() == 240);
}

#[test]
fn nothing_found_in_the_outputs_is_said() {
    let (mut window, _) = with_run(Page::RESULTS);
    click(&mut window, "Search outputs");
    type_into(&mut window, "Search in the outputs", "nothing like it");
    until(&mut window, "the end of the search", |session| !session.run.rows().is_under_way());
    until_read(&mut window, "No matching tasks");
    click(&mut window, "Show all");
    until(&mut window, "all rows", |session| session.run.rows().rows().len() == 240);
}

fn printed(bytes: Vec<u8>) -> Session {
    let mut session = canned::session(&FakeEngine::default());
    let mut model = canned::thumbnails_run(false);
    let stdout = Captured { head: bytes, ..Captured::default() };
    let record = AttemptRecord {
        output: Some(Box::new(Output { stdout, ..Output::default() })),
        ..AttemptRecord::new(TaskId(200), 1, WorkerId(1), Outcome::Exited { code: 1 })
    };
    model.apply(&Event { at_ns: 1, kind: EventKind::Task(TaskEvent::Finished(vec![record])) });
    session.show_recorded(canned::thumbnails(), model).expect("the job expands");
    session
}

#[test]
fn a_long_output_is_searched_piece_by_piece_while_the_model_stays_free() {
    const MIB: usize = 1 << 20;
    let mut bytes = vec![b'.'; 4 * MIB];
    let places = [0, MIB - 2, 2 * MIB, 3 * MIB - 1, 4 * MIB - 4];
    for place in places {
        bytes[place..place + 4].copy_from_slice(b"Boom");
    }
    let session = printed(bytes);
    let record = session.run.current().expect("a run").model().records.of(TaskId(200)).expect("it ended").clone();
    let needle = Needle::new("boom").expect("a text");
    let find: Find = session.find(&record, StreamName::Stdout, needle).expect("a run is shown");
    let deadline = Instant::now() + Duration::from_secs(60);
    while !find.found().done {
        assert!(Instant::now() < deadline, "waited in vain for the end of the search");
        // What the window does meanwhile.
        drop(session.run.current().expect("a run").model());
        std::thread::yield_now();
    }
    let found: Vec<usize> = find.found().places.iter().map(|place| place.start).collect();
    assert_eq!(found, places);
}

#[test]
fn an_output_opens_in_the_editor_as_a_whole_or_says_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let open = |visual: String| {
        let editor_programs = EditorPrograms { visual: Some(visual.into()), desktop: "/no/such/program".into() };
        let options = SessionOptions { editor_programs, ..SessionOptions::in_memory(FakeEngine::default().engine()) };
        let mut session = Session::new(options, Arc::new(|| {}));
        session.show_recorded(canned::thumbnails(), canned::thumbnails_run(true)).expect("the job expands");
        session.handle(Command::OpenOutput { task: TaskId(2), attempt: 1, stream: StreamName::Stdout });
        session
    };
    let session = open(format!("cp -t '{}'", folder.path().display()));
    let copy = folder.path().join("thumbnails-task-3-stdout.txt");
    let deadline = Instant::now() + Duration::from_secs(60);
    let text = loop {
        let text = std::fs::read_to_string(&copy).unwrap_or_default();
        if text.ends_with("the last line\n") {
            break text;
        }
        assert!(Instant::now() < deadline, "waited in vain for the editor; {:?}", session.notices.all());
        std::thread::yield_now();
    };
    assert!(text.starts_with("line 1 of") && text.contains("\n… 11.8 MiB not kept …\n"), "{}", text.len());

    let mut session = open("false".to_owned());
    while session.notices.all().is_empty() {
        assert!(Instant::now() < deadline, "waited in vain for the message");
        session.poll();
        std::thread::yield_now();
    }
    let told = &session.notices.all()[0].text;
    for words in ["VISUAL (false) ended with", "/no/such/program cannot be started", "Set VISUAL", "task-3-stdout.txt"]
    {
        assert!(told.contains(words), "{words}: {told}");
    }
}

#[test]
fn a_failed_task_opens_on_what_it_says_of_its_failure() {
    let stream = |text: &str| Captured { head: text.into(), ..Captured::default() };
    let table = [
        ("partial\n", "Traceback\n", Outcome::Exited { code: 1 }, "Copy stderr"),
        ("partial\n", "", Outcome::Exited { code: 1 }, "Copy stdout"),
        ("partial\n", " \n", Outcome::Exited { code: 1 }, "Copy stdout"),
        ("", "Traceback\n", Outcome::TimedOut, "Copy stderr"),
        ("result\n", "a warning\n", Outcome::Done, "Copy stdout"),
        ("", "a warning\n", Outcome::Done, "Copy stderr"),
        ("partial\n", "killed\n", Outcome::Signalled { signal: 9 }, "Copy stderr"),
    ];
    let mut model = canned::thumbnails_run(false);
    let records = (200..).zip(&table).map(|(task, (stdout, stderr, outcome, _))| AttemptRecord {
        output: Some(Box::new(Output { stdout: stream(stdout), stderr: stream(stderr), leaky: false })),
        ..AttemptRecord::new(TaskId(task), 1, WorkerId(1), outcome.clone())
    });
    model.apply(&Event { at_ns: 1, kind: EventKind::Task(TaskEvent::Finished(records.collect())) });
    let (mut window, _) = with_run(Page::RESULTS);
    let session = window.state_mut().session_mut();
    session.show_recorded(canned::thumbnails(), model).expect("the job expands");
    for (task, (stdout, stderr, _, button)) in (200..).zip(table) {
        handle(&mut window, Command::SelectTask(Some(TaskId(task))));
        assert!(window.query_by_label(button).is_some(), "{stdout:?} and {stderr:?}: {button}");
    }
}
