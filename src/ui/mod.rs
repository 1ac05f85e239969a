//! (being written)

pub mod display;
pub mod picture;
