//! Presets: jobs that are kept to be run again. Some are built in, the others are job files in one folder.
//!
//! Files are written atomically, nothing is overwritten without a request, and nothing in the folder is hidden: a file
//! that does not load is listed with the reason. The content of job files is defined in
//! [`job::file`](crate::job::file).

mod builtin;
mod slug;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::job::field::FieldProblem;
use crate::job::{Job, JobFileError};
use crate::store::atomic_write::{self, Existing};
pub use slug::Slug;

/// A built-in preset.
#[derive(Clone, Debug, PartialEq)]
pub struct Preset {
    /// The group in which it is listed.
    pub group: &'static str,
    /// Its file name without the ending.
    pub slug: Slug,
    /// What it needs besides the program; empty: nothing.
    pub needs: &'static str,
    /// Its job.
    pub job: Job,
}

/// A preset in the folder.
#[derive(Debug)]
pub struct SavedPreset {
    /// Its file name without the extension, which identifies it in calls of [`Presets`].
    pub slug: Slug,
    /// Its file.
    pub path: PathBuf,
    /// Its job, or why it does not load.
    pub job: Result<Job, JobFileError>,
}

/// A deleted preset, with everything needed to restore it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletedPreset {
    /// Its slug.
    pub slug: Slug,
    /// The content of its file, whether or not it was a job.
    pub content: Vec<u8>,
}

/// A folder of presets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presets {
    folder: PathBuf,
}

