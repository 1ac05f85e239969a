use std::io::empty;

use super::*;
use crate::job::{Input, TaskTemplate, WorkloadSpec};

fn job(task: TaskTemplate, inputs: Vec<Input>) -> Job {
    Job { task, inputs, ..Job::default() }
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
    (0..batch.len()).map(|task| batch.payload(TaskId(task), 1).to_string()).collect()
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
    assert_eq!(batch.payload(TaskId(1), 1), "2 a 1 y a.b 1 y");
    assert_eq!(batch.payload(TaskId(2), 1), "3 c 2 x c.d 2 x");
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
    let twice = fault(&command("x", vec![csv]));
    let words = "t.csv: columns 1 and 2 are both called 'a'; rename one, so that {a} says which is meant";
    assert!(twice.starts_with("input 1: ") && twice.ends_with(words), "{twice}");
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
    batch.payload(TaskId(2), 1);
}

/// The largest batch that can be counted costs nothing, and its last task is as near as its first.
#[test]
fn tasks_are_made_when_they_are_asked_for() {
    fn shared_by_threads<T: Send + Sync>(_: &T) {}
    let batch = Batch::open(&cube(vec![Input::Range(0, i64::MAX)]), Path::new(""), &mut empty()).expect("opens");
    shared_by_threads(&batch);
    assert_eq!(batch.len(), 1 << 63);
    assert_eq!(batch.payload(TaskId(batch.len() - 1), 1), i64::MAX.to_string());
    assert_eq!(batch.values(TaskId(7)), [BStr::new("7")]);
}

#[test]
fn without_a_shell_words_are_parted_by_nul_and_shown_quoted() {
    let mut job = command("'my tool' x{1}\\ y {} \"$HOME {2}\" {#}", vec![list(&["a b"]), list(&["", "it's"])]);
    job.shell = crate::job::Shell::None;
    assert_eq!(
        payloads(&job, b""),
        ["my tool\0xa b y\0a b\0\0$HOME \x001", "my tool\0xa b y\0a b\0it's\0$HOME it's\x002"]
    );
    let batch = Batch::open(&job, Path::new("."), &mut empty()).expect("opens");
    let mut line = Vec::new();
    batch.line_into(TaskId(0), 1, &mut line);
    assert_eq!(BStr::new(&line), "'my tool' 'xa b y' 'a b' '' '$HOME ' 1");
    job.task = TaskTemplate::Command("rm".into());
    assert_eq!(payloads(&job, b""), ["rm\0a b\0", "rm\0a b\0it's"]);
    job.inputs.clear();
    job.task = TaskTemplate::Command("rm {} x".into());
    assert_eq!(payloads(&job, b""), ["rm\0x"]);
}

#[test]
fn variables_and_standard_input_stand_behind_the_line() {
    let mut job = command("env", vec![list(&["a b"])]);
    job.environment = [("A".into(), "<{}> {#:%02d}".into()), ("B".into(), String::new())].into();
    job.stdin = Some("{} {%}\n".into());
    let batch = Batch::open(&job, Path::new("."), &mut empty()).expect("opens");
    assert_eq!(batch.payload(TaskId(0), 3), "\x09\0\0\0env 'a b'\x08\0\0\0<a b> 01\0\0\0\0\x06\0\0\0a b 3\n");
    let mut line = Vec::new();
    batch.line_into(TaskId(0), 1, &mut line);
    assert_eq!(BStr::new(&line), "env 'a b'");
    job.environment = [("A".into(), "{2}".into())].into();
    assert_eq!(
        fault(&job),
        "the variable A cannot be used: column 1: {2} asks for a value that is not there; \
         the inputs give 1 value for each task"
    );
}

#[test]
fn what_is_padded_as_a_number_must_be_one() {
    let job = command("x {1:%03d}-{2:%2d}", vec![Input::Range(-1, 0), list(&["5", "10"])]);
    assert_eq!(payloads(&job, b""), ["x -01- 5", "x -01-10", "x 000- 5", "x 000-10"]);
    assert_eq!(
        fault(&command("x {1} {2:%03d}", vec![Input::Range(1, 2), list(&["1", "a"])])),
        "input 2: value 2 is 'a', but column 7 of the template pads a whole number"
    );
}

#[test]
fn groups_of_linked_inputs_combine() {
    let linked = Input::Linked(vec![list(&["c", "d"]), list(&["e", "f", "g"])]);
    assert_eq!(
        payloads(&command("x", vec![list(&["a", "b"]), linked.clone(), Input::Range(1, 2)]), b"")[..5],
        ["x a c e 1", "x a c e 2", "x a d f 1", "x a d f 2", "x b c e 1"]
    );
    let mut all = command("x", vec![list(&["a", "b"]), linked]);
    all.linked = true;
    assert_eq!(payloads(&all, b""), ["x a c e", "x b d f"]);
}

