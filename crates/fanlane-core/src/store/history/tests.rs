use std::fs;

use super::*;
use crate::event::{
    AttemptRecord, CallValue, Captured, Event, EventKind, LaneId, MachineSample, Outcome, OutcomeCounts, Output,
    RunEvent, RunHeader, SampleEvent, Summary, TaskEvent, TaskId, WorkerEvent, WorkerId,
};
use crate::job::{Batch, Input, Job, Mode, TaskTemplate};
use crate::model::{Earlier, RunModel};
use crate::store::record::RecordLine;
use crate::store::remaining::{EarlierOutcome, EndedTasks, RemainingError};

pub fn job(words: &[&str]) -> Job {
    let words = words.iter().map(|word| (*word).to_owned()).collect();
    Job { task: TaskTemplate::Command("echo {}".to_owned()), inputs: vec![Input::List(words)], ..Job::default() }
}

fn batch(words: &[&str]) -> Batch {
    Batch::open(&job(words), Path::new("/"), &mut std::io::empty()).expect("a batch")
}

pub fn recorded_run(words: &[&str], continues: Option<i64>) -> RecordedRun {
    let batch = std::sync::Arc::new(batch(words));
    RecordedRun { batch, job: job(words), folder: "/".into(), continues, earlier: Earlier::default(), window: false }
}

pub fn record(task: u64, attempt: u32, outcome: Outcome) -> AttemptRecord {
    let stdout = Captured { head: format!("task {task}\n").into_bytes(), ..Captured::default() };
    let is_silent = outcome == Outcome::Done && task.is_multiple_of(2);
    AttemptRecord {
        start_ns: 5 + task,
        wall_ns: 1000,
        cpu_ns: 900,
        max_rss_bytes: 4096,
        value: is_silent.then_some(CallValue::Int(7)),
        output: (!is_silent).then(|| Box::new(Output { stdout, ..Output::default() })),
        ..AttemptRecord::new(TaskId(task), attempt, WorkerId(1), outcome)
    }
}

pub fn started(tasks: u64) -> EventKind {
    EventKind::Run(RunEvent::Started(RunHeader {
        name: "echo {}".to_owned(),
        mode: Mode::Pool,
        workers: 2,
        tasks,
        started_unix_ms: 1_700_000_000_000,
    }))
}

fn finished(counts: OutcomeCounts, stopped: bool) -> EventKind {
    EventKind::Run(RunEvent::Finished(Summary {
        counts,
        wall_ns: 77,
        cpu_ns: 9,
        retries: 1,
        workers: 2,
        mode: Mode::Pool,
        stopped,
    }))
}

/// The events of a run in which tasks have ended with `outcomes`.
pub fn events(tasks: u64, outcomes: &[Outcome]) -> Vec<Event> {
    let worker = EventKind::Worker(WorkerEvent::Started { worker: WorkerId(1), lane: LaneId(0), pid: 4 });
    let sample = MachineSample { core_percent: vec![1.0], memory_used_bytes: 1, memory_total_bytes: 2 };
    let mut kinds = vec![started(tasks), worker, EventKind::Sample(SampleEvent::Machine(sample))];
    for (task, outcome) in (0..).zip(outcomes) {
        kinds.push(EventKind::Task(TaskEvent::Finished(vec![record(task, 1, outcome.clone())])));
    }
    (0..).zip(kinds).map(|(at_ns, kind)| Event { at_ns, kind }).collect()
}

/// Records events, and returns the run's number and the messages.
pub fn keep(folder: &Path, run: RecordedRun, events: &[Event]) -> (Option<i64>, Vec<String>) {
    let mut recorder = HistoryRecorder::start(folder.to_owned(), run);
    let mut said: Vec<String> = events.iter().flat_map(|event| recorder.add(event)).collect();
    let shared = std::sync::Arc::clone(&recorder.shared);
    said.extend(recorder.finish());
    let id = shared.state().id;
    (id, said)
}

/// Records a run whose only task is done.
fn keep_one(folder: &Path) -> (Option<i64>, Vec<String>) {
    keep(folder, recorded_run(&["a"], None), &events(1, &[Outcome::Done]))
}

pub fn lines(history: &History, run: i64) -> Vec<Event> {
    let mut found = Vec::new();
    for line in history.lines(run) {
        if let RecordLine::Event(event) = line.expect("readable") {
            found.push(event);
        }
    }
    found
}

pub fn history(folder: &Path) -> History {
    History::existing(folder).expect("readable").expect("there")
}

