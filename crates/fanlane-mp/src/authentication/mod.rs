//! Where a peer is found and how both sides of a new connection prove that they have the same key, before anything that
//! the other side sends is decoded. Managers and listeners are built on it; it knows neither.

mod address;
pub mod handshake;
mod key;
mod listening_socket;
mod stream;

pub use address::{Address, AddressError};
pub use key::{Key, KeyError, MIN_KEY_BYTES};
pub(crate) use listening_socket::{BindError, ListeningSocket};
pub(crate) use stream::{AuthenticatedStream, AuthenticationError};
