//! The five forms of a value that replacement strings ask for: whole, without extension, base name, folder, stem.
//!
//! They are GNU parallel's, with one difference: it ends its search for slashes at line ends, so that the base name of a
//! path with a newline in a folder's name may hold slashes. Here a base name never does.

/// Which part of a value is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `{}`: the value.
    Whole,
    /// `{.}`: without the last extension of its last part.
    WithoutExtension,
    /// `{/}`: what follows the last slash.
    BaseName,
    /// `{//}`: the folder; `.` if there is no slash.
    Folder,
    /// `{/.}`: the base name without its last extension.
    Stem,
}

impl Form {
    /// Splits `text` into what stands in front of the form's sign, and the form.
    pub(super) fn split(text: &str) -> (&str, Self) {
        let signs = [("/.", Self::Stem), ("//", Self::Folder), (".", Self::WithoutExtension), ("/", Self::BaseName)];
        for (sign, form) in signs {
            if let Some(front) = text.strip_suffix(sign) {
                return (front, form);
            }
        }
        (text, Self::Whole)
    }

    /// The part of `value` that this form asks for.
    pub(super) fn of(self, value: &[u8]) -> &[u8] {
        match self {
            Self::Whole => value,
            Self::WithoutExtension => without_extension(value),
            Self::BaseName => base_name(value),
            Self::Folder => folder(value),
            Self::Stem => without_extension(base_name(value)),
        }
    }
}

fn without_extension(value: &[u8]) -> &[u8] {
    match value.iter().rposition(|byte| matches!(byte, b'.' | b'/')) {
        Some(at) if value[at] == b'.' => &value[..at],
        _ => value,
    }
}

fn base_name(value: &[u8]) -> &[u8] {
    match value.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => &value[slash + 1..],
        None => value,
    }
}

fn folder(value: &[u8]) -> &[u8] {
    let trimmed = without_trailing_slashes(value);
    match trimmed.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => without_trailing_slashes(&trimmed[..=slash]),
        None => b".",
    }
}

/// The root keeps its slash.
fn without_trailing_slashes(value: &[u8]) -> &[u8] {
    match value.iter().rposition(|byte| *byte != b'/') {
        Some(last) => &value[..=last],
        None => &value[..value.len().min(1)],
    }
}
