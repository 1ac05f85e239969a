//! Draws every page of the window from real runs into `screenshots/`, in both themes and at two or three sizes:
//! `cargo run --release --example screenshots [FOLDER [PART]]`. Needs no display. PART is `runs`, `shared`, `race`, or
//! `moving` for the moving picture `live.gif`.
//!
//! It drives the window by accessible names and keys. Numbers in the pictures are those of this machine.

#[path = "screenshots/moving_picture.rs"]
mod moving_picture;
#[path = "../tests/support/picture_renderer/mod.rs"]
mod picture_renderer;

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use eframe::egui;
use eframe::egui::accesskit::Role;
use egui::{Key, Modifiers, Theme, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable};
use fanlane::cli::{self, Request};
use fanlane::session::race::RaceDraft;
use fanlane::session::{
    Command, HistoryCommand, JobDraft, Machine, PresetCommand, RaceCommand, Session, SessionOptions,
};
use fanlane::ui::FanlaneApp;
use fanlane_core::engine::{LocalEngine, worker_role};
use fanlane_core::event::{Outcome, OutcomeClass};
use fanlane_core::job::Job;
use fanlane_core::model::RunModel;
use fanlane_core::model::race::RaceModel;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use picture_renderer::PictureRenderer;

/// The sizes in points, with what the file's name says of each.
const SIZES: [([f32; 2], &str); 3] = [([1920.0, 1080.0], ""), ([1024.0, 640.0], "-1024"), ([2560.0, 1440.0], "-2560")];
/// The pictures that are also drawn in the last of the sizes: one of each page.
const LARGE: [&str; 6] = ["job", "live", "results", "shared", "race", "runs"];
const THEMES: [(Theme, &str); 2] = [(Theme::Dark, "dark"), (Theme::Light, "light")];
/// How long a run may take until something is seen.
const DEADLINE: Duration = Duration::from_secs(180);

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
    album.window.set_size(vec2(SIZES[1].0[0], SIZES[1].0[1]));
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

/// A window without a display, and the folder of its pictures.
struct Album {
    window: Harness<'static, FanlaneApp>,
    folder: PathBuf,
    /// Runs are recorded in it.
    #[expect(dead_code, reason = "it is removed with the album")]
    history: tempfile::TempDir,
}

impl Album {
    fn begin(folder: PathBuf, program: PathBuf) -> Result<Self> {
        let mut options = SessionOptions::in_memory(Arc::new(LocalEngine::new(program)));
        // It stands in the pictures, and nothing is written there: a folder that every machine has.
        options.folder = PathBuf::from("/tmp");
        options.machine = Machine::this();
        let history = tempfile::tempdir().context("there is no room for a history")?;
        options.history = Some(history.path().to_owned());
        let window = Harness::builder()
            .with_size(SIZES[0].0)
            .with_step_dt(0.05)
            .renderer(PictureRenderer::default())
            .build_eframe(|creation| FanlaneApp::new(&creation.egui_ctx, options));
        Ok(Self { window, folder, history })
    }

    /// Draws until what was asked for is in place and nothing slides or fades any more.
    fn run_frames(&mut self) {
        self.window.run_steps(8);
    }

    fn press(&mut self, modifiers: Modifiers, key: Key) {
        self.window.key_press_modifiers(modifiers, key);
        self.run_frames();
    }

    /// Opens a built-in example, wherever the window offers it.
    fn open(&mut self, name: &str) -> Result<()> {
        let session = self.window.state_mut().session_mut();
        let example = session.presets.built_in().iter().find(|preset| preset.name == name);
        let id = example.with_context(|| format!("there is no example {name:?}"))?.id.clone();
        session.handle(PresetCommand::Open(id));
        self.run_frames();
        Ok(())
    }

    fn click(&mut self, name: &str) -> Result<()> {
        for clicks in [false, true] {
            let part = self.window.query_by_label(name).with_context(|| format!("the window has no {name:?}"))?;
            if clicks {
                part.click();
            } else {
                part.scroll_to_me();
            }
            self.run_frames();
        }
        self.window.remove_cursor();
        Ok(())
    }

    /// Opens a folded part of the page Job.
    fn unfold(&mut self, name: &str) -> Result<()> {
        for clicks in [false, true] {
            // A preset may have the same name; and words on what the part holds stand behind its own.
            let mut parts = self.window.query_all_by_role(Role::DisclosureTriangle);
            let part = parts.find(|part| part.accesskit_node().label().is_some_and(|label| label.starts_with(name)));
            let part = part.with_context(|| format!("the window has no {name:?}"))?;
            if clicks {
                part.click();
            } else {
                part.scroll_to_me();
            }
            drop(parts);
            self.window.run_steps(20);
        }
        self.window.remove_cursor();
        Ok(())
    }

