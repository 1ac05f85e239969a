//! The queue as files: who changes it, in which order, and what a process leaves that dies at any moment.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::TempDir;

use super::{After, Change, JobQueue, JobState, NewJob, Place, QueueError};
use crate::job::{Input, Job, TaskTemplate};

struct Scene {
    place: TempDir,
    queue: JobQueue,
}

fn scene() -> Scene {
    let place = tempfile::tempdir().expect("a folder");
    let queue = JobQueue::beside_history(place.path());
    Scene { place, queue }
}

fn job(name: &str) -> NewJob {
    NewJob {
        job: Job {
            name: name.to_owned(),
            task: TaskTemplate::Command("echo {}".to_owned()),
            inputs: vec![Input::Range(1, 3)],
            ..Job::default()
        },
        folder: "/tmp".into(),
        environment: vec![("LANG".into(), "C".into()), ("ODD".into(), OsString::from_vec(b"caf\xe9".to_vec()))],
        break_before: vec![2],
        stdin: None,
        held: false,
        at_unix_ms: None,
        after: Vec::new(),
        group: None,
        priority: 0,
    }
}

impl Scene {
    fn add(&self, name: &str) -> u64 {
        self.queue.add(job(name)).expect("added")
    }

    fn add_many(&self, count: u64) {
        let ids: Vec<u64> = (0..count).map(|_| self.add("one")).collect();
        assert_eq!(ids, (1..=count).collect::<Vec<_>>());
    }

    fn order(&self) -> Vec<u64> {
        self.queue.list().expect("listed").jobs.iter().map(|job| job.id).collect()
    }

    fn state(&self, id: u64) -> JobState {
        self.queue.job(id).expect("it is there").state
    }

    fn startable(&self) -> Vec<u64> {
        self.queue.turn().expect("read").startable
    }

    fn is_held_because(&self, id: u64, words: &str) -> bool {
        matches!(self.state(id), JobState::Held { reason: Some(reason) } if reason.contains(words))
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.queue.folder().join(name)
    }
}

#[test]
fn a_job_comes_back_as_it_was_added_and_only_its_user_can_read_it() {
    let scene = scene();
    assert_eq!(scene.queue.list().expect("none yet").jobs.len(), 0);
    assert!(!scene.queue.folder().exists(), "looking makes nothing");
    let new = NewJob { stdin: Some(b"one\n".to_vec()), ..job("first") };
    let id = scene.queue.add(new.clone()).expect("added");
    let kept = scene.queue.job(id).expect("it is there");
    assert_eq!((id, &kept.job, kept.folder.as_path()), (1, &new.job, Path::new("/tmp")));
    assert_eq!(kept.break_before, [2]);
    assert_eq!(kept.environment().collect::<Vec<_>>(), new.environment);
    let mut read = String::new();
    std::io::Read::read_to_string(&mut scene.queue.stdin_of(&kept).expect("it is there"), &mut read).expect("text");
    assert_eq!(read, "one\n");
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode(scene.queue.folder()), 0o700);
    scene.queue.change(&[id], Change::Drop).expect("dropped");
    assert!(!scene.file("1.ron").exists() && !scene.file("1.stdin").exists());
    assert_eq!(scene.add("second"), 2, "a number is never given again");
    drop(scene.place);
}

#[test]
fn jobs_are_moved_held_released_and_dropped_all_of_them_or_none() {
    let scene = scene();
    scene.add_many(4);
    for (ids, to, order) in [
        (&[4][..], Place::Number(1), [4, 1, 2, 3]),
        (&[4, 1], Place::Last, [2, 3, 4, 1]),
        (&[1, 3], Place::Number(2), [2, 1, 3, 4]),
        (&[2], Place::Number(99), [1, 3, 4, 2]),
        (&[2, 2], Place::Number(1), [2, 1, 3, 4]),
    ] {
        scene.queue.change(ids, Change::Move(to)).expect("moved");
        assert_eq!(scene.order(), order, "{ids:?} to {to:?}");
    }
    let refused = scene.queue.change(&[1, 9], Change::Drop).expect_err("there is no job 9");
    assert!(matches!(refused, QueueError::NoSuchJob(9)));
    assert_eq!(scene.order(), [2, 1, 3, 4]);
    scene.queue.change(&[2, 1], Change::Hold).expect("held");
    assert_eq!(scene.startable(), [3]);
    scene.queue.change(&[1], Change::Release).expect("released");
    assert_eq!(scene.startable(), [1]);
    scene.queue.change(&[2, 3, 3], Change::Drop).expect("dropped");
    assert_eq!(scene.order(), [1, 4]);
}

