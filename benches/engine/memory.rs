//! What a task costs the parent in memory, queued and done, and whether the last of many costs more time than the first.

use std::path::Path;

use fanlane_core::job::{Batch, Job};

use crate::{Ran, run_as_library, say};

const MANY: u64 = 1_000_000;
const FEWER: u64 = 100_000;

pub fn measure(rounds: usize) {
    say(&format!("\nmemory of the parent, {MANY} tasks"));
    for (name, job) in [
        ("a range", format!(r#"Job(version: 1, task: Workload(name: "cube"), inputs: [Range(1, {MANY})])"#)),
        (
            "a range, shuffled",
            format!(
                r#"Job(version: 1, task: Workload(name: "cube"), inputs: [Range(1, {MANY})], order: Shuffled(seed: 1))"#
            ),
        ),
    ] {
        let before = resident_bytes();
        let job = Job::parse(&job).expect("the job is well-formed");
        let batch = Batch::open(&job, Path::new("."), &mut std::io::empty()).expect("its inputs can be read");
        let queued = resident_bytes().saturating_sub(before) as f64 / MANY as f64;
        say(&format!("{name:<46} {queued:>10.1} bytes a task queued, expanded when it is asked for"));
        drop(batch);
    }
    let lines: String = (1..=MANY).map(|number| format!("{number}\n")).collect();
    let before = resident_bytes();
    let job = Job::parse(r#"Job(version: 1, task: Command("echo {}"), inputs: [Stdin])"#).expect("well-formed");
    let batch = Batch::open(&job, Path::new("."), &mut lines.as_bytes()).expect("its inputs can be read");
    let queued = resident_bytes().saturating_sub(before) as f64 / MANY as f64;
    say(&format!(
        "{:<46} {queued:>10.1} bytes a task queued, its line of 7 bytes among them",
        "lines of standard input"
    ));
    drop((batch, lines));
    let cubes = |tasks: u64| format!(r#"Job(version: 1, task: Workload(name: "cube"), inputs: [Range(1, {tasks})])"#);
    let before = resident_bytes();
    let ran = run_as_library(&cubes(MANY));
    let done = resident_bytes().saturating_sub(before) as f64 / ran.records.len() as f64;
    say(&format!("{:<46} {done:>10.1} bytes a task done, with its record", "cubes"));
    drop(ran);
    let mut ratios = Vec::new();
    for _ in 0..rounds {
        // Ten of the fewer last as long as one of the many; what they keep is let go together, so that each has to take
        // new memory from the system as the many do.
        let fewer: Vec<Ran> = (0..MANY / FEWER).map(|_| run_as_library(&cubes(FEWER))).collect();
        let fewer_secs: f64 = fewer.iter().map(|ran| ran.cpu.as_secs_f64()).sum();
        drop(fewer);
        ratios.push(run_as_library(&cubes(MANY)).cpu.as_secs_f64() / fewer_secs);
    }
    let ratio = crate::median(ratios);
    say(&format!("the parent's CPU a task of {MANY}, beside a task of {FEWER}: {ratio:.3} times"));
}

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/statm").expect("Linux has it");
    let pages: u64 = status.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("a number");
    pages * rustix::param::page_size() as u64
}
