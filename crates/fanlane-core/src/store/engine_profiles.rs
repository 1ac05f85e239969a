//! The profiles of engines that run batches elsewhere: RON files in one folder, beside that of the presets. What a profile says
//! is the [`engine`](crate::engine)'s.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::engine::{EngineChoice, SlurmProfile, TargetProfile};
use crate::job::JobFileError;
use crate::job::file::load_value;

/// The engine of this machine, as `--engine` names it.
const LOCAL: &str = "local";
/// The kinds of engines that need a profile, or take the defaults of one.
const KINDS: [&str; 1] = ["slurm"];

/// A folder of profiles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineProfiles {
    folder: PathBuf,
}

/// A profile of the folder.
#[derive(Debug)]
pub struct SavedProfile {
    /// Its name: that of its file, without the ending.
    pub name: String,
    /// Its file.
    pub path: PathBuf,
    /// What it says, or why it cannot be used.
    pub profile: Result<TargetProfile, ProfileError>,
}

/// An engine that cannot be chosen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// There is no such kind of engine.
    #[error("there is no engine '{0}'; the engines are local and slurm, or slurm:PROFILE")]
    NoSuchEngine(String),
    /// There is no such profile.
    #[error("there is no profile '{name}' in {}; the profiles are: {others}", .folder.display())]
    NoSuchProfile {
        /// The name.
        name: String,
        /// The folder.
        folder: PathBuf,
        /// The names that are there.
        others: String,
    },
    /// A name that is none of a file.
    #[error("'{0}' is no name of a profile; letters, digits, '-', '_' and '.' can stand in one")]
    BadName(String),
    /// The profile is one of another kind of engine.
    #[error("the profile '{name}' is for {actual}; write --engine {actual}:{name}")]
    OtherKind {
        /// The name of the profile.
        name: String,
        /// The kind that it is of.
        actual: &'static str,
    },
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] JobFileError),
    /// A value in it means nothing.
    #[error("{}: {fault}", .path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        fault: String,
    },
    /// No home folder is known.
    #[error("no folder for profiles of engines is known: set HOME or XDG_CONFIG_HOME")]
    NoHome,
    /// The folder cannot be read.
    #[error("the profiles of engines in {} cannot be listed: {source}", .folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
}

impl EngineProfiles {
    /// The user's profiles: `fanlane/engines` in `$XDG_CONFIG_HOME`, or in `~/.config`.
    ///
    /// # Errors
    /// [`ProfileError::NoHome`].
    pub fn open_default() -> Result<Self, ProfileError> {
        let folders = directories::ProjectDirs::from("", "", "fanlane").ok_or(ProfileError::NoHome)?;
        Ok(Self::open(folders.config_dir().join("engines")))
    }

