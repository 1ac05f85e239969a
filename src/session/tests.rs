//! The session asked and looked at, without an engine.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;

use super::*;
use fanlane_core::engine::{Engine, EngineError, RunCommand, RunHandle, RunOptions};
use fanlane_core::event::{
    AttemptRecord, Event, EventKind, Outcome, OutcomeClass, RunEvent, RunHeader, Summary, TaskEvent, TaskId, WorkerId,
};
use fanlane_core::job::field::{self, Field};
use fanlane_core::job::{Batch, Input, Mode, TaskKind, TaskTemplate};
use fanlane_core::store::presets::Presets;
use fanlane_core::store::race::Races;

/// An engine that notes what it is asked for and says what the test wants.
#[derive(Clone, Default)]
struct Noted(Arc<Mutex<Notes>>);

#[derive(Default)]
struct Notes {
    started: Vec<(Job, RunOptions)>,
    commands: Vec<RunCommand>,
    /// Those about output.
    watched: Vec<RunCommand>,
    events: Option<Sender<Event>>,
    joined: usize,
    refuses: bool,
}

impl Noted {
    fn notes(&self) -> std::sync::MutexGuard<'_, Notes> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn say(&self, kind: EventKind) {
        let notes = self.notes();
        let events = notes.events.as_ref().expect("a run is under way");
        events.send(Event { at_ns: 1, kind }).expect("the session listens");
    }

    fn begin(&self, tasks: u64) {
        let header = RunHeader { name: String::new(), mode: Mode::Pool, workers: 2, tasks, started_unix_ms: 0 };
        self.say(EventKind::Run(RunEvent::Started(header)));
    }

    fn end(&self) {
        self.end_as(false);
    }

    fn end_as(&self, stopped: bool) {
        let summary = Summary {
            counts: Default::default(),
            wall_ns: 1,
            cpu_ns: 0,
            retries: 0,
            workers: 2,
            mode: Mode::Pool,
            stopped,
        };
        self.say(EventKind::Run(RunEvent::Finished(summary)));
        self.notes().events = None;
    }
}

impl Engine for Noted {
    fn start(
        &self,
        batch: Arc<Batch>,
        options: RunOptions,
        events: Sender<Event>,
    ) -> Result<Box<dyn RunHandle>, EngineError> {
        let mut notes = self.notes();
        if notes.refuses {
            let source = std::io::Error::other("no more threads");
            return Err(EngineError::System { what: "starting a thread", source });
        }
        notes.started.push((batch.job().clone(), options));
        notes.events = Some(events);
        Ok(Box::new(self.clone()))
    }
}

impl RunHandle for Noted {
    fn command(&self, command: RunCommand) {
        let mut notes = self.notes();
        match command {
            RunCommand::Watch(_) | RunCommand::Follow(_) | RunCommand::Unfollow(_) => notes.watched.push(command),
            _ => notes.commands.push(command),
        }
    }

    fn join(self: Box<Self>) {
        let mut notes = self.notes();
        notes.joined += 1;
        notes.events = None;
    }
}

struct Scene {
    session: Session,
    engine: Noted,
    folder: tempfile::TempDir,
}

fn scene() -> Scene {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = Noted::default();
    let options = SessionOptions {
        job: None,
        watched: None,
        folder: folder.path().to_owned(),
        presets: Some(Presets::open(folder.path().join("presets"))),
        races: Some(Races::open(folder.path().join("races"))),
        history: None,
        sweeps: false,
        detached: None,
        engines: None,
        settings: None,
        editor_programs: SessionOptions::in_memory(Arc::new(engine.clone())).editor_programs,
        engine: Arc::new(engine.clone()),
        machine: Machine { physical_cores: 2, logical_cores: 4 },
    };
    Scene { session: Session::new(options, Arc::new(|| {})), engine, folder }
}

/// Polls until something is so; only threads of the session itself are waited for.
fn until(session: &mut Session, what: &str, is_so: impl Fn(&Session) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        session.poll();
        if is_so(session) {
            return;
        }
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::yield_now();
    }
}

fn record(task: u64, outcome: Outcome) -> AttemptRecord {
    AttemptRecord {
        start_ns: task,
        wall_ns: 1_000_000 - task,
        ..AttemptRecord::new(TaskId(task), 1, WorkerId(1), outcome)
    }
}

fn job(text: &str) -> Job {
    Job::parse(text).expect("the job is well formed")
}

