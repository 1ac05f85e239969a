//! The window and the runs that outlive it: it is closed while a batch goes on, and the next one finds the batch.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use eframe::egui::accesskit::Role;
use eframe::egui::{Key, Modifiers, ViewportCommand, ViewportEvent, ViewportId};
use egui_kittest::kittest::Queryable as _;
use fanlane::session::{JobDraft, Page, Session, SessionOptions};
use fanlane_core::host::DetachedRuns;
use fanlane_core::job::{Input, Job, TaskTemplate};
use fanlane_core::store::history::{History, RunState};

use super::canned::FakeEngine;
use super::driver::{self, Window, click, shown, until};

pub fn gated() -> Job {
    let command = "until [ -e gate ]; do sleep 0.01; done; echo {} >> record".to_owned();
    Job {
        name: "Gated".to_owned(),
        task: TaskTemplate::Command(command),
        inputs: vec![Input::Range(1, 6)],
        workers: Some(2),
        ..Job::default()
    }
}

pub fn window<'a>(engine: &FakeEngine, folder: &Path, program: &str, opens_file: bool) -> Window<'a> {
    let job = opens_file.then(|| folder.join("job.ron"));
    let detached = Some(DetachedRuns::in_folder(program.into(), folder.join("runtime")));
    let history = Some(folder.join("history"));
    let in_memory = SessionOptions::in_memory(engine.engine());
    let options = SessionOptions { job, detached, history, folder: folder.to_owned(), ..in_memory };
    let mut session = Session::new(options, Arc::new(|| {}));
    if !opens_file {
        session.edit(|draft| *draft = JobDraft::from_job(&gated()));
    }
    driver::window(session)
}

fn done(session: &Session) -> u64 {
    session.run.current().map_or(0, |run| run.model().progress.counts.done)
}

pub fn has_begun(session: &Session) -> bool {
    session.run.current().is_some_and(|run| run.can_stay() && run.model().header.is_some())
}

fn said(session: &Session, words: &str) -> bool {
    session.notices.all().iter().any(|notice| notice.text.contains(words))
}

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_fanlane");

#[test]
fn a_window_is_closed_and_the_next_ones_find_the_batch() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = FakeEngine::default();
    let mut first = window(&engine, folder.path(), PROGRAM, false);
    first.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    until(&mut first, "the run in a process of its own", has_begun);
    assert!(engine.asked().started.is_empty(), "nothing runs in the window");
    let viewport = first.input_mut().viewports.entry(ViewportId::ROOT).or_default();
    viewport.events.push(ViewportEvent::Close);
    first.run_steps(1);
    first.input_mut().viewports.entry(ViewportId::ROOT).or_default().events.clear();
    first.run_steps(3);
    assert!(first.query_by_label_contains("It can continue in the background").is_some());
    first.get_by_role_and_label(Role::Button, "Run in background").click();
    let mut closes = false;
    for _ in 0..4 {
        first.run_steps(1);
        let commands = first.output().viewport_output.get(&ViewportId::ROOT).map(|output| output.commands.clone());
        closes |= commands.unwrap_or_default().contains(&ViewportCommand::Close);
    }
    assert!(closes, "the window closes");
    first.state_mut().session_mut().shutdown();
    drop(first);

    // One that opens on nothing else shows it at once; one that opens on a job says so, and shows it when asked.
    let mut second = window(&engine, folder.path(), PROGRAM, false);
    until(&mut second, "the run that goes on", has_begun);
    assert_eq!(shown(&second).page(), Page::LIVE);
    assert!(said(shown(&second), "which kept running"), "{:?}", shown(&second).notices.all());
    std::fs::write(folder.path().join("job.ron"), gated().to_ron().expect("it can be written")).expect("written");
    let mut third = window(&engine, folder.path(), PROGRAM, true);
    until(&mut third, "the news", |session| said(session, "A run is running detached"));
    third.key_press_modifiers(Modifiers::COMMAND, Key::Num6);
    until(&mut third, "the list", |session| session.detached.is_running(1) && !session.history.all().is_empty());
    click(&mut third, "Run 1");
    click(&mut third, "Watch");
    until(&mut third, "the run", has_begun);

    std::fs::write(folder.path().join("gate"), "").expect("written");
    for window in [&mut second, &mut third] {
        until(window, "the end", |session| !session.is_running() && done(session) == 6);
    }
    let mut lines: Vec<String> =
        std::fs::read_to_string(folder.path().join("record")).expect("a file").lines().map(str::to_owned).collect();
    lines.sort();
    assert_eq!(lines, ["1", "2", "3", "4", "5", "6"]);
    drop((second, third));
    // The windows are told the end before it is recorded.
    let history = History::existing(&folder.path().join("history")).expect("readable").expect("there");
    let begun = Instant::now();
    while history.run(1).expect("recorded").state != RunState::Finished {
        assert!(begun.elapsed() < Duration::from_secs(60), "the end of the run is recorded");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_run_in_a_process_of_its_own_is_stopped_from_the_window() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = window(&FakeEngine::default(), folder.path(), PROGRAM, false);
    window.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    // Also what is asked before the process is there is done.
    until(&mut window, "the start", Session::is_running);
    window.state_mut().session_mut().handle(fanlane::session::Command::Stop);
    until(&mut window, "the end", |session| !session.is_running());
    assert_eq!(done(shown(&window)), 0);
    assert!(shown(&window).run.current().expect("it is shown").model().summary().expect("it has ended").stopped);
}

#[test]
fn a_run_that_shall_end_with_its_window_is_stopped_when_the_window_goes() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = window(&FakeEngine::default(), folder.path(), PROGRAM, false);
    window.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    until(&mut window, "the run in the history", |session| session.run.ends_with_window(1) == Some(false));
    window.key_press_modifiers(Modifiers::COMMAND, Key::Num6);
    until(&mut window, "the list", |session| !session.history.all().is_empty());
    click(&mut window, "Run 1");
    window.get_by_role_and_label(Role::CheckBox, "Stop it when this window is closed or killed").click();
    until(&mut window, "the choice", |session| session.run.ends_with_window(1) == Some(true));
    drop(window);
    let ended = || {
        let history = History::existing(&folder.path().join("history")).expect("readable").expect("there");
        history.run(1).expect("recorded").state == RunState::Stopped
    };
    let deadline = Instant::now() + Duration::from_secs(60);
    while !ended() || std::fs::read_dir(folder.path().join("runtime")).expect("a folder").next().is_some() {
        assert!(Instant::now() < deadline, "waited in vain for the end of the run");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn where_no_process_can_be_had_a_run_goes_on_in_the_window_and_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = FakeEngine::default();
    let mut window = window(&engine, folder.path(), "/no/such/program", false);
    window.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    until(&mut window, "the run in the window", |_| engine.asked().started.len() == 1);
    assert!(said(shown(&window), "This run ends with the window"), "{:?}", shown(&window).notices.all());
    assert!(!shown(&window).run.current().expect("it is shown").can_stay());
    engine.finish(1, false);
    until(&mut window, "the end", |session| !session.is_running());
}
