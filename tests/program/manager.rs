//! Shared objects and progress from outside: shell scripts as tasks, servers as processes, holders that are killed.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use fanlane_mp::manager::{Address, Client, ClientOptions, Key};
use rustix::process::{Pid, Signal, kill_process};

use super::processes::wait;
use super::start::{DEADLINE, Ended, command, run_in};

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).expect("it can be written");
}

/// A job whose tasks find the program as `$F`.
fn run_job(folder: &Path, job: &str, words: &[&str]) -> Ended {
    write(folder, "job.ron", job);
    let program = env!("CARGO_BIN_EXE_fanlane");
    let variable = format!("F={program}");
    run_in(&[&["run", "job.ron", "--env", &variable][..], words].concat(), folder)
}

#[test]
fn tasks_of_a_shell_share_what_their_job_declares() {
    let folder = tempfile::tempdir().unwrap();
    let job = r#"Job(version: 1, inputs: [List(["a", "b", "a", "c", "b", "a"])], workers: 2,
        task: Command("\"$F\" manager add seen {} && \"$F\" manager incr count >/dev/null && \"$F\" manager append order {}; \
                       \"$F\" manager with gate -- \"$F\" manager incr turns --key n >/dev/null"),
        shared: {"seen": Set, "count": Value(0), "order": List, "gate": Lock, "turns": DictOf({"n": 100})})"#;
    let ended = run_job(folder.path(), job, &["--json"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let lines: Vec<&str> = ended.out.lines().collect();
    assert!(lines[7].starts_with("{\"summary\":"), "the summary is last: {}", lines[7]);
    let shared: serde_json::Value = serde_json::from_str(lines[6]).unwrap();
    let content = |name: &str| shared["shared"][name]["content"].clone();
    assert_eq!(content("seen"), serde_json::json!(["a", "b", "c"]));
    assert_eq!((content("count"), content("turns")), (3.into(), serde_json::json!({"n": 106})));
    assert_eq!((content("gate"), &shared["shared"]["order"]["length"]), (false.into(), &3.into()));
    assert!(ended.err.contains("shared count: 3\n") && ended.err.contains("shared gate: false\n"), "{}", ended.err);
}

#[test]
fn the_manager_of_a_run_is_private_and_goes_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let job = r#"Job(version: 1, inputs: [], shared: {"v": Value("x y")}, task: Command("\
        \"$F\" manager get v; echo $FANLANE_MANAGER; stat -c %a ${FANLANE_MANAGER#unix:} $(dirname ${FANLANE_MANAGER#unix:}); \
        FANLANE_MANAGER_KEY=0123456789abcdef \"$F\" manager get v; echo $?; \
        \"$F\" manager get w; \"$F\" manager get v k; \"$F\" manager call v add 1; echo $?"))"#;
    let ended = run_job(folder.path(), job, &[]);
    let lines: Vec<&str> = ended.out.lines().collect();
    assert_eq!((lines[0], &lines[2..]), ("x y", &["600", "700", "2", "2"][..]), "{ended:?}");
    for words in
        ["has another key", "no object called 'w'; there are: v", "1 arguments too many", "nothing can be added"]
    {
        assert!(ended.err.contains(words), "{words}: {}", ended.err);
    }
    let socket = Path::new(lines[1].strip_prefix("unix:").expect("a socket"));
    assert!(!socket.parent().unwrap().exists(), "the run has taken its folder away");
}

#[test]
fn what_a_job_declares_wrongly_is_told_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    for (shared, words) in [
        ("{\"gate\": Barrier(0)}", "job.ron:3:17: shared: gate: Barrier: the number of parties is 0"),
        ("{\"seen\": Sett}", "job.ron:3:26: "),
    ] {
        let job = format!("Job(version: 1, inputs: [],\n task: Command(\"true\"),\n        shared: {shared})");
        let ended = run_job(folder.path(), &job, &[]);
        assert_eq!(ended.code, Some(2));
        assert!(ended.err.contains(words), "{words}: {}", ended.err);
    }
}

