use super::*;
use crate::job::Batch;

fn parallel(line: &str) -> Imported {
    import_parallel(&shell_words(line).expect(line)).expect(line)
}

fn xargs(line: &str) -> Imported {
    import_xargs(&shell_words(line).expect(line)).expect(line)
}

fn command(job: &Job) -> &str {
    let TaskTemplate::Command(command) = &job.task else { panic!("a command") };
    command
}

fn noted(imported: &Imported) -> Vec<&str> {
    imported.notes.iter().map(|note| &*note.what).collect()
}

fn list(values: &[&str]) -> Input {
    Input::List(values.iter().map(|value| (*value).to_owned()).collect())
}

#[test]
fn command_lines_of_parallel_become_jobs() {
    let cases: &[(&str, &str, &[Input], &[&str])] = &[
        ("parallel echo ::: a b", "echo", &[list(&["a", "b"])], &[]),
        (
            "parallel -j4 --retries 3 \"convert {} {.}.png\" ::: *.jpg",
            "convert {} {.}.png",
            &[Input::Glob("*.jpg".to_owned())],
            &[],
        ),
        ("parallel gzip ::: '*.log'", "gzip", &[list(&["*.log"])], &[]),
        ("parallel echo ::: {1..10} ::: x", "echo", &[Input::Range(1, 10), list(&["x"])], &[]),
        ("parallel echo ::: {01..10}", "echo", &[list(&["{01..10}"])], &["{01..10}"]),
        ("parallel -a list wc", "wc", &[Input::Lines("list".into())], &[]),
        ("parallel wc :::: list -", "wc", &[Input::Lines("list".into()), Input::Stdin], &[]),
        ("find . -name '*.c' | parallel wc -l", "wc -l", &[Input::Stdin], &["find . -name *.c"]),
        ("parallel wc ::: a > out", "wc", &[list(&["a"])], &["> out"]),
        ("parallel -I, echo , ::: a", "echo {}", &[list(&["a"])], &[]),
        ("parallel ::: 'echo a' 'echo b'", "{}", &[list(&["echo a", "echo b"])], &[]),
        ("parallel -k --joblog log --eta echo ::: a", "echo", &[list(&["a"])], &["-k", "--joblog log", "--eta"]),
        ("parallel -kj2 echo ::: a", "echo", &[list(&["a"])], &["-k"]),
        ("parallel --pipe --block 1M sort", "sort", &[Input::Stdin], &["--pipe", "--block 1M"]),
        ("parallel -S host -X rm ::: a", "rm", &[list(&["a"])], &["-S host", "-X"]),
        ("parallel -0 wc", "wc", &[Input::records(None, "\0")], &[]),
        ("parallel -d ';' -a list wc", "wc", &[Input::records(Some("list".into()), ";")], &[]),
        (
            "parallel --colsep , --header : echo {name} :::: list",
            "echo {name}",
            &[Input::Columns {
                from: Box::new(Input::Lines("list".into())),
                separator: Some(",".to_owned()),
                header: true,
                trim: true,
            }],
            &[],
        ),
        (
            "parallel echo ::: a :::+ b ::: c",
            "echo",
            &[Input::Linked(vec![list(&["a"]), list(&["b"])]), list(&["c"])],
            &[],
        ),
        ("parallel --link echo ::: a b ::: {1..2}", "echo", &[list(&["a", "b"]), Input::Range(1, 2)], &[]),
        ("parallel --link echo ::: a ::: {1..2}", "echo", &[list(&["a"]), Input::Range(1, 2)], &["--link"]),
        ("parallel -q printf '[%s]\\n' 'a b' {} ::: x", "printf '[%s]\\n' 'a b' {}", &[list(&["x"])], &[]),
        ("parallel -r echo ::: a", "echo", &[list(&["a"])], &["-r"]),
        ("parallel --header x echo ::: a", "echo", &[list(&["a"])], &["--header x"]),
        ("parallel --brand-new=7 -y echo ::: a", "echo", &[list(&["a"])], &["--brand-new 7", "-y"]),
        ("parallel -j150% --will-cite echo ::: a", "echo", &[list(&["a"])], &["-j 150%"]),
        ("parallel echo ::: $HOME", "echo", &[list(&["$HOME"])], &["$HOME"]),
        ("parallel 'echo $HOME {}' ::: a", "echo $HOME {}", &[list(&["a"])], &[]),
        ("parallel echo ::: a b* c", "echo", &[list(&["a", "b*", "c"])], &["b*"]),
        ("/usr/bin/parallel -- echo -n ::: a", "echo -n", &[list(&["a"])], &[]),
    ];
    for (line, text, inputs, notes) in cases {
        let imported = parallel(line);
        assert_eq!((command(&imported.job), &*imported.job.inputs), (*text, *inputs), "{line}");
        assert_eq!(noted(&imported), *notes, "{line}: {:?}", imported.notes);
        assert_eq!(Job::parse(&imported.job.to_ron().expect("written")).expect("read"), imported.job, "{line}");
    }
}

