//! How fast a stream is cut into tasks: `--pipe` and `--pipe-part` beside GNU parallel and beside `cat` through as many pipes, in
//! turns. Quote the ratios.
//!
//! `cargo bench --bench pipe` prints all; `-- ROUNDS MEGABYTES` sets how many rounds the medians are taken from, and how long the
//! stream is.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

const LANES: u64 = 2;

/// A way of getting a file through as many programs as there are lanes.
struct Way {
    name: &'static str,
    /// A script, of which `$1` is the file and `$2` half its length in bytes.
    script: &'static str,
}

const WAYS: [Way; 7] = [
    Way {
        name: "limit: cat through 2 pipes",
        script: "(head -c $2 \"$1\" | cat > /dev/null) & (tail -c +$2 \"$1\" | cat > /dev/null) & wait",
    },
    Way { name: "--pipe", script: "$FANLANE run --quiet --pipe -j2 'cat > /dev/null' < \"$1\"" },
    Way { name: "--pipe from a pipe", script: "cat \"$1\" | $FANLANE run --quiet --pipe -j2 'cat > /dev/null'" },
    Way {
        name: "--pipe --round-robin",
        script: "$FANLANE run --quiet --pipe --round-robin -j2 'cat > /dev/null' < \"$1\"",
    },
    Way { name: "--pipe-part", script: "$FANLANE run --quiet --pipe-part -a \"$1\" --block 1M -j2 'cat > /dev/null'" },
    Way { name: "parallel --pipe", script: "parallel --will-cite --pipe -j2 'cat > /dev/null' < \"$1\"" },
    Way {
        name: "parallel --pipe-part",
        script: "parallel --will-cite --pipe-part -a \"$1\" --block 1M -j2 'cat > /dev/null'",
    },
];

fn main() {
    let numbers: Vec<u64> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let rounds = numbers.first().copied().unwrap_or(5);
    let megabytes = numbers.get(1).copied().unwrap_or(256);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("stream");
    let bytes = write_lines(&path, megabytes << 20);
    let has_parallel = Command::new("parallel").arg("--version").output().is_ok_and(|version| version.status.success());
    let ways: Vec<&Way> = WAYS.iter().filter(|way| has_parallel || !way.name.starts_with("parallel")).collect();
    let mut secs: Vec<Vec<f64>> = vec![Vec::new(); ways.len()];
    for _ in 0..rounds {
        for (way, secs) in ways.iter().zip(&mut secs) {
            secs.push(turn(way, &path, bytes, folder.path()));
        }
    }
    let _ = writeln!(std::io::stdout(), "{} MB of lines, {LANES} lanes, medians of {rounds} rounds", bytes / 1_000_000);
    for (way, own) in ways.iter().zip(&secs) {
        let share = median(own.iter().zip(&secs[0]).map(|(own, limit)| limit / own).collect());
        let rate = bytes as f64 / median(own.clone()) / 1e9;
        let _ = writeln!(std::io::stdout(), "{:<28} {rate:>7.3} GB/s, {share:.3} of the limit", way.name);
    }
}

/// Lines of different lengths.
fn write_lines(path: &Path, bytes: u64) -> u64 {
    let mut file = std::io::BufWriter::new(File::create(path).expect("it can be made"));
    let mut written = 0;
    let mut number = 0_u64;
    while written < bytes {
        number += 1;
        let line = format!("{number} {}\n", "x".repeat((number % 97) as usize));
        file.write_all(line.as_bytes()).expect("written");
        written += line.len() as u64;
    }
    file.flush().expect("written");
    written
}

fn turn(way: &Way, path: &Path, bytes: u64, home: &Path) -> f64 {
    let begun = Instant::now();
    let status = Command::new("sh")
        .args(["-c", way.script, "sh"])
        .arg(path)
        .arg((bytes / LANES).to_string())
        .env("FANLANE", env!("CARGO_BIN_EXE_fanlane"))
        .env("FANLANE_NO_HISTORY", "1")
        .env("HOME", home)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("it can be started");
    assert!(status.success(), "{}: {status}", way.name);
    begun.elapsed().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
