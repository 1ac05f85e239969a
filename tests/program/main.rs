//! The built program from outside: its words, what it prints and keeps, its exit status, its processes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

mod background;
mod batches;
mod control;
mod documents;
mod ends;
mod exit_status;
mod first_moments;
mod foreign_paths;
mod growing;
mod history;
mod host;
mod inert;
mod job_control;
mod live_output;
mod locate;
mod lone_words;
mod manager;
mod parallel_oracle;
mod parameters;
mod parent_killed;
mod processes;
mod pty;
mod python;
mod python_output;
mod python_package;
mod python_pool;
mod python_race;
mod python_values;
mod queue;
mod race;
mod results;
mod resume;
mod run;
mod scripts;
mod sem;
mod shell;
mod slurm;
mod start;
mod surroundings;
mod tables;
mod terminal;
mod usage;