#[test]
fn settings_of_parallel_are_carried_over() {
    let job = parallel(
        "parallel -j 4 --retries 3 --timeout 2m --delay 0.5 --halt now,fail=1 --memfree 1G --load 3 --nice 5 --wd sub \
         echo ::: a b :::+ c d",
    );
    assert_eq!(job.notes, []);
    let job = job.job;
    assert_eq!((job.workers, job.retries, job.timeout_secs, job.linked), (Some(4), 2, Some(120.0), true));
    assert_eq!((job.control.delay_secs, job.control.memfree_bytes), (Some(0.5), Some(1 << 30)));
    assert_eq!((job.control.load_limit, job.control.nice), (Some(3.0), Some(5)));
    let limited = parallel("parallel --noswap --limit 'test -e go' echo ::: a").job.control;
    assert_eq!((limited.no_swap, limited.limit_command.as_deref()), (true, Some("test -e go")));
    assert_eq!(parallel("parallel --limit 'mem 1G' echo ::: a").job.control.memfree_bytes, Some(1 << 30));
    assert_eq!(job.control.halt.map(|halt| halt.to_string()).as_deref(), Some("now,fail=1"));
    assert_eq!(job.working_dir, Some("sub".into()));
    assert_eq!(parallel("parallel --timeout 200% echo ::: a").job.control.timeout_percent, Some(200.0));
    for bad in ["--timeout x", "--halt maybe", "--memfree much", "--nice 30", "--retries x", "--delay x", "-j 0"] {
        let imported = parallel(&format!("parallel {bad} echo ::: a"));
        assert_eq!(noted(&imported), [bad], "{:?}", imported.notes);
    }
    let tag = |line: &str| parallel(&format!("parallel {line} echo ::: a")).job.tagstring;
    assert_eq!(tag("--tag").as_deref(), Some("{}"));
    assert_eq!(tag("--tagstring '{#}\\t{}' --tag").as_deref(), Some("{#}\t{}"));
    let packed = parallel("parallel -N2 --shuf echo ::: a b");
    assert_eq!((packed.job.max_args, packed.notes.len()), (Some(2), 0));
    for (options, rows, chars, spread, repeats, notes) in [
        ("-N2", Some(2), None, None, true, 0),
        ("-n2", Some(2), None, None, false, 0),
        ("--xargs", None, Some(131_072), None, false, 0),
        ("-j4 -m -s 1K", None, Some(1024), Some(4), false, 0),
        ("-j4 -X -n 3", Some(3), Some(131_072), Some(4), true, 0),
        ("-X", None, Some(131_072), None, true, 1),
        ("-L 3", Some(3), Some(131_072), None, true, 0),
        ("--xargs -L 3", Some(3), Some(131_072), None, false, 0),
        ("-l", Some(1), Some(131_072), None, false, 0),
        ("-l2 -x", Some(2), Some(131_072), None, false, 0),
        ("-s 100", Some(1), Some(100), None, false, 0),
    ] {
        let imported = parallel(&format!("parallel {options} echo {{}}.x ::: a b"));
        let job = &imported.job;
        let found = (job.max_args, job.max_chars, job.spread, job.repeat_words, imported.notes.len());
        assert_eq!(found, (rows, chars, spread, repeats, notes), "{options}: {:?}", imported.notes);
    }
    assert!(matches!(packed.job.order, crate::job::order::Order::Shuffled { .. }));
}

