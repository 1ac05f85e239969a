//! The folder of a batch on a file system that all nodes see: the program, the batch, the tasks of each element, what the elements
//! write, and what they are asked.
//!
//! | name | what it is | written by |
//! | --- | --- | --- |
//! | `fanlane` | this program | the command |
//! | `batch` | the packed batch | the command |
//! | `handle.json` | what is needed to attach again | the command |
//! | `element.sh` | what Slurm starts | the command |
//! | `chunks-N` | the tasks of each element of the Nth array | the command |
//! | `records/N.K.R` | what the Kth element of it says, in its Rth life | that element |
//! | `spill/` | whole streams that are too long for records | the elements |
//! | `asked/` | what the elements are asked, as empty files | the command |
//! | `slurm/` | what Slurm and the set-up lines print | Slurm |

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::SlurmProfile;
use super::site::Site;
use crate::event::{StreamName, TaskId, spill_name};
use fanlane_os::child::OWN_EXECUTABLE;
use fanlane_os::clock::monotonic_ns;

/// The folder of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchFolder {
    path: PathBuf,
}

/// What is needed to attach to a batch again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BatchHandle {
    /// How it was submitted.
    pub profile: SlurmProfile,
    /// The start of the run, in milliseconds since 1970.
    pub started_unix_ms: u64,
    /// The arrays that were submitted, in their order.
    pub arrays: Vec<SubmittedArray>,
    /// Maximum number of elements that run at the same time.
    pub workers: u32,
    /// What the site allowed when it was submitted.
    pub site: Site,
    /// Whole streams are kept where they are too long for records.
    pub spills: bool,
}

/// An array as it was submitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubmittedArray {
    /// Its number in this batch, from 0.
    pub serial: u32,
    /// Slurm's number for it.
    pub job: u64,
    /// Number of its elements.
    pub elements: u32,
}

/// What the elements are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// To end their tasks, and to begin none.
    Stop,
    /// To begin no further task, and end.
    Finish,
    /// To begin no task for now.
    Pause,
}

impl Asked {
    const ALL: [Self; 3] = [Self::Stop, Self::Finish, Self::Pause];

    const fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Finish => "finish",
            Self::Pause => "pause",
        }
    }
}

/// The element that a file of records belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ElementLife {
    /// The number of the array in this batch.
    pub array: u32,
    /// The place of the element in the array, from 0.
    pub element: u32,
    /// Which life of the element: one that Slurm has started again has another.
    pub life: u32,
}

