//! The window driven through its accessibility tree, on sessions made by hand: no display, no process.
//!
//! The harness also fails on a glyph that no font has and on a widget without a name.
#![cfg(feature = "gui")]

#[path = "support/canned/mod.rs"]
mod canned;
#[path = "support/picture_renderer.rs"]
mod picture_renderer;

use std::path::Path;
use std::time::{Duration, Instant};

use canned::{FakeEngine, options, session, session_with_run};
use eframe::egui::accesskit::Role;
use eframe::egui::{Key, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use fanlane::engine::RunCommand;
use fanlane::event::{EventKind, Lane, OutcomeClass, TaskId, WorkerId};
use fanlane::job::control::{After, Control, Limits, Need, RetryWait};
use fanlane::job::{Input, JOB_VERSION, Job, Mode, Order, SharedSpec, TaskTemplate, Transport};
use fanlane::session::{Command, Field, JobDraft, Page, Session, SortKey, TaskKind};
use fanlane::ui::FanlaneApp;

type Window<'a> = Harness<'a, FanlaneApp>;

fn window<'a>(session: Session) -> Window<'a> {
    sized(session, [1024.0, 640.0])
}

fn sized<'a>(session: Session, size: [f32; 2]) -> Window<'a> {
    let mut window = Harness::builder()
        .with_size(size)
        .renderer(picture_renderer::PictureRenderer::default())
        .build_eframe(|cc| FanlaneApp::with_session(&cc.egui_ctx, session));
    window.run_steps(4);
    window
}

fn fresh<'a>() -> (Window<'a>, FakeEngine) {
    let engine = FakeEngine::default();
    (window(session(&engine)), engine)
}

fn with_cubes<'a>() -> (Window<'a>, FakeEngine) {
    let engine = FakeEngine::default();
    let mut session = session(&engine);
    session.draft = JobDraft::from_job(&canned::cubes());
    session.draft_changed();
    (window(session), engine)
}

fn with_run<'a>(page: Page) -> (Window<'a>, FakeEngine) {
    let engine = FakeEngine::default();
    let mut session = session_with_run(&engine, true);
    session.handle(Command::Show(page));
    (window(session), engine)
}

fn shown<'a>(window: &'a Window<'_>) -> &'a Session {
    window.state().session()
}

fn click(window: &mut Window<'_>, label: &str) {
    window.get_by_role_and_label(Role::Button, label).click();
    window.run_steps(4);
    window.check_accessibility();
}

fn press(window: &mut Window<'_>, modifiers: Modifiers, key: Key) {
    window.key_press_modifiers(modifiers, key);
    window.run_steps(4);
}

/// Lets frames pass until something is so; only the session's own threads are waited for.
fn until(window: &mut Window<'_>, what: &str, is_so: impl Fn(&Session) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so(shown(window)) {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        window.run_steps(1);
    }
    window.run_steps(2);
}

/// Replaces what stands in a field.
fn type_into(window: &mut Window<'_>, label: &str, text: &str) {
    let field = |window: &Window<'_>| {
        let roles = [Role::TextInput, Role::MultilineTextInput, Role::SpinButton];
        window.get_by(|node| roles.contains(&node.role()) && node.label().as_deref() == Some(label)).focus();
    };
    field(window);
    window.run_steps(2);
    window.key_press_modifiers(Modifiers::COMMAND, Key::A);
    window.run_steps(2);
    window.get_by(|node| node.is_focused() && node.role() != Role::Window).type_text(text);
    window.run_steps(4);
}

#[test]
fn the_first_window_shows_an_example_with_run_in_focus() {
    let (mut window, engine) = fresh();
    assert!(window.get_by_role_and_label(Role::Button, "Run").is_focused());
    assert!(window.query_by_label("What will run").is_some());
    press(&mut window, Modifiers::NONE, Key::Enter);
    assert_eq!(engine.asked().started.len(), 1);
    assert_eq!(shown(&window).page, Page::Live);
}

#[test]
fn run_pause_resume_and_stop() {
    let (mut window, engine) = fresh();
    click(&mut window, "Run");
    until(&mut window, "the run", Session::is_running);
    assert!(window.get_by_role_and_label(Role::Button, "Run").accesskit_node().is_disabled());
    assert!(window.get_by_role_and_label(Role::Button, "Pause").is_focused(), "the focus follows the run");

    click(&mut window, "Pause");
    engine.say(2, EventKind::Paused);
    until(&mut window, "the pause", |session| session.run_shown().expect("a run").model().progress.paused);
    click(&mut window, "Resume");
    engine.say(3, EventKind::Resumed);
    until(&mut window, "going on", |session| !session.run_shown().expect("a run").model().progress.paused);

    click(&mut window, "Stop");
    assert_eq!(engine.asked().commands, [RunCommand::Pause, RunCommand::Resume], "it asks first");
    click(&mut window, "Go on");
    assert!(window.query_by_label("Stop the run?").is_none());
    click(&mut window, "Stop");
    click(&mut window, "Stop the run");
    until(&mut window, "the end", |session| !session.is_running());
    assert_eq!(engine.asked().commands.last(), Some(&RunCommand::Stop));
    assert!(window.query_by_label_contains("stopped after").is_some());
}

