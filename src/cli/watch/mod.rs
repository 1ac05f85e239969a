//! The view of a run in the terminal: its lanes, its counts, its cores, and keys that control it. What the page Live of the
//! window answers is answered here without a display, as over ssh.
//!
//! [`State`](state::State) says what a key does and [`frame`] what is drawn; both are pure. [`View`] has the terminal, and its
//! loop waits for events and keys at once.

mod cells;
mod facts;
mod failures;
mod follow;
mod frame;
mod header;
mod help;
mod input;
mod keys;
mod lanes;
mod output;
mod palette;
mod screen;
mod state;
mod strips;

#[cfg(test)]
mod tests;

pub use follow::{Controls, EventSink, Leave, View, check, stop_alone};
pub use state::Situation;
