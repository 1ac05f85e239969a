//! The library's own sources of what stands in shared memory, over a floor of models in place of the system: memory,
//! sleeping and waking, the mutex, the clock, sockets, and who lives.

#![allow(dead_code, unused_imports, missing_docs, reason = "the sources have more than the models need")]

pub mod clock;
pub mod connection;
pub mod eager;
pub mod futex;
pub mod life;
pub mod memory;
pub mod robust;
pub mod socket;
pub mod spin;

#[path = "../../../src/mp/append.rs"]
mod append;
#[path = "../../../src/mp/bell.rs"]
pub mod bell;
#[path = "../../../src/mp/error.rs"]
pub mod error;
#[path = "../../../src/mp/frame.rs"]
pub mod frame;
#[path = "../../../src/mp/guarded.rs"]
pub mod guarded;
#[path = "../../../src/mp/hatch.rs"]
pub mod hatch;
#[path = "../../../src/mp/intake.rs"]
pub mod intake;
#[path = "../../../src/mp/pool/page.rs"]
pub mod page;
#[path = "../../../src/mp/passing.rs"]
pub mod passing;
#[path = "../../../src/mp/queue/mod.rs"]
pub mod queue;
#[path = "../../../src/mp/shared/slot.rs"]
pub mod slot;
#[path = "../../../src/mp/sync/mod.rs"]
pub mod sync;
#[path = "../../../src/mp/pool/wire.rs"]
pub mod wire;
