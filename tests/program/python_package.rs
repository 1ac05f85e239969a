//! The Python package against the built program: its own tests, in each Python that is here.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::documents::blocks::{Mark, blocks};
use super::start::with_default_signals;

/// Tests that tell one Python from another. All others are run once, in the Python that has the libraries.
const IN_EACH_PYTHON: [&str; 5] =
    ["test_pool.Values", "test_executor.Interface", "test_ends.Values", "test_scripts.Scripts", "test_parts"];

/// What the tests of the package use beside the standard library.
const LIBRARIES: &str = "numpy, cloudpickle, joblib, sklearn, pytest, ipykernel, nbclient";

#[test]
fn the_package_does_what_its_tests_say_in_a_python_with_the_libraries() {
    let python = python_with_libraries();
    run_tests(&python, &["discover", "--pattern", "test_*.py"]);
}

#[test]
fn the_package_works_in_each_python() {
    let pythons = pythons();
    assert!(!pythons.is_empty(), "the package needs a Python 3.9 or newer to be tested");
    for python in pythons {
        run_tests(&python, &IN_EACH_PYTHON);
    }
}

/// Scripts of the page with what they use beside the standard library, and what they become.
const SCRIPTS: [(&str, &str, &str); 3] = [
    ("walks_multiprocessing.py", "multiprocessing", "walks_fanlane.py"),
    ("primes_futures.py", "concurrent.futures", "primes_fanlane.py"),
    ("areas_joblib.py", "joblib", "areas_fanlane.py"),
];

#[test]
fn scripts_of_the_document_print_the_same_with_the_package_as_before() {
    let folder = tempfile::tempdir().expect("a folder");
    for block in blocks(Path::new("docs/python.md")) {
        if let Some(Mark::File(name)) = &block.mark {
            fs::write(folder.path().join(name), &block.text).expect("written");
        }
    }
    let python = python_with_libraries();
    let run = |words: &[&str]| {
        let data = folder.path().join("data");
        let mut script = with_package(&python);
        script.args(words).current_dir(folder.path()).env("FANLANE_DATA_DIR", &data).env("FANLANE_RUNTIME_DIR", &data);
        let ended = script.output().expect("started");
        let [out, err] = [ended.stdout, ended.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
        (ended.status.success(), out, err)
    };
    for (before, library, after) in SCRIPTS {
        if library == "joblib" && !run(&["-c", "import joblib"]).0 {
            continue;
        }
        let (theirs, ours) = (run(&[before]), run(&[after]));
        assert!(theirs.0 && ours.0 && !theirs.1.is_empty(), "{before}: {theirs:?}, {after}: {ours:?}");
        assert_eq!(theirs.1, ours.1, "{before} and {after}");
    }
}

/// A Python that finds the package and the built program.
fn with_package(python: &Path) -> Command {
    let mut command = Command::new(python);
    with_default_signals(&mut command);
    command
        .env("FANLANE", env!("CARGO_BIN_EXE_fanlane"))
        .env("PYTHONPATH", package())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null());
    command
}

fn package() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("python")
}

fn run_tests(python: &Path, which: &[&str]) {
    // What is left open is a fault of the package.
    let ended = with_package(python)
        .args(["-W", "always::ResourceWarning", "-m", "unittest"])
        .args(which)
        .current_dir(package().join("tests"))
        .output()
        .expect("started");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{}: {said}", python.display());
    assert!(!said.contains("ResourceWarning: unclosed"), "{}: {said}", python.display());
}

/// The environment that `.ci/run` makes, or the Python of everyone, whose tests skip what they lack.
fn python_with_libraries() -> PathBuf {
    let cache = env::var_os("XDG_CACHE_HOME").map_or_else(|| home().join(".cache"), PathBuf::from);
    let made = cache.join("fanlane-ci/python/bin/python");
    if made.exists() {
        return made;
    }
    let words = format!("no {}: .ci/run makes it, with {LIBRARIES}; tests that need these are skipped", made.display());
    assert!(env::var("CI").as_deref() != Ok("true"), "{words}");
    let _ = writeln!(std::io::stderr(), "SKIPPED: {words}");
    PathBuf::from("python3")
}

/// Each Python on `PATH`, of pyenv and of uv, once for each version from 3.9 on.
fn pythons() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect();
    for versions in [home().join(".pyenv/versions"), home().join(".local/share/uv/python")] {
        let found = fs::read_dir(versions).into_iter().flatten().flatten();
        folders.extend(found.map(|version| version.path().join("bin")));
    }
    let mut versions = BTreeSet::new();
    let mut found = Vec::new();
    for folder in folders {
        let names = fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.file_name());
        for name in names.filter_map(|name| name.into_string().ok()).filter(|name| is_name_of_python(name)) {
            let python = folder.join(name);
            // A shim of a version manager may stand for a version that is not there.
            let Some(version) = version_of(&python) else { continue };
            if version.0 == 3 && version.1 >= 9 && versions.insert(version) {
                found.push(python);
            }
        }
    }
    found
}

fn is_name_of_python(name: &str) -> bool {
    name.strip_prefix("python3")
        .is_some_and(|rest| rest.is_empty() || rest.strip_prefix('.').is_some_and(|minor| minor.parse::<u32>().is_ok()))
}

/// Major and minor version, and whether it has the global lock.
fn version_of(python: &Path) -> Option<(u32, u32, bool)> {
    let asked = "import sys; print(*sys.version_info[:2], int(getattr(sys, '_is_gil_enabled', lambda: True)()))";
    let answer = Command::new(python).args(["-c", asked]).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let told = String::from_utf8(answer.stdout).ok()?;
    let mut numbers = told.split_whitespace().map(str::parse::<u32>);
    let mut next = || numbers.next()?.ok();
    Some((next()?, next()?, next()? == 1))
}

fn home() -> PathBuf {
    env::var_os("HOME").map_or_else(|| PathBuf::from("/"), PathBuf::from)
}
