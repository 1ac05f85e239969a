//! What the page Job makes of a job file, and a job file of what stands there: nothing is lost.

use fanlane::session::{Command, JobDraft, PresetCommand, Session};
use fanlane_core::job::control::{After, Control, Limits, ResourceRequest, RetryWait};
use fanlane_core::job::{
    Input, JOB_VERSION, Job, Mode, Order, Parameter, ParameterKind, RemoteFiles, SharedSpec, TaskTemplate, Transport,
};

use super::canned::{self, FakeEngine, options};

/// Parameters of all types.
fn parameters() -> Vec<Parameter> {
    let number = ParameterKind::Number { min: Some(0.5), max: None, step: Some(0.1), unit: "px".to_owned() };
    let choice = ParameterKind::Choice(vec!["a b".to_owned(), " c ".to_owned()]);
    let yes_no = ParameterKind::YesNo { yes: "--all".to_owned(), no: String::new() };
    let kinds = [number, choice, yes_no, ParameterKind::Text, ParameterKind::Folder];
    let named = |(name, kind): (&str, ParameterKind)| Parameter {
        name: name.to_owned(),
        label: format!(" {name} "),
        help: "What it is for.".to_owned(),
        kind,
        default: String::new(),
        required: true,
        sets: if name == "size" { "timeout_secs".to_owned() } else { String::new() },
    };
    ["size", "which", "all", "text", "folder"].into_iter().zip(kinds).map(named).collect()
}

/// A job in which no field has its default value.
pub fn everything() -> Job {
    Job {
        version: JOB_VERSION,
        name: " Everything ".to_owned(),
        description: "Every field is set.".to_owned(),
        task: TaskTemplate::Command("echo {1} {2}".to_owned()),
        parameters: parameters(),
        values: [("size".to_owned(), "12.5".to_owned())].into(),
        inputs: vec![
            Input::Range(1, 3),
            Input::Numbers("1".to_owned(), " {@size}".to_owned()),
            Input::List(vec!["a".to_owned(), String::new()]),
            Input::List(vec!["two\nlines".to_owned()]),
            Input::Lines(" blank.txt".into()),
            Input::Glob("*.jpg".to_owned()),
            Input::Csv("table.csv".into()),
            Input::Json("table.json".into()),
            Input::records(Some("names".into()), "\0"),
            Input::Columns { from: Box::new(Input::Stdin), separator: Some(",".to_owned()), header: true, trim: true },
            Input::Linked(vec![Input::Range(1, 2), Input::List(vec!["x".to_owned()])]),
        ],
        linked: true,
        mode: Mode::Threads,
        workers: Some(7),
        timeout_secs: Some(1e-7),
        retries: 3,
        working_dir: Some(" out ".into()),
        control: Control {
            heartbeat_secs: Some(2.5),
            limits: Limits { memory_bytes: Some(1 << 30), cpu_secs: Some(60), output_bytes: Some(1 << 20) },
            halt: Some("soon,fail=2.5%".parse().expect("a halt")),
            delay_secs: Some(0.0),
            retry_wait: Some(RetryWait::Exponential { first_secs: 0.1, most_secs: 60.0 }),
            timeout_percent: Some(250.5),
            memfree_bytes: Some((1 << 62) + 1),
            load_limit: Some(1.75),
            limit_command: Some("test -e 'a b'".to_owned()),
            no_swap: true,
            nice: Some(11),
            slots: Some(ResourceRequest::Count(2)),
            resources: [("gpu".to_owned(), 4), ("a licence, or two".to_owned(), 1)].into(),
            needs: [("gpu".to_owned(), ResourceRequest::Template("{n}".to_owned()))].into(),
            after: Some(After { name: " name ".to_owned(), after: "after".to_owned() }),
        },
        shell: fanlane_core::job::Shell::None,
        environment: [
            ("PLAIN".to_owned(), " {1} = 2 ".to_owned()),
            ("LINES".to_owned(), "one\ntwo".to_owned()),
            ("EMPTY".to_owned(), String::new()),
        ]
        .into(),
        stdin: Some("{2}\n".to_owned()),
        stdin_file: None,
        pipe: None,
        remote_files: RemoteFiles {
            transfer: vec!["{1}".to_owned(), " a b ".to_owned()],
            returned: vec!["{.}.out".to_owned()],
            cleanup: true,
            base: vec!["model".to_owned()],
            workdir: Some(" work/{#} ".to_owned()),
        },
        tagstring: Some("{#}\t{1}\\".to_owned()),
        max_args: Some(1),
        max_chars: None,
        spread: None,
        repeat_words: true,
        order: Order::Shuffled { seed: u64::MAX },
        sample: Some(5),
        sample_seed: 9,
        shared: [("seen".to_owned(), SharedSpec::Set), ("a b".to_owned(), SharedSpec::BoundedQueue(2))].into(),
        shared_bytes: Some(1 << 20),
        // Commands have no other.
        transport: Transport::Pipe,
    }
}

#[test]
fn nothing_of_a_job_is_lost_between_opening_and_saving() {
    let job = everything();
    assert!(job.check().is_empty(), "{:?}", job.check());
    assert_eq!(JobDraft::from_job(&job).to_job(), Ok(job.clone()));
    let file = job.to_ron().expect("text");
    assert_eq!(JobDraft::from_job(&Job::parse(&file).expect("a job")).to_job(), Ok(job.clone()), "{file}");
    let others = Job {
        stdin: None,
        stdin_file: Some("{1}.txt".to_owned()),
        control: Control {
            retry_wait: Some(RetryWait::Fixed { secs: 0.0 }),
            memfree_bytes: Some(0),
            ..job.control.clone()
        },
        order: Order::Shuffled { seed: 0 },
        ..job
    };
    assert_eq!(JobDraft::from_job(&others).to_job(), Ok(others.clone()));
    for order in ["priority: p", "longest-first:{secs}", "longest-first-in: last log "] {
        let ranked = Job { order: order.parse().expect("an order"), ..others.clone() };
        assert_eq!(JobDraft::from_job(&ranked).to_job(), Ok(ranked));
    }
    let called = Job { transport: Transport::SharedMemory, ..canned::cubes() };
    assert_eq!(JobDraft::from_job(&called).to_job(), Ok(called));
    for empty in [Job { stdin: Some(String::new()), ..canned::thumbnails() }, canned::cubes()] {
        assert_eq!(JobDraft::from_job(&empty).to_job(), Ok(empty));
    }
}

#[test]
fn a_job_file_that_is_saved_as_a_preset_is_the_same_job() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("everything.ron");
    std::fs::write(&file, everything().to_ron().expect("text")).expect("written");
    let presets = folder.path().join("presets");
    let engine = FakeEngine::default();
    let mut session = Session::new(options(&engine, Some(&presets)), std::sync::Arc::new(|| {}));
    session.handle(Command::OpenJob(file));
    session.handle(PresetCommand::SaveAs("Everything".to_owned()));
    let saved = session.presets.saved()[0].job.clone().expect("it loads");
    // A preset lies elsewhere, so it says where its relative paths begin. It has the defaults of its parameters.
    let working_dir = Some(folder.path().join(" out "));
    let expected = Job { name: "Everything".to_owned(), working_dir, values: Default::default(), ..everything() };
    assert_eq!(saved, expected);
}
