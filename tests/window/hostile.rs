//! Text from job files, values and tasks that tries to act on whatever shows it: nowhere in the window, in no page and no
//! message, is there a letter that does, but in the fields in which the job itself is edited.

use std::path::Path;
use std::sync::Arc;

use eframe::egui::accesskit::Role;
use egui_kittest::kittest::NodeT as _;
use fanlane::session::{Command, HistoryCommand, JobDraft, Page, PresetCommand, Session, SessionOptions};
use fanlane_core::event::{
    AttemptRecord, CallValue, Captured, DispatchEvent, EventKind, LaneId, Outcome, Output, SharedContent, SharedEvent,
    SharedObject, TaskEvent, TaskId, WorkerEnd, WorkerEvent, WorkerId,
};
use fanlane_core::job::{Input, Job, TaskTemplate};
use fanlane_core::store::presets::Presets;

use super::canned::{FakeEngine, models};
use super::driver::{self, Window, handle, until};

/// Colours, the clipboard of a terminal, a turned line, a mark that is not seen.
const HOSTILE: &str = "x\u{1b}[31m\u{1b}]52;c;QQ==\u{7}\u{202e}y\u{200b}z";

fn acts(letter: char) -> bool {
    (letter.is_control() && letter != '\n' && letter != '\t')
        || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{e0000}'..='\u{e007f}')
}

/// All that is read out of a window, but for what is typed into it.
fn assert_inert(window: &Window<'_>, what: &str) {
    let mut seen = 0;
    for node in window.root().children_recursive() {
        let node = node.accesskit_node();
        if matches!(node.role(), Role::TextInput | Role::MultilineTextInput | Role::TextRun) {
            continue;
        }
        for text in [node.label(), node.value(), node.description()].into_iter().flatten() {
            seen += usize::from(text.contains("52;c"));
            assert!(!text.contains(acts), "{what}: {text:?}");
        }
    }
    assert!(seen > 0, "{what}: the text is shown");
}

fn hostile_job() -> Job {
    Job {
        name: HOSTILE.to_owned(),
        description: HOSTILE.to_owned(),
        task: TaskTemplate::Command(format!("echo '{HOSTILE}' {{}}")),
        inputs: vec![Input::List(vec![HOSTILE.to_owned(), "b".to_owned(), "c".to_owned(), "d".to_owned()])],
        ..Job::default()
    }
}

fn attempt(task: u64, outcome: Outcome) -> AttemptRecord {
    let stream = || Captured { head: format!("{HOSTILE}\n{HOSTILE}").into_bytes(), ..Captured::default() };
    AttemptRecord {
        output: Some(Box::new(Output { stdout: stream(), stderr: stream(), ..Output::default() })),
        value: (task == 0).then(|| CallValue::Text(HOSTILE.into())),
        ..models::record(task, 1, task, 1000, outcome)
    }
}

fn window<'a>(engine: &FakeEngine, folder: &Path) -> Window<'a> {
    let presets = Presets::open(folder.join("presets"));
    presets.save(&hostile_job(), false).expect("saved");
    std::fs::write(folder.join("presets").join("x\u{1b}[31m\u{202e}.ron"), "Job(").expect("written");
    let history = Some(folder.join("history"));
    let options = SessionOptions { history, presets: Some(presets), ..SessionOptions::in_memory(engine.engine()) };
    let mut session = Session::new(options, Arc::new(|| {}));
    session.edit(|draft| *draft = JobDraft::from_job(&hostile_job()));
    driver::window(session)
}

#[test]
fn no_text_of_a_task_or_a_job_acts_on_the_window() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = FakeEngine::default();
    let mut window = window(&engine, folder.path());
    assert_inert(&window, "the page Job");
    assert!(!fanlane::ui::window_title::window_title(HOSTILE, None).contains(acts));

    handle(&mut window, Command::Run);
    until(&mut window, "the run begins", |session| session.is_running());
    let worker =
        |number| EventKind::Worker(WorkerEvent::Started { worker: WorkerId(number), lane: LaneId(number - 1), pid: 7 });
    engine.say(1, worker(1));
    engine.say(2, EventKind::Dispatch(DispatchEvent::WorkersCannotStart { reason: HOSTILE.to_owned() }));
    engine.say(
        3,
        EventKind::Worker(WorkerEvent::Ended { worker: WorkerId(1), reason: WorkerEnd::Died(HOSTILE.to_owned()) }),
    );
    let shared = SharedObject {
        name: HOSTILE.to_owned(),
        kind: "list".to_owned(),
        length: Some(1),
        content: HOSTILE.to_owned(),
        calls: 1,
        waiting: 0,
    };
    engine.say(4, EventKind::Shared(SharedEvent::Sampled(vec![shared])));
    until(&mut window, "the fault", |session| {
        session.run.current().is_some_and(|run| run.model().progress.cannot_start.is_some())
    });
    for page in [Page::LIVE, Page::SHARED] {
        handle(&mut window, Command::Show(page));
        assert_inert(&window, &format!("{page:?} while it runs"));
    }
    let ends = [
        Outcome::Done,
        Outcome::CannotStart(HOSTILE.to_owned().into()),
        Outcome::CallFailed(HOSTILE.to_owned().into()),
        Outcome::Lost(HOSTILE.to_owned().into()),
    ];
    let records = (0..).zip(ends).map(|(task, outcome)| attempt(task, outcome)).collect();
    engine.say(5, EventKind::Task(TaskEvent::Finished(records)));
    let json = serde_json::to_string(&[HOSTILE]).expect("JSON");
    let content =
        SharedContent { name: HOSTILE.to_owned(), kind: "list".to_owned(), length: Some(1), json: Some(json) };
    engine.say(6, EventKind::Shared(SharedEvent::Ended(vec![content])));
    engine.finish(9, false);
    until(&mut window, "the run ends", |session| !session.is_running());
    for page in [Page::JOB, Page::LIVE, Page::RESULTS, Page::SHARED] {
        handle(&mut window, Command::Show(page));
        assert_inert(&window, &format!("{page:?}"));
    }
    handle(&mut window, Command::Show(Page::RESULTS));
    for task in 0..4 {
        handle(&mut window, Command::SelectTask(Some(TaskId(task))));
        assert_inert(&window, &format!("the details of task {task}"));
    }
    handle(&mut window, Command::Show(Page::RUNS));
    until(&mut window, "the list of runs", |session| !session.history.all().is_empty());
    handle(&mut window, HistoryCommand::Select(Some(1)));
    assert_inert(&window, "the page Runs");
    let saved = window.state().session().presets.saved()[0].id.clone();
    handle(&mut window, PresetCommand::Delete(saved));
    assert_inert(&window, "a message about a preset");
}
