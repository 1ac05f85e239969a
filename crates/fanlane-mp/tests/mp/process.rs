//! Processes: how they start, what they are told, how they end.

use std::time::Duration;

use fanlane_mp::{
    self as mp, Connection, JoinError, JoinHandle, Process, RecvError, Sentinel, SpawnError, active_children, pipe,
    wait,
};

use crate::functions::{
    bytes_of, cube, echo, exit_with, fails, half, nothing, panics, parent_that_dies, pass_on, run_command_for_ever,
    say_name, shared_bytes, sleep_for_ever, start_and_wait, unreadable,
};
use crate::{DEADLINE, Test, eventually, examples, is_running};

pub const TESTS: &[Test] = &[
    ("process::exit_codes", exit_codes),
    ("process::values_come_back", values_come_back),
    ("process::why_there_is_no_value", why_there_is_no_value),
    ("process::a_dropped_handle_waits", a_dropped_handle_waits),
    ("process::its_name_and_parent", its_name_and_parent),
    ("process::states_are_told_apart", states_are_told_apart),
    ("process::a_function_that_is_not_registered", a_function_that_is_not_registered),
    ("process::join_with_timeout_and_sentinel", join_with_timeout_and_sentinel),
    ("process::a_daemon_ends_with_its_handle", a_daemon_ends_with_its_handle),
    ("process::a_child_ends_with_its_parent", a_child_ends_with_its_parent),
    ("process::what_a_killed_one_started_is_ended", what_a_killed_one_started_is_ended),
    ("process::a_connection_is_passed_on", a_connection_is_passed_on),
    ("process::a_message_from_one_that_is_killed", a_message_from_one_that_is_killed),
    ("process::without_init_there_is_an_error_and_no_fork_bomb", without_init_there_is_an_error_and_no_fork_bomb),
];

fn exit_codes() {
    assert_eq!(Process::spawn(nothing, ()).unwrap().join().unwrap(), 0);
    assert_eq!(Process::spawn(exit_with, (3,)).unwrap().join().unwrap(), 3);
    assert_eq!(Process::spawn(panics, ()).unwrap().join().unwrap(), 1);
    assert_eq!(Process::spawn(fails, ()).unwrap().join().unwrap(), 1);
    let process = Process::spawn(sleep_for_ever, ()).unwrap();
    assert!(process.is_alive() && process.exit_code().is_none());
    process.terminate().unwrap();
    assert_eq!(process.join().unwrap(), -15);
    let process = Process::spawn(sleep_for_ever, ()).unwrap();
    process.kill().unwrap();
    assert_eq!(process.join().unwrap(), -9);
    assert!(!process.is_alive());
    assert_eq!(process.exit_code(), Some(-9));
}

fn values_come_back() {
    let handle: JoinHandle<i64> = mp::spawn(cube, (5,)).unwrap();
    assert_eq!(handle.join(), Ok(125));
    assert_eq!(mp::spawn(nothing, ()).unwrap().join(), Ok(()));
    // A result as a whole, and without its layer.
    assert_eq!(mp::spawn(half, (4,)).unwrap().join(), Ok(Ok(2)));
    assert_eq!(mp::spawn(half, (4,)).unwrap().join_flat(), Ok(2));
    assert_eq!(mp::spawn(half, (5,)).unwrap().join(), Ok(Err("5 is odd".to_owned())));
    // Larger than any buffer on its way.
    let handle = mp::spawn(bytes_of, (16 << 20,)).unwrap();
    assert_eq!(wait(&[&handle], Some(DEADLINE)).unwrap(), [0]);
    assert!(handle.is_finished());
    assert!(handle.join().unwrap() == vec![9; 16 << 20]);
    // Shared things arrive as such.
    assert_eq!(*mp::spawn(shared_bytes, (3,)).unwrap().join().unwrap(), [3; 300_000]);
    mp::forget_dead_writers();
}

