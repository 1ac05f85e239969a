//! Draws every page of the window from real runs into `screenshots/`, in both themes and at two or three sizes:
//! `cargo run --release --example screenshots [FOLDER [PART]]`. Needs no display. PART is `runs`, `shared`, `race`, or
//! `moving` for the moving picture `live.gif`.
//!
//! It drives the window by accessible names and keys. Numbers in the pictures are those of this machine.

#[path = "screenshots/album.rs"]
mod album;
#[path = "screenshots/moving_picture.rs"]
mod moving_picture;
#[path = "../tests/support/picture_renderer/mod.rs"]
mod picture_renderer;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use album::{Album, DEADLINE, SMALL};
use anyhow::{Context, Result, ensure};
use eframe::egui;
use egui::{Key, Modifiers, Theme, vec2};
use fanlane::cli::{self, Request};
use fanlane::session::race::RaceDraft;
use fanlane::session::{Command, JobDraft, RaceCommand};
use fanlane_core::engine::worker_role;
use fanlane_core::job::Job;
use fanlane_core::model::RunModel;

#[expect(unsafe_code, reason = "the environment of a process can be changed before it has a second thread")]
fn main() -> Result<ExitCode> {
    let program = std::env::current_exe().context("this program does not know its own file")?;
    // SAFETY: this is the first that `main` does, on the only thread there is.
    unsafe { std::env::set_var("FANLANE", &program) };
    // The engine starts this very executable again as its workers.
    fanlane_mp::init([worker_role()]);
    // And its tasks start it to use what they share.
    let words: Vec<_> = std::env::args_os().collect();
    if cli::progress::is_report(&words) {
        return Ok(cli::progress::report(&words).into());
    }
    if words.get(1).is_some_and(|word| word == "manager")
        && let Request::Headless(command) = cli::understand(words.clone())
    {
        return Ok(cli::perform(command).into());
    }
    let folder = words.get(1).map_or_else(|| PathBuf::from("screenshots"), PathBuf::from);
    std::fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let mut album = Album::begin(folder, program)?;
    let only = words.get(2);
    for (part, take) in [
        ("runs", take_runs as fn(&mut Album) -> Result<()>),
        ("shared", take_shared),
        ("race", take_races),
        ("moving", take_moving),
    ] {
        if only.is_none_or(|only| only == part) {
            take(&mut album)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The pages of a job and of its runs.
fn take_runs(album: &mut Album) -> Result<()> {
    album.run_frames();
    album.take("job")?;

    album.click("Examples…")?;
    album.take("examples")?;
    album.press(Modifiers::NONE, Key::Escape);
    album.open("Checksums")?;
    album.take("form")?;

    album.open("First look")?;
    album.press(Modifiers::COMMAND, Key::Enter);
    album.press(Modifiers::COMMAND, Key::Num2);
    album.wait_until("a third of the tasks has ended", |run| {
        run.header.is_some() && run.progress.counts.total() * 3 >= run.progress.tasks
    })?;
    album.take("live")?;
    album.wait_until("the run has ended", RunModel::is_finished)?;

    album.open("Flaky commands")?;
    album.press(Modifiers::COMMAND, Key::Enter);
    album
        .wait_until("it has begun", |run| run.header.as_ref().is_some_and(|header| header.name.starts_with("Flaky")))?;
    album.wait_until("the run has ended", RunModel::is_finished)?;
    album.press(Modifiers::COMMAND, Key::Num3);
    album.select_unsuccessful();
    album.take("results")?;

    album.open("Mandelbrot")?;
    album.press(Modifiers::COMMAND, Key::Enter);
    album.wait_until("it has begun", |run| {
        run.header.as_ref().is_some_and(|header| !header.name.starts_with("Flaky"))
    })?;
    album.window.state_mut().session_mut().handle(Command::Stop);
    album.wait_until("the run has ended", RunModel::is_finished)?;
    album.show_runs()?;
    album.take("runs")
}

/// The page Shared, and lanes with progress, from a job whose tasks share something.
fn take_shared(album: &mut Album) -> Result<()> {
    album.open("Shared objects")?;
    album.press(Modifiers::COMMAND, Key::Num1);
    album.unfold("Shared objects")?;
    album.take_with("job-shared", "Kinds: ")?;
    album.press(Modifiers::COMMAND, Key::Enter);
    album.press(Modifiers::COMMAND, Key::Num4);
    album.wait_until("half of its tasks have ended", |run| {
        run.header.as_ref().is_some_and(|header| header.name == "Shared objects")
            && run.progress.counts.total() * 2 >= run.progress.tasks
            && !run.shared.is_empty()
    })?;
    album.take("shared")?;
    album.press(Modifiers::COMMAND, Key::Num2);
    album.take("live-progress")?;
    album.wait_until("the run has ended", RunModel::is_finished)?;
    album.press(Modifiers::COMMAND, Key::Num4);
    album.take("shared-ended")
}

/// The page Race, from a race of a job with tasks of different lengths, and from one of the six workloads of PEP 371.
fn take_races(album: &mut Album) -> Result<()> {
    let job = Job::parse(RACED).context("the job of the race is well formed")?;
    album.race(|session| {
        session.edit(|draft| *draft = JobDraft::from_job(&job));
        session.handle(RaceCommand::Edit(RaceDraft {
            sizes: "1, 2, 4, 8".to_owned(),
            time_limit: "20".to_owned(),
            chunks: true,
            ..session.race.draft().clone()
        }));
    })?;
    album.press(Modifiers::COMMAND, Key::Num5);
    album.click("Race")?;
    album.wait_until_race("a second round goes on", |race| {
        race.current.as_ref().is_some_and(|current| current.turn.block == 1 && current.curve.len() > 12)
    })?;
    album.take("race-live")?;
    album.wait_until_race("the race is over", |race| race.end.is_some())?;
    for (view, picture) in [
        ("View Times", "race"),
        ("View Scaling", "race-scaling"),
        ("View Losses", "race-losses"),
        ("View Lanes", "race-lanes"),
        ("View What if", "race-what-if"),
        ("View Chunk size", "race-chunk-size"),
    ] {
        album.click(view)?;
        album.take(picture)?;
    }
    album.click("View PEP 371")?;
    album.click("Race the six workloads")?;
    album.wait_until_race("the workloads have been raced", |race| race.header.is_some() && race.end.is_some())?;
    album.take("race-pep-371")
}

/// The page Live from the start of a run to its end, as a moving picture.
fn take_moving(album: &mut Album) -> Result<()> {
    /// In bytes: a page that shows it has to load it.
    const MAX_SIZE: usize = 1_500_000;
    const FRAME: Duration = Duration::from_millis(200);
    let job = Job::parse(moving_picture::JOB).context("the job of the moving picture is well formed")?;
    album.window.ctx.set_theme(Theme::Dark);
    album.window.set_size(vec2(SMALL[0], SMALL[1]));
    album.race(|session| session.edit(|draft| *draft = JobDraft::from_job(&job)))?;
    album.press(Modifiers::COMMAND, Key::Enter);
    album.press(Modifiers::COMMAND, Key::Num2);
    album.wait_until("it has begun", |run| run.header.as_ref().is_some_and(|header| header.name == job.name))?;
    let start = Instant::now();
    let mut frames = Vec::new();
    loop {
        let has_ended = album.window.state().session().run.current().is_some_and(|run| run.model().is_finished());
        album.window.run_steps(2);
        frames.push(album.window.render().map_err(anyhow::Error::msg)?);
        if has_ended {
            break;
        }
        ensure!(start.elapsed() < DEADLINE, "the run of the moving picture does not end");
        // Drawing takes a part of the time between two frames.
        std::thread::sleep((FRAME * frames.len() as u32).saturating_sub(start.elapsed()));
    }
    let bytes = moving_picture::encode_within(MAX_SIZE, &frames, FRAME)?;
    let file = album.folder.join("live.gif");
    std::fs::write(&file, bytes).with_context(|| format!("{} cannot be written", file.display()))
}

/// Tasks that wait, as for a network: short enough for many rounds, and of such lengths that their order matters.
const RACED: &str = r#"Job(
    version: 1,
    name: "Waiting",
    task: Workload(name: "sleep"),
    inputs: [
        List([
            "0.01", "0.03", "0.015", "0.045", "0.02", "0.01", "0.06", "0.025", "0.03", "0.012", "0.05", "0.02",
            "0.01", "0.03", "0.015", "0.045", "0.02", "0.01", "0.06", "0.025", "0.03", "0.012", "0.05", "0.02",
            "0.01", "0.03", "0.015", "0.045", "0.02", "0.01", "0.06", "0.025", "0.03", "0.012", "0.05", "0.08",
        ]),
    ],
)"#;
