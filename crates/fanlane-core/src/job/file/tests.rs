use std::fs;
use std::path::PathBuf;

use super::*;
use crate::job::{Input, Mode, TaskTemplate, Transport, WorkloadSpec, field};

/// A job of one line with `rest` behind its inputs.
fn job_with(rest: &str) -> String {
    format!("Job(version: 1, task: Command(\"x\"), inputs: [], {rest})")
}

fn fault(text: &str) -> String {
    Job::parse(text).expect_err(text).to_string()
}

fn full_job() -> Job {
    Job {
        version: 1,
        name: "Thumbnails \"é\"".into(),
        description: "Two\nlines.".into(),
        task: TaskTemplate::Command("awk '{print $1}' {} \\\\ \u{1}".into()),
        inputs: vec![
            Input::Range(-1, 6),
            Input::List(vec!["a b".into(), String::new(), "'\"\\\n".into()]),
            Input::Lines("in/lines".into()),
            Input::Glob("photos/*.jpg".into()),
            Input::Csv("t.csv".into()),
            Input::Stdin,
            Input::Json("t.json".into()),
            Input::Linked(vec![
                Input::records(Some("names".into()), "\0"),
                Input::Table {
                    file: Some("t".into()),
                    format: crate::job::inputs::TableFormat::Csv,
                    separator: Some(';'),
                    encoding: crate::job::inputs::Encoding::Windows1252,
                },
                Input::Columns {
                    from: Box::new(Input::Lines("x".into())),
                    separator: Some(", *".into()),
                    header: true,
                    trim: true,
                },
            ]),
        ],
        linked: true,
        mode: Mode::Threads,
        workers: Some(4),
        timeout_secs: Some(0.5),
        retries: 3,
        working_dir: Some("elsewhere".into()),
        shell: crate::job::Shell::None,
        environment: [("A".into(), "{} \"x\"".into())].into(),
        stdin: Some("{}\n".into()),
        max_args: Some(3),
        max_chars: Some(2000),
        spread: Some(4),
        repeat_words: true,
        order: crate::job::Order::Shuffled { seed: 7 },
        sample: Some(100),
        sample_seed: 8,
        shared: [("seen".to_owned(), crate::job::SharedSpec::Set)].into(),
        shared_bytes: Some(1000),
        ..Job::default()
    }
}

#[test]
fn a_job_is_read_as_it_was_written() {
    let full = full_job();
    assert_eq!(Job::parse(&full.to_ron().expect("text")).expect("parses"), full);

    let workload = WorkloadSpec { name: "cube".into(), ..WorkloadSpec::default() };
    let plain = Job {
        name: String::new(),
        description: String::new(),
        task: TaskTemplate::Workload(workload),
        inputs: vec![Input::Range(1, 6)],
        linked: false,
        mode: Mode::Pool,
        workers: None,
        timeout_secs: None,
        retries: 0,
        working_dir: None,
        ..Job::default()
    };
    let shared = Job { transport: Transport::SharedMemory, ..plain.clone() };
    let text = shared.to_ron().expect("text");
    assert!(text.ends_with("    transport: shared_memory,\n)\n"), "{text}");
    assert_eq!(Job::parse(&text).expect("parses"), shared);
    let text = plain.to_ron().expect("text");
    assert_eq!(
        text,
        "Job(\n    version: 1,\n    task: Workload(\n        name: \"cube\",\n    ),\n    inputs: [Range(1, 6)],\n)\n"
    );
    assert_eq!(Job::parse(&text).expect("parses"), plain);
}

#[test]
fn ways_to_write_the_same() {
    let expected = Job::parse(&job_with("workers: 4, timeout_secs: 60.0")).expect("parses");
    for text in [
        job_with("workers: Some(4), timeout_secs: Some(60)"),
        job_with("timeout_secs: 60, workers: 0x4,"),
        format!("\u{feff}{}", job_with("workers: 4, timeout_secs: 60")),
        format!("// why\n{}\n/* end */", job_with("workers: /* few */ 4, timeout_secs: 6e1")),
        job_with("workers: 4, timeout_secs: 60").replacen("Job", "", 1),
        job_with("workers: 4, timeout_secs: 60").replace("\"x\"", "r#\"x\"#").replace(", ", ",\r\n"),
    ] {
        assert_eq!(Job::parse(&text).expect(&text), expected);
    }
}

