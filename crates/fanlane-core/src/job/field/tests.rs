mod any_job;

use std::collections::BTreeMap;
use std::path::PathBuf;

use proptest::prelude::*;

use super::reference::{INPUTS, in_file, reference};
use super::*;
use crate::job::Batch;
use crate::job::control::{After, Control, Halt, Limits, ResourceRequest, RetryWait};
use crate::job::order::Order;
use crate::job::{Input, Mode, Parameter, RemoteFiles, SharedSpec, Shell, TaskTemplate, Transport, WorkloadSpec};

/// A job with every field given. A field that is added to the job has to be added here, or this does not compile.
fn every_field_given() -> Job {
    Job {
        version: 0,
        name: "n".to_owned(),
        description: "d".to_owned(),
        task: TaskTemplate::Workload(WorkloadSpec::named("cube")),
        parameters: vec![Parameter { name: "p".to_owned(), ..Parameter::default() }],
        values: [("p".to_owned(), "x".to_owned())].into(),
        inputs: vec![Input::Range(1, 3)],
        linked: true,
        mode: Mode::One,
        workers: Some(1),
        timeout_secs: Some(1.0),
        retries: 1,
        working_dir: Some("x".into()),
        control: Control {
            halt: Some("now,fail=1".parse::<Halt>().expect("a halt")),
            delay_secs: Some(1.0),
            retry_wait: Some(RetryWait::Fixed { secs: 1.0 }),
            timeout_percent: Some(200.0),
            memfree_bytes: Some(1),
            load_limit: Some(1.0),
            limit_command: Some("true".to_owned()),
            no_swap: true,
            nice: Some(1),
            heartbeat_secs: Some(1.0),
            limits: Limits { memory_bytes: Some(1), cpu_secs: Some(1), output_bytes: Some(1) },
            slots: Some(ResourceRequest::Count(1)),
            resources: [("gpu".to_owned(), 1)].into(),
            needs: [("gpu".to_owned(), ResourceRequest::Count(1))].into(),
            after: Some(After { name: "n".to_owned(), after: "a".to_owned() }),
        },
        shell: Shell::None,
        environment: [("A".to_owned(), "b".to_owned())].into(),
        stdin: Some("x".to_owned()),
        stdin_file: Some("x".to_owned()),
        pipe: Some(crate::job::Pipe { records: Some(2), ..crate::job::Pipe::default() }),
        remote_files: RemoteFiles {
            transfer: vec!["x".to_owned()],
            returned: vec!["x".to_owned()],
            cleanup: true,
            base: vec!["x".to_owned()],
            workdir: Some("x".to_owned()),
        },
        tagstring: Some("x".to_owned()),
        max_args: Some(2),
        max_chars: Some(1),
        spread: Some(1),
        repeat_words: true,
        order: Order::Shuffled { seed: 1 },
        sample: Some(1),
        sample_seed: 1,
        shared: [("seen".to_owned(), SharedSpec::Set)].into(),
        shared_bytes: Some(1),
        transport: Transport::SharedMemory,
    }
}

/// The keys of all values below `value`, those of the table's rows as they are.
fn keys(prefix: &str, value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(fields) if by_key(prefix).is_none() => {
            for (name, value) in fields {
                let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                keys(&key, value, found);
            }
        }
        _ => found.push(prefix.to_owned()),
    }
}

#[test]
fn every_field_of_a_job_has_one_row() {
    let mut in_files = Vec::new();
    keys("", &serde_json::to_value(every_field_given()).expect("JSON"), &mut in_files);
    let mut rows: Vec<&str> = fields().map(|field| field.key).collect();
    in_files.sort_unstable();
    rows.sort_unstable();
    assert_eq!(in_files, rows);
}

#[test]
fn each_row_reads_its_own_field_and_writes_no_other() {
    let given = every_field_given();
    for field in fields() {
        let mut job = Job::default();
        assert_ne!(field.get(&given), field.get(&job), "{field:?}");
        field.set(&mut job, &field.get(&given)).expect("its own text");
        let changed: Vec<&Field> = fields().filter(|other| other.get(&job) != other.get(&Job::default())).collect();
        assert_eq!(changed, [field]);
    }
}