#[test]
fn several_rows_go_into_one_task() {
    let mut job = command("x {2} {}", vec![Input::Range(1, 5)]);
    job.max_args = Some(2);
    assert_eq!(payloads(&job, b""), ["x 2 1 2", "x 4 3 4", "x  5"]);
    let batch = Batch::open(&job, Path::new("."), &mut empty()).expect("opens");
    assert_eq!((batch.len(), batch.columns().len()), (3, 2));
    assert_eq!(batch.values(TaskId(2)), [BStr::new("5")]);
    job.sample = Some(3);
    assert_eq!(payloads(&job, b"").len(), 2);
    job.sample = None;
    job.max_args = Some(0);
    job.task = TaskTemplate::Command("x {}".into());
    assert_eq!(payloads(&job, b""), ["x "; 5]);
    // More rows than can be counted are still found.
    job.max_args = Some(10_000);
    job.inputs = vec![Input::Range(1, i64::MAX)];
    let batch = Batch::open(&job, Path::new("."), &mut empty()).expect("opens");
    assert_eq!(batch.values(TaskId(batch.len() - 1))[5_806], BStr::new("9223372036854775807"));
}

#[test]
fn a_sample_keeps_the_order_of_the_inputs() {
    let mut job = command("x", vec![Input::Range(1, 1_000_000)]);
    job.sample = Some(20);
    let numbers: Vec<u64> = payloads(&job, b"").iter().map(|line| line[2..].parse().expect("a number")).collect();
    assert!(numbers.len() == 20 && numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
    job.sample_seed = 1;
    assert_ne!(numbers[0].to_string(), payloads(&job, b"")[0][2..]);
}

#[test]
fn a_part_of_a_batch_keeps_columns_and_numbers() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("people.csv"), "name,age\nAda,36\nBlaise,39\nCarl,77\n").expect("written");
    let job = command("{#} {name} is {age}", vec![Input::Csv("people.csv".into())]);
    let whole = Batch::open(&job, folder.path(), &mut empty()).expect("opens");
    let part = whole.only(&[TaskId(2), TaskId(0)]);
    let texts = |batch: &Batch| -> Vec<String> {
        (0..batch.len()).map(|task| batch.payload(TaskId(task), 1).to_string()).collect()
    };
    assert_eq!(texts(&part), ["3 Carl is 77", "1 Ada is 36"]);
    assert_eq!([part.number(TaskId(0)), part.number(TaskId(1))], [3, 1]);
    assert_eq!(part.columns(), ["name", "age"]);
    let part_of_part = part.only(&[TaskId(1)]).renamed("again".to_owned());
    assert_eq!(texts(&part_of_part), ["1 Ada is 36"]);
    assert_eq!((part_of_part.number(TaskId(0)), part_of_part.job().name.as_str()), (1, "again"));
}

#[test]
fn the_rest_of_a_batch_keeps_numbers_order_and_waiting() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("tasks.csv"), "name,after\na,\nb,a\nc,a b\nd,c\ne,a\n").expect("written");
    let mut job = command("{#} {name} in {%}", vec![Input::Csv("tasks.csv".into())]);
    job.tagstring = Some("{name}/{#}/{%}".to_owned());
    job.order = crate::job::Order::Shuffled { seed: 3 };
    job.control.after = Some(crate::job::control::After { name: "name".to_owned(), after: "after".to_owned() });
    let whole = Batch::open(&job, folder.path(), &mut empty()).expect("opens");
    let rest = whole.rest(&[TaskId(1), TaskId(2), TaskId(3), TaskId(4)]);
    let expected = [(TaskId(1), vec![TaskId(0)]), (TaskId(2), vec![TaskId(1)])];
    assert_eq!(*rest.dependencies(), expected.into_iter().collect(), "what was done is not waited for");
    let mut begun: Vec<u64> = (0..rest.len()).map(|place| rest.order().task_at(place).0).collect();
    assert_ne!(begun, [0, 1, 2, 3], "they are mixed as the job wants it");
    begun.sort_unstable();
    assert_eq!(begun, [0, 1, 2, 3]);
    assert_eq!((rest.number(TaskId(0)), rest.tag(TaskId(3), 7)), (2, Some("e/5/7".into())));
    let mut line = Vec::new();
    rest.line_into(TaskId(0), 4, &mut line);
    assert_eq!((rest.uses_slot(), BStr::new(&line)), (true, BStr::new("2 b in 4")));
}
