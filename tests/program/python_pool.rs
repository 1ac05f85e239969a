//! Calls that a running Python script asks for, from the side of the engine: what becomes of each, and that all of it is an
//! ordinary run, which ends with its script.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use super::processes::wait_until;
use super::start::{Ended, command, ended, run_in};

const CLIENT: &str = include_str!("../fixtures/pool_client.py");

/// What each script begins with.
const BEGIN: &str = "
import json, os, pickle, signal, struct, sys, threading, time
from pool_client import Client

def cube(n): return n ** 3
def say(n): print('said', n); return n
def bad(n): raise ValueError(f'bad {n}')
def leave(n): sys.exit(n)
def quit_now(n): os._exit(n)
def die(n): os.kill(os.getpid(), 9)
def die_at(n): return die(n) if n == 5 else n
def lock(n): return threading.Lock()
def nap(secs): time.sleep(secs); return secs
def pid(n): return os.getpid()
def stuck(n): print('begun'); return sum(range(10 ** 12))
def deaf(n): signal.signal(signal.SIGTERM, signal.SIG_IGN); return stuck(n)
def refuse(): raise RuntimeError('no licence')
def quit_first(): os._exit(7)
def sown(array): array[0] = 7; return pickle.PickleBuffer(array)
class Array(bytearray):
    def __reduce_ex__(self, protocol): return Array, (pickle.PickleBuffer(self),)
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
# Ends come by another way than results and output.
has_all = lambda call: call in c.ends and (call in c.results or c.ends[call] != 'done' and c.ends[call]['kind'] != 'failed')
c.wait(lambda c: c.shown and all(map(has_all, calls)))
for call in calls:
    status, value = c.results.get(call, (None, None))
    end = c.ends[call]
    if isinstance(value, list): value = (len(value), value[-1])
    if status == 1: value = (type(pickle.loads(value[0])).__name__ if value[0] else None, *value[1:3])
    if status == 2: value = value[0].split(':')[0]
    print(call, status, value, end if end == 'done' else end['kind'])
print(c.shown)
c.close()
print(*[told for told in c.told if told[0] == 'Z'])
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
    let kept = ["show 1", "export 1 --format json"].map(|words| {
        let words: Vec<&str> = words.split(' ').collect();
        run_in(&words, folder.path()).out
    });
    for words in ["train.py", "cube × 2000", "bad(4)", "2000 results", "ValueError: bad 4"] {
        assert!(kept.concat().contains(words), "{words} in {kept:?}");
    }
}

#[test]
fn an_interpreter_that_cannot_be_used_a_recycled_one_and_one_with_threads_leave_no_call_without_an_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let ran = run_script(
        folder.path(),
        "
def ends(c, *calls):
    c.wait(lambda c: all(call in c.ends for call in calls))
    kinds = [end if end == 'done' else end['kind'] + ': ' + end['message'] for end in map(c.ends.get, calls)]
    c.close()
    return sorted(set(kinds))
for initializer in (refuse, quit_first):
    c = Client(workers=1, initializer=(initializer, ()))
    print(*ends(c, c.call(cube, 1), c.call(cube, 2)))
c = Client(workers=1, max_calls=1)
calls = [c.call(pid, n) for n in range(3)]
print(*ends(c, *calls), len({c.results[call][1] for call in calls}))
c = Client(workers=2, timeout_s=0.5, retries=1)
slow = c.call(deaf, 1)
print(*ends(c, *[c.call(nap, 0.01) for _ in range(9)]), '/', end=' ')
c.wait(lambda c: slow in c.ends)
print(c.ends[slow]['kind'], len(c.shown))
c = Client(workers=3, mode='threads')
calls = [c.call(stuck, 1), *[c.call(nap, n / 10) for n in range(5)]]
c.wait(lambda c: 'begun\\n' in c.shown)
c.send(b'X', calls[0].to_bytes(8, 'little'))
print(*ends(c, *calls))
",
    );
    assert_eq!(
        ran.out.lines().collect::<Vec<_>>(),
        [
            "cannot_start: the initializer failed: RuntimeError: no licence",
            "cannot_start: the interpreter ended with exit code 7 before the function could be called: see what its module does when \
             it is imported, and the initializer",
            "done 3",
            "done / timeout 2",
            "cancelled: it was cancelled done",
        ],
        "{}",
        ran.err
    );
}

