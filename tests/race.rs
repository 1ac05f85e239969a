//! Races over an engine in simulated time: the order of runs, what is kept, saved and opened again, and forecasts.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

#[path = "support/simulated_engine.rs"]
mod simulated_engine;

use std::path::Path;
use std::sync::Arc;

use fanlane::session::Machine;
use fanlane::session::race::{NoWhatIf, Question, Race, RaceEngine, RacePlan, WhatIf, WhatIfOrder};
use fanlane_core::engine::simulation::{SimulatedMachine, SimulatedTask};
use fanlane_core::job::{Batch, Job, Mode};
use fanlane_core::model::race::laws::{Amdahl, SizeTime};
use fanlane_core::model::race::pep371::WorkSet;
use fanlane_core::model::race::{Contender, RaceEnd, RaceModel, Rules, chunks};
use fanlane_core::store::atomic_write::Existing;
use fanlane_core::store::export::race::{write_csv, write_json, write_markdown};
use fanlane_core::store::race::{RaceFileError, Races, open, save};
use simulated_engine::Simulated;

const MS: u64 = 1_000_000;

fn batch(text: &str) -> Arc<Batch> {
    Arc::new(Batch::open(&Job::parse(text).unwrap(), Path::new("/"), &mut std::io::empty()).unwrap())
}

