//! Which names objects may have.

use super::kinds;
use crate::manager::dynamic_value::DynamicValue;
use crate::manager::failure::Failure;

/// Checks that a manager could make this object of a built-in kind, without making it.
///
/// ```
/// use fanlane_mp::manager::{FailureKind, check_object};
///
/// assert!(check_object("seats", "Semaphore", vec![3_u64.into()]).is_ok());
/// assert_eq!(check_object("seats", "Sofa", vec![]).unwrap_err().kind, FailureKind::NoSuchKind);
/// assert_eq!(check_object("a=b", "list", vec![]).unwrap_err().kind, FailureKind::WrongArguments);
/// ```
///
/// # Errors
/// The failure that a manager would answer.
pub fn check_object(name: &str, kind: &str, arguments: Vec<DynamicValue>) -> Result<(), Failure> {
    check_name(name)?;
    kinds::make(kind, arguments, std::iter::empty()).map(drop)
}

/// A name is text that a shell, a file and a page can show.
pub(super) fn check_name(name: &str) -> Result<(), Failure> {
    const MAX_CHARS: usize = 128;
    let is_odd = |character: char| character.is_control() || character == '=';
    if name.trim() != name || name.is_empty() || name.chars().count() > MAX_CHARS || name.chars().any(is_odd) {
        let message = format!(
            "'{}' cannot be a name; write 1 to {MAX_CHARS} printable characters without =",
            name.escape_debug()
        );
        return Err(Failure::arguments(message));
    }
    Ok(())
}