#[test]
fn the_keys_do_what_the_key_list_says() {
    let (mut window, engine) = fresh();
    for (key, page) in [(Key::Num3, Page::Results), (Key::Num2, Page::Live), (Key::Num1, Page::Job)] {
        press(&mut window, Modifiers::COMMAND, key);
        assert_eq!(shown(&window).page, page);
    }
    press(&mut window, Modifiers::NONE, Key::F1);
    assert!(window.query_by_label("Ctrl+Enter").is_some());
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert!(window.query_by_label("Ctrl+Enter").is_none());

    press(&mut window, Modifiers::COMMAND, Key::Enter);
    until(&mut window, "the run", Session::is_running);
    press(&mut window, Modifiers::NONE, Key::Space);
    assert_eq!(engine.asked().commands, [RunCommand::Pause]);
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert!(window.query_by_label("Stop the run?").is_some());
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert!(window.query_by_label("Stop the run?").is_none());
    assert!(shown(&window).is_running(), "Esc in the question goes on");

    press(&mut window, Modifiers::COMMAND, Key::O);
    assert!(window.query_by_label("Open a job file").is_some());
    press(&mut window, Modifiers::NONE, Key::Escape);
    press(&mut window, Modifiers::COMMAND, Key::S);
    assert!(window.query_by_label("Save the job as a preset").is_some(), "an example asks for a name");
}

#[test]
fn keys_that_are_letters_stay_with_a_field_that_is_typed_into() {
    let (mut window, engine) = fresh();
    click(&mut window, "Run");
    until(&mut window, "the run", Session::is_running);
    press(&mut window, Modifiers::COMMAND, Key::Num1);
    type_into(&mut window, "Name", "a/b");
    press(&mut window, Modifiers::NONE, Key::Space);
    press(&mut window, Modifiers::NONE, Key::Slash);
    assert_eq!(shown(&window).draft.name, "a/b");
    assert_eq!(shown(&window).page, Page::Job);
    assert!(engine.asked().commands.is_empty());
}

#[test]
fn workers_by_slider_and_by_typing_also_during_a_run() {
    let (mut window, engine) = fresh();
    window.get_by_role_and_label(Role::Slider, "Workers").set_value_accesskit(5.0);
    window.run_steps(4);
    assert_eq!(shown(&window).workers(), 5);
    type_into(&mut window, "Number of workers", "100");
    press(&mut window, Modifiers::NONE, Key::Enter);
    assert_eq!(shown(&window).workers(), 100, "more than the slider has");
    click(&mut window, "Run");
    until(&mut window, "the run", Session::is_running);
    assert_eq!(engine.asked().started[0].1.workers, 100);
    window.get_by_role_and_label(Role::Slider, "Workers").set_value_accesskit(2.0);
    window.run_steps(4);
    assert_eq!(engine.asked().commands, [RunCommand::SetWorkers(2)]);
}

#[test]
fn the_mode_is_chosen_and_one_has_one_worker() {
    let (mut window, engine) = fresh();
    click(&mut window, "Mode threads");
    assert_eq!(shown(&window).mode(), Mode::Threads);
    click(&mut window, "Mode one");
    assert!(window.get_by_role_and_label(Role::Slider, "Workers").accesskit_node().is_disabled());
    click(&mut window, "Run");
    let options = engine.asked().started[0].1.clone();
    assert_eq!((options.mode, options.workers), (Mode::One, 1));
}

#[test]
fn a_bad_template_says_so_and_keeps_run_from_being_pressed() {
    let (mut window, engine) = with_cubes();
    click(&mut window, "Command");
    type_into(&mut window, "Command line", "echo {7}");
    assert!(window.query_all_by_label_contains("{7}").count() > 0);
    assert!(window.get_by_role_and_label(Role::Button, "Run").accesskit_node().is_disabled());
    press(&mut window, Modifiers::COMMAND, Key::Enter);
    assert!(engine.asked().started.is_empty());
    type_into(&mut window, "Command line", "echo {}");
    assert!(!window.get_by_role_and_label(Role::Button, "Run").accesskit_node().is_disabled());
    assert_eq!(shown(&window).preview().expanded().expect("expanded").first[0], "echo 1");
}

#[test]
fn inputs_are_added_filled_in_linked_and_removed() {
    let (mut window, _) = with_cubes();
    click(&mut window, "Add input");
    type_into(&mut window, "Last number of input 2", "3");
    let tasks = |window: &Window<'_>| shown(window).preview().expanded().map(|expanded| expanded.tasks);
    let product = tasks(&window).expect("expanded");
    assert_eq!(product % 3, 0);
    window.get_by_role_and_label(Role::CheckBox, "Side by side").click();
    window.run_steps(4);
    assert_eq!(tasks(&window), Some(3));
    type_into(&mut window, "First number of input 2", "x");
    assert!(window.query_all_by_label_contains("no whole number").count() > 0);
    click(&mut window, "Remove input 2");
    assert_eq!(tasks(&window), Some(product / 3));
}