#[test]
fn faults_of_the_text() {
    let table = [
        (
            "Job(\n  version: 1,\n  task: Command(\"x\"),\n  inputs: [],\n  wokers: 3,\n)",
            "line 5, column 3: unknown field 'wokers' in Job; did you mean 'workers'?",
        ),
        (
            "Job(version: 1, colour: 3)",
            "line 1, column 17: unknown field 'colour' in Job; the fields are: version, name, description, task, parameters, \
             values, inputs, \
             linked, mode, workers, timeout_secs, retries, working_dir, control, shell, environment, stdin, stdin_file, pipe, remote_files, tagstring, max_args, max_chars, spread, repeat_words, order, sample, sample_seed, shared, shared_bytes, transport",
        ),
        ("Job(version: 1, nice: 3)", "line 1, column 17: unknown field 'nice' in Job; it belongs in 'control'"),
        (
            "Job(version: 1, cpu_secs: 3)",
            "line 1, column 17: unknown field 'cpu_secs' in Job; it belongs in 'control.limits'",
        ),
        ("Job(version: 1, inputs: [])", "line 1, column 27: the field 'task' is missing in Job; add it"),
        ("Job(version: 1, task: Command(\"x\"))", "line 1, column 35: the field 'inputs' is missing in Job; add it"),
        ("Job(task: Command(\"x\"), inputs: [])", "line 1, column 35: the field 'version' is missing in Job; add it"),
        ("Job(version: 1, version: 1)", "line 1, column 17: the field 'version' occurs twice in Job; remove one"),
        ("Job(version: one)", "line 1, column 14: expected a whole number, found 'one'"),
        ("Job(version 1)", "line 1, column 13: expected ':' after the field's name, found '1'"),
        ("Job(version: 1 name: \"x\")", "line 1, column 16: expected ',' or the closing bracket, found 'name'"),
        ("Job(version: 1, name: foo)", "line 1, column 23: expected text in double quotes, found 'foo'"),
        ("Job(version: 1, name: 'x')", "line 1, column 23: expected text in double quotes, found '''"),
        (
            "Job(version: 1, name: \"\\q\")",
            "line 1, column 24: unknown escape in this text; write \\\\ for a backslash",
        ),
        ("Job(version: 1, task: Comand(\"x\"))", "line 1, column 23: unknown task 'Comand'; did you mean 'Command'?"),
        ("Job(version: 1, task: \"x\")", "line 1, column 23: expected a name without quotes, found the text \"x\""),
        ("Job(version: 1, task: Command(3))", "line 1, column 31: expected text in double quotes, found '3'"),
        ("Job(version: 1, task: Command, inputs: [])", "line 1, column 30: expected '(', found ','"),
        (
            "Job(version: 1, task: Workload(nme: \"cube\"))",
            "line 1, column 32: unknown field 'nme' in Workload; did you mean 'name'?",
        ),
        ("Job(version: 1, inputs: Range(1, 2))", "line 1, column 25: expected a list in [ ], found 'Range'"),
        ("Job(version: 1, inputs: [Rang(1, 2)])", "line 1, column 26: unknown input 'Rang'; did you mean 'Range'?"),
        (
            "Job(version: 1, inputs: [Figures(1, 2)])",
            "line 1, column 26: unknown input 'Figures'; expected one of: Range, Numbers, List, Lines, Glob, Csv, Stdin, \
             Json, Table, Records, Columns, Linked, Bytes",
        ),
        ("Job(version: 1, inputs: [Range(1)])", "line 1, column 33: expected Range with 2 elements, found 1"),
        ("Job(version: 1, inputs: [Range(1, 2, 3)])", "line 1, column 38: expected ')', found '3'"),
        (
            "Job(version: 1, inputs: [Range(1, \"a\")])",
            "line 1, column 35: expected a whole number, found the text \"a\"",
        ),
        ("Job(version: 1, inputs: [List([1])])", "line 1, column 32: expected text in double quotes, found '1'"),
        (
            "Job(version: 1, workers: 5000000000)",
            "line 1, column 26: the number '5000000000' is too large or too small here",
        ),
        ("Job(version: 1, workers: -3)", "line 1, column 26: the number '-3' is too large or too small here"),
        ("Job(version: 1, workers: 3.5)", "line 1, column 26: expected a whole number, found '3.5'"),
        ("Job(version: 1, workers: \"3\")", "line 1, column 26: expected a whole number, found the text \"3\""),
        ("Job(version: 1, timeout_secs: soon)", "line 1, column 31: expected a number, found 'soon'"),
        ("Job(version: 1, linked: yes)", "line 1, column 25: expected true or false, found 'yes'"),
        ("Job(version: 1, mode: pol)", "line 1, column 23: unknown mode 'pol'; did you mean 'pool'?"),
        ("Jb(version: 1)", "line 1, column 1: expected Job( … ), found 'Jb'"),
        ("{\"version\": 1}", "line 1, column 1: expected Job( … ), found '{'"),
        ("", "line 1, column 1: expected Job( … ), found the end of the file"),
        (" \n ", "line 2, column 2: expected Job( … ), found the end of the file"),
        ("Job(", "line 1, column 5: the file ends too early"),
        ("#![enable(foo)] Job()", "line 1, column 11: unknown extension 'foo'; remove it"),
        ("Job(version: 1, /* é", "line 1, column 17: the comment that begins here has no closing */"),
    ];
    for (text, message) in table {
        assert_eq!(fault(text), message, "{text}");
    }
    assert_eq!(fault(&(job_with("") + " x")), "line 1, column 51: expected the end of the file, found 'x'");
}

