//! Messages lie over the page: nothing moves, and what is no longer true goes away.

use egui_kittest::kittest::Queryable as _;
use fanlane::session::Command;

use super::driver::{click, fresh, handle, shown};

#[test]
fn a_message_moves_nothing() {
    let (mut window, _) = fresh();
    let place = window.get_by_label("What will run").rect();
    handle(&mut window, Command::OpenJob("/there/is/no/job.ron".into()));
    assert!(window.query_by_label_contains("/there/is/no/job.ron").is_some());
    assert_eq!(window.get_by_label("What will run").rect(), place);
    click(&mut window, "Dismiss");
    assert_eq!(window.get_by_label("What will run").rect(), place);
}

#[test]
fn an_error_goes_when_the_same_succeeds_and_not_before() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("other.ron");
    let text = r#"Job(version: 1, name: "Other", task: Command("echo {}"), inputs: [Range(1, 3)])"#;
    std::fs::write(&file, text).expect("written");
    let (mut window, _) = fresh();
    handle(&mut window, Command::OpenJob("/there/is/no/job.ron".into()));
    handle(&mut window, Command::SetWorkers(3));
    assert_eq!(shown(&window).notices.all().len(), 1);
    handle(&mut window, Command::OpenJob(file));
    assert!(shown(&window).notices.all().is_empty(), "{:?}", shown(&window).notices.all());
}
