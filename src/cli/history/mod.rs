//! `fanlane history`: the recorded runs, and removing some. Without `--yes` the runs to be removed are only listed.

mod failures;
mod json;
pub mod show;

use std::io::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};
use clap::Args;

use super::detached;
use super::exit_status::Status;
use super::report::printable;
use super::run_name::RunName;
use super::subcommand::Subcommand;
use super::terminal::{print, remark};
use fanlane_core::job::amount;
use fanlane_core::job::duration::{self, Timeout};
use fanlane_core::model::date::utc_minute;
use fanlane_core::model::format::{bytes, count, duration as length, plural};
use fanlane_core::store::history::{self, History, HistoryError, Retention, RunRow, RunState};

/// The arguments of `fanlane history`.
#[derive(Debug, Args)]
pub struct HistoryArgs {
    /// Without it the runs are listed.
    #[command(subcommand)]
    action: Option<HistoryAction>,
    /// Print one JSON object per run
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum HistoryAction {
    /// Remove these runs
    Remove {
        /// Numbers of runs, or last
        #[arg(value_name = "RUN", required = true)]
        runs: Vec<RunName>,
        /// Remove them; without it they are only listed
        #[arg(long)]
        yes: bool,
    },
    /// Remove old runs, and the oldest ones until the history is small enough
    Prune {
        /// Remove runs that began longer ago than this, for example 30d
        #[arg(long, value_name = "TIME", value_parser = duration::parse)]
        older_than: Option<Timeout>,
        /// Remove the oldest until the rest takes no more than this, for example 500M
        #[arg(long, value_name = "SIZE", value_parser = amount::parse_size)]
        keep_size: Option<u64>,
        /// Remove them; without it they are only listed
        #[arg(long)]
        yes: bool,
    },
    /// Print the path of the history
    Path,
}

impl Subcommand for HistoryArgs {
    fn perform(self) -> Result<Status> {
        let folder = history::default_folder()?;
        let runs = |history: &Option<History>| history.as_ref().map_or_else(|| Ok(Vec::new()), History::runs);
        match self.action {
            None => {
                let history = History::existing(&folder)?;
                let runs = runs(&history)?;
                if runs.is_empty() && !self.json {
                    remark("no run has been recorded yet");
                }
                let status = print(|| write_list(&runs, self.json, &mut io::stdout().lock()))?;
                if !self.json && runs.iter().any(|run| run.state == RunState::Running) {
                    for id in detached::list().iter().filter_map(|(info, _)| info.run) {
                        remark(&format!("run {id} is running detached: fanlane attach {id} watches it"));
                    }
                }
                Ok(status)
            }
            Some(HistoryAction::Path) => print(|| writeln!(io::stdout(), "{}", history::file_in(&folder).display())),
            Some(HistoryAction::Remove { runs: names, yes }) => {
                let Some(history) = History::existing(&folder)? else { return Err(HistoryError::Empty.into()) };
                let mut chosen = Vec::new();
                for name in names {
                    let run = name.find_in(&history)?;
                    ensure!(
                        run.state != RunState::Running,
                        "run {} is still running; wait for its end, or stop it",
                        run.id
                    );
                    if !chosen.iter().any(|known: &RunRow| known.id == run.id) {
                        chosen.push(run);
                    }
                }
                remove(history, &chosen, yes)
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
                    Some(history) if !chosen.is_empty() => remove(history, &chosen, yes),
                    _ => {
                        remark("there is nothing to remove");
                        Ok(Status::AllDone)
                    }
                }
            }
        }
    }
}

fn remove(mut history: History, chosen: &[RunRow], yes: bool) -> Result<Status> {
    let status = print(|| write_list(chosen, false, &mut io::stdout().lock()))?;
    let size = bytes(chosen.iter().map(|run| run.bytes).sum());
    let runs = plural(chosen.len() as u64, "run");
    if !yes {
        remark(&format!("{runs} with {size} would be removed; add --yes to remove what is listed"));
        return Ok(status);
    }
    history.remove(&chosen.iter().map(|run| run.id).collect::<Vec<_>>())?;
    remark(&format!("{runs} with {size} removed"));
    Ok(status)
}

fn write_list(runs: &[RunRow], as_json: bool, out: &mut dyn Write) -> io::Result<()> {
    if as_json {
        return runs.iter().try_for_each(|run| writeln!(out, "{}", json::object(run)));
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