#[test]
fn progress_is_reported_from_tasks_and_ignored_outside() {
    let folder = tempfile::tempdir().unwrap();
    let job = r#"Job(version: 1, inputs: [List(["a"])], task: Command("\
        i=0; while [ ! -e seen ]; do \"$F\" progress 0.25 at step {}; i=$((i+1)); sleep 0.05; done"))"#;
    write(folder.path(), "job.ron", job);
    let record = folder.path().join("record");
    let variable = format!("F={}", env!("CARGO_BIN_EXE_fanlane"));
    let mut run =
        command(&["run", "job.ron", "--env", &variable, "--record", "record"], folder.path()).spawn().unwrap();
    let begun = Instant::now();
    let told = || std::fs::read_to_string(&record).unwrap_or_default().contains("ProgressReported");
    while !told() {
        assert!(begun.elapsed() < DEADLINE, "no progress was told");
        std::thread::sleep(Duration::from_millis(5));
    }
    write(folder.path(), "seen", "");
    assert!(wait(&mut run).success());
    let lines = std::fs::read_to_string(&record).unwrap();
    let line = lines.lines().find(|line| line.contains("ProgressReported")).unwrap();
    assert!(
        line.contains("{\"worker\":1,\"sent_ns\":") && line.contains("\"fraction\":0.25,\"message\":\"at step a\""),
        "{line}"
    );

    let outside = run_in(&["progress", "40%", "x"], folder.path());
    assert_eq!((outside.code, outside.err.contains("FANLANE_PROGRESS is not set")), (Some(0), true), "{outside:?}");
    let wrong = run_in(&["progress", "1.5"], folder.path());
    assert_eq!((wrong.code, wrong.err.contains("from 0 to 1")), (Some(2), true), "{wrong:?}");
    assert_eq!(run_in(&["progress"], folder.path()).code, Some(2));
    assert!(run_in(&["progress", "--help"], folder.path()).out.contains("MESSAGE"));
    let gone = command(&["progress", "0.1"], folder.path()).env("FANLANE_PROGRESS", "fanlane-gone/1").output().unwrap();
    assert_eq!(gone.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&gone.stderr).contains("could not be delivered to the run"));
}

#[test]
fn a_server_serves_a_command_and_ends_with_its_exit_status() {
    let folder = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_fanlane");
    let script = format!(
        "F={program}; $F manager put --text todo a b && $F manager take todo && $F manager set n 7 && $F manager get n \
         && $F manager create d=Dict && $F manager set d k '[1]' && $F manager get d k && $F manager contains d k \
         && ! $F manager contains d x && $F manager delete d && $F manager list && ! $F manager take none --timeout 0; exit 7"
    );
    let words = ["manager", "serve", "todo=Queue", "n=Value(0)", "none=Queue", "--", "sh", "-c", &script];
    let ended = run_in(&words, folder.path());
    assert_eq!(ended.code, Some(7), "{ended:?}");
    assert_eq!(ended.out, "a\n7\n[1]\nn\tValue\t7\nnone\tQueue of 0\t[]\ntodo\tQueue of 1\t[\"b\"]\n", "{}", ended.err);
    assert!(ended.err.contains("the queue is empty"), "{}", ended.err);
    for (words, complaint) in [
        (&["manager", "serve", "n", "--", "true"][..], "NAME=KIND"),
        (&["manager", "serve", "n=Tree", "--", "true"], "no kind of shared object"),
        (&["manager", "list"], "FANLANE_MANAGER is not set"),
        (&["manager", "serve", "--listen", "nowhere"], "is no address"),
    ] {
        let ended = run_in(words, folder.path());
        assert_eq!((ended.code, ended.err.contains(complaint)), (Some(2), true), "{words:?}: {ended:?}");
    }
}

/// A server as a process of its own, and how its clients find it.
fn serve(folder: &Path, words: &[&str]) -> (Child, Vec<String>) {
    let mut server = command(&[&["manager", "serve"][..], words].concat(), folder).spawn().unwrap();
    let out = BufReader::new(server.stdout.take().unwrap());
    let mut lines = Vec::new();
    for line in out.lines() {
        lines.push(line.unwrap());
        if lines.last().unwrap().starts_with("FANLANE_MANAGER_KEY_FILE=") {
            break;
        }
    }
    (server, lines)
}

#[test]
fn a_killed_holder_frees_the_lock_and_a_remote_client_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (mut server, lines) = serve(folder.path(), &["--listen", "127.0.0.1:0", "gate=Lock", "held=Event"]);
    let address: Address = lines[0].strip_prefix("FANLANE_MANAGER=").unwrap().parse().unwrap();
    let key_file = lines[1].strip_prefix("FANLANE_MANAGER_KEY_FILE=").unwrap();
    let key = Key::from_file(Path::new(key_file)).unwrap();
    let client = Client::connect(address.clone(), key, ClientOptions::default()).unwrap();
    let holding = format!("{} manager call held set; exec sleep 600", env!("CARGO_BIN_EXE_fanlane"));
    let mut holder = command(&["manager", "with", "gate", "--", "sh", "-c", &holding], folder.path())
        .env("FANLANE_MANAGER", address.to_string())
        .env("FANLANE_MANAGER_KEY_FILE", key_file)
        .spawn()
        .unwrap();
    assert!(client.event("held").unwrap().wait(Some(DEADLINE)).unwrap());
    let lock = client.lock("gate").unwrap();
    assert!(lock.acquire_within(Duration::ZERO).unwrap().is_none());
    let commands = fanlane_os::process_tree::descendants(holder.id());
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert!(lock.acquire_within(DEADLINE).unwrap().expect("it is free").owner_died());
    for pid in commands {
        let _ = kill_process(Pid::from_raw(pid.try_into().unwrap()).unwrap(), Signal::KILL);
    }
    client.stop_server().unwrap();
    assert!(wait(&mut server).success());
    assert!(!Path::new(key_file).parent().unwrap().exists());
}