#[test]
fn a_workload_is_chosen_with_its_parameters() {
    let (mut window, _) = fresh();
    click(&mut window, "Workload");
    assert_eq!(shown(&window).draft.kind, TaskKind::Workload);
    window.get_by_role_and_label(Role::ComboBox, "Workload").click();
    window.run_steps(4);
    click(&mut window, "mandelbrot");
    assert_eq!(shown(&window).draft.workload.name, "mandelbrot");
    type_into(&mut window, "tiles", "4");
    press(&mut window, Modifiers::NONE, Key::Enter);
    assert_eq!(shown(&window).draft.workload.tiles, Some(4));
}

#[test]
fn presets_are_opened_saved_and_deleted_with_undo() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = FakeEngine::default();
    let mut window = window(Session::new(options(&engine, Some(folder.path())), std::sync::Arc::new(|| {})));
    let second = shown(&window).presets.built_in()[1].name.clone();
    click(&mut window, &format!("Preset {second}"));
    assert_eq!(shown(&window).draft.name, second);

    click(&mut window, "Save");
    type_into(&mut window, "Preset name", "My own");
    click(&mut window, "Save preset");
    assert_eq!(shown(&window).presets.saved()[0].name, "My own");

    type_into(&mut window, "Name", "Changed");
    click(&mut window, &format!("Preset {second}"));
    assert!(window.query_by_label("Discard the changes?").is_some());
    click(&mut window, "Keep editing");
    assert_eq!(shown(&window).draft.name, "Changed");
    press(&mut window, Modifiers::COMMAND, Key::S);
    assert_eq!(shown(&window).presets.saved()[0].name, "Changed");

    window.get_by_role_and_label(Role::Button, "Preset Changed").click_secondary();
    window.run_steps(4);
    click(&mut window, "Delete");
    assert!(shown(&window).presets.saved().is_empty());
    click(&mut window, "Undo");
    assert_eq!(shown(&window).presets.saved()[0].name, "Changed");
}

#[test]
fn a_bad_job_file_is_told_in_a_banner_that_can_be_dismissed() {
    let (mut window, _) = fresh();
    press(&mut window, Modifiers::COMMAND, Key::O);
    type_into(&mut window, "Path of the job file", "/there/is/no/job.ron");
    press(&mut window, Modifiers::NONE, Key::Enter);
    assert!(window.query_by_label_contains("/there/is/no/job.ron").is_some());
    click(&mut window, "Dismiss");
    assert!(shown(&window).notices().is_empty());
}

#[test]
fn pages_without_a_run_say_what_to_do() {
    let (mut window, _) = fresh();
    click(&mut window, "Page Results");
    assert!(window.query_by_label("No results yet").is_some());
    click(&mut window, "Page Live");
    assert!(window.query_by_label_contains("No run yet").is_some());
}

#[test]
fn results_are_filtered_by_outcome_and_text_and_sorted() {
    let (mut window, _) = with_run(Page::Results);
    let rows = |window: &Window<'_>| shown(window).rows().rows().len();
    assert_eq!(rows(&window), 240);
    click(&mut window, "Only failed");
    assert_eq!(shown(&window).query.class, Some(OutcomeClass::Failed));
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
    assert_eq!((shown(&window).query.sort, shown(&window).query.descending), (SortKey::Wall, true));
    click(&mut window, "Sort by Wall, largest first now");
    assert!(!shown(&window).query.descending);
}

#[test]
fn a_failed_task_shows_everything_about_it() {
    let (mut window, engine) = with_run(Page::Results);
    click(&mut window, "Only failed");
    click(&mut window, "Task 7");
    assert_eq!(shown(&window).selected(), Some(TaskId(6)));
    assert!(window.query_by_label_contains("exited with code 3").is_some());
    assert!(window.query_by_label("^[[31merror^[[0m: holiday-7.jpg: premature end of file").is_some(), "inert");
    click(&mut window, "stdout");
    assert!(window.query_by_label("Nothing").is_some());
    click(&mut window, "stderr");
    click(&mut window, "Copy stderr");
    click(&mut window, "Copy command");
    click(&mut window, "Run this one again");
    assert_eq!(engine.asked().started.len(), 1);
    assert_eq!(shown(&window).run_shown().expect("a run").batch.len(), 1);
    assert_eq!(shown(&window).page, Page::Live);
}

#[test]
fn a_running_task_can_be_cancelled() {
    let (mut window, engine) = with_cubes();
    click(&mut window, "Run");
    until(&mut window, "the run", Session::is_running);
    let worker = WorkerId(1);
    engine.say(1, EventKind::WorkerStarted { worker, lane: Lane(0), pid: 4242 });
    engine.say(2, EventKind::TaskStarted { task: TaskId(4), attempt: 1, worker, start_ns: 2, pid: Some(4243) });
    until(&mut window, "the task", |session| {
        session.run_shown().is_some_and(|run| run.model().running.contains_key(&TaskId(4)))
    });
    window.state_mut().session_mut().handle(Command::SelectTask(Some(TaskId(4))));
    window.state_mut().session_mut().handle(Command::Show(Page::Results));
    window.run_steps(4);
    assert!(window.query_by_label("4243").is_some(), "its process");
    click(&mut window, "Cancel this task");
    assert_eq!(engine.asked().commands, [RunCommand::Cancel(TaskId(4))]);
}

