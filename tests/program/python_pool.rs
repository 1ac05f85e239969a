//! Calls that a running Python script asks for, from the side of the engine: what becomes of each, and that all of it is an
//! ordinary run, which ends with its script.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::start::{Ended, command, ended, run_in};

const CLIENT: &str = include_str!("../fixtures/pool_client.py");

/// What each script begins with.
const BEGIN: &str = "
import json, os, pickle, signal, sys, threading, time
from pool_client import Client

def cube(n): return n ** 3
def say(n): print('said', n); return n
def bad(n): raise ValueError(f'bad {n}')
def leave(n): sys.exit(n)
def quit_now(n): os._exit(n)
def die(n): os.kill(os.getpid(), 9)
def die_at(n): return die(n) if n == 5 else n
def lock(n): return threading.Lock()
class NeedsTwo(Exception):
    def __init__(self, a, b): super().__init__(f'{a} and {b}')
def odd(n): raise NeedsTwo(1, 2)

def main():
";

/// A script in `folder`, with `body` as its main function, to be started in a session of its own.
fn script(folder: &Path, body: &str) -> Command {
    fs::write(folder.join("pool_client.py"), CLIENT).expect("written");
    let body: String = body.lines().map(|line| format!("    {line}\n")).collect();
    let text = format!("{BEGIN}{body}\nif __name__ == '__main__': main()\n");
    fs::write(folder.join("train.py"), text).expect("written");
    let model = command(&[], folder);
    let mut script = Command::new("python3");
    script.arg("train.py").current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for (name, value) in model.get_envs() {
        match value {
            Some(value) => script.env(name, value),
            None => script.env_remove(name),
        };
    }
    script.env("PROGRAM", env!("CARGO_BIN_EXE_fanlane"));
    script
}

fn run_script(folder: &Path, body: &str) -> Ended {
    ended(script(folder, body).spawn().expect("Python can be started"))
}

#[test]
fn calls_of_a_script_end_each_in_its_own_way_and_are_an_ordinary_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let ran = run_script(
        folder.path(),
        "
c = Client()
calls = [c.call(f, 4) for f in (cube, say, bad, leave, quit_now, die, lock, odd)]
calls += [c.map(cube, list(range(2000))), c.map(die_at, list(range(9)))]
c.wait(lambda c: all(call in c.ends for call in calls))
for call in calls:
    status, value = c.results.get(call, (None, None))
    end = c.ends[call]
    if isinstance(value, list): value = (len(value), value[-1])
    if status == 1: value = (type(pickle.loads(value[0])).__name__ if value[0] else None, *value[1:3])
    if status == 2: value = value[0].split(':')[0]
    print(call, status, value, end if end == 'done' else end['kind'])
print(c.shown)
c.close()
print(c.told[-2])
",
    );
    assert_eq!(
        ran.out.lines().collect::<Vec<_>>(),
        [
            "1 0 64 done",
            "2 0 4 done",
            "3 1 ('ValueError', 'ValueError', 'bad 4') failed",
            "4 1 (None, 'SystemExit', '4') failed",
            "5 None None exited",
            "6 None None died",
            "7 2 TypeError(\"cannot pickle '_thread.lock' object\") failed",
            "8 1 (None, 'NeedsTwo', '1 and 2') failed",
            "9 0 (2000, 7988005999) done",
            "10 None None died",
            "['said 4\\n']",
            "('Z', '{\"cancelled\":0,\"done\":3,\"failed\":7,\"lost\":0,\"timed_out\":0}')",
        ],
        "{}",
        ran.err
    );
    let shown = run_in(&["show", "1"], folder.path());
    for words in ["train.py", "cube × 2000", "bad(4)", "2000 results", "ValueError: bad 4"] {
        assert!(shown.out.contains(words), "{words} in {}", shown.out);
    }
}
