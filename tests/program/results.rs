//! What a run keeps: job logs, results folders, whole outputs, records and their exports; and jobs from other programs'
//! command lines. GNU parallel itself says what its formats are, where it is installed.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use fanlane_os::process_tree;
use rustix::process::{Pid, Signal, kill_process};

use super::processes::wait_until;
use super::start::{command, parallel, run_in};

/// All files and folders below a folder, by their paths in it. What goes away while it is read is not there.
fn tree(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let entries = match fs::read_dir(&next) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && next != folder => continue,
            entries => entries.expect("a folder"),
        };
        for entry in entries {
            let path = match entry {
                // A folder that is removed while it is read has no further entries.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound && next != folder => break,
                entry => entry.expect("an entry").path(),
            };
            if path.is_dir() && !path.is_symlink() {
                folders.push(path.clone());
            }
            found.push(path.strip_prefix(folder).expect("below").to_string_lossy().into_owned());
        }
    }
    found.sort();
    found
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))).into_owned()
}

/// The lines of a log without the two columns of times, sorted by number.
fn without_times(log: &str) -> Vec<String> {
    let mut lines: Vec<String> = log
        .lines()
        .map(|line| {
            let columns: Vec<&str> = line.split('\t').collect();
            assert!(columns.len() >= 9, "{line}");
            assert!(columns[2] == "Starttime" || columns[2].split_once('.').is_some_and(|(_, part)| part.len() == 3));
            assert_eq!(columns[3].len(), 10, "{line}");
            [&columns[..2], &columns[4..]].concat().join("\t")
        })
        .collect();
    lines.sort();
    lines
}

#[test]
fn a_job_log_is_that_of_parallel() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = "printf 'é{}\n'; echo error >&2; test {} != b; kill -9 $(test {} = k && echo $$) 2>&-";
    let words = ["-j1", "--joblog", "log", script, ":::", "a", "b", "k", "two\twords", "it's"];
    let ours = run_in(&[&["run"], &words[..]].concat(), folder.path());
    assert_eq!(ours.code, Some(1), "{ours:?}");
    let log = read(&folder.path().join("log"));
    assert_eq!(log.lines().count(), 6, "{log}");
    assert!(log.contains("\t0\t9\tprintf"), "the signal has its column: {log}");
    if let Some(mut parallel) = parallel(&words, folder.path()) {
        parallel.output().expect("it runs");
        assert_eq!(without_times(&log), without_times(&read(&folder.path().join("log"))));
    }
}

#[test]
fn a_job_log_is_overwritten_unless_it_is_to_be_added_to() {
    let folder = tempfile::tempdir().expect("a folder");
    for (log, lines) in [("log", 2), ("log", 2), ("+log", 3), ("+new", 2)] {
        run_in(&["run", "--joblog", log, "echo", ":::", "a"], folder.path());
        assert_eq!(read(&folder.path().join(log.trim_start_matches('+'))).lines().count(), lines, "{log}");
    }
    let call = "Job(version: 1, task: Workload(name: \"cube\"), inputs: [List([\"3\"])])";
    fs::write(folder.path().join("cube.ron"), call).expect("written");
    run_in(&["run", "cube.ron", "--joblog", "log"], folder.path());
    assert!(read(&folder.path().join("log")).ends_with("\t0\t0\tcube 3\n"));
    let refused = run_in(&["run", "--joblog", "no/such/folder/log", "touch ran", ":::", "a"], folder.path());
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.err.contains("the job log no/such/folder/log cannot be written"), "{refused:?}");
    assert!(!folder.path().join("ran").exists(), "nothing was run");
}

