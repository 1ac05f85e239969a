//! The pages of the window.

pub mod live;
