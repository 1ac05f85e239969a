//! Opening the window, and what it is opened with.

use std::path::PathBuf;

use anyhow::Context as _;

use crate::session::{Machine, Session, SessionOptions, engine};

use super::FanlaneApp;
use super::display;
use super::theme;

/// What the window is opened with.
#[derive(Clone, Debug)]
pub struct WindowOptions {
    /// The job file to open at the start.
    pub job: Option<PathBuf>,
    /// The executable that is started in the worker role.
    pub worker_executable: PathBuf,
    /// Where saved presets lie; `None`: where this system keeps a program's settings.
    pub presets_folder: Option<PathBuf>,
}
