//! How a process finds its manager: in its environment, never on a command line, which every user of the machine can
//! read.

use std::path::Path;

use super::failure::ConnectError;
use crate::authentication::{Address, AddressError, Key, KeyError};

/// The variable with the manager's address.
pub const MANAGER_VARIABLE: &str = "FANLANE_MANAGER";
/// The variable with the manager's key.
pub const KEY_VARIABLE: &str = "FANLANE_MANAGER_KEY";
/// The variable with the path of a file that holds the key.
pub const KEY_FILE_VARIABLE: &str = "FANLANE_MANAGER_KEY_FILE";

/// Why the environment leads to no manager.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnvironmentError {
    /// It names no manager.
    #[error(
        "no manager is named: {MANAGER_VARIABLE} is not set. Tasks of a job with shared objects have it; \
         `fanlane manager serve -- COMMAND` gives it to any command"
    )]
    NoManager,
    /// It names a manager, but no key.
    #[error("{MANAGER_VARIABLE} is set, but neither {KEY_VARIABLE} nor {KEY_FILE_VARIABLE} is")]
    NoKey,
    /// The address cannot be read.
    #[error("{MANAGER_VARIABLE}: {0}")]
    Address(#[from] AddressError),
    /// The key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The manager cannot be connected to.
    #[error(transparent)]
    Connect(#[from] ConnectError),
}

/// The address and the key that the variables name.
///
/// # Errors
/// When one of them is missing or cannot be used.
pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<(Address, Key), EnvironmentError> {
    let given = |name| variable(name).filter(|value: &String| !value.is_empty());
    let address = given(MANAGER_VARIABLE).ok_or(EnvironmentError::NoManager)?.parse()?;
    let key = match (given(KEY_VARIABLE), given(KEY_FILE_VARIABLE)) {
        (Some(text), _) => Key::from_text(&text)?,
        (None, Some(path)) => Key::from_file(Path::new(&path))?,
        (None, None) => return Err(EnvironmentError::NoKey),
    };
    Ok((address, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(pairs: &[(&str, &str)]) -> Result<(Address, Key), EnvironmentError> {
        read(|name| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let key = (KEY_VARIABLE, "0123456789abcdef");
        let (address, found) = with(&[(MANAGER_VARIABLE, "tcp:host:1"), key]).unwrap();
        assert_eq!((address.to_string().as_str(), found.reveal()), ("tcp:host:1", key.1));
        assert!(matches!(with(&[key]), Err(EnvironmentError::NoManager)));
        assert!(matches!(with(&[(MANAGER_VARIABLE, ""), key]), Err(EnvironmentError::NoManager)));
        assert!(matches!(with(&[(MANAGER_VARIABLE, "/a")]), Err(EnvironmentError::NoKey)));
        let fault = with(&[(MANAGER_VARIABLE, "x"), key]).unwrap_err().to_string();
        assert!(fault.starts_with("FANLANE_MANAGER: 'x' is no address"), "{fault}");
        assert!(matches!(with(&[(MANAGER_VARIABLE, "/a"), (KEY_VARIABLE, "short")]), Err(EnvironmentError::Key(_))));
        assert!(matches!(
            with(&[(MANAGER_VARIABLE, "/a"), (KEY_FILE_VARIABLE, "/none")]),
            Err(EnvironmentError::Key(_))
        ));
    }
}