#[test]
fn each_row_has_its_words_and_an_example_that_is_read() {
    for field in fields() {
        assert!(!field.label.is_empty() && !field.help.is_empty() && !field.help.ends_with('.'), "{field:?}");
        let mut job = Job::default();
        field.set(&mut job, field.example).unwrap_or_else(|problem| panic!("{problem}"));
        assert!(field == &VERSION || job != Job::default(), "{field:?}: the example is the default");
        assert_eq!(by_key(field.key), Some(field));
    }
}

/// A batch of a job whose text has this field, in a folder that has what the examples name.
fn opened(fields: &str) -> Result<Job, String> {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("photos")).expect("made");
    for (name, content) in
        [("photos/a.jpg", ""), ("tasks.csv", "name,after\na,\nb,a\n"), ("people.csv", "n\n1\n"), ("names", "a\0")]
    {
        std::fs::write(folder.path().join(name), content).expect("written");
    }
    let job = Job::parse(&format!("Job({fields})")).map_err(|error| error.to_string())?;
    Batch::open(&job, folder.path(), &mut std::io::empty()).map_err(|error| error.to_string())?;
    Ok(job)
}

#[test]
fn the_example_of_each_row_is_planned_as_a_job_file_has_it() {
    for field in fields() {
        let example = in_file(field);
        let name = field.key.split('.').next().expect("a name");
        let task = if field == &TRANSPORT { "Workload(name: \"cube\")" } else { "Command(\"echo {}\")" };
        let inputs = match field {
            field if field == &AFTER => "[Csv(\"tasks.csv\")]",
            field if field == &PIPE => "[]",
            _ => "[List([\"1\"])]",
        };
        let others = [("version", "1"), ("task", task), ("inputs", inputs)];
        let others = others.iter().filter(|(key, _)| *key != name).map(|(key, value)| format!(", {key}: {value}"));
        let job = opened(&(example.clone() + &others.collect::<String>())).expect(&example);
        let mut typed = Job::default();
        field.set(&mut typed, field.example).expect("it is read");
        assert_eq!(field.get(&job), field.get(&typed), "{example}");
    }
}

#[test]
fn the_first_and_the_last_of_the_values_that_a_row_names_are_taken_and_the_next_is_not() {
    let mut tried = 0;
    for field in fields() {
        let Some((low, high)) = field.values.split_once(" to ") else { continue };
        let Some(high) = high.split(' ').next().and_then(|high| high.parse::<u64>().ok()) else { continue };
        let fault = |value: &str| {
            let mut job = Job { task: TaskTemplate::Command("true".to_owned()), ..Job::default() };
            field.set(&mut job, value).err().or_else(|| field.check(&job, 1))
        };
        let beyond = (high + 1).to_string();
        let first = match low.strip_prefix("above ") {
            Some(low) => {
                assert!(fault(low).is_some(), "{field:?}: {low}");
                (low.parse::<f64>().expect("a number") + 0.5).to_string()
            }
            None => low.to_owned(),
        };
        assert!(fault(&first).is_none() && fault(&high.to_string()).is_none(), "{field:?}");
        assert!(fault(&beyond).is_some(), "{field:?}: {beyond}");
        tried += 1;
    }
    assert!(tried >= 7, "{tried}");
}

#[test]
fn the_example_of_each_kind_of_input_is_read() {
    let kinds: std::collections::HashSet<_> = INPUTS
        .iter()
        .map(|(example, _)| {
            let job = Job::parse(&format!("Job(version: 1, task: Command(\"echo {{}}\"), inputs: [{example}])"));
            std::mem::discriminant(&job.unwrap_or_else(|error| panic!("{example}: {error}")).inputs[0])
        })
        .collect();
    // A kind that is added to these is added to the table.
    let number = |input: &Input| match input {
        Input::Range(..) | Input::List(_) | Input::Lines(_) | Input::Glob(_) | Input::Csv(_) | Input::Stdin => 6,
        Input::Json(_) | Input::Table { .. } | Input::Records { .. } | Input::Columns { .. } => 10,
        Input::Linked(_) | Input::Bytes(_) | Input::Numbers(..) => 13,
    };
    assert_eq!((kinds.len(), INPUTS.len()), (13, number(&Input::Bytes(Vec::new()))), "each is of another kind");
}

