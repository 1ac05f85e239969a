//! The built program from outside, without running a task: usage, dry runs, presets.

use super::start::{run_in, run_with};

const JOB_FILES: [(&str, &str); 5] = [
    ("good.ron", "Job(version: 1, task: Command(\"echo {}\"), inputs: [Range(1, 3)])"),
    ("unknown_field.ron", "Job(\n  version: 1,\n  task: Command(\"echo {}\"),\n  wrkers: 3,\n  inputs: [],\n)\n"),
    ("wrong_type.ron", "Job(\n  version: 1,\n  task: Command(\"echo {}\"),\n  workers: \"many\",\n  inputs: [],\n)\n"),
    ("newer.ron", "Job(version: 99, task: Command(\"echo {}\"), inputs: [Range(1, 3)])"),
    ("torn.ron", "Job(version: 1, task: Comm"),
];

/// Words with `|` between them, and a part of the complaint.
const BAD_USAGE: &[(&str, &str)] = &[
    ("run|::::|f", "f cannot be read"),
    ("run|--no-shell|echo 'a|:::|b", "column 6: the quote ' that begins here is not closed"),
    ("run|--no-shell|''|:::|b", "column 1: the first word is empty"),
    ("run|echo {1 }|:::|b", "column 6: {1 } has a blank in it; write {1}"),
    ("run|echo {#:04}|:::|b", "column 6: {#:04} has no format that is known"),
    ("run|echo {1:%02d}|:::|1|b", "input 1: value 2 is 'b', but column 6 of the template pads a whole number"),
    ("run|--env|=x|echo|:::|b", "environment: '' is no name of a variable"),
    ("run|--env|A={2}|echo|:::|b", "the variable A cannot be used: column 1: {2}"),
    ("run|--stdin-text|x|--stdin-file|y|echo|:::|b", "--stdin-file"),
    ("run|--tmux|echo|:::|a", "fanlane: --tmux of GNU parallel is left out: Tasks have no terminal, but for '--tty'."),
    ("run|-l2|-n|2|x|:::|a", "cannot be used with"),
    ("run|-J|missing|echo|:::|a", "there is no profile missing in "),
    ("run|--tmpdir|missing|echo|:::|a", "the folder missing of --tmpdir is not there"),
    ("run|--tee|wc", "Each block goes to one task"),
    ("run|--tmuxpane|echo|:::|a", "--tmuxpane of GNU parallel is left out: "),
    ("run|--link|echo|:::|a|::::|f", "--link begins the shorter sources again"),
    ("run|-I|,|echo , {}|:::|a", "the braces {} in the command are text"),
    ("run|echo|:::+|a", "':::+' links its values to those before it"),
    ("run|echo|::::", "'::::' names no file"),
    ("run|echo|::::|-|-", "standard input can be read only once"),
    ("run|--colsep|(|echo|:::|a", "the column separator '(' is not valid: unclosed group"),
    ("run|--colsep|,*|echo|:::|a", "it also matches where nothing stands"),
    (
        "run|--colsep|,|echo|:::|a,b|c",
        "the list, value 2: it has 1 column, but the first has 2 columns; make them the same",
    ),
    ("run|--colsep|,|echo {3}|:::|a,b", "{3} asks for a value that is not there; the inputs give 2 values"),
    ("run|--header|2|echo|:::|a", "--header"),
    ("run|--header|:|echo|:::", "the list is empty, but its first value must name the columns"),
    ("run|--header|:|echo|:::|x|1|:::|x|2", "two columns are called 'x'"),
    ("run|-n|10001|echo|:::|a", "max_args: it is 10001, expected 0 to 10000"),
    ("run|-d||echo|:::|a", "it is empty; leave it out for line ends"),
    ("run|good.ron|--colsep|,", "has its own inputs, so --colsep has no meaning with it"),
    ("run|good.ron|--link", "has its own inputs, so --link has no meaning with it"),
    ("run|good.ron|-I|,", "has its own inputs, so -I has no meaning with it"),
    ("run|--preset|Cubes|--link", "has its own inputs, so --link has no meaning with it"),
    (
        "run|--xargs|-s|9|echo|:::|1234",
        "row 1 of the inputs alone makes a command of 10 bytes, and 9 is the maximum that max_chars",
    ),
    ("run|--spread|2|echo|:::|a", "spread: it is about tasks of as many rows as fit"),
    ("run|-X|-n|0|echo|:::|a", "max_chars: with max_args 0 a command has none of its values"),
    ("run|--arg-sep|,,|echo|,,+|a", "',,+' links its values to those before it"),
    ("run|--plus|echo|{host}|:::|a", "{host} of --plus is left out: all tasks run on this machine"),
    ("run|--rpl|{x} skip()|echo|:::|a", "'{x}' cannot be used: 'skip()' is no expression that is known here"),
    ("run|--rpl|{x}|echo|:::|a", "'{x}' names no expression"),
    ("run|--parens|abc|echo|:::|a", "'abc' has no two halves"),
    ("run|echo {= $x = 1 =}|:::|a", "column 6: '$x = 1' is no expression that is known here"),
    ("run|good.ron|--plus", "has its own inputs, so --plus, --rpl or --parens has no meaning with it"),
    ("run|--er|E|echo|E|{.}|:::|a", "where 'E' stands for {.}, the braces {.} in the command are text"),
    ("run|--order|shuffled:x|echo|:::|a", "or shuffled:SEED with a whole number"),
    ("run|echo {3}|:::|a", "{3}"),
    ("run|echo|::::|missing.txt", "missing.txt"),
    ("run|missing.ron", "missing.ron"),
    ("run|unknown_field.ron", "unknown_field.ron:4:"),
    ("run|unknown_field.ron", "wrkers"),
    ("run|wrong_type.ron", "wrong_type.ron:4:"),
    ("run|newer.ron", "version"),
    ("run|torn.ron", "torn.ron:1:"),
    ("run|good.ron|:::|a", "good.ron has its own command and inputs, so ':::' has no meaning behind it"),
    ("run|good.ron|--json|extra", "'extra' has no meaning behind it"),
    ("run|good.ron|--bogus", "--bogus"),
    ("run|--bogus|echo|:::|a", "--bogus"),
    ("run|-j|x|echo|:::|a", "--workers <N>"),
    ("run|-j|1025|echo|:::|a", "expected 1 to 1024, +N or -N"),
    ("run|-j", "--workers <N>"),
    ("run|--mode|both|echo|:::|a", "one, threads, pool"),
    ("run|--retries|0|echo|:::|a", "1 or more"),
    ("run|--timeout|0|echo|:::|a", "expected seconds greater than 0"),
    ("run|--timeout|x%|echo|:::|a", "--timeout <SECS"),
    ("presets|show|nope", "there is no preset 'nope'; 'fanlane presets list' shows all names"),
    ("presets|show", "<NAME>"),
    ("presets|drop", "drop"),
    ("xyz", "'xyz' is neither an existing job file nor a command; the commands are run, attach"),
    ("--bogus", "--bogus"),
];

