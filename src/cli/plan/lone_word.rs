//! A single word in place of a command: what it probably is, where it can be no command.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use fanlane_os::search_path::{find_program, is_program};

use crate::cli::preset_name::is_preset;

/// Why a word cannot be the command that is run for each input, and what to write; `None` if it may be one.
pub fn problem(word: &OsStr) -> Option<String> {
    let path = Path::new(word);
    let name = path.display();
    if word.as_bytes().iter().any(u8::is_ascii_whitespace) {
        return None;
    }
    if let Ok(found) = fs::metadata(path) {
        let kind = found.file_type();
        if kind.is_dir() {
            return Some(format!(
                "{name} is a folder and no command; did you mean its files? fanlane run COMMAND ::: {}/*",
                name.to_string().trim_end_matches('/')
            ));
        }
        if kind.is_block_device() || kind.is_char_device() {
            return Some(format!("{name} is a device and no command"));
        }
        if !is_program(path) && !is_on_path(word) {
            return Some(format!(
                "{name} is a file and no command; did you mean its lines? fanlane run COMMAND :::: {name}; the name of a job \
                 file ends in .ron"
            ));
        }
        return None;
    }
    preset_problem(word)
}

/// The same, where the word can only be meant as the name of a preset.
pub fn preset_problem(word: &OsStr) -> Option<String> {
    let name = word.to_str().filter(|name| !is_on_path(word) && is_preset(name))?;
    Some(format!("{name} is the name of a preset and no command; did you mean fanlane run --preset {name}?"))
}

/// Whether a shell would find a program of that name.
fn is_on_path(name: &OsStr) -> bool {
    !name.as_bytes().contains(&b'/') && find_program(name).is_some()
}
