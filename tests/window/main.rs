//! The window driven through its accessibility tree: no display.
//!
//! The harness also fails on a glyph that no font has and on a widget without a name.
#![cfg(feature = "gui")]

#[path = "../support/canned/mod.rs"]
mod canned;
#[path = "../support/picture_renderer/mod.rs"]
mod picture_renderer;
#[path = "../support/simulated_engine.rs"]
mod simulated_engine;

mod background;
mod closing;
mod driver;
mod form;
mod hostile;
mod job;
mod job_file;
mod live;
mod live_output;
mod notices;
mod page;
mod queue;
mod race;
mod reach;
mod results;
mod runs;
mod search;
mod shared;
mod start;
mod states;
mod walk;
