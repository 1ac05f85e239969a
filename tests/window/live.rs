//! The page Live of the window: tasks that are steered from their bars and from lists, and why the others wait.

use std::collections::BTreeMap;

use eframe::egui::accesskit::Role;
use eframe::egui::{Key, Modifiers};
use egui_kittest::kittest::{By, NodeT as _, Queryable as _};
use fanlane::session::{Command, JobDraft, Page, Session};
use fanlane_core::engine::{EngineTraits, RunCommand};
use fanlane_core::event::{
    AttemptRecord, DispatchEvent, EventKind, LaneId, Outcome, SampleEvent, TaskEvent, TaskId, WorkerEvent, WorkerId,
};
use fanlane_core::job::Job;

use super::canned::{FakeEngine, session};
use super::driver::{Window, click, handle, press, shown, until, window, with_cubes};

const MS: u64 = 1_000_000;

/// Starts a run in which worker 1 does task 1, and shows the page.
fn running(window: &mut Window<'_>, engine: &FakeEngine) {
    handle(window, Command::Run);
    until(window, "the run", Session::is_running);
    for lane in 0..2 {
        let worker = WorkerId(lane + 1);
        engine.say(MS, EventKind::Worker(WorkerEvent::Started { worker, lane: LaneId(lane), pid: 70 + lane }));
    }
    begins(engine, 0, 1, MS);
    handle(window, Command::Show(Page::LIVE));
    until(window, "the task", |session| session.run.current().expect("a run").model().running.len() == 1);
}

fn go_to_the_first_bar(window: &mut Window<'_>) {
    window.get_by_label("Timeline of the lanes").focus();
    window.run_steps(2);
    press(window, Modifiers::NONE, Key::ArrowRight);
}

fn begins(engine: &FakeEngine, task: u64, worker: u32, start_ns: u64) {
    let (task, worker) = (TaskId(task), WorkerId(worker));
    engine.say(start_ns, EventKind::Task(TaskEvent::Started { task, attempt: 1, worker, start_ns, pid: Some(9) }));
}

fn ends(engine: &FakeEngine, task: u64, start_ns: u64, wall_ns: u64) {
    let record = AttemptRecord::new(TaskId(task), 1, WorkerId(2), Outcome::Done);
    let record = AttemptRecord { start_ns, wall_ns, ..record };
    engine.say(start_ns + wall_ns, EventKind::Task(TaskEvent::Finished(vec![record])));
}

#[test]
fn a_running_task_is_killed_restarted_and_skipped_by_keys_at_its_bar() {
    let (mut window, engine) = with_cubes();
    running(&mut window, &engine);
    go_to_the_first_bar(&mut window);
    let task = TaskId(0);
    for (key, command) in
        [(Key::K, RunCommand::Cancel(task)), (Key::R, RunCommand::Restart(task)), (Key::S, RunCommand::Skip(task))]
    {
        press(&mut window, Modifiers::NONE, key);
        assert_eq!(engine.asked().commands.last(), Some(&command));
    }
    assert_eq!(engine.asked().commands.len(), 3, "each once");
}

#[test]
fn the_state_of_a_run_is_not_cut_by_the_counts_of_a_million_tasks_in_the_smallest_window() {
    let engine = FakeEngine::default();
    let mut session = session(&engine);
    let job = r#"Job(version: 1, name: "A million", task: Workload(name: "cube"), inputs: [Range(1, 1000000)], workers: 1000)"#;
    session.edit(|draft| *draft = JobDraft::from_job(&Job::parse(job).expect("well formed")));
    let mut window = window(session);
    running(&mut window, &engine);
    let outcomes = [Outcome::Done, Outcome::Exited { code: 1 }, Outcome::TimedOut];
    let record = |task: u64| AttemptRecord::new(TaskId(task), 1, WorkerId(2), outcomes[task as usize % 3].clone());
    engine.say(2 * MS, EventKind::Task(TaskEvent::Finished((1..300_000).map(record).collect())));
    until(&mut window, "the results", |session| {
        session.run.current().expect("a run").model().progress.counts.total() == 299_999
    });
    let [state, total] = ["running", "299,999 / 1,000,000"].map(|words| {
        let all = window.query_all_by_label_contains(words);
        all.map(|node| node.rect()).min_by(|one, other| one.top().total_cmp(&other.top())).expect("it is there")
    });
    assert!(state.width() > 40.0 && state.right() <= total.left(), "{state:?} and {total:?}");
}