#[test]
fn what_was_wrong_with_a_job_is_forgotten_with_the_job() {
    let (mut window, _) = fresh();
    let session = window.state_mut().session_mut();
    session.draft.kind = TaskKind::Command;
    session.draft.command = "echo {9}".to_owned();
    session.draft_changed();
    session.handle(Command::Run);
    window.run_steps(4);
    assert_eq!(shown(&window).notices().len(), 1);
    let session = window.state_mut().session_mut();
    let first = session.presets.built_in()[0].id.clone();
    session.handle(Command::SelectPreset(first));
    assert!(shown(&window).notices().is_empty());
}

#[test]
fn the_attempts_before_the_last_can_be_looked_at() {
    let (mut window, _) = with_run(Page::Results);
    window.state_mut().session_mut().handle(Command::SelectTask(Some(TaskId(40))));
    window.run_steps(4);
    assert!(window.query_by_label("It succeeded.").is_some());
    click(&mut window, "Attempt 1, failed");
    assert!(window.query_by_label_contains("exited with code 1").is_some());
    click(&mut window, "Close the details");
    assert_eq!(shown(&window).selected(), None);
}

#[test]
fn long_output_is_scrolled_not_drawn_as_a_whole() {
    let (mut window, _) = with_run(Page::Results);
    window.state_mut().session_mut().handle(Command::SelectTask(Some(TaskId(2))));
    window.run_steps(4);
    assert!(window.query_by_label("line 1 of a talkative command").is_some());
    assert!(window.query_by_label("line 4000 of a talkative command").is_none());
}

#[test]
fn all_failed_run_again() {
    let (mut window, engine) = with_run(Page::Results);
    click(&mut window, "Run all failed again");
    assert_eq!(engine.asked().started.len(), 1);
    assert_eq!(shown(&window).run_shown().expect("a run").batch.len(), 6);
}

#[test]
fn arrow_keys_walk_through_the_results() {
    let (mut window, _) = with_run(Page::Results);
    window.get_by(|node| node.is_focused() && node.role() != Role::Window);
    press(&mut window, Modifiers::NONE, Key::Escape);
    press(&mut window, Modifiers::NONE, Key::ArrowDown);
    assert_eq!(shown(&window).selected(), Some(TaskId(0)));
    press(&mut window, Modifiers::NONE, Key::ArrowDown);
    press(&mut window, Modifiers::NONE, Key::ArrowDown);
    press(&mut window, Modifiers::NONE, Key::ArrowUp);
    assert_eq!(shown(&window).selected(), Some(TaskId(1)));
}

#[test]
fn closing_the_window_during_a_run_asks() {
    let (mut window, engine) = fresh();
    click(&mut window, "Run");
    until(&mut window, "the run", Session::is_running);
    let request_close = |window: &mut Window<'_>| {
        let viewport = window.input_mut().viewports.entry(eframe::egui::ViewportId::ROOT).or_default();
        viewport.events.push(eframe::egui::ViewportEvent::Close);
        window.run_steps(1);
        let viewport = window.input_mut().viewports.entry(eframe::egui::ViewportId::ROOT).or_default();
        viewport.events.clear();
        window.run_steps(3);
    };
    request_close(&mut window);
    assert!(window.query_by_label("A run is under way").is_some());
    click(&mut window, "Stay");
    assert!(engine.asked().commands.is_empty());
    request_close(&mut window);
    click(&mut window, "Stop and close");
    assert_eq!(engine.asked().commands, [RunCommand::Stop]);
}

#[test]
fn a_dropped_job_file_is_opened() {
    #[derive(Debug)]
    struct Dropped(std::path::PathBuf);
    impl eframe::egui::DroppedFile for Dropped {
        fn path(&self) -> &Path {
            &self.0
        }
        fn bytes(&self) -> Result<Vec<u8>, String> {
            std::fs::read(&self.0).map_err(|error| error.to_string())
        }
    }
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("dropped.ron");
    let text = r#"Job(version: 1, name: "Dropped", task: Command("echo {}"), inputs: [Range(1, 3)])"#;
    std::fs::write(&file, text).expect("written");
    let (mut window, _) = fresh();
    window.input_mut().dropped_files.push(std::sync::Arc::new(Dropped(file)));
    window.run_steps(4);
    assert_eq!(shown(&window).draft.name, "Dropped");
}

#[test]
fn no_widget_reaches_beyond_the_smallest_window() {
    for page in Page::ALL {
        let (mut window, _) = with_run(page);
        window.state_mut().session_mut().handle(Command::SelectTask(Some(TaskId(6))));
        window.run_steps(4);
        for button in window.get_all_by_role(Role::Button) {
            let rect = button.rect();
            assert!(rect.right() <= 1024.5 && rect.left() >= -0.5, "{page:?}: {button:?}");
        }
    }
}

#[test]
fn a_window_that_is_made_smaller_leaves_room_for_every_part() {
    let (mut window, _) = with_run(Page::Job);
    window.set_size(eframe::egui::vec2(1920.0, 1080.0));
    window.run_steps(4);
    window.set_size(eframe::egui::vec2(1024.0, 640.0));
    window.run_steps(4);
    let title = window.get_by_label("What will run").rect();
    assert!(1024.0 - title.left() > 280.0, "the preview begins at {}", title.left());
    window.state_mut().session_mut().handle(Command::Show(Page::Results));
    window.state_mut().session_mut().handle(Command::SelectTask(Some(TaskId(6))));
    window.run_steps(6);
    assert!(window.query_by_role_and_label(Role::Button, "Task 7").is_some(), "its row is in view");
}

