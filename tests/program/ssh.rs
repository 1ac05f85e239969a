//! Tasks on hosts that are reached through ssh: two hosts of this machine, which are killed, cut off and short of disk.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Child;

use rustix::process::Signal;
use serde_json::Value;

use super::processes::{Running, signal, signal_if_there, wait_until};
use super::ssh_hosts::Hosts;
use super::start::{Ended, ended, run_in};
use fanlane_os::process_tree;

/// The lines of `--json` about tasks, by the task.
fn tasks(ended: &Ended) -> BTreeMap<u64, Value> {
    let lines = ended.out.lines().map(|line| serde_json::from_str::<Value>(line).expect(line));
    lines.filter_map(|line| Some((line.get("task")?.as_u64()?, line))).collect()
}

fn field<'a>(tasks: &'a BTreeMap<u64, Value>, name: &str) -> Vec<&'a Value> {
    tasks.values().map(|task| &task[name]).collect()
}

fn numbers(last: u32) -> Vec<String> {
    (1..=last).map(|number| number.to_string()).collect()
}

/// The words of a run with these inputs.
fn with_inputs<'a>(words: &[&'a str], inputs: &'a [String]) -> Vec<&'a str> {
    words.iter().copied().chain([":::"]).chain(inputs.iter().map(String::as_str)).collect()
}

/// Reads what the program says until a line has `part` in it; returns what was read.
fn read_until(child: &mut Child, part: &str) -> String {
    let mut said = String::new();
    let mut lines = BufReader::new(child.stderr.as_mut().expect("it is piped"));
    while !said.contains(part) {
        let read = lines.read_line(&mut said).expect("it can be read");
        assert!(read > 0, "it ended without '{part}': {said}");
    }
    said
}

/// The process of ssh that reaches a host, below this one.
fn login_of(program: u32, host: &str) -> Option<u32> {
    let is_login = |pid: &u32| {
        let words = process_tree::command_line(*pid);
        let words: Vec<&[u8]> = words.split(|byte| *byte == 0).collect();
        words.first() == Some(&&b"ssh"[..]) && words.contains(&host.as_bytes())
    };
    process_tree::descendants(program).into_iter().find(is_login)
}

#[test]
fn a_thousand_tasks_on_two_hosts_end_and_print_as_here() {
    let Some(hosts) = Hosts::start(&["ada", "grace"]) else { return };
    let line = "echo out {}; echo err {} >&2; [ $(({} % 97)) != 0 ] || kill -9 $$; exit $(({} % 5))";
    let inputs = numbers(1000);
    let there = hosts.run(&with_inputs(&["--json", "--joblog", "log", "-S", "2/ada,2/grace", line], &inputs));
    let here = run_in(&with_inputs(&["run", "--json", "-j4", line], &inputs), &hosts.work());
    assert_eq!((there.code, here.code), (Some(1), Some(1)), "{}", there.err);
    let (there, here) = (tasks(&there), tasks(&here));
    assert_eq!(there.len(), 1000);
    for name in ["outcome", "exit_code", "signal", "stdout", "stderr", "attempts", "input"] {
        assert!(field(&there, name) == field(&here, name), "{name}");
    }
    let names: BTreeSet<&str> = field(&there, "host").into_iter().filter_map(Value::as_str).collect();
    assert_eq!(names, ["ada", "grace"].into());
    assert!(here.values().all(|task| task.get("host").is_none()));
    // Times are of this machine's run, though another process has measured them.
    let starts = || field(&there, "start_secs").into_iter().filter_map(Value::as_f64);
    assert!(starts().all(|start| (0.0..1000.0).contains(&start)) && starts().any(|start| start > 0.0));
    let log = fs::read_to_string(hosts.work().join("log")).expect("a log");
    let logged: BTreeSet<&str> = log.lines().skip(1).filter_map(|line| line.split('\t').nth(1)).collect();
    assert_eq!(logged, names);
    ["ada", "grace"].iter().for_each(|name| hosts.wait_until_left(name));
}

