//! The window: the only importer of egui. It draws a session and turns clicks and keys into its commands.
//!
//! No state of a run lives here, only what is a matter of looks: a scroll position, a dialog, a column's width.

mod action;
pub mod app;
mod dialogs;
pub mod display;
mod file_dialog;
mod icon_button;
pub use fanlane_core::model::sanitize;
mod line_edit;
mod notices;
mod options;
mod pace;
mod pages;
mod request;
mod shortcuts;
mod sidebar;
pub mod theme;
mod top_bar;
pub mod views;
pub mod widgets;
pub mod window_title;

pub use app::FanlaneApp;
pub use options::{WindowOptions, run_window};
pub use pages::PageView;
pub use request::Requests;