/// A job in which no field has its default value.
fn everything() -> Job {
    Job {
        version: JOB_VERSION,
        name: " Everything ".to_owned(),
        description: "Every field is set.".to_owned(),
        task: TaskTemplate::Command("echo {1} {2}".to_owned()),
        inputs: vec![
            Input::Range(1, 3),
            Input::List(vec!["a".to_owned(), String::new()]),
            Input::List(vec!["two\nlines".to_owned()]),
            Input::Lines(" blank.txt".into()),
            Input::Glob("*.jpg".to_owned()),
            Input::Csv("table.csv".into()),
            Input::Json("table.json".into()),
            Input::Records { file: Some("names".into()), separator: "\0".to_owned() },
            Input::Columns { from: Box::new(Input::Stdin), separator: Some(",".to_owned()), header: true, trim: true },
            Input::Linked(vec![Input::Range(1, 2), Input::List(vec!["x".to_owned()])]),
        ],
        linked: true,
        mode: Mode::Threads,
        workers: Some(7),
        timeout_secs: Some(1e-7),
        retries: 3,
        working_dir: Some(" out ".into()),
        control: Control {
            heartbeat_secs: Some(2.5),
            limits: Limits { memory_bytes: Some(1 << 30), cpu_secs: Some(60), output_bytes: Some(1 << 20) },
            halt: Some("soon,fail=2.5%".parse().expect("a halt")),
            delay_secs: Some(0.0),
            retry_wait: Some(RetryWait::Exponential { first_secs: 0.1, most_secs: 60.0 }),
            timeout_percent: Some(250.5),
            memfree_bytes: Some((1 << 62) + 1),
            load_limit: Some(1.75),
            nice: Some(11),
            slots: Some(Need::Count(2)),
            resources: [("gpu".to_owned(), 4), ("a licence, or two".to_owned(), 1)].into(),
            needs: [("gpu".to_owned(), Need::Template("{n}".to_owned()))].into(),
            after: Some(After { name: " name ".to_owned(), after: "after".to_owned() }),
        },
        shell: false,
        environment: [
            ("PLAIN".to_owned(), " {1} = 2 ".to_owned()),
            ("LINES".to_owned(), "one\ntwo".to_owned()),
            ("EMPTY".to_owned(), String::new()),
        ]
        .into(),
        stdin: Some("{2}\n".to_owned()),
        stdin_file: None,
        tagstring: Some("{#}\t{1}\\".to_owned()),
        max_args: Some(1),
        order: Order::Shuffled { seed: u64::MAX },
        sample: Some(5),
        sample_seed: 9,
        shared: [("seen".to_owned(), SharedSpec::Set), ("a b".to_owned(), SharedSpec::BoundedQueue(2))].into(),
        shared_bytes: Some(1 << 20),
        // Commands have no other.
        transport: Transport::Pipe,
    }
}

#[test]
fn nothing_of_a_job_is_lost_between_opening_and_saving() {
    let job = everything();
    assert!(job.check().is_empty(), "{:?}", job.check());
    assert_eq!(JobDraft::from_job(&job).to_job(), Ok(job.clone()));
    let file = job.to_ron().expect("text");
    assert_eq!(JobDraft::from_job(&Job::parse(&file).expect("a job")).to_job(), Ok(job.clone()), "{file}");
    let others = Job {
        stdin: None,
        stdin_file: Some("{1}.txt".to_owned()),
        control: Control {
            retry_wait: Some(RetryWait::Fixed { secs: 0.0 }),
            memfree_bytes: Some(0),
            ..job.control.clone()
        },
        order: Order::Shuffled { seed: 0 },
        ..job
    };
    assert_eq!(JobDraft::from_job(&others).to_job(), Ok(others.clone()));
    for order in ["priority: p", "longest-first:{secs}", "longest-first-in: last log "] {
        let ranked = Job { order: order.parse().expect("an order"), ..others.clone() };
        assert_eq!(JobDraft::from_job(&ranked).to_job(), Ok(ranked));
    }
    let called = Job { transport: Transport::SharedMemory, ..canned::cubes() };
    assert_eq!(JobDraft::from_job(&called).to_job(), Ok(called));
    for empty in [Job { stdin: Some(String::new()), ..canned::thumbnails() }, canned::cubes()] {
        assert_eq!(JobDraft::from_job(&empty).to_job(), Ok(empty));
    }
}

#[test]
fn a_job_file_that_is_saved_as_a_preset_is_the_same_job() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("everything.ron");
    std::fs::write(&file, everything().to_ron().expect("text")).expect("written");
    let presets = folder.path().join("presets");
    let engine = FakeEngine::default();
    let mut session = Session::new(options(&engine, Some(&presets)), std::sync::Arc::new(|| {}));
    session.handle(Command::OpenJob(file));
    session.handle(Command::SavePresetAs("Everything".to_owned()));
    let saved = session.presets.saved()[0].job.clone().expect("it loads");
    // A preset lies elsewhere, so it says where its relative paths begin.
    let working_dir = Some(folder.path().join(" out "));
    assert_eq!(saved, Job { name: "Everything".to_owned(), working_dir, ..everything() });
}