fn sleeps(tasks: u64) -> Arc<Batch> {
    batch(&format!(r#"Job(version: 1, name: "Sleeps", task: Workload(name: "sleep"), inputs: [Range(1, {tasks})])"#))
}

fn rules(runs: u32) -> Rules {
    Rules { seed: 3, least_runs: runs, most_runs: runs, ..Rules::default() }
}

/// A machine of 4 cores with small costs for everything.
fn machine() -> SimulatedMachine {
    SimulatedMachine {
        first_worker_ns: 3 * MS,
        next_worker_ns: MS / 2,
        return_ns: MS / 10,
        hand_out_ns: MS / 10,
        slow_down: vec![(2.0, 1.1), (4.0, 1.4)],
        ..SimulatedMachine::ideal(4)
    }
}

fn start(
    plan: RacePlan,
    engine: &Simulated,
) -> (Race, crossbeam_channel::Receiver<fanlane_core::model::race::RaceEvent>) {
    let engine = RaceEngine { engine: engine.engine(), machine: Machine { physical_cores: 4, logical_cores: 4 } };
    let (sender, receiver) = crossbeam_channel::bounded(64);
    (Race::start(plan, engine, sender).unwrap(), receiver)
}

fn raced(batch: Arc<Batch>, contenders: Vec<Contender>, rules: Rules, engine: &Simulated) -> RaceModel {
    let plan = RacePlan::of_batch(batch, contenders, rules).unwrap();
    let (race, events) = start(plan, engine);
    let mut model = RaceModel::default();
    events.iter().for_each(|event| model.apply(event));
    race.join();
    model
}

/// Tasks of 10 to 70 ms, that need a core for four fifths of their time.
fn varied() -> Simulated {
    Simulated::new(machine(), |task| {
        let wall_ns = (10 + task * 7 % 60) * MS;
        SimulatedTask { wall_ns, cpu_ns: wall_ns * 4 / 5 }
    })
}

#[test]
fn contenders_run_in_shuffled_blocks_and_the_first_block_does_not_count() {
    let engine = Simulated { jitter: 0.02, ..varied() };
    let contenders = Contender::sweep(&Mode::ALL, &[1, 2, 4]);
    let model = raced(sleeps(30), contenders.clone(), rules(4), &engine);
    assert_eq!((model.runs.len(), &model.end), (7 * 5, &Some(RaceEnd::Enough)));
    for (number, block) in model.runs.chunks(7).enumerate() {
        assert!(block.iter().all(|run| run.turn.block as usize == number && run.turn.warm_up == (number == 0)));
        let started = &engine.started.lock().unwrap()[7 * number..7 * (number + 1)];
        for contender in &contenders {
            assert!(started.contains(&(contender.mode, contender.workers, None)), "{contender:?} in block {number}");
        }
    }
    let orders: Vec<Vec<usize>> =
        model.runs.chunks(7).map(|block| block.iter().map(|run| run.turn.contender).collect()).collect();
    assert!(orders.windows(2).any(|pair| pair[0] != pair[1]), "the blocks are mixed: {orders:?}");
    for place in 0..contenders.len() {
        assert_eq!(model.counted(place).count(), 4);
        let fall = model.waterfall(place).unwrap();
        assert!((fall.sum_secs() / fall.measured_secs - 1.0).abs() < 0.02, "{fall:?}");
    }
    assert!(model.verdict().sentence.contains(" times faster than one process"), "{:?}", model.verdict());
}

#[test]
fn a_race_goes_on_until_it_knows_enough() {
    let contenders = Contender::sweep(&[Mode::One, Mode::Pool], &[2]);
    let until = Rules { seed: 1, wanted_share: 0.01, time_limit_secs: 1e9, ..Rules::default() };
    let quiet = raced(sleeps(8), contenders.clone(), until.clone(), &Simulated { jitter: 0.001, ..varied() });
    assert_eq!((quiet.counted(0).count(), quiet.end), (3, Some(RaceEnd::Enough)));
    let loud = raced(sleeps(8), contenders, until, &Simulated { jitter: 0.03, ..varied() });
    let runs = loud.counted(0).count();
    assert!(runs > 5 && loud.is_precise() && loud.end == Some(RaceEnd::Enough), "{runs} runs, {:?}", loud.end);
}

#[test]
fn a_race_without_a_receiver_ends_and_a_stopped_one_says_so() {
    let contenders = Contender::sweep(&[Mode::One], &[1]);
    let many = Rules { least_runs: 1_000_000, most_runs: 1_000_000, ..Rules::default() };
    let plan = RacePlan::of_batch(sleeps(4), contenders, many).unwrap();
    let (race, events) = start(plan.clone(), &varied());
    drop(events);
    race.join();

    let (race, events) = start(plan, &varied());
    let mut model = RaceModel::default();
    for event in &events {
        model.apply(event);
        if model.runs.len() == 3 {
            race.stop();
        }
    }
    assert_eq!(model.end, Some(RaceEnd::Stopped));
    assert!(model.runs.len() >= 3 && model.verdict().sentence.starts_with("Stopped early: "));
}

#[test]
fn what_is_saved_is_opened_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let contenders = Contender::sweep(&[Mode::One, Mode::Pool], &[1, 2]);
    let model = raced(sleeps(12), contenders, rules(3), &Simulated { jitter: 0.01, ..varied() });
    let races = Races::open(folder.path().join("races"));
    let first = races.save(&model).unwrap();
    let second = races.save(&model).unwrap();
    assert_ne!(first, second, "nothing is written over");
    let mut listed = races.list().unwrap();
    listed.sort();
    assert_eq!(listed.len(), 2);
    let opened = open(&first).unwrap();
    assert_eq!((opened.verdict(), opened.standings(0)), (model.verdict(), model.standings(0)));
    assert_eq!(opened.waterfall(2), model.waterfall(2));
    assert_eq!(opened.header, model.header, "with its job, its machine and its rules");
    assert_eq!(WhatIf::of(&opened), WhatIf::of(&model));
    let texts = |model: &RaceModel| {
        let mut text = Vec::new();
        write_csv(model, &mut text).unwrap();
        write_markdown(model, &mut text).unwrap();
        write_json(model, &mut text).unwrap();
        String::from_utf8(text).unwrap()
    };
    let text = texts(&model);
    assert_eq!(texts(&opened), text);
    assert!(text.contains("Sleeps,pool of 2,pool,2,,,3,") && text.contains("| pool of 2 | "), "{text}");
}

#[test]
fn a_file_that_is_no_race_is_refused_with_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.race.json");
    let whole = folder.path().join("whole.race.json");
    let model = raced(sleeps(3), Contender::sweep(&[Mode::One], &[1]), rules(2), &varied());
    save(&model, &whole, Existing::Keep).unwrap();
    assert!(matches!(save(&model, &whole, Existing::Keep), Err(RaceFileError::Exists { .. })));
    let text = std::fs::read_to_string(&whole).unwrap();
    let cases = [
        (String::new(), "is not a saved race"),
        ("{\"fanlane_record\":1}".to_owned(), "is not a saved race"),
        (text.replacen("\"fanlane_race\":1", "\"fanlane_race\":9", 1), "of version 9"),
        (text[..text.len() / 2].to_owned(), "is not a saved race"),
        (text.replacen("\"contender\":0", "\"contender\":7", 1), "a run has no contender"),
        (text.replacen("\"end\":\"Enough\"", "\"end\":null", 1), "it is not over"),
    ];
    for (text, complaint) in cases {
        std::fs::write(&path, text).unwrap();
        let error = open(&path).unwrap_err().to_string();
        assert!(error.contains(complaint) && error.contains("x.race.json"), "{error}");
    }
    assert!(matches!(save(&RaceModel::default(), &path, Existing::Replace), Err(RaceFileError::UnderWay)));
}

