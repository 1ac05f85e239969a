//! The page Race through its accessibility tree, on races in simulated time: no display, no process.

use std::path::Path;
use std::sync::Arc;

use eframe::egui::accesskit::Role;
use eframe::egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use fanlane::session::race::RaceDraft;
use fanlane::session::{Command, JobDraft, Page, RaceCommand, Session, SessionOptions};
use fanlane_core::engine::simulation::{SimulatedMachine, SimulatedTask};
use fanlane_core::engine::{Engine, RunCommand};
use fanlane_core::event::{Event, EventKind, Outcome, OutcomeCounts, RunEvent, RunHeader, Summary, TaskEvent};
use fanlane_core::job::Mode;
use fanlane_core::model::race::RaceModel;
use fanlane_core::store::race::Races;

use super::canned::{self, FakeEngine, models};
use super::driver::{Window, click, shown, sized, until};
use super::simulated_engine::Simulated;

const MS: u64 = 1_000_000;

fn window(engine: Arc<dyn Engine>, folder: &Path, size: [f32; 2]) -> Window<'static> {
    let settings = Some(folder.join("settings").join("window.json"));
    let races = Some(Races::open(folder));
    let options = SessionOptions { races, settings, ..SessionOptions::in_memory(engine) };
    let mut window = sized(Session::new(options, Arc::new(|| {})), size);
    let session = window.state_mut().session_mut();
    session.edit(|draft| *draft = JobDraft::from_job(&canned::cubes()));
    let draft = RaceDraft { sizes: "1, 2, 4, 8".to_owned(), repeat: "3".to_owned(), ..session.race.draft().clone() };
    session.handle(RaceCommand::Edit(draft));
    until(&mut window, "the job is read", |session| session.race_obstacle().is_none());
    window.key_press_modifiers(Modifiers::COMMAND, Key::Num5);
    window.run_steps(4);
    window
}

fn simulated() -> Simulated {
    let machine = SimulatedMachine { first_worker_ns: 2 * MS, return_ns: MS / 10, ..SimulatedMachine::ideal(8) };
    let task = |task| SimulatedTask { wall_ns: (5 + task % 9) * MS, cpu_ns: 4 * MS };
    Simulated { jitter: 0.01, ..Simulated::new(machine, task) }
}

fn race(window: &Window<'_>, of: impl Fn(&RaceModel) -> bool) -> bool {
    window.state().session().race.shown().is_some_and(|race| of(&race.model()))
}

fn race_to_the_end(window: &mut Window<'_>) {
    click(window, "Race");
    until(window, "the race is over", |session| session.race.shown().is_some() && !session.is_racing());
    assert!(race(window, |model| model.end.is_some()));
}

/// What an image says of itself.
fn image(window: &Window<'_>, label: &str) -> String {
    window.get_by_role_and_label(Role::Image, label).value().unwrap_or_default()
}

