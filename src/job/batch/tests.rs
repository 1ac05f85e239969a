use std::io::empty;
use std::time::Instant;

use super::*;
use crate::job::{JOB_VERSION, Mode, WorkloadSpec};

fn job(task: TaskTemplate, inputs: Vec<Input>) -> Job {
    Job {
        version: JOB_VERSION,
        name: String::new(),
        description: String::new(),
        task,
        inputs,
        linked: false,
        mode: Mode::Pool,
        workers: None,
        timeout_secs: None,
        retries: 0,
        working_dir: None,
        control: crate::job::Control::default(),
    }
}

fn command(line: &str, inputs: Vec<Input>) -> Job {
    job(TaskTemplate::Command(line.into()), inputs)
}

fn cube(inputs: Vec<Input>) -> Job {
    job(TaskTemplate::Workload(WorkloadSpec { name: "cube".into(), ..Default::default() }), inputs)
}

fn list(values: &[&str]) -> Input {
    Input::List(values.iter().map(|value| (*value).to_owned()).collect())
}

fn payloads(job: &Job, stdin: &[u8]) -> Vec<String> {
    let mut stdin = stdin;
    let batch = Batch::open(job, Path::new("."), &mut stdin).expect("opens");
    (0..batch.len()).map(|task| batch.payload(TaskId(task)).to_string()).collect()
}

fn fault(job: &Job) -> String {
    Batch::open(job, Path::new("."), &mut empty()).expect_err("does not open").to_string()
}

#[test]
fn a_product_varies_its_last_input_fastest() {
    let inputs = vec![list(&["a", "b"]), Input::Range(1, 2), list(&["x y", "z"])];
    assert_eq!(
        payloads(&command("echo {#}", inputs.clone()), b""),
        (1..=8).map(|n| format!("echo {n}")).collect::<Vec<_>>()
    );
    assert_eq!(
        payloads(&command("echo", inputs), b""),
        [
            "echo a 1 'x y'",
            "echo a 1 z",
            "echo a 2 'x y'",
            "echo a 2 z",
            "echo b 1 'x y'",
            "echo b 1 z",
            "echo b 2 'x y'",
            "echo b 2 z"
        ]
    );
}

#[test]
fn linked_inputs_end_with_the_shortest() {
    let mut linked = command("echo {2} {1}", vec![list(&["a", "b", "c"]), Input::Range(4, 5)]);
    linked.linked = true;
    assert_eq!(payloads(&linked, b""), ["echo 4 a", "echo 5 b"]);
}

#[test]
fn no_inputs_are_one_task_and_an_empty_input_is_none() {
    assert_eq!(payloads(&command("echo hi", vec![]), b""), ["echo hi"]);
    let mut linked = command("echo hi", vec![]);
    linked.linked = true;
    assert_eq!(payloads(&linked, b""), ["echo hi"]);
    assert_eq!(payloads(&cube(vec![]), b""), [""]);
    for empty in [Input::Stdin, Input::List(vec![]), Input::Range(2, 1)] {
        assert!(payloads(&command("echo {}", vec![Input::Range(i64::MIN + 1, i64::MAX), empty]), b"").is_empty());
    }
}

#[test]
fn a_workload_gets_its_values_unquoted() {
    assert_eq!(payloads(&cube(vec![list(&["a b", "it's"]), Input::Range(-1, -1)]), b""), ["a b -1", "it's -1"]);
}

#[test]
fn columns_of_csv_stand_beside_other_inputs() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("in")).expect("made");
    std::fs::write(folder.path().join("in/t.csv"), "file,\na.b,1\nc.d,2\n").expect("written");
    let mut job = command("{#} {file.} {2} {3} {}", vec![Input::Csv("t.csv".into()), Input::Stdin]);
    job.working_dir = Some("in".into());
    let batch = Batch::open(&job, folder.path(), &mut b"x\ny\n".as_slice()).expect("opens");
    assert_eq!(batch.columns(), ["file", "2", "3"]);
    assert_eq!(batch.working_dir(), folder.path().join("in"));
    assert_eq!((batch.len(), batch.is_empty(), batch.job()), (4, false, &job));
    assert_eq!(batch.payload(TaskId(1)), "2 a 1 y a.b 1 y");
    assert_eq!(batch.payload(TaskId(2)), "3 c 2 x c.d 2 x");
    assert_eq!(batch.values(TaskId(3)), [BStr::new("c.d"), BStr::new("2"), BStr::new("y")]);
}

