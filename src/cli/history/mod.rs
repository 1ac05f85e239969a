//! `fanlane history`: the recorded runs, and removing some. Without `--yes` the runs to be removed are only listed.

mod failures;
mod grep;
mod json;
mod list;
pub mod show;

use anyhow::{Result, ensure};
use clap::Args;

use super::detached;
use super::exit_status::Status;
use super::run_name::RunName;
use super::subcommand::Subcommand;
use super::terminal::{self, print, remark};
use fanlane_core::job::amount;
use fanlane_core::job::duration::{self, Timeout};
use fanlane_core::model::format::{bytes, plural};
use fanlane_core::store::history::{self, History, HistoryError, Retention, RunRow, RunState};
use fanlane_os::clock::unix_ms;
use list::ListArgs;

/// The arguments of `fanlane history`.
#[derive(Debug, Args)]
pub struct HistoryArgs {
    /// Without it the runs are listed.
    #[command(subcommand)]
    action: Option<HistoryAction>,
    /// Print one JSON object per run
    #[arg(long)]
    json: bool,
    /// Which runs are listed.
    #[command(flatten)]
    list: ListArgs,
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
                let listed = self.list.pick(&runs, self.json);
                if !self.json && listed.is_empty() {
                    remark(if runs.is_empty() { "no run has been recorded yet" } else { "no run is like that" });
                }
                let status = print(|out| list::write(&listed, self.json, out))?;
                if !self.json && runs.iter().any(|run| run.state == RunState::Running) {
                    for id in detached::list().iter().filter_map(|(info, _)| info.run) {
                        remark(&format!("run {id} is running detached: fanlane attach {id} watches it"));
                    }
                }
                Ok(status)
            }
            Some(HistoryAction::Path) => print(|out| terminal::write_path(&history::file_in(&folder), out)),
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
                let surplus = retention.surplus(&all, unix_ms());
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
    let status = print(|out| list::write(&list::all_of(chosen), false, out))?;
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