#[test]
fn bad_usage_ends_with_2_and_says_what_was_expected() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in JOB_FILES {
        std::fs::write(folder.path().join(name), text).expect("written");
    }
    let mut wrong = Vec::new();
    for &(words, complaint) in BAD_USAGE {
        let ended = run_in(&words.split('|').collect::<Vec<_>>(), folder.path());
        if ended.code != Some(2) || !ended.err.contains(complaint) || !ended.out.is_empty() {
            wrong.push((words, complaint, ended));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_complaint_about_a_job_is_one_line_and_says_nothing_twice() {
    let ended = run_with(&["run", "missing.ron"], b"");
    assert_eq!(ended.err.lines().count(), 1, "{ended:?}");
    assert_eq!(ended.err.matches("No such file").count(), 1, "{ended:?}");
}

/// Words behind `run --dry-run` with `|` between them, standard input, the command lines.
const DRY_RUNS: &[(&str, &str, &str)] = &[
    ("echo|{}|:::|a|b", "", "echo a\necho b\n"),
    ("echo|:::|a|b", "", "echo a\necho b\n"),
    ("echo {}; true|:::|a", "", "echo a; true\n"),
    ("echo|:::|a|b|:::|c|d", "", "echo a c\necho a d\necho b c\necho b d\n"),
    ("echo|{2}-{1}|:::|a|b|:::|c", "", "echo c-a\necho c-b\n"),
    ("echo|:::|a|b|c|:::+|1|2", "", "echo a 1\necho b 2\n"),
    ("echo|:::|a|b|:::+|1|2|:::+|x|y", "", "echo a 1 x\necho b 2 y\n"),
    ("echo|::::|-", "x\ny\n", "echo x\necho y\n"),
    ("echo|:::|a|::::|-", "x\ny\n", "echo a x\necho a y\n"),
    ("echo|:::|a|b|::::+|-", "x\ny", "echo a x\necho b y\n"),
    ("wc|-l", "a.txt\n\nb.txt", "wc -l a.txt\nwc -l ''\nwc -l b.txt\n"),
    ("wc|-l", "", ""),
    ("", "echo a b\ncd x; ls | wc\n", "echo a b\ncd x; ls | wc\n"),
    ("echo|:::", "", ""),
    ("convert|{}|{.}.png|:::|dir/a.jpg", "", "convert dir/a.jpg dir/a.png\n"),
    ("cp|{}|{//}/{/.}-{#}|:::|dir/a.jpg", "", "cp dir/a.jpg dir/a-1\n"),
    ("echo|:::|a b|;rm -rf x|$(x)|`x`", "", "echo 'a b'\necho ';rm -rf x'\necho '$(x)'\necho '`x`'\n"),
    ("cut|-d:|-f1|--json|:::|a", "", "cut -d: -f1 --json a\n"),
    ("echo|-j|4|:::|--dry-run", "", "echo -j 4 --dry-run\n"),
    ("--|-odd|:::|a", "", "-odd a\n"),
    ("echo|:::|a|b|:::|c|:::+|d|e|:::|f", "", "echo a c d f\necho b c d f\n"),
    ("echo|:::|a|b|:::+|c|d|:::|f|g", "", "echo a c f\necho a c g\necho b d f\necho b d g\n"),
    ("-n|2|echo|:::|a b|c|d", "", "echo 'a b' c\necho d\n"),
    ("-N|2|echo|{2}|{1}|{}|:::|a|b|c", "", "echo b a a b\necho  c c\n"),
    ("-n|2|echo|:::|a|b|c|:::|d|e", "", "echo a d a e\necho b d b e\necho c d c e\n"),
    ("-n|0|echo hi|:::|a|b", "", "echo hi\necho hi\n"),
    ("-n|2|--no-shell|echo|:::|a b|c|d", "", "echo 'a b' c\necho d\n"),
    ("--colsep|, *|echo|{2} {1}|:::|a,  b|c,d", "", "echo b a\necho d c\n"),
    ("--colsep|\\t|echo", "a\t\tb\n", "echo a '' b\n"),
    ("--colsep|,|--header|:|echo|{y} {x.}|:::|x,y|a.b,c", "", "echo c a\n"),
    ("--header|:|echo|{x} {y}|:::|x|1|2|:::|y|3|4", "", "echo 1 3\necho 1 4\necho 2 3\necho 2 4\n"),
    ("-d|;;|echo", "a;b;;c\n;;;;d", "echo 'a;b'\necho 'c\n'\necho ''\necho d\n"),
    ("-a|-|echo|:::|a|b", "x\n", "echo x a\necho x b\n"),
    ("-a|-|echo|:::+|a|b", "x\ny\n", "echo x a\necho y b\n"),
    (":::|echo a b|c; d", "", "echo a b\nc; d\n"),
    ("{}|:::|echo a b", "", "echo a b\n"),
    ("{1} {2}|:::|echo a|:::|b c", "", "echo a b c\n"),
    ("echo {%} {#:%03d} {1:%2d}|:::|7|-8", "", "echo 1 001  7\necho 1 002 -8\n"),
    ("--no-shell|cp|{}|{.} x|:::|a b.c", "", "cp 'a b.c' 'a b x'\n"),
    ("--no-shell|cp {} '{.} x' \\$HOME|:::|a b.c", "", "cp 'a b.c' 'a b x' '$HOME'\n"),
];

#[test]
fn a_dry_run_prints_the_command_lines_of_parallel() {
    for &(words, input, expected) in DRY_RUNS {
        let words: Vec<_> =
            ["run", "--dry-run"].into_iter().chain(words.split('|').filter(|word| !word.is_empty())).collect();
        let ended = run_with(&words, input.as_bytes());
        assert_eq!((ended.code, ended.out.as_str(), ended.err.as_str()), (Some(0), expected, ""), "{words:?}");
    }
}

#[test]
fn options_stand_before_a_command_and_on_both_sides_of_a_job_file() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("good.ron"), JOB_FILES[0].1).expect("written");
    for words in ["run|--dry-run|good.ron", "run|good.ron|--dry-run", "run|-j|2|good.ron|--dry-run|-j|3|-k"] {
        let ended = run_in(&words.split('|').collect::<Vec<_>>(), folder.path());
        assert_eq!((ended.code, ended.out.as_str()), (Some(0), "echo 1\necho 2\necho 3\n"), "{words}");
    }
}