#[test]
fn a_signal_ends_a_server_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (mut server, lines) = serve(folder.path(), &["--socket", "private/manager"]);
    let socket = folder.path().join("private/manager");
    assert_eq!(lines[0], format!("FANLANE_MANAGER=unix:{}", socket.display()));
    kill_process(Pid::from_child(&server), Signal::TERM).unwrap();
    assert_eq!(wait(&mut server).code(), Some(130));
    let mut said = String::new();
    server.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(!socket.exists() && said.is_empty(), "{said}");
}

#[test]
fn what_a_killed_server_has_left_is_removed_by_the_next_one() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("t");
    std::fs::create_dir(&place).unwrap();
    let left = || std::fs::read_dir(&place).unwrap().count();
    let start = || {
        let mut server = command(&["manager", "serve"], folder.path()).env("TMPDIR", &place).spawn().unwrap();
        let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
        let address = lines.next().unwrap().unwrap();
        (server, address.strip_prefix("FANLANE_MANAGER=unix:").unwrap().to_owned())
    };
    let (mut killed, first) = start();
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert!(Path::new(&first).exists() && left() == 1, "no process was left to remove it");
    let (mut server, second) = start();
    assert!(!Path::new(&first).exists() && Path::new(&second).exists() && left() == 1);
    // A live server keeps its folder.
    let ended = command(&["manager", "serve", "--", "true"], folder.path()).env("TMPDIR", &place).status().unwrap();
    assert!(ended.success() && Path::new(&second).exists() && left() == 1);
    kill_process(Pid::from_child(&server), Signal::TERM).unwrap();
    assert_eq!((wait(&mut server).code(), left()), (Some(130), 0));
}

#[test]
fn what_finds_no_room_is_told_with_the_flag_that_makes_room() {
    let folder = tempfile::tempdir().unwrap();
    let job = r#"Job(version: 1, inputs: [], shared: {"v": List}, shared_bytes: 2000,
        task: Command("\"$F\" manager append v x$(printf %03000d 0); echo $?"))"#;
    let ended = run_job(folder.path(), job, &[]);
    assert_eq!(ended.out, "2\n");
    assert!(ended.err.contains("may hold 2000") && ended.err.contains("--shared-bytes SIZE"), "{ended:?}");
    let ended = run_job(folder.path(), job, &["--shared-bytes", "1M"]);
    assert_eq!(ended.out, "0\n", "{ended:?}");
    let words = ["manager", "serve", "--max-bytes", "2k", "v=List", "--", "sh", "-c"];
    let script = format!("{} manager append v x$(printf %03000d 0)", env!("CARGO_BIN_EXE_fanlane"));
    let ended = run_in(&[&words[..], &[&script]].concat(), folder.path());
    assert!(ended.code == Some(2) && ended.err.contains("manager serve --max-bytes SIZE"), "{ended:?}");
}

#[test]
fn a_killed_run_leaves_no_manager_behind() {
    let folder = tempfile::tempdir().unwrap();
    let job = r#"Job(version: 1, inputs: [], shared: {"v": List},
        task: Command("echo ${FANLANE_MANAGER#unix:} > address.tmp; mv address.tmp address; exec sleep 600"))"#;
    write(folder.path(), "job.ron", job);
    let mut run = command(&["run", "job.ron"], folder.path()).spawn().unwrap();
    let begun = Instant::now();
    let address = loop {
        if let Ok(address) = std::fs::read_to_string(folder.path().join("address")) {
            break address;
        }
        assert!(begun.elapsed() < DEADLINE, "the task never began");
        std::thread::sleep(Duration::from_millis(5));
    };
    let socket = Path::new(address.trim()).to_owned();
    assert!(socket.exists());
    run.kill().unwrap();
    run.wait().unwrap();
    let begun = Instant::now();
    while socket.parent().unwrap().exists() {
        assert!(begun.elapsed() < DEADLINE, "its workers have not taken it away");
        std::thread::sleep(Duration::from_millis(5));
    }
}
