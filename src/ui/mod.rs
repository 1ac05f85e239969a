//! The window: the only importer of egui. It draws a session and turns clicks and keys into its commands.
//!
//! No state of a run lives here, only what is a matter of looks: a scroll position, a dialog, a column's width.

pub mod app;
mod dialogs;
pub mod display;
mod file_dialog;
mod icon_button;
pub use crate::model::sanitize;
mod line_edit;
mod live_page;
mod notices;
mod options;
mod pace;
mod request;
mod shortcuts;
mod sidebar;
mod tabs;
pub mod theme;
mod top_bar;
pub mod views;
pub mod widgets;
pub mod window_title;

pub use app::FanlaneApp;
pub use options::{WindowOptions, run_window};