/// Clicks on what may have to be scrolled to.
fn reach(window: &mut Window<'_>, role: Role, label: &str) {
    let find = |window: &Window<'_>, then: fn(&egui_kittest::Node<'_>)| {
        let begins = |node: &egui_kittest::kittest::AccessKitNode<'_>| {
            node.role() == role && node.label().is_some_and(|words| words.starts_with(label))
        };
        then(&window.get_by(begins));
    };
    find(window, |node| node.scroll_to_me());
    window.run_steps(20);
    find(window, |node| node.click());
    // A part opens over some frames.
    window.run_steps(20);
    window.check_accessibility();
}

fn unfold(window: &mut Window<'_>, section: &str) {
    reach(window, Role::DisclosureTriangle, section);
}

/// The fields of the parts that are folded at first: label, a text that cannot be used, a word of the complaint, a text
/// that can.
const STEERING: [[&str; 4]; 9] = [
    ["Halt", "never", "soon,fail=1", "soon,fail=1"],
    ["Delay", "x", "expected seconds", "500ms"],
    ["Retry wait", "9..1", "no shorter", "1..60"],
    ["Slow tasks", "50%", "above 100", "300%"],
    ["Free memory", "much", "500M", "4G"],
    ["Highest load", "0", "above 0", "2"],
    ["Nice", "20", "0 to 19", "10"],
    ["Places", "1000", "1000 places", "2"],
    ["Resources", "gpu", "gpu=2", "gpu=2 licence=1"],
];

#[test]
fn what_steers_a_run_is_typed_as_on_the_command_line() {
    let (mut window, engine) = with_cubes();
    assert!(window.query_by_role_and_label(Role::TextInput, "Halt").is_none(), "it begins folded");
    unfold(&mut window, "Steering");
    for [label, bad, complaint, good] in STEERING {
        type_into(&mut window, label, bad);
        assert!(window.query_all_by_label_contains(complaint).count() > 0, "{label}: {complaint}");
        assert!(window.get_by_role_and_label(Role::Button, "Run").accesskit_node().is_disabled(), "{label}");
        assert!(shown(&window).run_obstacle().is_some_and(|reason| reason.contains(complaint)), "{label}");
        type_into(&mut window, label, good);
        assert_eq!(shown(&window).run_obstacle(), None, "{label}");
    }
    type_into(&mut window, "Needs", "gpu=3");
    assert!(window.query_all_by_label_contains("there are 2").count() > 0);
    type_into(&mut window, "Needs", "gpu=1");
    window.run_steps(4);
    assert!(window.query_by_label("Steering (10 set)").is_some());
    click(&mut window, "Run");
    let control = engine.asked().started[0].0.control.clone();
    let expected = Control {
        heartbeat_secs: None,
        limits: Limits::default(),
        halt: Some("soon,fail=1".parse().expect("a halt")),
        delay_secs: Some(0.5),
        retry_wait: Some(RetryWait::Exponential { first_secs: 1.0, most_secs: 60.0 }),
        timeout_percent: Some(300.0),
        memfree_bytes: Some(4 << 30),
        load_limit: Some(2.0),
        nice: Some(10),
        slots: Some(Need::Count(2)),
        resources: [("gpu".to_owned(), 2), ("licence".to_owned(), 1)].into(),
        needs: [("gpu".to_owned(), Need::Count(1))].into(),
        after: None,
    };
    assert_eq!(control, expected);
}

#[test]
fn limits_of_a_task_are_typed_with_units_and_refused_where_they_cannot_be() {
    let (mut window, _) = with_cubes();
    unfold(&mut window, "Limits of a task");
    assert!(window.query_all_by_label_contains("a call shares its worker's process").count() > 0, "cubes are calls");
    assert!(window.get_by_role_and_label(Role::TextInput, "Memory").accesskit_node().is_disabled());

    let (mut window, engine) = with_cubes();
    click(&mut window, "Command");
    type_into(&mut window, "Command line", "echo {}");
    unfold(&mut window, "Limits of a task");
    for [label, bad, complaint, good] in [
        ["Memory", "much", "as in 500M", "4G"],
        ["Memory", "1K", "no program begins with less", "4G"],
        ["CPU time", "1.5", "whole seconds", "2m"],
        ["CPU time", "0", "seconds greater than 0", "2m"],
        ["Output", "x", "500M", "500M"],
    ] {
        type_into(&mut window, label, bad);
        let complaints = shown(&window).preview().errors().to_vec();
        assert!(
            complaints.len() == 1 && window.query_all_by_label(&complaints[0].message).count() > 1,
            "{complaints:?}"
        );
        assert!(window.get_by_role_and_label(Role::Button, "Run").accesskit_node().is_disabled(), "{label}: {bad}");
        assert!(shown(&window).run_obstacle().is_some_and(|reason| reason.contains(complaint)), "{label}: {bad}");
        type_into(&mut window, label, good);
        assert_eq!(shown(&window).run_obstacle(), None, "{label}");
    }
    window.run_steps(4);
    assert!(window.query_by_label("Limits of a task (3 set)").is_some());
    window.check_accessibility();
    if let Some(file) = std::env::var_os("FANLANE_LIMITS_PICTURE") {
        window.render().expect("a picture").save(file).expect("written");
    }
    click(&mut window, "Run");
    let limits = engine.asked().started[0].0.control.limits;
    let expected = Limits { memory_bytes: Some(4 << 30), cpu_secs: Some(120), output_bytes: Some(500 << 20) };
    assert_eq!(limits, expected);
}

