//! Files of tasks on other hosts: there and back, of any name, with a full disk, and beside GNU parallel.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use fanlane_os::search_path::find_program;

use super::ssh_hosts::Hosts;
use super::start::parallel;

/// What is in a folder and in those below it, but for caches: each path with its content, or where it leads.
fn contents(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(place) = folders.pop() {
        for entry in fs::read_dir(&place).expect("read").flatten() {
            let path = entry.path();
            let name = path.strip_prefix(folder).expect("below").to_string_lossy().into_owned();
            if [".cache", ".parallel", ".local", "runtime"].contains(&&*name) {
                continue;
            }
            let content = match fs::read_link(&path) {
                Ok(target) => format!("-> {}", target.display()),
                Err(_) if path.is_dir() => "/".to_owned(),
                Err(_) => String::from_utf8_lossy(&fs::read(&path).expect("read")).into_owned(),
            };
            if content == "/" {
                folders.push(path);
            }
            found.insert(name, content);
        }
    }
    found
}

#[test]
fn files_of_any_name_go_there_and_come_back_and_nothing_stays() {
    let Some(hosts) = Hosts::start(&["ada", "grace"]) else { return };
    let work = hosts.work();
    let names = ["plain.txt", "-n", "a b", "it's \"q\"", "line\nend", "$HOME;`id`", "deep/er/é\\", "*"];
    fs::create_dir_all(work.join("deep/er")).expect("made");
    for name in names {
        fs::write(work.join(name), format!("content of {name}")).expect("written");
    }
    fs::set_permissions(work.join("plain.txt"), fs::Permissions::from_mode(0o755)).expect("set");
    let words =
        ["-S", "2/ada,2/grace", "--wd", "in/side it", "--trc", "{}.out", "cat <./{} >./{}.out; test -x ./{} && echo x"];
    let ended = hosts.run(&[&words[..], &[":::"], &names].concat());
    assert_eq!(ended.out, "x\n", "{}", ended.err);
    for name in names {
        let back = fs::read_to_string(work.join(format!("{name}.out"))).expect(name);
        assert_eq!(back, format!("content of {name}"));
    }
    for host in ["ada", "grace"] {
        let left = contents(&hosts.home(host));
        assert!(left.keys().all(|name| ["in", "in/side it"].contains(&&**name)), "{left:?}");
    }
}

#[test]
fn folders_base_files_and_folders_of_their_own_are_brought() {
    let Some(hosts) = Hosts::start(&["ada"]) else { return };
    let work = hosts.work();
    fs::create_dir_all(work.join("data/sub")).expect("made");
    fs::write(work.join("data/sub/one"), "1").expect("written");
    symlink("sub/one", work.join("data/link")).expect("linked");
    fs::write(work.join("tool"), "#!/bin/sh\ncat data/link\n").expect("written");
    fs::set_permissions(work.join("tool"), fs::Permissions::from_mode(0o755)).expect("set");
    let words = [
        "-S",
        "2/ada",
        "--basefile",
        "tool",
        "--transferfile",
        "{}",
        "--return",
        "out",
        "--cleanup",
        "../tool 2>&1 || ./tool; \
        mkdir out && cp -a {} out/",
        ":::",
        "data",
    ];
    let ended = hosts.run(&words);
    assert_eq!((ended.code, ended.out.trim_end().chars().last()), (Some(0), Some('1')), "{}{}", ended.out, ended.err);
    let back = contents(&work.join("out"));
    assert_eq!((&*back["data/sub/one"], &*back["data/link"]), ("1", "-> sub/one"));
    assert_eq!(contents(&hosts.home("ada")), BTreeMap::new());
    let own = hosts.run(&["-k", "-S", "2/ada", "--wd", "...", "--cleanup", "pwd; touch x", ":::", "a", "b"]);
    let folders: Vec<&str> = own.out.lines().collect();
    assert!(own.code == Some(0) && folders.len() == 2 && folders[0] != folders[1], "{}{}", own.out, own.err);
    assert!(folders.iter().all(|folder| folder.starts_with(hosts.home("ada").to_str().expect("text"))), "{folders:?}");
    assert!(contents(&hosts.home("ada")).keys().all(|name| !name.ends_with('x')));
}