#[test]
fn a_host_that_is_killed_costs_the_attempts_it_was_at_and_the_others_do_the_rest() {
    let Some(hosts) = Hosts::start(&["ada", "grace"]) else { return };
    let line = "touch began.{}; [ $HOST_NAME = ada ] || while [ ! -e never ]; do sleep 0.05; done";
    let inputs = numbers(30);
    let words = with_inputs(&["--json", "-S", "2/ada,2/grace", line], &inputs);
    let running = Running::start(hosts.command("run", &words));
    wait_until("grace to begin tasks", || {
        let names = fs::read_dir(hosts.home("grace")).expect("read").flatten();
        names.filter(|entry| entry.file_name().to_string_lossy().starts_with("began")).count() == 2
    });
    hosts.kill("grace");
    let ended = running.ended();
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.err.contains("host grace: "), "{}", ended.err);
    let tasks = tasks(&ended);
    assert_eq!(tasks.len(), 30);
    assert_eq!(field(&tasks, "host").into_iter().filter_map(Value::as_str).collect::<BTreeSet<_>>(), ["ada"].into());
    let again = field(&tasks, "attempts").into_iter().filter(|attempts| attempts.as_u64() == Some(2)).count();
    assert_eq!(again, 2);
    hosts.wait_until_left("grace");
    hosts.wait_until_left("ada");
}

#[test]
fn a_connection_that_is_cut_ends_what_ran_there_and_the_host_comes_back() {
    let Some(hosts) = Hosts::start(&["ada", "grace"]) else { return };
    let line = "touch began; while [ ! -e go ]; do sleep 0.02; done; echo $HOST_NAME";
    let inputs = numbers(8);
    let mut running = Running::start(hosts.command("run", &with_inputs(&["-S", "1/ada,1/grace", line], &inputs)));
    for name in ["ada", "grace"] {
        wait_until("a task to begin", || hosts.home(name).join("began").exists());
    }
    let before: BTreeSet<u32> = hosts.processes("ada").into_iter().collect();
    signal(login_of(running.pid(), "ada").expect("there is a login"), Signal::KILL);
    let said = read_until(running.child(), "host ada answers again");
    assert!(said.contains("host ada: "), "{said}");
    wait_until("what ran there to end", || hosts.processes("ada").iter().all(|pid| !before.contains(pid)));
    fs::remove_file(hosts.home("ada").join("began")).expect("it is there");
    wait_until("a task to begin there again", || hosts.home("ada").join("began").exists());
    ["ada", "grace"].iter().for_each(|name| hosts.put(name, "go", ""));
    let ended = running.ended();
    assert_eq!((ended.code, ended.out.lines().count()), (Some(0), 8), "{}", ended.err);
    assert!(ended.out.contains("ada") && ended.out.contains("grace"), "{}", ended.out);
}

#[test]
fn nothing_is_left_on_a_host_when_the_program_is_killed() {
    let Some(hosts) = Hosts::start(&["ada"]) else { return };
    let line = "touch began; setsid sleep 1000 & sleep 1000";
    let mut running = Running::start(hosts.command("run", &["-S", "2/ada", line, ":::", "a", "b"]));
    wait_until("a task to begin", || hosts.home("ada").join("began").exists());
    running.child().kill().expect("it runs");
    hosts.wait_until_left("ada");
}

#[test]
fn a_host_that_has_stopped_is_dead_by_its_heartbeat() {
    let Some(hosts) = Hosts::start(&["ada", "grace"]) else { return };
    let line = "touch began; while [ ! -e go ]; do sleep 0.05; done; : {}";
    let running = Running::start(hosts.command("run", &with_inputs(&["-S", "1/ada,1/grace", line], &numbers(6))));
    for name in ["ada", "grace"] {
        wait_until("a task to begin", || hosts.home(name).join("began").exists());
    }
    let stopped = hosts.processes("ada");
    stopped.iter().for_each(|pid| signal_if_there(*pid, Signal::STOP));
    // For grace, and for the workers of ada should it be reached again: those that are stopped do not see it.
    ["grace", "ada"].iter().for_each(|name| hosts.put(name, "go", ""));
    let ended = running.ended();
    // They go on, to end: their connection has.
    stopped.into_iter().for_each(|pid| signal_if_there(pid, Signal::CONT));
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.err.contains("has not answered for 10 seconds"), "{}", ended.err);
    hosts.wait_until_left("ada");
}

