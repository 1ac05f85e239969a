//! What outlives the program: presets.

pub mod presets;