fn why_there_is_no_value() {
    let failed = |why: &str| Some(JoinError::Failed(why.to_owned()));
    assert_eq!(mp::spawn(half, (5,)).unwrap().join_flat().err(), failed("5 is odd"));
    assert_eq!(mp::spawn(fails, ()).unwrap().join_flat().err(), failed("this failure is part of a test"));
    assert_eq!(mp::spawn(panics, ()).unwrap().join(), Err(JoinError::Panicked("expected".to_owned())));
    assert_eq!(mp::spawn(exit_with, (3,)).unwrap().join(), Err(JoinError::Exited(3)));
    let handle = mp::spawn(sleep_for_ever, ()).unwrap();
    assert!(!handle.is_finished() && is_running(handle.pid()));
    assert!(format!("{handle:?}").starts_with("JoinHandle { name: \"Process-"));
    handle.kill();
    assert_eq!(handle.join(), Err(JoinError::Killed(9)));
    let value = mp::spawn(unreadable, ()).unwrap().join().err().unwrap();
    assert!(matches!(&value, JoinError::Value(why) if why.contains("is not the value that is expected")), "{value}");
}

fn a_dropped_handle_waits() {
    let (here, there) = pipe().unwrap();
    let handle = mp::spawn(echo, (there,)).unwrap();
    let pid = handle.pid();
    here.send_bytes(b"last").unwrap();
    assert_eq!(here.recv_bytes().unwrap(), b"last");
    drop(here);
    drop(handle);
    assert!(!is_running(pid));
    // Its value does not fit into a buffer.
    drop(mp::spawn(bytes_of, (16 << 20,)).unwrap());
    let unwound = std::panic::catch_unwind(|| {
        let handle = mp::spawn(sleep_for_ever, ()).unwrap();
        std::panic::resume_unwind(Box::new(handle.pid()));
    });
    assert!(!is_running(*unwound.unwrap_err().downcast::<u32>().unwrap()));
}

fn its_name_and_parent() {
    let (here, there) = pipe().unwrap();
    let mut process = Process::new(say_name, (there,)).unwrap().named("Greeter").daemon();
    assert!(process.name() == "Greeter" && process.is_daemon() && process.pid().is_none());
    process.start().unwrap();
    let told: (String, bool, Option<u32>, u32) = here.recv().unwrap();
    assert_eq!(told, ("Greeter".to_owned(), true, Some(std::process::id()), process.pid().unwrap()));
    process.join().unwrap();
    assert!(active_children().is_empty());
    let unnamed = Process::new(nothing, ()).unwrap();
    assert!(unnamed.name().starts_with("Process-"));
}

fn states_are_told_apart() {
    let mut process = Process::new(sleep_for_ever, ()).unwrap();
    assert!(process.join().is_err());
    assert!(!process.is_alive());
    process.start().unwrap();
    assert!(matches!(process.start(), Err(SpawnError::State(_))));
    assert_eq!(active_children(), [(process.name().to_owned(), process.pid().unwrap())]);
    assert!(process.close().unwrap_err().to_string().contains("still runs"));
    process.kill().unwrap();
    process.join().unwrap();
    process.close().unwrap();
    assert!(process.join().unwrap_err().to_string().contains("closed"));
}

fn a_function_that_is_not_registered() {
    fn unknown() {}
    let error = Process::new(unknown, ()).unwrap_err();
    assert!(error.to_string().contains("function!(") && error.to_string().contains("unknown"), "{error}");
}

fn join_with_timeout_and_sentinel() {
    let (here, there) = pipe().unwrap();
    let process = Process::spawn(echo, (there,)).unwrap();
    assert_eq!(process.join_timeout(Duration::from_millis(1)).unwrap(), None);
    let sentinel: Sentinel<'_> = process.sentinel().unwrap();
    assert!(wait(&[&here, &sentinel], Some(Duration::ZERO)).unwrap().is_empty());
    here.send_bytes(b"back").unwrap();
    assert_eq!(wait(&[&sentinel, &here], Some(DEADLINE)).unwrap(), [1]);
    assert_eq!(here.recv_bytes().unwrap(), b"back");
    drop(here);
    assert_eq!(wait(&[&sentinel], Some(DEADLINE)).unwrap(), [0]);
    assert_eq!(process.join_timeout(DEADLINE).unwrap(), Some(0));
}