#[test]
fn faults_of_values_stand_at_their_field() {
    let table = [
        ("workers: 0", &field::WORKERS, "58: workers: it is 0, expected 1 to 1024"),
        ("workers: Some(1000000000)", &field::WORKERS, "58: workers: it is 1000000000, expected 1 to 1024"),
        (
            "timeout_secs: -1",
            &field::TIMEOUT_SECS,
            "63: timeout_secs: it is -1, expected seconds above 0 and up to 31536000",
        ),
        (
            "timeout_secs: 0",
            &field::TIMEOUT_SECS,
            "63: timeout_secs: it is 0, expected seconds above 0 and up to 31536000",
        ),
        (
            "timeout_secs: inf",
            &field::TIMEOUT_SECS,
            "63: timeout_secs: it is inf, expected seconds above 0 and up to 31536000",
        ),
        (
            "timeout_secs: NaN",
            &field::TIMEOUT_SECS,
            "63: timeout_secs: it is NaN, expected seconds above 0 and up to 31536000",
        ),
        ("name: \"a\\nb\"", &field::NAME, "55: name: it must be a single line of text"),
        (
            "working_dir: \"\"",
            &field::WORKING_DIR,
            "62: working_dir: it is empty; leave it out for the job file's own folder",
        ),
    ];
    for (rest, field, message) in table {
        let error = Job::parse(&job_with(rest)).expect_err(rest);
        assert_eq!(error.to_string(), format!("line 1, column {message}"));
        assert_eq!(error.field, Some(field));
    }
    assert_eq!(
        fault("Job(version: 1, task: Command(\"x {1 }\"), inputs: [])"),
        "line 1, column 23: task: column 3: {1 } has a blank in it; write {1}"
    );
    assert_eq!(
        fault("Job(version: 1, task: Command(\" \"), inputs: [])"),
        "line 1, column 23: task: the command line is empty; write the command to run, for example 'echo {}'"
    );
    assert!(
        fault("Job(version: 1,\n task: Workload(name: \"cubee\"), inputs: [])").starts_with("line 2, column 8: task: ")
    );
    for (inputs, message) in [
        ("Stdin, Stdin", "standard input can be read only once; give the other input another source"),
        ("Stdin, Lines(\"\")", "input 2 has no file name"),
        ("Csv(\"\")", "input 1 has no file name"),
        ("Glob(\"\")", "input 1 has no pattern"),
        ("Records(separator: \"\")", "input 1 has an empty separator; write what stands at the end of each piece"),
        ("Columns(from: Csv(\"x\"))", "input 1: only lines, records, lists and names of files can be cut into columns"),
        (
            "Columns(from: Stdin, separator: \"[\")",
            "input 1: the column separator '[' is not valid: unclosed character class; for the text [ itself write '\\['",
        ),
        ("Linked([])", "input 1 links nothing; write the inputs in its list"),
        ("Linked([Stdin, Json(\"\")])", "input 1 has no file name"),
    ] {
        let text = format!("Job(version: 1, task: Command(\"x\"), inputs: [{inputs}])");
        assert_eq!(fault(&text), format!("line 1, column 45: inputs: {message}"));
    }
    for (rest, message) in [
        ("environment: {\"A=\": \"\"}", ": environment: 'A=' is no name of a variable; write letters, digits and _"),
        (
            "environment: {\"FANLANE_TASK\": \"\"}",
            ": environment: FANLANE_TASK: names that begin with FANLANE_ are Fanlane's own; choose another",
        ),
        ("environment: {\"A\": \"{1 }\"}", ": environment: A: column 1: {1 } has a blank in it; write {1}"),
        ("stdin: \"{0}\"", ": stdin: column 1: values are counted from 1, so there is no {0}; write {1} for the first"),
        ("stdin_file: \"\"", ": stdin_file: it is empty; leave it out for no standard input"),
        (
            "stdin: \"\", stdin_file: \"x\"",
            ": stdin_file: there is a text for standard input already (stdin); remove one",
        ),
    ] {
        let shown = fault(&job_with(rest));
        assert!(shown.starts_with("line 1, column ") && shown.ends_with(message), "{shown}");
    }
    assert_eq!(
        fault("Job(version: 0, task: Command(\"x\"), inputs: [])"),
        "line 1, column 14: version: it is 0, expected 1 to 1"
    );
}

