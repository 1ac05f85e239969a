//! Python functions as tasks, in real interpreters: their values, their output, and what becomes of calls that end badly.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use super::start::{DEADLINE, Ended, command, run_in};

/// The functions that the tests call.
const MODEL: &str = r#"
import os, signal, sys, threading, time

started = None

def setup():
    global started
    started = "set up"

def setup_raises(): raise RuntimeError("no licence")
def setup_exits(): os._exit(7)
def setup_crashes(): os.kill(os.getpid(), signal.SIGSEGV)

def state(n): return started
def cube(n): return n ** 3
def add(a, b=1, *, c=0): return a + b + c
def named(**columns): return sorted(columns.items())
def shown(value): return f"{type(value).__name__} {value!r}"

def say(n):
    print("said", n)
    print("told", n, file=sys.stderr)
    os.system(f"echo child {n}")

def say_in_c(n):
    import ctypes
    ctypes.CDLL(None).printf(b"from C %d\n", n)

def loud(n):
    if n == 2:
        time.sleep(0.5)
        os.system("seq 200000")

def rarely(n):
    if n % 100 == 50: print("said", n)
    return n

def noted(n):
    with open("called", "a") as file: file.write(f"{n}\n")
    if n == 150: time.sleep(600)

def endless(n):
    while True:
        print("x" * 1000)

class NeedsTwo(Exception):
    def __init__(self, a, b):
        super().__init__(f"{a} and {b}")

def ends_badly(how):
    if how == "raise": raise NeedsTwo(1, 2)
    if how == "exit": sys.exit(3)
    if how == "interrupt": raise KeyboardInterrupt
    if how == "leave": os._exit(4)
    if how == "leave with 0": os._exit(0)
    if how == "fork":
        if os.fork() == 0: return "the child"
        os.wait()
    if how == "kill": os.kill(os.getpid(), signal.SIGKILL)
    if how == "hold":
        lock = threading.Lock()
        lock.acquire()
        os.kill(os.getpid(), signal.SIGSEGV)
    return how

def odd(n): return [lambda: 1, threading.Lock(), b"\xff", 10 ** 40, None, True, (1, [2]), "x" * 100_000][n]

def deaf(n):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("begun", os.getpid(), flush=True)
    if n: sum(range(10 ** 12))
    return n

def nap(secs):
    time.sleep(secs)
    return secs

def pid(n): return os.getpid()
def variable(name): return os.environ.get(name)
def arguments(n): return [os.path.basename(sys.argv[0]), __name__]

def pool(n):
    import multiprocessing
    with multiprocessing.get_context("spawn").Pool(2) as inner:
        return inner.map(cube, range(n))

def told(n):
    import fanlane
    fanlane.progress(0.5, "half")
    fanlane.logger().info("logged")
    task = fanlane.task()
    return [task.number, task.attempt, task.lane]
"#;

/// A folder with `model.py`.
pub fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("model.py"), MODEL).expect("written");
    folder
}

pub fn run(folder: &Path, words: &[&str]) -> Ended {
    run_in(&[&["run"], words].concat(), folder)
}

pub fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

/// Functions of which less can be known before they are called.
const LATER: &str = "
async def co(n): return n
def lazy(n): yield n
try:
    def either(a, b): return a + b
    import sys
except ImportError:
    def either(a): return a
";

#[test]
fn values_become_arguments_by_the_rule_that_is_asked_for() {
    let folder = folder();
    fs::write(folder.path().join("t.csv"), "b,a\n1,x\n").expect("written");
    let cases: [(&[&str], &[&str]); 9] = [
        (&["model.py:cube", ":::", "2", "3"], &["27", "8"]),
        (&["model:cube", ":::", "-2"], &["-8"]),
        (&["model.py:add", ":::", "1", "2", ":::", "10", "20"], &["11", "12", "21", "22"]),
        (&["model.py:named", "--csv", "t.csv"], &["[('a', 'x'), ('b', 1)]"]),
        (
            &["model.py:shown", ":::", "1", "007", "1e5", "true", "null", "a b", "[1]"],
            &["NoneType None", "bool True", "float 100000.0", "int 1", "str '007'", "str '[1]'", "str 'a b'"],
        ),
        (&["model.py:shown", "--python-args", "str", ":::", "1"], &["str '1'"]),
        (&["model.py:shown", "--python-args", "literal", ":::", "(1, 'a')"], &["tuple (1, 'a')"]),
        (&["model.py:shown", "--python-args", "json", ":::", "{\"a\": [1]}"], &["dict {'a': [1]}"]),
        (&["model.py:state", "--initializer", "setup", ":::", "1"], &["set up"]),
    ];
    for (words, lines) in cases {
        let ended = run(folder.path(), &[&["-j", "2", "--python"], words].concat());
        assert_eq!((ended.code, sorted(&ended.out)), (Some(0), lines.to_vec()), "{words:?} {ended:?}");
    }
    let wrong = run(folder.path(), &["--python", "model.py:shown", "--python-args", "json", ":::", "[1"]);
    assert!(wrong.err.contains("task 1 failed: ValueError: the value '[1' is no JSON"), "{wrong:?}");
}

