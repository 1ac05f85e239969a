//! The history on a failing disk: every write, sync, truncation and rename of a recording fails in turn. The run
//! reports it at most once, and the history is correct afterwards.
//!
//! The functions of the C library that SQLite and the store call are replaced in this program by versions that can fail
//! for files of a history.

#![expect(unsafe_code, reason = "functions of the C library are replaced")]

use std::ffi::{CStr, c_char, c_int, c_long, c_void};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use fanlane_core::event::{
    AttemptRecord, Event, EventKind, Outcome, OutcomeCounts, RunEvent, RunHeader, Summary, TaskEvent, TaskId, WorkerId,
};
use fanlane_core::job::{Batch, Input, Job, Mode, TaskTemplate};
use fanlane_core::model::Earlier;
use fanlane_core::store::history::{History, HistoryRecorder, RecordedRun, file_in};
use fanlane_core::store::record::RecordLine;

/// Which calls fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Write = 1,
    Sync = 2,
    Cut = 3,
    Rename = 4,
}

static FAULT: AtomicU8 = AtomicU8::new(0);
/// Number of calls that still succeed.
static LEFT: AtomicI64 = AtomicI64::new(0);
/// Whether all later calls fail, or only the next one.
static LASTS: AtomicU8 = AtomicU8::new(0);
static ERROR: AtomicU8 = AtomicU8::new(0);
static SEEN: AtomicI64 = AtomicI64::new(0);
/// Syncs do not return.
static HELD: AtomicBool = AtomicBool::new(false);
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Whether this call is to fail; sets `errno` then.
fn fails(fault: Fault, is_ours: impl FnOnce() -> bool) -> bool {
    if FAULT.load(Ordering::SeqCst) != fault as u8 || !is_ours() {
        return false;
    }
    SEEN.fetch_add(1, Ordering::SeqCst);
    let left = LEFT.fetch_sub(1, Ordering::SeqCst);
    let fails = left == 0 || (left < 0 && LASTS.load(Ordering::SeqCst) == 1);
    if fails {
        // SAFETY: `errno` is thread-local.
        unsafe { *libc::__errno_location() = c_int::from(ERROR.load(Ordering::SeqCst)) };
    }
    fails
}

fn is_history(fd: c_int) -> bool {
    std::fs::read_link(format!("/proc/self/fd/{fd}"))
        .is_ok_and(|path| path.to_string_lossy().contains("history.sqlite3"))
}

/// The function of the C library itself.
fn call(number: c_long, [first, second, third, fourth]: [c_long; 4]) -> c_long {
    // SAFETY: the arguments are those that the caller gave to the function that this stands for.
    unsafe { libc::syscall(number, first, second, third, fourth) }
}

#[unsafe(no_mangle)]
extern "C" fn write(fd: c_int, bytes: *const c_void, length: usize) -> isize {
    if fails(Fault::Write, || is_history(fd)) {
        return -1;
    }
    call(libc::SYS_write, [c_long::from(fd), bytes as c_long, length as c_long, 0]) as isize
}

#[unsafe(no_mangle)]
extern "C" fn pwrite64(fd: c_int, bytes: *const c_void, length: usize, offset: i64) -> isize {
    if fails(Fault::Write, || is_history(fd)) {
        return -1;
    }
    call(libc::SYS_pwrite64, [c_long::from(fd), bytes as c_long, length as c_long, offset]) as isize
}

#[unsafe(no_mangle)]
extern "C" fn pwrite(fd: c_int, bytes: *const c_void, length: usize, offset: i64) -> isize {
    pwrite64(fd, bytes, length, offset)
}

#[unsafe(no_mangle)]
extern "C" fn fsync(_fd: c_int) -> c_int {
    // Real syncs would be slow, and this test has no power failures.
    while HELD.load(Ordering::SeqCst) {
        std::thread::sleep(Duration::from_millis(1));
    }
    if fails(Fault::Sync, || true) { -1 } else { 0 }
}

#[unsafe(no_mangle)]
extern "C" fn fdatasync(fd: c_int) -> c_int {
    fsync(fd)
}

#[unsafe(no_mangle)]
extern "C" fn ftruncate(fd: c_int, length: i64) -> c_int {
    if fails(Fault::Cut, || is_history(fd)) {
        return -1;
    }
    call(libc::SYS_ftruncate, [c_long::from(fd), length, 0, 0]) as c_int
}

