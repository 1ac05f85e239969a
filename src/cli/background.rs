//! Runs in the background: `fanlane run --background` starts one in a process of its own, `fanlane attach` reports on it as
//! `fanlane run` does, and `fanlane stop` ends it.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use super::args::RunArgs;
use super::plan::Plan;
use super::report::{Report, describe};
use super::report_args::ReportArgs;
use super::resume::Rest;
use super::run::{status, worker_executable};
use super::{Status, keep_args};
use crate::engine::{RunCommand, event_pump};
use crate::event::{Event, EventKind, RunEvent};
use crate::host::{DetachedError, DetachedInfo, DetachedOrder, DetachedRun, DetachedRuns, DetachedUpdate};
use crate::job::Batch;
use crate::model::Earlier;
use crate::mp::clock::monotonic_ns;
use crate::mp::interrupts;
use crate::store::history::History;

/// The words after `fanlane attach`.
#[derive(Debug, Args)]
pub struct AttachArgs {
    /// The number of a run, or last [default: the one that there is]
    #[arg(value_name = "RUN")]
    pub run: Option<String>,
    /// What it prints.
    #[command(flatten)]
    pub report: ReportArgs,
}

/// The words after `fanlane stop`.
#[derive(Debug, Args)]
pub struct StopArgs {
    /// The number of a run, or last [default: the one that there is]
    #[arg(value_name = "RUN")]
    pub run: Option<String>,
    /// End running tasks by SIGKILL at once, without asking them first
    #[arg(long)]
    pub now: bool,
}

/// Why some flags of `fanlane run` have no meaning for a run in the background.
///
/// # Errors
/// The first such flag, and what to do instead.
pub fn check(args: &RunArgs) -> Result<()> {
    const REPORT: &str = "say it to fanlane attach, which prints what the run says";
    const KEPT: &str = "the history keeps what the tasks did; fanlane export RUN writes it";
    let flags = [
        (args.dry_run, "--dry-run", "it runs nothing"),
        (args.report.json, "--json", REPORT),
        (args.report.keep_order, "--keep-order", REPORT),
        (args.report.bar, "--bar", REPORT),
        (args.keep.joblog.is_some(), "--joblog", KEPT),
        (args.keep.record.is_some(), "--record", KEPT),
        (
            args.keep.results.is_some(),
            "--results",
            "what tasks print is kept by the history up to a limit; write files",
        ),
        (args.keep.no_history, "--no-history", "without the history nobody could see what came of the run"),
    ];
    match flags.into_iter().find(|(given, ..)| *given) {
        Some((_, flag, why)) => bail!("{flag} cannot be had with --background: {why}"),
        None => Ok(()),
    }
}

/// Starts a run in the background and says which it is: its number on standard output, and how to watch it.
///
/// # Errors
/// When it cannot be started.
pub fn start(plan: &Plan, args: &RunArgs, batch: Arc<Batch>, workers: u32, rest: Option<&Rest>) -> Result<Status> {
    let history = keep_args::history_folder(&args.keep)?;
    let history =
        history.context("FANLANE_NO_HISTORY is set, and without the history nobody could see what came of it")?;
    let order = DetachedOrder {
        batch,
        folder: std::path::absolute(&plan.folder).unwrap_or_else(|_| plan.folder.clone()),
        mode: plan.job.mode,
        workers,
        history: Some(history),
        continues: rest.and_then(|rest| rest.continues),
        earlier: rest.map_or_else(Earlier::default, |rest| rest.earlier),
        window: false,
        stops_with_starter: false,
    };
    let started = detached_runs()?.start(&order);
    let mut watching = started.context("the run cannot be started in the background; without --background it can")?;
    let mut number = None;
    while let Some(heard) = watching.next_update().context("the run in the background broke off")? {
        match heard {
            DetachedUpdate::Event(_) => {}
            DetachedUpdate::Message(words) => super::remark(&words),
            DetachedUpdate::Recorded(recorded) => {
                number = recorded;
                break;
            }
        }
    }
    let Some(number) = number else {
        super::remark("the run goes on in the background without a number: watch it with fanlane attach, now");
        return Ok(Status::AllDone);
    };
    if !args.report.quiet {
        super::remark(&format!(
            "run {number} goes on in the background; fanlane attach {number} watches it, fanlane stop {number} stops it"
        ));
    }
    super::print(|| writeln_number(number))
}

fn writeln_number(number: i64) -> io::Result<()> {
    use std::io::Write;
    writeln!(io::stdout(), "{number}")
}

