//! The page Job: every field is typed, refused or shown in the preview.

use eframe::egui::accesskit::Role;
use eframe::egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use fanlane::session::{JobDraft, PythonFunctions, Session};
use fanlane_core::job::TaskKind;
use fanlane_core::job::control::{Control, Limits, ResourceRequest, RetryWait};
use fanlane_core::job::field;
use fanlane_core::job::{Input, Job, Order};

use super::canned::{self, FakeEngine, session};
use super::driver::{Window, click, fresh, press, reach, shown, type_into, unfold, until, window, with_cubes};
use super::job_file::everything;

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
    assert_eq!(shown(&window).editor.preview().expanded().expect("expanded").first[0], "echo 1");
}

#[test]
fn inputs_are_added_filled_in_linked_and_removed() {
    let (mut window, _) = with_cubes();
    click(&mut window, "Add input");
    type_into(&mut window, "Last number of input 2", "3");
    let tasks = |window: &Window<'_>| shown(window).editor.preview().expanded().map(|expanded| expanded.tasks);
    let product = tasks(&window).expect("expanded");
    assert_eq!(product % 3, 0);
    window.get_by_role_and_label(Role::CheckBox, "Pair inputs").click();
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
    assert_eq!(shown(&window).editor.draft().kind, TaskKind::Workload);
    window.get_by_role_and_label(Role::ComboBox, "Workload").click();
    window.run_steps(4);
    click(&mut window, "mandelbrot");
    assert_eq!(shown(&window).editor.draft().workload.name, "mandelbrot");
    type_into(&mut window, "tiles", "4");
    press(&mut window, Modifiers::NONE, Key::Enter);
    assert_eq!(shown(&window).editor.draft().workload.tiles, Some(4));
}

#[test]
fn a_python_function_is_chosen_among_those_of_its_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("model.py");
    std::fs::write(&file, "raise RuntimeError\ndef cube(n, size=3):\n    'The cube.'\n").expect("written");
    let (mut window, _) = fresh();
    click(&mut window, "Python function");
    assert_eq!(shown(&window).editor.draft().kind, TaskKind::Python);
    assert!(window.get_by_role_and_label(Role::Button, "List its functions").accesskit_node().is_disabled());
    for (path, words) in [(folder.path().join("gone.py"), "there is no file"), (file, "The cube.")] {
        type_into(&mut window, "File", path.to_str().expect("text"));
        click(&mut window, "List its functions");
        until(&mut window, "the source was read", |session| {
            !matches!(session.editor.python_functions(), PythonFunctions::Reading)
        });
        assert!(window.query_all_by_label_contains(words).count() > 0, "{words}");
    }
    click(&mut window, "cube(n, size=3)");
    assert_eq!(shown(&window).editor.draft().python.function, "cube");
}

/// The fields of the parts that are folded at first: label, a text that cannot be used, a word of the complaint, a text
/// that can.
const CONTROL: [[&str; 4]; 10] = [
    ["Halt", "never", "soon,fail=1", "soon,fail=1"],
    ["Delay", "x", "expected seconds", "500ms"],
    ["Retry wait", "9..1", "no shorter", "1..60"],
    ["Slow tasks", "50%", "above 100", "300%"],
    ["Free memory", "much", "500M", "4G"],
    ["Maximum load", "0", "above 0", "2"],
    ["Nice", "20", "0 to 19", "10"],
    ["Heartbeat", "2h", "0.1 to 3600", "2m"],
    ["Slots", "1000", "1000 slots", "2"],
    ["Resources", "gpu", "gpu=2", "gpu=2 licence=1"],
];

