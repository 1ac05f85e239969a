//! Managers: a server that holds objects, and clients in other processes or on other machines that use them through
//! proxies. The vocabulary is that of Python's `multiprocessing.managers`.
//!
//! A server is a thread of its process ([`Server::start`]). Client and server prove to each other that they have the same
//! [`Key`] before anything is decoded. Plain values travel, [`DynamicValue`], which serde turns into any Rust type and back.
//! They are not encrypted.
//!
//! ```
//! use fanlane_mp::manager::{Server, ServerOptions};
//!
//! let server = Server::start(ServerOptions::local()?)?;
//! // Another program connects with `Client::connect`, given the address and the key, or with `Client::from_environment`.
//! let client = server.client()?;
//! let seen = client.set::<String>("seen")?;
//! assert!(seen.add(&"a".to_owned())?);
//! assert!(!seen.add(&"a".to_owned())?);
//! assert_eq!(client.value("count", &0)?.add(&2)?, 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod client;
mod custom_types;
mod dynamic_value;
mod environment;
mod failure;
mod folder;
pub mod proxy;
mod registry;
mod server;
// For the fuzz targets.
#[doc(hidden)]
pub mod wire;

// Also for the fuzz targets.
#[doc(hidden)]
pub use crate::authentication::handshake;
pub use crate::authentication::{Address, AddressError, Key, KeyError, MIN_KEY_BYTES};
pub use client::{Client, ClientOptions};
pub use custom_types::CustomType;
pub use dynamic_value::{DynamicValue, DynamicValueError, Literal, MAX_DEPTH, Reference, from_value, to_value};
pub use environment::{EnvironmentError, KEY_FILE_VARIABLE, KEY_VARIABLE, MANAGER_VARIABLE};
pub use failure::{ConnectError, Failure, FailureKind, ManagerError};
pub use folder::Folder;
pub use registry::{KINDS, ObjectInfo, check_object};
pub use server::{MAX_BYTES, ServeError, Server, ServerOptions};