#[test]
fn command_lines_of_xargs_become_jobs() {
    const BLANKS: &str = "blanks in the inputs";
    const QUOTES: &str = "quotes and blanks in the inputs";
    let cases: &[(&str, &str, &[&str])] = &[
        ("xargs -P4 -n1 gzip", "gzip {}", &[BLANKS]),
        ("xargs -P 4 -I {} mv {} 'my dir'/{}.bak", "mv {} 'my dir/'{}.bak", &[QUOTES]),
        ("xargs -I% sh -c 'echo $HOME; wc %'", "sh -c 'echo $HOME; wc '{}", &[QUOTES]),
        ("xargs -0 -I% grep -E [0-9]{1} %.{}", "grep -E '[0-9]{''1}' {}'.{''}'", &["[0-9]{1}"]),
        ("xargs -0 -n1 ls $HOME ~/x 'a*'", "ls '$HOME' '~/x' 'a*' {}", &["$HOME", "~/x"]),
        ("xargs rm -f", "rm -f {}", &[BLANKS]),
        ("xargs -0 -x -n 5 -s 100 rm", "rm {}", &["-x"]),
        ("xargs -n1", "echo {}", &[BLANKS]),
        ("find . | xargs -0 -n 1 -t wc", "wc {}", &["find .", "-t"]),
        ("xargs -n 3 --brand-new wc", "wc {}", &["--brand-new", BLANKS]),
        ("xargs -r -n1 wc > out", "wc {}", &["> out", BLANKS]),
    ];
    for (line, text, notes) in cases {
        let imported = xargs(line);
        assert_eq!(command(&imported.job), *text, "{line}");
        assert_eq!(noted(&imported), *notes, "{line}: {:?}", imported.notes);
    }
    assert_eq!(xargs("xargs -P4 -n1 wc").job.workers, Some(4));
    assert_eq!(xargs("xargs -n1 wc").job.workers, Some(1), "one after the other, as xargs does");
    let filled = |line: &str| {
        let job = xargs(line).job;
        (job.max_args, job.max_chars, job.shell.is_used())
    };
    for (line, expected) in [
        ("xargs -n3 wc", (Some(3), Some(131_072), false)),
        ("xargs -L 2 -s 400 wc", (Some(2), Some(400), false)),
        ("xargs -l wc", (None, None, true)),
        ("xargs wc", (None, Some(131_072), false)),
        ("xargs grep -e 'a{2}'", (None, Some(131_072), true)),
        ("xargs -s 400 -I% wc %", (None, None, true)),
    ] {
        assert_eq!(filled(line), expected, "{line}");
    }
    let read = |skip, until: Option<&str>| Input::Records {
        file: None,
        separator: "\n".to_owned(),
        encoding: crate::job::inputs::Encoding::default(),
        skip,
        until: until.map(str::to_owned),
    };
    assert_eq!(xargs("xargs -E END -n1 wc").job.inputs, [read(0, Some("END"))]);
    assert_eq!(xargs("xargs -eEND -n1 wc").job.inputs, [read(0, Some("END"))]);
    assert_eq!(xargs("xargs -d , -n1 wc").job.inputs, [Input::records(None, ",")]);
    assert_eq!(xargs("xargs --process-slot-var=SLOT wc").job.environment["SLOT"], "{%-1}");
    assert_eq!(parallel("parallel --skip-first-line -E END wc").job.inputs, [read(1, Some("END"))]);
    assert_eq!(parallel("parallel --skip-first-line -E c wc ::: a b c d").job.inputs, [list(&["b"])]);
    assert_eq!(parallel("parallel --skip-first-line -E 7 wc ::: {1..9}").job.inputs, [Input::Range(2, 6)]);
    assert_eq!(parallel("parallel -E 1 wc ::: {1..9}").job.inputs, [list(&[])]);
    let computed = parallel("parallel --plus --rpl '{x} s/a/b/' --parens '<==>' echo {..} {2x} '<= uq() =>' ::: a");
    assert_eq!(command(&computed.job), r"echo {= s:(\.[^/.]*){2}$:: =} {=2 s/a/b/ =} {= uq() =}");
    let other = parallel("parallel --arg-sep ,, --arg-file-sep // wc ,, a ::: ,,+ b c // list");
    assert_eq!(
        other.job.inputs,
        [Input::Linked(vec![list(&["a", ":::"]), list(&["b", "c"])]), Input::Lines("list".into())]
    );
    let renamed = parallel("parallel --er ,. --bnr // -I , --slotreplace SLOT echo , ,. // SLOT ::: a");
    assert_eq!(command(&renamed.job), "echo {} {.} {/} {%}");
    let null = Input::records(Some("list".into()), "\0");
    assert_eq!(xargs("xargs -0 -a list -n1 wc").job.inputs, [null]);
    assert_eq!(xargs("xargs -a list -n1 wc").job.inputs, [Input::Lines("list".into())]);
}