fn a_daemon_ends_with_its_handle() {
    let mut process = Process::new(sleep_for_ever, ()).unwrap().daemon();
    process.start().unwrap();
    let pid = process.pid().unwrap();
    drop(process);
    assert!(!is_running(pid));
    let mut process = Process::new(nothing, ()).unwrap();
    process.start().unwrap();
    // Waited for, and reaped.
    drop(process);
}

fn a_child_ends_with_its_parent() {
    let (here, there) = pipe().unwrap();
    let process = Process::spawn(parent_that_dies, (there,)).unwrap();
    let grandchild: Option<u32> = here.recv().unwrap();
    assert_eq!(process.join().unwrap(), -9);
    eventually("the grandchild ends", || !is_running(grandchild.unwrap()));
}

fn what_a_killed_one_started_is_ended() {
    for start in [run_command, start_another] {
        let (here, there) = pipe().unwrap();
        let process = start(there);
        let pid = match here.recv::<Result<u32, String>>() {
            Ok(pid) => pid.unwrap(),
            Err(_) => panic!("no number arrived"),
        };
        assert!(is_running(pid));
        process.kill().unwrap();
        process.join().unwrap();
        eventually("what it started ends", || !is_running(pid));
    }
}

fn run_command(to: Connection) -> Process {
    Process::spawn(run_command_for_ever, (to,)).unwrap()
}

fn start_another(to: Connection) -> Process {
    // An option and a result without an error are encoded unlike, so this one is asked in its own way.
    let (here, there) = pipe().unwrap();
    let process = Process::spawn(start_and_wait, (there,)).unwrap();
    let pid: Option<u32> = here.recv().unwrap();
    to.send(&Ok::<u32, String>(pid.unwrap())).unwrap();
    process
}

fn a_connection_is_passed_on() {
    let (here, there) = pipe().unwrap();
    let (near, far) = pipe().unwrap();
    let process = Process::spawn(pass_on, (there,)).unwrap();
    here.send(&far).unwrap();
    drop(far);
    assert_eq!(near.recv::<String>().unwrap(), "hello from far away");
    assert!(matches!(near.recv::<String>(), Err(RecvError::Closed)));
    assert_eq!(process.join().unwrap(), 0);
}

fn a_message_from_one_that_is_killed() {
    let (here, there) = pipe().unwrap();
    let process = Process::spawn(echo, (there,)).unwrap();
    // More than goes into the pipe: it is killed in the middle of the answer.
    let sending = std::thread::scope(|scope| {
        let sending = scope.spawn(|| here.send_bytes(&vec![1; 16 << 20]));
        assert!(here.poll(Some(DEADLINE)).unwrap());
        process.kill().unwrap();
        process.join().unwrap();
        sending.join().unwrap()
    });
    assert!(sending.is_ok(), "it had received everything before it answered");
    let error = here.recv_bytes().unwrap_err();
    assert!(error.to_string().contains("closed inside a message"), "{error}");
}

fn without_init_there_is_an_error_and_no_fork_bomb() {
    // The example forgets the call when it is asked to.
    let output = examples::command("entry_point").arg("forgetful").env("FANLANE_MP", "").output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && errors.contains("has not called fanlane_mp::init"), "{errors}");
    let alone = std::process::Command::new(std::env::current_exe().unwrap())
        .args([mp::WORKER_ROLE, "call"])
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&alone.stderr);
    assert!(alone.status.code() == Some(2) && errors.contains("is started by its parent alone"), "{errors}");
}