#[test]
fn where_a_running_task_is_is_asked_at_its_bar_and_shown_in_its_details() {
    let (mut window, engine) = with_cubes();
    running(&mut window, &engine);
    go_to_the_first_bar(&mut window);
    press(&mut window, Modifiers::NONE, Key::W);
    let task = TaskId(0);
    assert_eq!(engine.asked().commands.last(), Some(&RunCommand::Locate(task)));
    assert!(shown(&window).page() == Page::RESULTS, "where its details are");
    let located = |place: Option<&str>| SampleEvent::Located { task, place: place.map(Into::into) };
    engine.say(2 * MS, EventKind::Sample(located(Some("File \"model.py\", line 3, in cube\u{1b}[1m"))));
    until(&mut window, "the answer", |session| {
        session.run.current().expect("a run").model().place_of(task).is_some_and(|place| place.lines.is_some())
    });
    assert!(window.query_by_label_contains("line 3, in cube").is_some());
    assert!(window.query_by_label_contains("\u{1b}").is_none(), "harmless to show");
    assert!(window.query_by_label("Copy where it is").is_some());
    click(&mut window, "Where is it?");
    assert_eq!(engine.asked().commands.iter().filter(|asked| **asked == RunCommand::Locate(task)).count(), 2);
    engine.say(3 * MS, EventKind::Sample(located(None)));
    until(&mut window, "the other answer", |session| {
        session.run.current().expect("a run").model().place_of(task).is_some_and(|place| place.lines.is_none())
    });
    assert!(window.query_by_label("It was not running when it was asked.").is_some());
}

#[test]
fn an_engine_that_can_only_end_tasks_is_asked_for_nothing_else() {
    let (mut window, engine) = with_cubes();
    engine.asked().traits = EngineTraits { can_steer: false, ..EngineTraits::default() };
    running(&mut window, &engine);
    go_to_the_first_bar(&mut window);
    [Key::R, Key::S, Key::K].into_iter().for_each(|key| press(&mut window, Modifiers::NONE, key));
    assert_eq!(engine.asked().commands, [RunCommand::Cancel(TaskId(0))]);
}

#[test]
fn a_waiting_task_is_found_in_the_results_and_steered_by_its_details_and_by_keys() {
    let (mut window, engine) = with_cubes();
    running(&mut window, &engine);
    handle(&mut window, Command::Show(Page::RESULTS));
    click(&mut window, "Only waiting");
    click(&mut window, "Task 5");
    let task = TaskId(4);
    click(&mut window, "Run next");
    click(&mut window, "Pause before task 5");
    press(&mut window, Modifiers::NONE, Key::N);
    press(&mut window, Modifiers::NONE, Key::B);
    press(&mut window, Modifiers::NONE, Key::Plus);
    let pause = |is_set| RunCommand::SetBreakpoint { task, is_set };
    let priority = |priority| RunCommand::SetPriority { task, priority };
    let asked = [RunCommand::Raise(task), pause(true), RunCommand::Raise(task), pause(true), priority(1)];
    assert_eq!(engine.asked().commands, asked);
    let told = [
        DispatchEvent::PriorityChanged { task, priority: Some(3) },
        DispatchEvent::BreakpointChanged { task, is_set: true },
    ];
    told.into_iter().for_each(|event| engine.say(3 * MS, EventKind::Dispatch(event)));
    until(&mut window, "the breakpoint", |session| {
        session.run.current().expect("a run").model().steering.has_breakpoint(task)
    });
    assert!(window.query_by_label_contains("Priority 3, pause before").is_some(), "its row says so");
    assert!(window.query_by_label_contains("The run pauses before it begins.").is_some(), "and its details");
    press(&mut window, Modifiers::NONE, Key::Minus);
    press(&mut window, Modifiers::NONE, Key::B);
    assert_eq!(engine.asked().commands[asked.len()..], [priority(2), pause(false)]);
    engine.say(4 * MS, EventKind::Dispatch(DispatchEvent::BreakpointReached { task }));
    until(&mut window, "the pause", |session| session.run.current().expect("a run").model().progress.paused);
    assert!(window.query_by_label("paused before task 5").is_some(), "the bar of the run says so");
    handle(&mut window, Command::Show(Page::LIVE));
    assert!(window.query_by_label_contains("Paused before task 5, which has a breakpoint").is_some());
    click(&mut window, "Resume the run");
    assert_eq!(engine.asked().commands.last(), Some(&RunCommand::Resume));
}

