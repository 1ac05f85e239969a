//! Values of parameters on their way into the command lines, the inputs and other fields of a job.

use std::path::Path;

use bstr::BString;

use crate::job::batch::BatchError;
use crate::job::parameter::ParameterKind;
use crate::job::{Batch, Job, TaskId, field};

/// A job with these parameters and further fields, in RON.
fn job(parameters: &str, fields: &str) -> Job {
    let text = format!("Job(version: 1, parameters: [{parameters}], {fields})");
    Job::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn lines(job: &Job, values: &[(&str, &str)], folder: &Path) -> Result<Vec<BString>, String> {
    let values = values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let job = Job { values, ..job.clone() };
    let batch = Batch::open(&job, folder, &mut std::io::empty()).map_err(|error| error.to_string())?;
    // What is handed to another process is the same.
    let unpacked = Batch::unpack(&batch.pack().expect("it is packed")).expect("it is unpacked");
    assert_eq!((unpacked.job(), unpacked.given_job()), (batch.job(), &job));
    let line = |batch: &Batch, task| {
        let mut line = Vec::new();
        batch.line_into(TaskId(task), 1, &mut line);
        BString::from(line)
    };
    let tasks: Vec<BString> = (0..batch.len()).map(|task| line(&batch, task)).collect();
    assert!(tasks.iter().zip(0..).all(|(one, task)| *one == line(&unpacked, task)));
    Ok(tasks)
}

const KINDS: &str = r#"
    Parameter(name: "t"), Parameter(name: "n", type: Number(min: -5, max: 100, step: 0.5), default: 10),
    Parameter(name: "c", type: Choice(["a b", "c"]), default: "c"), Parameter(name: "p", type: Path),
    Parameter(name: "f", type: YesNo(yes: "--a -b 'c d'", no: ""))"#;

#[test]
fn a_value_is_one_word_for_the_shell_whatever_it_holds() {
    let job = job(KINDS, r#"task: Command("x {@t} {@c} {@n} {@f} {}"), inputs: [List(["v w"])]"#);
    let cases: [(&[(&str, &str)], &str); 6] = [
        (&[], "x  c 10  'v w'"),
        (&[("t", "a; rm -rf $HOME")], "x 'a; rm -rf $HOME' c 10  'v w'"),
        (&[("t", "{} {1} {@n}"), ("c", "a b")], "x '{} {1} {@n}' 'a b' 10  'v w'"),
        (&[("t", "it's")], "x 'it'\"'\"'s' c 10  'v w'"),
        (&[("f", "yes"), ("n", "-0.5")], "x  c -0.5 --a -b 'c d' 'v w'"),
        (&[("f", "no"), ("n", "007")], "x  c 7  'v w'"),
    ];
    for (values, line) in cases {
        assert_eq!(lines(&job, values, Path::new("/")).expect("a batch"), [line], "{values:?}");
    }
}

#[test]
fn values_are_quoted_where_those_of_inputs_are_commands_and_split_nowhere_without_a_shell() {
    let cases = [
        (r#"task: Command("{} {@t}"), inputs: [List(["echo a"])]"#, "echo a 'b c'"),
        (r#"task: Command("{@t} {}"), inputs: [List(["v w"])]"#, "'b c' 'v w'"),
        (
            r#"task: Command("x {@t} {@p} {@f} {}"), shell: false, inputs: [List(["v w"])]"#,
            "x 'b c' --a -b 'c d' 'v w'",
        ),
        (r#"task: Command("{@p} {@t}"), shell: false, inputs: []"#, "'b c'"),
        (r#"task: Command("x {@p}"), shell: false, inputs: []"#, "x"),
        (r#"task: Command("x '{@p}{@t}' --o={@f}"), shell: false, inputs: []"#, "x 'b c' '--o=--a -b '\"'\"'c d'\"'\""),
        (r#"task: Command("x ${@t} ${@} {@} {@ t}"), inputs: []"#, "x ${@t} ${@} {@} {@ t}"),
    ];
    for (fields, line) in cases {
        let found = lines(&job(KINDS, fields), &[("t", "b c"), ("f", "yes")], Path::new("/")).expect(fields);
        assert_eq!(found, [line], "{fields}");
    }
}

#[test]
fn a_value_is_refused_where_a_shell_would_read_it_instead_of_taking_it_as_a_word() {
    let with = |line: &str| {
        let job = job(r#"Parameter(name: "x")"#, &format!("task: Command({line:?}), inputs: []"));
        lines(&job, &[("x", "; touch y; $(touch z)")], Path::new("/"))
    };
    for line in ["echo '{@x}'", "x=\"$(basename \"{@x}\")\"", "# {@x}", "x=`echo {@x}`", "cat <<E\n{@x}\nE"] {
        let error = with(line).expect_err(line);
        assert!(error.contains(" within ") && error.contains("hand it on as a variable"), "{line}: {error}");
    }
    for line in ["echo 'a' {@x} \"b\"", "x=\"$(basename {@x})\"", "cat <<<{@x}", "x={@x}; echo \"$x\""] {
        assert!(with(line).is_ok(), "{line}");
    }
}

#[test]
fn forms_and_formats_are_those_of_other_values() {
    let with = |value: &str, task: &str| {
        let job = job(r#"Parameter(name: "v")"#, &format!("task: Command({task:?}), inputs: []"));
        lines(&job, &[("v", value)], Path::new("/")).map(|lines| lines[0].to_string())
    };
    assert_eq!(with("a/b.c", "{@v} {@v.} {@v/} {@v//} {@v/.}").as_deref(), Ok("a/b.c a/b b.c a b"));
    assert_eq!(with("7", "x {@v:%03d}").as_deref(), Ok("x 007"));
    assert!(with("7.5", "x {@v:%03d}").expect_err("padded").contains("column 3: '7.5' is to be padded"));
    assert!(with("7", "x {@v:03d}").expect_err("no format").contains("{@v:03d} has no format"));
}

#[test]
fn a_job_without_parameters_has_braces_as_before() {
    let plain = job("", r#"task: Command("echo {@name} {}"), inputs: [List(["a"])]"#);
    assert_eq!(lines(&plain, &[], Path::new("/")).expect("a batch"), ["echo {@name} a"]);
}

#[test]
fn inputs_and_other_fields_take_values_and_a_path_is_no_pattern() {
    let folder = tempfile::tempdir().expect("a folder");
    let odd = folder.path().join("odd [1]*");
    std::fs::create_dir(&odd).expect("made");
    for name in ["a.jpg", "b.jpg"] {
        std::fs::write(odd.join(name), "").expect("written");
    }
    let parameters = r#"Parameter(name: "in", type: Folder), Parameter(name: "last", type: Number(step: 1), default: 2),
        Parameter(name: "limit", type: Number(), sets: "timeout_secs")"#;
    let fields = r#"task: Command("x {} {@in/}"), inputs: [Glob("{@in}/*.jpg"), Numbers("1", "{@last}"), List(["{@limit}s"])],
        environment: {"LIMIT": "{@limit}"}, tagstring: "{@in}", retries: 1"#;
    let job = job(parameters, fields);
    let values = [("in", "odd [1]*"), ("limit", "2.5")];
    let found = lines(&job, &values, folder.path()).expect("a batch");
    assert_eq!(found.len(), 4);
    assert_eq!(found[0], "x 'odd [1]*/a.jpg' 1 2.5s 'odd [1]*'");
    let values = values.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let given = Job { values, ..job };
    let batch = Batch::open(&given, folder.path(), &mut std::io::empty()).expect("a batch");
    assert_eq!((batch.job().timeout_secs, given.timeout_secs), (Some(2.5), None));
    assert_eq!(batch.tag(TaskId(0), 1).expect("a tag"), "odd [1]*");
    assert_eq!(batch.command_environment_of(TaskId(0))[0].1, "2.5");
    // What the job or a flag says itself comes first, also where it is the default.
    let mut fixed = given.clone();
    fixed.fix(&field::TIMEOUT_SECS);
    let batch = Batch::open(&fixed, folder.path(), &mut std::io::empty()).expect("a batch");
    assert_eq!(batch.job().timeout_secs, None);
    let own = Job { timeout_secs: Some(9.0), ..given };
    let batch = Batch::open(&own, folder.path(), &mut std::io::empty()).expect("a batch");
    assert_eq!(batch.job().timeout_secs, Some(9.0));
}

#[test]
fn what_is_wrong_names_the_parameter_the_value_and_what_it_takes() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("file"), "").expect("written");
    let parameters = r#"Parameter(name: "n", type: Number(min: 1, max: 9, step: 2, unit: "px"), required: true),
        Parameter(name: "c", type: Choice(["jpg", "png"])), Parameter(name: "dir", type: Folder), Parameter(name: "file", type: File),
        Parameter(name: "y", type: YesNo()), Parameter(name: "t"), Parameter(name: "limit", sets: "timeout_secs")"#;
    let job = job(parameters, r#"task: Command("x {@n}"), inputs: []"#);
    let cases = [
        (("c", "png"), "the parameter n has no value; it takes a number from 1 to 9 in steps of 2 (px)"),
        (("n", "4"), "the parameter n cannot be '4'; it takes a number from 1 to 9 in steps of 2 (px)"),
        (("n", "many"), "cannot be 'many'"),
        (("n", "inf"), "cannot be 'inf'"),
        (("c", "JPG"), "the parameter c cannot be 'JPG'; it takes one of jpg, png"),
        (("y", "maybe"), "the parameter y cannot be 'maybe'; it takes yes or no"),
        (("t", "a\0"), "it takes text"),
        (("dir", "gone"), "the parameter dir is 'gone', and "),
        (("dir", "file"), " is no folder"),
        (("file", "."), " is no file"),
        (("limit", "soon"), "the parameter limit sets timeout_secs, which cannot be 'soon'"),
        (("limit", "-1"), "the parameter limit sets timeout_secs, which cannot be '-1'"),
        (("colour", "x"), "'colour' is no parameter of this job; the parameters are n, c, dir, file, y, t, limit"),
        (("fiel", "x"), "'fiel' is no parameter of this job; did you mean 'file'?"),
    ];
    for ((name, value), words) in cases {
        let with_n = [("n", "3"), (name, value)];
        let values = if name == "n" || words.contains("n has no") { &with_n[1..] } else { &with_n };
        let error = lines(&job, values, folder.path()).expect_err(words);
        assert!(error.contains(words), "{error}");
    }
    let slips = [
        (r#"task: Command("é {@m}"), inputs: []"#, "column 3: 'm' is no parameter of this job; "),
        (r#"task: Command("x"), inputs: [Glob("{@folder}/*")]"#, "'folder' is no parameter of this job"),
        (r#"task: Command("x"), inputs: [Numbers("1", "{@n}x")]"#, "input 1: '3x' is no whole number"),
    ];
    for (fields, words) in slips {
        let job = self::job(parameters, fields);
        let error = lines(&job, &[("n", "3")], folder.path()).expect_err(words);
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn a_number_is_put_in_with_all_of_its_digits_and_no_sign_of_zero() {
    let number = |text: &str| {
        let job = job(r#"Parameter(name: "n", type: Number())"#, r#"task: Command("x {@n}"), inputs: []"#);
        lines(&job, &[("n", text)], Path::new("/")).map(|lines| lines[0].to_string())
    };
    for (text, written) in [
        ("18446744073709551615", "18446744073709551615"),
        ("-0", "0"),
        ("-0.0", "0"),
        ("007", "7"),
        ("+5", "5"),
        ("-12", "-12"),
        ("0.50", "0.5"),
    ] {
        assert_eq!(number(text), Ok(format!("x {written}")), "{text}");
    }
}

#[test]
fn steps_stay_within_the_limits_and_do_not_gather_rounding_errors() {
    let kind = |min, max, step| ParameterKind::Number { min, max, step: Some(step), unit: String::new() };
    let tenths = kind(Some(0.0), Some(1.0), 0.1);
    let mut text = String::new();
    let seen: Vec<String> = (0..5)
        .map(|_| {
            text = tenths.stepped(&text, 1.0).expect("a step");
            text.clone()
        })
        .collect();
    assert_eq!(seen, ["0", "0.1", "0.2", "0.3", "0.4"]);
    let step = |kind: &ParameterKind, text: &str, steps| kind.stepped(text, steps).expect("a step");
    assert_eq!((step(&tenths, "0", -1.0), step(&tenths, "1", 1.0)), ("0".to_owned(), "1".to_owned()));
    assert_eq!(step(&kind(None, None, 5.0), "-5", 1.0), "0");
    assert_eq!(step(&kind(Some(5.0), Some(3.0), 1.0), "", 1.0), "3", "limits that contradict each other");
    assert_eq!(kind(Some(f64::NAN), None, 0.0).stepped("1", 1.0), None);
}

#[test]
fn a_folder_that_a_parameter_names_can_be_the_working_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("photos")).expect("made");
    let job =
        job(r#"Parameter(name: "dir", type: Folder)"#, r#"task: Command("ls"), inputs: [], working_dir: "{@dir}""#);
    let anchored = job.clone().anchored(folder.path());
    let absolute = folder.path().join("photos");
    let absolute = absolute.to_str().expect("a text");
    for (job, value) in [(&job, "photos"), (&job, absolute), (&anchored, "photos"), (&anchored, absolute)] {
        let values = [("dir".to_owned(), value.to_owned())].into();
        let batch = Batch::open(&Job { values, ..job.clone() }, folder.path(), &mut std::io::empty());
        assert_eq!(batch.expect(value).working_dir(), Path::new(absolute));
    }
}

#[test]
fn a_fault_is_told_at_the_field_that_holds_it() {
    let at = |fields: &str| {
        let job = job(r#"Parameter(name: "n", required: true)"#, fields);
        let error = Batch::open(&job, Path::new("/"), &mut std::io::empty()).expect_err(fields);
        error.field().key
    };
    assert_eq!(at(r#"task: Command("x {@n}"), inputs: []"#), "values");
    assert_eq!(at(r#"task: Command("x {@m}"), inputs: [], values: {"n": 1}"#), "task");
    assert_eq!(at(r#"task: Command("x"), inputs: [List(["{@m}"])], values: {"n": 1}"#), "inputs");
    assert_eq!(at(r#"task: Command("x"), inputs: [], tagstring: "{@m}", values: {"n": 1}"#), "tagstring");
    assert!(matches!(
        Batch::open(&job("", r#"task: Command("x {@n}"), inputs: []"#), Path::new("/"), &mut std::io::empty()),
        Ok(_) | Err(BatchError::Input { .. })
    ));
}

#[test]
fn a_declaration_that_no_form_could_show_is_refused_in_the_file() {
    for (parameters, words) in [
        (r#"Parameter(name: "a b")"#, "'a b' is no name of a parameter"),
        (r#"Parameter(name: "1")"#, "'1' is no name of a parameter"),
        (r#"Parameter(name: "a"), Parameter(name: "a")"#, "two parameters are called 'a'"),
        (
            r#"Parameter(name: "a", sets: "retries"), Parameter(name: "b", sets: "retries")"#,
            "b: another parameter sets 'retries' already",
        ),
        (r#"Parameter(name: "a", type: Number(min: 2, max: 1))"#, "its smallest value 2 is larger"),
        (r#"Parameter(name: "a", type: Number(step: 0))"#, "its step is 0"),
        (r#"Parameter(name: "a", type: Choice([]))"#, "no values to choose from"),
        (r#"Parameter(name: "a", type: Choice(["x", "x"]))"#, "'x' is listed twice"),
        (r#"Parameter(name: "a", type: Choice(["x"]), default: "y")"#, "the default 'y' is none of its values"),
        (r#"Parameter(name: "a", sets: "retris")"#, "no parameter can set 'retris'; did you mean 'retries'?"),
        (r#"Parameter(name: "a", sets: "task")"#, "no parameter can set 'task'"),
    ] {
        let text = format!("Job(version: 1, task: Command(\"x\"), inputs: [], parameters: [{parameters}])");
        let error = Job::parse(&text).expect_err(parameters);
        assert!(error.message.contains(words) && error.place.is_some(), "{error}");
    }
    // Numbers and truth values need no quotes.
    let job = job(
        r#"Parameter(name: "a", default: 8), Parameter(name: "b", type: YesNo(), default: true)"#,
        r#"task: Command("x"), inputs: [], values: {"a": 0.5, "b": false}"#,
    );
    assert_eq!((&*job.parameters[0].default, &*job.parameters[1].default), ("8", "yes"));
    assert_eq!((&*job.values["a"], &*job.values["b"]), ("0.5", "no"));
}