#[test]
fn what_is_wrong_is_told_before_anything_runs() {
    let folder = folder();
    fs::write(folder.path().join("torn.py"), "import os\ndef f(x:\n").expect("written");
    fs::write(folder.path().join("prints.py"), "print('ran')\ndef f(x): pass\n").expect("written");
    fs::write(folder.path().join("later.py"), LATER).expect("written");
    let cases: [(&[&str], &str); 16] = [
        (&["later.py:co", ":::", "1"], "co(n) is async: a call of it would make a coroutine"),
        (&["model.py", ":::", "1"], "write FILE.py:FUNCTION or MODULE:FUNCTION"),
        (&["gone.py:f", ":::", "1"], "there is no file"),
        (&["gone.mod:f", ":::", "1"], "there is no module gone"),
        (&["model.py:cubee", ":::", "1"], "did you mean cube?"),
        (&["torn.py:f", ":::", "1"], "torn.py, line 2: SyntaxError"),
        (&["model.py:cube", ":::", "1", ":::", "2"], "cube(n) takes 1 value at most, and the inputs give 2 values"),
        (&["prints.py:f", "--max-args", "0", ":::", "1"], "f(x) needs 1 argument, and the inputs give 0 values"),
        (&["model.py:cube", "--initializer", "cube", ":::", "1"], "cube(n) needs 1 argument"),
        (&["model.py:cube", "--interpreter", "gone", ":::", "1"], "there is no interpreter gone"),
        (&["model.py:cube", "--interpreter", "/bin/false", ":::", "1"], "/bin/false (named by the job) cannot be used"),
        (&["model.py:cube", "--max-calls", "0", ":::", "1"], "max_calls is 0"),
        (
            &["model.py:cube", "--env", "A=1", ":::", "1"],
            "environment: the calls of a Python function share an interpreter",
        ),
        (&["model.py:cube", "--stdin-text", "a", ":::", "1"], "stdin: the calls of a Python function"),
        (&["model.py:cube", "--limit-cpu", "5", ":::", "1"], "use a timeout"),
        (&["model.py:cube", "1"], "the values of a Python function stand behind ':::'"),
    ];
    for (words, why) in cases {
        let ended = run(folder.path(), &[&["--python"], words].concat());
        assert_eq!((ended.code, &*ended.out), (Some(2), ""), "{words:?} {ended:?}");
        assert!(ended.err.contains(why), "{words:?} {ended:?}");
    }
    // Which definition counts is known once the module is imported.
    let either = run(folder.path(), &["--python", "later.py:either", ":::", "1", ":::", "2"]);
    assert_eq!((either.code, &*either.out), (Some(0), "3\n"), "{either:?}");
    let lazy = run(folder.path(), &["--python", "later.py:lazy", ":::", "1"]);
    assert!(lazy.code == Some(1) && lazy.err.contains("return a list of what it yields"), "{lazy:?}");
    let named = run(folder.path(), &["--interpreter", "python3", "echo", ":::", "1"]);
    assert!(named.code == Some(2) && named.err.contains("this job calls none"), "{named:?}");
    let history = run_in(&["history", "--json"], folder.path());
    assert!(!history.out.contains("cube"), "nothing is recorded: {history:?}");
}

#[test]
fn each_bad_end_is_that_of_its_call_alone() {
    let folder = folder();
    let ways = ["raise", "exit", "interrupt", "leave", "leave with 0", "kill", "hold"];
    // The child that a call forks, and that returns from it, answers nothing.
    let others: Vec<String> =
        (0..20).map(|number| if number == 7 { "fork".to_owned() } else { format!("fine {number}") }).collect();
    let words: Vec<&str> = ["-j", "2", "-k", "--python", "model.py:ends_badly", ":::"]
        .into_iter()
        .chain(ways)
        .chain(others.iter().map(String::as_str))
        .collect();
    let ended = run(folder.path(), &words);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!(ended.out.lines().collect::<Vec<_>>(), others, "{ended:?}");
    for why in [
        "task 1 failed: model.NeedsTwo: 1 and 2: ends_badly(\"raise\")",
        "in ends_badly\n    if how == \"raise\": raise NeedsTwo(1, 2)\n",
        "task 2 failed: SystemExit: 3",
        "task 3 failed: KeyboardInterrupt",
        "task 4 failed: exit code 4",
        "task 5 failed: the interpreter ended, with exit code 0, before the function returned",
        "task 6 failed: ended by SIGKILL",
        "task 7 failed: ended by SIGSEGV",
    ] {
        assert!(ended.err.contains(why), "{why}: {ended:?}");
    }
    assert!(!ended.err.contains("<fanlane>"), "only the user's lines: {ended:?}");
}

