//! Tasks a second on a host that is reached through ssh, an sshd of this machine, beside GNU parallel's `-S`, in turns. The program is
//! put there before. Quote the ratios.
//!
//! `cargo bench --bench ssh` prints all; `-- ROUNDS` sets how many rounds the medians are taken from.

mod measuring;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use measuring::{median, say};

const PROGRAM: &str = env!("CARGO_BIN_EXE_fanlane");
/// How many tasks each program is given: parallel logs in for each.
const TASKS: u32 = 4000;
const TASKS_OF_PARALLEL: u32 = 80;

fn main() {
    let rounds = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(3);
    let folder = tempfile::tempdir().expect("a folder");
    let host = folder.path().join("ada");
    let script = |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ssh").join(name);
    let started = Command::new(script("start")).arg(&host).arg("ada").stdout(Stdio::null()).status();
    if !started.is_ok_and(|status| status.success()) {
        return say("no sshd can be started here");
    }
    let ssh = format!("ssh -F {}", host.join("ssh_config").display());
    std::fs::create_dir_all(folder.path().join(".parallel")).expect("made");
    std::fs::write(folder.path().join(".parallel/will-cite"), "").expect("written");
    let rate = |program: &str, words: &[&str], tasks: u32| {
        let inputs = (1..=tasks).map(|task| task.to_string());
        let mut command = Command::new(program);
        command.args(words).args(["--ssh", &ssh, "-S", "4/ada", "true", ":::"]).args(inputs);
        command.current_dir(folder.path()).env("HOME", folder.path()).env("PARALLEL_SHELL", "/bin/sh");
        command.env("FANLANE_NO_HISTORY", "1").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let begun = Instant::now();
        let is_done = command.status().is_ok_and(|status| status.success());
        is_done.then(|| f64::from(tasks) / begun.elapsed().as_secs_f64())
    };
    rate(PROGRAM, &["run"], 1);
    let (mut mine, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        mine.extend(rate(PROGRAM, &["run"], TASKS));
        theirs.extend(rate("parallel", &[], TASKS_OF_PARALLEL));
    }
    let _ = Command::new(script("stop")).arg(&host).status();
    if mine.is_empty() || theirs.is_empty() {
        return say("one of the two programs does not run tasks there");
    }
    let ratio = median(mine.iter().zip(&theirs).map(|(mine, theirs)| mine / theirs).collect());
    say(&format!("fanlane run -S 4/ada true, {TASKS} tasks: {:.0} tasks/s, the login included", median(mine)));
    say(&format!("parallel -S 4/ada true, {TASKS_OF_PARALLEL} tasks: {:.1} tasks/s", median(theirs)));
    say(&format!("{ratio:.1} times"));
}
