//! Each file that Fanlane keeps, on a failing disk: every write, sync, rename, file creation and truncation fails in
//! turn, once and for ever, until there are no more of them. Afterwards the file has the old content or the new one,
//! acknowledged data is kept, and no other files are left.

#[path = "support/failing_calls.rs"]
mod failing_calls;

use std::collections::BTreeSet;
use std::fs;
use std::io::BufReader;
use std::path::Path;
use std::process::{Command, Stdio};

use failing_calls::{Failing, Fault, under};
use fanlane::cli;
use fanlane_core::event::{
    AttemptRecord, Captured, Event, EventKind, Outcome, Output, RunEvent, RunHeader, TaskEvent, TaskId, WorkerId,
};
use fanlane_core::job::lossless::Bytes;
use fanlane_core::job::{Input, Job, Mode, TaskKind, TaskTemplate};
use fanlane_core::model::Earlier;
use fanlane_core::store::atomic_write::Existing;
use fanlane_core::store::joblog::earlier::LogReader;
use fanlane_core::store::joblog::{ExistingLog, JobLog};
use fanlane_core::store::presets::{Presets, Slug};
use fanlane_core::store::queue::{After, Change, JobQueue, NewJob, QueueError};
use fanlane_core::store::race;
use fanlane_core::store::record::{self, RECORD_VERSION, RecordHeader, RecordLine, RecordWriter, TaskWords};
use fanlane_core::store::results_folder::ResultsFolder;
use fanlane_core::store::results_table::{ResultsTable, TableFormat};

/// Fails every call of each kind in turn during an operation in a new folder, and checks the folder afterwards. Returns
/// which kinds of calls were made.
fn fail_each<T: Send>(
    prepare: impl Fn(&Path),
    work: impl Fn(&Path) -> T + Sync,
    check: impl Fn(&Path, &T, &str),
) -> Vec<Fault> {
    let mut met = Vec::new();
    for fault in Fault::ALL {
        for (lasts, error) in [(false, libc::EIO), (true, libc::ENOSPC)] {
            for first in 0.. {
                assert!(first < 1000, "it never ends");
                let folder = tempfile::tempdir().expect("a folder");
                prepare(folder.path());
                let (said, seen) = under(Failing { fault, first, lasts, error }, || work(folder.path()));
                let what = format!("{fault:?} {first} failing with {error}, for ever: {lasts}");
                check(folder.path(), &said, &what);
                if seen <= first {
                    break;
                }
                if !met.contains(&fault) {
                    met.push(fault);
                }
            }
        }
    }
    met
}

fn names(folder: &Path) -> BTreeSet<String> {
    let Ok(entries) = fs::read_dir(folder) else { return BTreeSet::new() };
    entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}

fn job(name: &str, command: &str) -> Job {
    Job {
        name: name.to_owned(),
        task: TaskTemplate::Command(command.to_owned()),
        inputs: vec![Input::List(vec!["x".to_owned()])],
        ..Job::default()
    }
}

#[test]
fn a_preset_is_the_old_one_or_the_new_one() {
    let slug = Slug::of("mine");
    let met = fail_each(
        |folder| drop(Presets::open(folder).save(&job("Mine", "old"), false).expect("saved")),
        |folder| Presets::open(folder).save(&job("Mine", "new"), true).is_ok(),
        |folder, saved, what| {
            assert_eq!(names(folder), BTreeSet::from(["mine.ron".to_owned()]), "{what}");
            let found = Presets::open(folder).load(&slug).unwrap_or_else(|error| panic!("{what}: {error}"));
            assert!(found == job("Mine", "new") || (!saved && found == job("Mine", "old")), "{what}: {found:?}");
        },
    );
    assert_eq!(met, [Fault::Write, Fault::Sync, Fault::Rename, Fault::Make]);
}

