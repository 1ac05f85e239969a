//! `fanlane history` and `fanlane show`: the runs that were recorded, one of them in full, and removing some. What would be
//! removed is told; only `--yes` removes it.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, Subcommand};
use serde_json::json;

use super::report::{describe, printable};
use super::{Status, background};
use crate::job::amount;
use crate::job::duration::{self, Timeout};
use crate::model::date::utc_minute;
use crate::model::format::{bytes, count, duration as length, plural};
use crate::store::history::{self, History, HistoryError, Retention, RunRow, RunState};

/// The words after `fanlane history`.
#[derive(Debug, Args)]
pub struct HistoryArgs {
    /// What to do with it; without it the runs are listed.
    #[command(subcommand)]
    pub action: Option<HistoryAction>,
    /// Print one JSON object per run
    #[arg(long)]
    pub json: bool,
}

/// What can be done with the history.
#[derive(Debug, Subcommand)]
pub enum HistoryAction {
    /// Remove these runs.
    Remove {
        /// Numbers of runs, or last
        #[arg(value_name = "RUN", required = true)]
        runs: Vec<String>,
        /// Remove them; without it they are only listed
        #[arg(long)]
        yes: bool,
    },
    /// Remove runs that are old, and the oldest until the rest is small.
    Prune {
        /// Runs that began longer ago than this go, for example 30d
        #[arg(long, value_name = "TIME", value_parser = duration::parse)]
        older_than: Option<Timeout>,
        /// The oldest go until the rest takes no more than this, for example 500M
        #[arg(long, value_name = "SIZE", value_parser = amount::parse_size)]
        keep_size: Option<u64>,
        /// Remove them; without it they are only listed
        #[arg(long)]
        yes: bool,
    },
    /// Print the file that the history is kept in.
    Path,
}

/// The words after `fanlane show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The number of a run, or last
    #[arg(value_name = "RUN")]
    pub run: String,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Print the job as a job file, and nothing else
    #[arg(long, conflicts_with = "json")]
    pub job: bool,
}

/// Does what `fanlane history` was asked to do.
///
/// # Errors
/// When the history cannot be read, or one of the runs is not there.
pub fn history(args: &HistoryArgs) -> Result<Status> {
    let folder = history::default_folder()?;
    let runs = |history: &Option<History>| history.as_ref().map_or_else(|| Ok(Vec::new()), History::runs);
    match &args.action {
        None => {
            let history = History::existing(&folder)?;
            let runs = runs(&history)?;
            if runs.is_empty() && !args.json {
                super::remark("no run has been recorded yet");
            }
            let status = super::print(|| write_list(&runs, args.json, &mut io::stdout().lock()))?;
            if !args.json && runs.iter().any(|run| run.state == RunState::Running) {
                for id in background::list()?.iter().filter_map(|(info, _)| info.run) {
                    super::remark(&format!("run {id} goes on in the background: fanlane attach {id} watches it"));
                }
            }
            Ok(status)
        }
        Some(HistoryAction::Path) => super::print(|| writeln!(io::stdout(), "{}", history::file_in(&folder).display())),
        Some(HistoryAction::Remove { runs: names, yes }) => {
            let Some(history) = History::existing(&folder)? else { return Err(HistoryError::Empty.into()) };
            let mut chosen = Vec::new();
            for name in names {
                let run = history.run(number(&history, name)?)?;
                ensure!(run.state != RunState::Running, "run {} still goes on; wait for its end, or end it", run.id);
                if !chosen.iter().any(|known: &RunRow| known.id == run.id) {
                    chosen.push(run);
                }
            }
            remove(history, &chosen, *yes)
        }
        Some(HistoryAction::Prune { older_than, keep_size, yes }) => {
            let history = History::existing(&folder)?;
            let all = runs(&history)?;
            let retention = match (older_than, keep_size) {
                (None, None) => Retention::default(),
                _ => Retention {
                    max_age_ms: older_than.map_or(u64::MAX, |age| (age.secs * 1e3) as u64),
                    max_bytes: keep_size.unwrap_or(u64::MAX),
                },
            };
            let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64);
            let surplus = retention.surplus(&all, now);
            let chosen: Vec<RunRow> = all.into_iter().filter(|run| surplus.contains(&run.id)).collect();
            match history {
                Some(history) if !chosen.is_empty() => remove(history, &chosen, *yes),
                _ => {
                    super::remark("nothing is to be removed");
                    Ok(Status::AllDone)
                }
            }
        }
    }
}

fn remove(mut history: History, chosen: &[RunRow], yes: bool) -> Result<Status> {
    let status = super::print(|| write_list(chosen, false, &mut io::stdout().lock()))?;
    let size = bytes(chosen.iter().map(|run| run.bytes).sum());
    let runs = plural(chosen.len() as u64, "run");
    if !yes {
        super::remark(&format!("{runs} with {size} would be removed; add --yes to remove what is listed"));
        return Ok(status);
    }
    history.remove(&chosen.iter().map(|run| run.id).collect::<Vec<_>>())?;
    super::remark(&format!("{runs} with {size} removed"));
    Ok(status)
}

/// Whether a word names a run of the history rather than a file.
pub fn is_run_name(name: &str) -> bool {
    name == "last" || (!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit()))
}

fn number(history: &History, name: &str) -> Result<i64> {
    match name.parse() {
        Ok(id) => Ok(id),
        Err(_) if name == "last" => Ok(history.last()?),
        Err(_) => bail!("'{name}' names no run; give its number as fanlane history lists it, or last"),
    }
}

