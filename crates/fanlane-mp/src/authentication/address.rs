//! Addresses of managers and listeners: a Unix socket on this machine, or a TCP port on any.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Where a manager or listener is reached.
///
/// ```
/// use fanlane_mp::manager::{Address, AddressError};
///
/// let address: Address = "tcp:localhost:4000".parse()?;
/// assert_eq!((&address, address.to_string()), (&Address::Tcp("localhost:4000".into()), "tcp:localhost:4000".to_owned()));
/// let error: AddressError = "localhost".parse::<Address>().expect_err("it has no port");
/// assert!(error.to_string().contains("HOST:PORT"));
/// # Ok::<(), AddressError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A Unix socket, by its path; only this user on this machine can connect.
    Unix(PathBuf),
    /// A TCP port, as `HOST:PORT`. Connections are authenticated at their start, but not encrypted.
    Tcp(String),
}

/// A text that is no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no address; write unix:/path/of/socket or tcp:HOST:PORT")]
pub struct AddressError(String);

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let bad = || AddressError(text.to_owned());
        if let Some(path) = text.strip_prefix("unix:").or_else(|| text.starts_with('/').then_some(text)) {
            return if path.is_empty() { Err(bad()) } else { Ok(Self::Unix(path.into())) };
        }
        let place = text.strip_prefix("tcp:").unwrap_or(text);
        let (host, port) = place.rsplit_once(':').ok_or_else(bad)?;
        let port_is_one = !port.is_empty() && port.parse::<u16>().is_ok();
        if host.is_empty() || !port_is_one { Err(bad()) } else { Ok(Self::Tcp(place.to_owned())) }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp(place) => write!(f, "tcp:{place}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_they_are_written() {
        for text in ["unix:/run/m.sock", "tcp:localhost:4000", "tcp:[::1]:1", "tcp:10.0.0.1:65535"] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
        assert_eq!("/a".parse(), Ok(Address::Unix("/a".into())));
        assert_eq!("host:1".parse(), Ok(Address::Tcp("host:1".into())));
        for bad in ["", "unix:", "tcp:", "host", "host:", ":1", "host:65536", "host:-1"] {
            assert!(bad.parse::<Address>().unwrap_err().to_string().contains("unix:/path"), "{bad}");
        }
    }
}