#[unsafe(no_mangle)]
extern "C" fn ftruncate64(fd: c_int, length: i64) -> c_int {
    ftruncate(fd, length)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rename(from: *const c_char, to: *const c_char) -> c_int {
    // SAFETY: the caller gives two texts that end with a NUL byte.
    let name = unsafe { CStr::from_ptr(from) };
    if fails(Fault::Rename, || name.to_string_lossy().contains("history")) {
        return -1;
    }
    let here = c_long::from(libc::AT_FDCWD);
    call(libc::SYS_renameat, [here, from as c_long, here, to as c_long]) as c_int
}

/// From the `left`-th call on, or at that one alone, calls of this kind fail with `error`.
fn arm(fault: Fault, left: i64, lasts: bool, error: c_int) {
    SEEN.store(0, Ordering::SeqCst);
    LEFT.store(left, Ordering::SeqCst);
    LASTS.store(u8::from(lasts), Ordering::SeqCst);
    ERROR.store(error as u8, Ordering::SeqCst);
    FAULT.store(fault as u8, Ordering::SeqCst);
}

fn disarm() -> i64 {
    FAULT.store(0, Ordering::SeqCst);
    SEEN.load(Ordering::SeqCst)
}

fn recorded_run() -> RecordedRun {
    let job = Job {
        task: TaskTemplate::Command("echo {}".to_owned()),
        inputs: vec![Input::List(vec!["x".repeat(9000), "y".to_owned()])],
        ..Job::default()
    };
    let batch = Arc::new(Batch::open(&job, Path::new("/"), &mut std::io::empty()).expect("a batch"));
    RecordedRun { batch, job, folder: "/".into(), continues: None, earlier: Earlier::default(), window: false }
}

fn events() -> Vec<Event> {
    let header = RunHeader {
        name: "echo {}".to_owned(),
        mode: Mode::Pool,
        workers: 1,
        tasks: 2,
        started_unix_ms: 1_700_000_000_000,
    };
    let done = |task| AttemptRecord {
        start_ns: 1,
        wall_ns: 2,
        cpu_ns: 3,
        max_rss_bytes: 4,
        ..AttemptRecord::new(TaskId(task), 1, WorkerId(1), Outcome::Done)
    };
    let counts = OutcomeCounts { done: 2, ..OutcomeCounts::default() };
    let summary = Summary { counts, wall_ns: 9, cpu_ns: 6, retries: 0, workers: 1, mode: Mode::Pool, stopped: false };
    let kinds = [
        EventKind::Run(RunEvent::Started(header)),
        EventKind::Task(TaskEvent::Finished(vec![done(0)])),
        EventKind::Task(TaskEvent::Finished(vec![done(1)])),
        EventKind::Run(RunEvent::Finished(summary)),
    ];
    (0..).zip(kinds).map(|(at_ns, kind)| Event { at_ns, kind }).collect()
}

/// Records a run to its end; returns the messages. As in a run, its first task waits until the run itself is written,
/// or could not be: the run and its tasks are two transactions, however fast the threads are.
fn keep(folder: &Path) -> Vec<String> {
    let mut recorder = HistoryRecorder::start(folder.to_owned(), recorded_run());
    let [first, rest @ ..] = &events()[..] else { panic!("a run has events") };
    let mut said = recorder.add(first);
    assert!(recorder.gate().opens_within(Duration::from_secs(60)), "the first task never begins");
    said.extend(rest.iter().flat_map(|event| recorder.add(event)));
    said.extend(recorder.finish());
    said
}

/// Checks that the history contains runs as far as they were written, without gaps and with the counts of what is
/// there; returns the number of complete ones.
fn whole_runs(folder: &Path, what: &str) -> usize {
    let Some(history) = History::existing(folder).unwrap_or_else(|error| panic!("{what}: {error}")) else { return 0 };
    let runs = history.runs().unwrap_or_else(|error| panic!("{what}: {error}"));
    let mut whole = 0;
    for run in &runs {
        let mut lines = history.lines(run.id);
        let found: Vec<Event> = lines
            .by_ref()
            .filter_map(|line| match line.unwrap_or_else(|error| panic!("{what}: {error}")) {
                RecordLine::Event(event) => Some(event),
                _ => None,
            })
            .collect();
        assert_eq!((&found[..], lines.damaged()), (&events()[..found.len()], 0), "{what}");
        let done = found.iter().filter(|event| matches!(event.kind, EventKind::Task(_))).count();
        assert_eq!(run.counts.done, done as u64, "{what}");
        let is_whole = found.len() == events().len();
        assert_eq!(run.summary.is_some(), is_whole, "{what}");
        whole += usize::from(is_whole);
    }
    whole
}

/// Fails every call of a kind in turn, until a recording makes no more of them.
fn fail_each(fault: Fault, prepare: impl Fn(&Path) -> usize) {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    for (lasts, error) in [(false, libc::EIO), (true, libc::ENOSPC)] {
        let mut failed = 0;
        for left in 0.. {
            assert!(left < 1000, "it never ends");
            let folder = tempfile::tempdir().expect("a folder");
            let before = prepare(folder.path());
            let what = format!("{fault:?} {left} failing with {error}, for ever: {lasts}");
            arm(fault, left, lasts, error);
            let said = keep(folder.path());
            let calls = disarm();
            assert!(said.len() <= 1, "{what}: told more than once: {said:?}");
            let after = whole_runs(folder.path(), &what);
            assert!(
                after == before + 1 || (after == before && !said.is_empty()),
                "{what}: {before}, {after}, {said:?}"
            );
            failed += usize::from(!said.is_empty());
            // The next run can write the history.
            assert!(keep(folder.path()).len() <= 1, "{what}");
            assert!(whole_runs(folder.path(), &what) > after.min(before), "{what}");
            if calls <= left {
                break;
            }
        }
        assert!(failed > 0 || fault == Fault::Cut, "{fault:?}: nothing ever failed, so nothing was tested");
    }
}

fn begun(folder: &Path) -> usize {
    assert_eq!(keep(folder), Vec::<String>::new());
    1
}

#[test]
fn every_write_fails_once_and_for_ever() {
    fail_each(Fault::Write, |_| 0);
    fail_each(Fault::Write, begun);
}

#[test]
fn every_sync_fails_once_and_for_ever() {
    fail_each(Fault::Sync, |_| 0);
    fail_each(Fault::Sync, begun);
}

#[test]
fn every_truncation_fails_once_and_for_ever() {
    fail_each(Fault::Cut, begun);
}

/// Waits until something holds.
fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Holds all syncs until it is dropped.
struct HeldSyncs;

impl HeldSyncs {
    fn hold() -> Self {
        HELD.store(true, Ordering::SeqCst);
        Self
    }
}

impl Drop for HeldSyncs {
    fn drop(&mut self) {
        HELD.store(false, Ordering::SeqCst);
    }
}

/// A kill loses nothing that was written, so no task waits for the disk; a power failure loses what is not synced.
#[test]
fn a_run_is_in_the_history_before_any_sync_and_is_synced_soon_though_nothing_more_happens() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    for beside_another in [false, true] {
        let folder = tempfile::tempdir().expect("a folder");
        begun(folder.path());
        let begin = || {
            arm(Fault::Sync, i64::MAX, false, libc::EIO);
            let mut recorder = HistoryRecorder::start(folder.path().to_owned(), recorded_run());
            assert_eq!(recorder.add(&events()[0]), Vec::<String>::new());
            wait_until("the run is written", || recorder.id().is_some());
            recorder
        };
        let is_synced = || SEEN.load(Ordering::SeqCst) > 0;
        let other = beside_another.then(|| {
            let other = begin();
            wait_until("the other run is synced", is_synced);
            other
        });
        let held = HeldSyncs::hold();
        let mut recorder = begin();
        drop(held);
        wait_until("the run is synced", is_synced);
        for event in &events()[1..] {
            assert_eq!(recorder.add(event), Vec::<String>::new());
        }
        assert_eq!(recorder.finish(), Vec::<String>::new());
        drop(other);
        disarm();
    }
}

