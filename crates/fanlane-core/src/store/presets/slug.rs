//! The file name of a preset, made from its name: readable, without slashes, and short enough for any file system.

use std::fmt;

/// Maximum length of a slug, in bytes: file names may have 255, and the extension and a number need some.
const MAX_BYTES: usize = 200;

/// A preset's file name without its ending: letters and digits of the preset's name in lower case, and single dashes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slug(String);

impl Slug {
    /// The slug of a name. `preset` if the name has neither letters nor digits.
    pub fn of(name: &str) -> Self {
        let mut slug = String::new();
        for c in name.chars().flat_map(char::to_lowercase) {
            if slug.len() + c.len_utf8() > MAX_BYTES {
                break;
            }
            if c.is_alphanumeric() {
                slug.push(c);
            } else if !slug.is_empty() && !slug.ends_with('-') {
                slug.push('-');
            }
        }
        let slug = slug.trim_end_matches('-');
        Self(if slug.is_empty() { "preset".to_owned() } else { slug.to_owned() })
    }

    /// The slug of another preset whose name has the same letters.
    pub(super) fn numbered(&self, number: u32) -> Self {
        Self(format!("{}-{number}", self.0))
    }

    /// The slug of an existing file, whatever its name.
    pub(super) fn of_file_stem(stem: &str) -> Self {
        Self(stem.to_owned())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn file_name(&self) -> String {
        format!("{}.ron", self.0)
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_stay_in_the_folder() {
        let table = [
            ("First look", "first-look"),
            ("  A -- B!  ", "a-b"),
            ("Größe 3×4", "größe-3-4"),
            ("../../etc/passwd", "etc-passwd"),
            ("..", "preset"),
            ("", "preset"),
            ("/", "preset"),
            (".hidden", "hidden"),
            ("a\0b\nc", "a-b-c"),
            ("-x", "x"),
        ];
        for (name, slug) in table {
            assert_eq!(Slug::of(name).as_str(), slug, "{name:?}");
            assert_eq!(Slug::of(slug).as_str(), slug, "a slug is its own slug");
        }
        for long in ["x".repeat(5000), "é".repeat(5000), "İ-".repeat(5000)] {
            assert!(Slug::of(&long).file_name().len() <= 255 - ".ron-999".len());
        }
    }
}