#[test]
fn a_disk_that_is_full_there_fails_the_task_with_the_reason_and_leaves_nothing_half_written() {
    let Some(hosts) = Hosts::start(&["ada"]) else { return };
    // Once the program is there, no file may be longer than 64 KiB.
    assert_eq!(hosts.run(&["-S", "ada", "true", ":::", "a"]).code, Some(0));
    fs::write(hosts.of("ada").join("etc/limits"), "ulimit -f 128\n").expect("written");
    let work = hosts.work();
    fs::write(work.join("small"), "s").expect("written");
    fs::write(work.join("large"), vec![b'x'; 3 << 20]).expect("written");
    let words = ["--json", "-S", "1/ada", "--trc", "{}.out", "cat {} >{}.out", ":::", "small", "large", "missing"];
    let ended = hosts.run(&words);
    assert_eq!(ended.code, Some(1), "{}", ended.err);
    let line =
        |input: &str| ended.out.lines().find(|line| line.contains(&format!("\"input\":[\"{input}\"]"))).expect(input);
    assert!(line("small").contains("\"outcome\":\"done\""), "{}", ended.out);
    assert!(
        line("large").contains("large could not be brought") && line("large").contains("File too large"),
        "{}",
        ended.out
    );
    assert!(line("missing").contains("missing could not be brought") && line("missing").contains("No such file"));
    assert_eq!(contents(&hosts.home("ada")), BTreeMap::new());
    assert!(work.join("small.out").exists() && !work.join("large.out").exists());
    // What a task does not make does not come back.
    let ended = hosts.run(&["-S", "1/ada", "--return", "{}.none", "true", ":::", "small"]);
    assert!(ended.code == Some(1) && ended.err.contains("small.none could not be brought back"), "{}", ended.err);
}

#[test]
fn a_disk_without_room_for_the_program_is_an_error_before_anything_runs() {
    let Some(hosts) = Hosts::without_agents(&["ada"]) else { return };
    fs::write(hosts.of("ada").join("etc/limits"), "ulimit -f 128\n").expect("written");
    let ended = hosts.run(&["-S", "ada", "touch ran", ":::", "a"]);
    assert_eq!(ended.code, Some(2), "{}", ended.err);
    assert!(ended.err.contains("could not be put") && ended.err.contains("XDG_CACHE_HOME"), "{}", ended.err);
    assert_eq!(fs::read_dir(hosts.home("ada").join(".cache/fanlane")).expect("made").count(), 0);
}

/// What a program printed and left, and its status.
#[derive(Debug, PartialEq, Eq)]
struct Left {
    is_success: bool,
    out: String,
    here: BTreeMap<String, String>,
    there: BTreeMap<String, String>,
}

/// The work of a program on fresh files: what it leaves on both sides.
fn left_by(hosts: &Hosts, prepare: impl Fn(&[&str], &Path) -> Command, words: &[&str]) -> Left {
    let work = hosts.work();
    for folder in [&work, &hosts.home("ada")] {
        for entry in fs::read_dir(folder).expect("read").flatten() {
            match entry.file_name().to_str() {
                Some(".cache" | ".parallel") => {}
                _ if entry.path().is_dir() => fs::remove_dir_all(entry.path()).expect("removed"),
                _ => fs::remove_file(entry.path()).expect("removed"),
            }
        }
    }
    fs::create_dir_all(work.join("in/deep")).expect("made");
    for name in ["a", "b c", "in/deep/d", "base"] {
        fs::write(work.join(name), format!("{name}\n")).expect("written");
    }
    let output = prepare(words, &work).stdin(Stdio::null()).output().expect("it can be started");
    Left {
        is_success: output.status.success(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        here: contents(&work),
        there: contents(&hosts.home("ada")),
    }
}

#[test]
fn gnu_parallel_prints_the_same_and_leaves_the_same_files() {
    let Some(hosts) = Hosts::start(&["ada"]) else { return };
    if find_program("rsync".as_ref()).is_none() {
        assert!(std::env::var_os("CI").is_none(), "GNU parallel needs rsync here");
        return;
    }
    if parallel(&[], &hosts.work()).is_none() {
        return;
    }
    let cases: [&[&str]; 12] = [
        &["echo {} '$HOME'", ":::", "a", "b c", "it's"],
        &["pwd", ":::", ""],
        &["exit {}", ":::", "0", "3"],
        &["--transferfile", "{}", "cat {}", ":::", "a", "b c", "in/deep/d"],
        &["--transferfile", "in/./{}", "cat {}", ":::", "deep/d"],
        &["--transfer", "--cleanup", "wc -c {}", ":::", "a", "in/deep/d"],
        &["--trc", "{}.out", "cat {} {} >{}.out", ":::", "a", "in/deep/d"],
        &["--trc", "out/./{}.out", "mkdir -p in/deep; cat {} >{}.out", ":::", "in/deep/d"],
        &["--wd", "one/two", "--transferfile", "{}", "--return", "{.}.o", "pwd; cat {} >{.}.o", ":::", "a"],
        &["--wd", "w{#}", "pwd; echo {#} >made", ":::", "a", "b c"],
        &["--bf", "base", "cat base {}", ":::", "/dev/null"],
        &["--bf", "base", "--cleanup", "cat base {}", ":::", "/dev/null"],
    ];
    let ssh = hosts.ssh();
    for words in cases {
        let words = [&["-k", "-j2", "-S", "2/ada"], words].concat();
        let mine = left_by(&hosts, |words, _| hosts.command("run", words), &words);
        let theirs = left_by(
            &hosts,
            |words, work| {
                let words: Vec<&str> = ["--ssh", &ssh].into_iter().chain(words.iter().copied()).collect();
                let mut command = parallel(&words, work).expect("it is installed");
                command.env("PARALLEL_SHELL", "/bin/sh").env("SHELL", "/bin/sh");
                command
            },
            &words,
        );
        assert_eq!(mine, theirs, "{words:?}");
    }
}