/// Reports on a run in the background until its end, or until it is interrupted, which leaves the run as it is.
///
/// # Errors
/// When there is no such run.
pub fn attach(args: &AttachArgs) -> Result<Status> {
    let streams = args.report.streams()?;
    let watching = find(args.run.as_deref())?;
    let batch = watching.batch().cloned().context("the run does not say what its tasks are")?;
    let ago = Duration::from_nanos(monotonic_ns().saturating_sub(watching.info.epoch_ns));
    let mut report = Report::new(args.report.style(), &*batch, streams).resuming(watching.info.earlier).begun(ago);
    let handle = watching.handle();
    let (sender, events) = event_pump::channel();
    let reader = std::thread::Builder::new().name("run in the background".to_owned());
    let reader = reader.spawn(move || pass_on(watching, &sender)).context("the run cannot be read")?;
    let detached = AtomicBool::new(false);
    let let_go = |_| {
        detached.store(true, Ordering::Release);
        handle.disconnect();
    };
    let (followed, _) = interrupts::during(let_go, || {
        let followed = report.follow(&events);
        if followed.is_err() {
            handle.disconnect();
        }
        // The last that is said comes behind the summary: whether all is recorded.
        events.iter().for_each(drop);
        followed
    })
    .context("signals cannot be caught")?;
    let heard = reader.join().map_err(|_| anyhow::anyhow!("what the run says cannot be read"))?;
    let which = heard.run.map_or_else(String::new, |run| format!(" {run}"));
    if let Err(error) = followed {
        if error.kind() != io::ErrorKind::BrokenPipe {
            super::remark(&format!("{error}; the run goes on"));
        }
        return Ok(Status::SomeFailed);
    }
    heard.said.iter().for_each(|words| super::remark(words));
    match heard.lost {
        _ if report.progress().summary.is_some() => Ok(status(report.progress(), 0)),
        _ if detached.load(Ordering::Acquire) => {
            super::remark(&format!(
                "detached, and run{which} goes on; fanlane attach{which} watches it again, fanlane stop{which} stops it"
            ));
            Ok(Status::Interrupted)
        }
        Some(DetachedError::Refused(words)) => {
            super::remark(&words);
            Ok(Status::SomeFailed)
        }
        lost => {
            let why = lost.map_or_else(|| "the run has no end".to_owned(), |lost| lost.to_string());
            super::remark(&format!("{why}; fanlane resume{which} does what is left"));
            Ok(Status::SomeFailed)
        }
    }
}

/// Stops a run in the background and waits for its end.
///
/// # Errors
/// When there is no such run, or its process does not answer.
pub fn stop(args: &StopArgs) -> Result<Status> {
    let mut watching = find(args.run.as_deref())?;
    watching.handle().command(if args.now { RunCommand::StopNow } else { RunCommand::Stop });
    let mut summary = None;
    while let Some(heard) = watching.next_update()? {
        match heard {
            DetachedUpdate::Event(Event { kind: EventKind::Run(RunEvent::Finished(ended)), .. }) => {
                summary = Some(ended)
            }
            DetachedUpdate::Message(words) => super::remark(&words),
            DetachedUpdate::Event(_) | DetachedUpdate::Recorded(_) => {}
        }
    }
    if let Some(summary) = summary {
        super::remark(&describe::summary(&summary, watching.info.earlier));
    }
    Ok(Status::AllDone)
}

/// The runs that go on in the background, the oldest first.
///
/// # Errors
/// When this program's own path is not known.
pub fn list() -> Result<Vec<(DetachedInfo, PathBuf)>> {
    let mut found = detached_runs()?.list();
    found.retain(|(info, _)| !info.ended);
    Ok(found)
}

fn detached_runs() -> Result<DetachedRuns> {
    Ok(DetachedRuns::new(worker_executable()?))
}

/// What was heard besides events.
struct HeardBeside {
    said: Vec<String>,
    run: Option<i64>,
    lost: Option<DetachedError>,
}

fn pass_on(mut watching: DetachedRun, events: &crossbeam_channel::Sender<Event>) -> HeardBeside {
    let mut beside = HeardBeside { said: Vec::new(), run: watching.info.run, lost: None };
    loop {
        match watching.next_update() {
            Ok(Some(DetachedUpdate::Event(event))) => {
                if events.send(event).is_err() {
                    return beside;
                }
            }
            Ok(Some(DetachedUpdate::Message(words))) => beside.said.push(words),
            Ok(Some(DetachedUpdate::Recorded(run))) => beside.run = run,
            Ok(None) => return beside,
            Err(error) => {
                beside.lost = Some(error);
                return beside;
            }
        }
    }
}

/// Finds a run by its number, `last`, or by there being no other.
fn find(name: Option<&str>) -> Result<DetachedRun> {
    let mut found = detached_runs()?.list();
    let names = |found: &[(DetachedInfo, PathBuf)]| {
        let numbers = found.iter().filter_map(|(info, _)| info.run);
        numbers.map(|run| run.to_string()).collect::<Vec<_>>().join(", ")
    };
    let number = name.filter(|name| *name != "last").map(|name| {
        name.parse::<i64>()
            .map_err(|_| anyhow::anyhow!("'{name}' names no run; give its number as fanlane history lists it, or last"))
    });
    let place = match number.transpose()? {
        Some(number) => match found.iter().position(|(info, _)| info.run == Some(number)) {
            Some(place) => place,
            None => bail!("{}", absent(number)?),
        },
        None => {
            ensure!(!found.is_empty(), "no run goes on in the background; fanlane history lists those that have ended");
            ensure!(
                found.len() == 1 || name.is_some(),
                "several runs go on in the background: {}; say which, or last",
                names(&found)
            );
            found.len() - 1
        }
    };
    let (_, folder) = found.swap_remove(place);
    detached_runs()?.watch(folder).context("the run in the background cannot be reached")
}

/// Why a run is not to be found in the background.
fn absent(number: i64) -> Result<String> {
    let folder = crate::store::history::default_folder()?;
    let row = History::existing(&folder)?.map(|history| history.run(number)).transpose()?;
    let state = row.map(|row| row.state.name());
    Ok(match state {
        Some("running") => format!("run {number} goes on in a terminal, not in the background"),
        Some(state) => format!("run {number} does not go on: it is {state}; fanlane show {number} says how it went"),
        None => format!("there is no run {number}"),
    })
}