#[test]
fn a_race_is_run_and_every_view_shows_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = window(simulated().engine(), folder.path(), [1024.0, 640.0]);
    assert!(window.query_by_label("No race yet").is_some());
    assert!(window.query_by_label_contains("time not known yet").is_some());
    race_to_the_end(&mut window);
    assert!(window.query_by_label_contains("time not known yet").is_none(), "the race has told it");
    let sentence = window.state().session().race.shown().expect("a race").model().verdict().sentence;
    assert!(sentence.contains(" times faster than one process") && sentence.contains('±'), "{sentence}");
    assert!(window.query_by_label(&sentence).is_some(), "the page says {sentence}");
    let row = window.get_by_role_and_label(Role::Row, "pool of 8").value().unwrap_or_default();
    assert!(row.contains(" ± ") && row.contains(" MiB"), "time and memory: {row}");
    assert!(image(&window, "Progress of the newest runs").contains("runs of 100 tasks"));

    assert!(window.query_by_label_contains("forecast ").is_some(), "the top bar forecasts this job");
    let session = window.state().session();
    let measured = session.race.shown().expect("a race").model().sizes(Mode::Pool);
    let forecast = session.forecast().expect("of this job");
    for (size, time) in &measured {
        let secs = forecast.secs(*size).expect("it was raced");
        assert!((secs - time.mean).abs() < 1e-9, "{size} workers: {secs} is forecast and {} was measured", time.mean);
    }
    assert!(forecast.secs(3).is_some_and(|secs| secs > 0.0), "also between the raced sizes");

    click(&mut window, "View Scaling");
    let speed_up = image(&window, "Speed-up over workers");
    assert!(speed_up.starts_with("1: 1.00, 2: 1.9") || speed_up.starts_with("1: 1.00, 2: 2.0"), "{speed_up}");
    assert!(image(&window, "Efficiency over workers").starts_with("1: 100 %"));
    assert!(window.query_by_label_contains("Amdahl's law: ").is_some());
    assert!(window.query_by_label_contains("Universal Scalability Law: contention").is_some());

    click(&mut window, "View Losses");
    let row = window.get_by_label("one process: measured");
    assert!(row.value().is_some_and(|value| !value.is_empty()), "the step has its number");

    click(&mut window, "View Lanes");
    assert!(image(&window, "Lanes of one process").starts_with("1 lanes, 100 attempts"));

    click(&mut window, "View What if");
    let before = image(&window, "Predicted wall time over workers");
    assert!(before.ends_with("at 8 workers"), "{before}");
    click(&mut window, "Order longest first");
    click(&mut window, "Order as given");
    assert_eq!(image(&window, "Predicted wall time over workers"), before);

    click(&mut window, "View Chunk size");
    assert!(window.query_by_label("No chunk sizes were raced").is_some());
    click(&mut window, "View PEP 371");
    assert!(image(&window, "Queue traffic: 1,000 items").contains("processes 2008 at 8: 303 ms"));
}

/// One click from a finished run, with the time that it takes, and a sample of a long job.
#[test]
fn was_the_pool_worth_it_is_one_click_from_a_finished_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = window(simulated().engine(), folder.path(), [1400.0, 900.0]);
    let job = r#"Job(version: 1, name: "Long", task: Workload(name: "cube"), inputs: [Range(1, 5000)])"#;
    let job = fanlane_core::job::Job::parse(job).expect("the job is well formed");
    let mut model = fanlane_core::model::RunModel::default();
    let mut say = |kind| model.take(Event { at_ns: 0, kind });
    let header = RunHeader { name: "Long".into(), mode: Mode::Pool, workers: 2, tasks: 5000, started_unix_ms: 0 };
    say(EventKind::Run(RunEvent::Started(header)));
    let record = |task| models::record(task, 1, 0, 100 * MS, Outcome::Done);
    say(EventKind::Task(TaskEvent::Finished((0..5000).map(record).collect())));
    let totals = Summary {
        counts: OutcomeCounts::default(),
        wall_ns: 1,
        cpu_ns: 1,
        retries: 0,
        workers: 2,
        mode: Mode::Pool,
        stopped: false,
    };
    say(EventKind::Run(RunEvent::Finished(totals)));
    let session = window.state_mut().session_mut();
    session.show_recorded(job, model).expect("the job expands");
    session.handle(Command::Show(Page::RESULTS));
    window.run_steps(4);
    click(&mut window, "Was the pool worth it?");
    let session = window.state().session();
    assert_eq!(session.page(), Page::RACE);
    let offer = session.race_offer().expect("it can be raced");
    assert!(offer.whole == 5000 && offer.tasks < 500 && offer.tasks >= 32, "{offer:?}");
    let sample = format!("{} of 5,000 tasks", offer.tasks);
    assert!(window.query_by_label_contains(&format!("{sample}, about 1 min")).is_some(), "how much and how long");
    race_to_the_end(&mut window);
    assert!(window.query_by_label_contains(&format!("Long on {sample}: ")).is_some(), "the result says so too");
    let session = window.state_mut().session_mut();
    let raced = session.race.shown().expect("a race").model().header.clone().expect("a header").cases[0].job.clone();
    session.edit(|draft| *draft = JobDraft::from_job(&raced));
    until(&mut window, "the job is read", |session| session.forecast().is_some());
    let session = window.state().session();
    let secs = session.forecast().expect("of this job").secs(1).expect("it was raced");
    let alone = session.race.shown().expect("a race").model().sizes(Mode::Pool)[0].1.mean;
    let ratio = 5000.0 / offer.tasks as f64;
    assert!((secs / (alone * ratio) - 1.0).abs() < 0.1, "the forecast is of all tasks: {secs} and {alone} × {ratio}");
    assert!(session.race_subject().is_none(), "another job is open");
}

