//! The key that a manager and its clients share; Python's `authkey`. It is never shown, and is read from a file only if
//! nobody else can read that file.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::handshake::random_bytes;

/// The fewest bytes that a key has: whoever is let in at the other end may try guesses at home.
pub const MIN_KEY_BYTES: usize = 16;

/// The most bytes of a key file that are read.
const MAX_KEY_BYTES: u64 = 4096;

/// A secret that both sides know.
///
/// ```
/// use fanlane::mp::manager::{Key, KeyError, MIN_KEY_BYTES};
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
pub enum KeyError {
    /// Too short to keep anybody out.
    #[error("the key has {0} bytes; it needs {MIN_KEY_BYTES} at the least, better 32 random ones")]
    TooShort(usize),
    /// The key's file cannot be read.
    #[error("the key file {path} cannot be read: {source}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Others may read the key's file.
    #[error("the key file {0} can be read by others; run: chmod 600 {0}")]
    Exposed(String),
}

impl Key {
    /// A key that nobody has had before: 32 random bytes as 64 hexadecimal digits.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn random() -> io::Result<Self> {
        let bytes: [u8; 32] = random_bytes()?;
        Ok(Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// The key that a text is. Line ends at its end do not count.
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

    /// Reads the key from a file that only its owner can read.
    ///
    /// # Errors
    /// When it cannot be read, may be read by others, or holds no key.
    pub fn from_file(path: &Path) -> Result<Self, KeyError> {
        let unreadable = |source| KeyError::Unreadable { path: path.display().to_string(), source };
        let file = File::open(path).map_err(unreadable)?;
        if file.metadata().map_err(unreadable)?.mode() & 0o077 != 0 {
            return Err(KeyError::Exposed(path.display().to_string()));
        }
        let mut text = String::new();
        file.take(MAX_KEY_BYTES).read_to_string(&mut text).map_err(unreadable)?;
        Self::from_text(&text)
    }

    /// What proves this key where plain connections are made, so that those and managers are not taken for each other.
    pub(in crate::mp) fn for_connections(&self) -> Self {
        Self(format!("{} for plain connections", self.0))
    }

    /// The secret itself, for the environment of a process that shall have it. Do not print it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
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
