//! `fanlane presets`: the examples that come with the program and the jobs that were saved.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::Status;
use super::args::{PresetsAction, PresetsArgs};
use super::plan::Plan;
use super::report::printable;
use crate::store::presets::{self, SavedJob};

/// Does what `fanlane presets` was asked to do.
///
/// # Errors
/// When the folder of saved jobs cannot be read, or there is no preset of that name.
pub fn presets(args: &PresetsArgs) -> Result<Status> {
    match &args.action {
        None | Some(PresetsAction::List) => {
            let saved = saved()?;
            super::print(|| write_list(&saved, &mut io::stdout().lock()))
        }
        Some(PresetsAction::Show { name }) => {
            let text = text(name)?;
            super::print(|| io::stdout().lock().write_all(text.as_bytes()))
        }
        Some(PresetsAction::Path) => {
            let folder = presets::folder().context("there is no home folder that presets could be saved in; set HOME")?;
            super::print(|| writeln!(io::stdout(), "{}", folder.display()))
        }
    }
}

/// The job that the program opens on at its first start.
///
/// # Errors
/// None, as long as there is an example.
pub fn first_example() -> Result<Plan> {
    let example = presets::examples().into_iter().next().context("there is no example")?;
    Ok(Plan { job: example.job, folder: PathBuf::from(".") })
}

fn saved() -> Result<Vec<SavedJob>> {
    match presets::folder() {
        Some(folder) => presets::saved(&folder).with_context(|| format!("{} cannot be read", folder.display())),
        None => Ok(Vec::new()),
    }
}

fn write_list(saved: &[SavedJob], out: &mut dyn Write) -> io::Result<()> {
    let examples = presets::examples();
    let names = examples.iter().map(|example| &example.job.name).chain(saved.iter().map(|(name, _)| name));
    let width = names.map(|name| name.chars().count()).max().unwrap_or(0);
    for example in &examples {
        writeln!(out, "{:width$}  {}", example.job.name, example.job.description)?;
    }
    for (name, job) in saved {
        let about = match job {
            Ok(job) => printable(&job.description, usize::MAX),
            Err(error) => format!("(cannot be read: {})", printable(&error.to_string(), usize::MAX)),
        };
        writeln!(out, "{:width$}  {about}", printable(name, usize::MAX))?;
    }
    out.flush()
}

fn text(name: &str) -> Result<String> {
    let is_meant = |known: &str| known.to_lowercase() == name.to_lowercase();
    if let Some((name, job)) = saved()?.into_iter().find(|(known, _)| is_meant(known)) {
        let job = job.with_context(|| format!("the preset '{name}' cannot be read"))?;
        return Ok(job.to_ron()?);
    }
    match presets::examples().into_iter().find(|example| is_meant(&example.job.name)) {
        Some(example) => Ok(example.text.to_owned()),
        None => bail!("there is no preset '{name}'; 'fanlane presets list' shows all names"),
    }
}
