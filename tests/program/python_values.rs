//! Values of Python functions with their types: those of JSON on their way in, numbers and large results on their way out, and
//! modules that are no more than odd.

use std::fs;

use super::python::run;
use super::start::{Ended, command};

const FUNCTIONS: &str = r#"
import sys

print("imported")

def named(**columns): return sorted(columns.items())
def typed(value): return f"{type(value).__name__} {value!r}"
def number(index):
    return [1e16, 0.1, 1.0, -0.0, 5e-324, float("nan"), float("-inf"), 10 ** 20, -(2 ** 63), 10 ** 5000, True][index]
def many(megabytes): return bytes(megabytes << 20)
def numbers(count): return [float(number) for number in range(count)]

class Table:
    """An object that leaves its bytes to a pickle of protocol 5, as an array of NumPy does."""

    def __init__(self, data): self.data = data

    def __reduce_ex__(self, protocol):
        import pickle
        return Table, (pickle.PickleBuffer(self.data) if protocol >= 5 else bytes(self.data),)

def table(count): return Table(bytearray(count))

class Unpicklable:
    def __reduce__(self): raise SystemExit("it must not be pickled")

def unpicklable(n): return Unpicklable()
"#;

const IN_THE_WORKER_ONLY: &str = r#"
import sys
if "fanlane" in sys.modules:
    raise ImportError("no licence on this node")
def f(n): return n
"#;

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("typed.py"), FUNCTIONS).expect("written");
    folder
}