#[test]
fn a_first_preset_is_there_or_nothing_is() {
    fail_each(
        |_| (),
        |folder| Presets::open(folder.join("presets")).save(&job("Mine", "new"), false).is_ok(),
        |folder, saved, what| {
            let presets = Presets::open(folder.join("presets"));
            let found = names(presets.folder());
            assert!(found.is_empty() || found == BTreeSet::from(["mine.ron".to_owned()]), "{what}: {found:?}");
            match presets.load(&Slug::of("mine")) {
                Ok(found) => assert_eq!(found, job("Mine", "new"), "{what}"),
                Err(error) => assert!(!saved, "{what}: {error}"),
            }
        },
    );
}

#[test]
fn a_preset_that_is_renamed_is_there_under_one_name_or_both() {
    fail_each(
        |folder| drop(Presets::open(folder).save(&job("Mine", "old"), false).expect("saved")),
        |folder| Presets::open(folder).rename(&Slug::of("mine"), "Yours").is_ok(),
        |folder, renamed, what| {
            let found = names(folder);
            let yours = BTreeSet::from(["yours.ron".to_owned()]);
            assert!(!renamed || found == yours, "{what}: {found:?}");
            assert!(found.iter().all(|name| name == "mine.ron" || name == "yours.ron") && !found.is_empty(), "{what}");
            for preset in Presets::open(folder).list().expect("readable") {
                assert_eq!(preset.job.expect("whole").task, job("", "old").task, "{what}");
            }
        },
    );
}

fn queued() -> NewJob {
    NewJob {
        job: job("", "true"),
        folder: "/".into(),
        environment: Vec::new(),
        break_before: Vec::new(),
        stdin: None,
        held: false,
        at_unix_ms: None,
        after: Vec::new(),
        group: None,
        priority: 0,
    }
}

fn state_words(queue: &JobQueue) -> Vec<(u64, &'static str)> {
    queue.list().expect("readable").jobs.iter().map(|job| (job.id, job.state_word(0))).collect()
}

#[test]
fn jobs_of_the_queue_are_changed_all_of_them_or_none_or_the_error_names_them() {
    let met = fail_each(
        |folder| {
            for _ in 0..3 {
                JobQueue::beside_history(folder).add(queued()).expect("added");
            }
        },
        |folder| JobQueue::beside_history(folder).change(&[1, 2, 3], Change::Hold),
        |folder, said, what| {
            let queue = JobQueue::beside_history(folder);
            let held: Vec<u64> =
                state_words(&queue).into_iter().filter(|(_, state)| *state == "held").map(|(id, _)| id).collect();
            match said {
                Ok(()) => assert_eq!(held, [1, 2, 3], "{what}"),
                Err(QueueError::Partly { changed, .. }) => assert_eq!(&held, changed, "{what}"),
                Err(_) => assert!(held.is_empty() || what.starts_with("Sync"), "{what}: {held:?}"),
            }
            let files = ["1.ron", "2.ron", "3.ron", "lock", "settings.ron"].map(str::to_owned);
            assert_eq!(names(queue.folder()), BTreeSet::from(files), "{what}");
        },
    );
    assert_eq!(met, [Fault::Write, Fault::Sync, Fault::Rename, Fault::Make]);
}

#[test]
fn on_a_full_disk_the_queue_is_listed_jobs_are_dropped_and_an_ended_job_still_counts_as_running() {
    let folder = tempfile::tempdir().expect("a folder");
    let queue = JobQueue::beside_history(folder.path());
    queue.set_parallel(2).expect("set");
    let after = |id| NewJob { after: vec![After::Job(id)], ..queued() };
    for new in [queued(), after(1), queued(), after(3)] {
        queue.add(new).expect("added");
    }
    drop(queue.take(1).expect("its turn"));
    let ended = queue.take(3).expect("its turn");
    let full = Failing { fault: Fault::Write, first: 0, lasts: true, error: libc::ENOSPC };
    let (said, _) = under(full, || {
        let listed = state_words(&queue);
        (listed, queue.change(&[1], Change::Drop).is_ok(), ended.end(true).is_ok())
    });
    assert_eq!(said, (vec![(3, "running"), (1, "held"), (2, "waiting"), (4, "waiting")], true, false));
    assert_eq!(state_words(&queue), [(3, "running"), (2, "held"), (4, "waiting")]);
    ended.end(true).expect("there is room again");
    assert_eq!(state_words(&queue), [(2, "held"), (4, "queued")]);
}