#[test]
fn as_many_start_as_may_run_and_start_now_asks_for_no_place() {
    let scene = scene();
    scene.add_many(4);
    assert_eq!(scene.startable(), [1]);
    let first = scene.queue.take(1).expect("its turn");
    let turn = scene.queue.turn().expect("read");
    assert_eq!((turn.startable.len(), turn.locks), (0, vec![scene.file("1.run")]));
    assert!(matches!(scene.queue.take(2), Err(QueueError::NotItsTurn(2))));
    assert!(matches!(scene.queue.take(1), Err(QueueError::NotItsTurn(1))), "it is taken once");
    scene.queue.set_parallel(3).expect("set");
    assert_eq!(scene.startable(), [2, 3]);
    scene.queue.set_parallel(1).expect("set");
    scene.queue.set_paused(true).expect("paused");
    assert!(scene.queue.turn().expect("read").is_over());
    scene.queue.change(&[4], Change::Start).expect("wanted");
    assert_eq!(scene.startable(), [4]);
    let running = scene.queue.change(&[2, 1], Change::Hold).expect_err("it runs");
    assert!(running.to_string().contains("job 1 is running, so it cannot be held"), "{running}");
    assert_eq!(scene.state(2), JobState::Queued);
    first.end(true).expect("ended");
    assert_eq!(scene.order(), [2, 3, 4]);
    for wrong in [0, 65] {
        assert!(scene.queue.set_parallel(wrong).is_err());
    }
}

#[test]
fn a_job_waits_for_its_time_and_for_what_it_was_added_after() {
    let scene = scene();
    let first = scene.add("first");
    let after = |what: After| NewJob { after: vec![what], ..job("after") };
    let second = scene.queue.add(after(After::Job(first))).expect("added");
    let third = scene.queue.add(after(After::Job(first))).expect("added");
    assert!(matches!(scene.queue.add(after(After::Job(77))), Err(QueueError::NoSuchJob(77))));
    assert_eq!(scene.order().len(), 3, "nothing was added");
    let taken = scene.queue.take(first).expect("its turn");
    scene.queue.set_parallel(9).expect("set");
    assert_eq!(scene.queue.turn().expect("read").locks, [scene.file("1.run")]);
    taken.end(false).expect("ended");
    assert!(scene.is_held_because(second, "job 1, which it waits for, ended without all of its tasks done"));
    scene.queue.change(&[second], Change::Release).expect("released");
    assert_eq!(scene.startable(), [second]);
    scene.queue.change(&[second, third], Change::Drop).expect("dropped");

    let far = u64::MAX / 2;
    let timed = scene.queue.add(NewJob { at_unix_ms: Some(far), ..job("timed") }).expect("added");
    let behind = scene.add("behind");
    let turn = scene.queue.turn().expect("read");
    assert_eq!((turn.startable, turn.next_unix_ms), (vec![behind], Some(far)), "one with a time is in nobody's way");
    scene.queue.change(&[behind], Change::Drop).expect("dropped");
    scene.queue.change(&[timed], Change::At(Some(1))).expect("set");
    assert_eq!(scene.startable(), [timed]);

    // A run of another process is known by the lock that it holds.
    let path = scene.place.path().join("log");
    let log = super::folder::open_private(&path).expect("made");
    super::folder::lock_file(&log, rustix::fs::FlockOperation::LockExclusive).expect("locked");
    scene.queue.change(&[timed], Change::Drop).expect("dropped");
    let follows = scene.queue.add(after(After::Run { run: Some(7), lock: path.clone() })).expect("added");
    assert_eq!(scene.queue.turn().expect("read").locks, [path]);
    assert_eq!(scene.queue.job(follows).expect("it is there").note(0), "after run 7");
    drop(log);
    assert_eq!(scene.startable(), [follows]);
}