/// Finds a run by its name.
///
/// # Errors
/// When there is none of that name, or the history cannot be read.
pub fn find(name: &str) -> Result<(History, RunRow)> {
    let folder = history::default_folder()?;
    let history = History::existing(&folder)?.ok_or(HistoryError::Empty)?;
    let run = history.run(number(&history, name)?)?;
    Ok((history, run))
}

/// Does what `fanlane show` was asked to do.
///
/// # Errors
/// When there is no such run, or the history cannot be read.
pub fn show(args: &ShowArgs) -> Result<Status> {
    let (history, run) = find(&args.run)?;
    let job = history.job(run.id)?;
    if args.job {
        let job = job.with_context(|| format!("the job of run {} was too long to be kept", run.id))?;
        return super::print(|| io::stdout().lock().write_all(job.as_bytes()));
    }
    let flaky = history.flaky(run.id)?;
    if args.json {
        let mut object = object(&run);
        object["job"] = json!(job);
        object["folder"] = json!(run.folder.to_string_lossy());
        object["environment"] = json!(run.environment);
        object["flaky"] = flaky.iter().map(|task| task.number).collect();
        return super::print(|| writeln!(io::stdout(), "{object}"));
    }
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "{name:<12} {}", printable(&value, usize::MAX));
    };
    line("run", run.id.to_string());
    line("job", run.name.clone());
    line("state", run.state.name().to_owned());
    line("started", format!("{} UTC", utc_minute(run.started_unix_ms)));
    line("folder", run.folder.display().to_string());
    let environment = &run.environment;
    line(
        "machine",
        format!(
            "{}, {}, {}, {}",
            environment.host,
            environment.system,
            plural(u64::from(environment.cores), "core"),
            bytes(environment.memory_bytes)
        ),
    );
    line("fanlane", format!("{}, {}", environment.version, if environment.window { "window" } else { "terminal" }));
    if let Some(before) = run.continues {
        line("goes on", format!("with run {before}"));
    }
    line("tasks", count(run.tasks));
    let ended = run.counts;
    match &run.summary {
        Some(summary) => line("result", describe::summary(summary, run.earlier)),
        None => line(
            "result",
            format!(
                "{} done, {} not done when it was last heard of",
                count(ended.done),
                count(run.tasks - ended.done.min(run.tasks))
            ),
        ),
    }
    if run.left_out > 0 {
        line("missing", format!("{} that the disk could not keep up with", plural(run.left_out, "attempt")));
    }
    for (why, wanted) in [("tried again", true), ("between runs", false)] {
        let numbers: Vec<String> = flaky
            .iter()
            .filter(|task| if wanted { task.when_tried_again } else { task.between_runs })
            .map(|task| task.number.to_string())
            .collect();
        if !numbers.is_empty() {
            let shown = numbers.iter().take(20).cloned().collect::<Vec<_>>().join(", ");
            let more = if numbers.len() > 20 { format!(" and {} more", numbers.len() - 20) } else { String::new() };
            line("flaky", format!("{why}: {} {shown}{more}", if numbers.len() == 1 { "task" } else { "tasks" }));
        }
    }
    if run.state == RunState::Running && background::list()?.iter().any(|(info, _)| info.run == Some(run.id)) {
        let id = run.id;
        line("background", format!("fanlane attach {id}, fanlane stop {id}"));
    }
    if run.state != RunState::Running {
        let id = run.id;
        let failed =
            if ended.not_done() > ended.cancelled { format!("fanlane rerun {id} --failed, ") } else { String::new() };
        let rest =
            if ended.total() - ended.cancelled < run.tasks { format!("fanlane resume {id}, ") } else { String::new() };
        line("again", format!("{rest}{failed}fanlane rerun {id}"));
    }
    if ended.not_done() > ended.cancelled {
        text += &super::failures::failures(&history, run.id)?;
    }
    super::print(|| io::stdout().lock().write_all(text.as_bytes()))
}

fn object(run: &RunRow) -> serde_json::Value {
    json!({
        "run": run.id,
        "name": run.name,
        "state": run.state.name(),
        "started_unix_ms": run.started_unix_ms,
        "mode": run.mode.name(),
        "workers": run.workers,
        "tasks": run.tasks,
        "done": run.counts.done,
        "failed": run.counts.failed,
        "timed_out": run.counts.timed_out,
        "cancelled": run.counts.cancelled,
        "lost": run.counts.lost,
        "retries": run.retries,
        "wall_secs": run.wall_ns as f64 / 1e9,
        "continues": run.continues,
        "bytes": run.bytes,
    })
}

fn write_list(runs: &[RunRow], as_json: bool, out: &mut dyn Write) -> io::Result<()> {
    if as_json {
        return runs.iter().try_for_each(|run| writeln!(out, "{}", object(run)));
    }
    if runs.is_empty() {
        return Ok(());
    }
    const NAME_CHARS: usize = 40;
    let names: Vec<String> = runs.iter().map(|run| printable(&run.name, NAME_CHARS)).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max(3);
    writeln!(
        out,
        "{:>5}  {:<16}  {:<11}  {:<width$}  {:>9}  {:>9}  {:>9}  {:>12}  {:>9}",
        "RUN", "STARTED (UTC)", "STATE", "JOB", "TASKS", "DONE", "NOT DONE", "TIME", "SIZE"
    )?;
    for (run, name) in runs.iter().zip(names) {
        writeln!(
            out,
            "{:>5}  {:<16}  {:<11}  {name:<width$}  {:>9}  {:>9}  {:>9}  {:>12}  {:>9}",
            run.id,
            utc_minute(run.started_unix_ms),
            run.state.name(),
            count(run.tasks),
            count(run.counts.done),
            count(run.tasks.saturating_sub(run.counts.done)),
            length(run.wall_ns),
            bytes(run.bytes),
        )?;
    }
    out.flush()
}
