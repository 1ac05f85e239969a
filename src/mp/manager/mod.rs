//! Managers: a server that holds objects, and clients in other processes or on other machines that use them through
//! proxies. The vocabulary is that of Python's `multiprocessing.managers`.
//!
//! A server is a thread of its process ([`Server::start`]); a process that does nothing else is a manager's own. Clients
//! prove with a shared [`Key`] that they may come in, and the server proves the same to them, before anything is decoded.
//! What travels is plain: [`DynamicValue`], to and from which serde turns any type of Rust. It is not encrypted.
//!
//! ```
//! use fanlane::mp::manager::{Address, Key, Server, ServerOptions};
//!
//! let folder = tempfile::tempdir()?;
//! // A folder that is not there is made, for this user alone.
//! let address = Address::Unix(folder.path().join("own/manager"));
//! let server = Server::start(ServerOptions::new(vec![address], Key::random()?))?;
//! // A program elsewhere connects with `Client::connect`, or with `Client::from_environment`.
//! let client = server.client()?;
//! let seen = client.set::<String>("seen")?;
//! assert!(seen.add(&"a".to_owned())?);
//! assert!(!seen.add(&"a".to_owned())?);
//! assert_eq!(client.value("count", &0)?.add(&2)?, 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod address;
mod client;
mod dynamic_value;
mod environment;
mod failure;
mod folder;
// For the fuzz targets, as `wire` is.
mod custom_types;
#[doc(hidden)]
pub mod handshake;
mod key;
pub mod proxy;
mod registry;
mod server;
#[doc(hidden)]
pub mod wire;

pub use address::{Address, AddressError};
pub(in crate::mp) use client::AuthenticatedStream;
pub use client::{Client, ClientOptions};
pub use custom_types::CustomType;
pub use dynamic_value::{DynamicValue, DynamicValueError, Literal, MAX_DEPTH, Reference, from_value, to_value};
pub use environment::{EnvironmentError, KEY_FILE_VARIABLE, KEY_VARIABLE, MANAGER_VARIABLE};
pub use failure::{Failure, FailureKind, ManagerError};
pub use folder::Folder;
pub use key::{Key, KeyError, MIN_KEY_BYTES};
pub use registry::{KINDS, ObjectInfo, check_object};
pub(in crate::mp) use server::ListeningSocket;
pub use server::{MAX_BYTES, ServeError, Server, ServerOptions};
