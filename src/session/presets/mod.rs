//! The presets as the sidebar lists them, the built-in examples and the saved jobs, and what can be done with them.
//!
//! Files are the store's business. Every error here is a sentence for the user.

mod commands;

use fanlane_core::job::Job;
use fanlane_core::store::presets::{DeletedPreset, PresetError, Presets, SavedPreset, Slug};

use super::notices::sentence;

/// A preset.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PresetId {
    /// One of the examples that come with the program.
    BuiltIn(Slug),
    /// A saved job.
    Saved(Slug),
}

/// What saved jobs are listed among.
pub const SAVED_GROUP: &str = "Saved jobs";

/// A preset with what it holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Preset {
    /// Which one it is.
    pub id: PresetId,
    /// What it is listed among.
    pub group: &'static str,
    /// What it is called.
    pub name: String,
    /// The job, or why its file cannot be read.
    pub job: Result<Job, String>,
}

/// The list of presets.
pub struct PresetList {
    folder: Option<Presets>,
    built_in: Vec<Preset>,
    saved: Vec<Preset>,
    deleted: Vec<(String, DeletedPreset)>,
}

impl PresetList {
    /// The built-in examples and the saved jobs of a folder; without one nothing can be saved.
    ///
    /// The second value says why the folder cannot be read; the list then has the examples alone.
    pub(in crate::session) fn new(folder: Option<Presets>) -> (Self, Result<(), String>) {
        let built_in = Presets::builtin().into_iter().map(|preset| Preset {
            id: PresetId::BuiltIn(preset.slug),
            group: preset.group,
            name: preset.job.display_name().to_owned(),
            job: Ok(preset.job),
        });
        let mut list = Self { folder, built_in: built_in.collect(), saved: Vec::new(), deleted: Vec::new() };
        let read = list.reload();
        (list, read)
    }

    /// The examples that come with the program.
    pub fn built_in(&self) -> &[Preset] {
        &self.built_in
    }

    /// The saved jobs.
    pub fn saved(&self) -> &[Preset] {
        &self.saved
    }

    /// A preset.
    pub fn get(&self, id: &PresetId) -> Option<&Preset> {
        self.built_in.iter().chain(&self.saved).find(|preset| preset.id == *id)
    }

    /// What a preset is called.
    pub fn name(&self, id: &PresetId) -> &str {
        self.get(id).map_or("a preset that is gone", |preset| preset.name.as_str())
    }

    /// Writes `job` over the saved preset `id`, also where the job has another name by now.
    pub(in crate::session) fn overwrite(&mut self, id: &PresetId, job: &Job) -> Result<PresetId, String> {
        let PresetId::Saved(slug) = id else { return Err(STAYS.to_owned()) };
        let renamed = Slug::of(job.display_name()) != *slug;
        let slug = if renamed {
            // The file's name follows the job's, and another preset of that name is not written over.
            let slug = self.folder()?.rename(slug, job.display_name()).map_err(told)?;
            self.folder()?.save(job, true).map_err(told)?;
            slug
        } else {
            self.folder()?.save(job, true).map_err(told)?
        };
        self.reload()?;
        Ok(PresetId::Saved(slug))
    }

    /// Keeps `job` under a name that nothing has yet.
    pub(in crate::session) fn save_new(&mut self, name: &str, job: &Job) -> Result<PresetId, String> {
        let slug = self.folder()?.save_as(job, name.trim(), false).map_err(told)?;
        self.reload()?;
        Ok(PresetId::Saved(slug))
    }

    pub(in crate::session) fn rename(&mut self, id: &PresetId, to: &str) -> Result<PresetId, String> {
        let PresetId::Saved(slug) = id else { return Err(STAYS.to_owned()) };
        let slug = self.folder()?.rename(slug, to.trim()).map_err(told)?;
        self.reload()?;
        Ok(PresetId::Saved(slug))
    }

    pub(in crate::session) fn duplicate(&mut self, id: &PresetId) -> Result<PresetId, String> {
        let slug = match id {
            PresetId::Saved(slug) => self.folder()?.duplicate(slug).map_err(told)?,
            PresetId::BuiltIn(_) => {
                let Some(Preset { name, job: Ok(job), .. }) = self.get(id) else {
                    return Err("There is no such example.".to_owned());
                };
                match self.folder()?.save(job, false) {
                    // The example was copied before: copy the copy's name.
                    Err(PresetError::Exists { .. }) => self.folder()?.duplicate(&Slug::of(name)).map_err(told)?,
                    saved => saved.map_err(told)?,
                }
            }
        };
        self.reload()?;
        Ok(PresetId::Saved(slug))
    }

    pub(in crate::session) fn delete(&mut self, id: &PresetId) -> Result<(), String> {
        let PresetId::Saved(slug) = id else { return Err(STAYS.to_owned()) };
        let name = self.name(id).to_owned();
        let deleted = self.folder()?.delete(slug).map_err(told)?;
        self.deleted.push((name, deleted));
        self.reload()
    }

    /// Brings back what was deleted last and says its name.
    pub(in crate::session) fn restore(&mut self) -> Result<String, String> {
        let (name, deleted) = self.deleted.last().ok_or("Nothing was deleted.")?;
        self.folder()?.restore(deleted).map_err(told)?;
        let name = name.clone();
        self.deleted.pop();
        self.reload()?;
        Ok(name)
    }

    fn folder(&self) -> Result<&Presets, String> {
        self.folder.as_ref().ok_or_else(|| told(PresetError::NoHome))
    }

    fn reload(&mut self) -> Result<(), String> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let listed = folder.list().map_err(told)?;
        let preset = |saved: SavedPreset| Preset {
            group: SAVED_GROUP,
            name: saved.title().to_owned(),
            id: PresetId::Saved(saved.slug),
            job: saved.job.map_err(|error| sentence(&error.to_string())),
        };
        self.saved = listed.into_iter().map(preset).collect();
        Ok(())
    }
}

const STAYS: &str = "A built-in example stays as it is: save it under another name.";

fn told(error: PresetError) -> String {
    sentence(&error.to_string())
}
