//! How near what-if comes to reality, and whether a known serial fraction is found: measured on this machine.
//!
//! `cargo bench --bench race` races built-in workloads whose tasks take more than 5 ms, forecasts each pool size from the
//! recorded tasks, and prints both. A busy machine disturbs the measured times, so its share of the CPU is printed too.

mod measuring;

use std::path::Path;
use std::sync::Arc;

use fanlane::session::Machine;
use fanlane::session::race::{Question, Race, RaceEngine, RacePlan, WhatIf, WhatIfOrder};
use fanlane_core::engine::LocalEngine;
use fanlane_core::job::{Batch, Input, Job, Mode};
use fanlane_core::model::race::laws::{Amdahl, SizeTime};
use fanlane_core::model::race::{Contender, RaceModel, Rules};

use measuring::say;

const PROGRAM: &str = env!("CARGO_BIN_EXE_fanlane");

/// Name, workload and arguments.
const WORKLOADS: [(&str, &str, &[&str]); 7] = [
    ("pi", "monte_carlo_pi", &["3000000", "9000000", "5000000", "4000000"]),
    ("primes", "sum_primes", &["9000000", "20000000", "12000000", "30000000"]),
    ("fibonacci", "fibonacci", &["120000", "90000", "150000", "100000"]),
    ("matrix products", "matrix_product", &["192", "256", "224", "320"]),
    ("sorting", "sort", &["300000", "900000", "500000", "400000"]),
    ("file I/O", "file_io", &["9000", "20000", "12000", "15000"]),
    ("sleep", "sleep", &["0.01", "0.05", "0.02", "0.03"]),
];
/// How often the arguments are repeated.
const REPEATED: usize = 10;
const SIZES: [u32; 4] = [1, 2, 4, 8];

fn main() {
    let runs = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(7);
    say("what if: a pool of 1 was recorded; predicted and measured wall times, medians");
    say(&format!("{:<18}{:>8}{:>14}{:>14}{:>9}", "workload", "workers", "measured ms", "predicted ms", "off"));
    let mut worst: f64 = 0.0;
    for (name, workload, arguments) in WORKLOADS {
        let list: Vec<String> =
            arguments.iter().cycle().take(arguments.len() * REPEATED).map(|&one| one.to_owned()).collect();
        let text = format!(r#"Job(version: 1, name: "{name}", task: Workload(name: "{workload}"), inputs: [])"#);
        let job = Job { inputs: vec![Input::List(list)], ..Job::parse(&text).expect("the job is well formed") };
        let model = race(&job, Path::new("."), &SIZES, runs);
        let what_if = WhatIf::of(&model).expect("runs were recorded");
        for (place, size) in SIZES.into_iter().enumerate() {
            let question = Question { workers: size, chunk: None, order: WhatIfOrder::AsGiven };
            let predicted_secs = what_if.predict(question).wall_ns as f64 / 1e9;
            let measured_secs = model.time(place).expect("it has run").median;
            let off = predicted_secs / measured_secs - 1.0;
            worst = worst.max(off.abs());
            let [measured_ms, predicted_ms] = [measured_secs, predicted_secs].map(|secs| secs * 1e3);
            say(&format!("{name:<18}{size:>8}{measured_ms:>14.1}{predicted_ms:>14.1}{:>8.1} %", off * 100.0));
        }
        others(&model);
    }
    say(&format!("farthest off: {:.1} %", worst * 100.0));

    say("\na serial fraction of 0.2: a task of 300 ms that 24 tasks of 50 ms wait for");
    let folder = tempfile::tempdir().expect("a folder");
    let rows: String = (1..25).map(|part| format!("part-{part},setup,0.05\n")).collect();
    std::fs::write(folder.path().join("tasks.csv"), format!("name,after,secs\nsetup,,0.3\n{rows}")).expect("written");
    let text = r#"Job(version: 1, task: Command("sleep {secs}"), inputs: [Csv("tasks.csv")],
        control: Control(after: After(name: "name", after: "after")))"#;
    let model = race(&Job::parse(text).expect("the job is well formed"), folder.path(), &[1, 2, 3, 4, 6, 8], runs);
    let sizes: Vec<SizeTime> = model.scaling_sizes().iter().map(SizeTime::of).collect();
    match Amdahl::fit(&sizes) {
        Ok(law) => say(&format!(
            "found {:.4} ± {:.4}, residual {:.2} %",
            law.serial_fraction,
            law.half_width,
            law.residual * 100.0
        )),
        Err(why) => say(&format!("not claimed: {why}")),
    }
    others(&model);
}

fn race(job: &Job, folder: &Path, sizes: &[u32], runs: u32) -> RaceModel {
    let batch = Arc::new(Batch::open(job, folder, &mut std::io::empty()).expect("the job opens"));
    let rules = Rules { seed: 1, least_runs: runs, most_runs: runs, ..Rules::default() };
    let plan = RacePlan::of_batch(batch, Contender::sweep(&[Mode::Pool], sizes), rules).expect("it can be raced");
    let engine = RaceEngine { engine: Arc::new(LocalEngine::new(PROGRAM)), machine: Machine::this() };
    let (sender, events) = crossbeam_channel::bounded(1024);
    let race = Race::start(plan, engine, sender).expect("a thread can be had");
    let mut model = RaceModel::default();
    events.iter().for_each(|event| model.apply(event));
    race.join();
    assert!(model.runs.iter().all(|run| run.counts.not_done() == 0), "every task succeeds");
    model
}

fn others(model: &RaceModel) {
    if let Some(share) = model.cpu().other_share() {
        say(&format!("    (other programs: {:.0} % of the CPU)", share * 100.0));
    }
}
