//! The presets as the sidebar lists them: the built-in examples and the saved jobs, and what can be done with them.
//!
//! Where saved jobs lie is the store's business: here is a [`Shelf`] of them, which tests keep in memory.

use crate::job::Job;

/// A preset.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PresetId {
    /// One of the examples that come with the program, by its name.
    BuiltIn(String),
    /// A saved job, by its name.
    Saved(String),
}

impl PresetId {
    /// The name that people see.
    pub fn name(&self) -> &str {
        match self {
            Self::BuiltIn(name) | Self::Saved(name) => name,
        }
    }
}

/// A preset with what it holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Preset {
    /// Which one it is.
    pub id: PresetId,
    /// The job, or why its file cannot be read.
    pub job: Result<Job, String>,
}

/// Where saved jobs are kept. Every error is a sentence for people.
pub trait Shelf: Send {
    /// All saved jobs, in the order of the list.
    ///
    /// # Errors
    /// When the folder cannot be read.
    fn list(&self) -> Result<Vec<(String, Result<Job, String>)>, String>;

    /// Keeps a job under a name, in place of what is there.
    ///
    /// # Errors
    /// When it could not be written; what was there is still there.
    fn save(&mut self, name: &str, job: &Job) -> Result<(), String>;

    /// Gives a saved job another name, which nothing has yet.
    ///
    /// # Errors
    /// When that could not be done; nothing is lost.
    fn rename(&mut self, from: &str, to: &str) -> Result<(), String>;

    /// Takes a saved job away such that [`Shelf::restore`] can bring it back.
    ///
    /// # Errors
    /// When that could not be done.
    fn delete(&mut self, name: &str) -> Result<(), String>;

    /// Brings back the job that was deleted last and says its name.
    ///
    /// # Errors
    /// When there is none, or it could not be done.
    fn restore(&mut self) -> Result<String, String>;
}

/// Saved jobs that are gone when the program ends.
#[derive(Default)]
pub struct MemoryShelf {
    jobs: Vec<(String, Job)>,
    deleted: Vec<(String, Job)>,
}

impl Shelf for MemoryShelf {
    fn list(&self) -> Result<Vec<(String, Result<Job, String>)>, String> {
        Ok(self.jobs.iter().map(|(name, job)| (name.clone(), Ok(job.clone()))).collect())
    }

    fn save(&mut self, name: &str, job: &Job) -> Result<(), String> {
        match self.jobs.iter_mut().find(|(known, _)| known == name) {
            Some((_, kept)) => *kept = job.clone(),
            None => self.jobs.push((name.to_owned(), job.clone())),
        }
        self.jobs.sort_by(|one, other| one.0.cmp(&other.0));
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), String> {
        let found = self.jobs.iter_mut().find(|(known, _)| known == from);
        let (name, job) = found.ok_or_else(|| format!("There is no preset {from:?}."))?;
        to.clone_into(name);
        to.clone_into(&mut job.name);
        Ok(())
    }

    fn delete(&mut self, name: &str) -> Result<(), String> {
        let place = self.jobs.iter().position(|(known, _)| known == name);
        let place = place.ok_or_else(|| format!("There is no preset {name:?}."))?;
        self.deleted.push(self.jobs.remove(place));
        Ok(())
    }

    fn restore(&mut self) -> Result<String, String> {
        let (name, job) = self.deleted.pop().ok_or("Nothing was deleted.")?;
        self.save(&name, &job)?;
        Ok(name)
    }
}

/// The list of presets.
pub struct PresetList {
    shelf: Box<dyn Shelf>,
    built_in: Vec<Preset>,
    saved: Vec<Preset>,
}

impl PresetList {
    /// The built-in examples and what is on the shelf.
    ///
    /// # Errors
    /// When the shelf cannot be read; the list then has the examples alone.
    pub(super) fn new(built_in: Vec<Job>, shelf: Box<dyn Shelf>) -> (Self, Result<(), String>) {
        let built_in =
            built_in.into_iter().map(|job| Preset { id: PresetId::BuiltIn(job.name.clone()), job: Ok(job) }).collect();
        let mut list = Self { shelf, built_in, saved: Vec::new() };
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

    /// Keeps `job` as a preset of this name and says which one it is.
    pub(super) fn save(&mut self, name: &str, job: &Job) -> Result<PresetId, String> {
        let name = checked(name)?;
        let named = Job { name: name.to_owned(), ..job.clone() };
        self.shelf.save(name, &named)?;
        self.reload()?;
        Ok(PresetId::Saved(name.to_owned()))
    }

    /// Keeps `job` under a name that nothing has yet.
    pub(super) fn save_new(&mut self, name: &str, job: &Job) -> Result<PresetId, String> {
        let name = checked(name)?;
        self.free(name)?;
        self.save(name, job)
    }

    pub(super) fn rename(&mut self, id: &PresetId, to: &str) -> Result<PresetId, String> {
        let PresetId::Saved(from) = id else {
            return Err(format!("{:?} is a built-in example: save it under another name instead.", id.name()));
        };
        let to = checked(to)?;
        if from != to {
            self.free(to)?;
            self.shelf.rename(from, to)?;
            self.reload()?;
        }
        Ok(PresetId::Saved(to.to_owned()))
    }

    pub(super) fn duplicate(&mut self, id: &PresetId) -> Result<PresetId, String> {
        let job = match self.get(id).map(|preset| &preset.job) {
            Some(Ok(job)) => job.clone(),
            Some(Err(error)) => return Err(error.clone()),
            None => return Err(format!("There is no preset {:?} any more.", id.name())),
        };
        let name = (2..)
            .map(|copy| format!("{} {copy}", id.name()))
            .find(|name| self.free(name).is_ok())
            .expect("there are more numbers than presets");
        self.save(&name, &job)
    }

    pub(super) fn delete(&mut self, id: &PresetId) -> Result<(), String> {
        let PresetId::Saved(name) = id else {
            return Err(format!("{:?} is a built-in example: it cannot be deleted.", id.name()));
        };
        self.shelf.delete(name)?;
        self.reload()
    }

    pub(super) fn restore(&mut self) -> Result<PresetId, String> {
        let name = self.shelf.restore()?;
        self.reload()?;
        Ok(PresetId::Saved(name))
    }

    fn free(&self, name: &str) -> Result<(), String> {
        if self.saved.iter().any(|preset| preset.id.name() == name) {
            return Err(format!("There is a preset {name:?} already: choose another name."));
        }
        Ok(())
    }

    fn reload(&mut self) -> Result<(), String> {
        let listed = self.shelf.list()?;
        self.saved = listed.into_iter().map(|(name, job)| Preset { id: PresetId::Saved(name), job }).collect();
        Ok(())
    }
}

fn checked(name: &str) -> Result<&str, String> {
    match name.trim() {
        "" => Err("A preset needs a name.".to_owned()),
        name => Ok(name),
    }
}
