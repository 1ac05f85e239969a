//! The page Results: its filters, its order, and all that it tells of one task.

use eframe::egui::accesskit::Role;
use eframe::egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use fanlane::session::{Command, Page, RowQuery, Session, SortKey};
use fanlane_core::engine::RunCommand;
use fanlane_core::event::{
    AttemptRecord, Captured, Event, EventKind, LaneId, Outcome, OutcomeClass, OutcomeCounts, Output, RunEvent,
    RunHeader, Summary, TaskEvent, TaskId, WorkerEvent, WorkerId,
};
use fanlane_core::job::{Job, Mode};
use fanlane_core::model::{RunModel, Stretch};

use super::canned::{self, FakeEngine};
use super::driver::{Window, click, handle, press, shown, sized, type_into, until, with_cubes, with_run};

/// A run of 50 tasks of which the first 33 failed alike and two timed out, stopped before the last ten.
fn with_causes<'a>(size: [f32; 2]) -> (Window<'a>, FakeEngine) {
    let job =
        r#"Job(version: 1, name: "Boom", task: Command("./frob --level 3 {}"), inputs: [Range(1, 50)], retries: 1)"#;
    let job = Job::parse(job).expect("the job is well formed");
    let mut model = RunModel::default();
    let mut say = |kind| model.take(Event { at_ns: 0, kind });
    let header = RunHeader { name: "Boom".into(), mode: Mode::Pool, workers: 2, tasks: 50, started_unix_ms: 0 };
    say(EventKind::Run(RunEvent::Started(header)));
    for worker in [1, 2] {
        say(EventKind::Worker(WorkerEvent::Started { worker: WorkerId(worker), lane: LaneId(worker - 1), pid: 1 }));
    }
    let record = |task: u64, attempt| {
        let outcome = match task {
            0..33 => Outcome::Exited { code: 3 },
            33..35 => Outcome::TimedOut,
            45 => Outcome::Exited { code: 9 },
            _ => Outcome::Done,
        };
        let stderr = Captured { head: format!("starting\nboom on {}\n", task + 1).into(), ..Captured::default() };
        AttemptRecord {
            output: Some(Box::new(Output { stderr, ..Output::default() })),
            start_ns: task * 1000,
            wall_ns: 1000,
            ..AttemptRecord::new(TaskId(task), attempt, WorkerId(1 + (task % 2) as u32), outcome)
        }
    };
    say(EventKind::Task(TaskEvent::Finished((0..40).map(|task| record(task, 1)).collect())));
    say(EventKind::Task(TaskEvent::Retried(record(45, 1))));
    say(EventKind::Task(TaskEvent::RestCancelled { tasks: 10 }));
    let totals = Summary {
        counts: OutcomeCounts::default(),
        wall_ns: 50_000,
        cpu_ns: 0,
        retries: 1,
        workers: 2,
        mode: Mode::Pool,
        stopped: true,
    };
    say(EventKind::Run(RunEvent::Finished(totals)));
    let engine = FakeEngine::default();
    let mut session = canned::session(&engine);
    session.show_recorded(job, model).expect("the job expands");
    session.handle(Command::Show(Page::RESULTS));
    (sized(session, size), engine)
}

fn rows(window: &Window<'_>) -> usize {
    shown(window).run.rows().rows().len()
}

#[test]
fn failures_are_grouped_by_cause_and_a_click_shows_or_reruns_one_of_them() {
    let (mut window, engine) = with_causes([1024.0, 640.0]);
    let boom = "exit 3: boom on …";
    click(&mut window, &format!("Cause: 33 × {boom}"));
    until(&mut window, "the tasks of the cause", |session| session.run.rows().rows().len() == 33);
    click(&mut window, &format!("Cause: 33 × {boom}"));
    until(&mut window, "all tasks", |session| session.run.rows().rows().len() == 40);
    click(&mut window, "Cause: 2 × timed out");
    until(&mut window, "the tasks of the cause", |session| session.run.rows().rows().len() == 2);
    click(&mut window, "Cause: 33 × exit 3: boom on …");
    handle(&mut window, Command::SelectTask(Some(TaskId(6))));
    let line = window.get_by_label("exit 3: boom on 7").rect();
    let command = window.get_by_role_and_label(Role::Label, "./frob --level 3 7").rect();
    assert!(line.bottom() <= command.top(), "what tells why comes first: {line:?} {command:?}");
    click(&mut window, &format!("Rerun 33 tasks: {boom}"));
    assert_eq!(engine.asked().started.len(), 1);
    until(&mut window, "these run again", |session| {
        session.run.current().expect("a run").model().progress.remaining() == 33
    });
    until(&mut window, "one cause is left", |session| session.run.causes().count() == 1);
    assert_eq!(shown(&window).page(), Page::RESULTS);
}

