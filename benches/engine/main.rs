//! What the engine costs, beside its peers and its limits, measured in turns within one run: quote the ratios.
//!
//! `cargo bench --bench engine` prints all tables; `-- ROUNDS` sets how many rounds the medians are taken from, and
//! `-- ROUNDS PART` keeps to one part: `commands`, `calls`, `alone`, `memory`, `payloads`, `transport`
//! or `live_output`. Peers that are not installed
//! are named and left out.

mod alone;
mod calls;
mod commands;
mod live_output;
#[path = "../measuring/mod.rs"]
mod measuring;
mod memory;
mod payloads;
mod transport;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{TryRecvError, bounded};
use fanlane_core::engine::{Engine, LocalEngine, OutputLevel, RunOptions};
use fanlane_core::event::{AttemptRecord, EventKind, TaskEvent};
use fanlane_core::job::{Batch, Job, Mode};

use measuring::{median, own_cpu, say};

/// How long the consumer of events rests, so that several gather.
const REST: Duration = Duration::from_micros(500);
const PROGRAM: &str = env!("CARGO_BIN_EXE_fanlane");

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let rounds = words.iter().find_map(|word| word.parse().ok()).unwrap_or(7);
    let parts: [Part; 7] = [
        ("commands", commands::measure),
        ("calls", calls::measure),
        ("alone", alone::measure),
        ("memory", memory::measure),
        ("payloads", payloads::measure),
        ("transport", transport::measure),
        ("live_output", live_output::measure),
    ];
    let chosen = parts.iter().find(|(name, _)| words.iter().any(|word| word == name));
    for (_, measure) in chosen.map_or(&parts[..], std::slice::from_ref) {
        measure(rounds);
    }
}

/// A part of the bench, by its name.
type Part = (&'static str, fn(usize));

/// A row of a table: what is measured, and how.
type Row<'a> = (&'a str, &'a mut dyn FnMut() -> Duration);

/// Runs every row once a round, in turns, and prints medians and the ratio to the first row, round by round.
fn table(rounds: usize, tasks: u64, rows: &mut [Row<'_>]) {
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

/// What a run through the library came to.
struct Ran {
    wall: Duration,
    /// The CPU time of this process, with all that takes and keeps the records.
    cpu: Duration,
    records: Vec<AttemptRecord>,
}

/// Runs a job as a library, in a pool of 2, and keeps the record of each task.
fn run_as_library(job: &str) -> Ran {
    let mut records = Vec::new();
    let (wall, cpu) = run_and_take(job, |more| records.extend(more));
    Ran { wall, cpu, records }
}

/// Runs a job as a library, in a pool of 2, and gives away the record of each task; the time, and this process's CPU.
fn run_and_take(job: &str, take: impl FnMut(Vec<AttemptRecord>)) -> (Duration, Duration) {
    run_at(job, OutputLevel::Nothing, take)
}

/// The same with this much of what running tasks print, which is taken and dropped.
fn run_at(job: &str, output: OutputLevel, mut take: impl FnMut(Vec<AttemptRecord>)) -> (Duration, Duration) {
    let job = Job::parse(job).expect("the job is well-formed");
    let batch = Batch::open(&job, Path::new("."), &mut std::io::empty()).expect("its inputs can be read");
    let options = RunOptions::new(Mode::Pool, 2).output(output);
    let cpu_before = own_cpu();
    let begun = Instant::now();
    let (sender, events) = bounded(1024);
    let run = LocalEngine::new(PROGRAM).start(Arc::new(batch), options, sender).expect("threads can be had");
    // As the report does it: waiting for each single event wakes a thread for each, at the tasks' expense.
    loop {
        match events.try_recv().map(|event| event.kind) {
            Ok(EventKind::Task(TaskEvent::Finished(more))) => take(more),
            Ok(_) => {}
            Err(TryRecvError::Empty) => std::thread::sleep(REST),
            Err(TryRecvError::Disconnected) => break,
        }
    }
    run.join();
    (begun.elapsed(), own_cpu() - cpu_before)
}

/// Medians of runs through the library, with the parent's own CPU.
fn library(name: &str, job: &str, tasks: u64, rounds: usize) {
    let mut wall_secs = Vec::new();
    let mut cpu_micros = Vec::new();
    for _ in 0..rounds {
        let ran = run_as_library(job);
        assert_eq!(ran.records.len() as u64, tasks);
        wall_secs.push(ran.wall.as_secs_f64());
        cpu_micros.push(ran.cpu.as_secs_f64() * 1e6 / tasks as f64);
    }
    let wall = median(wall_secs);
    say(&format!(
        "{name:<46} {:>10.3} ms {:>12.0} a second   parent's CPU {:.3} µs a task",
        wall * 1e3,
        tasks as f64 / wall,
        median(cpu_micros)
    ));
}