    /// Shows the details of a task that failed, or else of the first that did not succeed.
    fn select_unsuccessful(&mut self) {
        let session = self.window.state_mut().session_mut();
        let task = session.run.current().and_then(|run| {
            let model = run.model();
            let records = (0..model.records.len()).filter_map(|index| model.records.get(index));
            let records = records.filter(|record| record.outcome != Outcome::Done);
            records.map(|record| (record.outcome.class() != OutcomeClass::Failed, record.task)).min()
        });
        session.handle(Command::SelectTask(task.map(|(_, task)| task)));
        self.run_frames();
    }

    /// Shows the page Runs with the details of the run that had failures.
    fn show_runs(&mut self) -> Result<()> {
        self.press(Modifiers::COMMAND, Key::Num6);
        let start = Instant::now();
        while self.window.state().session().history.all().iter().filter(|run| run.summary.is_some()).count() < 3 {
            ensure!(start.elapsed() < DEADLINE, "the history does not list the runs");
            self.window.step();
        }
        let session = self.window.state_mut().session_mut();
        let failed = session.history.all().iter().find(|run| run.name.starts_with("Flaky")).map(|run| run.id);
        session.handle(HistoryCommand::Select(failed));
        self.run_frames();
        Ok(())
    }

    /// Waits until `reached` says yes to the run that is shown.
    fn wait_until(&mut self, what: &str, reached: impl Fn(&RunModel) -> bool) -> Result<()> {
        let start = Instant::now();
        loop {
            self.window.step();
            let session = self.window.state().session();
            let notices = session.notices.all();
            ensure!(notices.is_empty(), "the window says: {notices:?}");
            if session.run.current().is_some_and(|run| reached(&run.model())) {
                return Ok(());
            }
            if start.elapsed() > DEADLINE {
                bail!("waited {DEADLINE:?} until {what}");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Changes the session once its job is read.
    fn race(&mut self, change: impl FnOnce(&mut Session)) -> Result<()> {
        change(self.window.state_mut().session_mut());
        let start = Instant::now();
        while self.window.state().session().race_obstacle().is_some()
            || self.window.state().session().editor.preview().is_under_way()
        {
            ensure!(start.elapsed() < DEADLINE, "{:?}", self.window.state().session().race_obstacle());
            self.window.step();
        }
        Ok(())
    }

    /// Waits until `reached` says yes to the race that is shown. Draws seldom: what is drawn takes CPU from the race.
    fn wait_until_race(&mut self, what: &str, reached: impl Fn(&RaceModel) -> bool) -> Result<()> {
        let start = Instant::now();
        self.window.step();
        loop {
            let session = self.window.state().session();
            let notices = session.notices.all();
            ensure!(notices.is_empty(), "the window says: {notices:?}");
            if session.race.shown().is_some_and(|race| reached(&race.model())) {
                self.run_frames();
                return Ok(());
            }
            if start.elapsed() > DEADLINE {
                bail!("waited {DEADLINE:?} until {what}");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Draws what is shown in both themes and at all sizes.
    fn take(&mut self, page: &str) -> Result<()> {
        self.take_scrolled(page, None)
    }

    /// The same with what begins with these words in sight.
    fn take_with(&mut self, page: &str, words: &str) -> Result<()> {
        self.take_scrolled(page, Some(words))
    }

    fn take_scrolled(&mut self, page: &str, words: Option<&str>) -> Result<()> {
        let sizes = if LARGE.contains(&page) { &SIZES[..] } else { &SIZES[..2] };
        for (size, size_name) in sizes {
            for (theme, theme_name) in THEMES {
                self.window.ctx.set_theme(theme);
                self.window.set_size(vec2(size[0], size[1]));
                self.run_frames();
                if let Some(words) = words {
                    let part = self.window.query_by_label_contains(words);
                    part.with_context(|| format!("the window has no {words:?}"))?.scroll_to_me();
                    self.window.run_steps(20);
                }
                let picture = self.window.render().map_err(anyhow::Error::msg)?;
                let file = self.folder.join(format!("{page}-{theme_name}{size_name}.png"));
                save(&image::DynamicImage::from(picture).into_rgb8(), &file)
                    .with_context(|| format!("{} cannot be written", file.display()))?;
            }
        }
        Ok(())
    }
}

fn save(picture: &image::RgbImage, file: &Path) -> Result<()> {
    let out = BufWriter::new(File::create(file)?);
    let encoder = PngEncoder::new_with_quality(out, CompressionType::Best, FilterType::NoFilter);
    Ok(picture.write_with_encoder(encoder)?)
}
