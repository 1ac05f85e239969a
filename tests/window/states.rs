//! The states in which a page can be, from a machine of 2 cores to one of 256, a thousand lanes, a million tasks and names of any
//! length, in the smallest window and a large one: what can be used lies in the window and beside, not over, the rest.
//!
//! With `FANLANE_PICTURES=FOLDER` each is drawn into that folder.

use std::path::PathBuf;
use std::sync::Arc;

use eframe::egui::accesskit::Role;
use eframe::egui::{Rect, Theme};
use egui_kittest::kittest::NodeT as _;
use fanlane::session::{Command, JobDraft, Machine, Page, Session, SessionOptions};
use fanlane_core::event::{DispatchEvent, EventKind, LaneId, Outcome, TaskEvent, TaskId, WorkerEvent, WorkerId};
use fanlane_core::job::Job;
use fanlane_core::model::RunModel;

use super::canned::models::{self, Dice, MS, Models};
use super::canned::{self, FakeEngine};
use super::driver::{self, SMALLEST, Window, handle, until};

const SIZES: [([f32; 2], Theme); 3] =
    [(SMALLEST, Theme::Dark), ([1920.0, 1080.0], Theme::Light), ([2560.0, 1440.0], Theme::Dark)];
const PAGES: [Page; 6] = [Page::JOB, Page::LIVE, Page::RESULTS, Page::SHARED, Page::RACE, Page::RUNS];

fn session(cores: u32) -> (Session, FakeEngine) {
    let engine = FakeEngine::default();
    let machine = Machine { physical_cores: cores.div_ceil(2), logical_cores: cores };
    let options = SessionOptions { machine, ..SessionOptions::in_memory(engine.engine()) };
    (Session::new(options, Arc::new(|| {})), engine)
}

fn job(tasks: u64, workers: u32, name: &str, command: &str) -> Job {
    let text = format!(
        "Job(version: 1, name: {name:?}, task: Command({command:?}), inputs: [Range(1, {tasks})], workers: {workers})"
    );
    Job::parse(&text).expect("the job is well formed")
}

/// A window that shows the recorded run `model`.
fn recorded(cores: u32, job: &Job, model: RunModel) -> Session {
    let (mut session, _) = session(cores);
    session.edit(|draft| *draft = JobDraft::from_job(job));
    session.show_recorded(job.clone(), model).expect("the job expands");
    session.poll();
    session
}

/// The folder in which pictures are wanted.
fn pictures() -> Option<PathBuf> {
    std::env::var_os("FANLANE_PICTURES").map(PathBuf::from)
}

/// Looks at the shown page at each size.
fn look(window: &mut Window<'_>, name: &str) {
    let folder = pictures();
    for (size, theme) in SIZES {
        window.set_size(size.into());
        if folder.is_some() {
            window.ctx.set_theme(theme);
        }
        window.run_steps(4);
        assert_apart(window, size, name);
        let Some(folder) = &folder else { continue };
        let picture = window.render().expect("it can be drawn");
        picture.save(folder.join(format!("{name}-{}.png", size[0]))).expect("the picture is written");
    }
}

/// Looks at the page Live of a window for `session`, or at another.
fn look_at(session: Session, page: Page, name: &str) {
    let mut window = driver::window(session);
    handle(&mut window, Command::Show(page));
    look(&mut window, name);
}

/// The controls of the bars, which do not scroll, are inside the window, and none lies over another.
fn assert_apart(window: &Window<'_>, size: [f32; 2], name: &str) {
    const ROLES: [Role; 6] =
        [Role::Button, Role::CheckBox, Role::ComboBox, Role::TextInput, Role::SpinButton, Role::Slider];
    let room = Rect::from_min_size(Default::default(), size.into());
    let nodes = window.root().children_recursive();
    let controls: Vec<(String, Rect)> = nodes
        .filter(|node| ROLES.contains(&node.accesskit_node().role()))
        .map(|node| (node.accesskit_node().label().unwrap_or_default(), node.rect()))
        .filter(|(_, rect)| rect.bottom() < 90.0 && rect.area() > 0.0)
        .collect();
    assert!(controls.len() > 5, "{name}: {controls:?}");
    for (place, (label, rect)) in controls.iter().enumerate() {
        assert!(room.contains_rect(*rect), "{name} at {size:?}: {label} at {rect:?} is cut");
        for (other, over) in &controls[..place] {
            let shared = rect.intersect(*over);
            let lies_over = shared.width() > 1.0 && shared.height() > 1.0;
            assert!(!lies_over, "{name} at {size:?}: {label} at {rect:?} lies over {other} at {over:?}");
        }
    }
}

#[test]
fn machines_of_2_to_256_cores() {
    for cores in [2, 6, 24, 128, 256] {
        let model = models::half_way(cores, cores as usize, 20, 900).model;
        let tasks = 20 * 1000 / 900 * u64::from(cores) * 2;
        let job = job(tasks, cores, "Render", "blender -b film.blend -f {}");
        let mut window = driver::window(recorded(cores, &job, model));
        handle(&mut window, Command::Show(Page::LIVE));
        look(&mut window, &format!("cores-{cores}"));
        driver::click(&mut window, "Cores as lines");
        look(&mut window, &format!("cores-{cores}-lines"));
    }
}