#[test]
fn what_would_be_in_another_pool_is_what_is() {
    let engine = varied();
    let contenders = Contender::sweep(&[Mode::Pool], &[1, 2, 4]);
    let model = raced(sleeps(40), contenders, rules(3), &engine);
    let what_if = WhatIf::of(&model).unwrap();
    for size in [1, 2, 3, 4, 6, 8] {
        let question = Question { workers: size, chunk: None, order: WhatIfOrder::AsGiven };
        let predicted = what_if.predict(question).wall_ns as f64;
        let truth = raced(sleeps(40), vec![Contender::new(Mode::Pool, size)], rules(1), &engine).runs[0].wall_ns as f64;
        assert!((predicted / truth - 1.0).abs() < 0.10, "{size} workers: {predicted}, but it was {truth}");
    }
    for chunk in chunks::usual_sizes(40, 4) {
        let contender = Contender { chunk: Some(chunk), ..Contender::new(Mode::Pool, 4) };
        let truth = raced(sleeps(40), vec![contender], rules(1), &engine).runs[0].wall_ns as f64;
        let question = Question { workers: 4, chunk: std::num::NonZeroU32::new(chunk), order: WhatIfOrder::AsGiven };
        let predicted = what_if.predict(question).wall_ns as f64;
        assert!((predicted / truth - 1.0).abs() < 0.10, "chunks of {chunk}: {predicted}, but it was {truth}");
    }
}

#[test]
fn the_longest_first_is_forecast_to_end_sooner_and_nothing_is_forecast_of_nothing() {
    let engine = Simulated::new(SimulatedMachine::ideal(4), |task| SimulatedTask {
        wall_ns: if task == 11 { 600 * MS } else { 50 * MS },
        cpu_ns: 0,
    });
    let model = raced(sleeps(12), Contender::sweep(&[Mode::One, Mode::Pool], &[2]), rules(3), &engine);
    let what_if = WhatIf::of(&model).unwrap();
    let at = |order| what_if.predict(Question { workers: 2, chunk: None, order }).wall_ns;
    assert!(at(WhatIfOrder::LongestFirst) < 650 * MS && at(WhatIfOrder::AsGiven) > 800 * MS);
    assert_eq!(WhatIf::of(&RaceModel::default()), Err(NoWhatIf::NothingRecorded));
}

