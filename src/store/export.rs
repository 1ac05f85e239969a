//! What a run's record is written as for other programs: rows of a CSV file in [`rows`], a trace in [`trace`]. JSON
//! lines are those of the command line's report.

pub mod rows;
pub mod trace;