#[test]
fn every_problem_of_a_job_is_found() {
    let job = Job {
        version: 2,
        task: TaskTemplate::Command("{0}".into()),
        inputs: vec![Input::Stdin, Input::Stdin],
        workers: Some(0),
        timeout_secs: Some(f64::NAN),
        working_dir: Some(PathBuf::new()),
        ..full_job()
    };
    let fields: Vec<&Field> = job.check().into_iter().map(|problem| problem.field).collect();
    assert_eq!(
        fields,
        [&field::VERSION, &field::TASK, &field::INPUTS, &field::WORKERS, &field::TIMEOUT_SECS, &field::WORKING_DIR]
    );
    assert!(full_job().inputs.len() == 8 && full_job().check().is_empty());
}

/// A newer file may have fields that this version does not know: its version is what matters.
#[test]
fn a_newer_version_is_named_before_anything_else() {
    assert_eq!(
        fault("Job(new: Thing(version: 1), // version: 1\n  version: 2, wokers: 3"),
        "line 2, column 12: this file is version 2; this Fanlane reads up to 1"
    );
    assert_eq!(
        fault("\u{feff}(version: 18446744073709551615)"),
        "line 1, column 11: this file is version 18446744073709551615; this Fanlane reads up to 1"
    );
}

#[test]
fn a_torn_file_is_refused_wherever_it_ends() {
    let text = full_job().to_ron().expect("text");
    let end = text.trim_end().len();
    for length in (0..end).filter(|length| text.is_char_boundary(*length)) {
        let error = Job::parse(&text[..length]).expect_err("torn");
        assert!(error.place.is_some(), "{error}");
    }
    assert_eq!(
        fault("Job(version: 1, inputs: []"),
        "line 1, column 27: expected ',' or the closing bracket, found the end of the file"
    );
    assert_eq!(fault("Job(version: 1, ta"), "line 1, column 17: unknown field 'ta' in Job; did you mean 'task'?");
    assert_eq!(
        fault("Job(version: 1, task: Command(\"x"),
        "line 1, column 31: the text that begins here has no closing quote"
    );
}