/// Whatever file a process had written last when it was killed, the job is there once, and does not run a second time unasked.
#[test]
fn a_job_whose_process_died_is_held_and_what_was_half_written_is_no_job() {
    let scene = scene();
    let id = scene.add("one");
    let after = scene.queue.add(NewJob { after: vec![After::Job(id)], ..job("after") }).expect("added");
    let taken = scene.queue.take(id).expect("its turn");
    taken.recorded(Some(12)).expect("noted");
    drop(taken);
    assert!(scene.is_held_because(id, "run 12 broke off"));
    assert_eq!(scene.startable(), Vec::<u64>::new());
    assert!(scene.queue.turn().expect("read").is_over(), "nothing is awaited: {:?}", scene.state(after));
    // Killed between the files of an addition: no job, and its number is taken by the next.
    fs::write(scene.file("3.stdin"), "left").expect("written");
    fs::write(scene.file(".saving-x.tmp"), "half").expect("written");
    assert_eq!(scene.add("next"), 3);
    assert!(!scene.file("3.stdin").exists() && !scene.file(".saving-x.tmp").exists());
}

/// No descriptor may be free, or a disk may fail: that says nothing about a job.
#[test]
fn what_the_system_refuses_is_an_error_and_no_fact_about_a_job() {
    let scene = scene();
    scene.add_many(2);
    let taken = scene.queue.take(1).expect("its turn");
    for name in ["1.run", "1.ron", "2.ron"] {
        fs::rename(scene.file(name), scene.file("kept")).expect("renamed");
        std::os::unix::fs::symlink(scene.file(name), scene.file(name)).expect("linked to itself");
        assert!(matches!(scene.queue.list(), Err(QueueError::System { .. })), "{name}");
        assert!(scene.queue.turn().is_err() && taken.recorded(Some(7)).is_err(), "{name}");
        fs::remove_file(scene.file(name)).expect("removed");
        fs::rename(scene.file("kept"), scene.file(name)).expect("renamed");
        assert_eq!((scene.state(1), scene.startable()), (JobState::Running { run: None }, vec![]), "{name}");
    }
}

/// An editor may replace a file by an older content, by none for a moment, or by one that is no job.
#[test]
fn a_file_that_is_edited_while_its_job_runs_neither_starts_it_again_nor_is_overwritten() {
    let scene = scene();
    let id = scene.add("one");
    let after = |id| NewJob { after: vec![After::Job(id)], ..job("after") };
    let second = scene.queue.add(after(id)).expect("added");
    scene.add("third");
    let (first_file, second_file) = (scene.file("1.ron"), scene.file("2.ron"));
    let (before, dependent) = (fs::read(&first_file).expect("a file"), fs::read(&second_file).expect("a file"));
    let taken = scene.queue.take(id).expect("its turn");
    fs::write(&first_file, "nonsense").expect("written");
    assert!(matches!(taken.recorded(Some(7)), Err(QueueError::Unreadable { .. })));
    assert_eq!(fs::read(&first_file).expect("a file"), b"nonsense");
    let refused = scene.queue.change(&[id], Change::Drop).expect_err("it runs").to_string();
    assert!(refused.contains("job 1 is running, so it cannot be dropped"), "{refused}");
    assert_eq!(scene.startable(), Vec::<u64>::new(), "its place is taken");
    fs::write(&first_file, before).expect("written");
    assert_eq!((scene.state(id), scene.startable()), (JobState::Running { run: None }, vec![]));

    fs::write(&second_file, "nonsense").expect("written");
    taken.end(false).expect("ended");
    fs::write(&second_file, dependent).expect("written");
    assert!(scene.is_held_because(second, "job 1, which it waits for, is not in the queue"));
    assert_eq!(scene.startable(), [3]);
    scene.queue.change(&[second], Change::Release).expect("released");
    scene.queue.change(&[second], Change::Move(Place::Number(1))).expect("moved");
    assert_eq!(scene.startable(), [second]);
}

