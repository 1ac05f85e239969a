//! The pages.

pub mod job;
pub mod live;
pub mod race;
pub mod results;
