//! `fanlane add` and `fanlane queue`: jobs that run later, one after the other.

pub mod add;
mod list;
#[cfg(test)]
mod pueue_page;
mod wait;

use anyhow::Result;
use clap::{Args, Subcommand as ClapSubcommand};

use super::detached::detached_runs;
use super::exit_status::Status;
use super::subcommand::Subcommand;
use super::terminal::remark;
use fanlane_core::host::DetachedError;
use fanlane_core::model::date::{coming_minute, parse_coming};
use fanlane_core::store::history::default_folder;
use fanlane_core::store::queue::{Change, JobList, JobQueue, Place, QueueError, QueuedJob};
use fanlane_os::clock::unix_ms;

/// The arguments of `fanlane queue`.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
States: queued; waiting for its time or for what it comes after; held; starting; running. A job that ends leaves the queue:
fanlane history has its run. A job that fails does not hold the others up.

Exit status: 0   2 nothing was changed

Examples:
  fanlane queue                     the jobs, in the order in which they start
  fanlane queue move 7 --to first
  fanlane queue hold 4 5; fanlane queue release 4
  fanlane queue at 7 22:30
  fanlane queue start 7             now, beside what runs
  fanlane queue parallel 2
  fanlane queue group gpu --parallel 1; fanlane add --group gpu COMMAND
  fanlane queue wait --all && echo all are done"
)]
pub struct QueueArgs {
    /// What is changed; `None` lists the jobs.
    #[command(subcommand)]
    action: Option<QueueAction>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// The jobs that a command is about.
#[derive(Debug, Args)]
struct Ids {
    /// Numbers of jobs, as fanlane queue lists them
    #[arg(value_name = "ID", required = true)]
    ids: Vec<u64>,
}

/// The jobs that a command is about, one by one or together.
#[derive(Debug, Args)]
struct Chosen {
    /// Numbers of jobs, as fanlane queue lists them
    #[arg(value_name = "ID", required_unless_present_any = ["group", "all"])]
    ids: Vec<u64>,
    /// All jobs of this group that wait
    #[arg(long, value_name = "GROUP", conflicts_with_all = ["ids", "all"])]
    group: Option<String>,
    /// All jobs that wait
    #[arg(long, conflicts_with = "ids")]
    all: bool,
}

impl Chosen {
    /// The numbers of the jobs; with a group or all of them, of those that wait.
    fn ids(&self, queue: &JobQueue) -> Result<Vec<u64>> {
        if !self.all && self.group.is_none() {
            return Ok(self.ids.clone());
        }
        let list = queue.list()?;
        check_group(&list, self.group.as_deref())?;
        let is_meant = |job: &&QueuedJob| self.all || job.group == self.group;
        Ok(list.waiting().filter(is_meant).map(|job| job.id).collect())
    }
}

/// Refuses a group that is not there.
fn check_group(list: &JobList, group: Option<&str>) -> Result<()> {
    let Some(group) = group.filter(|group| !list.groups.contains_key(*group)) else { return Ok(()) };
    let known: Vec<String> = list.groups.keys().cloned().collect();
    Err(QueueError::NoSuchGroup { group: group.to_owned(), known: known.join(", ") }.into())
}

/// The group that a command is about.
#[derive(Debug, Args)]
struct OfGroup {
    /// Only for the jobs of this group
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
}

/// A change of the queue.
#[derive(Debug, ClapSubcommand)]
enum QueueAction {
    /// Do not start these jobs until they are released
    Hold(Chosen),
    /// Let held jobs start again
    Release(Chosen),
    /// Take these jobs out of the queue
    Drop(Chosen),
    /// Start these jobs now, beside what runs
    Start(Chosen),
    /// Let these jobs start earlier or later than others
    Move {
        /// The jobs.
        #[command(flatten)]
        jobs: Ids,
        /// Their place among those that wait: a number from 1, first, or last
        #[arg(long, value_name = "PLACE", value_parser = parse_place)]
        to: Place,
    },
    /// Start a job not before a time, and release it if it is held
    At {
        /// Number of a job, as fanlane queue lists it
        #[arg(value_name = "ID")]
        id: u64,
        /// 22:30, '2026-11-23 08:00', +90m; or now: at any time
        #[arg(value_name = "TIME", value_parser = parse_time)]
        time: JobTime,
    },
    /// Set how many jobs of the queue run at the same time [at first: 1]
    Parallel {
        /// 1 to 64
        #[arg(value_name = "N")]
        jobs: u32,
        /// The group.
        #[command(flatten)]
        of: OfGroup,
    },
    /// Let two jobs that wait change places
    Switch {
        /// Number of a job
        #[arg(value_name = "ID")]
        one: u64,
        /// Number of the other job
        #[arg(value_name = "ID")]
        other: u64,
    },
    /// Make a group, whose jobs come under a limit of their own, change or remove it
    Group {
        /// Its name
        #[arg(value_name = "GROUP")]
        name: String,
        /// How many of its jobs run at the same time, 1 to 64 [at first: 1]
        #[arg(long, value_name = "N", default_value_t = 1, hide_default_value = true, conflicts_with = "remove")]
        parallel: u32,
        /// Remove it; it must have no jobs
        #[arg(long)]
        remove: bool,
    },
    /// Wait until jobs have left the queue; exit status 1 if one of them is not done, or is held
    Wait(Chosen),
    /// Start no further job of the queue; those that run go on
    Pause(OfGroup),
    /// Let the jobs of the queue start again
    Resume(OfGroup),
}

/// The earliest start of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct JobTime(Option<u64>);

fn parse_time(text: &str) -> Result<JobTime, String> {
    if text == "now" { Ok(JobTime(None)) } else { parse_coming(text, unix_ms()).map(|at| JobTime(Some(at))) }
}

fn parse_place(text: &str) -> Result<Place, String> {
    match (text, text.parse()) {
        ("first", _) => Ok(Place::Number(1)),
        ("last", _) => Ok(Place::Last),
        (_, Ok(place)) if place >= 1 => Ok(Place::Number(place)),
        _ => Err("expected a place from 1, first, or last".to_owned()),
    }
}

impl Subcommand for QueueArgs {
    fn perform(self) -> Result<Status> {
        let queue = JobQueue::beside_history(&default_folder()?);
        let Some(action) = self.action else {
            let listed = list::print_jobs(&queue, self.json)?;
            serve(&queue);
            return Ok(listed);
        };
        let change = |ids: &[u64], change: Change| {
            queue.change(ids, change)?;
            anyhow::Ok(format!("{} {}", named(ids), words(change, ids.len())))
        };
        let said = match action {
            QueueAction::Hold(jobs) => change(&jobs.ids(&queue)?, Change::Hold)?,
            QueueAction::Release(jobs) => change(&jobs.ids(&queue)?, Change::Release)?,
            QueueAction::Drop(jobs) => change(&jobs.ids(&queue)?, Change::Drop)?,
            QueueAction::Start(jobs) => change(&jobs.ids(&queue)?, Change::Start)?,
            QueueAction::Move { jobs, to } => change(&jobs.ids, Change::Move(to))?,
            QueueAction::At { id, time } => change(&[id], Change::At(time.0))?,
            QueueAction::Parallel { jobs, of: OfGroup { group: None } } => {
                queue.set_parallel(jobs)?;
                format!("jobs of the queue that run at the same time: {jobs}")
            }
            QueueAction::Parallel { jobs, of: OfGroup { group: Some(group) } } => {
                check_group(&queue.list()?, Some(&group))?;
                queue.set_group(&group, jobs)?;
                format!("jobs of the group {group} that run at the same time: {jobs}")
            }
            QueueAction::Switch { one, other } => {
                queue.switch(one, other)?;
                format!("jobs {one} and {other} have changed places")
            }
            QueueAction::Group { name, remove: true, .. } => {
                queue.remove_group(&name)?;
                format!("the group {name} is removed")
            }
            QueueAction::Group { name, parallel, .. } => {
                queue.set_group(&name, parallel)?;
                format!(
                    "jobs of the group {name} that run at the same time: {parallel}; fanlane add --group puts jobs into it"
                )
            }
            QueueAction::Wait(jobs) => {
                serve(&queue);
                return wait::wait(&queue, &jobs);
            }
            QueueAction::Pause(OfGroup { group: Some(group) }) => {
                queue.set_group_paused(&group, true)?;
                format!(
                    "no further job of the group {group} starts until fanlane queue resume --group; those that run go on"
                )
            }
            QueueAction::Resume(OfGroup { group: Some(group) }) => {
                queue.set_group_paused(&group, false)?;
                format!("the jobs of the group {group} start again")
            }
            QueueAction::Pause(OfGroup { group: None }) => {
                queue.set_paused(true)?;
                "no further job of the queue starts until fanlane queue resume; those that run go on".to_owned()
            }
            QueueAction::Resume(OfGroup { group: None }) => {
                queue.set_paused(false)?;
                "the jobs of the queue start again".to_owned()
            }
        };
        remark(&said);
        serve(&queue);
        Ok(Status::AllDone)
    }
}

fn named(ids: &[u64]) -> String {
    let numbers: Vec<String> = ids.iter().map(u64::to_string).collect();
    format!("{} {}", if ids.len() == 1 { "job" } else { "jobs" }, numbers.join(", "))
}

/// What has become of jobs.
fn words(change: Change, count: usize) -> String {
    let (is, starts) = if count == 1 { ("is", "starts") } else { ("are", "start") };
    match change {
        Change::Hold => format!("{is} held until fanlane queue release"),
        Change::Release => format!("{starts} when the turn comes"),
        Change::Drop => format!("{is} out of the queue"),
        Change::Start => format!("{starts} now"),
        Change::At(Some(at)) => format!("{starts} not before {}", coming_minute(at, unix_ms())),
        Change::At(None) => format!("{starts} when the turn comes, at any time"),
        Change::Move(_) => format!("{is} moved"),
    }
}

/// Has the jobs of the queue started in their turn from now on. What was changed before stays changed if that fails.
fn serve(queue: &JobQueue) {
    match detached_runs().serve_queue(queue) {
        Ok(()) => {}
        Err(DetachedError::InTask) => remark(
            "a task cannot start what starts the jobs of the queue, since all that a task starts is ended with it; the jobs \
             start with the next fanlane queue outside of a task",
        ),
        Err(error) => {
            remark(&format!(
                "the jobs of the queue are not started yet: {error}; the next fanlane queue tries it again"
            ));
        }
    }
}