proptest::proptest! {
    /// Any edit of a job file: a fault has words, and nothing ends the process.
    #[test]
    fn any_damage_is_survived(at in 0_usize..400, cut in 0_usize..20, put in "[-a-z0-9é\"'()\\[\\]{}:,./*#\\\\ \n]{0,6}") {
        let text = full_job().to_ron().expect("text");
        let chars: Vec<char> = text.chars().collect();
        let at = at.min(chars.len());
        let end = (at + cut).min(chars.len());
        let damaged: String = chars[..at].iter().copied().chain(put.chars()).chain(chars[end..].iter().copied()).collect();
        if let Err(error) = Job::parse(&damaged) {
            proptest::prop_assert!(error.place.is_some() && !error.message.is_empty());
        }
    }
}

/// Neither a fault nor an end of the process: the stack of a test's thread is 2 MiB.
#[test]
fn deep_nesting_is_refused() {
    let deep = 50_000;
    for (open, close) in
        [("(", ")"), ("[", "]"), ("{", "}"), ("Some(", ")"), ("Job(", ")"), ("/*", "*/"), ("List([", "])")]
    {
        for field in ["name", "task", "inputs", "workers", "unknown"] {
            let nested = format!("(version: 1, {field}: {}{})", open.repeat(deep), close.repeat(deep));
            assert!(Job::parse(&nested).is_err());
            assert!(Job::parse(&nested[..nested.len() / 2]).is_err());
        }
        assert!(Job::parse(&open.repeat(deep)).is_err());
    }
}

#[test]
fn files_are_read_with_their_path_in_messages() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("photos.ron");
    let load =
        || Job::load(&path).map_err(|error| error.to_string().replace(&path.display().to_string(), "photos.ron"));

    assert_eq!(load(), Err("photos.ron: cannot be read: No such file or directory (os error 2)".into()));
    fs::write(&path, full_job().to_ron().expect("text")).expect("written");
    assert_eq!(load(), Ok(full_job()));
    fs::write(&path, "Job(\n  version: 1,\n  wokers: 3)").expect("written");
    assert_eq!(load(), Err("photos.ron:3:3: unknown field 'wokers' in Job; did you mean 'workers'?".into()));
    fs::write(&path, b"Job(\n  name: \"\xff\")").expect("written");
    assert_eq!(load(), Err("photos.ron:2:10: this is not UTF-8 text; save the file as UTF-8".into()));

    let too_large =
        "larger than 16 MiB, so this is no job file; put long lists into a file and name it with Lines(\"…\")";
    let file = fs::File::create(&path).expect("made");
    file.set_len(1 << 30).expect("a file with a hole");
    assert_eq!(load(), Err(format!("photos.ron: {too_large}")));
    assert_eq!(Job::load(Path::new("/dev/zero")).expect_err("endless").to_string(), format!("/dev/zero: {too_large}"));
    assert_eq!(fault(&" ".repeat((16 << 20) + 1)), too_large);
    assert!(Job::load(folder.path()).expect_err("a folder").to_string().contains(": cannot be read: "));
}

#[test]
fn a_job_without_a_name_is_called_by_what_it_does() {
    let named = full_job();
    assert_eq!(named.display_name(), "Thumbnails \"é\"");
    let line = Job { name: String::new(), task: TaskTemplate::Command("\necho {}\nexit 3".into()), ..named.clone() };
    assert_eq!(line.display_name(), "echo {}");
    let spec = WorkloadSpec { name: "cube".into(), ..WorkloadSpec::default() };
    let call = Job { name: String::new(), task: TaskTemplate::Workload(spec), ..named };
    assert_eq!(call.display_name(), "cube");
}
