//! The built-in presets, in the order in which they are listed.

use super::{Preset, Slug};
use crate::job::Job;

macro_rules! texts {
    ($($group:literal: [$($slug:literal),+ $(,)?]),+ $(,)?) => {
        &[$($(($group, $slug, include_str!(concat!("../../../../../assets/presets/", $slug, ".ron")))),+),+]
    };
}

/// Group, slug and text.
const TEXTS: &[(&str, &str, &str)] = texts![
    "First steps": ["first-look", "cubes", "shell-commands", "flaky", "checksums"],
    "Sharing and sending": [
        "shared-objects",
        "large-results-by-pipe",
        "large-results-in-shared-memory",
    ],
    "Kinds of work": ["primes", "pi", "mandelbrot", "matrix-products", "sorting"],
    "PEP 371 benchmarks": [
        "pep-371-empty-function",
        "pep-371-fibonacci",
        "pep-371-primes",
        "pep-371-file-io",
        "pep-371-gets",
        "pep-371-queue",
        "pep-371-today-fibonacci",
        "pep-371-today-primes",
        "pep-371-today-file-io",
        "pep-371-today-gets",
        "pep-371-today-queue",
    ],
    "PEP 371 in Python": [
        "pep-371-python-empty-function",
        "pep-371-python-fibonacci",
        "pep-371-python-primes",
        "pep-371-python-file-io",
        "pep-371-python-gets",
        "pep-371-python-queue",
    ],
];

const PYTHON: &str = "Python 3.9 or newer";

/// What an example needs besides the program, by its slug; the others need nothing.
const NEEDS: &[(&str, &str)] = &[
    ("shell-commands", "a shell"),
    ("flaky", "a shell"),
    ("shared-objects", "a shell"),
    ("checksums", "sha256sum, sha1sum or md5sum"),
    ("pep-371-python-empty-function", PYTHON),
    ("pep-371-python-fibonacci", PYTHON),
    ("pep-371-python-primes", PYTHON),
    ("pep-371-python-file-io", PYTHON),
    ("pep-371-python-gets", PYTHON),
    ("pep-371-python-queue", PYTHON),
];

pub(super) fn all() -> Vec<Preset> {
    TEXTS
        .iter()
        .map(|(group, slug, text)| Preset {
            group,
            slug: Slug::of(slug),
            needs: NEEDS.iter().find(|(of, _)| of == slug).map_or("", |(_, needs)| needs),
            job: Job::parse(text).expect("a test loads every built-in preset"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::path::Path;

    use super::*;
    use crate::event::TaskId;
    use crate::job::{Batch, TaskTemplate};

    #[test]
    fn every_preset_loads_and_opens_anywhere() {
        let empty = tempfile::tempdir().expect("a folder");
        for (_, slug, text) in TEXTS {
            let job = Job::parse(text).unwrap_or_else(|error| panic!("{slug}: {error}"));
            assert!(!job.name.is_empty() && !job.description.is_empty(), "{slug}");
            let needs = NEEDS.iter().any(|(of, _)| of == slug);
            assert_eq!(needs, !matches!(job.task, TaskTemplate::Workload(_)), "{slug}");
            assert_eq!(Job::parse(&job.to_ron().expect("text")).expect("parses"), job, "{slug}");
            let batch = Batch::open(&job, empty.path(), &mut std::io::empty())
                .unwrap_or_else(|error| panic!("{slug}: {error}"));
            assert!((1..=1000).contains(&batch.len()), "{slug}: {} tasks", batch.len());
        }
    }

    #[test]
    fn slugs_and_names_are_unique_and_no_file_is_forgotten() {
        let presets = all();
        assert_eq!(presets.iter().map(|preset| &preset.slug).collect::<HashSet<_>>().len(), TEXTS.len());
        assert_eq!(presets.iter().map(|preset| &preset.job.name).collect::<HashSet<_>>().len(), TEXTS.len());
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/presets");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .expect("the folder of presets")
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        files.sort();
        let mut listed: Vec<String> = presets.iter().map(|preset| preset.slug.file_name()).collect();
        listed.sort();
        assert_eq!(files, listed);
    }

    /// The preset shown at the first start must need nothing but the program.
    #[test]
    fn the_first_one_runs_on_every_machine() {
        let first = &all()[0];
        assert_eq!(first.slug.as_str(), "first-look");
        assert!(matches!(first.job.task, TaskTemplate::Workload(_)));
        assert_eq!(first.job.workers, None);
        let batch = Batch::open(&first.job, Path::new("/"), &mut std::io::empty()).expect("opens");
        assert!(batch.len() >= 24, "enough tasks for every lane to move");
        assert!(!batch.payload(TaskId(0), 1).is_empty());
    }
}
