//! What recording a run in the history costs, measured in turns within one run: quote the ratios.
//!
//! `cargo bench --bench history` prints it; `-- ROUNDS` sets how many rounds the medians are taken from.

mod measuring;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::bounded;
use fanlane_core::engine::{Engine, LocalEngine, RunOptions};
use fanlane_core::event::{EventKind, TaskEvent};
use fanlane_core::job::{Batch, Job, Mode};
use fanlane_core::model::Earlier;
use fanlane_core::store::history::{HistoryRecorder, RecordedRun, file_in};

use measuring::{median, own_cpu, say};

const PROGRAM: &str = env!("CARGO_BIN_EXE_fanlane");
/// The rate that the cost is told for.
const TASKS_A_SECOND: f64 = 100_000.0;

fn main() {
    let rounds = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(7);
    let cubes = r#"Job(version: 1, task: Workload(name: "cube"), inputs: [Range(1, 1000000)])"#;
    let commands = r#"Job(version: 1, task: Command("echo {}"), inputs: [Range(1, 4000)])"#;
    say(&format!("a pool of 2, with and without a history in turns; medians of {rounds} rounds"));
    for (name, job) in [("calls of cube", cubes), ("commands `echo N`", commands)] {
        compare(name, &Job::parse(job).expect("the job is well-formed"), rounds);
    }
}

struct Cost {
    wall: Duration,
    cpu: Duration,
    bytes: u64,
}

fn compare(name: &str, job: &Job, rounds: usize) {
    let tasks = Batch::open(job, Path::new("/"), &mut std::io::empty()).expect("its inputs can be read").len();
    let mut walls = Vec::new();
    let mut micros = Vec::new();
    let mut bytes = 0;
    let mut rates = Vec::new();
    for round in 0..rounds {
        // Neither always goes first.
        let first = run(job, round % 2 == 0);
        let second = run(job, round % 2 != 0);
        let (recorded, plain) = if round % 2 == 0 { (first, second) } else { (second, first) };
        walls.push(recorded.wall.as_secs_f64() / plain.wall.as_secs_f64());
        micros.push((recorded.cpu.as_secs_f64() - plain.cpu.as_secs_f64()) * 1e6 / tasks as f64);
        rates.push(tasks as f64 / plain.wall.as_secs_f64());
        bytes = recorded.bytes;
    }
    let micros = median(micros);
    let cores = std::thread::available_parallelism().map_or(1.0, |cores| cores.get() as f64);
    say(&format!(
        "{name}: {:.0} a second without; {:.3} times as long with; {micros:.3} µs of CPU a task, which at {TASKS_A_SECOND} a \
         second is {:.2} % of {cores} cores; {:.1} bytes on disk a task",
        median(rates),
        median(walls),
        micros * TASKS_A_SECOND / 1e6 / cores * 100.0,
        bytes as f64 / tasks as f64,
    ));
}

fn run(job: &Job, recorded: bool) -> Cost {
    let folder = tempfile::tempdir().expect("there is room");
    let batch = Arc::new(Batch::open(job, Path::new("/"), &mut std::io::empty()).expect("its inputs can be read"));
    let cpu_before = own_cpu();
    let begun = Instant::now();
    let mut recorder = recorded.then(|| {
        let run = RecordedRun {
            batch: Arc::clone(&batch),
            job: job.clone(),
            folder: "/".into(),
            continues: None,
            earlier: Earlier::default(),
            window: false,
        };
        HistoryRecorder::start(folder.path().to_owned(), run)
    });
    let options = RunOptions::new(Mode::Pool, 2);
    let (sender, events) = bounded(1024);
    let tasks = batch.len();
    let run = LocalEngine::new(PROGRAM).start(batch, options, sender).expect("threads can be had");
    let mut ended = 0;
    for event in events {
        if let Some(recorder) = &mut recorder {
            assert_eq!(recorder.add(&event), Vec::<String>::new());
        }
        if let EventKind::Task(TaskEvent::Finished(records)) = event.kind {
            ended += records.len() as u64;
        }
    }
    run.join();
    let said = recorder.map(HistoryRecorder::finish);
    assert_eq!((said.unwrap_or_default(), ended), (Vec::new(), tasks));
    let (wall, cpu) = (begun.elapsed(), own_cpu() - cpu_before);
    Cost { wall, cpu, bytes: std::fs::metadata(file_in(folder.path())).map_or(0, |file| file.len()) }
}