#[test]
fn it_opens_on_the_first_example_and_that_can_be_run() {
    let Scene { session, .. } = scene();
    assert_eq!(session.page(), Page::JOB);
    assert_eq!(session.run_obstacle(), None);
    let first = &session.presets.built_in()[0];
    assert_eq!(session.editor.origin(), Some(&Origin::Preset(first.id.clone())));
    assert!(!session.editor.is_edited());
    assert!(session.editor.preview().expanded().is_some_and(|expanded| expanded.tasks > 0));
}

#[test]
fn every_example_becomes_the_same_job_again() {
    let Scene { session, .. } = scene();
    for preset in session.presets.built_in() {
        let job = preset.job.clone().expect("examples load");
        assert_eq!(JobDraft::from_job(&job).to_job(), Ok(job), "{}", preset.name);
    }
}

#[test]
fn what_the_window_has_no_field_for_is_kept() {
    let values = vec!["one\ntwo".to_owned(), String::new()];
    for input in [Input::List(values), Input::List(Vec::new()), Input::List(vec![String::new()])] {
        let draft = InputDraft::from_input(&input);
        assert_eq!(draft.to_input(), Ok(input));
    }
    let ends_empty = Input::List(vec!["a".to_owned(), String::new()]);
    assert_eq!(InputDraft::from_input(&ends_empty).to_input(), Ok(ends_empty));
    for path in [" blank", "line\nbreak", ""] {
        for input in [Input::Lines(path.into()), Input::Glob(path.to_owned()), Input::Json(path.into())] {
            assert_eq!(InputDraft::from_input(&input).to_input(), Ok(input));
        }
    }
}

#[test]
fn an_input_that_reads_standard_input_can_be_saved_but_not_run() {
    let Scene { mut session, .. } = scene();
    let columns = Input::Columns { from: Box::new(Input::Stdin), separator: None, header: false, trim: false };
    for input in [Input::Stdin, columns] {
        session.edit(|draft| draft.inputs = vec![InputDraft::range(1, 2), InputDraft::from_input(&input)]);
        assert_eq!(session.editor.draft().to_job().expect("a job").inputs[1], input);
        until(&mut session, "the complaint", |session| session.editor.preview().input_error(1).is_some());
        assert!(session.run_obstacle().is_some_and(|words| words.contains("standard input")));
    }
}

