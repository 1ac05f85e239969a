//! Requirements on a value, whatever it is read from.

use super::InputError;
use super::encoding::Encoding;
use super::read::MAX_ROW_BYTES;

/// Maximum size of an argument of a command, in bytes: Linux refuses a longer one, with the byte that ends it.
pub const MAX_ARGUMENT_BYTES: usize = (128 << 10) - 1;

/// Requirements on the values of a job.
#[derive(Clone, Copy, Debug)]
pub struct ValueRules {
    /// Maximum size of a value, in bytes.
    pub max_bytes: usize,
    /// Values must be UTF-8.
    pub(super) is_text: bool,
    /// Those of JSON keep their types, and may be null, arrays and objects.
    pub(super) is_typed: bool,
}

impl ValueRules {
    /// For values that become parts of a command line.
    pub const ARGUMENTS: Self = Self { max_bytes: MAX_ARGUMENT_BYTES, is_text: false, is_typed: false };
    /// For values that are given to tasks in another way.
    pub const TEXTS: Self = Self { max_bytes: MAX_ROW_BYTES, is_text: false, is_typed: false };
    /// For values that become objects of a language.
    pub const OBJECTS: Self = Self { is_typed: true, ..Self::TEXTS };

    /// These rules for the values of a table. Names of files may be any bytes, but a table of a foreign encoding would be
    /// passed on garbled.
    pub(super) fn of_table(self, encoding: Encoding) -> Self {
        Self { is_text: encoding != Encoding::Bytes, ..self }
    }

    /// Refuses a value that no task can be given.
    pub(super) fn check(self, value: &[u8], origin: &str, place: impl Fn() -> String) -> Result<(), InputError> {
        if value.contains(&0) {
            return Err(InputError::Nul { origin: origin.to_owned(), place: place() });
        }
        if value.len() > self.max_bytes {
            return Err(InputError::TooLong { origin: origin.to_owned(), place: place(), max_bytes: self.max_bytes });
        }
        if self.is_text && str::from_utf8(value).is_err() {
            return Err(InputError::NotUnicode { origin: origin.to_owned(), place: place() });
        }
        Ok(())
    }
}
