//! A first word that is neither a command nor a job file: what was probably meant.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use anyhow::{Error, anyhow};
use clap::Command;

use fanlane_core::job::suggestion;

/// What is wrong with the first word, if it is no option, no command and no job file that a window could open.
pub fn problem(words: &[OsString], commands: &Command) -> Option<Error> {
    let (first, behind) = words.get(1..)?.split_first()?;
    let is_option = |word: &OsStr| word.as_encoded_bytes().starts_with(b"-");
    let known = |name: &OsStr| name == "help" || commands.find_subcommand(name).is_some();
    if is_option(first) || known(first) {
        return None;
    }
    let name = first.display();
    if Path::new(first).exists() {
        let second = behind.first().filter(|word| !is_option(word))?.display();
        return Some(anyhow!(
            "{name} alone opens the window on that job, so '{second}' has no meaning behind it; to run it in the terminal: \
             fanlane run {name}"
        ));
    }
    let names: Vec<&str> = commands.get_subcommands().map(Command::get_name).collect();
    let meant = match suggestion::nearest(&first.to_string_lossy(), names.iter().copied()) {
        Some(command) => format!("did you mean fanlane {command}? "),
        None => match nearest_job_file(Path::new(first)) {
            Some(file) => format!("did you mean {file}? "),
            None if behind.is_empty() => String::new(),
            None => format!("did you mean fanlane run {name} ...? "),
        },
    };
    let names = names.join(", ");
    Some(anyhow!("'{name}' is neither an existing job file nor a command; {meant}the commands are {names}"))
}

/// A job file beside the one that is not there, whose name is near: also without its ending.
fn nearest_job_file(path: &Path) -> Option<String> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let wanted = path.file_name()?.to_string_lossy().into_owned();
    let entries = std::fs::read_dir(folder.unwrap_or(Path::new("."))).ok()?;
    let names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".ron"))
        .collect();
    let whole = suggestion::nearest(&wanted, names.iter().map(String::as_str));
    let near = whole.or_else(|| {
        let stems = names.iter().filter_map(|name| name.strip_suffix(".ron"));
        let stem = suggestion::nearest(&wanted, stems)?;
        names.iter().map(String::as_str).find(|name| name.strip_suffix(".ron") == Some(stem))
    })?;
    Some(folder.map_or_else(|| near.to_owned(), |folder| folder.join(near).display().to_string()))
}
