//! The queue of jobs in the window: beside a run or after it, and what can be done to jobs that wait.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use eframe::egui::accesskit::Role;
use eframe::egui::{Key, Modifiers, vec2};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use fanlane::session::{Command, DoneAction, Session};
use fanlane_core::store::queue::{Change, JobQueue, NewJob};

use super::background::{PROGRAM, gated, has_begun, window};
use super::canned::FakeEngine;
use super::driver::{Window, click, handle, press, shown, type_into, until};

fn states(session: &Session) -> Vec<(u64, &'static str)> {
    session.queue.list().jobs.iter().map(|job| (job.id, job.state_word(1))).collect()
}

/// What another process adds.
fn job_from_elsewhere(folder: &Path) -> NewJob {
    NewJob {
        job: gated(),
        folder: folder.to_owned(),
        environment: std::env::vars_os().collect(),
        break_before: Vec::new(),
        stdin: None,
        held: true,
        at_unix_ms: None,
        after: Vec::new(),
        group: None,
        priority: 0,
    }
}

fn is_enabled(window: &Window<'_>, button: &str) -> bool {
    !window.get_by_role_and_label(Role::Button, button).accesskit_node().is_disabled()
}

#[test]
fn run_while_a_run_goes_on_asks_whether_beside_it_or_after_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = window(&FakeEngine::default(), folder.path(), PROGRAM, false);
    press(&mut window, Modifiers::COMMAND, Key::Enter);
    until(&mut window, "the first run", |session| has_begun(session) && session.run.ends_with_window(1).is_some());
    window.state_mut().session_mut().edit(|draft| draft.name = "Second".to_owned());
    until(&mut window, "the edited job", |session| session.run_obstacle().is_none());
    press(&mut window, Modifiers::COMMAND, Key::Enter);
    assert!(window.query_by_label_contains("Second can run now, beside run 1, or after it.").is_some());
    click(&mut window, "Cancel");
    assert!(states(shown(&window)).is_empty());

    press(&mut window, Modifiers::COMMAND, Key::Enter);
    // The focus is on what disturbs nothing.
    press(&mut window, Modifiers::NONE, Key::Enter);
    until(&mut window, "it waits", |session| states(session) == [(1, "waiting")]);
    assert_eq!(shown(&window).queue.list().jobs[0].note(0), "after run 1");
    press(&mut window, Modifiers::COMMAND, Key::Enter);
    click(&mut window, "Now, beside it");
    until(&mut window, "both run", |session| session.detached.is_running(2) && session.history.all().len() == 2);
    assert_eq!(shown(&window).run.current().and_then(|run| run.history_id()), Some(1), "the first one is shown");

    fs::write(folder.path().join("gate"), "").expect("written");
    until(&mut window, "all have run", |session| {
        states(session).is_empty() && session.history.all().iter().filter(|run| run.summary.is_some()).count() == 3
    });
    let record = fs::read_to_string(folder.path().join("record")).expect("written");
    assert_eq!(record.lines().count(), 18);
    nothing_is_left(folder.path());
}

#[test]
fn a_shutdown_at_the_end_of_a_run_waits_for_the_jobs_of_the_queue() {
    let folder = tempfile::tempdir().expect("a folder");
    let queue = JobQueue::beside_history(&folder.path().join("history"));
    let engine = FakeEngine::default();
    // Nothing can be started there, so the run is one of this process, and the job waits.
    let mut window = window(&engine, folder.path(), "/no/such/program", false);
    press(&mut window, Modifiers::COMMAND, Key::Enter);
    until(&mut window, "the run", |session| session.is_running() && !engine.asked().started.is_empty());
    handle(&mut window, Command::WhenDone(DoneAction::ShutDown));
    queue.add(NewJob { held: false, ..job_from_elsewhere(folder.path()) }).expect("added");
    until(&mut window, "what another process added", |session| states(session) == [(1, "queued")]);
    engine.finish(5, false);
    until(&mut window, "the end", |session| !session.is_running());
    window.run_steps(4);
    assert!(window.query_by_label_contains("It would end other work: 1 queued job to start.").is_some());
    queue.change(&[1], Change::Drop).expect("dropped");
    until(&mut window, "the empty queue", |session| states(session).is_empty());
    window.run_steps(4);
    assert!(window.query_by_label("The machine is about to be shut down").is_some());
    click(&mut window, "Keep it on");
    assert!(window.query_by_label("The machine is about to be shut down").is_none());
}