fn fanlane(words: &[&str], folder: &Path) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fanlane"));
    command.args(words).current_dir(folder).env("HOME", folder).env("FANLANE_NO_HISTORY", "1").stdin(Stdio::null());
    let ended = command.output().expect("started");
    assert!(ended.status.success(), "{words:?}: {ended:?}");
}

/// Runs the command line in this thread, which must not print.
fn in_this_thread(words: &[&str]) -> bool {
    let words = std::iter::once("fanlane").chain(words.iter().copied()).map(Into::into).collect();
    let cli::Request::Headless(command) = cli::understand(words) else { panic!("it is understood") };
    cli::perform(command) == cli::Status::AllDone
}

#[test]
fn a_race_is_saved_as_a_whole_or_not_at_all() {
    let raced = tempfile::tempdir().expect("a folder");
    let words = ["race", "--quiet", "--modes", "one", "--repeat", "1", "--warmup", "0", "--save", "a.race.json"];
    fanlane(&[&words[..], &["true", ":::", "x"]].concat(), raced.path());
    let old = raced.path().join("a.race.json");
    let whole = race::open(&old).expect("a race");
    let text = fs::read(&old).expect("readable");
    let met = fail_each(
        |folder| fs::write(folder.join("b.race.json"), "old").expect("written"),
        |folder| race::save(&whole, &folder.join("b.race.json"), Existing::Replace).is_ok(),
        |folder, saved, what| {
            assert_eq!(names(folder), BTreeSet::from(["b.race.json".to_owned()]), "{what}");
            let found = fs::read(folder.join("b.race.json")).expect("readable");
            assert!(found == text || (!saved && found == b"old"), "{what}");
        },
    );
    assert_eq!(met, [Fault::Write, Fault::Sync, Fault::Rename, Fault::Make]);
}

/// The export fits into one buffer, so that all of it is written at the end.
#[test]
fn an_export_is_whole_or_not_there() {
    let recorded = tempfile::tempdir().expect("a folder");
    let record = recorded.path().join("record");
    let record_path = record.to_str().expect("text");
    fanlane(&["run", "--quiet", "--no-bar", "--record", "record", "true", ":::", "a", "b", "c"], recorded.path());
    for format in ["csv", "json", "jsonl", "trace"] {
        let words = |out: &str| {
            ["export", record_path, "--format", format, "--force", "--output", out].map(str::to_owned).to_vec()
        };
        let export = |folder: &Path| {
            let words = words(folder.join("out").to_str().expect("text"));
            in_this_thread(&words.iter().map(String::as_str).collect::<Vec<_>>())
        };
        assert!(export(recorded.path()));
        let whole = fs::read(recorded.path().join("out")).expect("readable");
        let met = fail_each(
            |folder| fs::write(folder.join("out"), "old").expect("written"),
            export,
            |folder, done, what| {
                assert_eq!(names(folder), BTreeSet::from(["out".to_owned()]), "{format}, {what}");
                let found = fs::read(folder.join("out")).expect("readable");
                assert!(found == whole || (!done && found == b"old"), "{format}, {what}: {} bytes", found.len());
            },
        );
        assert_eq!(met, [Fault::Write, Fault::Sync, Fault::Rename, Fault::Make], "{format}");
    }
}

