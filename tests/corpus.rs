//! What the fuzz targets have found worth keeping, through the same checks that they make: `fuzz/seeds/NAME/` holds the
//! inputs for `fuzz/checks/NAME.rs`. A file whose name begins with `found-` once broke something.

use std::fs;
use std::path::PathBuf;

#[path = "../fuzz/checks/frames.rs"]
mod frames;
#[path = "../fuzz/checks/job.rs"]
mod job;
#[path = "../fuzz/checks/manager.rs"]
mod manager;
#[path = "../fuzz/checks/sanitize.rs"]
mod sanitize;
#[path = "../fuzz/checks/template.rs"]
mod template;

/// Maximum size of all inputs together in the repository.
const MAX_BYTES: usize = 300_000;

/// A target's name, and its check, which panics where it does not hold.
type Target = (&'static str, fn(&[u8]));

const CHECKS: [Target; 5] = [
    ("frames", frames::check),
    ("job", job::check),
    ("manager", manager::check),
    ("sanitize", sanitize::check),
    ("template", template::check),
];

fn seeds(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(name);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    files.into_iter().map(|file| (file.clone(), fs::read(&file).expect("readable"))).collect()
}

#[test]
fn every_input_that_fuzzing_has_kept_holds() {
    for (name, check) in CHECKS {
        let seeds = seeds(name);
        assert!(seeds.len() >= 10, "{name} has {} inputs", seeds.len());
        for (file, bytes) in seeds {
            let held = std::panic::catch_unwind(|| check(&bytes));
            assert!(held.is_ok(), "{} does not hold", file.display());
        }
    }
}

#[test]
fn each_fuzz_target_has_its_check_and_its_inputs_here() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let names = |part: &str| {
        let entries = fs::read_dir(folder.join(part)).expect("a folder");
        let mut names: Vec<String> = entries
            .map(|entry| entry.expect("an entry").path().file_stem().expect("a name").to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    };
    let checked: Vec<String> = CHECKS.iter().map(|(name, _)| (*name).to_owned()).collect();
    for part in ["fuzz_targets", "checks", "seeds"] {
        assert_eq!(names(part), checked, "fuzz/{part}");
    }
    let bytes: usize = checked.iter().flat_map(|name| seeds(name)).map(|(_, bytes)| bytes.len()).sum();
    assert!(bytes <= MAX_BYTES, "{bytes} bytes");
}