#[test]
fn jobs_that_wait_are_held_moved_timed_started_and_dropped_by_buttons_and_keys() {
    let folder = tempfile::tempdir().expect("a folder");
    let queue = JobQueue::beside_history(&folder.path().join("history"));
    fs::write(folder.path().join("gate"), "").expect("written");
    let mut window = window(&FakeEngine::default(), folder.path(), PROGRAM, false);
    for _ in 0..3 {
        queue.add(job_from_elsewhere(folder.path())).expect("added");
    }
    until(&mut window, "what another process added", |session| states(session).len() == 3);
    click(&mut window, "Queue of jobs: 3 held");
    let order = |session: &Session| states(session).into_iter().map(|(id, _)| id).collect::<Vec<_>>();
    click(&mut window, "Move up: job 3");
    until(&mut window, "the new order", |session| order(session) == [1, 3, 2]);
    assert!(!is_enabled(&window, "Move up: job 1") && !is_enabled(&window, "Move down: job 2"));
    click(&mut window, "Job 1: Gated");
    press(&mut window, Modifiers::ALT, Key::ArrowDown);
    until(&mut window, "the order by keys", |session| order(session) == [3, 1, 2]);
    press(&mut window, Modifiers::ALT, Key::ArrowUp);
    until(&mut window, "the order by keys", |session| order(session) == [1, 3, 2]);

    // Dragged below the last, and back between the others.
    let middle = |window: &Window<'_>, name: &str| window.get_by_role_and_label(Role::Button, name).rect().center();
    for (onto, below, expected) in [("Job 2: Gated", 8.0, [3, 2, 1]), ("Job 3: Gated", 8.0, [3, 1, 2])] {
        let (from, to) =
            (middle(&window, "Job 1: Gated") + vec2(120.0, 0.0), middle(&window, onto) + vec2(120.0, below));
        window.drag_at(from);
        window.run_steps(2);
        window.hover_at(to);
        window.run_steps(2);
        window.drop_at(to);
        until(&mut window, "the order by dragging", |session| order(session) == expected);
    }
    press(&mut window, Modifiers::COMMAND, Key::P);
    type_into(&mut window, "Command", "move up");
    press(&mut window, Modifiers::NONE, Key::Enter);
    until(&mut window, "the order by the palette", |session| order(session) == [1, 3, 2]);

    press(&mut window, Modifiers::NONE, Key::T);
    click(&mut window, "Cancel");
    click(&mut window, "Start at a time: job 1");
    type_into(&mut window, "Earliest start", "yesterday");
    click(&mut window, "Set");
    assert!(window.query_by_label_contains("expected a time to come").is_some());
    type_into(&mut window, "Earliest start", "+900d");
    press(&mut window, Modifiers::NONE, Key::Enter);
    until(&mut window, "the time", |session| states(session)[0] == (1, "waiting"));
    press(&mut window, Modifiers::NONE, Key::H);
    until(&mut window, "it is held", |session| states(session)[0] == (1, "held"));

    press(&mut window, Modifiers::NONE, Key::Delete);
    click(&mut window, "Keep it");
    press(&mut window, Modifiers::NONE, Key::Delete);
    click(&mut window, "Drop the job");
    until(&mut window, "it is gone", |session| order(session) == [3, 2]);
    for name in ["Release: job 3", "Start now: job 3", "Drop from the queue: job 3"] {
        let rect = window.get_by_role_and_label(Role::Button, name).rect();
        assert!(rect.right() <= 1024.5 && rect.bottom() <= 640.5, "{name}: {rect:?}");
    }
    click(&mut window, "Pause the queue");
    until(&mut window, "the pause", |session| session.queue.list().paused);
    click(&mut window, "Release: job 3");
    until(&mut window, "the release", |session| states(session)[0] == (3, "queued"));
    press(&mut window, Modifiers::NONE, Key::S);
    assert!(window.query_by_label_contains("No waiting job of the queue is selected").is_some());
    press(&mut window, Modifiers::COMMAND, Key::P);
    type_into(&mut window, "Command", "job 2 of the queue");
    press(&mut window, Modifiers::NONE, Key::Enter);
    press(&mut window, Modifiers::NONE, Key::S);
    until(&mut window, "only what was asked for", |session| states(session) == [(3, "queued")]);
    click(&mut window, "Resume the queue");
    until(&mut window, "the rest", |session| states(session).is_empty());
    nothing_is_left(folder.path());
}

fn nothing_is_left(folder: &Path) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while fs::read_dir(folder.join("runtime")).expect("a folder").next().is_some() {
        assert!(Instant::now() < deadline, "waited in vain for the end of the runs");
        std::thread::sleep(Duration::from_millis(5));
    }
}
