//! The name that was probably meant, among those that there are.

/// The name nearest to what was written, if one is near: a letter in three may differ, and case does not count.
pub fn nearest<'a>(found: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = found.to_lowercase();
    let apart = |name: &str| strsim::osa_distance(&lower, &name.to_lowercase());
    let near = names.into_iter().map(|name| (apart(name), name));
    let near = near.filter(|(distance, name)| *distance <= name.chars().count().div_ceil(3));
    near.min_by_key(|(distance, _)| *distance).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_the_name_that_was_meant() {
        let names = ["name", "course", "size", "URL"];
        for (found, meant) in [
            ("nmae", Some("name")),
            ("corse", Some("course")),
            ("courses", Some("course")),
            ("Size", Some("size")),
            ("url", Some("URL")),
            ("photo", None),
            ("", None),
        ] {
            assert_eq!(nearest(found, names), meant, "{found}");
        }
    }
}
