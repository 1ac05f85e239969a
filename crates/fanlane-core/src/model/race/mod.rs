//! A race: the same batch run in several ways, in turns, and their comparison. Folded from [`RaceEvent`]s alone; pure,
//! without clock or process.
//!
//! Running the turns and measuring the machine is left to the session, drawing to the window.

pub mod chunks;
mod contender;
mod header;
mod lane_time;
pub mod laws;
mod measure;
mod outcome;
pub mod pep371;
mod schedule;
mod standing;
mod trace;
mod verdict;
mod waterfall;

pub use contender::Contender;
pub use header::{Case, Evidence, RaceHeader, Rules, Until};
pub use lane_time::LaneTime;
pub use measure::{CpuTicks, CurvePoint, RunMeasure, Usage};
pub use outcome::{CurrentTurn, RaceEvent, RaceModel};
pub use schedule::{RaceEnd, Schedule, Turn};
pub use standing::{Standing, knee_of, knee_within};
pub use trace::{LaneLife, MAX_TRACED_TASKS, Span, Trace};
pub use verdict::{Verdict, secs_words};
pub use waterfall::{Waterfall, WaterfallPart};

#[cfg(test)]
mod tests;
