//! A job with parameters: the form in which they are chosen, what it refuses and remembers, and the editor that makes it.

use eframe::egui::accesskit::{Role, Toggled};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use fanlane::session::{Command, Session};
use fanlane_core::job::{Job, ParameterKind};

use super::canned::{self, FakeEngine, options};
use super::driver::{Window, click, reach, shown, type_into, unfold, window, with_cubes};

const JOB: &str = r#"Job(
    version: 1,
    name: "Greet",
    description: "Says something.",
    task: Command("echo {@greeting} {@mark} {@size} {}"),
    parameters: [
        Parameter(name: "greeting", label: "Greeting", help: "What is said", required: true),
        Parameter(name: "last", label: "How often", type: Number(min: 1, max: 9, step: 1, unit: "times"), default: 2),
        Parameter(name: "mark", label: "Loud", type: YesNo(yes: "!", no: "")),
        Parameter(name: "size", label: "Size", type: Choice(["small", "large"]), default: "small"),
    ],
    inputs: [Numbers("1", "{@last}")],
)"#;

fn session_on(file: &std::path::Path, engine: &FakeEngine) -> Session {
    let settings = Some(file.with_file_name("window.json"));
    let options = fanlane::session::SessionOptions { settings, ..options(engine, None) };
    let mut session = Session::new(options, std::sync::Arc::new(|| {}));
    session.handle(Command::OpenJob(file.to_owned()));
    session
}

fn with_form<'a>() -> (Window<'a>, FakeEngine, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("greet.ron"), JOB).expect("written");
    let engine = FakeEngine::default();
    (window(session_on(&folder.path().join("greet.ron"), &engine)), engine, folder)
}

fn has(window: &Window<'_>, words: &str) -> bool {
    window.query_all_by_label_contains(words).count() > 0
}

fn first(window: &Window<'_>) -> Option<String> {
    shown(window).editor.preview().expanded().map(|expanded| expanded.first[0].clone())
}

#[test]
fn a_form_hides_the_command_says_what_is_missing_and_runs_with_the_values() {
    let (mut window, engine, _folder) = with_form();
    assert!(!has(&window, "echo") && has(&window, "Says something.") && has(&window, "Required: text"));
    assert!(window.get_by_role_and_label(Role::Button, "Run the job").accesskit_node().is_disabled());
    type_into(&mut window, "Greeting", "a; b");
    assert_eq!(first(&window).as_deref(), Some("echo 'a; b'  small 1"));
    type_into(&mut window, "How often", "10");
    assert!(has(&window, "This takes a whole number from 1 to 9 (times)."));
    click(&mut window, "Back to the default of How often: 2");
    click(&mut window, "More of How often");
    window.get_by_role_and_label(Role::CheckBox, "Loud").click();
    window.run_steps(4);
    click(&mut window, "Size: large");
    click(&mut window, "Run 3 tasks");
    assert_eq!(engine.asked().started.len(), 1);
    let run = shown(&window).run.current().expect("a run");
    assert_eq!(run.batch.payload(fanlane_core::event::TaskId(2), 1), "echo 'a; b' ! large 3");
    assert_eq!(run.batch.given_job().values["greeting"], "a; b", "what is kept can be run again");
}

#[test]
fn the_job_and_its_form_are_one_click_apart() {
    let (mut window, _engine, _folder) = with_form();
    click(&mut window, "Show the job");
    assert!(window.query_all_by_label_contains("Command line").count() > 0);
    click(&mut window, "Show the form");
    assert!(has(&window, "Required: text"));
}

#[test]
fn values_are_no_edit_of_the_job_and_are_there_the_next_time() {
    let (mut window, engine, folder) = with_form();
    let file = folder.path().join("greet.ron");
    type_into(&mut window, "Greeting", "hello");
    window.get_by_role_and_label(Role::CheckBox, "Loud").click();
    window.run_steps(4);
    assert!(!shown(&window).editor.has_unsaved_work());
    window.state_mut().session_mut().handle(Command::New);
    assert_eq!(std::fs::read_to_string(&file).expect("it is there"), JOB);
    let mut again = self::window(session_on(&file, &engine));
    assert_eq!(first(&again).as_deref(), Some("echo hello ! small 1"));
    assert_eq!(again.get_by_role_and_label(Role::CheckBox, "Loud").accesskit_node().toggled(), Some(Toggled::True));
    // A value that is none any more is not brought back.
    std::fs::write(&file, JOB.replace("label: \"Greeting\"", "type: Choice([\"hi\"])")).expect("written");
    again.state_mut().session_mut().handle(Command::OpenJob(file));
    again.run_steps(4);
    assert!(has(&again, "Required: one of hi"));
}

#[test]
fn a_form_is_made_without_writing_a_file() {
    let (mut window, _engine) = with_cubes();
    click(&mut window, "Command");
    type_into(&mut window, "Command line", "echo {@width} {}");
    unfold(&mut window, "Parameters");
    reach(&mut window, Role::Button, "Add parameter");
    type_into(&mut window, "Name of parameter 1", "width");
    type_into(&mut window, "Default of parameter 1", "12");
    assert_eq!(first(&window).as_deref(), Some("echo 12 1"));
    reach(&mut window, Role::ComboBox, "Type of parameter 1");
    click(&mut window, "Number");
    type_into(&mut window, "Maximum of parameter 1", "10");
    assert!(has(&window, "the default '12' is none of its values"));
    type_into(&mut window, "Maximum of parameter 1", "20");
    let job = shown(&window).editor.draft().to_job().expect("a job");
    assert!(matches!(job.parameters[0].kind, ParameterKind::Number { max: Some(20.0), .. }));
    reach(&mut window, Role::Button, "Show the form");
    assert!(window.query_all_by_label("width").count() > 0 && has(&window, "Run "));
    let plain = Job { parameters: job.parameters, ..canned::cubes() };
    assert!(plain.check().is_empty());
}
