//! The permissions that new files of this process do not have.

use std::fs;

/// The mask of a process that does not say its own.
const USUAL: u32 = 0o022;

/// The mask of this process, which asking for it otherwise would change.
pub fn new_file_mask() -> u32 {
    mask_in(&fs::read_to_string("/proc/self/status").unwrap_or_default())
}

fn mask_in(status: &str) -> u32 {
    let mask = status.lines().find_map(|line| line.strip_prefix("Umask:"));
    mask.and_then(|mask| u32::from_str_radix(mask.trim(), 8).ok()).unwrap_or(USUAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_is_read_in_eights() {
        assert_eq!(mask_in("Name:\tx\nUmask:\t0027\n"), 0o27);
        assert_eq!(mask_in("Name:\tx\n"), USUAL);
    }
}
