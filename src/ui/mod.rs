//! The window: the only importer of egui.

pub mod display;
pub mod picture;
pub mod theme;
pub mod views;
pub mod widgets;
pub mod window_title;