/// A damaged history is renamed together with its companion files; nothing of it is ever lost.
#[test]
fn every_rename_fails_once_and_for_ever() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let content = b"no history".repeat(1000);
    for (lasts, error) in [(false, libc::EIO), (true, libc::EACCES)] {
        for left in 0..5 {
            let folder = tempfile::tempdir().expect("a folder");
            std::fs::write(file_in(folder.path()), &content).expect("written");
            arm(Fault::Rename, left, lasts, error);
            let said = keep(folder.path());
            disarm();
            let told = said.iter().filter(|message| message.contains("is kept as")).count();
            assert!(told <= 1 && (1..=1 + told).contains(&said.len()), "{left}: {said:?}");
            let kept = [file_in(folder.path()), folder.path().join("history-damaged-1.sqlite3")];
            let found = kept.iter().filter(|path| std::fs::read(path).is_ok_and(|found| found == content)).count();
            assert_eq!(found, 1, "{left}: the damaged one is there, once");
            assert!(keep(folder.path()).len() <= 1);
            assert_eq!(whole_runs(folder.path(), "after it"), 1 + told, "{said:?}");
        }
    }
}

/// A log that stands beside no history, and the mark of a damaged one that was removed by hand, belong to nothing.
#[test]
fn what_is_left_of_a_history_that_was_removed_is_not_taken_for_part_of_the_next() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("history.sqlite3-wal");
    // A recording that goes on has its rows in the log.
    begun(folder.path());
    let mut recorder = HistoryRecorder::start(folder.path().to_owned(), recorded_run());
    assert_eq!(recorder.add(&events()[0]), Vec::<String>::new());
    wait_until("the run is written", || recorder.id().is_some());
    let content = std::fs::read(&log).expect("a log");
    assert_eq!(recorder.finish(), Vec::<String>::new());
    for file in std::fs::read_dir(folder.path()).expect("a folder") {
        std::fs::remove_file(file.expect("a file").path()).expect("removed");
    }
    std::fs::write(&log, &content).expect("written");
    std::fs::write(folder.path().join("history.damaged"), "").expect("written");
    begun(folder.path());
    assert_eq!(whole_runs(folder.path(), "the new one"), 1);
    assert_eq!(std::fs::read(folder.path().join("history-damaged-1.sqlite3-wal")).expect("kept"), content);
}