#[test]
fn a_killed_script_takes_its_run_along_even_where_a_child_of_it_lives_on_and_no_other_way_of_running_it_is_offered() {
    let folder = tempfile::tempdir().expect("a folder");
    let ran = run_script(
        folder.path(),
        "
c = Client(workers=2)
c.call(nap, 600)
c.wait(lambda c: any(kind == 'N' for kind, _ in c.told))
first = c.call(pid, 1)
c.wait(lambda c: first in c.results)
if os.fork() == 0:
    # It holds all that the script had open, until this test reads on.
    print(c.process.pid, c.results[first][1], os.getpid(), flush=True)
    os.close(1); os.close(2)
    time.sleep(600)
os.kill(os.getpid(), 9)
",
    );
    let pids: Vec<i32> = ran.out.split_whitespace().map(|pid| pid.parse().expect("a number")).collect();
    let [host, interpreter, child] = pids[..] else { panic!("three processes: {ran:?}") };
    for pid in [host, interpreter] {
        let is_reaped = || test_kill_process(Pid::from_raw(pid).expect("a process")).is_err();
        wait_until(&format!("the end of process {pid}"), is_reaped);
    }
    let _ = kill_process(Pid::from_raw(child).expect("a process"), Signal::KILL);
    let words = "train.py while it runs, and are not kept; run the script itself again";
    for command in [&["rerun", "1"][..], &["resume", "1", "--background"], &["rerun", "1", "--dry-run"]] {
        let refused = run_in(command, folder.path());
        assert_eq!((refused.code, refused.err.contains(words)), (Some(2), true), "{command:?}: {}", refused.err);
    }
    let job = r#"Job(version: 1, task: Python(script: "train.py"), inputs: [Stdin])"#;
    fs::write(folder.path().join("job.ron"), job).expect("written");
    for command in [&["run", "job.ron"][..], &["run", "--dry-run", "job.ron"], &["add", "job.ron"]] {
        let refused = run_in(command, folder.path());
        assert!(refused.code != Some(0) && refused.err.contains(words), "{command:?}: {}", refused.err);
    }
    let shown = run_in(&["show", "1"], folder.path());
    assert!(shown.out.contains("not from here") && shown.out.contains("stopped"), "{}", shown.out);
}

#[test]
fn large_buffers_come_and_go_beside_their_pickles_and_a_call_may_write_into_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let ran = run_script(
        folder.path(),
        "
c = Client(workers=1)
array, buffers = Array(1 << 20), []
head = pickle.dumps((pickle.dumps(sown), 0, ((array,), {})), 5, buffer_callback=buffers.append)
payload = b'B\\0\\0\\0' + struct.pack('<IQQ', 1, len(head), 1 << 20) + head
payload += b'\\0' * (-len(payload) % 64) + buffers[0].raw()
for call in c.submit([payload] * 2, ['sown(array)'] * 2):
    c.wait(lambda c: call in c.results)
    value = bytes(c.results[call][1])
    print(c.results[call][0], len(value), value[0], value[-1])
c.close()
",
    );
    assert_eq!(ran.out, "0 1048576 7 0\n0 1048576 7 0\n", "{}", ran.err);
}

#[test]
fn a_watcher_that_comes_late_has_the_labels_of_all_calls() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut script = script(
        folder.path(),
        "
c = Client(name='my pool')
calls = [c.call(bad, n) for n in range(3)]
c.wait(lambda c: all(call in c.ends for call in calls) and any(kind == 'N' for kind, _ in c.told))
print('ready', flush=True)
sys.stdin.readline()
c.wait(lambda c: c.call(cube, 5) and True)
c.close()
",
    );
    let mut script = script.stdin(Stdio::piped()).spawn().expect("Python can be started");
    let mut out = BufReader::new(script.stdout.take().expect("it is piped"));
    let mut line = String::new();
    out.read_line(&mut line).expect("it says when");
    assert_eq!(line, "ready\n");
    // Its rows come behind the connection.
    let place = run_in(&["where", "1", "2"], folder.path());
    assert!(place.code == Some(1) && place.err.contains("task 2 has ended"), "{place:?}");
    let absent = run_in(&["window", "77"], folder.path());
    assert!(absent.code == Some(2) && absent.err.contains("no run 77"), "{absent:?}");
    let windowless = run_in(&["window", "1"], folder.path());
    assert!(windowless.code == Some(2) && windowless.err.contains("the run cannot be shown here"), "{windowless:?}");
    let mut attached = command(&["attach", "1", "--plain"], folder.path()).spawn().expect("started");
    let mut told = BufReader::new(attached.stderr.take().expect("it is piped"));
    let mut said = String::new();
    // The script goes on once this watcher is there.
    while !(said.contains("bad(0)") && said.contains("bad(2)")) {
        assert!(told.read_line(&mut said).expect("text") > 0, "{said}");
    }
    assert!(!said.contains("(bad("), "{said}");
    script.stdin.take().expect("it is piped").write_all(b"\n").expect("it reads");
    let attached = ended(attached);
    assert!(attached.out.contains("125"), "{attached:?}");
    assert!(ended(script).code == Some(0));
}