#[test]
fn hosts_that_refuse_are_named_before_anything_runs_and_those_that_do_not_answer_are_done_without() {
    let Some(hosts) = Hosts::start(&["ada", "grace"]) else { return };
    let line = "touch ran";
    // One does not answer: the run goes on without it.
    let ended = hosts.run(&["-S", "1/ada,1/nowhere", line, ":::", "a"]);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.err.contains("host nowhere: ") && ended.err.contains("Connection refused"), "{}", ended.err);
    fs::remove_file(hosts.home("ada").join("ran")).expect("it ran there");
    let none = hosts.run(&["-S", "nowhere", line, ":::", "a"]);
    assert!(none.code == Some(2) && none.err.contains("no host can be reached"), "{}", none.err);
    // Another host key, and no key.
    fs::copy(hosts.of("grace").join("etc/host_key.pub"), hosts.of("ada").join("known_hosts")).expect("copied");
    let known = fs::read_to_string(hosts.of("grace").join("known_hosts")).expect("read");
    let port = fs::read_to_string(hosts.of("ada").join("port")).expect("read");
    let key = known.split_once(' ').expect("a key").1;
    fs::write(hosts.of("ada").join("known_hosts"), format!("[127.0.0.1]:{} {key}", port.trim())).expect("written");
    fs::remove_file(hosts.of("grace").join("etc/authorized_keys")).expect("removed");
    let ended = hosts.run(&["-S", "1/ada,1/grace,1/:", line, ":::", "a", "b", "c"]);
    assert_eq!((ended.code, &*ended.out), (Some(2), ""), "{}", ended.err);
    assert!(ended.err.contains("ada: ") && ended.err.contains("Host key verification failed"), "{}", ended.err);
    assert!(ended.err.contains("grace: ") && ended.err.contains("Permission denied"), "{}", ended.err);
    let places = [hosts.home("ada"), hosts.home("grace"), hosts.work()];
    assert!(places.iter().all(|place| !place.join("ran").exists()));
}

#[test]
fn what_tasks_cannot_have_on_other_hosts_is_refused_by_name() {
    let Some(hosts) = Hosts::start(&["ada"]) else { return };
    fs::write(hosts.work().join("model.py"), "def f(x):\n    return x\n").expect("written");
    let cases: [(&[&str], &str); 4] = [
        (&["--mode", "threads", "true", ":::", "a"], "mode threads"),
        (&["--python", "model.py:f", ":::", "1"], "Python function"),
        (&["--memfree", "1G", "true", ":::", "a"], "--memfree"),
        (&["--engine", "local", "true", ":::", "a"], "-S"),
    ];
    for (words, part) in cases {
        let ended = hosts.run(&[&["-S", "ada"], words].concat());
        assert!(ended.code == Some(2) && ended.err.contains(part), "{words:?}: {}", ended.err);
    }
    assert_eq!(hosts.run(&["-S", "0/ada", "true", ":::", "a"]).code, Some(2));
}