#[test]
fn what_was_recorded_is_replayed() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut said = events(4, &[Outcome::Done, Outcome::Exited { code: 3 }, Outcome::Done]);
    said.push(Event { at_ns: 8, kind: EventKind::Task(TaskEvent::Retried(record(3, 1, Outcome::TimedOut))) });
    said.push(Event { at_ns: 9, kind: EventKind::Task(TaskEvent::Finished(vec![record(3, 2, Outcome::Done)])) });
    let counts = OutcomeCounts { done: 3, failed: 1, ..OutcomeCounts::default() };
    said.push(Event { at_ns: 10, kind: finished(counts, false) });
    let (id, told) = keep(folder.path(), recorded_run(&["a", "b", "c", "d"], None), &said);
    assert_eq!(told, Vec::<String>::new());
    let history = history(folder.path());
    let run = history.run(id.expect("it has a number")).expect("there");
    assert_eq!((run.state, run.tasks, run.counts, run.retries, run.wall_ns), (RunState::Finished, 4, counts, 1, 77));
    assert_eq!(lines(&history, run.id), said);
    let mut replayed = RunModel::default();
    let damaged = history.events(run.id, |event| replayed.take(event)).expect("readable");
    assert_eq!((damaged, replayed.progress.counts, replayed.records.len()), (0, counts, 4));
    assert_eq!(
        Job::parse(&history.job(run.id).expect("there").expect("kept")).expect("a job"),
        job(&["a", "b", "c", "d"])
    );
    assert_eq!(history.last().expect("one"), run.id);
    assert!(matches!(history.run(99), Err(HistoryError::NoRun { id: 99 })));
    assert_eq!(history.flaky(run.id).expect("read").iter().map(|task| task.number).collect::<Vec<_>>(), [4]);
}

