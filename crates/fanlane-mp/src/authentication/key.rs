//! The key that both sides of a connection share; Python's `authkey`. It is never printed, and is read only from a file
//! that other users cannot read.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::rand::{GetRandomFlags, getrandom};

/// Minimum length of a key, in bytes: a peer with one recorded proof can try guesses without asking again.
pub const MIN_KEY_BYTES: usize = 16;

/// Maximum number of bytes that are read from a key file.
const MAX_KEY_FILE_BYTES: u64 = 4096;

/// A secret that both sides know.
///
/// ```
/// use fanlane_mp::manager::{Key, KeyError, MIN_KEY_BYTES};
///
/// assert_eq!(Key::random()?.reveal().len(), 64);
/// assert!(Key::from_text(&"x".repeat(MIN_KEY_BYTES)).is_ok());
/// assert!(matches!(Key::from_text("secret"), Err(KeyError::TooShort(6))));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Key(String);

/// A key that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// It has less than [`MIN_KEY_BYTES`] bytes.
    #[error("the key has {0} bytes; it needs at least {MIN_KEY_BYTES}, better 32 random ones")]
    TooShort(usize),
    /// The key's file cannot be read.
    #[error("the key file {path} cannot be read: {source}")]
    Unreadable {
        /// The file.
        path: String,
        /// The error of the system.
        #[source]
        source: io::Error,
    },
    /// Other users can read the key's file.
    #[error("the key file {0} can be read by other users; run: chmod 600 {0}")]
    Exposed(String),
}

impl Key {
    /// A new key: 32 random bytes as 64 hexadecimal digits.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn random() -> io::Result<Self> {
        let bytes: [u8; 32] = random_bytes()?;
        Ok(Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// A key given as text, without line ends behind it.
    ///
    /// # Errors
    /// [`KeyError::TooShort`].
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        let text = text.trim_end_matches(['\n', '\r']);
        if text.len() < MIN_KEY_BYTES {
            return Err(KeyError::TooShort(text.len()));
        }
        Ok(Self(text.to_owned()))
    }

    /// Reads a key from a file that only its owner can read.
    ///
    /// # Errors
    /// When the file cannot be read, other users can read it, or it holds no key.
    pub fn from_file(path: &Path) -> Result<Self, KeyError> {
        let unreadable = |source| KeyError::Unreadable { path: path.display().to_string(), source };
        let file = File::open(path).map_err(unreadable)?;
        if file.metadata().map_err(unreadable)?.mode() & 0o077 != 0 {
            return Err(KeyError::Exposed(path.display().to_string()));
        }
        let mut text = String::new();
        file.take(MAX_KEY_FILE_BYTES).read_to_string(&mut text).map_err(unreadable)?;
        Self::from_text(&text)
    }

    /// The key to prove on plain connections, so that listeners and managers are not taken for each other.
    pub(crate) fn for_connections(&self) -> Self {
        Self(format!("{} for plain connections", self.0))
    }

    /// The secret itself, for the environment of a process that uses it. Do not print it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// Random bytes from the system.
pub(super) fn random_bytes<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    let mut filled = 0;
    while filled < N {
        match getrandom(&mut bytes[filled..], GetRandomFlags::empty()) {
            Ok(count) => filled += count,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(bytes)
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn keys_are_random_long_enough_and_never_shown() {
        let (one, two) = (Key::random().unwrap(), Key::random().unwrap());
        assert_ne!(one, two);
        assert_eq!(one.reveal().len(), 64);
        assert_eq!(format!("{one:?}"), "Key(…)");
        assert_eq!(Key::from_text(&format!("{}\n", one.reveal())).unwrap(), one);
        assert!(matches!(Key::from_text("0123456789abcde\n"), Err(KeyError::TooShort(15))));
    }

    #[test]
    fn a_key_file_is_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, "0123456789abcdef\n").unwrap();
        let allow = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        allow(0o600);
        assert_eq!(Key::from_file(&path).unwrap().reveal(), "0123456789abcdef");
        allow(0o640);
        let error = Key::from_file(&path).unwrap_err();
        assert!(matches!(error, KeyError::Exposed(_)) && error.to_string().contains("chmod 600"), "{error}");
        assert!(matches!(Key::from_file(&folder.path().join("none")), Err(KeyError::Unreadable { .. })));
    }
}
