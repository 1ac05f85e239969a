//! Races that were saved: one JSON document each, with everything that makes them evidence. What is opened shows the
//! same as what was saved.

use std::fs::{self, File};
use std::io::{self, BufReader, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::model::race::RaceModel;
use crate::store::atomic_write::{self, Existing};
use crate::store::presets::Slug;

/// The version of the format that is written, and the newest that is read.
pub const RACE_VERSION: u32 = 1;

/// The ending of a saved race's file name.
pub const RACE_ENDING: &str = "race.json";

/// A document is no larger than this, in bytes: nothing that is no race is read into memory whole.
const MAX_FILE_BYTES: u64 = 1 << 30;

/// A race that cannot be opened or saved.
#[derive(Debug, thiserror::Error)]
pub enum RaceFileError {
    /// It is no saved race.
    #[error("{path} is no saved race: {reason}; save one with fanlane race --save FILE, or on the page Race")]
    NoRace {
        /// The file.
        path: PathBuf,
        /// What is wrong there.
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
    /// There is no home folder.
    #[error("no folder for races is known: set HOME or XDG_DATA_HOME")]
    NoHome,
    /// It goes on.
    #[error("a race can be saved when it is over")]
    UnderWay,
    /// The file is there.
    #[error("{path} is there already; name another file, or delete it first")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The system refused.
    #[error("{path} cannot be {what}: {source}")]
    System {
        /// The file or folder.
        path: PathBuf,
        /// What was to be done to it.
        what: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

#[derive(Serialize)]
struct Written<'a> {
    fanlane_race: u32,
    race: &'a RaceModel,
}

#[derive(Deserialize)]
struct Version {
    fanlane_race: u32,
}

#[derive(Deserialize)]
struct Read {
    race: RaceModel,
}

/// Saves a race that is over.
///
/// # Errors
/// When it goes on, when the file is there and is to be kept, and when the system refuses.
pub fn save(race: &RaceModel, path: &Path, existing: Existing) -> Result<(), RaceFileError> {
    if race.is_under_way() || race.header.is_none() {
        return Err(RaceFileError::UnderWay);
    }
    let write = |out: &mut dyn Write| {
        serde_json::to_writer(&mut *out, &Written { fanlane_race: RACE_VERSION, race })?;
        out.write_all(b"\n")
    };
    atomic_write::write(path, existing, write).map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => RaceFileError::Exists { path: path.to_owned() },
        _ => RaceFileError::System { path: path.to_owned(), what: "written", source },
    })
}

/// Opens a race that was saved.
///
/// # Errors
/// When it cannot be read, or is no saved race.
pub fn open(path: &Path) -> Result<RaceModel, RaceFileError> {
    let refused = |source| RaceFileError::System { path: path.to_owned(), what: "read", source };
    let no_race = |reason: String| RaceFileError::NoRace { path: path.to_owned(), reason };
    let file = File::open(path).map_err(refused)?;
    let found = file.metadata().map_err(refused)?;
    if !found.is_file() {
        return Err(no_race("it is no file".to_owned()));
    }
    if found.len() > MAX_FILE_BYTES {
        return Err(no_race(format!("it has {} bytes, and no race has so many", found.len())));
    }
    let text = io::read_to_string(BufReader::new(file)).map_err(|error| no_race(error.to_string()))?;
    let version: Version = serde_json::from_str(&text).map_err(|error| no_race(error.to_string()))?;
    if version.fanlane_race > RACE_VERSION {
        return Err(RaceFileError::Newer { path: path.to_owned(), found: version.fanlane_race });
    }
    let race = serde_json::from_str::<Read>(&text).map_err(|error| no_race(error.to_string()))?.race;
    check(&race).map_err(no_race)?;
    Ok(race)
}

/// What a race relies on, whoever wrote the file.
fn check(race: &RaceModel) -> Result<(), String> {
    let header = race.header.as_ref().ok_or("it does not say what it is about")?;
    if race.end.is_none() {
        return Err("it is not over".to_owned());
    }
    if race.traces.len() != header.contenders.len() {
        return Err("it has not as many traces as contenders".to_owned());
    }
    if header.contenders.iter().any(|one| one.case as usize >= header.cases.len() || one.workers == 0) {
        return Err("a contender runs what is not there".to_owned());
    }
    if race.runs.iter().any(|run| run.turn.contender >= header.contenders.len()) {
        return Err("a run is of nobody".to_owned());
    }
    let in_order = |spans: &[crate::model::race::Span], lanes: u32| spans.iter().all(|span| span.lane < lanes);
    if race.traces.iter().flatten().any(|trace| !in_order(&trace.spans, trace.lanes()) || trace.lanes() > 1 << 16) {
        return Err("a trace has a task in a lane that is not there".to_owned());
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

    /// The races in `folder`, which is made when the first one is saved.
    pub fn open(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The files of all saved races, the newest first.
    ///
    /// # Errors
    /// When the folder is there and cannot be read.
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

    /// Deletes a race that is listed.
    ///
    /// # Errors
    /// When it is no race of this folder, and when the system refuses.
    pub fn remove(&self, file: &Path) -> Result<(), RaceFileError> {
        let refused = |source| RaceFileError::System { path: file.to_owned(), what: "deleted", source };
        if !self.list()?.iter().any(|listed| listed == file) {
            return Err(refused(io::ErrorKind::NotFound.into()));
        }
        fs::remove_file(file).map_err(refused)
    }

    /// Saves a race that is over under a name that is free, and says which: the race's name, the machine's, a number.
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