fn attempt(task: u64) -> AttemptRecord {
    let stdout = Captured { head: format!("out {task}\n").into_bytes(), ..Captured::default() };
    let stderr = Captured { head: format!("err {task}\n").into_bytes(), ..Captured::default() };
    AttemptRecord {
        start_ns: 1,
        wall_ns: 2,
        cpu_ns: 3,
        max_rss_bytes: 4,
        output: Some(Box::new(Output { stdout, stderr, ..Output::default() })),
        ..AttemptRecord::new(TaskId(task), 1, WorkerId(1), Outcome::Done)
    }
}

/// The numbers of the tasks in the complete lines of a job log.
fn logged(path: &Path) -> BTreeSet<u64> {
    let Ok(file) = fs::File::open(path) else { return BTreeSet::new() };
    let mut reader = LogReader::new(BufReader::new(file));
    std::iter::from_fn(|| reader.next_line().expect("whole lines and a torn one")).map(|line| line.number).collect()
}

/// As in a run: a log that cannot be written is abandoned.
fn add_to_log(log: std::io::Result<JobLog>, numbers: std::ops::RangeInclusive<u64>) -> BTreeSet<u64> {
    let Ok(mut log) = log else { return BTreeSet::new() };
    numbers.take_while(|number| log.add(*number, &attempt(number - 1), None, 0, b"true").is_ok()).collect()
}

#[test]
fn a_job_log_has_the_lines_that_were_said_to_be_in_it() {
    let met = fail_each(
        |_| (),
        |folder| add_to_log(JobLog::open(&folder.join("log"), ExistingLog::Overwrite), 1..=3),
        |folder, kept, what| {
            assert_eq!(&logged(&folder.join("log")), kept, "{what}");
            assert!(names(folder).iter().all(|name| name == "log"), "{what}");
        },
    );
    assert_eq!(met, [Fault::Write, Fault::Make]);
}

#[test]
fn a_job_log_that_is_gone_on_with_loses_no_line() {
    let begin = |folder: &Path| {
        add_to_log(JobLog::open(&folder.join("log"), ExistingLog::Overwrite), 1..=2);
        let torn = [fs::read(folder.join("log")).expect("readable"), b"3\t:\t17".to_vec()].concat();
        fs::write(folder.join("log"), torn).expect("written");
    };
    let met = fail_each(
        begin,
        |folder| {
            let path = folder.join("log");
            let read = fs::metadata(&path).expect("there").len();
            add_to_log(JobLog::resume(&path, read - 6, read), 3..=5)
        },
        |folder, kept, what| {
            let all: BTreeSet<u64> = kept.iter().copied().chain([1, 2]).collect();
            assert_eq!(logged(&folder.join("log")), all, "{what}");
        },
    );
    assert_eq!(met, [Fault::Write, Fault::Make, Fault::Cut]);
}

#[test]
fn a_results_folder_says_of_no_task_that_it_has_ended_whose_output_is_not_whole() {
    let columns = ["1".to_owned()];
    let values = [["a"], ["b"]];
    let keep = |folder: &Path| {
        let Ok(mut results) = ResultsFolder::open(&folder.join("results"), &columns) else { return Vec::new() };
        let of_task = |number: u64| {
            let kept = results.keep(number, &attempt(number - 1), &values[number as usize - 1], None);
            kept.is_ok().then_some(number)
        };
        (1..=2).filter_map(of_task).collect()
    };
    let met = fail_each(
        |_| (),
        keep,
        |folder, kept: &Vec<u64>, what| {
            let results = ResultsFolder::open(&folder.join("results"), &columns).expect("readable");
            for number in 1..=2_u64 {
                let value = values[number as usize - 1];
                let ended = results.ended(&value, None).expect("readable");
                assert!(ended.is_some() || !kept.contains(&number), "{what}: {number} was said to be kept");
                let below = results.path().join("1").join(value[0]);
                if ended.is_some() {
                    let read = |name: &str| fs::read_to_string(below.join(name)).expect("there");
                    assert_eq!(ended, Some(number), "{what}");
                    assert_eq!(read("stdout"), format!("out {}\n", number - 1), "{what}");
                    assert_eq!(read("stderr"), format!("err {}\n", number - 1), "{what}");
                }
                let known = ["stdout", "stderr", "seq"];
                assert!(names(&below).iter().all(|name| known.contains(&name.as_str())), "{what}");
            }
        },
    );
    assert_eq!(met, [Fault::Write, Fault::Make]);
}