#[test]
fn an_initializer_or_module_that_fails_is_a_plain_outcome_of_each_task() {
    let folder = folder();
    fs::write(folder.path().join("broken.py"), "raise RuntimeError('no licence')\ndef f(x): pass\n").expect("written");
    let cases: [(&[&str], &str); 4] = [
        (
            &["model.py:cube", "--initializer", "setup_raises"],
            "the initializer setup_raises failed: RuntimeError: no licence",
        ),
        (&["model.py:cube", "--initializer", "setup_exits"], "the interpreter ended with exit code 7 before"),
        (&["model.py:cube", "--initializer", "setup_crashes"], "the interpreter was ended by SIGSEGV before"),
        (&["broken.py:f"], "broken.py cannot be imported: RuntimeError: no licence"),
    ];
    for (words, why) in cases {
        let ended =
            run(folder.path(), &[&["-j", "2", "--python"], words, &[":::", "1", "2", "3", "4", "5", "6"]].concat());
        assert_eq!(ended.code, Some(1), "{words:?} {ended:?}");
        assert!(ended.err.contains(why) && ended.err.contains("0 done, 6 failed"), "{words:?} {ended:?}");
    }
}

#[test]
fn a_result_that_is_no_plain_value_is_shown_and_is_json_where_it_can_be() {
    let folder = folder();
    let words = ["--json", "-k", "-j", "1", "--python", "model.py:odd", ":::", "0", "1", "2", "3", "4", "5", "6", "7"];
    let ended = run(folder.path(), &words);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let value = |task: usize| {
        let line: serde_json::Value = serde_json::from_str(ended.out.lines().nth(task).expect("a line")).expect("JSON");
        line["value"].clone()
    };
    assert!(value(0).as_str().is_some_and(|text| text.starts_with("<function odd.<locals>")), "{ended:?}");
    assert!(value(1).as_str().is_some_and(|text| text.contains("lock")), "{ended:?}");
    assert_eq!(value(3), "1".to_owned() + &"0".repeat(40));
    let expected = [serde_json::Value::Null, true.into(), serde_json::json!([1, [2]]), "x".repeat(100_000).into()];
    assert_eq!((4..8).map(value).collect::<Vec<_>>(), expected);
}

#[test]
fn a_timeout_ends_one_call_and_not_the_import_of_its_module() {
    let folder = folder();
    let slow = format!("import time\ntime.sleep(0.8)\n{MODEL}");
    fs::write(folder.path().join("slow.py"), slow).expect("written");
    let words = ["-j", "2", "--timeout", "0.5", "--python", "slow.py:deaf", ":::", "0", "1", "0", "0", "0"];
    let ended = run(folder.path(), &words);
    assert!(ended.err.contains("task 2 timed out") && ended.err.contains("4 done, 0 failed, 1 timed out"), "{ended:?}");
    let words =
        ["-j", "2", "--mode", "threads", "--timeout", "0.5", "--python", "model.py:nap", ":::", "0.1", "60", "0.1"];
    let ended = run(folder.path(), &words);
    assert!(ended.err.contains("task 2 timed out") && ended.err.contains("2 done, 0 failed, 1 timed out"), "{ended:?}");
}

#[test]
fn a_timeout_as_short_as_a_batch_calls_nothing_twice() {
    let folder = folder();
    let numbers: Vec<String> = (1..=300).map(|number| number.to_string()).collect();
    let words = ["-j", "1", "--timeout", "0.005", "--python", "model.py:noted", ":::"];
    let ended = run(folder.path(), &words.into_iter().chain(numbers.iter().map(String::as_str)).collect::<Vec<_>>());
    assert!(ended.err.contains("task 150 timed out"), "{ended:?}");
    let called = fs::read_to_string(folder.path().join("called")).expect("they were called");
    let mut called: Vec<u32> = called.lines().map(|line| line.parse().expect("a number")).collect();
    called.sort_unstable();
    assert!(called.windows(2).all(|pair| pair[0] < pair[1]), "twice: {called:?} {:?}", ended.err);
    assert!(called.len() > 100, "{} were called: {:?}", called.len(), ended.err);
}

