//! The presets on disk: the examples that come with the program, and the folder of saved jobs.
//!
//! Saving is not here: it has to survive a kill at any moment and is a concern of its own.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use crate::job::{Job, JobFileError};

/// The examples in the order of the list. The first is what the program opens on at its first start.
const EXAMPLES: [&str; 5] = [
    include_str!("../../assets/presets/mandelbrot.ron"),
    include_str!("../../assets/presets/cubes.ron"),
    include_str!("../../assets/presets/primes.ron"),
    include_str!("../../assets/presets/commands.ron"),
    include_str!("../../assets/presets/failures.ron"),
];

/// A built-in example.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// The job.
    pub job: Job,
    /// The job file, as it can be saved and changed.
    pub text: &'static str,
}

/// The examples that come with the program, in the order of the list.
pub fn examples() -> Vec<Example> {
    let parse = |text| Example { job: Job::parse(text).expect("the tests read every example"), text };
    EXAMPLES.into_iter().map(parse).collect()
}

/// The folder of saved jobs, in the user's configuration folder; `None` for a user without a home. It need not be
/// there yet.
pub fn folder() -> Option<PathBuf> {
    directories::ProjectDirs::from("", "", "fanlane").map(|folders| folders.config_dir().join("presets"))
}

/// A saved job: its name, which is that of its file, and the job or why its file cannot be read.
pub type SavedJob = (String, Result<Job, JobFileError>);

/// The saved jobs in `folder`, by name; none if there is no such folder.
///
/// # Errors
/// When the folder is there and cannot be read.
pub fn saved(folder: &Path) -> io::Result<Vec<SavedJob>> {
    let entries = match folder.read_dir() {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut jobs = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension() == Some(OsStr::new("ron"))
            && let Some(name) = path.file_stem()
        {
            jobs.push((name.to_string_lossy().into_owned(), Job::load(&path)));
        }
    }
    jobs.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(jobs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Batch;

    #[test]
    fn every_example_has_a_name_a_description_and_tasks() {
        let examples = examples();
        for Example { job, .. } in &examples {
            assert!(!job.name.is_empty() && !job.description.is_empty(), "{job:?}");
            let folder = tempfile::tempdir().expect("a folder");
            let batch = Batch::open(job, folder.path(), &mut io::empty()).expect(&job.name);
            assert!(!batch.is_empty(), "{}", job.name);
            assert_eq!(examples.iter().filter(|other| other.job.name == job.name).count(), 1, "{} twice", job.name);
        }
    }

    #[test]
    fn saved_jobs_are_listed_by_name_with_those_that_cannot_be_read() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(saved(&folder.path().join("missing")).expect("no folder is no fault").is_empty());
        for (name, text) in [("b.ron", EXAMPLES[1]), ("a.ron", "Job("), ("notes.txt", "")] {
            std::fs::write(folder.path().join(name), text).expect("written");
        }
        let jobs = saved(folder.path()).expect("a list");
        let shape: Vec<_> = jobs.iter().map(|(name, job)| (name.as_str(), job.is_ok())).collect();
        assert_eq!(shape, [("a", false), ("b", true)]);
    }
}