#[test]
fn a_results_folder_is_that_of_parallel() {
    let folder = tempfile::tempdir().expect("a folder");
    let values = ["a", "c/d", "e\tf", "g\\h", "../x", "a..b", "sp ace", "é", "it's"];
    let words = [&["-j1", "echo {}; echo e{} >&2", ":::"], &values[..], &[":::", "1", "2"]].concat();
    let ours = run_in(&[&["run", "--results", "ours"], &words[..]].concat(), folder.path());
    assert_eq!(ours.code, Some(0), "{ours:?}");
    let found = tree(&folder.path().join("ours"));
    assert_eq!(found.iter().filter(|path| path.ends_with("/stdout")).count(), 18, "{found:?}");
    if let Some(mut parallel) = parallel(&[&["--results", "theirs"], &words[..]].concat(), folder.path()) {
        parallel.output().expect("it runs");
        assert_eq!(found, tree(&folder.path().join("theirs")));
        for path in found.iter().filter(|path| path.ends_with("/stdout") || path.ends_with("/seq")) {
            assert_eq!(read(&folder.path().join("ours").join(path)), read(&folder.path().join("theirs").join(path)));
        }
    }
}

#[test]
fn no_value_and_no_link_leads_out_of_the_results_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let outside = folder.path().join("outside");
    fs::create_dir_all(&outside).expect("made");
    fs::create_dir_all(folder.path().join("results/1")).expect("made");
    std::os::unix::fs::symlink(&outside, folder.path().join("results/1/link")).expect("linked");
    let long = "x".repeat(300);
    let words = ["run", "--results", "results", "echo", ":::", "..", ".", "", "../../outside/y", "link", &long];
    let ended = run_in(&words, folder.path());
    assert_eq!(ended.code, Some(1), "not all could be kept: {ended:?}");
    assert!(ended.err.contains("the result of task 5 could not be kept: ") && ended.err.contains("link"), "{ended:?}");
    assert!(ended.err.contains("6 done, 0 failed"), "{ended:?}");
    assert_eq!(tree(&outside), [""; 0]);
    let kept = tree(&folder.path().join("results"));
    assert_eq!(kept.iter().filter(|path| path.ends_with("/stdout")).count(), 5, "{kept:?}");
    assert!(kept.iter().all(|path| path == "1" || path.starts_with("1/")), "{kept:?}");
}

#[test]
fn tables_of_results_have_the_columns_of_parallel() {
    let folder = tempfile::tempdir().expect("a folder");
    for ending in ["csv", "tsv"] {
        let (ours, theirs) = (format!("ours.{ending}"), format!("theirs.{ending}"));
        let words = ["-j1", "echo {1}; echo e >&2", ":::", "a", "b,\"c", ":::", "d\te"];
        let ended = run_in(&[&["run", "--results", &ours], &words[..]].concat(), folder.path());
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let rows = |name: &str| {
            let delimiter = if ending == "csv" { b',' } else { b'\t' };
            let mut reader = csv::ReaderBuilder::new()
                .delimiter(delimiter)
                .has_headers(false)
                .from_path(folder.path().join(name))
                .expect("a table");
            let rows = reader.records().map(|row| {
                let row: Vec<String> = row.expect("a row").iter().map(str::to_owned).collect();
                [&row[..2], &row[4..]].concat()
            });
            rows.collect::<Vec<_>>()
        };
        assert_eq!(rows(&ours).len(), 3);
        if let Some(mut parallel) = parallel(&[&["--results", &theirs], &words[..]].concat(), folder.path()) {
            parallel.output().expect("it runs");
            assert_eq!(rows(&ours), rows(&theirs));
        }
    }
}

#[test]
fn tagged_lines_are_those_of_parallel() {
    let folder = tempfile::tempdir().expect("a folder");
    let words = ["--tag", "-k", "-j2", "printf 'x\\n\\ny {1}'; printf 'e\\nf' >&2", ":::", "a", "b c", ":::", "1", "2"];
    let ours = run_in(&[&["run", "--quiet"], &words[..]].concat(), folder.path());
    assert!(ours.out.starts_with("a 1\tx\na 1\t\na 1\ty aa 2\tx\n"), "{ours:?}");
    assert!(ours.err.starts_with("a 1\te\na 1\tf"), "{ours:?}");
    if let Some(mut parallel) = parallel(&words, folder.path()) {
        let theirs = parallel.output().expect("it runs");
        assert_eq!(ours.out, String::from_utf8_lossy(&theirs.stdout));
        assert_eq!(ours.err, String::from_utf8_lossy(&theirs.stderr));
    }
}