#[test]
fn an_interrupt_leaves_nothing() {
    let folder = folder();
    let words = ["run", "--line-buffer", "-j", "2", "--python", "model.py:deaf", ":::", "1", "2"];
    let mut child = command(&words, folder.path()).spawn().expect("started");
    let mut out = BufReader::new(child.stdout.take().expect("it is piped"));
    let pids: Vec<Pid> = (0..2)
        .map(|_| {
            let mut line = String::new();
            out.read_line(&mut line).expect("a line");
            let pid = line.trim().strip_prefix("begun ").and_then(|pid| pid.parse().ok());
            pid.and_then(Pid::from_raw).unwrap_or_else(|| panic!("no process: {line:?}"))
        })
        .collect();
    kill_process(Pid::from_child(&child), Signal::INT).expect("it is there");
    let until = Instant::now() + DEADLINE;
    while child.try_wait().expect("it can be waited for").is_none() {
        assert!(Instant::now() < until, "it goes on");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(pids.into_iter().all(|pid| test_kill_process(pid).is_err()), "an interpreter is left");
}

#[test]
fn an_interpreter_is_replaced_after_its_number_of_calls() {
    let folder = folder();
    let ended = run(
        folder.path(),
        &["-j", "1", "-k", "--max-calls", "2", "--python", "model.py:pid", ":::", "1", "2", "3", "4", "5"],
    );
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let mut pids: Vec<&str> = ended.out.lines().collect();
    assert_eq!((pids.len(), pids[0] == pids[1], pids[2] == pids[3]), (5, true, true), "{ended:?}");
    pids.dedup();
    assert_eq!(pids.len(), 3, "{ended:?}");
}

#[test]
fn the_surroundings_are_those_of_a_script() {
    let folder = folder();
    let words = ["run", "-j", "2", "--python", "model.py:variable", ":::", "OMP_NUM_THREADS"];
    let share = (fanlane_os::machine::cores() / 2).max(1).to_string();
    assert_eq!(run_in(&words, folder.path()).out.trim(), share);
    let mut set = command(&words, folder.path());
    let set: Ended = set.env("OMP_NUM_THREADS", "3").env("TMPDIR", "/proc/nowhere").output().expect("started").into();
    assert_eq!(set.out.trim(), "3", "{set:?}");
    let ended = run(folder.path(), &["--python", "model.py:arguments", ":::", "1"]);
    assert_eq!(ended.out.trim(), "['model.py', 'model']", "{ended:?}");
    let ended = run(folder.path(), &["--python", "model.py:pool", ":::", "4"]);
    assert_eq!(ended.out.trim(), "[0, 1, 8, 27]", "{ended:?}");
    let mut venv = std::process::Command::new("python3");
    venv.args(["-m", "venv", "--without-pip", ".venv"]).current_dir(folder.path());
    assert!(venv.status().expect("python3 is there").success());
    let told = run(folder.path(), &["--dry-run", "--python", "model.py:cube", ":::", "2"]);
    assert!(told.out == "cube(2)\n" && told.err.contains(".venv/bin/python"), "{told:?}");
}

#[test]
fn a_call_can_ask_fanlane_about_itself() {
    let folder = folder();
    let ended = run(folder.path(), &["-j", "1", "-k", "--python", "model.py:told", ":::", "1", "2"]);
    assert_eq!(ended.out, "[1, 1, 1]\n[2, 1, 1]\n", "{ended:?}");
    assert!(ended.err.contains("INFO task 2: logged"), "{ended:?}");
}

#[test]
fn inputs_without_an_end_are_called_as_they_come() {
    let folder = folder();
    let script = "yes 3 | fanlane run -j 2 --halt now,done=50 --python model.py:cube | sort -u";
    let ended = super::start::script(script, folder.path()).output().expect("started");
    assert_eq!(String::from_utf8_lossy(&ended.stdout), "27\n", "{ended:?}");
}

#[test]
fn a_job_file_and_the_history_know_the_function() {
    let folder = folder();
    let job =
        "Job(version: 1, task: Python(file: \"model.py\", function: \"cube\"), inputs: [Range(1, 2000)], workers: 2)";
    fs::write(folder.path().join("cubes.ron"), job).expect("written");
    let ended = run(folder.path(), &["cubes.ron"]);
    let sum: u64 = ended.out.lines().map(|line| line.parse::<u64>().expect("a number")).sum();
    assert_eq!((ended.code, sum), (Some(0), 2_001_000_u64.pow(2)), "{:?}", ended.err);
    let exported = run_in(&["export", "--format", "csv", "last"], folder.path());
    assert!(
        exported.out.contains("cube(5)") && exported.out.contains(",125,"),
        "{:?}",
        (&exported.err, &exported.out[..300.min(exported.out.len())])
    );
}
