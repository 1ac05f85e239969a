//! Opens the window.

use std::path::PathBuf;

use anyhow::Context as _;

use crate::session::{EditorPrograms, Machine, SessionOptions, remembered_size};
use fanlane_core::engine::own_engine;
use fanlane_core::host::DetachedRuns;
use fanlane_core::store::engine_profiles::EngineProfiles;
use fanlane_core::store::history;
use fanlane_core::store::presets::Presets;
use fanlane_core::store::race::Races;
use fanlane_os::child::OWN_EXECUTABLE;

use super::FanlaneApp;
use super::desktop_look;
use super::display;
use super::pace::Pace;
use super::theme;

/// Width and height of the first window, in points.
const USUAL_SIZE: [f32; 2] = [1280.0, 800.0];

/// The application's name for the desktop: that of its application file and of its icon.
const APPLICATION_ID: &str = "org.fanlane.Fanlane";

/// Opens the window, with a job file or the folder of a detached run if one is given, and returns when it is closed and its runs have ended.
///
/// # Errors
/// When no window can be opened; the message says what is missing and what to do.
pub fn run_window(job: Option<PathBuf>, watched: Option<PathBuf>) -> anyhow::Result<()> {
    display::probe()?;
    let session = session_options(job, watched);
    let size = session.settings.as_deref().and_then(remembered_size).unwrap_or(USUAL_SIZE);
    let native = eframe::NativeOptions {
        viewport: egui::ViewportBuilder::default()
            .with_title("Fanlane")
            .with_app_id(APPLICATION_ID)
            .with_icon(icon())
            .with_inner_size(size)
            .with_min_inner_size(theme::MIN_WINDOW / 2.0)
            .with_drag_and_drop(true),
        renderer: eframe::Renderer::Glow,
        // No shade here is soft enough to show bands, and without a graphics processor dithering doubles the cost of a pixel.
        dithering: false,
        ..Default::default()
    };
    let create: eframe::AppCreator<'_> = Box::new(|creation| {
        // Measured before other threads start.
        let pace = Pace::measured();
        desktop_look::follow(&creation.egui_ctx);
        Ok(Box::new(FanlaneApp::paced(&creation.egui_ctx, session, pace).on_desktop(&creation.egui_ctx)))
    });
    eframe::run_native("fanlane", native, create)
        .map_err(|error| anyhow::anyhow!("{error}"))
        .context("no window could be opened; run the job without one: fanlane run JOB.ron")
}

/// The icon of the window, for desktops that do not take it from the application file.
fn icon() -> egui::IconData {
    let picture = include_bytes!("../../assets/desktop/icons/256.png");
    eframe::icon_data::from_png_bytes(picture).expect("the picture is part of the program and a test reads it")
}

/// The folder of the history; `None` if recording is switched off or there is no home folder.
fn history_folder() -> Option<PathBuf> {
    if history::is_switched_off() { None } else { history::default_folder().ok() }
}

fn session_options(job: Option<PathBuf>, watched: Option<PathBuf>) -> SessionOptions {
    let folder = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    SessionOptions {
        job,
        watched,
        folder,
        // Without a home folder, saving fails with a message and everything else works.
        presets: Presets::open_default().ok(),
        races: Races::open_default().ok(),
        history: history_folder(),
        detached: Some(DetachedRuns::new(OWN_EXECUTABLE.into())),
        engines: EngineProfiles::open_default().ok(),
        sweeps: true,
        settings: Presets::open_default().ok().map(|presets| presets.folder().with_file_name("window.json")),
        editor_programs: EditorPrograms::of_user(),
        engine: own_engine(),
        machine: Machine::this(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_icon_can_be_read() {
        let icon = super::icon();
        assert_eq!((icon.width, icon.height), (256, 256));
    }
}