#[test]
fn the_bars_of_all_ways_are_seen_in_the_smallest_window() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = window(simulated().engine(), folder.path(), [1024.0, 640.0]);
    let session = window.state_mut().session_mut();
    let draft = RaceDraft { sizes: "1, 2, 4".to_owned(), ..session.race.draft().clone() };
    session.handle(RaceCommand::Edit(draft));
    race_to_the_end(&mut window);
    for name in ["one process", "1 thread", "2 threads", "4 threads", "pool of 1", "pool of 2", "pool of 4"] {
        let rect = window.get_by_role_and_label(Role::Row, name).rect();
        assert!(rect.bottom() <= 640.0 - 16.0, "{name}: {rect:?}");
    }
    click(&mut window, "View Losses");
    assert!(window.query_by_label_contains("All bars have the same scale.").is_some());
}

#[test]
fn the_forecast_goes_as_far_as_was_raced_and_names_the_knee_of_the_verdict() {
    let folder = tempfile::tempdir().expect("a folder");
    let machine = SimulatedMachine { first_worker_ns: 2 * MS, return_ns: MS / 10, ..SimulatedMachine::ideal(32) };
    let task = |task| SimulatedTask { wall_ns: if task == 0 { 400 * MS } else { 5 * MS }, cpu_ns: MS };
    let simulated = Simulated { jitter: 0.01, ..Simulated::new(machine, task) };
    let mut window = window(simulated.engine(), folder.path(), [1024.0, 640.0]);
    let session = window.state_mut().session_mut();
    let draft = RaceDraft { sizes: "1, 2, 4, 24".to_owned(), ..session.race.draft().clone() };
    session.handle(RaceCommand::Edit(draft));
    race_to_the_end(&mut window);
    let session = window.state().session();
    assert!(session.machine().slider_end() < 24);
    let forecast = session.forecast().expect("of this job");
    assert!(forecast.secs(24).is_some() && forecast.secs(20).is_some());
    assert!(forecast.secs(25).is_none(), "nobody tried");
    let sentence = session.race.shown().expect("a race").model().verdict().sentence;
    let knee = forecast.knee.expect("more workers do not help");
    assert!(sentence.contains(&format!("more than {knee} workers will not help")), "{knee}: {sentence}");
    let known = forecast.clone();
    drop(window);
    let window = self::window(simulated.engine(), folder.path(), [1400.0, 900.0]);
    let kept = shown(&window).forecast().expect("it is there after a restart");
    assert_eq!((kept.knee, kept.raced_unix_ms), (known.knee, known.raced_unix_ms));
    assert!(
        window.query_by_label_contains(&format!("{knee} was best in the race of")).is_some(),
        "and beside the slider"
    );
    assert_eq!(shown(&window).predicted_job_secs(4).ok(), known.secs(4));
    drop(window);
    std::fs::write(folder.path().join("settings/forecasts.json"), "[{\"knee\": ").expect("written");
    let window = self::window(simulated.engine(), folder.path(), [1024.0, 640.0]);
    assert!(shown(&window).forecast().is_none(), "a damaged file is as none");
}

#[test]
fn chunk_sizes_are_raced_when_they_are_wanted() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = window(simulated().engine(), folder.path(), [1400.0, 900.0]);
    click(&mut window, "Race chunk sizes");
    race_to_the_end(&mut window);
    click(&mut window, "View Chunk size");
    let value = image(&window, "Wall time over chunk size");
    assert!(value.starts_with("1: ") && value.contains("13: "), "{value}");
    assert!(window.query_by_label_contains("Python's Pool.map would take chunks of 4.").is_some());
}