impl BatchFolder {
    /// Makes the folder of a new batch below `shared`, with a copy of this program.
    ///
    /// # Errors
    /// Errors of the system, with what could not be made.
    pub fn create(shared: &Path) -> Result<Self, (PathBuf, io::Error)> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |error| (path, error)
        };
        make_private(shared, true).map_err(at(shared))?;
        let path = shared.join(format!("batch-{}-{:x}", std::process::id(), monotonic_ns()));
        make_private(&path, false).map_err(at(&path))?;
        let folder = Self { path };
        let filled = ["records", "spill", "asked", "slurm"]
            .into_iter()
            .try_for_each(|name| make_private(&folder.path.join(name), false))
            .and_then(|()| folder.put_program(shared));
        match filled {
            Ok(()) => Ok(folder),
            Err(error) => {
                let _ = fs::remove_dir_all(&folder.path);
                Err((folder.path, error))
            }
        }
    }

    /// The folder of a batch that is there.
    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The program that the elements are.
    pub fn program(&self) -> PathBuf {
        self.path.join("fanlane")
    }

    /// The script that Slurm starts.
    pub fn script(&self) -> PathBuf {
        self.path.join("element.sh")
    }

    /// The last line that an element of a job has printed, which is where set-up lines complain.
    pub fn last_printed(&self, job: u64, element: u32) -> Option<String> {
        let text = fs::read(self.path.join(format!("slurm/{job}_{element}.out"))).ok()?;
        let text = String::from_utf8_lossy(&text).into_owned();
        text.lines().rev().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned)
    }

    /// Copies this program once for all batches of the shared folder; it is recognised by its size and its time.
    fn put_program(&self, shared: &Path) -> io::Result<()> {
        let own = fs::metadata(OWN_EXECUTABLE)?;
        let programs = shared.join("programs");
        make_private(&programs, true)?;
        let name = format!("fanlane-{}-{}-{}.{}", env!("CARGO_PKG_VERSION"), own.len(), own.mtime(), own.mtime_nsec());
        let kept = programs.join(name);
        let is_whole = fs::metadata(&kept).is_ok_and(|found| found.len() == own.len());
        if !is_whole {
            let new = self.path.join("fanlane.new");
            fs::copy(OWN_EXECUTABLE, &new)?;
            fs::rename(&new, &kept)?;
        }
        // Another batch that is being removed takes nothing away from this one.
        fs::hard_link(&kept, self.program()).or_else(|_| fs::copy(&kept, self.program()).map(drop))
    }

    /// Writes a file at once: what reads it finds all of it, or no file.
    ///
    /// # Errors
    /// Errors of the system.
    pub fn write(&self, name: &str, content: &[u8], mode: u32) -> io::Result<()> {
        let new = self.path.join(format!("{name}.new"));
        let mut file = File::options().write(true).create(true).truncate(true).mode(mode).open(&new)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&new, self.path.join(name))
    }

    /// The content of a file.
    ///
    /// # Errors
    /// Errors of the system.
    pub fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        fs::read(self.path.join(name))
    }

    /// Writes the tasks of each element of an array.
    ///
    /// # Errors
    /// Errors of the system.
    pub fn write_chunks(&self, array: u32, chunks: &[Vec<TaskId>]) -> io::Result<()> {
        let ranges: Vec<Vec<(u64, u64)>> = chunks.iter().map(|tasks| ranges_of(tasks)).collect();
        let bytes = postcard::to_stdvec(&ranges).map_err(io::Error::other)?;
        self.write(&format!("chunks-{array}"), &bytes, 0o600)
    }

    /// The tasks of each element of an array.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read_chunks(&self, array: u32) -> io::Result<Vec<Vec<TaskId>>> {
        let bytes = self.read(&format!("chunks-{array}"))?;
        let ranges: Vec<Vec<(u64, u64)>> = postcard::from_bytes(&bytes).map_err(io::Error::other)?;
        let tasks = |ranges: Vec<(u64, u64)>| {
            ranges.into_iter().flat_map(|(first, count)| (first..first.saturating_add(count)).map(TaskId)).collect()
        };
        Ok(ranges.into_iter().map(tasks).collect())
    }

    /// Writes what is needed to attach again.
    ///
    /// # Errors
    /// Errors of the system.
    pub fn write_handle(&self, handle: &BatchHandle) -> io::Result<()> {
        self.write("handle.json", &serde_json::to_vec_pretty(handle)?, 0o600)
    }

    /// Reads what is needed to attach again.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read_handle(&self) -> io::Result<BatchHandle> {
        read_json(&self.path.join("handle.json"))
    }

    /// The file of the records of an element.
    pub fn records(&self, life: ElementLife) -> PathBuf {
        let ElementLife { array, element, life } = life;
        self.path.join(format!("records/{array}.{element}.{life}"))
    }

    /// The elements that have a file of records.
    ///
    /// # Errors
    /// Errors of the system.
    pub fn lives(&self) -> io::Result<Vec<ElementLife>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(self.path.join("records"))? {
            let name = entry?.file_name();
            let mut numbers = name.to_str().unwrap_or_default().split('.').map(str::parse::<u32>);
            if let (Some(Ok(array)), Some(Ok(element)), Some(Ok(life)), None) =
                (numbers.next(), numbers.next(), numbers.next(), numbers.next())
            {
                found.push(ElementLife { array, element, life });
            }
        }
        Ok(found)
    }

    /// Where an element puts whole streams that are too long, until their names are their tasks'.
    pub fn private_spill(&self, life: ElementLife) -> PathBuf {
        let ElementLife { array, element, life } = life;
        self.path.join(format!("spill/{array}.{element}.{life}"))
    }

    /// Where the whole of a stream is once its element has told of it.
    pub fn spilled(&self, life: ElementLife, task: TaskId, attempt: u32, stream: StreamName) -> PathBuf {
        let ElementLife { array, element, life } = life;
        self.path.join(format!("spill/{array}.{element}.{life}-{}", spill_name(task, attempt, stream)))
    }

    /// Asks something of the elements, or takes it back.
    ///
    /// # Errors
    /// Errors of the system.
    pub fn ask(&self, asked: Asked, is_asked: bool) -> io::Result<()> {
        let path = self.path.join("asked").join(asked.name());
        if is_asked {
            return File::create(path).map(drop);
        }
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Asks the element that has a task to cancel it.
    ///
    /// # Errors
    /// Errors of the system.
    pub fn ask_to_cancel(&self, task: TaskId) -> io::Result<()> {
        File::create(self.path.join(format!("asked/cancel-{}", task.0))).map(drop)
    }

    /// What the elements are asked, and the tasks that are to be cancelled.
    ///
    /// # Errors
    /// Errors of the system.
    pub fn asked(&self) -> io::Result<(Vec<Asked>, Vec<TaskId>)> {
        let (mut asked, mut cancelled) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(self.path.join("asked"))? {
            let name = entry?.file_name();
            let name = name.to_str().unwrap_or_default();
            asked.extend(Asked::ALL.into_iter().find(|asked| asked.name() == name));
            let task = name.strip_prefix("cancel-").and_then(|task| task.parse().ok());
            cancelled.extend(task.map(TaskId));
        }
        Ok((asked, cancelled))
    }

    /// Removes it with all that is in it.
    ///
    /// # Errors
    /// Errors of the system.
    pub fn remove(&self) -> io::Result<()> {
        fs::remove_dir_all(&self.path)
    }
}