#[test]
fn the_end_is_predicted_while_the_number_of_workers_is_changed() {
    let (mut window, engine) = with_cubes();
    running(&mut window, &engine);
    let change = |window: &mut Window<'_>, key| {
        window.get_by_role_and_label(Role::Slider, "Workers").focus();
        window.run_steps(2);
        press(window, Modifiers::NONE, key);
    };
    change(&mut window, Key::ArrowRight);
    let unknown = "the end cannot be predicted, no task has ended yet";
    assert!(window.query_by_label_contains(unknown).is_some(), "before the first");
    for task in 1..5 {
        ends(&engine, task, task * 1000 * MS, 900 * MS);
    }
    until(&mut window, "the others", |session| {
        session.run.current().expect("a run").model().progress.counts.total() == 4
    });
    change(&mut window, Key::ArrowRight);
    assert!(window.query_by_label_contains(": about ").is_some(), "after it");
    let session = shown(&window);
    let [few, many] = [1, 4].map(|workers| session.predicted_left_secs(workers).expect("tasks have ended"));
    assert!(few > many, "{few} s with one, {many} s with four");
}

#[test]
fn an_overdue_task_is_listed_with_what_can_be_done_about_it() {
    let (mut window, engine) = with_cubes();
    running(&mut window, &engine);
    for task in 1..8 {
        ends(&engine, task, task * 1000 * MS, 900 * MS);
    }
    until(&mut window, "the others", |session| {
        session.run.current().expect("a run").model().progress.counts.total() == 7
    });
    click(&mut window, "Overdue tasks");
    assert!(window.query_by_label_contains("× the median").is_some());
    click(&mut window, "Restart task 1");
    click(&mut window, "Kill task 1");
    assert_eq!(engine.asked().commands, [RunCommand::Restart(TaskId(0)), RunCommand::Cancel(TaskId(0))]);
}

#[test]
fn waiting_tasks_say_why_and_one_can_be_put_in_front() {
    let (mut window, engine) = with_cubes();
    running(&mut window, &engine);
    begins(&engine, 1, 2, 2 * MS);
    until(&mut window, "two tasks", |session| session.run.current().expect("a run").model().running.len() == 2);
    assert!(window.query_by_label("98 tasks wait for a free worker: all 2 are busy").is_some());
    click(&mut window, "Waiting tasks");
    assert!(window.query_by_label("Open task 2").is_none(), "it runs");
    assert!(window.query_all_by_label("It waits for a free worker: 2 of 2 are busy.").count() > 3);
    click(&mut window, "Run next task 5");
    assert_eq!(engine.asked().commands, [RunCommand::Raise(TaskId(4))]);
}

#[test]
fn a_dependency_is_told_at_the_bar_of_a_task() {
    let engine = FakeEngine::default();
    let mut session = session(&engine);
    let job = r#"Job(version: 1, name: "Steps", task: Command("echo {name}"),
        control: Control(after: After(name: "name", after: "after")),
        inputs: [Columns(from: List(["name,after", "one,", "two,one", "three,one two"]), separator: ",", header: true)])"#;
    let job = Job::parse(job).expect("the job is well formed");
    session.edit(|draft| *draft = JobDraft::from_job(&job));
    let mut window = window(session);
    until(&mut window, "the preview", |session| session.editor.preview().expanded().is_some());
    running(&mut window, &engine);
    assert!(window.query_by_label("2 tasks wait: task 2 waits for task 1, which is running").is_some());
    go_to_the_first_bar(&mut window);
    let told = window.get_by_label("Timeline of the lanes").value().unwrap_or_default();
    assert!(told.contains("tasks 2, 3 after it"), "{told}");
}

#[test]
fn the_results_of_a_selected_stretch_are_those_of_its_tasks() {
    let (mut window, engine) = with_cubes();
    running(&mut window, &engine);
    for task in 1..5 {
        ends(&engine, task, task * 1000 * MS, 900 * MS);
    }
    until(&mut window, "the others", |session| {
        session.run.current().expect("a run").model().progress.counts.total() == 4
    });
    window.get_by_label("Running tasks over time").focus();
    window.run_steps(2);
    press(&mut window, Modifiers::SHIFT, Key::ArrowRight);
    click(&mut window, "Show these results");
    assert_eq!(shown(&window).page(), Page::RESULTS);
    let stretch = shown(&window).run.query().span.expect("it filters the results");
    let meets = |task: &u64| stretch.meets(task * 1000 * MS, (task * 1000 + 900) * MS);
    let (inside, outside): (Vec<u64>, Vec<u64>) = (1..5).partition(meets);
    until(&mut window, "the rows", |session| session.run.rows().rows().len() == inside.len());
    let row = |task: &u64| window.query_by_role_and_label(Role::Button, &format!("Task {}", task + 1)).is_some();
    assert!(inside.iter().all(row) && !outside.iter().any(row), "{stretch:?}: {inside:?}");
    assert!(window.query_by_label_contains("Remove filter: from ").is_some());
}

