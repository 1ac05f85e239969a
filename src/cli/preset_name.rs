//! How the command line names a preset: by its name or its file's, in upper or lower case; a saved one before a built-in one.

use anyhow::{Context, Result, bail};

use fanlane_core::job::{Job, suggestion};
use fanlane_core::store::presets::{Presets, SavedPreset};

/// Finds a preset.
///
/// # Errors
/// When there is none of that name, or it cannot be read.
pub fn find(name: &str) -> Result<Job> {
    let is_meant = |known: &str| known.to_lowercase() == name.to_lowercase();
    let saved = saved()?;
    let built_in = Presets::builtin();
    let names: Vec<String> = saved
        .iter()
        .map(|preset| preset.title().to_owned())
        .chain(built_in.iter().map(|preset| preset.job.name.clone()))
        .collect();
    for preset in saved {
        if is_meant(preset.title()) || is_meant(preset.slug.as_str()) {
            return preset.job.with_context(|| format!("the preset '{name}' cannot be read"));
        }
    }
    match built_in.into_iter().find(|preset| is_meant(&preset.job.name) || is_meant(preset.slug.as_str())) {
        Some(preset) => Ok(preset.job),
        None => {
            let meant = suggestion::nearest(name, names.iter().map(String::as_str));
            let meant = meant.map_or_else(String::new, |meant| format!("did you mean '{meant}'? "));
            bail!("there is no preset '{name}'; {meant}'fanlane presets list' shows all names")
        }
    }
}

/// Whether there is a preset of that name.
pub fn is_preset(name: &str) -> bool {
    find(name).is_ok()
}

/// The presets that were saved.
///
/// # Errors
/// When their folder cannot be read.
pub fn saved() -> Result<Vec<SavedPreset>> {
    // Without a home folder there are no saved presets.
    Presets::open_default().map_or_else(|_| Ok(Vec::new()), |presets| Ok(presets.list()?))
}