/// Waits until a child has ended well, and says the most memory that it or a process below it had, in bytes. What the
/// system says of a child that is waited for would also hold the memory of this program, of which it was a copy once.
fn peak_memory_bytes(mut child: Child) -> u64 {
    let peak_of = |pid: u32| {
        let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let peak = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        peak.trim().trim_end_matches(" kB").parse::<u64>().ok()
    };
    let mut peak_kib = 0;
    wait_until("the end of the program", || {
        let all = [child.id()].into_iter().chain(process_tree::descendants(child.id()));
        peak_kib = all.filter_map(peak_of).max().unwrap_or(0).max(peak_kib);
        child.try_wait().unwrap().is_some()
    });
    assert!(child.wait().unwrap().success(), "it ended well");
    assert!(peak_kib > 0, "its memory was seen");
    peak_kib * 1024
}

#[test]
fn a_long_output_arrives_whole_and_takes_no_memory() {
    const MAX_BYTES: u64 = 64 << 20;
    let folder = tempfile::tempdir().expect("a folder");
    let temporary = folder.path().join("tmp");
    fs::create_dir(&temporary).expect("made");
    let script = "seq 1 {}";
    let sum = |line: &str| {
        let printed = Command::new("sh").args(["-c", line]).current_dir(folder.path()).output().expect("it runs");
        String::from_utf8_lossy(&printed.stdout).into_owned()
    };
    let expected = sum("seq 1 24000000 | tee seq.txt | sha256sum; test $(wc -c < seq.txt) -gt 200000000 || echo short");
    fs::remove_file(folder.path().join("seq.txt")).expect("removed");
    for results in [&[][..], &["--results", "results"]] {
        let summer = Command::new("sha256sum").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut summer = summer.expect("it starts");
        let words = [&["run", "--quiet"], results, &[script, ":::", "24000000"]].concat();
        let mut run = command(&words, folder.path());
        run.env("TMPDIR", &temporary).stderr(Stdio::inherit());
        run.stdout(Stdio::from(summer.stdin.take().expect("it is piped")));
        let child = run.spawn().expect("it starts");
        drop(run);
        let peak_bytes = peak_memory_bytes(child);
        let arrived = summer.wait_with_output().expect("it ends").stdout;
        assert_eq!(String::from_utf8_lossy(&arrived), expected);
        assert!(peak_bytes < MAX_BYTES, "{peak_bytes} bytes");
        assert_eq!(tree(&temporary), [""; 0]);
    }
    assert_eq!(sum("sha256sum < results/1/24000000/stdout"), expected);
    let kept = tree(&folder.path().join("results"));
    assert_eq!(kept, ["1", "1/24000000", "1/24000000/seq", "1/24000000/stderr", "1/24000000/stdout"]);
}

/// Starts a run whose tasks have printed more than memory keeps and then wait.
fn run_with_long_outputs(folder: &Path, temporary: &Path) -> Child {
    fs::create_dir(temporary).expect("made");
    let words = ["run", "-j2", "seq 1 300000; touch {}; sleep 1000", ":::", "1", "2"];
    let child = command(&words, folder).env("TMPDIR", temporary).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let child = child.expect("it starts");
    wait_until("the tasks", || folder.join("1").exists() && folder.join("2").exists());
    wait_until("the files", || tree(temporary).len() == 3);
    child
}

