//! Fanlane runs a batch of tasks on a pool of worker processes and shows every lane while it runs.
//!
//! It is a program (the window, `fanlane run` and their kin) and this library, in which two parts are of use by
//! themselves:
//!
//! - [`mp`]: Python's `multiprocessing` for Rust programs. Functions run in processes of their own, alone or in a
//!   [`Pool`](mp::Pool); processes send each other values through a [`Queue`](mp::Queue) or a [`pipe`](mp::pipe()), share
//!   memory, and use objects that a [`manager`](mp::manager) holds.
//! - [`engine`]: what runs a [`job`], with retries, timeouts and all that is shown of it as [`event`]s.
//!
//! ```
//! use fanlane::mp::{self, Pool, function};
//!
//! fn cube(x: i64) -> i64 {
//!     x * x * x
//! }
//!
//! fn main() -> Result<(), mp::Error> {
//!     // First of all: in a worker process, which is this program once more, it does not return.
//!     mp::init([function!(cube)]);
//!     let pool = Pool::new(6)?;
//!     assert_eq!(pool.map(cube, 1..=6)?, [1, 8, 27, 64, 125, 216]);
//!     Ok(())
//! }
//! ```
//!
//! The modules, in the order in which they are best read from below, are floors: `mp`, `job` and `event` stand at the
//! bottom, then `engine` and `model`, `store`, `host`, `session`, and at the top `cli` and `ui`. A module imports from lower
//! floors alone.

pub use fanlane_core::{engine, event, host, job, model, store};
pub use fanlane_mp as mp;

pub mod cli;
pub mod session;
#[cfg(feature = "gui")]
pub mod ui;
