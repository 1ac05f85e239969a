//! Races: who takes the turns, what is read of the machine meanwhile, and what recorded tasks would do elsewhere.
//!
//! What a race says is folded in [`crate::model::race`]; nothing is drawn or printed here.

mod machine_facts;
mod memory;
mod plan;
mod runner;

pub use plan::{RacePlan, RacePlanError};
pub use runner::{Race, RaceEngine};
