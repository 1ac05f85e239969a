//! (being written)

pub mod display;
pub mod picture;
pub mod window_title;
