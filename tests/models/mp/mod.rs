//! The library's own sources of the structures in shared memory, over models of the system: memory, the futex, the mutex,
//! the clock, sockets, and which processes live.

#![allow(dead_code, unused_imports, missing_docs, reason = "the sources have more than the models need")]

pub mod backoff;
pub mod clock;
pub mod connection;
pub mod futex;
pub mod memory;
pub mod process_id;
pub mod robust;
pub mod socket;
pub mod spin_wait;

#[path = "../../../src/mp/append.rs"]
mod append;
#[path = "../../../src/mp/pool/cursor.rs"]
pub mod cursor;
#[path = "../../../src/mp/error.rs"]
pub mod error;
#[path = "../../../src/mp/event_count.rs"]
pub mod event_count;
#[path = "../../../src/mp/fd_passing.rs"]
pub mod fd_passing;
#[path = "../../../src/mp/frame.rs"]
pub mod frame;
#[path = "../../../src/mp/journaled.rs"]
pub mod journaled;
#[path = "../../../src/mp/mailbox.rs"]
pub mod mailbox;
#[path = "../../../src/mp/message_reader.rs"]
pub mod message_reader;
#[path = "../../../src/mp/queue/mod.rs"]
pub mod queue;
#[path = "../../../src/mp/shared/slot.rs"]
pub mod slot;
#[path = "../../../src/mp/sync/mod.rs"]
pub mod sync;
#[path = "../../../src/mp/pool/wire.rs"]
pub mod wire;