#[test]
fn cancelled_tasks_without_a_record_are_listed_and_counted_alike() {
    let (mut window, _) = with_causes([1024.0, 640.0]);
    until(&mut window, "all tasks", |session| session.run.rows().rest().len() == 10);
    let cancelled = |window: &Window<'_>| shown(window).run.rows().counts().cancelled;
    assert_eq!((rows(&window), cancelled(&window)), (40, 10));
    click(&mut window, "Only cancelled");
    until(&mut window, "the cancelled ones", |session| session.run.rows().rows().is_empty());
    assert_eq!(shown(&window).run.rows().rest().len(), 10);
    click(&mut window, "Task 41");
    assert!(window.query_by_label("It was cancelled before it started.").is_some());
    handle(&mut window, Command::SelectTask(Some(TaskId(45))));
    assert!(window.query_by_label("It was cancelled while it waited for its next attempt.").is_some());
    type_into(&mut window, "Search in the command lines", "frob --level 3 4");
    until(&mut window, "the numbers follow the search", |session| session.run.rows().counts().total() == 11);
    assert_eq!(cancelled(&window), 9, "41 to 49");
}

#[test]
fn results_are_searched_by_column_lane_and_time_and_each_filter_can_be_removed() {
    let (mut window, _) = with_run(Page::RESULTS);
    for (text, found) in [("exit:3", 1), ("outcome:failed", 3), ("tries:>1 holiday-", 1), ("exit:0 holiday-24", 2)] {
        type_into(&mut window, "Search in the command lines", text);
        assert_eq!(rows(&window), found, "{text}");
    }
    type_into(&mut window, "Search in the command lines", "wall:>soon");
    assert!(window.query_by_label_contains("expected for example wall:>1.5s").is_some(), "a mistake is said");
    assert_eq!(rows(&window), 240);
    let span = Some(Stretch { from_ns: 0, to_ns: 60_000_000 });
    handle(&mut window, Command::SetQuery(RowQuery { lane: Some(LaneId(1)), span, ..RowQuery::default() }));
    assert_eq!(rows(&window), 1, "the first task of the second lane");
    click(&mut window, "Remove filter: from 0 s to 60.0 ms");
    assert!(rows(&window) > 1);
    click(&mut window, "Remove filter: lane 2");
    assert_eq!(rows(&window), 240);
}

#[test]
fn columns_and_rows_stay_where_they_are_when_the_details_open() {
    for size in [[1024.0, 640.0], [1920.0, 1080.0]] {
        let (mut window, _) = with_causes(size);
        let places = |window: &Window<'_>| {
            let title = |name: &str| window.get_by_role_and_label(Role::Button, name).rect().min.x;
            let row = window.get_by_role_and_label(Role::Button, "Task 2").rect().min;
            (title("Sort by Outcome"), title("Sort by Wall"), title("Sort by Lane"), row.x)
        };
        let before = places(&window);
        click(&mut window, "Task 2");
        assert_eq!(places(&window), before, "{size:?}");
        assert!(window.query_by_label("2: ./frob --level 3 2").is_some(), "what differs leads");
    }
}

#[test]
fn results_are_filtered_by_outcome_and_text_and_sorted() {
    let (mut window, _) = with_run(Page::RESULTS);
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
    assert!(window.query_by_label_contains("4243").is_some(), "its process");
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