#[test]
fn standard_input_outlives_a_moment_without_its_job_and_a_job_does_not_run_without_it() {
    let scene = scene();
    let reads = || Job { inputs: vec![Input::Stdin], ..job("reads").job };
    let new = NewJob { job: reads(), stdin: Some(b"one\n".to_vec()), ..job("reads") };
    let id = scene.queue.add(new).expect("added");
    let kept = scene.queue.job(id).expect("it is there");
    let hour = std::time::Duration::from_secs(3601);
    for age in [std::time::Duration::ZERO, hour] {
        let stdin = fs::File::options().write(true).open(scene.file("1.stdin")).expect("a file");
        let written = stdin.metadata().and_then(|facts| facts.modified()).expect("its time");
        stdin.set_modified(written - age).expect("set");
        fs::rename(scene.file("1.ron"), scene.file("edited")).expect("renamed");
        for _ in 0..2 {
            assert_eq!(scene.order(), Vec::<u64>::new());
        }
        fs::rename(scene.file("edited"), scene.file("1.ron")).expect("renamed");
        assert_eq!(scene.order(), [id]);
        let read = std::io::read_to_string(scene.queue.stdin_of(&kept).expect("it is there")).expect("text");
        assert_eq!(read, "one\n", "{age:?}");
    }
    fs::remove_file(scene.file("1.stdin")).expect("removed");
    let missing = scene.queue.stdin_of(&kept).err().expect("it is missing").to_string();
    assert!(missing.contains("1.stdin"), "{missing}");
    // Where nothing was given, there is nothing to read.
    let empty = scene.queue.add(NewJob { job: reads(), ..job("empty") }).expect("added");
    assert!(scene.queue.stdin_of(&scene.queue.job(empty).expect("it is there")).is_ok());
}

#[test]
fn what_is_still_written_beside_the_locked_queue_is_no_leftover() {
    let scene = scene();
    let (_file, new) = scene.queue.write_stdin(b"one\n").expect("written");
    scene.add("one");
    assert!(new.exists());
    drop((_file, new));
    assert_eq!(fs::read_dir(scene.queue.folder()).expect("a folder").count(), 3, "lock, settings, job");
}

#[test]
fn jobs_that_will_start_are_counted_and_a_number_of_places_set_by_hand_is_at_least_one() {
    let scene = scene();
    scene.add_many(2);
    let held = scene.queue.add(NewJob { held: true, ..job("held") }).expect("added");
    for after in [2, held] {
        scene.queue.add(NewJob { after: vec![After::Job(after)], ..job("after") }).expect("added");
    }
    let _taken = scene.queue.take(1).expect("its turn");
    assert_eq!(scene.queue.list().expect("listed").coming(), 2, "2 and what comes after it");
    scene.queue.change(&[2], Change::Hold).expect("held");
    assert_eq!(scene.queue.list().expect("listed").coming(), 0);
    let settings = fs::read_to_string(scene.file("settings.ron")).expect("a file");
    fs::write(scene.file("settings.ron"), settings.replace("parallel: 1", "parallel: 0")).expect("written");
    assert_eq!(scene.queue.list().expect("listed").parallel, 1);
}

#[test]
fn a_file_that_cannot_be_read_is_listed_with_the_reason_and_can_be_dropped() {
    let scene = scene();
    scene.add_many(2);
    fs::write(scene.file("1.ron"), "nonsense").expect("written");
    let listed = scene.queue.list().expect("listed");
    assert_eq!((listed.jobs[0].state_word(0), listed.jobs.len()), ("unreadable", 2));
    assert!(!listed.jobs[0].note(0).is_empty());
    let refused = scene.queue.change(&[1], Change::Release).expect_err("it cannot be read").to_string();
    assert!(refused.contains("drop it, or repair") && refused.contains("1.ron"), "{refused}");
    assert_eq!(scene.startable(), [2], "the others go on");
    scene.queue.change(&[1], Change::Drop).expect("dropped");
    fs::write(scene.file("2.ron"), "(version: 99)").expect("written");
    assert!(scene.queue.list().expect("listed").jobs[0].note(0).contains("a newer version"));
    fs::write(scene.file("settings.ron"), "nonsense").expect("written");
    let refused = scene.queue.list().expect_err("it cannot be read").to_string();
    assert!(refused.contains("settings.ron") && refused.contains("without this file the jobs stay"), "{refused}");
}
