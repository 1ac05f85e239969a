//! The window, the only part that imports egui: draws a session and turns clicks and keys into its commands.
//!
//! No state of a run is kept here, only that of the view: a scroll position, an open dialog.

mod accessibility;
mod action;
pub mod app;
mod areas;
mod arrows_in_text;
mod command_palette;
mod cut_label;
mod desktop;
mod desktop_look;
mod dialogs;
pub mod display;
mod file_dialog;
mod focus_in_sight;
mod icon_button;
mod job_action;
mod job_bar;
pub use fanlane_core::model::sanitize;
mod line_edit;
mod look;
mod notices;
mod options;
mod pace;
mod pages;
mod part;
mod prediction;
mod request;
mod run_bar;
mod shortcuts;
mod sidebar;
pub mod theme;
mod top_bar;
mod unshown;
pub mod views;
pub mod widgets;
pub mod window_title;

pub use app::FanlaneApp;
pub use options::run_window;
pub use pages::{PageTab, PageView};
pub use request::Requests;
