//! Races: the turns of the contenders, the facts about the machine, and replays of recorded tasks.
//!
//! The events of a race are folded in [`fanlane_core::model::race`]; nothing is drawn or printed here.

mod current;
mod draft;
mod estimate;
mod forecast;
mod machine_facts;
mod memory;
mod plan;
mod runner;
mod session;
mod subject;
mod time_left;
mod what_if;

pub use current::CurrentRace;
pub use draft::RaceDraft;
pub use estimate::{Estimate, Work};
pub use forecast::Forecast;
pub use plan::{RacePlan, RacePlanError};
pub use runner::{Race, RaceEngine};
pub use session::RaceState;
pub use subject::{RaceOffer, RaceSubject};
pub use time_left::TimeLeft;
pub use what_if::{NoWhatIf, Question, WhatIf, WhatIfOrder};