#[test]
fn a_queued_task_says_in_its_details_what_it_waits_for() {
    let (mut window, engine) = with_cubes();
    running(&mut window, &engine);
    begins(&engine, 1, 2, 2 * MS);
    handle(&mut window, Command::SelectTask(Some(TaskId(7))));
    handle(&mut window, Command::Show(Page::RESULTS));
    until(&mut window, "two tasks", |session| session.run.current().expect("a run").model().running.len() == 2);
    assert!(window.query_by_label("It waits for a free worker: 2 of 2 are busy.").is_some());
}

#[test]
fn esc_clears_the_selected_stretch_and_asks_nothing() {
    let (mut window, engine) = with_cubes();
    running(&mut window, &engine);
    window.get_by_label("Running tasks over time").focus();
    window.run_steps(2);
    press(&mut window, Modifiers::SHIFT, Key::ArrowRight);
    assert!(window.query_by_role_and_label(Role::Button, "Show these results").is_some());
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert!(window.query_by_role_and_label(Role::Button, "Show these results").is_none());
    assert!(window.query_by_label("Stop the run?").is_none());
}

#[test]
fn a_paused_run_is_resumed_from_the_page() {
    let (mut window, engine) = with_cubes();
    running(&mut window, &engine);
    engine.say(3 * MS, EventKind::Dispatch(DispatchEvent::Paused));
    until(&mut window, "the pause", |session| session.run.current().expect("a run").model().progress.paused);
    assert!(window.query_by_label_contains("Paused: running tasks finish").is_some());
    click(&mut window, "Resume the run");
    assert_eq!(engine.asked().commands, [RunCommand::Resume]);
    assert!(shown(&window).is_running());
}

/// The ids of all controls whose names are there once.
fn controls(window: &Window<'_>) -> BTreeMap<String, String> {
    let roles =
        [Role::Button, Role::CheckBox, Role::ComboBox, Role::TextInput, Role::SpinButton, Role::Slider, Role::Row];
    let mut found = BTreeMap::<String, Vec<_>>::new();
    for node in window.query_all(By::new().predicate(move |node| roles.contains(&node.role()))) {
        if let Some(name) = node.accesskit_node().label() {
            found.entry(name).or_default().push(format!("{:?}", node.accesskit_node().id()));
        }
    }
    found.into_iter().filter_map(|(name, ids)| (ids.len() == 1).then(|| (name, ids.concat()))).collect()
}

#[test]
fn the_focus_and_open_lists_stay_where_they_are_when_something_appears_before_them() {
    for page in [Page::JOB, Page::LIVE, Page::RESULTS, Page::SHARED, Page::RACE, Page::RUNS] {
        let (mut window, engine) = with_cubes();
        running(&mut window, &engine);
        handle(&mut window, Command::Show(page));
        for (task, outcome) in [
            (10, Outcome::Done),
            (11, Outcome::Exited { code: 1 }),
            (12, Outcome::TimedOut),
            (13, Outcome::CallFailed("no".into())),
        ] {
            let before = controls(&window);
            let record = AttemptRecord::new(TaskId(task), 1, WorkerId(2), outcome);
            let record = AttemptRecord { start_ns: task * MS, wall_ns: MS, ..record };
            engine.say((task + 1) * MS, EventKind::Task(TaskEvent::Finished(vec![record])));
            until(&mut window, "the end of the task", |session| {
                session.run.current().expect("a run").model().progress.counts.total() >= task - 9
            });
            let after = controls(&window);
            let moved: Vec<_> =
                before.iter().filter(|(name, id)| after.get(*name).is_some_and(|now| now != *id)).collect();
            assert!(moved.is_empty() && before.len() > 20, "{} after task {task}: {moved:?}", page.title());
        }
    }
}