#[test]
fn what_steers_a_run_is_typed_as_on_the_command_line() {
    let (mut window, engine) = with_cubes();
    assert!(window.query_by_role_and_label(Role::TextInput, "Halt").is_none(), "it begins folded");
    unfold(&mut window, "Control");
    for [label, bad, complaint, good] in CONTROL {
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
    type_into(&mut window, "Limit", "test -e go");
    window.get_by_role_and_label(Role::CheckBox, "No swapping").click_accesskit();
    window.run_steps(4);
    assert!(window.query_by_label("Control (13 set)").is_some());
    click(&mut window, "Run");
    let control = engine.asked().started[0].0.control.clone();
    let expected = Control {
        heartbeat_secs: Some(120.0),
        limits: Limits::default(),
        halt: Some("soon,fail=1".parse().expect("a halt")),
        delay_secs: Some(0.5),
        retry_wait: Some(RetryWait::Exponential { first_secs: 1.0, most_secs: 60.0 }),
        timeout_percent: Some(300.0),
        memfree_bytes: Some(4 << 30),
        load_limit: Some(2.0),
        limit_command: Some("test -e go".to_owned()),
        no_swap: true,
        nice: Some(10),
        slots: Some(ResourceRequest::Count(2)),
        resources: [("gpu".to_owned(), 2), ("licence".to_owned(), 1)].into(),
        needs: [("gpu".to_owned(), ResourceRequest::Count(1))].into(),
        after: None,
    };
    assert_eq!(control, expected);
}

#[test]
fn every_field_of_a_job_stands_on_the_page_in_the_words_of_its_row() {
    let engine = FakeEngine::default();
    let mut session = session(&engine);
    let inputs = vec![Input::Range(1, 2), Input::Range(3, 4)];
    session.edit(|draft| *draft = JobDraft::from_job(&Job { inputs, ..canned::cubes() }));
    let mut window = window(session);
    let folded = field::GROUPS.iter().filter(|group| ![&field::WORK_GROUP, &field::OPTION_GROUP].contains(group));
    for group in folded {
        unfold(&mut window, group.title);
    }
    // The version is the file's, a description is shown without a label, the pool stands in the top bar, and values in a form.
    let elsewhere = [&field::VALUES, &field::VERSION, &field::DESCRIPTION, &field::MODE, &field::WORKERS];
    for field in field::fields().filter(|field| !elsewhere.contains(field)) {
        assert!(window.query_all_by_label(field.label).count() > 0, "{field:?}: {}", field.label);
        let has_help = !JobDraft::is_text(field) || window.query_all_by_label(field.help).count() > 0;
        assert!(has_help, "{field:?}: {}", field.help);
    }
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
        let complaints = shown(&window).editor.preview().errors().to_vec();
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
    click(&mut window, "Run");
    let limits = engine.asked().started[0].0.control.limits;
    let expected = Limits { memory_bytes: Some(4 << 30), cpu_secs: Some(120), output_bytes: Some(500 << 20) };
    assert_eq!(limits, expected);
}

#[test]
fn tasks_wait_for_those_that_two_columns_name() {
    let (mut window, _) = with_cubes();
    unfold(&mut window, "Control");
    type_into(&mut window, "Task names", "name");
    assert!(shown(&window).run_obstacle().is_some_and(|reason| reason.contains("two columns")));
    type_into(&mut window, "Wait for", "after");
    until(&mut window, "the columns", |session| session.editor.preview().error(&field::AFTER).is_some());
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
    assert!(shown(&window).editor.preview().error(&field::STDIN).is_some());
    window.get_by_role_and_label(Role::MultilineTextInput, "Text for standard input").focus();
    press(&mut window, Modifiers::COMMAND, Key::A);
    press(&mut window, Modifiers::NONE, Key::Delete);
    type_into(&mut window, "Input file", "{}.txt");
    assert!(window.query_by_label("cat 1  < 1.txt  NAME='it is 1'").is_some());
    type_into(&mut window, "Shell", "nushell");
    assert!(shown(&window).editor.preview().error(&field::SHELL).is_some());
    type_into(&mut window, "Shell", "false");
    type_into(&mut window, "Command line", "cat 'a b' {}");
    assert_eq!(shown(&window).editor.preview().expanded().expect("expanded").first[0], "cat 'a b' 1");

    unfold(&mut window, "Environment and input");
    unfold(&mut window, "Order");
    type_into(&mut window, "Rows a task", "x");
    assert!(window.query_all_by_label_contains("whole number").count() > 0);
    type_into(&mut window, "Rows a task", "1");
    type_into(&mut window, "Sample", "10");
    type_into(&mut window, "Sample seed", "4");
    reach(&mut window, Role::CheckBox, "Shuffle");
    type_into(&mut window, "Shuffle seed", "x");
    assert!(shown(&window).editor.preview().error(&field::ORDER).is_some());
    type_into(&mut window, "Shuffle seed", "7");
    let expanded = std::sync::Arc::clone(shown(&window).editor.preview().expanded().expect("expanded"));
    let numbers: Vec<u64> = expanded.beside.iter().map(|beside| beside.number).collect();
    assert_eq!(numbers.len(), 10);
    assert!(!numbers.is_sorted(), "they begin in a mixed order: {numbers:?}");
    click(&mut window, "Run");
    let job = engine.asked().started[0].0.clone();
    assert!(!job.shell.is_used());
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
    session.edit(|draft| {
        *draft = JobDraft::from_job(&Job { inputs: vec![kept.clone(), Input::Stdin], ..canned::cubes() })
    });
    let mut window = window(session);
    let shown_input = window.get_by_label("Input 1 as in the job file").value();
    assert_eq!(shown_input.as_deref(), Some("List([\"two\\nlines\"])"));
    until(&mut window, "the complaint", |session| session.editor.preview().input_error(1).is_some());
    assert!(window.query_all_by_label_contains("no standard input").count() > 0);
    click(&mut window, "Remove input 2");
    until(&mut window, "the tasks", |session| session.editor.preview().expanded().is_some());
    click(&mut window, "Run");
    assert_eq!(engine.asked().started[0].0.inputs, [kept]);
}

/// Chooses the kind of an input in its list.
fn choose_kind(window: &mut Window<'_>, number: &str, kind: &str) {
    reach(window, Role::ComboBox, &format!("Kind of input {number}"));
    window.get_by_role_and_label(Role::Button, kind).click();
    window.run_steps(8);
    window.check_accessibility();
}

fn first_tasks(window: &mut Window<'_>, expected: &[&str]) {
    let is_so =
        |session: &Session| session.editor.preview().expanded().is_some_and(|expanded| expanded.first == expected);
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
    until(&mut window, "the complaint", |session| session.editor.preview().error(&field::INPUTS).is_some());
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
    until(&mut window, "the complaint", |session| session.editor.preview().error(&field::INPUTS).is_some());
    click(&mut window, "Remove input 1.1");
    click(&mut window, "Add to input 1");
    type_into(&mut window, "Last number of input 1.2", "2");
    first_tasks(&mut window, &["echo x 1", "echo y 2"]);
    click(&mut window, "Run");
    let expected = Input::Linked(vec![Input::Json("names.json".into()), Input::Range(1, 2)]);
    assert_eq!(engine.asked().started[0].0.inputs, [expected]);
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
    session.edit(|draft| *draft = JobDraft::from_job(&Job { inputs, control, ..everything() }));
    let mut window = window(session);
    reach(&mut window, Role::Button, "Show the job");
    unfold(&mut window, "Parameters");
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