#[test]
fn a_run_without_an_end_was_interrupted_and_its_rest_is_known() {
    let folder = tempfile::tempdir().expect("a folder");
    let words = ["a", "b", "c", "d"];
    let outcomes = [Outcome::Done, Outcome::Exited { code: 3 }, Outcome::Cancelled];
    let (id, _) = keep(folder.path(), recorded_run(&words, None), &events(4, &outcomes));
    let id = id.expect("it has a number");
    let db = history(folder.path());
    assert_eq!(db.run(id).expect("there").state, RunState::Running, "this process lives");
    db.connection.execute("UPDATE runs SET owner = '1 1 long ago'", []).expect("changed");
    let row = db.run(id).expect("there");
    assert_eq!(row.state, RunState::Interrupted);
    let mut last = None;
    db.events(id, |event| last = Some(event.kind)).expect("readable");
    assert!(matches!(last, Some(EventKind::Run(RunEvent::Finished(Summary { stopped: true, .. })))), "{last:?}");

    let whole = batch(&words);
    let mut ended = EndedTasks::in_history(&db, id, &whole).expect("the same job");
    assert_eq!(
        [0, 1, 2, 3].map(|task| ended.outcome(TaskId(task))),
        [Some(EarlierOutcome::Done), Some(EarlierOutcome::Failed), None, None]
    );
    assert_eq!(ended.left(&whole), (vec![TaskId(2), TaskId(3)], 0));
    ended.forget_failed();
    assert_eq!(ended.left(&whole).0, [TaskId(1), TaskId(2), TaskId(3)]);

    // A resumed run: the part's first task is the third of the whole.
    let part = std::sync::Arc::new(whole.rest(&[TaskId(2), TaskId(3)]));
    let next = RecordedRun { batch: part, ..recorded_run(&words, Some(id)) };
    let (second, _) = keep(folder.path(), next, &events(2, &[Outcome::Done]));
    let second = second.expect("it has a number");
    assert_eq!(db.picked(second).expect("there"), Some(vec![3, 4]));
    let ended = EndedTasks::in_history(&db, second, &whole).expect("the same job");
    assert_eq!(ended.left(&whole).0, [TaskId(3)]);
    assert_eq!(ended.counts(), Earlier { done: 2, failed: 1, ended: 0 });
    assert_eq!(EndedTasks::in_chain_and_later(&db, id, &whole).expect("the same job"), ended);
    assert_eq!(db.resumed_by(id).expect("there"), [id, second]);

    for (changed, words) in
        [(["a", "x", "c", "d"].as_slice(), "another command as task 2"), (&["a"], "a task 2, but there are only 1")]
    {
        let error = EndedTasks::in_history(&db, id, &batch(changed)).expect_err("another job");
        assert!(matches!(error, RemainingError::Changed { .. } | RemainingError::Shorter { .. }));
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn a_task_that_ends_in_another_way_than_before_is_flaky() {
    let folder = tempfile::tempdir().expect("a folder");
    let words = ["a", "b", "c"];
    let fail = Outcome::Exited { code: 1 };
    for outcomes in [[Outcome::Done, fail.clone(), fail.clone()], [Outcome::Done, Outcome::Done, fail]] {
        keep(folder.path(), recorded_run(&words, None), &events(3, &outcomes));
    }
    let flaky = history(folder.path()).flaky(2).expect("read");
    assert_eq!(flaky.iter().map(|task| (task.number, task.between_runs)).collect::<Vec<_>>(), [(2, true)]);
    assert_ne!(job_key(&job(&words), Path::new("/")), job_key(&job(&["a"]), Path::new("/")));
    let renamed = Job { name: "other".to_owned(), workers: Some(3), ..job(&words) };
    assert_eq!(job_key(&job(&words), Path::new("/")), job_key(&renamed, Path::new("/")));
}

#[test]
fn old_and_large_runs_are_surplus_but_not_those_that_go_on() {
    let folder = tempfile::tempdir().expect("a folder");
    for _ in 0..4 {
        keep(
            folder.path(),
            recorded_run(&["a"], None),
            &[&events(1, &[Outcome::Done])[..], &[Event { at_ns: 9, kind: finished(OutcomeCounts::default(), false) }]]
                .concat(),
        );
    }
    let mut db = history(folder.path());
    db.connection.execute("UPDATE runs SET bytes = 100, started_unix_ms = id * 1000", []).expect("changed");
    let runs = db.runs().expect("read");
    let surplus = |max_age_ms, max_bytes| Retention { max_age_ms, max_bytes }.surplus(&runs, 5000);
    assert_eq!(surplus(10_000, 1000), Vec::<i64>::new());
    assert_eq!(surplus(2000, 1000), [2, 1]);
    assert_eq!(surplus(10_000, 250), [2, 1]);
    assert_eq!(surplus(3000, 350), [1]);
    let resuming =
        |run: &RunRow| RunRow { continues: (run.id == 4).then_some(3).or((run.id == 3).then_some(1)), ..run.clone() };
    let chain: Vec<RunRow> = runs.iter().map(resuming).collect();
    let surplus = |max_age_ms, max_bytes| Retention { max_age_ms, max_bytes }.surplus(&chain, 5000);
    assert_eq!((surplus(1500, 1000), surplus(500, 1000)), (vec![2], vec![4, 3, 2, 1]), "4 resumes 3, which resumes 1");
    let going_on: Vec<RunRow> = runs.iter().map(|run| RunRow { state: RunState::Running, ..run.clone() }).collect();
    assert_eq!(Retention { max_age_ms: 0, max_bytes: 0 }.surplus(&going_on, 5000), Vec::<i64>::new());
    assert!(matches!(db.remove(&[1, 9]), Err(HistoryError::NoRun { id: 9 })));
    assert_eq!(db.runs().expect("read").len(), 4, "all or none");
    db.remove(&[2, 1]).expect("removed");
    assert_eq!(db.runs().expect("read").iter().map(|run| run.id).collect::<Vec<_>>(), [4, 3]);
    let blocks: i64 =
        db.connection.query_row("SELECT count(*) FROM blocks WHERE run < 3", [], |row| row.get(0)).expect("read");
    assert_eq!(blocks, 0);
    keep(folder.path(), recorded_run(&["a"], None), &events(1, &[]));
    assert_eq!(db.last().expect("one"), 5, "a number is never given twice");
}

#[test]
fn a_newer_history_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    keep_one(folder.path());
    history(folder.path()).connection.pragma_update(None, "user_version", VERSION + 1).expect("changed");
    let error = History::existing(folder.path()).expect_err("too new").to_string();
    assert!(
        error.contains(&format!("is of version {}, and this Fanlane knows up to {VERSION}", VERSION + 1)),
        "{error}"
    );
    let (id, said) = keep_one(folder.path());
    assert!(id.is_none() && said.len() == 1 && said[0].contains("use the newer Fanlane"), "{said:?}");
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 2, "the file and its lock, nothing set aside");
}

#[test]
fn what_is_no_history_is_set_aside_and_a_new_one_begun() {
    for content in [b"no database at all, but longer than a header would be".repeat(100), b"SQLite format 3\0".to_vec()]
    {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(file_in(folder.path()), &content).expect("written");
        assert!(matches!(History::existing(folder.path()), Err(HistoryError::Damaged { .. })));
        for round in 0..2 {
            let (id, said) = keep_one(folder.path());
            assert_eq!(id, Some(round + 1));
            let told = said.iter().filter(|line| line.contains("history-damaged-1.sqlite3")).count();
            assert_eq!((told, said.len()), if round == 0 { (1, 1) } else { (0, 0) }, "{said:?}");
        }
        assert_eq!(fs::read(folder.path().join("history-damaged-1.sqlite3")).expect("kept"), content);
    }
    let folder = tempfile::tempdir().expect("a folder");
    let other = Connection::open(file_in(folder.path())).expect("made");
    other.execute_batch("CREATE TABLE x (y); PRAGMA user_version = 7").expect("made");
    let error = History::existing(folder.path()).expect_err("another program's").to_string();
    assert!(error.contains("another program made it"), "{error}");
}