#[test]
fn a_thousand_lanes() {
    let model = models::half_way(1000, 64, 8, 900).model;
    let job = job(8 * 1000 / 900 * 2000, 1000, "A thousand lanes", "curl -s https://example.org/{}");
    look_at(recorded(64, &job, model), Page::LIVE, "lanes-1000");
}

#[test]
fn a_million_tasks() {
    // The layout is that of a hundred thousand, which take less time here.
    let tasks: u64 = if pictures().is_some() { 1_000_000 } else { 100_000 };
    let mut dice = Dice(3);
    let mut models = Models::started(tasks, 8);
    let mut free_ns = [20 * MS; 8];
    let mut records = Vec::new();
    for task in 0..tasks {
        let lane = (task % 8) as usize;
        let wall_ns = 20_000 + dice.roll(60_000);
        let outcome = if dice.roll(50_000) == 0 { Outcome::Exited { code: 1 } } else { Outcome::Done };
        records.push(models::record(task, lane as u32 + 1, free_ns[lane], wall_ns, outcome));
        free_ns[lane] += wall_ns + 2_000;
    }
    let end_ns = free_ns.into_iter().max().expect("there are lanes");
    models.apply(end_ns, EventKind::Task(TaskEvent::Finished(records)));
    models.finish(end_ns);
    let mut window = driver::window(recorded(8, &job(tasks, 8, "A million", "true {}"), models.model));
    for (page, name) in [(Page::LIVE, "live"), (Page::RESULTS, "results"), (Page::JOB, "job"), (Page::RUNS, "runs")] {
        handle(&mut window, Command::Show(page));
        until(&mut window, "the rows", |session| !session.run.rows().is_under_way());
        look(&mut window, &format!("million-{name}"));
    }
}

#[test]
fn names_of_any_length() {
    let long = "A name that somebody has copied out of a ticket and that goes on and on: and nightly-build-of-everything-that-there-is".repeat(2);
    let command =
        format!("/opt/{}/bin/convert --input=/data/{{}}.tif --quality 95", "a-folder-with-a-long-name/".repeat(12));
    let model = models::half_way(6, 8, 12, 900).model;
    let job = job(12 * 1000 / 900 * 12, 6, &long, &command);
    let mut window = driver::window(recorded(8, &job, model));
    for page in PAGES {
        handle(&mut window, Command::Show(page));
        if page == Page::RESULTS {
            handle(&mut window, Command::SelectTask(Some(TaskId(3))));
        }
        look(&mut window, &format!("long-{}", page.title().to_lowercase()));
    }
}

#[test]
fn first_launch() {
    let (session, _) = session(8);
    let mut window = driver::window(session);
    for page in PAGES {
        handle(&mut window, Command::Show(page));
        look(&mut window, &format!("first-{}", page.title().to_lowercase()));
    }
}

#[test]
fn a_run_that_has_failed_altogether() {
    let mut models = Models::started(40, 4);
    for task in 0..40 {
        let outcome = Outcome::CannotStart("no-such-program: not found; install it or give its full path".into());
        models.ended(models::record(task, task as u32 % 4 + 1, 30 * MS + task / 4 * 10 * MS, 4 * MS, outcome));
    }
    models.finish(140 * MS);
    let job = job(40, 4, "All failed", "no-such-program --of {}");
    let mut window = driver::window(recorded(8, &job, models.model));
    for page in PAGES {
        handle(&mut window, Command::Show(page));
        look(&mut window, &format!("failed-{}", page.title().to_lowercase()));
    }
}

#[test]
fn a_run_with_outcomes_of_every_kind() {
    for (ended, state) in [(false, "half"), (true, "ended")] {
        let engine = FakeEngine::default();
        let mut window = driver::window(canned::session_with_run(&engine, ended));
        for page in PAGES {
            handle(&mut window, Command::Show(page));
            look(&mut window, &format!("{state}-{}", page.title().to_lowercase()));
        }
    }
}

#[test]
fn a_run_that_has_just_begun_and_one_that_is_paused() {
    let (mut session, engine) = session(8);
    session
        .edit(|draft| *draft = JobDraft::from_job(&job(240, 6, "Thumbnails", "convert holiday-{}.jpg thumbs/{}.jpg")));
    let mut window = driver::window(session);
    handle(&mut window, Command::Run);
    until(&mut window, "the run", Session::is_running);
    for page in PAGES {
        handle(&mut window, Command::Show(page));
        look(&mut window, &format!("begun-{}", page.title().to_lowercase()));
    }
    for lane in 0..6 {
        let worker = WorkerId(lane + 1);
        engine.say(MS, EventKind::Worker(WorkerEvent::Started { worker, lane: LaneId(lane), pid: 70 + lane }));
        let task = TaskId(lane.into());
        let began = TaskEvent::Started { task, attempt: 1, worker, start_ns: MS, pid: Some(900 + lane) };
        engine.say(MS, EventKind::Task(began));
    }
    engine.say(2 * MS, EventKind::Dispatch(DispatchEvent::Paused));
    until(&mut window, "the pause", |session| session.run.current().expect("a run").model().progress.paused);
    for page in PAGES {
        handle(&mut window, Command::Show(page));
        look(&mut window, &format!("paused-{}", page.title().to_lowercase()));
    }
}