#[test]
fn each_mistake_is_told_at_its_field_and_keeps_the_job_from_running() {
    type Change = fn(&mut JobDraft);
    let table: [(Change, &'static Field); 39] = [
        (|draft| *draft.text_mut(&field::HEARTBEAT_SECS) = "0.01".to_owned(), &field::HEARTBEAT_SECS),
        (|draft| *draft.text_mut(&field::SHARED_BYTES) = "much".to_owned(), &field::SHARED_BYTES),
        (|draft| *draft.text_mut(&field::SLOTS) = "1{#}".to_owned(), &field::SLOTS),
        (|draft| *draft.text_mut(&field::LIMIT_MEMORY_BYTES) = "much".to_owned(), &field::LIMIT_MEMORY_BYTES),
        (|draft| *draft.text_mut(&field::LIMIT_MEMORY_BYTES) = "1K".to_owned(), &field::LIMIT_MEMORY_BYTES),
        (|draft| *draft.text_mut(&field::LIMIT_CPU_SECS) = "1.5".to_owned(), &field::LIMIT_CPU_SECS),
        (|draft| *draft.text_mut(&field::LIMIT_CPU_SECS) = "0".to_owned(), &field::LIMIT_CPU_SECS),
        (|draft| *draft.text_mut(&field::LIMIT_OUTPUT_BYTES) = "0".to_owned(), &field::LIMIT_OUTPUT_BYTES),
        (
            |draft| (draft.kind, *draft.text_mut(&field::LIMIT_OUTPUT_BYTES)) = (TaskKind::Workload, "1M".to_owned()),
            &field::LIMIT_OUTPUT_BYTES,
        ),
        (|draft| *draft.text_mut(&field::NICE) = "20".to_owned(), &field::NICE),
        (|draft| draft.order.by_values = "fastest".to_owned(), &field::ORDER),
        (|draft| draft.order.by_values = "priority:size".to_owned(), &field::ORDER),
        (|draft| *draft.text_mut(&field::SLOTS) = "{9}".to_owned(), &field::SLOTS),
        (|draft| *draft.text_mut(&field::SLOTS) = "0{x}".to_owned(), &field::SLOTS),
        (
            |draft| {
                *draft.text_mut(&field::RESOURCES) = "gpu=1".to_owned();
                *draft.text_mut(&field::NEEDS) = "gpu=99{#}".to_owned();
            },
            &field::NEEDS,
        ),
        (|draft| draft.command = "echo {0}".to_owned(), &field::TASK),
        (|draft| draft.command = "   ".to_owned(), &field::TASK),
        (|draft| draft.command = "echo {7}".to_owned(), &field::TASK),
        (|draft| *draft.text_mut(&field::TIMEOUT_SECS) = "soon".to_owned(), &field::TIMEOUT_SECS),
        (|draft| *draft.text_mut(&field::TIMEOUT_SECS) = "-1".to_owned(), &field::TIMEOUT_SECS),
        (|draft| *draft.text_mut(&field::RETRIES) = "many".to_owned(), &field::RETRIES),
        (|draft| draft.workers = Some(100_000), &field::WORKERS),
        (|draft| *draft.text_mut(&field::SLOTS) = "9".to_owned(), &field::SLOTS),
        (|draft| *draft.text_mut(&field::NEEDS) = "gpu=1".to_owned(), &field::NEEDS),
        (|draft| *draft.text_mut(&field::RESOURCES) = "gpu=1 gpu=2".to_owned(), &field::RESOURCES),
        (|draft| draft.dependencies.name_column = "name".to_owned(), &field::AFTER),
        (|draft| draft.environment.lines = "A=1\nA=2".to_owned(), &field::ENVIRONMENT),
        (|draft| draft.environment.lines = "FANLANE_A=1".to_owned(), &field::ENVIRONMENT),
        (|draft| draft.environment.lines = "A={7}".to_owned(), &field::ENVIRONMENT),
        (|draft| *draft.text_mut(&field::STDIN) = "{7}".to_owned(), &field::STDIN),
        (|draft| *draft.text_mut(&field::STDIN_FILE) = "{7}".to_owned(), &field::STDIN_FILE),
        (|draft| *draft.text_mut(&field::MAX_ROWS) = "1000000".to_owned(), &field::MAX_ROWS),
        (|draft| *draft.text_mut(&field::SAMPLE) = "some".to_owned(), &field::SAMPLE),
        (|draft| *draft.text_mut(&field::SAMPLE_SEED) = "-1".to_owned(), &field::SAMPLE_SEED),
        (|draft| draft.shared = "seen".to_owned(), &field::SHARED),
        (|draft| draft.shared = "gate = Barrier(0)".to_owned(), &field::SHARED),
        (|draft| draft.shared = "a = Set\na = List".to_owned(), &field::SHARED),
        (|draft| draft.inputs = vec![InputDraft { from: "one".to_owned(), ..InputDraft::range(1, 2) }], &field::INPUTS),
        (|draft| *draft.text_mut(&field::WORKING_DIR) = "/there/is/no/such/folder".to_owned(), &field::WORKING_DIR),
    ];
    for (place, (change, field)) in table.into_iter().enumerate() {
        let Scene { mut session, engine, .. } = scene();
        session.edit(|draft| {
            draft.kind = TaskKind::Command;
            draft.command = "echo {}".to_owned();
            draft.inputs = vec![InputDraft::range(1, 2)];
            change(draft);
        });
        until(&mut session, &format!("case {place}"), |session| {
            session.editor.preview().errors().iter().any(|error| error.field == field)
        });
        assert!(session.run_obstacle().is_some(), "case {place}");
        session.handle(Command::Run);
        assert!(engine.notes().started.is_empty(), "case {place}");
        assert_eq!(session.notices.all().last().map(|notice| notice.severity), Some(Severity::Error));
    }
}

#[test]
fn inputs_in_files_are_read_by_a_thread_and_again_when_the_job_is_run() {
    let Scene { mut session, engine, folder } = scene();
    let file = folder.path().join("names.txt");
    std::fs::write(&file, "a\nb\n").expect("written");
    session.edit(|draft| {
        draft.kind = TaskKind::Command;
        draft.command = "echo {}".to_owned();
        draft.inputs = vec![InputDraft { kind: InputKind::Lines, path: "names.txt".to_owned(), ..Default::default() }];
    });
    until(&mut session, "the preview", |session| {
        session.editor.preview().expanded().is_some_and(|expanded| expanded.first == ["echo a", "echo b"])
    });
    std::fs::write(&file, "a\nb\nc\n").expect("written");
    session.handle(Command::Run);
    until(&mut session, "the run", Session::is_running);
    assert_eq!(session.run.current().expect("a run").batch.len(), 3);
    assert_eq!(engine.notes().started.len(), 1);
    std::fs::remove_file(&file).expect("removed");
    session.edit(|_| ());
    until(&mut session, "the error", |session| session.editor.preview().input_error(0).is_some());
}

#[test]
fn a_run_is_started_commanded_and_ended() {
    let Scene { mut session, engine, .. } = scene();
    session.handle(Command::SetMode(Mode::Pool));
    session.handle(Command::SetWorkers(3));
    session.handle(Command::Run);
    assert_eq!(session.page(), Page::LIVE);
    assert_eq!(engine.notes().started[0].1.workers, 3);
    engine.begin(200);
    until(&mut session, "the first event", |session| session.run.current().expect("a run").model().header.is_some());
    assert!(session.run_obstacle().is_some(), "one run at a time");
    session.handle(Command::Run);
    assert_eq!(engine.notes().started.len(), 1);
    for command in [
        Command::Pause,
        Command::Resume,
        Command::SetWorkers(8),
        Command::SetWorkers(0),
        Command::CancelTask(TaskId(4)),
        Command::Stop,
    ] {
        session.handle(command);
    }
    let expected = [
        RunCommand::Pause,
        RunCommand::Resume,
        RunCommand::SetWorkers(8),
        RunCommand::SetWorkers(1),
        RunCommand::Cancel(TaskId(4)),
        RunCommand::Stop,
    ];
    assert_eq!(engine.notes().commands, expected);
    engine.end();
    until(&mut session, "the end", |session| !session.is_running());
    session.handle(Command::Pause);
    assert_eq!(engine.notes().commands.len(), expected.len(), "nothing is asked of a run that has ended");
    assert_eq!(session.run_obstacle(), None);
}

#[test]
fn output_is_asked_for_while_a_page_shows_it_and_no_longer() {
    use fanlane_core::engine::OutputLevel::{LatestLines, Nothing};
    let Scene { mut session, engine, .. } = scene();
    session.handle(Command::Run);
    engine.begin(200);
    until(&mut session, "the run", |session| session.is_running());
    let task = TaskId(3);
    let asked = |session: &mut Session, command: Command| {
        session.handle(command);
        // Once, however many frames are drawn.
        (0..3).for_each(|_| session.poll());
        std::mem::take(&mut engine.notes().watched)
    };
    assert_eq!(asked(&mut session, Command::Show(Page::LIVE)), [RunCommand::Watch(LatestLines)]);
    assert_eq!(asked(&mut session, Command::SelectTask(Some(task))), []);
    let followed = [RunCommand::Watch(Nothing), RunCommand::Follow(task)];
    assert_eq!(asked(&mut session, Command::Show(Page::RESULTS)), followed);
    assert_eq!(session.run.current().expect("a run").model().live_text().map(|text| text.task), Some(task));
    let other = [RunCommand::Unfollow(task), RunCommand::Follow(TaskId(4))];
    assert_eq!(asked(&mut session, Command::SelectTask(Some(TaskId(4)))), other);
    assert_eq!(asked(&mut session, Command::Show(Page::JOB)), [RunCommand::Unfollow(TaskId(4))]);
    assert!(session.run.current().expect("a run").model().live_text().is_none());
    engine.end();
    until(&mut session, "the end", |session| !session.is_running());
    assert_eq!(engine.notes().commands, []);
}

#[test]
fn an_engine_that_cannot_start_is_told_and_nothing_else_changes() {
    let Scene { mut session, engine, .. } = scene();
    engine.notes().refuses = true;
    session.handle(Command::Run);
    assert!(session.run.current().is_none());
    assert_eq!(session.page(), Page::JOB);
    let told = session.notices.all().last().expect("a message");
    assert!(told.text.contains("no more threads"), "{}", told.text);
}

#[test]
fn a_run_that_breaks_off_is_seen_as_over() {
    let Scene { mut session, engine, .. } = scene();
    session.handle(Command::Run);
    engine.begin(200);
    engine.notes().events = None;
    until(&mut session, "the end", |session| !session.is_running());
    assert!(!session.run.current().expect("a run").model().is_finished());
    assert_eq!(session.run_obstacle(), None, "another one can be run");
}

#[test]
fn shutting_down_stops_the_run_and_waits_for_it() {
    let Scene { mut session, engine, .. } = scene();
    session.handle(Command::Run);
    engine.begin(200);
    session.shutdown();
    assert_eq!(engine.notes().commands, [RunCommand::Stop]);
    assert_eq!(engine.notes().joined, 1);
    session.shutdown();
    drop(session);
    assert_eq!(engine.notes().joined, 1, "once is enough");
}

#[test]
fn results_are_sorted_and_filtered() {
    let Scene { mut session, engine, .. } = scene();
    session.edit(|draft| {
        draft.kind = TaskKind::Command;
        draft.command = "echo Item-{}".to_owned();
        draft.inputs = vec![InputDraft::range(1, 12)];
    });
    session.handle(Command::Run);
    engine.begin(12);
    let outcome = |task| if task % 5 == 0 { Outcome::Exited { code: 1 } } else { Outcome::Done };
    engine.say(EventKind::Task(TaskEvent::Finished((0..12).rev().map(|task| record(task, outcome(task))).collect())));
    until(&mut session, "all rows", |session| session.run.rows().rows().len() == 12);
    let tasks = |session: &mut Session, query: RowQuery| -> Vec<u64> {
        session.handle(Command::SetQuery(query));
        session.poll();
        let model = session.run.current().expect("a run").model();
        session
            .run
            .rows()
            .rows()
            .iter()
            .map(|row| model.records.get(*row as usize).expect("a row").task.number())
            .collect()
    };
    let all = RowQuery::default();
    assert_eq!(tasks(&mut session, all.clone())[..3], [1, 2, 3]);
    assert_eq!(tasks(&mut session, RowQuery { descending: true, ..all.clone() })[..3], [12, 11, 10]);
    assert_eq!(tasks(&mut session, RowQuery { sort: SortKey::Wall, ..all.clone() })[..2], [12, 11]);
    assert_eq!(tasks(&mut session, RowQuery { class: Some(OutcomeClass::Failed), ..all.clone() }), [1, 6, 11]);
    assert_eq!(tasks(&mut session, RowQuery { text: " iTEM-1 ".to_owned(), ..all.clone() }), [1, 10, 11, 12]);
    assert_eq!(tasks(&mut session, RowQuery { text: "nothing".to_owned(), ..all }), [0; 0]);
}

#[test]
fn many_results_are_ordered_by_a_thread_to_the_same_end() {
    let Scene { mut session, engine, .. } = scene();
    session.edit(|draft| draft.inputs = vec![InputDraft::range(1, 30_000)]);
    session.handle(Command::Run);
    engine.begin(30_000);
    for from in (0..30_000).step_by(1000) {
        engine.say(EventKind::Task(TaskEvent::Finished(
            (from..from + 1000).map(|task| record(task, Outcome::Done)).collect(),
        )));
    }
    session.handle(Command::SetQuery(RowQuery { descending: true, ..RowQuery::default() }));
    until(&mut session, "all rows", |session| session.run.rows().rows().len() == 30_000);
    assert!(session.run.rows().rows().iter().rev().copied().eq(0..30_000));
}

#[test]
fn failed_tasks_run_again_in_their_run() {
    let Scene { mut session, engine, folder } = scene();
    std::fs::write(folder.path().join("people.csv"), "name,age\nAda,36\nBlaise,39\nCarl,77\n").expect("written");
    session.edit(|draft| {
        draft.name = "Greetings".to_owned();
        draft.kind = TaskKind::Command;
        draft.command = "echo {#} {name} is {2}".to_owned();
        draft.inputs = vec![InputDraft { kind: InputKind::Csv, path: "people.csv".to_owned(), ..Default::default() }];
    });
    until(&mut session, "the preview", |session| {
        session.editor.preview().expanded().is_some_and(|known| known.tasks == 3)
    });
    session.handle(Command::Run);
    until(&mut session, "the run", Session::is_running);
    engine.begin(3);
    let outcomes = [Outcome::TimedOut, Outcome::Done, Outcome::Exited { code: 2 }];
    engine.say(EventKind::Task(TaskEvent::Finished(
        (0..).zip(outcomes).map(|(task, outcome)| record(task, outcome)).collect(),
    )));
    engine.end();
    until(&mut session, "the end", |session| !session.is_running());
    let edited = session.editor.draft().clone();
    session.handle(Command::Show(Page::RESULTS));
    session.handle(Command::SelectTask(Some(TaskId(2))));
    let query = RowQuery { class: Some(OutcomeClass::Failed), ..RowQuery::default() };
    session.handle(Command::SetQuery(query.clone()));
    session.handle(Command::RerunFailed);
    assert!(session.is_running(), "from the first moment");
    assert_eq!(*session.editor.draft(), edited, "the open job stays as it is");
    engine.begin(2);
    until(&mut session, "the part begins", |session| {
        session.run.current().expect("a run").model().progress.remaining() == 2
    });
    assert_eq!((session.page(), session.run.selected()), (Page::RESULTS, Some(TaskId(2))), "nothing jumps");
    assert_eq!(*session.run.query(), query);
    engine.say(EventKind::Task(TaskEvent::Finished(vec![record(0, Outcome::Done), record(1, Outcome::TimedOut)])));
    engine.end();
    until(&mut session, "the end", |session| !session.is_running());
    let counts = {
        let run = session.run.current().expect("a run");
        assert_eq!((run.batch.len(), &*run.job.name), (3, "Greetings"), "it is the same run");
        let model = run.model();
        assert_eq!((model.attempts(TaskId(0)).count(), model.attempts(TaskId(1)).count()), (2, 1));
        assert_eq!(
            model.records.of(TaskId(2)).map(|record| (record.attempt, record.outcome.clone())),
            Some((2, Outcome::TimedOut))
        );
        model.progress.counts
    };
    assert_eq!((counts.done, counts.timed_out, counts.total()), (2, 1, 3));
    session.handle(Command::RerunTask(TaskId(2)));
    engine.begin(1);
    session.handle(Command::CancelTask(TaskId(2)));
    assert_eq!(engine.notes().commands.last(), Some(&RunCommand::Cancel(TaskId(0))), "under its number in the part");
    engine.say(EventKind::Task(TaskEvent::Finished(vec![record(0, Outcome::Done)])));
    engine.end();
    until(&mut session, "the end", |session| !session.is_running());
    let run = session.run.current().expect("a run");
    assert_eq!(run.model().attempts(TaskId(2)).count(), 3);
    assert_eq!(run.model().progress.counts.done, 3);
}

#[test]
fn what_was_chosen_for_the_end_of_a_run_happens_once_and_only_then() {
    let Scene { mut session, engine, folder } = scene();
    let mark = folder.path().join("done");
    let action = DoneAction::Run(format!("echo $FANLANE_DONE of $FANLANE_NOT_DONE > {}", mark.display()));
    session.handle(Command::WhenDone(action.clone()));
    assert_eq!(*session.done_action(), DoneAction::Nothing, "no run is under way");
    let begin = |session: &mut Session| {
        session.handle(Command::Run);
        until(session, "the run", Session::is_running);
        engine.begin(2);
        session.handle(Command::WhenDone(action.clone()));
    };
    begin(&mut session);
    engine.end_as(true);
    until(&mut session, "the end", |session| !session.is_running());
    assert_eq!(session.take_done(), None, "it was stopped by hand");
    assert_eq!(*session.done_action(), DoneAction::Nothing);
    begin(&mut session);
    let outcomes = [record(0, Outcome::Done), record(1, Outcome::TimedOut)];
    engine.say(EventKind::Task(TaskEvent::Finished(outcomes.into())));
    engine.end();
    until(&mut session, "the command", |_| std::fs::read_to_string(&mark).is_ok_and(|text| text == "1 of 1\n"));
    let done = session.take_done().expect("it came to its end");
    assert_eq!((done.counts.done, done.counts.timed_out, done.action), (1, 1, action.clone()));
    assert_eq!(session.take_done(), None, "once");
    session.handle(Command::Run);
    until(&mut session, "the run", Session::is_running);
    session.handle(Command::WhenDone(DoneAction::Run("exit 3".to_owned())));
    engine.end();
    until(&mut session, "the fault", |session| {
        session.notices.all().iter().any(|notice| notice.text.contains("exit 3"))
    });
}

#[test]
fn presets_are_saved_renamed_copied_deleted_and_brought_back() {
    let Scene { mut session, .. } = scene();
    let names = |session: &Session| -> Vec<String> {
        session.presets.saved().iter().map(|preset| preset.name.clone()).collect()
    };
    session.handle(PresetCommand::SaveAs("Mine".to_owned()));
    assert_eq!(names(&session), ["Mine"]);
    assert_eq!(session.editor.draft().name, "Mine");
    assert!(!session.editor.is_edited());

    session.edit(|draft| *draft.text_mut(&field::RETRIES) = "3".to_owned());
    assert!(session.editor.is_edited());
    session.handle(PresetCommand::Save);
    let id = session.editor.saved_origin().cloned().expect("it is a saved one");
    assert_eq!(session.presets.get(&id).expect("there").job.as_ref().expect("loads").retries, 3);

    session.handle(PresetCommand::SaveAs("Mine".to_owned()));
    assert_eq!(
        session.notices.all().last().map(|notice| notice.severity),
        Some(Severity::Error),
        "nothing is overwritten"
    );

    session.handle(PresetCommand::Duplicate(id.clone()));
    assert_eq!(names(&session).len(), 2);
    session.handle(PresetCommand::Rename(id, "Ours".to_owned()));
    assert!(names(&session).contains(&"Ours".to_owned()), "{:?}", names(&session));
    assert_eq!(session.editor.draft().name, "Ours");

    let id = session.editor.saved_origin().cloned().expect("it is a saved one");
    session.handle(PresetCommand::Delete(id.clone()));
    assert!(!names(&session).contains(&"Ours".to_owned()));
    assert_eq!(session.editor.draft().name, "Ours", "the job stays open");
    assert_eq!(session.notices.all().last().and_then(|notice| notice.undo_delete.clone()), Some(id));
    session.handle(PresetCommand::UndoDelete);
    assert!(names(&session).contains(&"Ours".to_owned()));
    assert!(session.notices.all().iter().all(|notice| notice.undo_delete.is_none()), "the offer is taken");
    let name = session.editor.saved_origin().map(|id| session.presets.name(id).to_owned());
    assert_eq!(name.as_deref(), Some("Ours"), "the open job belongs to its preset again");
}

#[test]
fn saving_a_job_with_another_name_renames_its_preset() {
    let Scene { mut session, .. } = scene();
    session.handle(PresetCommand::SaveAs("Old".to_owned()));
    session.edit(|draft| draft.name = "New".to_owned());
    session.handle(PresetCommand::Save);
    let names: Vec<&str> = session.presets.saved().iter().map(|preset| preset.name.as_str()).collect();
    assert_eq!(names, ["New"]);
}

#[test]
fn examples_cannot_be_written_over() {
    let Scene { mut session, .. } = scene();
    let id = session.presets.built_in()[0].id.clone();
    for command in [PresetCommand::Delete(id.clone()), PresetCommand::Rename(id, "Mine".to_owned())] {
        session.handle(command);
        assert_eq!(session.notices.all().last().map(|notice| notice.severity), Some(Severity::Error));
    }
}

#[test]
fn a_bad_job_file_is_told_and_the_open_job_stays() {
    let Scene { mut session, folder, .. } = scene();
    let open = session.editor.draft().clone();
    let file = folder.path().join("bad.ron");
    std::fs::write(&file, "Job(version: 1, task: Command(\"echo\"), inputs: [], wrokers: 3)").expect("written");
    session.handle(Command::OpenJob(file.clone()));
    let told = session.notices.all().last().expect("a message");
    assert!(told.text.contains("bad.ron") && told.text.contains("wrokers"), "{}", told.text);
    assert_eq!(*session.editor.draft(), open);
    let kept = std::fs::read_to_string(&file).expect("still there");
    assert!(kept.contains("wrokers"), "nothing is written over");
}

#[test]
fn a_job_file_runs_beside_its_file_also_once_it_is_a_preset() {
    let Scene { mut session, folder, .. } = scene();
    let beside = folder.path().join("beside");
    std::fs::create_dir(&beside).expect("a folder");
    let file = beside.join("job.ron");
    let text = r#"Job(version: 1, name: "Beside", task: Command("cat {}"), inputs: [Lines("names.txt")])"#;
    std::fs::write(&file, text).expect("written");
    std::fs::write(beside.join("names.txt"), "a\n").expect("written");
    session.handle(Command::OpenJob(file.clone()));
    assert_eq!(session.editor.origin(), Some(&Origin::File(file)));
    until(&mut session, "the preview", |session| {
        session.editor.preview().expanded().is_some_and(|known| known.tasks == 1)
    });
    session.handle(PresetCommand::SaveAs("Beside".to_owned()));
    let first = session.presets.built_in()[0].id.clone();
    session.handle(PresetCommand::Open(first));
    let saved = session.presets.saved()[0].id.clone();
    session.handle(PresetCommand::Open(saved));
    until(&mut session, "the preview", |session| {
        session.editor.preview().expanded().is_some_and(|known| known.first == ["cat a"])
    });
}

#[test]
fn a_job_file_that_was_saved_as_a_preset_keeps_its_folder_through_an_undo() {
    let Scene { mut session, folder, .. } = scene();
    let beside = folder.path().join("beside");
    std::fs::create_dir(&beside).expect("a folder");
    let file = beside.join("job.ron");
    std::fs::write(&file, r#"Job(version: 1, name: "Beside", task: Command("ls"), inputs: [])"#).expect("written");
    session.handle(Command::OpenJob(file));
    session.edit(|draft| draft.command = "pwd".to_owned());
    session.handle(PresetCommand::SaveAs("Beside".to_owned()));
    session.handle(Command::UndoEdit);
    assert_eq!(session.editor.draft().command, "ls");
    session.handle(PresetCommand::Save);
    let saved = session.presets.saved()[0].job.clone().expect("it can be read");
    let place = saved.working_dir.expect("it says where it runs");
    assert_eq!(place, std::path::absolute(&beside).expect("a path"));
}

#[test]
fn a_job_without_values_does_not_run() {
    let Scene { mut session, .. } = scene();
    session.edit(|draft| draft.inputs = vec![InputDraft::range(2, 1)]);
    assert!(session.run_obstacle().is_some_and(|why| why.contains("nothing to run")));
    let job = job(r#"Job(version: 1, task: Command("true"), inputs: [])"#);
    assert!(matches!(job.task, TaskTemplate::Command(_)));
    session.edit(|draft| *draft = JobDraft::from_job(&job));
    assert_eq!(session.run_obstacle(), None, "no input is one task");
}

#[test]
fn every_kind_of_change_of_the_open_job_is_undone_and_redone_whole() {
    let Scene { mut session, folder, .. } = scene();
    let file = folder.path().join("job.ron");
    std::fs::write(&file, r#"Job(version: 1, name: "Filed", task: Command("cat {}"), inputs: [])"#).expect("written");
    let preset = session.presets.built_in()[1].id.clone();
    let mut typed = session.editor.draft().clone();
    typed.command = "echo typed".to_owned();
    let changes: [Command; 9] = [
        Command::Edit(Box::new(typed)),
        Command::New,
        Command::Import("parallel -j3 gzip ::: a b".to_owned()),
        Command::TakeFiles(vec!["/p/a.jpg".into(), "/p/b.jpg".into()]),
        Command::OpenJob(file),
        PresetCommand::Open(preset).into(),
        Command::SetMode(Mode::Threads),
        Command::New,
        Command::SetJobWorkers(7),
    ];
    session.handle(Command::UndoEdit);
    assert!(session.notices.all().iter().any(|notice| notice.text.contains("nothing to undo")), "not the start");
    let state = |session: &Session| {
        let editor = &session.editor;
        (editor.draft().clone(), editor.origin().cloned(), editor.folder().to_owned(), editor.is_edited())
    };
    let mut states = vec![state(&session)];
    for change in changes {
        session.handle(change);
        states.push(state(&session));
    }
    for expected in states.iter().rev().skip(1) {
        session.handle(Command::UndoEdit);
        assert_eq!(state(&session), *expected);
    }
    for expected in &states[1..] {
        session.handle(Command::RedoEdit);
        assert_eq!(state(&session), *expected);
    }
    session.handle(Command::UndoEdit);
    session.edit(|draft| draft.command = "echo other".to_owned());
    let now = state(&session);
    session.handle(Command::RedoEdit);
    assert_eq!(state(&session), now, "another change leaves nothing to redo");
}

#[test]
fn letters_typed_in_one_go_are_one_change_and_saving_is_none() {
    let Scene { mut session, .. } = scene();
    session.handle(Command::New);
    for letters in ["e", "ec", "ech", "echo"] {
        session.edit(|draft| draft.command = letters.to_owned());
    }
    session.handle(PresetCommand::SaveAs("Mine".to_owned()));
    let saved = session.editor.saved_origin().cloned().expect("it is saved");
    session.handle(Command::UndoEdit);
    assert_eq!(session.editor.draft().command, "", "all letters at once");
    assert_eq!(session.editor.saved_origin(), Some(&saved), "it is still that preset");
    session.handle(Command::RedoEdit);
    session.handle(Command::New);
    session.handle(PresetCommand::Delete(saved));
    session.handle(Command::UndoEdit);
    assert_eq!((&*session.editor.draft().command, session.editor.origin()), ("echo", None), "its preset is gone");
}
