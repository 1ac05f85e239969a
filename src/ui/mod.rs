//! (being written)

pub mod theme;
