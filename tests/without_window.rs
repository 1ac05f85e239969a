//! The program without its window: everything below the window builds on machines that have no graphics at all.

/// A build without the feature is checked apart from this one, so that nothing is rebuilt for the other tests.
#[test]
#[cfg(feature = "gui")]
fn it_builds_without_the_window() {
    let checked = std::process::Command::new(env!("CARGO"))
        .args(["check", "--quiet", "--offline", "--no-default-features", "--lib", "--bins"])
        .arg("--manifest-path")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .arg("--target-dir")
        .arg(concat!(env!("CARGO_TARGET_TMPDIR"), "/without-window"))
        .output()
        .expect("cargo can be started");
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}

/// This is the build without it: that the suite runs at all is the proof, and the program has to say so too.
#[test]
#[cfg(not(feature = "gui"))]
fn it_says_that_it_has_no_window() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("none.ron"), "Job(version: 1, task: Command(\"true\"), inputs: [List([])])")
        .expect("written");
    let ended = std::process::Command::new(env!("CARGO_BIN_EXE_fanlane"))
        .arg("none.ron")
        .current_dir(folder.path())
        .env("FANLANE_NO_HISTORY", "1")
        .output()
        .expect("the program can be started");
    let err = String::from_utf8_lossy(&ended.stderr);
    assert!(err.starts_with("fanlane: this build has no window; build it with its default features"), "{err}");
    assert_eq!(ended.status.code(), Some(0), "{err}");
}
