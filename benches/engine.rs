//! What the engine costs, beside its peers and its limits, measured in turns within one run: quote the ratios.
//!
//! `cargo bench --bench engine` prints a table; `-- ROUNDS` sets how many rounds the medians are taken from.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::bounded;
use fanlane::engine::{Run, RunOptions};
use fanlane::event::{AttemptRecord, EventKind, TaskId};
use fanlane::job::{Batch, Job, Mode};

const PROGRAM: &str = env!("CARGO_BIN_EXE_fanlane");
const COMMANDS: u64 = 4_000;
const CALLS: u64 = 1_000_000;

fn main() {
    let rounds = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(7);
    let inputs: String = (1..=COMMANDS).map(|number| format!("{number}\n")).collect();
    say(&format!("{COMMANDS} commands `/bin/true x N`, 2 at a time; medians of {rounds} rounds"));
    table(
        rounds,
        COMMANDS,
        &mut [
            ("posix_spawn on 2 threads, captured (limit)", &mut || spawn_limit(COMMANDS)),
            ("fanlane run -j2, captured, recorded", &mut || {
                piped(&[PROGRAM, "run", "--no-bar", "-j2", "/bin/true x {}"], &inputs)
            }),
            ("xargs -P2 -n1, not captured", &mut || piped(&["xargs", "-P2", "-n1", "/bin/true", "x"], &inputs)),
        ],
    );
    let commands = format!(r#"Job(version: 1, task: Command("/bin/true x {{}}"), inputs: [Range(1, {COMMANDS})])"#);
    let cubes = format!(r#"Job(version: 1, task: Workload(name: "cube"), inputs: [Range(1, {CALLS})])"#);
    say(&format!("\nthe engine as a library, pool of 2, a record of each task kept; medians of {rounds} rounds"));
    library("commands", &commands, COMMANDS, rounds);
    library("cubes", &cubes, CALLS, rounds);
    say("\nwhat a task is to do, made in a buffer that is used again, by the engine for each task");
    for (name, job) in [
        ("a number", cubes.as_str()),
        ("echo {}", r#"Job(version: 1, task: Command("echo {}"), inputs: [Range(1, 1000000)])"#),
        (
            "convert {1} -resize {2} {1/.}.png",
            r#"Job(version: 1, task: Command("convert {1} -resize {2} {1/.}.png"),
                inputs: [List(["photos/a b.jpg"]), Range(1, 1000000)])"#,
        ),
    ] {
        payloads(name, job, rounds);
    }
    say(&format!("\none command from nothing to gone; medians of {} rounds", rounds * 10));
    table(
        rounds * 10,
        1,
        &mut [
            ("/bin/true by itself", &mut || alone(&["/bin/true", "x"])),
            ("fanlane --version", &mut || alone(&[PROGRAM, "--version"])),
            ("fanlane run -j1 of one", &mut || alone(&[PROGRAM, "run", "--no-bar", "-j1", "/bin/true", ":::", "x"])),
            ("fanlane run -j2 of two", &mut || {
                alone(&[PROGRAM, "run", "--no-bar", "-j2", "/bin/true", ":::", "x", "y"])
            }),
        ],
    );
}

/// Runs every row once a round, in turns, and prints medians and the ratio to the first row, round by round.
fn table(rounds: usize, tasks: u64, rows: &mut [(&str, &mut dyn FnMut() -> Duration)]) {
    let mut secs: Vec<Vec<f64>> = rows.iter().map(|_| Vec::with_capacity(rounds)).collect();
    for _ in 0..rounds {
        for ((_, run), taken) in rows.iter_mut().zip(&mut secs) {
            taken.push(run().as_secs_f64());
        }
    }
    for ((name, _), taken) in rows.iter().zip(&secs) {
        let ratio = median(secs[0].iter().zip(taken).map(|(first, this)| first / this).collect());
        let one = median(taken.clone());
        say(&format!(
            "{name:<46} {:>10.3} ms {:>12.0} a second   {ratio:>6.3} of the first",
            one * 1e3,
            tasks as f64 / one
        ));
    }
}

/// The same through the library, with the parent's own CPU.
fn library(name: &str, job: &str, tasks: u64, rounds: usize) {
    let mut wall_secs = Vec::new();
    let mut cpu_micros = Vec::new();
    for _ in 0..rounds {
        let job = Job::parse(job).expect("the job is well-formed");
        let batch = Batch::open(&job, Path::new("."), &mut std::io::empty()).expect("its inputs can be read");
        let options = RunOptions {
            mode: Mode::Pool,
            workers: 2,
            worker_executable: PROGRAM.into(),
            monitor: false,
            spill_folder: None,
        };
        let cpu_before = own_cpu();
        let begun = Instant::now();
        let (sender, events) = bounded(1024);
        let run = Run::start(Arc::new(batch), options, sender).expect("threads can be had");
        let mut records: Vec<AttemptRecord> = Vec::new();
        for event in events {
            if let EventKind::TasksFinished(more) = event.kind {
                records.extend(more);
            }
        }
        run.join();
        wall_secs.push(begun.elapsed().as_secs_f64());
        cpu_micros.push((own_cpu() - cpu_before).as_secs_f64() * 1e6 / tasks as f64);
        assert_eq!(records.len() as u64, tasks);
    }
    let wall = median(wall_secs);
    say(&format!(
        "{name:<46} {:>10.3} ms {:>12.0} a second   parent's CPU {:.3} µs a task",
        wall * 1e3,
        tasks as f64 / wall,
        median(cpu_micros)
    ));
}

/// The time of making what a worker is sent for a task.
fn payloads(name: &str, job: &str, rounds: usize) {
    let job = Job::parse(job).expect("the job is well-formed");
    let batch = Batch::open(&job, Path::new("."), &mut std::io::empty()).expect("its inputs can be read");
    let mut buffer = Vec::new();
    let mut each_ns = Vec::new();
    for _ in 0..rounds {
        let begun = Instant::now();
        for task in 0..batch.len() {
            buffer.clear();
            batch.payload_into(TaskId(task), 1, &mut buffer);
            std::hint::black_box(&buffer);
        }
        each_ns.push(begun.elapsed().as_nanos() as f64 / batch.len() as f64);
    }
    say(&format!("{name:<46} {:>10.1} ns a task", median(each_ns)));
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

fn own_cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).expect("below a second"))
}

fn spawn_limit(count: u64) -> Duration {
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
                    let number = number.to_string();
                    let output = Command::new("/bin/true").args(["x", &number]).output();
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

fn alone(words: &[&str]) -> Duration {
    let begun = Instant::now();
    let output = Command::new(words[0]).args(&words[1..]).stdin(Stdio::null()).output();
    assert!(output.expect("it is installed").status.success());
    begun.elapsed()
}

fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