#[test]
fn a_table_of_results_has_whole_rows_and_can_be_gone_on_with() {
    for (ending, format) in [("csv", TableFormat::Csv), ("jsonl", TableFormat::JsonLines)] {
        let add = |table: std::io::Result<ResultsTable>, numbers: std::ops::RangeInclusive<u64>| {
            let Ok(mut table) = table else { return 0 };
            let add = |number: &u64| table.add(*number, &attempt(number - 1), 0, &["a"], b"true", None).is_ok();
            numbers.take_while(add).count()
        };
        let path = |folder: &Path| folder.join(format!("table.{ending}"));
        fail_each(
            |_| (),
            |folder| add(ResultsTable::create(&path(folder), format, 1), 1..=3),
            |folder, kept, what| {
                // A resumed run finds the acknowledged rows and appends to them.
                let resumed = add(ResultsTable::resume(&path(folder), format, 1), 9..=9);
                assert_eq!(resumed, 1, "{what}");
                let text = fs::read_to_string(path(folder)).expect("text");
                let rows = if format == TableFormat::Csv {
                    let mut reader = csv::Reader::from_reader(text.as_bytes());
                    reader.records().map(|row| row.expect("whole")).filter(|row| row.len() == 12).count()
                } else {
                    text.lines()
                        .filter(|line| serde_json::from_str::<serde_json::Value>(line).expect("whole").is_object())
                        .count()
                };
                assert_eq!(rows, kept + 1, "{what}: {text}");
                assert!(text.starts_with("Seq,Host") == (format == TableFormat::Csv), "{what}: {text}");
            },
        );
    }
}

#[test]
fn a_record_has_every_event_that_was_said_to_be_in_it() {
    let header = RecordHeader {
        fanlane_record: RECORD_VERSION,
        kind: TaskKind::Command,
        columns: vec![],
        earlier: Earlier::default(),
    };
    let started = EventKind::Run(RunEvent::Started(RunHeader {
        name: "true".to_owned(),
        mode: Mode::Pool,
        workers: 1,
        tasks: 2,
        started_unix_ms: 0,
    }));
    let kinds = [
        started,
        EventKind::Task(TaskEvent::Finished(vec![attempt(0)])),
        EventKind::Task(TaskEvent::Finished(vec![attempt(1)])),
    ];
    let events: Vec<Event> = (0..).zip(kinds).map(|(at_ns, kind)| Event { at_ns, kind }).collect();
    let words = |record: &AttemptRecord| TaskWords {
        task: record.task.number(),
        number: None,
        input: vec![],
        results: None,
        command: Bytes(b"true".to_vec()),
    };
    let met = fail_each(
        |_| (),
        |folder| {
            let Ok(mut recorder) = RecordWriter::create(&folder.join("record"), &header) else { return 0 };
            events.iter().take_while(|event| recorder.add(event, words).is_ok()).count()
        },
        |folder, kept, what| {
            let Ok(file) = fs::File::open(folder.join("record")) else { return assert_eq!(*kept, 0, "{what}") };
            let lines = record::read(BufReader::new(file)).map_while(Result::ok);
            let found: Vec<Event> =
                lines.filter_map(|line| if let RecordLine::Event(event) = line { Some(event) } else { None }).collect();
            assert_eq!(found, events[..*kept], "{what}");
        },
    );
    assert_eq!(met, [Fault::Write, Fault::Make]);
}
