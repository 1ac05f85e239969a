//! Fanlane runs a batch of tasks on a pool of worker processes and shows every lane while it runs.
//!
//! The crates of the workspace, of which each imports only those above it:
//!
//! | crate | contents |
//! | --- | --- |
//! | `fanlane-os` | the system: processes, descriptors, sockets, clocks, shared memory |
//! | `fanlane-mp` | [`mp`], Python's `multiprocessing` for Rust programs: processes, pools, queues, pipes, locks, managers |
//! | `fanlane-core` | [`engine`], which runs a [`job`] with retries and timeouts and reports [`event`]s; what is folded from these in [`model`], kept in [`store`], and detached in [`host`] |
//! | `fanlane` | the program: the session of the window without pixels, the command line, the window |
//!
//! A program that uses one of the libraries depends on `fanlane-mp` or `fanlane-core` alone.
//!
//! ```
//! use fanlane::mp::{self, Pool, function};
//!
//! fn cube(x: i64) -> i64 {
//!     x * x * x
//! }
//!
//! fn main() -> Result<(), mp::Error> {
//!     // First in `main`: in a worker process, which is this program again, it does not return.
//!     mp::init([function!(cube)]);
//!     let pool = Pool::new(6)?;
//!     assert_eq!(pool.map(cube, 1..=6)?, [1, 8, 27, 64, 125, 216]);
//!     Ok(())
//! }
//! ```

pub use fanlane_core::{engine, event, host, job, model, store};
pub use fanlane_mp as mp;

#[doc(hidden)]
pub mod cli;
#[doc(hidden)]
pub mod session;
#[cfg(feature = "gui")]
#[doc(hidden)]
pub mod ui;
