//! `--profile NAME`, `-J NAME`: options that stand in a file, as GNU parallel has them. They count before those of the command
//! line, and words that are no options begin its command.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use fanlane_core::job::import::shell_words;

/// The words of a profile: those of each line, as a shell splits it; a line that begins with `#` is a comment.
///
/// # Errors
/// When there is no such profile, or it cannot be read.
pub fn read(name: &str) -> Result<Vec<OsString>> {
    let path = find(name)?;
    let text = fs::read_to_string(&path).with_context(|| format!("the profile {} cannot be read", path.display()))?;
    let mut words = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with('#')) {
        let read = shell_words(line).with_context(|| format!("{}, line {}", path.display(), number + 1))?;
        words.extend(read.into_iter().map(|word| OsString::from(word.text)));
    }
    Ok(words)
}

fn find(name: &str) -> Result<PathBuf> {
    if name.starts_with('/') || name.starts_with("./") {
        return Ok(name.into());
    }
    let folders = folders();
    match folders.iter().map(|folder| folder.join(name)).find(|path| path.is_file()) {
        Some(path) => Ok(path),
        None => {
            let looked: Vec<String> = folders.iter().map(|folder| folder.display().to_string()).collect();
            bail!(
                "there is no profile {name} in {}; write ./{name} for a file of this folder, or make a preset of the job",
                looked.join(", ")
            )
        }
    }
}

/// Where profiles are looked for: the folders of GNU parallel.
fn folders() -> Vec<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = variable("HOME");
    let config = variable("XDG_CONFIG_HOME").or_else(|| home.as_deref().map(|home| home.join(".config")));
    let others = variable("XDG_CONFIG_DIRS").unwrap_or_default();
    let mut folders: Vec<PathBuf> = variable("PARALLEL_HOME").into_iter().collect();
    folders.extend(config.map(|folder| folder.join("parallel")));
    folders
        .extend(std::env::split_paths(&others).filter(|path| path != Path::new("")).map(|path| path.join("parallel")));
    folders.extend(home.map(|home| home.join(".parallel")));
    folders
}