#[test]
fn tasks_wait_for_those_that_two_columns_name() {
    let (mut window, _) = with_cubes();
    unfold(&mut window, "Steering");
    type_into(&mut window, "Task names", "name");
    assert!(shown(&window).run_obstacle().is_some_and(|reason| reason.contains("two columns")));
    type_into(&mut window, "Wait for", "after");
    until(&mut window, "the columns", |session| session.preview().error(Field::After).is_some());
    assert!(window.query_all_by_label_contains("No column is called").count() > 0);
}

#[test]
fn environment_input_and_order_show_in_the_preview() {
    let (mut window, engine) = with_cubes();
    click(&mut window, "Command");
    type_into(&mut window, "Command line", "cat {}");
    unfold(&mut window, "Environment and input");
    type_into(&mut window, "Environment", "NAME");
    assert!(window.query_all_by_label_contains("NAME=VALUE").count() > 0);
    assert!(window.get_by_role_and_label(Role::Button, "Run").accesskit_node().is_disabled());
    type_into(&mut window, "Environment", "NAME=it is {}");
    type_into(&mut window, "Text for standard input", "{9}");
    assert!(shown(&window).preview().error(Field::Stdin).is_some());
    window.get_by_role_and_label(Role::MultilineTextInput, "Text for standard input").focus();
    press(&mut window, Modifiers::COMMAND, Key::A);
    press(&mut window, Modifiers::NONE, Key::Delete);
    type_into(&mut window, "Input file", "{}.txt");
    assert!(window.query_by_label("cat 1  < 1.txt  NAME='it is 1'").is_some());
    reach(&mut window, Role::CheckBox, "Run by a shell");
    type_into(&mut window, "Command line", "cat 'a b' {}");
    assert_eq!(shown(&window).preview().expanded().expect("expanded").first[0], "cat 'a b' 1");

    unfold(&mut window, "Environment and input");
    unfold(&mut window, "Order");
    type_into(&mut window, "Rows a task", "x");
    assert!(window.query_all_by_label_contains("whole number").count() > 0);
    type_into(&mut window, "Rows a task", "1");
    type_into(&mut window, "Sample", "10");
    type_into(&mut window, "Sample seed", "4");
    reach(&mut window, Role::CheckBox, "Shuffle");
    type_into(&mut window, "Shuffle seed", "x");
    assert!(shown(&window).preview().error(Field::Seed).is_some());
    type_into(&mut window, "Shuffle seed", "7");
    let expanded = std::sync::Arc::clone(shown(&window).preview().expanded().expect("expanded"));
    let numbers: Vec<u64> = expanded.beside.iter().map(|beside| beside.number).collect();
    assert_eq!(numbers.len(), 10);
    assert!(!numbers.is_sorted(), "they begin in a mixed order: {numbers:?}");
    click(&mut window, "Run");
    let job = engine.asked().started[0].0.clone();
    assert!(!job.shell);
    assert_eq!(job.environment["NAME"], "it is {}");
    assert_eq!((job.stdin, job.stdin_file.as_deref()), (None, Some("{}.txt")));
    assert_eq!((job.max_args, job.sample, job.sample_seed), (Some(1), Some(10), 4));
    assert_eq!(job.order, Order::Shuffled { seed: 7 });
}

#[test]
fn an_input_that_cannot_be_typed_is_shown_as_the_job_file_has_it() {
    let engine = FakeEngine::default();
    let mut session = session(&engine);
    let kept = Input::List(vec!["two\nlines".to_owned()]);
    session.draft = JobDraft::from_job(&Job { inputs: vec![kept.clone(), Input::Stdin], ..canned::cubes() });
    session.draft_changed();
    let mut window = window(session);
    let shown_input = window.get_by_label("Input 1 as in the job file").value();
    assert_eq!(shown_input.as_deref(), Some("List([\"two\\nlines\"])"));
    until(&mut window, "the complaint", |session| session.preview().error(Field::Input(1)).is_some());
    assert!(window.query_all_by_label_contains("no standard input").count() > 0);
    click(&mut window, "Remove input 2");
    until(&mut window, "the tasks", |session| session.preview().expanded().is_some());
    click(&mut window, "Run");
    assert_eq!(engine.asked().started[0].0.inputs, [kept]);
}

/// Chooses the kind of an input in its list.
fn choose_kind(window: &mut Window<'_>, number: &str, kind: &str) {
    window.get_by_role_and_label(Role::ComboBox, &format!("Kind of input {number}")).click();
    window.run_steps(8);
    window.get_by_role_and_label(Role::Button, kind).click();
    window.run_steps(8);
    window.check_accessibility();
}

