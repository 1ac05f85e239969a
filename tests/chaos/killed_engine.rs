//! The engine itself is killed during a batch, several times, and the batch is resumed by its job log each time.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::{Figures, RUN_TIMEOUT, marked};
use fanlane_core::job::workload::random::SplitMix64;
use fanlane_os::process_tree;

const TASKS: u64 = 60;
const KILLS: u64 = 3;

/// A batch whose engine is killed a few times before it can finish.
pub fn round(dice: &mut SplitMix64, figures: &mut Figures) -> Result<()> {
    let folder = tempfile::tempdir().context("no folder can be made")?;
    let log = folder.path().join("log");
    let mut ended_before = 0;
    for _ in 0..KILLS {
        let mut engine = start(folder.path(), dice)?;
        let mark = format!("{}.{}.", engine.id(), process_tree::start_ticks(engine.id()).unwrap_or_default());
        let wanted = ended_before + dice.below(12);
        wait_for_lines(&mut engine, &log, wanted)?;
        engine.kill().context("the engine cannot be killed")?;
        engine.wait().context("the engine cannot be waited for")?;
        figures.count("engine killed");
        // Its workers notice and end their tasks.
        figures.orphans += marked(&mark);
        ended_before = numbers(&log).len() as u64;
    }
    let status = start(folder.path(), dice)?.wait().context("the engine cannot be waited for")?;
    if !status.success() {
        bail!("seed {}: a resumed batch ended with {status}", figures.seed);
    }
    let mut logged = numbers(&log);
    let total = logged.len() as u64;
    logged.sort_unstable();
    logged.dedup();
    figures.runs += 1;
    figures.tasks += TASKS;
    figures.duplicated += total - logged.len() as u64;
    figures.lost += TASKS.saturating_sub(logged.len() as u64);
    Ok(())
}

fn start(folder: &Path, dice: &mut SplitMix64) -> Result<Child> {
    let mode = ["one", "threads", "pool"][dice.below(3) as usize];
    let sequence: Vec<String> = (1..=TASKS).map(|number| number.to_string()).collect();
    Command::new(env!("CARGO_BIN_EXE_fanlane"))
        .args(["run", "--no-bar", "--quiet", "-j", "3", "--mode", mode, "--resume", "--joblog", "log"])
        .args(["echo {}; sleep 0.01", ":::"])
        .args(sequence)
        .current_dir(folder)
        .env("FANLANE_DATA_DIR", folder.join("history"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("the engine cannot be started")
}

/// Waits until the log has this number of complete lines, or the engine has ended.
fn wait_for_lines(engine: &mut Child, log: &Path, wanted: u64) -> Result<()> {
    let until = Instant::now() + RUN_TIMEOUT;
    while (numbers(log).len() as u64) < wanted && engine.try_wait()?.is_none() {
        if Instant::now() > until {
            bail!("a batch does not go on");
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}

/// The numbers of the tasks in the complete lines of a job log.
fn numbers(log: &Path) -> Vec<u64> {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
    whole.lines().skip(1).filter_map(|line| line.split('\t').next()?.parse().ok()).collect()
}
