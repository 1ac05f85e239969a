//! Python functions beside `multiprocessing.Pool`, measured in turns within one run: quote the ratios.
//!
//! `cargo bench --bench python` prints it; `-- CALLS ROUNDS` sets how many calls there are and how many rounds the medians are
//! taken from. Both sides are whole programs, from nothing to their last result; Fanlane's records each call in a history.

#[path = "../measuring/mod.rs"]
mod measuring;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use measuring::{median, say};

const WORKERS: u64 = 2;

fn main() {
    let mut numbers = std::env::args().skip(1).filter_map(|word| word.parse::<u64>().ok());
    let calls = numbers.next().unwrap_or(1_000_000);
    let rounds = numbers.next().unwrap_or(7);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/python");
    say(&format!("cubes with {WORKERS} workers, both in turns; medians of {rounds} rounds"));
    for calls in [calls, WORKERS] {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            theirs.push(pool(calls, &folder));
            ours.push(fanlane(calls, &folder));
        }
        let ratios = theirs.iter().zip(&ours).map(|(theirs, ours)| theirs / ours).collect();
        say(&format!(
            "{calls} calls: {:.3} s, multiprocessing.Pool.map {:.3} s; {:.2} times its speed",
            median(ours),
            median(theirs),
            median(ratios)
        ));
    }
}

/// The sum of the cubes below `calls`.
fn expected(calls: u64) -> u64 {
    let pairs = calls * (calls - 1) / 2;
    pairs.wrapping_mul(pairs)
}

fn pool(calls: u64, folder: &Path) -> f64 {
    let mut program = Command::new("python3");
    program.args(["pool.py", &calls.to_string(), &WORKERS.to_string()]).current_dir(folder);
    let begun = Instant::now();
    let ended = program.stderr(Stdio::inherit()).output().expect("python3 is there");
    let secs = begun.elapsed().as_secs_f64();
    let sum: u128 = String::from_utf8_lossy(&ended.stdout).trim().parse().expect("a sum");
    assert_eq!(sum as u64, expected(calls));
    secs
}

fn fanlane(calls: u64, folder: &Path) -> f64 {
    let place = tempfile::tempdir().expect("there is room");
    let job = format!(
        "Job(version: 1, task: Python(file: \"model.py\", function: \"cube\"), inputs: [Range(0, {})], workers: {WORKERS},
        working_dir: {:?})",
        calls - 1,
        folder
    );
    let file = place.path().join("cubes.ron");
    std::fs::write(&file, job).expect("written");
    let mut program = Command::new(env!("CARGO_BIN_EXE_fanlane"));
    program.arg("run").arg(&file).env("FANLANE_DATA_DIR", place.path()).env("FANLANE_RUNTIME_DIR", place.path());
    let begun = Instant::now();
    let ended = program.output().expect("started");
    let secs = begun.elapsed().as_secs_f64();
    let lines = String::from_utf8_lossy(&ended.stdout);
    let sum = lines.lines().fold(0_u64, |sum, line| sum.wrapping_add(line.parse().expect("a number")));
    assert_eq!(sum, expected(calls), "{}", String::from_utf8_lossy(&ended.stderr));
    secs
}