#[test]
fn what_is_no_value_is_refused_with_its_field() {
    for (field, text) in [
        (&WORKERS, "many"),
        (&TIMEOUT_SECS, "soon"),
        (&HALT, "never"),
        (&MEMFREE_BYTES, "4X"),
        (&ENVIRONMENT, "A=1"),
        (&TASK, "Comand(\"x\")"),
        (&SHELL, "yes"),
        (&ORDER, "shuffled:x"),
        (&SLOTS, "two"),
    ] {
        let mut job = Job::default();
        let problem = field.set(&mut job, text).expect_err(text);
        assert!(problem.field == field && !problem.message.is_empty(), "{problem}");
        assert_eq!(job, Job::default());
    }
}

#[test]
fn what_can_never_run_is_told_before_anything_has() {
    let gpu = |count| BTreeMap::from([("gpu".to_owned(), count)]);
    let limits = |limits| Control { limits, ..Control::default() };
    let cases: [(Control, &Field, &str); 13] = [
        (Control { delay_secs: Some(-1.0), ..Control::default() }, &DELAY_SECS, "delay"),
        (Control { delay_secs: Some(f64::NAN), ..Control::default() }, &DELAY_SECS, "delay"),
        (Control { retry_wait: Some(RetryWait::Fixed { secs: 1e300 }), ..Control::default() }, &RETRY_WAIT, "retry"),
        (Control { timeout_percent: Some(100.0), ..Control::default() }, &TIMEOUT_PERCENT, "median"),
        (Control { load_limit: Some(0.0), ..Control::default() }, &LOAD_LIMIT, "load"),
        (Control { limit_command: Some(" ".to_owned()), ..Control::default() }, &LIMIT_COMMAND, "blank"),
        (Control { nice: Some(-5), ..Control::default() }, &NICE, "nice"),
        (Control { slots: Some(ResourceRequest::Count(3)), ..Control::default() }, &SLOTS, "3 slots of a pool of 2"),
        (
            Control { needs: gpu(ResourceRequest::Count(1)), ..Control::default() },
            &NEEDS,
            "no resource is called 'gpu'",
        ),
        (
            Control {
                needs: gpu(ResourceRequest::Count(2)),
                resources: [("gpu".to_owned(), 1)].into(),
                ..Control::default()
            },
            &NEEDS,
            "there are 1",
        ),
        (limits(Limits { memory_bytes: Some(4096), ..Limits::default() }), &LIMIT_MEMORY_BYTES, "4096"),
        (limits(Limits { cpu_secs: Some(0), ..Limits::default() }), &LIMIT_CPU_SECS, "is 0"),
        (Control { heartbeat_secs: Some(0.01), ..Control::default() }, &HEARTBEAT_SECS, "heartbeat"),
    ];
    for (control, field, words) in cases {
        let job = Job { task: TaskTemplate::Command("true".to_owned()), control, ..Job::default() };
        let problems = job.check_in_pool(2);
        let told = problems.iter().any(|problem| problem.field == field && problem.message.contains(words));
        assert!(told && problems.len() == 1, "{words}: {problems:?}");
    }
    let call = TaskTemplate::Workload(WorkloadSpec::named("cube"));
    let limited = limits(Limits { output_bytes: Some(1), ..Limits::default() });
    let problems = Job { task: call, control: limited, ..Job::default() }.check();
    assert_eq!(problems.iter().map(|problem| problem.field).collect::<Vec<_>>(), [&LIMIT_OUTPUT_BYTES]);
}

#[test]
fn the_reference_is_up_to_date() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/job-fields.md");
    if std::env::var_os("FANLANE_WRITE_DOCS").is_some() {
        std::fs::write(&path, reference()).expect("the page is written");
    }
    let page = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(page == reference(), "write the page anew: FANLANE_WRITE_DOCS=1 cargo test --lib job::field");
}

proptest! {
    #[test]
    fn the_texts_of_all_fields_make_the_same_job(job in any_job::job()) {
        let mut made = Job::default();
        for field in fields() {
            let text = field.get(&job);
            field.set(&mut made, &text).map_err(|problem| TestCaseError::fail(format!("{problem}: {text}")))?;
            prop_assert_eq!(field.get(&made), text);
        }
        prop_assert_eq!(made, job);
    }
}
