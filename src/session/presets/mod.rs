//! The presets of the sidebar: the built-in examples and the saved jobs.
//!
//! Reading and writing files is left to the store. Every error here is a sentence for the user.

mod commands;

use fanlane_core::job::Job;
use fanlane_core::store::presets::{DeletedPreset, PresetError, Presets, SavedPreset, Slug};

use super::notices::sentence;

/// A preset.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PresetId {
    /// A built-in example.
    BuiltIn(Slug),
    /// A saved job.
    Saved(Slug),
}

/// The group of saved jobs.
pub const SAVED_GROUP: &str = "Saved jobs";

/// A preset with its contents.
#[derive(Clone, Debug, PartialEq)]
pub struct Preset {
    /// Its id.
    pub id: PresetId,
    /// Its group in the list.
    pub group: &'static str,
    /// Its name.
    pub name: String,
    /// What it needs besides the program; empty: nothing that is known.
    pub needs: &'static str,
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
    /// The built-in examples and the saved jobs of a folder; without a folder nothing can be saved.
    ///
    /// The second value says why the folder cannot be read; the list then has only the examples.
    pub(in crate::session) fn new(folder: Option<Presets>) -> (Self, Result<(), String>) {
        let built_in = Presets::builtin().into_iter().map(|preset| Preset {
            id: PresetId::BuiltIn(preset.slug),
            group: preset.group,
            needs: preset.needs,
            name: preset.job.display_name().to_owned(),
            job: Ok(preset.job),
        });
        let mut list = Self { folder, built_in: built_in.collect(), saved: Vec::new(), deleted: Vec::new() };
        let read = list.reload();
        (list, read)
    }

    /// The built-in examples.
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

    /// The name of a preset.
    pub fn name(&self, id: &PresetId) -> &str {
        self.get(id).map_or("a preset that is gone", |preset| preset.name.as_str())
    }

    /// Overwrites the saved preset `id` with `job`, which may have another name.
    pub(in crate::session) fn overwrite(&mut self, id: &PresetId, job: &Job) -> Result<PresetId, String> {
        let PresetId::Saved(slug) = id else { return Err(BUILT_IN.to_owned()) };
        let renamed = Slug::of(job.display_name()) != *slug;
        let slug = if renamed {
            // The file is renamed with the job; another preset of that name is not overwritten.
            let slug = self.folder()?.rename(slug, job.display_name()).map_err(message)?;
            self.folder()?.save(job, true).map_err(message)?;
            slug
        } else {
            self.folder()?.save(job, true).map_err(message)?
        };
        self.reload()?;
        Ok(PresetId::Saved(slug))
    }

    /// Saves `job` under a name that no preset has.
    pub(in crate::session) fn save_new(&mut self, name: &str, job: &Job) -> Result<PresetId, String> {
        let slug = self.folder()?.save_as(job, name.trim(), false).map_err(message)?;
        self.reload()?;
        Ok(PresetId::Saved(slug))
    }

    pub(in crate::session) fn rename(&mut self, id: &PresetId, to: &str) -> Result<PresetId, String> {
        let PresetId::Saved(slug) = id else { return Err(BUILT_IN.to_owned()) };
        let slug = self.folder()?.rename(slug, to.trim()).map_err(message)?;
        self.reload()?;
        Ok(PresetId::Saved(slug))
    }

    pub(in crate::session) fn duplicate(&mut self, id: &PresetId) -> Result<PresetId, String> {
        let slug = match id {
            PresetId::Saved(slug) => self.folder()?.duplicate(slug).map_err(message)?,
            PresetId::BuiltIn(_) => {
                let Some(Preset { name, job: Ok(job), .. }) = self.get(id) else {
                    return Err("There is no such example.".to_owned());
                };
                match self.folder()?.save(job, false) {
                    // The example was copied before: copy that copy.
                    Err(PresetError::Exists { .. }) => self.folder()?.duplicate(&Slug::of(name)).map_err(message)?,
                    saved => saved.map_err(message)?,
                }
            }
        };
        self.reload()?;
        Ok(PresetId::Saved(slug))
    }

    pub(in crate::session) fn delete(&mut self, id: &PresetId) -> Result<(), String> {
        let PresetId::Saved(slug) = id else { return Err(BUILT_IN.to_owned()) };
        let name = self.name(id).to_owned();
        let deleted = self.folder()?.delete(slug).map_err(message)?;
        self.deleted.push((name, deleted));
        self.reload()
    }

    /// Restores the preset that was deleted last; returns its name.
    pub(in crate::session) fn restore(&mut self) -> Result<String, String> {
        let (name, deleted) = self.deleted.last().ok_or("Nothing was deleted.")?;
        self.folder()?.restore(deleted).map_err(message)?;
        let name = name.clone();
        self.deleted.pop();
        self.reload()?;
        Ok(name)
    }

    fn folder(&self) -> Result<&Presets, String> {
        self.folder.as_ref().ok_or_else(|| message(PresetError::NoHome))
    }

    fn reload(&mut self) -> Result<(), String> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let listed = folder.list().map_err(message)?;
        let preset = |saved: SavedPreset| Preset {
            group: SAVED_GROUP,
            needs: "",
            name: saved.title().to_owned(),
            id: PresetId::Saved(saved.slug),
            job: saved.job.map_err(|error| sentence(&error.to_string())),
        };
        self.saved = listed.into_iter().map(preset).collect();
        Ok(())
    }
}

const BUILT_IN: &str = "Built-in examples cannot be changed; save a copy under another name.";

fn message(error: PresetError) -> String {
    sentence(&error.to_string())
}