#[test]
fn inputs_of_a_job_file_are_looked_up_beside_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let jobs = folder.path().join("jobs");
    std::fs::create_dir(&jobs).expect("made");
    std::fs::write(jobs.join("names.txt"), "anna\nbert\n").expect("written");
    let job = "Job(version: 1, task: Command(\"hello\"), inputs: [Lines(\"names.txt\")])";
    std::fs::write(jobs.join("greet.ron"), job).expect("written");
    let ended = run_in(&["run", "jobs/greet.ron", "--dry-run"], folder.path());
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), "hello anna\nhello bert\n"), "{ended:?}");
}

#[test]
fn bytes_that_are_no_text_come_through() {
    use std::process::Stdio;
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("names"), b"a\xffb\n").expect("written");
    let output = super::start::command(&["run", "--dry-run", "ls", "::::", "names"], folder.path())
        .stdin(Stdio::null())
        .output()
        .expect("the program can be started");
    assert!(output.stdout.windows(3).any(|bytes| bytes == b"a\xffb"), "{output:?}");
}

#[test]
fn values_of_any_bytes_but_nul_come_from_words_and_from_standard_input() {
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().expect("a folder");
    let word = std::ffi::OsStr::from_bytes(b"a\xff.x");
    let output = super::start::command(&["run", "--dry-run", "echo {.}", ":::"], folder.path()).arg(word).output();
    assert_eq!(output.expect("it runs").stdout, b"echo 'a\xff'\n");
    let ended = run_with(&["run", "--dry-run", "-0", "echo"], b"a\nb\0\0c");
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), "echo 'a\nb'\necho ''\necho c\n"), "{ended:?}");
}

