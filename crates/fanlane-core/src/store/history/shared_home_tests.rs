//! The history in a home folder that several machines share.

use super::tests::{events, keep, recorded_run};
use super::*;
use crate::event::Outcome;

/// The journal of a history in a folder of several machines.
const SHARED: Journal = Journal::Rollback("NFS");

#[test]
fn a_history_in_a_network_folder_has_no_write_ahead_log_and_says_so_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = || fs::read_dir(folder.path()).expect("listed").map(|entry| entry.expect("an entry").file_name());
    let has_log = || files().any(|name| name.to_string_lossy().ends_with("-wal"));
    // One that was begun on this machine.
    drop(History::open_with(folder.path(), Journal::WriteAhead).expect("opened"));
    let (run, _) = keep(folder.path(), recorded_run(&["a"], None), &events(1, &[Outcome::Done]));
    let mut shared = History::open_with(folder.path(), SHARED).expect("opened");
    let remark = shared.remark.take().expect("it is said");
    assert!(remark.contains("(NFS)") && remark.contains("FANLANE_DATA_DIR"), "{remark}");
    assert_eq!(shared.run(run.expect("recorded")).expect("it is there").counts.done, 1);
    for begin in [History::begin_synced, History::begin_unsynced] {
        let change = begin(&shared).expect("begun");
        change.execute("UPDATE runs SET retries = retries + 1", []).expect("changed");
        assert!(!has_log());
        change.commit().expect("committed");
        shared.sync_log().expect("synced");
    }
    assert_eq!(shared.run(1).expect("it is there").retries, 2);
    let again = History::open_with(folder.path(), SHARED).expect("opened");
    assert_eq!(again.remark, None, "it was said");
    // A reader elsewhere keeps the history from changing its journal; it is opened nevertheless.
    let reading = again.connection.unchecked_transaction().expect("begun");
    reading.query_row("SELECT count(*) FROM runs", [], |_| Ok(())).expect("read");
    shared.connection.busy_timeout(Duration::ZERO).expect("set");
    assert!(Journal::WriteAhead.begin(&shared.connection).is_err());
    drop(reading);
    drop((again, shared));
    let local = History::open_with(folder.path(), Journal::WriteAhead).expect("opened");
    assert!(Journal::WriteAhead.is_in_use(&local.connection).expect("asked") && local.remark.is_none());
    let new = tempfile::tempdir().expect("a folder");
    assert!(History::open_with(new.path(), SHARED).expect("opened").remark.is_some(), "a new one");
}

#[test]
fn a_run_of_another_machine_goes_on_while_it_records() {
    let folder = tempfile::tempdir().expect("a folder");
    let (run, _) = keep(folder.path(), recorded_run(&["a", "b"], None), &events(2, &[Outcome::Done]));
    let history = History::existing(folder.path()).expect("opened").expect("it is there");
    let state = |host: &str, owner: &str, silent_secs: i64| {
        let change = "UPDATE runs SET environment = json_set(environment, '$.host', ?1), owner = ?2, \
             started_unix_ms = (strftime('%s', 'now') - ?3) * 1000";
        history.connection.execute(change, (host, owner, silent_secs)).expect("changed");
        history.run(run.expect("recorded")).expect("it is there").state
    };
    let here = fanlane_os::machine::host_name();
    assert_eq!(state(&here, "1 2 other", 0), RunState::Interrupted, "before this machine was started anew");
    assert_eq!(state("elsewhere", "1 2 other", 5), RunState::Running);
    assert_eq!(state("elsewhere", "1 2 other", 600), RunState::Interrupted);
}
