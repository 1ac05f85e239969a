//! External commands: beside the quickest start that the system has, and beside the peers that are installed.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::{PROGRAM, Row, library, say, table};

const COMMANDS: u64 = 10_000;
/// GNU parallel takes a good minute for all.
const FEW_COMMANDS: u64 = 1_000;

/// What `/bin/true` is to programs with a library: one that has none, and only exits.
const STATIC_PROGRAM: &str = r#"
void _start(void) {
#if defined(__x86_64__)
    __asm__ volatile("mov $60, %eax\n xor %edi, %edi\n syscall");
#elif defined(__aarch64__)
    __asm__ volatile("mov x8, #93\n mov x0, #0\n svc #0");
#endif
}
"#;

pub fn measure(rounds: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    compare(rounds, "/bin/true", COMMANDS);
    match static_program(folder.path()) {
        Some(program) => compare(rounds, program.to_str().expect("text"), COMMANDS),
        None => say("\na static program: left out, there is no C compiler `cc` that makes one"),
    }
    beside_gnu_parallel(rounds);
    say(&format!("\nthe engine as a library, pool of 2, a record of each task kept; medians of {rounds} rounds"));
    let job = format!(r#"Job(version: 1, task: Command("/bin/true x {{}}"), inputs: [Range(1, {COMMANDS})])"#);
    library("commands", &job, COMMANDS, rounds);
}

fn compare(rounds: usize, program: &str, commands: u64) {
    let inputs = numbers(commands);
    let line = format!("{program} x {{}}");
    let name = Path::new(program).file_name().expect("a program").display();
    say(&format!("\n{commands} commands `{name} x N`, 2 at a time; medians of {rounds} rounds"));
    let mut limit = || spawn_limit(program, commands);
    let mut fanlane = || piped(&[PROGRAM, "run", "--no-bar", "-j2", &line], &inputs);
    let mut direct = || piped(&[PROGRAM, "run", "--no-bar", "--no-shell", "-j2", &line], &inputs);
    let mut xargs = || piped(&["xargs", "-P2", "-n1", program, "x"], &inputs);
    let rust_parallel = installed(&["rust-parallel"]);
    let mut rust_parallel_run = || piped(&[rust_parallel.unwrap_or_default(), "-j2", program, "x"], &inputs);
    let fd = installed(&["fd", "fdfind"]);
    let files = fd.map(|_| folder_of_files(commands));
    let mut fd_run = || {
        let folder = files.as_ref().expect("fd is installed").path().to_str().expect("text");
        alone(&[fd.unwrap_or_default(), "-j2", "--type", "f", "--base-directory", folder, "-x", program, "x"])
    };
    let mut rows: Vec<Row<'_>> = vec![
        ("posix_spawn on 2 threads, captured (limit)", &mut limit),
        ("fanlane run -j2, captured, recorded", &mut fanlane),
        ("the same with --no-shell", &mut direct),
        ("xargs -P2 -n1, not captured", &mut xargs),
    ];
    if rust_parallel.is_some() {
        rows.push(("rust-parallel -j2", &mut rust_parallel_run));
    }
    if fd.is_some() {
        rows.push(("fd -j2 -x over as many files, captured", &mut fd_run));
    }
    table(rounds, commands, &mut rows);
}

fn beside_gnu_parallel(rounds: usize) {
    if installed(&["parallel"]).is_none() {
        return;
    }
    let inputs = numbers(FEW_COMMANDS);
    let rounds = rounds.min(3);
    say(&format!("\n{FEW_COMMANDS} commands `true x N`, 2 at a time; medians of {rounds} rounds"));
    table(
        rounds,
        FEW_COMMANDS,
        &mut [
            ("GNU parallel -j2", &mut || piped(&["parallel", "--will-cite", "-j2", "/bin/true x {}"], &inputs)),
            ("fanlane run -j2", &mut || piped(&[PROGRAM, "run", "--no-bar", "-j2", "/bin/true x {}"], &inputs)),
        ],
    );
}

fn numbers(count: u64) -> String {
    (1..=count).map(|number| format!("{number}\n")).collect()
}

/// The first of these programs that is installed; says so where none is.
fn installed(names: &[&'static str]) -> Option<&'static str> {
    let works = |name: &&&str| {
        let version = Command::new(name).arg("--version").stdin(Stdio::null()).output();
        version.is_ok_and(|version| version.status.success())
    };
    let found = names.iter().find(works).copied();
    if found.is_none() {
        say(&format!("({} is not installed and left out)", names[0]));
    }
    found
}

fn folder_of_files(count: u64) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for number in 1..=count {
        std::fs::write(folder.path().join(number.to_string()), "").expect("written");
    }
    folder
}

fn static_program(folder: &Path) -> Option<PathBuf> {
    let (source, program) = (folder.join("exits.c"), folder.join("exits"));
    std::fs::write(&source, STATIC_PROGRAM).expect("written");
    let flags = ["-O2", "-static", "-nostdlib", "-fno-stack-protector", "-o"];
    let compiled = Command::new("cc").args(flags).arg(&program).arg(&source).status();
    let works =
        compiled.is_ok_and(|status| status.success()) && Command::new(&program).status().is_ok_and(|s| s.success());
    works.then_some(program)
}

fn spawn_limit(program: &str, count: u64) -> Duration {
    let next = AtomicU64::new(0);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed) + 1;
                    if number > count {
                        return;
                    }
                    let output = Command::new(program).args(["x", &number.to_string()]).output();
                    assert!(output.expect("it can be started").status.success());
                }
            });
        }
    });
    begun.elapsed()
}

fn piped(words: &[&str], input: &str) -> Duration {
    let begun = Instant::now();
    let mut child = Command::new(words[0])
        .args(&words[1..])
        .env("FANLANE_NO_HISTORY", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it is installed");
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(input.as_bytes()).expect("it reads its input");
    drop(stdin);
    assert!(child.wait().expect("it can be waited for").success());
    begun.elapsed()
}

/// A program from its start to its end, without input.
pub fn alone(words: &[&str]) -> Duration {
    let begun = Instant::now();
    let output = Command::new(words[0]).args(&words[1..]).env("FANLANE_NO_HISTORY", "1").stdin(Stdio::null()).output();
    assert!(output.expect("it is installed").status.success());
    begun.elapsed()
}