#[test]
fn a_race_is_saved_opened_and_laid_beside_another() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = window(simulated().engine(), folder.path(), [1400.0, 900.0]);
    race_to_the_end(&mut window);
    click(&mut window, "Save race");
    let saved = window.state().session().race.saved().to_vec();
    assert_eq!(saved.len(), 1);
    let before = window.state().session().race.shown().expect("a race").model().verdict();
    race_to_the_end(&mut window);
    click(&mut window, "Compare with a saved race");
    let name = saved[0].file_name().expect("a name").to_string_lossy().trim_end_matches(".race.json").to_owned();
    click(&mut window, &name);
    assert!(window.state().session().race.comparison().is_some());
    assert!(window.query_by_label_contains("Thin bars: ").is_some());
    click(&mut window, "View Lanes");
    click(&mut window, &format!("Hide {name}"));
    assert!(window.state().session().race.comparison().is_none());
    click(&mut window, "Open a saved race");
    click(&mut window, &name);
    assert_eq!(window.state().session().race.shown().expect("a race").model().verdict(), before);

    for answer in ["Cancel", "Delete the race"] {
        assert!(saved[0].exists());
        click(&mut window, "Open a saved race");
        click(&mut window, &format!("Delete {name}…"));
        click(&mut window, answer);
    }
    assert!(!saved[0].exists());
    assert!(window.state().session().race.saved().is_empty());
    assert_eq!(window.state().session().race.shown().expect("a race").file, None, "it can be saved anew");
}

#[test]
fn what_cannot_be_raced_is_said_and_not_started() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = window(simulated().engine(), folder.path(), [1024.0, 640.0]);
    for (sizes, words) in [("0", "Pool sizes: expected"), ("1, x", "Pool sizes: expected"), ("1", "")] {
        let session = window.state_mut().session_mut();
        let draft = RaceDraft { sizes: sizes.to_owned(), ..session.race.draft().clone() };
        session.handle(RaceCommand::Edit(draft));
        window.run_steps(2);
        let obstacle = window.state().session().race_obstacle().unwrap_or_default();
        assert!(obstacle.starts_with(words) && obstacle.is_empty() == words.is_empty(), "{sizes}: {obstacle}");
        let disabled = window.get_by_role_and_label(Role::Button, "Race").accesskit_node().is_disabled();
        assert_eq!(disabled, !words.is_empty(), "{sizes}");
    }
    for mode in ["one", "threads", "pool"] {
        click(&mut window, &format!("Race mode {mode}"));
    }
    assert_eq!(window.state().session().race_obstacle().as_deref(), Some("No mode is selected: select at least one."));
}

#[test]
fn a_race_under_way_is_seen_and_stopped_and_nothing_runs_beside_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = FakeEngine::default();
    let mut window = window(engine.engine(), folder.path(), [1024.0, 640.0]);
    click(&mut window, "Race");
    until(&mut window, "a run goes on", |session| {
        session.race.shown().is_some_and(|race| race.model().current.is_some())
    });
    assert!(window.state().session().is_racing() && window.state().session().run_obstacle().is_some());
    assert!(window.get_by_role_and_label(Role::Button, "Run").accesskit_node().is_disabled());
    assert!(window.query_by_label_contains("Warming up: ").is_some());
    click(&mut window, "Page Job");
    assert_eq!(window.state().session().page(), Page::JOB);
    click(&mut window, "Page Race");
    until(&mut window, "the run was begun", |_| engine.asked().started.len() == 1);
    click(&mut window, "Stop race");
    until(&mut window, "it was asked to stop", |_| engine.asked().commands.contains(&RunCommand::StopNow));
    engine.finish(5 * MS, true);
    until(&mut window, "the race has ended", |session| !session.is_racing());
    assert!(window.query_by_label_contains("Stopped early: ").is_some());
    assert!(window.state().session().run_obstacle().is_none());
    assert!(race(&window, |model| model.runs.is_empty()));
}
