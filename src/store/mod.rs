//! What outlives a run: presets, logs, results and records of runs, races, and files that are replaced as a whole.

pub mod export;
pub mod joblog;
pub mod presets;
pub mod race;
pub mod record;
pub mod replace;
pub mod results_folder;
pub mod results_table;