#[test]
fn faults_say_which_input() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("t.csv"), "a,a\n").expect("written");
    let csv = Input::Csv(folder.path().join("t.csv"));
    assert_eq!(
        fault(&command("x", vec![Input::Stdin, Input::Range(1, 2), Input::Stdin])),
        "input 3: standard input is already read by input 1; give one of them another source"
    );
    assert_eq!(
        fault(&command("x", vec![csv])),
        "two columns are called 'a'; rename one, so that {a} says which is meant"
    );
    assert_eq!(
        fault(&command("x", vec![Input::Range(0, i64::MAX), Input::Range(1, 2)])),
        "the inputs combine to more tasks than can be counted; link them or make them shorter"
    );
    assert_eq!(
        fault(&command("x", vec![Input::Range(1, 2), Input::Lines("/nowhere/at/all".into())])),
        "input 2: /nowhere/at/all cannot be read: No such file or directory (os error 2)"
    );
    assert_eq!(
        fault(&command("x {2}", vec![Input::Range(1, 2)])),
        "the command line cannot be used: column 3: {2} asks for a value that is not there; \
         the inputs give 1 value for each task"
    );
    let mut elsewhere = command("x", vec![]);
    elsewhere.working_dir = Some("/nowhere/at/all".into());
    assert_eq!(
        fault(&elsewhere),
        "the working folder /nowhere/at/all cannot be used: No such file or directory (os error 2)"
    );
    elsewhere.working_dir = Some("/dev/null".into());
    assert_eq!(fault(&elsewhere), "the working folder /dev/null cannot be used: it is not a folder");
}

#[test]
#[should_panic(expected = "task 3 of 2")]
fn a_task_that_is_not_there() {
    let batch = Batch::open(&cube(vec![Input::Range(1, 2)]), Path::new(""), &mut empty()).expect("opens");
    batch.payload(TaskId(2));
}

/// The largest batch that can be counted costs nothing, and its last task is as near as its first.
#[test]
fn tasks_are_made_when_they_are_asked_for() {
    fn shared_by_threads<T: Send + Sync>(_: &T) {}
    let batch = Batch::open(&cube(vec![Input::Range(0, i64::MAX)]), Path::new(""), &mut empty()).expect("opens");
    shared_by_threads(&batch);
    assert_eq!(batch.len(), 1 << 63);
    assert_eq!(batch.payload(TaskId(batch.len() - 1)), i64::MAX.to_string());
    assert_eq!(batch.values(TaskId(7)), [BStr::new("7")]);
}

/// `cargo test --release -- --ignored --nocapture payload_speed`
#[test]
#[ignore = "a measurement for people, not a check"]
#[expect(clippy::print_stderr, reason = "it is run by hand to read what it prints")]
fn payload_speed() {
    let jobs = [
        cube(vec![Input::Range(1, 1_000_000)]),
        cube(vec![Input::Range(1, 1000), Input::Range(1, 1000)]),
        command("echo {}", vec![Input::Range(1, 1_000_000)]),
        command("convert {1} -resize {2} {1/.}.png", vec![list(&["photos/a b.jpg"; 1000]), Input::Range(1, 1000)]),
    ];
    for job in jobs {
        let batch = Batch::open(&job, Path::new(""), &mut empty()).expect("opens");
        let mut out = Vec::new();
        let start = Instant::now();
        for task in 0..batch.len() {
            out.clear();
            batch.payload_into(TaskId(task), &mut out);
            std::hint::black_box(&out);
        }
        let each_ns = start.elapsed().as_nanos() as f64 / batch.len() as f64;
        eprintln!("{each_ns:6.1} ns  {}", job.display_name());
    }
}