/// An operation on a preset failed. The folder is unchanged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PresetError {
    /// Another preset has that file.
    #[error("there is already a preset '{name}' in {path}; choose another name, or overwrite it")]
    Exists {
        /// The other's name, or its slug if it does not load.
        name: String,
        /// Its file.
        path: PathBuf,
    },
    /// There is no such preset.
    #[error("there is no preset '{slug}' in {folder}; it may have been renamed or deleted elsewhere")]
    Gone {
        /// The slug.
        slug: Slug,
        /// The folder.
        folder: PathBuf,
    },
    /// It has no name.
    #[error("a preset needs a name; give it one")]
    NoName,
    /// Its job has an invalid value.
    #[error("the preset cannot be saved: {0}")]
    Problem(FieldProblem),
    /// It could not be loaded again if it were saved.
    #[error("the preset cannot be saved: {0}")]
    Unusable(#[source] JobFileError),
    /// It does not load, so its name cannot be changed.
    #[error("the preset cannot be changed before its file is repaired: {0}")]
    Damaged(#[source] JobFileError),
    /// Every name for a copy is taken.
    #[error("there are too many copies of '{name}'; delete some")]
    TooManyCopies {
        /// The name of the original.
        name: String,
    },
    /// No home folder is known.
    #[error("no folder for presets is known: set HOME or XDG_CONFIG_HOME")]
    NoHome,
    /// An error of the system.
    #[error("{path} cannot be {what}: {source}")]
    System {
        /// The file or folder.
        path: PathBuf,
        /// The operation that failed, as a participle.
        what: &'static str,
        /// The system's error.
        #[source]
        source: io::Error,
    },
}

impl Presets {
    /// The built-in presets; the first one is shown at the first start.
    pub fn builtin() -> Vec<Preset> {
        builtin::all()
    }

    /// The user's presets: `fanlane/presets` in `$XDG_CONFIG_HOME`, or in `~/.config`.
    ///
    /// # Errors
    /// [`PresetError::NoHome`].
    pub fn open_default() -> Result<Self, PresetError> {
        let folders = directories::ProjectDirs::from("", "", "fanlane").ok_or(PresetError::NoHome)?;
        Ok(Self::open(folders.config_dir().join("presets")))
    }

    /// The presets in `folder`, which is created when the first one is saved.
    pub fn open(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The folder of the presets.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// All presets of the folder, sorted by name, then by file; none if the folder does not exist yet.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn list(&self) -> Result<Vec<SavedPreset>, PresetError> {
        let unreadable = |error| self.refused(&self.folder, "read", error);
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(unreadable(error)),
        };
        let mut presets = Vec::new();
        for entry in entries {
            let path = entry.map_err(unreadable)?.path();
            // A name that is not Unicode is shown lossily, and no call can address it.
            let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            if path.extension().is_some_and(|ending| ending == "ron") && !stem.starts_with('.') {
                let is_other = fs::metadata(&path).is_ok_and(|found| !found.is_file());
                let job = if is_other { Err(JobFileError::not_a_file(&path)) } else { Job::load(&path) };
                presets.push(SavedPreset { slug: Slug::of_file_stem(&stem), path, job });
            }
        }
        presets.sort_by_cached_key(|preset| (preset.title().to_lowercase(), preset.path.clone()));
        Ok(presets)
    }

    /// Saves a job under its own name.
    ///
    /// # Errors
    /// [`PresetError::Exists`] if another preset has that file and `overwrite` is not set, and when it cannot be saved.
    pub fn save(&self, job: &Job, overwrite: bool) -> Result<Slug, PresetError> {
        if job.name.trim().is_empty() {
            return Err(PresetError::NoName);
        }
        let slug = self.slug_for(&job.name);
        self.write(&slug, job, if overwrite { Existing::Replace } else { Existing::Keep })?;
        Ok(slug)
    }

    /// The slug of a preset of this name, or a free one: names that differ only in signs do not share a file.
    fn slug_for(&self, name: &str) -> Slug {
        let is_other = |slug: &Slug| self.load(slug).is_ok_and(|job| !is_same_name(job.display_name(), name));
        let plain = Slug::of(name);
        let numbered = (2..1000).map(|number| plain.numbered(number));
        std::iter::once(plain.clone()).chain(numbered).find(|slug| !is_other(slug)).unwrap_or(plain)
    }

    /// Saves a job under another name, which becomes the job's name.
    ///
    /// # Errors
    /// As [`Presets::save`].
    pub fn save_as(&self, job: &Job, name: &str, overwrite: bool) -> Result<Slug, PresetError> {
        self.save(&Job { name: name.trim().to_owned(), ..job.clone() }, overwrite)
    }

    /// Renames a preset and its file.
    ///
    /// # Errors
    /// [`PresetError::Exists`] if another preset has that file, and when it cannot be loaded or saved.
    pub fn rename(&self, slug: &Slug, name: &str) -> Result<Slug, PresetError> {
        let job = self.load(slug)?;
        if Slug::of(name) == *slug {
            self.write(slug, &Job { name: name.trim().to_owned(), ..job }, Existing::Replace)?;
            return Ok(slug.clone());
        }
        let new_slug = self.save_as(&job, name, false)?;
        // Both exist for a moment, so that a crash here loses nothing.
        self.delete(slug)?;
        Ok(new_slug)
    }

    /// Saves a copy of a preset under a free name: `Name copy`, `Name copy 2`, …
    ///
    /// # Errors
    /// When it cannot be loaded or saved.
    pub fn duplicate(&self, slug: &Slug) -> Result<Slug, PresetError> {
        let job = self.load(slug)?;
        let name = job.display_name();
        for number in 1..1000 {
            let copy = if number == 1 { format!("{name} copy") } else { format!("{name} copy {number}") };
            match self.save_as(&job, &copy, false) {
                Err(PresetError::Exists { .. }) => {}
                result => return result,
            }
        }
        Err(PresetError::TooManyCopies { name: name.to_owned() })
    }

    /// Deletes a preset, also one that does not load, and returns its content for [`Presets::restore`].
    ///
    /// # Errors
    /// [`PresetError::Gone`], and when it cannot be deleted.
    pub fn delete(&self, slug: &Slug) -> Result<DeletedPreset, PresetError> {
        let path = self.path(slug);
        let content = fs::read(&path).map_err(|error| self.gone_or_refused(slug, "read", error))?;
        fs::remove_file(&path).map_err(|error| self.gone_or_refused(slug, "deleted", error))?;
        // After a power failure the file might exist again, which is less bad than an error here, with the content
        // lost.
        atomic_write::sync_folder(&self.folder).ok();
        Ok(DeletedPreset { slug: slug.clone(), content })
    }

    /// Restores a deleted preset.
    ///
    /// # Errors
    /// [`PresetError::Exists`] if another one took its place, and when it cannot be written.
    pub fn restore(&self, deleted: &DeletedPreset) -> Result<(), PresetError> {
        self.write_bytes(&deleted.slug, &deleted.content, Existing::Keep)
    }

    /// Loads a preset.
    ///
    /// # Errors
    /// [`PresetError::Gone`] and [`PresetError::Damaged`].
    pub fn load(&self, slug: &Slug) -> Result<Job, PresetError> {
        let path = self.path(slug);
        fs::symlink_metadata(&path).map_err(|error| self.gone_or_refused(slug, "read", error))?;
        Job::load(&path).map_err(PresetError::Damaged)
    }

    fn write(&self, slug: &Slug, job: &Job, existing: Existing) -> Result<(), PresetError> {
        if let Some(problem) = job.check().into_iter().next() {
            return Err(PresetError::Problem(problem));
        }
        let text = job.to_ron().map_err(PresetError::Unusable)?;
        // A job that cannot be read back must not replace a valid file.
        Job::parse(&text).map_err(PresetError::Unusable)?;
        self.write_bytes(slug, text.as_bytes(), existing)
    }

    fn write_bytes(&self, slug: &Slug, content: &[u8], existing: Existing) -> Result<(), PresetError> {
        fs::create_dir_all(&self.folder).map_err(|error| self.refused(&self.folder, "made", error))?;
        let path = self.path(slug);
        atomic_write::write(&path, existing, |file| file.write_all(content)).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => self.exists(slug),
            _ => self.refused(&path, "written", error),
        })
    }

    fn path(&self, slug: &Slug) -> PathBuf {
        self.folder.join(slug.file_name())
    }

    fn exists(&self, slug: &Slug) -> PresetError {
        let path = self.path(slug);
        let name = Job::load(&path).map_or_else(|_| slug.to_string(), |job| job.display_name().to_owned());
        PresetError::Exists { name, path }
    }

    fn gone_or_refused(&self, slug: &Slug, what: &'static str, error: io::Error) -> PresetError {
        match error.kind() {
            io::ErrorKind::NotFound => PresetError::Gone { slug: slug.clone(), folder: self.folder.clone() },
            _ => self.refused(&self.path(slug), what, error),
        }
    }

    fn refused(&self, path: &Path, what: &'static str, source: io::Error) -> PresetError {
        PresetError::System { path: path.to_owned(), what, source }
    }
}

impl SavedPreset {
    /// Its title in a list: the job's name, or the file's if it does not load.
    pub fn title(&self) -> &str {
        self.job.as_ref().map_or(self.slug.as_str(), Job::display_name)
    }
}

/// Whether a name of a preset means this one, whatever the case of its letters and the space between its words.
fn is_same_name(one: &str, other: &str) -> bool {
    one.to_lowercase().split_whitespace().eq(other.to_lowercase().split_whitespace())
}

#[cfg(test)]
mod tests;