#[test]
fn hosts_are_put_in_and_taken_out_while_the_run_goes_on() {
    let Some(hosts) = Hosts::start(&["ada", "grace"]) else { return };
    let list = |text: &str| {
        // As editors and daemons do it.
        fs::write(hosts.work().join("new"), text).expect("written");
        fs::rename(hosts.work().join("new"), hosts.work().join("hosts")).expect("renamed");
    };
    list("# the first\n1/ada\n");
    let line = "touch began; while [ ! -e go ]; do sleep 0.02; done; echo $HOST_NAME";
    let running = Running::start(hosts.command("run", &with_inputs(&["--slf", "hosts", line], &numbers(6))));
    wait_until("a task to begin", || hosts.home("ada").join("began").exists());
    list("1/grace\n");
    wait_until("a task to begin on the other", || hosts.home("grace").join("began").exists());
    ["ada", "grace"].iter().for_each(|name| hosts.put(name, "go", ""));
    let ended = running.ended();
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let on = |name: &str| ended.out.lines().filter(|line| line.starts_with(name)).count();
    assert_eq!((on("ada"), on("grace")), (1, 5), "{}{}", ended.out, ended.err);
}

#[test]
fn hosts_are_checked_all_at_once_and_say_what_they_are() {
    let Some(hosts) = Hosts::without_agents(&["ada"]) else { return };
    let words = ["-S", "3/ada,nowhere,:", "--json"];
    let ended = ended(hosts.command("hosts check", &words).spawn().expect("started"));
    assert_eq!(ended.code, Some(1), "{}", ended.err);
    let lines: Vec<Value> = ended.out.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    assert_eq!(lines.len(), 3);
    let ada = &lines[0];
    assert_eq!((&ada["host"], &ada["usable"], &ada["slots"]), (&"ada".into(), &true.into(), &3.into()));
    assert_eq!(ada["path"], "/usr/local/bin:/usr/bin:/bin");
    assert_eq!(ada["home"], hosts.home("ada").to_str().expect("text"));
    assert!(ada["cores"].as_u64() >= Some(1) && ada["free_disk_bytes"].as_u64() > Some(0), "{ada}");
    assert!(lines[1]["usable"] == false && lines[1]["reason"].as_str().is_some_and(|words| words.contains("refused")));
    assert_eq!(lines[2]["usable"], true);
    hosts.wait_until_left("ada");
    // The program was put there, once, under a name with its version.
    let agents: Vec<_> = fs::read_dir(hosts.home("ada").join(".cache/fanlane")).expect("read").flatten().collect();
    assert_eq!(agents.len(), 1);
    let name = agents[0].file_name().to_string_lossy().into_owned();
    assert!(name.starts_with(concat!("agent-", env!("CARGO_PKG_VERSION"), "-")), "{name}");
}

#[test]
fn a_detached_run_holds_the_connections_and_is_watched_and_stopped_as_any() {
    let Some(hosts) = Hosts::start(&["ada"]) else { return };
    let line = "touch began; while [ ! -e go ]; do sleep 0.02; done; echo $HOST_NAME {}";
    let started = hosts.run(&["--background", "-S", "2/ada", line, ":::", "a", "b", "c"]);
    assert_eq!(started.code, Some(0), "{}", started.err);
    let number = started.out.trim().to_owned();
    wait_until("a task to begin", || hosts.home("ada").join("began").exists());
    hosts.put("ada", "go", "");
    let watched = run_in(&["attach", &number], &hosts.work());
    // It may have ended before it was found.
    assert!(watched.code == Some(0) || watched.err.contains("has ended"), "{}", watched.err);
    wait_until("the run to end", || run_in(&["show", &number], &hosts.work()).out.contains("3 done"));
    hosts.wait_until_left("ada");
}

#[test]
fn an_output_that_is_too_long_for_memory_comes_back_whole() {
    let Some(hosts) = Hosts::start(&["ada"]) else { return };
    let ended = hosts.run(&["-S", "1/ada", "seq {}", ":::", "400000"]);
    let expected: String = (1..=400_000).map(|number| format!("{number}\n")).collect();
    assert!(ended.code == Some(0) && ended.out == expected, "{} bytes: {}", ended.out.len(), ended.err);
    let left = fs::read_dir(hosts.home("ada")).expect("read").flatten().map(|entry| entry.file_name());
    assert_eq!(left.filter(|name| name != ".cache").count(), 0);
}