#[test]
fn values_of_json_keep_their_types_and_those_of_csv_are_read() {
    let folder = folder();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("written");
    write("t.json", r#"[{"a": "007", "b": 7, "c": null, "d": [1, {"x": "y"}], "e": "1e5", "f": true, "g": "null"}]"#);
    write("t.csv", "a,b,e\n007,7,1e5\n");
    write("v.jsonl", "\"1\"\n1\n\"true\"\n[1, 2]\n");
    write("deep.jsonl", &format!("[{}]\n", "9".repeat(5000)));
    let all =
        "[('a', '007'), ('b', 7), ('c', None), ('d', [1, {'x': 'y'}]), ('e', '1e5'), ('f', True), ('g', 'null')]\n";
    let cases: [(&[&str], &str); 5] = [
        (&["typed.py:named", "--jsonl", "t.json"], all),
        (&["typed.py:named", "--python-args", "json", "--jsonl", "t.json"], all),
        (&["typed.py:named", "--csv", "t.csv"], "[('a', '007'), ('b', 7), ('e', 100000.0)]\n"),
        (&["typed.py:typed", "--jsonl", "v.jsonl"], "str '1'\nint 1\nstr 'true'\nlist [1, 2]\n"),
        (
            &["typed.py:typed", "--python-args", "str", "--jsonl", "v.jsonl"],
            "str '1'\nstr '1'\nstr 'true'\nstr '[1, 2]'\n",
        ),
    ];
    for (words, out) in cases {
        let ended = run(folder.path(), &[&["--quiet", "-k", "-j", "1", "--python"], words].concat());
        // What the module prints when it is imported comes once, before the first call.
        let printed = ended.out.strip_prefix("imported\n");
        assert!(
            ended.code == Some(0) && printed.is_some_and(|printed| printed.starts_with(out)),
            "{words:?} {ended:?}"
        );
    }
    let told = run(folder.path(), &["--quiet", "--dry-run", "--python", "typed.py:typed", "--jsonl", "v.jsonl"]);
    assert_eq!(told.out, "typed(\"1\")\ntyped(1)\ntyped(\"true\")\ntyped([1, 2])\n", "{told:?}");
    // What Python does not read fails the call that it is for.
    let deep = run(folder.path(), &["-j", "1", "--python", "typed.py:typed", "--jsonl", "deep.jsonl"]);
    assert!(deep.out.contains("int 999") || deep.err.contains("task 1 failed: ValueError"), "{deep:?}");
}

#[test]
fn numbers_are_shown_as_python_shows_them() {
    let folder = folder();
    let ended = run(
        folder.path(),
        &[
            "--quiet",
            "-k",
            "-j",
            "1",
            "--python",
            "typed.py:number",
            ":::",
            "0",
            "1",
            "2",
            "3",
            "4",
            "5",
            "6",
            "7",
            "8",
            "9",
            "10",
        ],
    );
    let large = format!("1{}", "0".repeat(5000));
    let shown =
        ["1e+16", "0.1", "1.0", "-0.0", "5e-324", "nan", "-inf", "100000000000000000000", "-9223372036854775808"];
    let lines: Vec<&str> = ended.out.lines().skip(1).collect();
    assert_eq!(lines[..9], shown, "{ended:?}");
    assert_eq!(lines[9..], [large.as_str(), "True"]);
}

#[test]
fn large_results_need_no_place_for_temporary_files() {
    let folder = folder();
    for transport in ["pipe", "shared-memory"] {
        let words =
            ["run", "--json", "-j", "2", "--transport", transport, "--python", "typed.py:many", ":::", "1", "1", "129"];
        let mut child = command(&words, folder.path());
        let ended: Ended = child.env("TMPDIR", "/proc/nowhere").output().expect("started").into();
        let tasks: Vec<serde_json::Value> =
            ended.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let value = |number: u64| tasks.iter().find(|task| task["task"] == number).map(|task| &task["value"]);
        let length = |number| value(number).and_then(|value| value.as_str()).map(str::len);
        assert_eq!(
            (length(1), length(2), length(3)),
            (Some(1 << 20), Some(1 << 20), None),
            "{transport}: {:?}",
            ended.err
        );
        assert!(ended.out.contains("more than 134217728; write it to a file"), "{transport}: {:?}", ended.err);
    }
}

#[test]
fn the_ways_of_large_objects_are_compared_and_the_advice_says_what_to_change() {
    let folder = folder();
    let calls = |function: &str, size: &str, more: &[&str]| {
        let place = format!("typed.py:{function}");
        let words = [more, &["-j", "1", "--python", &place, ":::"], &[size; 8]].concat();
        run(folder.path(), &words)
    };
    let lists = calls("numbers", "20000", &[]);
    assert!(lists.err.contains("return a NumPy array, an array.array or bytes"), "{:?}", lists.err);
    assert!(
        lists.err.contains("4 results of about ") && lists.err.contains("(list), handed on as a trial"),
        "{:?}",
        lists.err
    );
    let tables = calls("table", "1000000", &["--json"]);
    let summary: serde_json::Value = serde_json::from_str(tables.out.lines().last().expect("a line")).expect("JSON");
    let ways = &summary["summary"]["result_ways"];
    assert_eq!(
        (&ways["type"], &ways["objects"], &ways["buffer_bytes"]),
        (&"Table".into(), &4.into(), &1_000_000.into())
    );
    assert!(["pickle_ns", "pickle5_ns", "shared_memory_ns"].iter().all(|way| ways[way].as_u64() > Some(0)), "{ways}");
    // Nothing is said of small ones, and what cannot be pickled fails no call.
    let small = calls("numbers", "10", &[]);
    assert!(small.code == Some(0) && !small.err.contains("as a trial"), "{small:?}");
    let unpicklable = calls("unpicklable", "1", &[]);
    assert!(unpicklable.code == Some(0) && unpicklable.err.contains("8 done, 0 failed"), "{unpicklable:?}");
}

#[test]
fn a_module_that_cannot_be_imported_in_the_worker_only_is_a_plain_outcome() {
    let folder = folder();
    fs::write(folder.path().join("node.py"), IN_THE_WORKER_ONLY).expect("written");
    let ended = run(folder.path(), &["-j", "2", "--python", "node.py:f", ":::", "1", "2", "3"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let why = "node.py cannot be imported: ImportError: no licence on this node";
    assert!(ended.err.contains(why) && ended.err.contains("0 done, 3 failed"), "{ended:?}");
}
