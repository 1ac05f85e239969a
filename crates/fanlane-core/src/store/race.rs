//! Saved races: one JSON document each, with everything needed to show the race again.

use std::fs::{self, File};
use std::io::{self, BufReader, Write};
use std::path::{Path, PathBuf};

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::model::race::RaceModel;
use crate::store::atomic_write::{self, Existing};
use crate::store::presets::Slug;

/// The version of the format that is written, and the newest that is read.
pub const RACE_VERSION: u32 = 1;

/// The extension of a saved race's file name.
pub const RACE_ENDING: &str = "race.json";

/// Maximum size of a document, in bytes, so that other large files are not read into memory.
const MAX_FILE_BYTES: u64 = 1 << 30;

/// A race that cannot be opened or saved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RaceFileError {
    /// The file is not a saved race.
    #[error("{path} is not a saved race: {reason}; save one with fanlane race --save FILE, or on the page Race")]
    NoRace {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// It was saved by a newer build.
    #[error(
        "{path} is a race of version {found}; this Fanlane reads up to {RACE_VERSION}, so open it with a newer one"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
    /// No home folder is known.
    #[error("no folder for races is known: set HOME or XDG_DATA_HOME")]
    NoHome,
    /// The race is still running.
    #[error("a race can be saved when it is over")]
    UnderWay,
    /// The file exists.
    #[error("{path} already exists; name another file, or delete it first")]
    Exists {
        /// The file.
        path: PathBuf,
    },
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

#[derive(Serialize, Deserialize)]
struct RaceFile<R> {
    fanlane_race: u32,
    race: R,
}

/// Saves a race that is over.
///
/// # Errors
/// When it is still running, when the file exists and is to be kept, and errors of the system.
pub fn save(race: &RaceModel, path: &Path, existing: Existing) -> Result<(), RaceFileError> {
    if race.is_under_way() || race.header.is_none() {
        return Err(RaceFileError::UnderWay);
    }
    let write = |out: &mut dyn Write| {
        serde_json::to_writer(&mut *out, &RaceFile { fanlane_race: RACE_VERSION, race })?;
        out.write_all(b"\n")
    };
    atomic_write::write(path, existing, write).map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => RaceFileError::Exists { path: path.to_owned() },
        _ => RaceFileError::System { path: path.to_owned(), what: "written", source },
    })
}

/// Opens a saved race.
///
/// # Errors
/// When the file cannot be read, or is not a saved race.
pub fn open(path: &Path) -> Result<RaceModel, RaceFileError> {
    let refused = |source| RaceFileError::System { path: path.to_owned(), what: "read", source };
    let no_race = |reason: String| RaceFileError::NoRace { path: path.to_owned(), reason };
    let file = File::open(path).map_err(refused)?;
    let found = file.metadata().map_err(refused)?;
    if !found.is_file() {
        return Err(no_race("it is not a file".to_owned()));
    }
    if found.len() > MAX_FILE_BYTES {
        return Err(no_race(format!("it is too large for a race: {} bytes", found.len())));
    }
    let text = io::read_to_string(BufReader::new(file)).map_err(|error| no_race(error.to_string()))?;
    let version: RaceFile<IgnoredAny> = serde_json::from_str(&text).map_err(|error| no_race(error.to_string()))?;
    if version.fanlane_race > RACE_VERSION {
        return Err(RaceFileError::Newer { path: path.to_owned(), found: version.fanlane_race });
    }
    let race = serde_json::from_str::<RaceFile<RaceModel>>(&text).map_err(|error| no_race(error.to_string()))?.race;
    check(&race).map_err(no_race)?;
    Ok(race)
}

/// Checks the invariants of a race, since the file may have been written by another program.
fn check(race: &RaceModel) -> Result<(), String> {
    let header = race.header.as_ref().ok_or("it has no header")?;
    if race.end.is_none() {
        return Err("it is not over".to_owned());
    }
    if race.traces.len() != header.contenders.len() {
        return Err("it has not one trace for each contender".to_owned());
    }
    if header.contenders.iter().any(|one| one.case as usize >= header.cases.len() || one.workers == 0) {
        return Err("a contender runs a case that does not exist".to_owned());
    }
    if race.runs.iter().any(|run| run.turn.contender >= header.contenders.len()) {
        return Err("a run has no contender".to_owned());
    }
    let in_order = |spans: &[crate::model::race::Span], lanes: u32| spans.iter().all(|span| span.lane < lanes);
    if race.traces.iter().flatten().any(|trace| !in_order(&trace.spans, trace.lanes()) || trace.lanes() > 1 << 16) {
        return Err("a trace has a task in a lane that does not exist".to_owned());
    }
    Ok(())
}

/// A folder of saved races.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Races {
    folder: PathBuf,
}

impl Races {
    /// The user's races: `fanlane/races` in `$XDG_DATA_HOME`, or in `~/.local/share`.
    ///
    /// # Errors
    /// [`RaceFileError::NoHome`].
    pub fn open_default() -> Result<Self, RaceFileError> {
        let folders = directories::ProjectDirs::from("", "", "fanlane").ok_or(RaceFileError::NoHome)?;
        Ok(Self::open(folders.data_dir().join("races")))
    }

    /// The races in `folder`, which is created when the first one is saved.
    pub fn open(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The files of all saved races, the newest first.
    ///
    /// # Errors
    /// When the folder exists and cannot be read.
    pub fn list(&self) -> Result<Vec<PathBuf>, RaceFileError> {
        let refused = |source| RaceFileError::System { path: self.folder.clone(), what: "read", source };
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(refused)?,
        };
        let mut files = Vec::new();
        for entry in entries {
            let path = entry.map_err(refused)?.path();
            if path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(RACE_ENDING)) {
                let modified = fs::metadata(&path).and_then(|found| found.modified()).ok();
                files.push((modified, path));
            }
        }
        files.sort();
        Ok(files.into_iter().rev().map(|(_, path)| path).collect())
    }

    /// Deletes a listed race.
    ///
    /// # Errors
    /// When it is not a race of this folder, and errors of the system.
    pub fn remove(&self, file: &Path) -> Result<(), RaceFileError> {
        let refused = |source| RaceFileError::System { path: file.to_owned(), what: "deleted", source };
        if !self.list()?.iter().any(|listed| listed == file) {
            return Err(refused(io::ErrorKind::NotFound.into()));
        }
        fs::remove_file(file).map_err(refused)
    }

    /// Saves a race that is over under a free name made of the race's name, the machine's name and a number; returns
    /// the path.
    ///
    /// # Errors
    /// When it cannot be saved.
    pub fn save(&self, race: &RaceModel) -> Result<PathBuf, RaceFileError> {
        let header = race.header.as_ref().ok_or(RaceFileError::UnderWay)?;
        let made = fs::create_dir_all(&self.folder);
        made.map_err(|source| RaceFileError::System { path: self.folder.clone(), what: "made", source })?;
        let name = Slug::of(&format!("{} {}", header.name, header.evidence.host));
        let mut number = 1_u32;
        loop {
            let number_words = if number == 1 { String::new() } else { format!("-{number}") };
            let path = self.folder.join(format!("{name}{number_words}.{RACE_ENDING}"));
            match save(race, &path, Existing::Keep) {
                Err(RaceFileError::Exists { .. }) if number < 100_000 => number += 1,
                result => return result.map(|()| path),
            }
        }
    }
}
