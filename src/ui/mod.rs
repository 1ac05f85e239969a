//! (being written)

pub mod picture;
