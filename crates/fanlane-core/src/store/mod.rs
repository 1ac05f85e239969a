//! What outlives a run: presets, the queue of jobs, logs, results and records of runs, races, the history, and the atomic
//! writing of files.

pub mod atomic_write;
pub mod engine_profiles;
pub mod export;
pub mod history;
pub mod joblog;
pub mod junit;
pub mod output_target;
pub mod presets;
pub mod queue;
pub mod race;
pub mod record;
pub mod remaining;
pub mod results_folder;
pub mod results_table;
pub mod whole_output;
