//! The state of a run, folded from its events alone: pure, without clock, process or window.

pub mod autopsy;
pub mod continuation;
pub mod cores;
pub mod date;
pub mod depth;
pub mod failures;
pub mod format;
pub mod lanes;
pub mod live_output;
pub mod progress;
pub mod race;
pub mod records;
pub mod result_transfers;
pub mod run;
pub mod sanitize;
pub mod search;
pub mod statistics;
pub mod transports;

pub use autopsy::Autopsy;
pub use continuation::Continuation;
pub use cores::CoreHistory;
pub use depth::DepthHistory;
pub use failures::Failures;
pub use lanes::{LaneHistory, TaskProgress};
pub use live_output::{LatestLine, LiveLine, LiveText};
pub use progress::{Earlier, Progress};
pub use records::Records;
pub use result_transfers::ResultTransfers;
pub use run::{RunModel, RunningTask};
pub use transports::Transports;
