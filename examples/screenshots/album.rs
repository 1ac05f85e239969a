//! A window without a display that is driven by accessible names and keys, and draws what it shows into a folder.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use eframe::egui;
use egui::accesskit::Role;
use egui::{Key, Modifiers, Theme, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable};
use fanlane::session::{Command, HistoryCommand, Machine, PresetCommand, Session, SessionOptions};
use fanlane::ui::FanlaneApp;
use fanlane_core::engine::LocalEngine;
use fanlane_core::event::{Outcome, OutcomeClass};
use fanlane_core::model::RunModel;
use fanlane_core::model::race::RaceModel;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};

use crate::picture_renderer::PictureRenderer;

/// The size of a small window, in points.
pub const SMALL: [f32; 2] = [1024.0, 640.0];
/// The sizes in points, with what the file's name says of each.
const SIZES: [([f32; 2], &str); 3] = [([1920.0, 1080.0], ""), (SMALL, "-1024"), ([2560.0, 1440.0], "-2560")];
/// The pictures that are also drawn in the last of the sizes: one of each page.
const LARGE: [&str; 6] = ["job", "live", "results", "shared", "race", "runs"];
const THEMES: [(Theme, &str); 2] = [(Theme::Dark, "dark"), (Theme::Light, "light")];
/// How long a run may take until something is seen.
pub const DEADLINE: Duration = Duration::from_secs(180);

/// A window without a display, and the folder of its pictures.
pub struct Album {
    /// The window.
    pub window: Harness<'static, FanlaneApp>,
    /// Where the pictures are written.
    pub folder: PathBuf,
    /// Runs are recorded in it.
    #[expect(dead_code, reason = "it is removed with the album")]
    history: tempfile::TempDir,
}

impl Album {
    pub fn begin(folder: PathBuf, program: PathBuf) -> Result<Self> {
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
    pub fn run_frames(&mut self) {
        self.window.run_steps(8);
    }

    pub fn press(&mut self, modifiers: Modifiers, key: Key) {
        self.window.key_press_modifiers(modifiers, key);
        self.run_frames();
    }

    /// Opens a built-in example, wherever the window offers it.
    pub fn open(&mut self, name: &str) -> Result<()> {
        let session = self.window.state_mut().session_mut();
        let example = session.presets.built_in().iter().find(|preset| preset.name == name);
        let id = example.with_context(|| format!("there is no example {name:?}"))?.id.clone();
        session.handle(PresetCommand::Open(id));
        self.run_frames();
        Ok(())
    }

    pub fn click(&mut self, name: &str) -> Result<()> {
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
    pub fn unfold(&mut self, name: &str) -> Result<()> {
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
    pub fn select_unsuccessful(&mut self) {
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
    pub fn show_runs(&mut self) -> Result<()> {
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
    pub fn wait_until(&mut self, what: &str, reached: impl Fn(&RunModel) -> bool) -> Result<()> {
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
    pub fn race(&mut self, change: impl FnOnce(&mut Session)) -> Result<()> {
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
    pub fn wait_until_race(&mut self, what: &str, reached: impl Fn(&RaceModel) -> bool) -> Result<()> {
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
    pub fn take(&mut self, page: &str) -> Result<()> {
        self.take_scrolled(page, None)
    }

    /// The same with what begins with these words in sight.
    pub fn take_with(&mut self, page: &str, words: &str) -> Result<()> {
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