#[test]
fn no_file_is_left_however_a_run_ends() {
    for signal in [Signal::INT, Signal::TERM, Signal::KILL] {
        let folder = tempfile::tempdir().expect("a folder");
        let temporary = folder.path().join("tmp");
        let mut child = run_with_long_outputs(folder.path(), &temporary);
        kill_process(Pid::from_child(&child), signal).expect("it runs");
        let status = child.wait().expect("it ends");
        assert_eq!(status.code(), if signal == Signal::KILL { None } else { Some(130) });
        wait_until("the end of the files", || tree(&temporary).is_empty());
    }
}

#[test]
fn a_disk_that_takes_no_more_fails_the_task_whose_output_it_cannot_hold() {
    let folder = tempfile::tempdir().expect("a folder");
    // No file may be longer than 1.5 MiB.
    let program = env!("CARGO_BIN_EXE_fanlane");
    let limited = "trap '' XFSZ; ulimit -f 3072; exec \"$0\" run 'seq 1 {}; seq 1 9 >&2' ::: 500000 3";
    let ended =
        Command::new("sh").args(["-c", limited, program]).current_dir(folder.path()).stdin(Stdio::null()).output();
    let ended = ended.expect("it runs");
    let (out, err) = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert_eq!(ended.status.code(), Some(1), "{err}");
    assert!(err.contains("task 1 failed: ") && err.contains("bytes of its stdout could not be kept in "), "{err}");
    assert!(err.contains(": File too large"), "{err}");
    assert!(
        out.contains("1\n2\n3\n") && out.contains("\n500000\n") && out.contains("bytes of this output were not kept")
    );
    assert!(err.contains("1 done, 1 failed"), "{err}");
}

#[test]
fn a_recorded_run_is_exported() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = "printf '=1+1\\377'; echo x >> tries{1}; test {1} = a || test $(wc -l < tries{1}) = 2";
    let words = ["run", "--json", "-j2", "--retries", "2", "--record", "record", script, ":::", "a", "-b", ":::", "@c"];
    let ran = run_in(&words, folder.path());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let export = |words: &[&str]| run_in(&[&["export", "record", "--format"], words].concat(), folder.path());

    let lines = export(&["jsonl"]);
    assert_eq!((lines.code, lines.out), (Some(0), ran.out.clone()), "what --json printed: {}", lines.err);
    let whole: serde_json::Value = serde_json::from_str(&export(&["json"]).out).expect("one document");
    assert_eq!(whole.as_array().map(Vec::len), Some(3));
    assert_eq!(whole[2]["summary"]["retries"], 1);

    let table = run_in(&["export", "record", "--format", "csv", "-o", "out.csv"], folder.path());
    assert_eq!((table.code, &*table.out), (Some(0), ""), "{table:?}");
    let mut rows = csv::Reader::from_path(folder.path().join("out.csv")).expect("a table");
    assert_eq!(rows.byte_headers().expect("a header").iter().nth(1), Some(&b"input 1"[..]));
    let mut rows: Vec<csv::ByteRecord> = rows.byte_records().collect::<Result<_, _>>().expect("rows");
    rows.sort_by_key(|row| row[0].to_vec());
    assert_eq!((&rows[0][1], &rows[1][1], &rows[0][2]), (&b"a"[..], &b"'-b"[..], &b"'@c"[..]));
    assert_eq!(&rows[0][rows[0].len() - 2], b"'=1+1\xff");
    let refused = run_in(&["export", "record", "--format", "csv", "-o", "out.csv"], folder.path());
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.err.contains("out.csv exists already"), "{refused:?}");

    let trace: serde_json::Value = serde_json::from_str(&export(&["trace"]).out).expect("JSON");
    let events = trace["traceEvents"].as_array().expect("an array");
    let slices: Vec<_> = events.iter().filter(|event| event["ph"] == "X").collect();
    assert_eq!(slices.len(), 3, "an attempt each: {events:?}");
    assert_eq!(slices.iter().filter(|slice| slice["cat"] == "failed,retried").count(), 1);
    let line: serde_json::Value = serde_json::from_str(ran.out.lines().next().expect("a line")).expect("JSON");
    let same = |slice: &&&serde_json::Value| {
        let micros = line["start_secs"].as_f64().expect("a number") * 1e6;
        slice["cat"] == "done" && (slice["ts"].as_f64().expect("a number") - micros).abs() < 0.01
    };
    assert_eq!(slices.iter().filter(same).count(), 1, "times are in microseconds");

    let mut record = fs::read(folder.path().join("record")).expect("there");
    record.truncate(record.len() - 20);
    fs::write(folder.path().join("record"), record).expect("written");
    let torn = export(&["jsonl"]);
    assert_eq!((torn.code, torn.out.lines().count()), (Some(1), 2), "{torn:?}");
    assert!(torn.err.contains("is torn or damaged") && torn.err.contains("what precedes it was exported"), "{torn:?}");
}