fn first_tasks(window: &mut Window<'_>, expected: &[&str]) {
    let is_so = |session: &Session| session.preview().expanded().is_some_and(|expanded| expanded.first == expected);
    until(window, &format!("the tasks {expected:?}"), is_so);
}

#[test]
fn inputs_of_every_kind_are_made_with_a_live_preview() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("people"), "name, age;Ann, 30;Bo, 40").expect("written");
    std::fs::write(folder.path().join("names.json"), "[{\"name\": \"x\"}, {\"name\": \"y\"}]").expect("written");
    let (mut window, engine) = with_cubes();
    click(&mut window, "Command");
    type_into(&mut window, "Command line", "echo {}");
    type_into(&mut window, "Working folder", &folder.path().display().to_string());

    choose_kind(&mut window, "1", "Records of a file");
    type_into(&mut window, "File of input 1", "people");
    assert!(window.query_all_by_label_contains("Type what each record ends with").count() > 0);
    type_into(&mut window, "End of each record of input 1", ";");
    first_tasks(&mut window, &["echo 'name, age'", "echo 'Ann, 30'", "echo 'Bo, 40'"]);
    reach(&mut window, Role::CheckBox, "Columns of input 1");
    type_into(&mut window, "Separator of the columns of input 1", "[");
    until(&mut window, "the complaint", |session| session.preview().error(Field::Inputs).is_some());
    type_into(&mut window, "Separator of the columns of input 1", ",");
    reach(&mut window, Role::CheckBox, "The first value of input 1 names the columns");
    reach(&mut window, Role::CheckBox, "Trim the columns of input 1");
    type_into(&mut window, "Command line", "echo {age} {name}");
    first_tasks(&mut window, &["echo 30 Ann", "echo 40 Bo"]);

    type_into(&mut window, "Command line", "echo");
    choose_kind(&mut window, "1", "Linked inputs");
    first_tasks(&mut window, &["echo Ann 30 1", "echo Bo 40 2"]);
    choose_kind(&mut window, "1.2", "JSON file");
    type_into(&mut window, "JSON file of input 1.2", "names.json");
    until(&mut window, "the complaint", |session| session.preview().error(Field::Inputs).is_some());
    click(&mut window, "Remove input 1.1");
    click(&mut window, "Add to input 1");
    type_into(&mut window, "Last number of input 1.2", "2");
    first_tasks(&mut window, &["echo x 1", "echo y 2"]);
    click(&mut window, "Run");
    let expected = Input::Linked(vec![Input::Json("names.json".into()), Input::Range(1, 2)]);
    assert_eq!(engine.asked().started[0].0.inputs, [expected]);
}

#[test]
fn a_run_that_a_gate_holds_says_what_it_waits_for() {
    let (mut window, engine) = fresh();
    click(&mut window, "Run");
    let reason = "100000 tasks need 16384 MiB free; 1024 MiB are";
    engine.say(1, EventKind::Held { reason: Some(reason.to_owned()) });
    until(&mut window, "the gate", |session| session.run_shown().expect("a run").model().progress.held.is_some());
    let words = format!("Waiting: {reason}");
    assert_eq!(window.query_all_by_label(&words).count(), 3, "in the bar, at the queue and where lanes will be");
    for node in window.query_all_by_label(&words) {
        assert!(node.rect().right() <= 1024.0, "{:?}", node.rect());
    }
    engine.say(2, EventKind::Held { reason: None });
    until(&mut window, "going on", |session| session.run_shown().expect("a run").model().progress.held.is_none());
    assert_eq!(window.query_all_by_label(&words).count(), 0);
    engine.say(3, EventKind::HaltReached { halt: "soon,fail=1".to_owned() });
    engine.finish(4, false);
    until(&mut window, "the end", |session| !session.is_running());
    assert!(window.query_all_by_label("Ended by halt soon,fail=1").count() > 0, "at the queue");
    assert!(window.query_by_label_contains("Ended by halt soon,fail=1 after").is_some(), "in the bar");
}

#[test]
fn the_folded_parts_fit_into_the_smallest_window() {
    let engine = FakeEngine::default();
    let mut session = session(&engine);
    let control = Control { nice: Some(30), ..everything().control };
    let columns = Input::Columns {
        from: Box::new(Input::List(vec!["name,age".to_owned()])),
        separator: Some(",".to_owned()),
        header: true,
        trim: true,
    };
    let inputs = vec![Input::Linked(vec![Input::Range(1, 3), columns.clone(), Input::Lines("a".into())]), columns];
    session.draft = JobDraft::from_job(&Job { inputs, control, ..everything() });
    session.draft_changed();
    let mut window = window(session);
    unfold(&mut window, "Environment and input");
    unfold(&mut window, "Order");
    let preview = window.get_by_label("What will run").rect().left();
    for node in
        window.query_all_by(|node| [Role::TextInput, Role::MultilineTextInput, Role::Label].contains(&node.role()))
    {
        let rect = node.rect();
        assert!(
            rect.left() >= preview - 1.0 || rect.right() <= preview,
            "{:?}: {rect:?}",
            node.accesskit_node().label()
        );
    }
}