#[test]
fn a_shuffle_and_a_sample_are_the_same_for_the_same_seed() {
    let all: Vec<String> = (1..=50).map(|number| number.to_string()).collect();
    let run = |flags: &str| {
        let words = ["run", "--dry-run"].into_iter().chain(flags.split(' ')).chain(["echo {#} {}", ":::"]);
        let words: Vec<&str> = words.chain(all.iter().map(String::as_str)).collect();
        run_with(&words, b"").out.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let shuffled = run("--shuf --seed 3");
    assert_eq!(shuffled, run("--shuf --seed 3"));
    assert_ne!(shuffled, run("--shuf --seed 4"));
    let mut sorted = shuffled.clone();
    sorted.sort_by_key(|line| line.split(' ').nth(1).and_then(|number| number.parse::<u32>().ok()));
    assert_ne!(shuffled, sorted);
    // A task's number stays the input's.
    assert_eq!(sorted, all.iter().map(|number| format!("echo {number} {number}")).collect::<Vec<_>>());
    let sampled = run("--sample 5 --seed 3");
    assert_eq!((sampled.len(), &sampled), (5, &run("--sample 5 --seed 3")));
}

#[test]
fn a_closed_pipe_is_no_complaint() {
    use std::io::{BufRead, BufReader};
    let folder = tempfile::tempdir().expect("a folder");
    let job = "Job(version: 1, task: Command(\"echo {}\"), inputs: [Range(1, 1000000)])";
    std::fs::write(folder.path().join("many.ron"), job).expect("written");
    let mut child = super::start::command(&["run", "--dry-run", "many.ron"], folder.path()).spawn().expect("it starts");
    let mut first = String::new();
    BufReader::new(child.stdout.take().expect("it is piped")).read_line(&mut first).expect("a line");
    assert_eq!(first, "echo 1\n");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), b"".as_slice()));
}

