//! The wall clock is set during a run. In this program, and so for its engine, the wall clock can be moved by days;
//! measurements and waits use another clock. `tests/tidy.rs` checks that nothing else reads the wall clock, in workers
//! too.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]
#![expect(unsafe_code, reason = "a function of the C library is replaced")]

mod support;

use std::ffi::c_int;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use fanlane_core::event::{EventKind, Outcome, RunEvent, TaskEvent};
use fanlane_core::job::{Batch, Mode};
use fanlane_core::model::Earlier;
use fanlane_core::store::history::{History, HistoryRecorder, RecordedRun, Retention, RunState};
use support::{alone, job, start_in};

const DAY_SECS: i64 = 86_400;
const HOUR_NS: u64 = 3_600_000_000_000;

/// Error of the wall clock.
static SHIFT_SECS: AtomicI64 = AtomicI64::new(0);

#[unsafe(no_mangle)]
unsafe extern "C" fn clock_gettime(clock: libc::clockid_t, time: *mut libc::timespec) -> c_int {
    // SAFETY: the arguments are those that the caller gave to the function that this stands for.
    let done = unsafe { libc::syscall(libc::SYS_clock_gettime, clock, time) } as c_int;
    if done == 0 && clock == libc::CLOCK_REALTIME {
        // SAFETY: the system has just written to it.
        unsafe { (*time).tv_sec += SHIFT_SECS.load(Ordering::SeqCst) };
    }
    done
}

/// Sets the clock right again, however a test ends.
struct Shift;

impl Shift {
    fn by(secs: i64) -> Self {
        SHIFT_SECS.store(secs, Ordering::SeqCst);
        Self
    }
}

impl Drop for Shift {
    fn drop(&mut self) {
        SHIFT_SECS.store(0, Ordering::SeqCst);
    }
}

fn unix_secs() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

#[test]
fn the_wall_clock_of_this_program_can_be_moved_and_no_other() {
    let _alone = alone();
    let (wall, monotonic) = (unix_secs(), Instant::now());
    let shift = Shift::by(DAY_SECS);
    assert!(unix_secs() >= wall + DAY_SECS as u64);
    assert!(monotonic.elapsed().as_secs() < 3600);
    drop(shift);
    assert!(unix_secs() < wall + 3600);
}

/// A day forward must not end a task with hours left, and its measured time must stay correct; a day back must not
/// prolong a task without time left.
#[test]
fn a_clock_that_is_moved_by_a_day_ends_no_task_and_spares_none() {
    let _alone = alone();
    for secs in [DAY_SECS, -DAY_SECS] {
        let folder = tempfile::tempdir().unwrap();
        let text = r#"Job(version: 1, task: Command("{1}"), inputs: [List([
            "until [ -e go ]; do sleep 0.01; done", "touch begun; exec sleep 1000"])], timeout_secs: Some(3600),
            retries: 1, control: (delay_secs: Some(0.01), retry_wait: Some(Fixed(secs: 0.01))))"#;
        let patient = job(&text.replace("touch begun; exec sleep 1000", "[ -e second ] || { touch second; exit 3; }"));
        let mut run = start_in(&patient, folder.path(), Mode::Pool, 2);
        run.wait_for("a retry", |kind| matches!(kind, EventKind::Task(TaskEvent::Retried(_))));
        let shift = Shift::by(secs);
        std::fs::write(folder.path().join("go"), "").unwrap();
        let finished = run.finish();
        drop(shift);
        for record in &finished.records {
            assert_eq!(record.outcome, Outcome::Done, "{record:?}");
            assert!(record.wall_ns < HOUR_NS, "{record:?}");
        }
        assert!(finished.summary.wall_ns < HOUR_NS, "{:?}", finished.summary);

        let hasty = job(&text.replace("until [ -e go ]; do sleep 0.01; done", ": ").replace("Some(3600)", "Some(1.5)"));
        let mut run = start_in(&hasty, folder.path(), Mode::Pool, 2);
        support::wait_until("the task begins", || folder.path().join("begun").exists());
        let shift = Shift::by(secs);
        run.wait_for("the end", |kind| matches!(kind, EventKind::Run(RunEvent::Finished(_))));
        drop(shift);
        let finished = run.finish();
        assert_eq!(finished.records[1].outcome, Outcome::TimedOut);
        assert!((1_500_000_000..HOUR_NS).contains(&finished.records[1].wall_ns), "{:?}", finished.records[1]);
    }
}

/// A run that seems to have begun tomorrow counts as begun now, and is listed with its real duration.
#[test]
fn the_history_is_sane_about_runs_of_a_clock_that_was_wrong() {
    let _alone = alone();
    for secs in [DAY_SECS, -DAY_SECS] {
        let folder = tempfile::tempdir().unwrap();
        let job = job(r#"Job(version: 1, task: Command(": {}"), inputs: [Range(1, 3)])"#);
        let batch = Arc::new(Batch::open(&job, folder.path(), &mut std::io::empty()).unwrap());
        let run = RecordedRun {
            batch,
            job: job.clone(),
            folder: folder.path().into(),
            continues: None,
            earlier: Earlier::default(),
            window: false,
        };
        let shift = Shift::by(secs);
        let finished = start_in(&job, folder.path(), Mode::Pool, 1);
        drop(shift);
        let seen = finished.finish().seen;
        let mut recorder = HistoryRecorder::start(folder.path().join("history"), run);
        for event in &seen {
            assert_eq!(recorder.add(event), Vec::<String>::new());
        }
        assert_eq!(recorder.finish(), Vec::<String>::new());
        let history = History::existing(&folder.path().join("history")).unwrap().unwrap();
        let runs = history.runs().unwrap();
        assert_eq!((runs.len(), runs[0].state, runs[0].counts.done), (1, RunState::Finished, 3));
        assert!(runs[0].wall_ns < HOUR_NS, "{:?}", runs[0]);
        // Two days are more than the clock's error; half a day is less.
        let surplus = |max_age_ms| Retention { max_age_ms, max_bytes: u64::MAX }.surplus(&runs, unix_secs() * 1000);
        assert_eq!(surplus(2 * 86_400_000), Vec::<i64>::new());
        assert_eq!(surplus(43_200_000).is_empty(), secs > 0, "only a run that seems to be a day old is old");
    }
}