#[test]
fn a_job_with_a_known_serial_fraction_gives_that_fraction() {
    // 300 of 1500 ms are the first task, which all others wait for.
    let names: String = (1..25).map(|task| format!(", \"part-{task} setup\"")).collect();
    let text = format!(
        r#"Job(version: 1, task: Workload(name: "sleep"), inputs: [List(["setup "{names}])],
            control: Control(after: After(name: "name", after: "after")))"#
    );
    let job = Job::parse(&text).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let rows: String = (1..25).map(|task| format!("part-{task},setup\n")).collect();
    std::fs::write(folder.path().join("tasks.csv"), format!("name,after\nsetup,\n{rows}")).unwrap();
    let job = Job { inputs: vec![fanlane_core::job::Input::Csv("tasks.csv".into())], ..job };
    let batch = Arc::new(Batch::open(&job, folder.path(), &mut std::io::empty()).unwrap());
    let engine = Simulated::new(SimulatedMachine { first_worker_ns: MS, ..SimulatedMachine::ideal(8) }, |task| {
        SimulatedTask { wall_ns: if task == 0 { 300 * MS } else { 50 * MS }, cpu_ns: 0 }
    });
    let engine = Simulated { jitter: 0.01, ..engine };
    let model = raced(batch, Contender::sweep(&[Mode::Pool], &[1, 2, 3, 4, 6, 8]), rules(5), &engine);
    let sizes: Vec<SizeTime> = model.scaling_sizes().iter().map(SizeTime::of).collect();
    let law = Amdahl::fit(&sizes).unwrap();
    assert!((law.serial_fraction - 0.2).abs() <= law.half_width, "{law:?}");
    assert!(law.half_width < 0.02, "{law:?}");
}

#[test]
fn what_cannot_be_raced_is_refused_with_a_reason() {
    let refused = |contenders, rules| RacePlan::of_batch(sleeps(3), contenders, rules).unwrap_err().to_string();
    assert!(refused(Vec::new(), rules(3)).contains("no contenders"));
    assert!(refused(vec![Contender::new(Mode::Pool, 5000)], rules(3)).contains("a pool of 5000"));
    let chunked = Contender { chunk: Some(0), ..Contender::new(Mode::Pool, 2) };
    assert!(refused(vec![chunked], rules(3)).contains("chunks of 0"));
    assert!(refused(vec![Contender::new(Mode::One, 1)], rules(0)).contains("0 runs"));
    let none = batch(r#"Job(version: 1, task: Command("true"), inputs: [List([])])"#);
    let error = RacePlan::of_batch(none, vec![Contender::new(Mode::One, 1)], rules(3)).unwrap_err();
    assert!(error.to_string().contains("no task"));
}

#[test]
fn the_six_workloads_of_pep_371_are_there() {
    let folder = tempfile::tempdir().unwrap();
    for set in WorkSet::ALL {
        let plan = RacePlan::pep371(set, None, rules(2), folder.path()).unwrap();
        assert_eq!((plan.batches.len(), plan.contenders.len()), (6, 72));
        assert!(plan.batches.iter().all(|batch| batch.len() == 8));
        let workloads: Vec<&str> = plan.batches.iter().map(|batch| batch.job().task.title()).collect();
        assert_eq!(workloads, ["nothing", "fibonacci", "sum_primes", "file_io", "http_get", "queue_traffic"]);
    }
    let plan = RacePlan::pep371(WorkSet::Of2008, None, rules(2), folder.path()).unwrap();
    let engine = Simulated::new(SimulatedMachine::ideal(4), |_| SimulatedTask { wall_ns: MS, cpu_ns: MS });
    let (race, events) = start(plan, &engine);
    let mut model = RaceModel::default();
    events.iter().for_each(|event| model.apply(event));
    race.join();
    for case in 0..6 {
        let secs = |mode, workers| model.wall_time(case, mode, workers).unwrap().mean;
        assert!((secs(Mode::One, 8) / secs(Mode::One, 1) - 8.0).abs() < 0.1, "n workers' work in one process");
        assert!((secs(Mode::Pool, 4) / secs(Mode::Pool, 1) - 1.0).abs() < 0.1, "n workers with n times the work");
    }
    assert_eq!(
        model.verdict().sentence,
        "The largest pool was faster than one process in 6 of 6 workloads, starting and ending it included."
    );
}
