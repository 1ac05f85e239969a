//! What outlives a run: presets, and files that are replaced as a whole.

pub mod presets;
pub mod replace;