#[test]
fn a_history_cut_off_anywhere_does_not_keep_a_run_from_being_recorded() {
    let folder = tempfile::tempdir().expect("a folder");
    keep_one(folder.path());
    let whole = fs::read(file_in(folder.path())).expect("read");
    for length in (0..whole.len()).step_by(4093) {
        let copy = tempfile::tempdir().expect("a folder");
        fs::write(file_in(copy.path()), &whole[..length]).expect("written");
        let (id, said) = keep(copy.path(), recorded_run(&["b"], None), &events(1, &[Outcome::Done]));
        let run = history(copy.path()).run(id.unwrap_or_else(|| panic!("cut at {length}: {said:?}"))).expect("there");
        assert_eq!(run.counts.done, 1, "cut at {length}: {said:?}");
        assert_eq!(lines(&history(copy.path()), run.id).len(), 4, "cut at {length}: {said:?}");
        let aside = fs::read(copy.path().join("history-damaged-1.sqlite3"));
        assert_eq!(aside.is_ok(), !said.is_empty(), "cut at {length}: {said:?}");
        assert!(aside.is_err() || said[0].contains("was damaged: it is kept as"), "{said:?}");
    }
}

#[test]
fn a_history_that_is_removed_or_replaced_meanwhile_is_begun_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut recorder = HistoryRecorder::start(folder.path().to_owned(), recorded_run(&["a", "b"], None));
    let said = events(2, &[Outcome::Done, Outcome::Done]);
    for event in &said[..4] {
        recorder.add(event);
    }
    let until = std::time::Instant::now() + Duration::from_secs(60);
    while recorder.id().is_none() {
        assert!(std::time::Instant::now() < until, "nothing was written");
        std::thread::sleep(Duration::from_millis(5));
    }
    for entry in fs::read_dir(folder.path()).expect("a folder") {
        fs::remove_file(entry.expect("an entry").path()).expect("removed");
    }
    assert_eq!(recorder.add(&said[4]), Vec::<String>::new());
    assert_eq!(recorder.finish(), Vec::<String>::new());
    let run = history(folder.path()).run(1).expect("there");
    assert_eq!(run.counts.done, 2);
}

#[test]
fn a_folder_that_cannot_be_written_is_told_once() {
    let (id, said) = keep(Path::new("/proc/nowhere"), recorded_run(&["a"], None), &events(1, &[Outcome::Done]));
    assert!(id.is_none());
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].starts_with("the run is not, or not completely, recorded: the history cannot be kept in /proc/nowhere"),
        "{said:?}"
    );
}

#[test]
fn two_recorders_at_once_lose_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let outcomes: Vec<Outcome> = (0..50).map(|_| Outcome::Done).collect();
    let words: Vec<String> = (0..50).map(|number| number.to_string()).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    std::thread::scope(|scope| {
        let run = || {
            for _ in 0..3 {
                let (id, said) = keep(folder.path(), recorded_run(&words, None), &events(50, &outcomes));
                assert!(id.is_some() && said.is_empty(), "{said:?}");
            }
        };
        scope.spawn(run);
        scope.spawn(run);
    });
    let history = history(folder.path());
    let runs = history.runs().expect("read");
    assert_eq!(runs.iter().map(|run| run.counts.done).collect::<Vec<_>>(), [50; 6]);
    assert!(runs.iter().all(|run| lines(&history, run.id).len() == 53));
}

/// Attempts beyond the limit are counted, the run's end is still recorded, and nothing blocks.
#[test]
fn a_lock_that_another_process_holds_costs_the_run_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    keep_one(folder.path());
    let other = Connection::open(file_in(folder.path())).expect("opened");
    other.execute_batch("BEGIN IMMEDIATE").expect("locked");
    let (id, said) = keep_one(folder.path());
    assert!(id.is_none() && said.len() == 1 && said[0].contains("locked by another Fanlane"), "{said:?}");
    other.execute_batch("ROLLBACK").expect("free");
    let (id, said) = keep_one(folder.path());
    assert_eq!((id, said), (Some(2), Vec::new()));
}

#[test]
fn the_file_is_for_its_user_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let inner = folder.path().join("deep/inside");
    keep(&inner, recorded_run(&["a"], None), &events(1, &[Outcome::Done]));
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!((mode(&inner), mode(&file_in(&inner))), (0o700, 0o600));
}
