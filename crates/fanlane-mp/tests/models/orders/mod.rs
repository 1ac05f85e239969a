//! The models: what processes do with each structure, and what must hold in every order.

pub mod cursor;
pub mod event_count;
pub mod journaled;
pub mod mailbox;
pub mod processes;
pub mod queue;
pub mod slot;
pub mod sync;