#[test]
fn a_job_log_becomes_its_commands() {
    let log = "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n\
               2\t:\t1.0\t     0.000\t0\t2\t1\t0\techo b;\0false\n\
               1\tfar\t1.0\t     0.000\t0\t2\t0\t0\techo 'a\tb'\n\
               1\tfar\t1.0\t     0.000\t0\t2\t0\t0\techo 'a\tb'\n";
    let imported = import_joblog(log).expect("a log");
    assert_eq!(imported.job.inputs, [list(&["echo 'a\tb'", "echo b;\nfalse"])]);
    assert_eq!(noted(&imported), ["repeated lines", "Exitval, Signal", "Host far"]);
    let batch = Batch::open(&imported.job, std::path::Path::new("."), &mut std::io::empty()).expect("a batch");
    assert_eq!(batch.payload(crate::job::TaskId(1), 1), "echo b;\nfalse");
    for (text, line) in [("", 1), ("a\n", 1), ("Seq\tHost\t\nx\n", 2), ("Seq\tHost\t\nx\t\t\t\t\t\t\t\t\n", 2)] {
        let error = import_joblog(text).expect_err(text);
        assert!(matches!(error, ImportError::LogLine { line: found, .. } if found == line), "{text}: {error}");
    }
}

#[test]
fn what_is_no_command_line_is_refused() {
    let refused = |line: &str| import_parallel(&shell_words(line).expect(line)).expect_err(line);
    assert_eq!(refused(""), ImportError::Empty);
    assert!(matches!(refused("make -j4"), ImportError::OtherProgram { program: "parallel", .. }));
    assert_eq!(refused("parallel -j"), ImportError::NoValue { option: "-j".to_owned() });
    assert!(matches!(refused("parallel 'echo {= $x = 1 =}' ::: a"), ImportError::Command { .. }));
    assert!(matches!(import_xargs(&[Word::literal("ls")]), Err(ImportError::OtherProgram { program: "xargs", .. })));
    for (line, column) in [("a 'b", 3), ("\"b", 1), ("x \"y\\", 3)] {
        assert_eq!(shell_words(line).expect_err(line), ImportError::OpenQuote { column });
    }
}

#[test]
fn words_are_parted_as_a_shell_does() {
    let texts = |line: &str| shell_words(line).expect(line).into_iter().map(|word| word.text).collect::<Vec<_>>();
    let cases: &[(&str, &[&str])] = &[
        ("a  b\tc\nd", &["a", "b", "c", "d"]),
        ("'a b'\"c d\"e", &["a bc de"]),
        ("a\\ b '' \"\"", &["a b", "", ""]),
        ("\"a\\\"b\\c\\$\"", &["a\"b\\c$"]),
        ("a\\\nb", &["ab"]),
        ("a|b>>c", &["a", "|", "b", ">>", "c"]),
        ("a 2>/dev/null b2>c", &["a", "2>", "/dev/null", "b2", ">", "c"]),
        ("a # b c\nd#e", &["a", "d#e"]),
        ("", &[]),
    ];
    for (line, words) in cases {
        assert_eq!(texts(line), *words, "{line}");
    }
    let globs = |line: &str| shell_words(line).expect(line).into_iter().map(|word| word.glob).collect::<Vec<_>>();
    assert_eq!(globs("[^a].txt '[x]'*.txt \\[x\\]* **/*"), ["[!a].txt", "[[]x[]]*.txt", "[[]x[]]*", "*/*"]);
    let braces = |line: &str| shell_words(line).expect(line).iter().map(|word| word.braces).collect::<Vec<_>>();
    assert_eq!(braces("{a,b}.txt x{1..2} {} '{a,b}' {1} {a"), [true, true, false, false, false, false]);
    let flags = |line: &str| {
        shell_words(line).expect(line).iter().map(|word| (word.pattern, word.expanded)).collect::<Vec<_>>()
    };
    assert_eq!(
        flags("*.a '*' \"$x\" '$x' \\* \\$x"),
        [(true, false), (false, false), (false, true), (false, false), (false, false), (false, false)]
    );
}