    /// The profiles in `folder`, which need not exist.
    pub fn open(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The engine that `words` name: `local`, `slurm` or `slurm:PROFILE`. A kind without a profile takes the profile of its own
    /// name, and where there is none the defaults.
    ///
    /// # Errors
    /// When there is no such engine, or its profile cannot be used.
    pub fn choose(&self, words: &str) -> Result<EngineChoice, ProfileError> {
        let (kind, name) = match words.split_once(':') {
            Some((kind, name)) => (kind, Some(name)),
            None => (words, None),
        };
        if kind == LOCAL && name.is_none() {
            return Ok(EngineChoice::Local);
        }
        if !KINDS.contains(&kind) {
            return Err(ProfileError::NoSuchEngine(words.to_owned()));
        }
        let profile = match (name, self.load(name.unwrap_or(kind))) {
            (None, Err(ProfileError::NoSuchProfile { .. })) => TargetProfile::Slurm(SlurmProfile::default()),
            (_, profile) => profile?,
        };
        let name = name.unwrap_or(kind).to_owned();
        if profile.kind() != kind {
            return Err(ProfileError::OtherKind { name, actual: profile.kind() });
        }
        Ok(EngineChoice::Target { name, profile: Box::new(profile) })
    }

    /// The profile of this name.
    ///
    /// # Errors
    /// When there is none, or it cannot be used.
    pub fn load(&self, name: &str) -> Result<TargetProfile, ProfileError> {
        let is_sign = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.starts_with('.') || !name.chars().all(is_sign) {
            return Err(ProfileError::BadName(name.to_owned()));
        }
        let path = self.folder.join(format!("{name}.ron"));
        if !path.exists() {
            let names: Vec<String> = self.list()?.into_iter().map(|saved| saved.name).collect();
            let others = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            return Err(ProfileError::NoSuchProfile { name: name.to_owned(), folder: self.folder.clone(), others });
        }
        read(path)
    }

    /// All profiles of the folder, sorted by name; none if the folder does not exist.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn list(&self) -> Result<Vec<SavedProfile>, ProfileError> {
        let unreadable = |source| ProfileError::Folder { folder: self.folder.clone(), source };
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(unreadable(error)),
        };
        let mut profiles = Vec::new();
        for entry in entries {
            let path = entry.map_err(unreadable)?.path();
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            if path.extension().is_some_and(|ending| ending == "ron") && !name.starts_with('.') {
                profiles.push(SavedProfile { name, profile: read(path.clone()), path });
            }
        }
        profiles.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(profiles)
    }
}

fn read(path: PathBuf) -> Result<TargetProfile, ProfileError> {
    let is_other = fs::metadata(&path).is_ok_and(|found| !found.is_file());
    let profile: TargetProfile = if is_other { Err(JobFileError::not_a_file(&path)) } else { load_value(&path) }?;
    match profile.fault() {
        None => Ok(profile),
        Some(fault) => Err(ProfileError::Value { path, fault }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, EngineProfiles) {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            fs::write(folder.path().join(name), text).expect("written");
        }
        let profiles = EngineProfiles::open(folder.path());
        (folder, profiles)
    }

    #[test]
    fn an_engine_is_chosen_by_its_kind_and_the_name_of_a_profile() {
        let files =
            [("big.ron", "Slurm(partition: \"big\", time_limit: \"30\")"), ("slurm.ron", "Slurm(account: \"a\")")];
        let (_folder, profiles) = folder(&files);
        assert_eq!(profiles.choose("local").expect("local"), EngineChoice::Local);
        let slurm = |name: &str, profile| EngineChoice::Target {
            name: name.into(),
            profile: Box::new(TargetProfile::Slurm(profile)),
        };
        let big =
            SlurmProfile { partition: Some("big".into()), time_limit: Some("30".into()), ..SlurmProfile::default() };
        assert_eq!(profiles.choose("slurm:big").expect("big"), slurm("big", big));
        let own = SlurmProfile { account: Some("a".into()), ..SlurmProfile::default() };
        assert_eq!(profiles.choose("slurm").expect("its own"), slurm("slurm", own));
        let (_folder, empty) = folder(&[]);
        assert_eq!(empty.choose("slurm").expect("the defaults"), slurm("slurm", SlurmProfile::default()));
    }

    #[test]
    fn what_cannot_be_chosen_says_what_to_do() {
        let files = [("typo.ron", "Slurm(partitoin: \"big\")"), ("zero.ron", "Slurm(cpus_per_task: 0)")];
        let (_folder, profiles) = folder(&files);
        for (words, expected) in [
            ("sge", "the engines are local and slurm"),
            ("local:x", "the engines are local and slurm"),
            ("slurm:none", "the profiles are: typo, zero"),
            ("slurm:../x", "no name of a profile"),
            ("slurm:typo", "did you mean 'partition'?"),
            ("slurm:zero", "cpus_per_task is 0"),
        ] {
            let error = profiles.choose(words).expect_err(words).to_string();
            assert!(error.contains(expected), "{words}: {error}");
        }
        assert_eq!(profiles.list().expect("listed").len(), 2);
    }
}
