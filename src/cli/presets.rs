//! `fanlane presets`: the examples that come with the program and the jobs that were saved.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand as ClapSubcommand};

use super::exit_status::Status;
use super::plan::Plan;
use super::report::printable;
use super::subcommand::Subcommand;
use super::terminal::print;
use fanlane_core::job::Job;
use fanlane_core::store::presets::{Presets, SavedPreset};

/// The arguments of `fanlane presets`.
#[derive(Debug, Args)]
pub struct PresetsArgs {
    /// Without it the presets are listed.
    #[command(subcommand)]
    action: Option<PresetsAction>,
}

#[derive(Debug, ClapSubcommand)]
enum PresetsAction {
    /// List the presets: names and descriptions
    List,
    /// Print a preset as a job file
    Show {
        /// Its name as in the list, in upper or lower case
        name: String,
    },
    /// Print the folder of your own presets
    Path,
}

impl Subcommand for PresetsArgs {
    fn perform(self) -> Result<Status> {
        match self.action {
            None | Some(PresetsAction::List) => {
                let saved = saved()?;
                print(|| write_list(&saved, &mut io::stdout().lock()))
            }
            Some(PresetsAction::Show { name }) => {
                let text = find(&name)?.to_ron()?;
                print(|| io::stdout().lock().write_all(text.as_bytes()))
            }
            Some(PresetsAction::Path) => {
                let presets = Presets::open_default()?;
                print(|| writeln!(io::stdout(), "{}", presets.folder().display()))
            }
        }
    }
}

/// The job that the program opens on at its first start.
///
/// # Errors
/// None, as long as there is an example.
pub fn first_example() -> Result<Plan> {
    let first = Presets::builtin().into_iter().next().context("the program comes with no example")?;
    Ok(Plan { job: first.job, folder: PathBuf::from(".") })
}

fn saved() -> Result<Vec<SavedPreset>> {
    // Without a home folder there are no saved presets.
    Presets::open_default().map_or_else(|_| Ok(Vec::new()), |presets| Ok(presets.list()?))
}

fn write_list(saved: &[SavedPreset], out: &mut dyn Write) -> io::Result<()> {
    let one_line = |text: &str| printable(text, usize::MAX);
    let built_in = Presets::builtin().into_iter().map(|preset| {
        let name = preset.job.display_name().into();
        (name, preset.job.description)
    });
    let saved = saved.iter().map(|preset| {
        let about = match &preset.job {
            Ok(job) => one_line(&job.description),
            Err(error) => format!("(cannot be read: {})", one_line(&error.to_string())),
        };
        (one_line(preset.title()), about)
    });
    let lines: Vec<(String, String)> = built_in.chain(saved).collect();
    let width = lines.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    for (name, about) in lines {
        writeln!(out, "{}", format!("{name:width$}  {about}").trim_end())?;
    }
    out.flush()
}

/// Finds a preset by its name or its file's, a saved one before a built-in one.
fn find(name: &str) -> Result<Job> {
    let is_meant = |known: &str| known.to_lowercase() == name.to_lowercase();
    for preset in saved()? {
        if is_meant(preset.title()) || is_meant(preset.slug.as_str()) {
            return preset.job.with_context(|| format!("the preset '{name}' cannot be read"));
        }
    }
    let built_in = Presets::builtin();
    match built_in.into_iter().find(|preset| is_meant(&preset.job.name) || is_meant(preset.slug.as_str())) {
        Some(preset) => Ok(preset.job),
        None => bail!("there is no preset '{name}'; 'fanlane presets list' shows all names"),
    }
}