/// Each command that prints, with a reader that is gone before the first byte.
#[test]
fn every_command_is_quiet_where_its_reader_is_gone() {
    let folder = tempfile::tempdir().expect("a folder");
    assert_eq!(run_in(&["run", "--quiet", "echo {}; exit 1", ":::", "a", "b"], folder.path()).code, Some(1));
    let lines = "history|history --json|history --all|history path|history remove 1|show 1|show 1 --json|show 1 --job|\
                 show 1 --grep a|export 1 -f csv|export 1 -f json|export 1 -f jsonl|export 1 -f trace|follow 1|presets|\
                 presets path|presets show cubes|workloads|import parallel parallel_echo_:::_a|--help|--version|run --help|\
                 run --dry-run echo ::: a|resume 1 --failed --dry-run|rerun 1 --dry-run|run --background true ::: a";
    for line in lines.split('|') {
        // An underscore is a blank within a word.
        let words: Vec<String> = line.split_whitespace().map(|word| word.replace('_', " ")).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let ended = super::start::command(&words, folder.path()).stdout(writer).output().expect("it runs");
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(!said.to_lowercase().contains("broken pipe") && !said.contains("panicked"), "{line}: {said}");
        assert_eq!(ended.status.code(), Some(0), "{line}: {said}");
    }
    // What is started in the background here is over before the folder is removed.
    let until = std::time::Instant::now() + super::start::DEADLINE;
    while run_in(&["history", "--json"], folder.path()).out.contains("\"running\"") {
        assert!(std::time::Instant::now() < until, "waited in vain for the detached run");
    }
}

#[test]
fn presets_are_listed_shown_and_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let presets = folder.path().join(".config/fanlane/presets");
    std::fs::create_dir_all(&presets).expect("made");
    let mine = "Job(version: 1, name: \"Mine\", task: Command(\"echo {}\"), inputs: [Range(1, 3)])";
    std::fs::write(presets.join("mine.ron"), mine).expect("written");
    std::fs::write(presets.join("torn.ron"), JOB_FILES[4].1).expect("written");

    let path = run_in(&["presets", "path"], folder.path());
    let list = run_in(&["presets"], folder.path());
    assert_eq!(list.out, run_in(&["presets", "list"], folder.path()).out);
    assert!(list.out.lines().any(|line| line.starts_with("Cubes ")), "{list:?}");
    if path.out == format!("{}\n", presets.display()) {
        // Only on systems that keep configuration there.
        assert!(list.out.lines().any(|line| line.starts_with("Mine")), "{list:?}");
        assert!(list.out.lines().any(|line| line.starts_with("torn ") && line.contains("cannot be read")), "{list:?}");
        let mine = run_in(&["presets", "show", "MINE"], folder.path());
        assert!(mine.out.contains("echo {}"), "{mine:?}");
        assert_eq!(run_in(&["presets", "show", "torn"], folder.path()).code, Some(2));
    }
    let cubes = run_in(&["presets", "show", "cubes"], folder.path());
    std::fs::write(folder.path().join("cubes.ron"), &cubes.out).expect("written");
    let ended = run_in(&["run", "cubes.ron", "--dry-run"], folder.path());
    assert_eq!(ended.out.lines().next(), Some("cube(1)"), "{ended:?}");
}

#[test]
fn help_and_version_go_to_standard_output() {
    for (words, part) in [
        ("--version", concat!("fanlane ", env!("CARGO_PKG_VERSION"))),
        ("--help", "Commands:"),
        ("run|--help", "  0 every task done"),
        ("workloads", "sum_primes"),
    ] {
        let ended = run_with(&words.split('|').collect::<Vec<_>>(), b"");
        assert!(ended.code == Some(0) && ended.out.contains(part) && ended.err.is_empty(), "{words}: {ended:?}");
    }
}

#[test]
fn a_profile_names_others_whose_options_count_before_its_own_and_never_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("written");
    write("inner", "--tagstring inner-{} --retries 2\n");
    write("outer", "-J ./inner --tagstring 'outer {}'\necho\n");
    write("circle", "-J ./circle-too\n");
    write("circle-too", "-J ./circle\n");
    let ended = run_in(&["run", "-J", "./outer", "{}!", ":::", "b"], folder.path());
    assert!(ended.code == Some(0) && ended.out == "outer b\tb!\n", "{ended:?}");
    let dry = run_in(&["run", "-J", "./inner", "-k", "echo {}", ":::", "a"], folder.path());
    assert!(dry.code == Some(0) && dry.out == "inner-a\ta\n", "{dry:?}");
    let ended = run_in(&["run", "-J", "./circle", "echo", ":::", "b"], folder.path());
    assert!(ended.code == Some(2) && ended.err.contains("is named by itself"), "{ended:?}");
}