#[test]
fn command_lines_of_other_programs_become_jobs_that_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let line = "parallel -k -j2 --sshlogin far --brand-new 'echo <{}>' ::: a 'b c'";
    let imported = run_in(&["import", "parallel", "-o", "job.ron", line], folder.path());
    assert_eq!((imported.code, &*imported.out), (Some(3), ""), "not all could be carried over: {imported:?}");
    for note in ["-k: ", "--sshlogin far: ", "--brand-new: this option is unknown"] {
        assert!(imported.err.contains(note), "{note}: {imported:?}");
    }
    let again = run_in(&["import", "parallel", "-o", "job.ron", line], folder.path());
    assert_eq!(again.code, Some(2), "{again:?}");
    assert!(again.err.contains("job.ron exists already"), "{again:?}");
    let job = run_in(&["import", "parallel", "--", "echo", "[{}]", ":::", "a b", "*"], folder.path());
    fs::write(folder.path().join("words.ron"), &job.out).expect("written");
    assert_eq!((job.code, &*job.err), (Some(0), ""), "nothing is different");
    let ran = run_in(&["run", "-k", "--joblog", "log", "words.ron"], folder.path());
    assert_eq!((ran.code, &*ran.out), (Some(0), "[a b]\n[*]\n"), "{ran:?}");
    let job = run_in(&["import", "joblog", "log"], folder.path());
    fs::write(folder.path().join("again.ron"), &job.out).expect("written");
    assert_eq!(run_in(&["run", "-k", "again.ron"], folder.path()).out, "[a b]\n[*]\n");
    let job = run_in(&["import", "xargs", "xargs -P4 -n1 echo"], folder.path());
    assert!(job.out.contains("Command(\"echo {}\")") && job.out.contains("workers: 4"), "{job:?}");
    assert!(job.err.contains("blanks in the inputs: "), "{job:?}");
}

#[test]
fn the_paths_of_outputs_are_printed_in_place_of_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let ended = run_in(
        &["run", "--quiet", "-k", "--files", "--tmpdir", ".", "--tag", "echo {}; exit {}", ":::", "0", "4"],
        folder.path(),
    );
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let lines: Vec<(&str, &str)> = ended.out.lines().filter_map(|line| line.split_once('\t')).collect();
    let [("0", first), ("4", second)] = lines[..] else { panic!("{ended:?}") };
    assert_eq!((read(Path::new(first)), read(Path::new(second))), ("0\n".to_owned(), "4\n".to_owned()));
    assert!(Path::new(first).starts_with(folder.path().canonicalize().expect("a path")), "{first}");
    assert!(ended.err.contains("task 2 failed: exit code 4"), "{}", ended.err);
    let named = run_in(&["run", "--quiet", "--files", "--results", "kept", "echo", ":::", "a"], folder.path());
    let path = folder.path().join("kept/1/a/stdout");
    assert_eq!(named.out, format!("{}\n", path.display()), "{}", named.err);
    let table = run_in(&["run", "--files", "--results", "kept.csv", "echo", ":::", "a"], folder.path());
    assert!(table.code == Some(2) && table.err.contains("one table of all"), "{table:?}");
}
