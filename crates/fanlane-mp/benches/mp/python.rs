//! Python's own `multiprocessing`, started by the same command.

use std::io::Write;
use std::process::{Command, Stdio};

/// Runs one of the measurements of the script and prints its lines, or says that there is no Python.
pub fn show(what: &str) {
    let mut out = std::io::stdout();
    let folder = tempfile::tempdir().expect("a folder can be made");
    let script = folder.path().join("peer.py");
    // Its workers import the script, so it has to be a file.
    std::fs::write(&script, include_str!("peer.py")).expect("it can be written");
    let output = Command::new("python3").arg(&script).arg(what).stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let _ = match output {
        Ok(output) if output.status.success() => out.write_all(&output.stdout),
        Ok(output) => writeln!(out, "SKIPPED: Python's own measurement of {what} failed: {}", output.status),
        Err(error) => writeln!(out, "SKIPPED: no python3 here, so nothing to compare with: {error}"),
    };
}