fn read_json<T: DeserializeOwned>(path: &Path) -> io::Result<T> {
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}

fn make_private(path: &Path, may_exist: bool) -> io::Result<()> {
    DirBuilder::new().recursive(may_exist).mode(0o700).create(path)
}

/// Tasks as ranges: the first, and how many follow each other.
fn ranges_of(tasks: &[TaskId]) -> Vec<(u64, u64)> {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for task in tasks {
        match ranges.last_mut() {
            Some((first, count)) if *first + *count == task.0 => *count += 1,
            _ => ranges.push((task.0, 1)),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_into_it_is_read_from_it() {
        let shared = tempfile::tempdir().expect("a folder");
        let folder = BatchFolder::create(shared.path()).expect("made");
        let chunks = vec![vec![TaskId(0), TaskId(1), TaskId(2)], vec![TaskId(9), TaskId(3)], vec![]];
        folder.write_chunks(4, &chunks).expect("written");
        assert_eq!(folder.read_chunks(4).expect("read"), chunks);
        let handle = BatchHandle {
            profile: SlurmProfile::default(),
            started_unix_ms: 5,
            arrays: vec![SubmittedArray { serial: 0, job: 7, elements: 3 }],
            workers: 8,
            site: Site { max_elements: 1000, slots: 8 },
            spills: false,
        };
        folder.write_handle(&handle).expect("written");
        assert_eq!(folder.read_handle().expect("read"), handle);
        let life = ElementLife { array: 4, element: 1, life: 2 };
        File::create(folder.records(life)).expect("created");
        File::create(folder.path().join("records/other")).expect("created");
        assert_eq!(folder.lives().expect("listed"), [life]);
        folder.ask(Asked::Pause, true).expect("asked");
        folder.ask_to_cancel(TaskId(7)).expect("asked");
        assert_eq!(folder.asked().expect("read"), (vec![Asked::Pause], vec![TaskId(7)]));
        folder.ask(Asked::Pause, false).expect("taken back");
        folder.ask(Asked::Pause, false).expect("was not asked");
        assert_eq!(folder.asked().expect("read"), (vec![], vec![TaskId(7)]));
        assert!(fs::metadata(folder.program()).expect("the program").len() > 0);
        let other = BatchFolder::create(shared.path()).expect("made");
        folder.remove().expect("removed");
        assert!(other.program().exists());
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let shared = tempfile::tempdir().expect("a folder");
        let file = shared.path().join("file");
        fs::write(&file, "").expect("written");
        let (path, _) = BatchFolder::create(&file.join("below")).expect_err("a file is in the way");
        assert!(path.starts_with(&file));
    }
}
