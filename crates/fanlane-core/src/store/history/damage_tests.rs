//! Damaged histories: what can still be read is correct and is kept.

use std::fs;

use super::tests::{events, history, keep, lines, recorded_run};
use super::*;
use crate::event::Outcome;
use crate::store::record::RecordLine;

/// Page size of the database, in bytes.
const PAGE: usize = 16 << 10;
/// The distance between bytes that are changed.
const BYTES: usize = 2039;

/// Damage in any place is detected, costs only what is stored there, and is never shown as results. The next run begins
/// a new history with the intact part, and the damaged one is kept beside it.
#[test]
fn wherever_a_history_is_damaged_what_is_read_is_true_and_what_is_whole_is_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    // At least a page for each run, so that damage in one costs one run.
    let long = "x".repeat(20_000);
    let words = ["a", "b", "c", &*long];
    let said = events(4, &[Outcome::Done, Outcome::Exited { code: 3 }, Outcome::Done, Outcome::TimedOut]);
    for _ in 0..3 {
        keep(folder.path(), recorded_run(&words, None), &said);
    }
    let (mut kept_runs, mut renewed) = (0, 0);
    let whole = fs::read(file_in(folder.path())).expect("read");
    let mut read_runs = 0;
    // Scattered bytes, and each page but the first.
    let bytes = (0..whole.len()).step_by(BYTES).map(|place| place..place + 1);
    let pages = (1..whole.len() / PAGE).map(|page| page * PAGE..(page + 1) * PAGE);
    for part in bytes.chain(pages) {
        let (place, copy) = (part.start, tempfile::tempdir().expect("a folder"));
        let mut damaged = whole.clone();
        damaged[part].iter_mut().for_each(|byte| *byte ^= 0x55);
        fs::write(file_in(copy.path()), &damaged).expect("written");
        // Number of intact runs, and whether damage was found.
        let look = || {
            let Ok(Some(history)) = History::existing(copy.path()) else { return (0, true) };
            let Ok(runs) = history.runs() else { return (0, true) };
            let mut whole_runs = 0;
            for run in runs.iter().filter(|run| run.tasks == 4) {
                let mut events = Vec::new();
                let mut lines = history.lines(run.id);
                let is_whole = lines.by_ref().all(|line| match line {
                    Ok(RecordLine::Event(event)) => {
                        events.push(event);
                        true
                    }
                    other => other.is_ok(),
                });
                assert!(events.is_empty() || events == said, "byte {place}: {events:?}");
                whole_runs += u32::from(is_whole && lines.damaged() == 0 && events == said);
            }
            (whole_runs, whole_runs < 3)
        };
        let (before, amiss) = look();
        read_runs += before;
        let (id, told) = keep(copy.path(), recorded_run(&["z"], None), &events(1, &[Outcome::Done]));
        let id = id.unwrap_or_else(|| panic!("byte {place}: {told:?}"));
        assert_eq!(lines(&history(copy.path()), id).len(), 4, "byte {place}: {told:?}");
        let (after, _) = look();
        assert!(after >= before, "byte {place}: {before} runs were whole, {after} are: {told:?}");
        kept_runs += after;
        let aside = copy.path().join("history-damaged-1.sqlite3");
        assert_eq!(aside.exists(), !told.is_empty(), "byte {place}: {told:?}");
        if aside.exists() {
            renewed += 1;
            assert!(fs::read(&aside).expect("read") == damaged, "byte {place}: it stays as it was");
            assert!(told[0].contains("was damaged: it is kept as"), "byte {place}: {told:?}");
        } else {
            // Damage that was not found costs nothing, and a block with a wrong checksum is reported when it is read.
            assert!(!amiss || after == before, "byte {place}");
        }
        let second = keep(copy.path(), recorded_run(&["z"], None), &events(1, &[Outcome::Done]));
        assert_eq!(second.1, Vec::<String>::new(), "byte {place}: told once");
    }
    let places = (whole.len().div_ceil(BYTES) + whole.len() / PAGE) as u32;
    assert!(read_runs > places, "most of it survives: {read_runs} runs of {places} copies");
    assert!(renewed > 0 && kept_runs > read_runs, "{renewed} of {places} begun anew, {read_runs} to {kept_runs} runs");
}

#[test]
fn a_run_under_way_goes_on_in_the_history_that_takes_the_place_of_a_damaged_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let said = events(2, &[Outcome::Done, Outcome::Done]);
    keep(folder.path(), recorded_run(&["a", "b"], None), &said);
    let mut recorder = HistoryRecorder::start(folder.path().to_owned(), recorded_run(&["a", "b"], None));
    for event in &said[..4] {
        recorder.add(event);
    }
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    while History::existing(folder.path()).ok().flatten().is_none_or(|history| history.last().ok() != Some(2)) {
        assert!(std::time::Instant::now() < deadline, "the beginning is not written");
        std::thread::sleep(Duration::from_millis(5));
    }
    // A reader finds the damage, and the next run begins a new history.
    place::mark_damaged(folder.path());
    let (third, told) = keep(folder.path(), recorded_run(&["c"], None), &events(1, &[Outcome::Done]));
    assert_eq!(third, Some(3));
    assert!(told[0].ends_with("and a new one was created with 2 runs of it"), "{told:?}");
    for event in &said[4..] {
        recorder.add(event);
    }
    assert_eq!(recorder.finish(), Vec::<String>::new());
    let history = history(folder.path());
    assert_eq!(history.runs().expect("readable").iter().map(|run| run.id).collect::<Vec<_>>(), [3, 2, 1]);
    for run in [1, 2] {
        assert_eq!(lines(&history, run), said, "run {run}");
    }
}
