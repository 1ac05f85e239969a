//! The window: the only importer of egui.

pub mod theme;
pub mod views;
pub mod widgets;
