//! Formats for other programs: a run's record as rows of a CSV file in [`rows`] and as a trace in [`trace`], a race in
//! [`race`]. JSON lines of a run are written by the command line's report.

pub mod race;
pub mod rows;
pub mod trace;
