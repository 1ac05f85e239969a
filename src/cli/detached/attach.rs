//! `fanlane attach` and `fanlane watch`: a view of a detached run, or a report on it as `fanlane run` prints it.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;

use super::find;
use crate::cli::execute::recorded::failed_in_background;
use crate::cli::execute::{self, RunRequest};
use crate::cli::exit_status::Status;
use crate::cli::plan::Plan;
use crate::cli::report::args::{ReportArgs, ReportOptions};
use crate::cli::report::{Report, Shortfall, describe};
use crate::cli::run_name::RunName;
use crate::cli::subcommand::Subcommand;
use crate::cli::terminal::{remark, stdout_is_terminal};
use crate::cli::watch::{self as view, Controls, EventSink, Leave, Situation, View};
use fanlane_core::engine::{EngineChoice, OutputLevel, RunCommand, event_pump};
use fanlane_core::event::Event;
use fanlane_core::host::{DetachedError, DetachedRun, DetachedUpdate};
use fanlane_core::model::Progress;
use fanlane_os::clock::monotonic_ns;
use fanlane_os::interrupts;

/// The arguments of `fanlane attach`.
#[derive(Debug, Args)]
pub struct AttachArgs {
    /// The number of a run, or last [default: the only detached run]
    #[arg(value_name = "RUN")]
    run: Option<RunName>,
    /// Print what the tasks print, as fanlane run does, instead of showing the lanes
    #[arg(long, conflicts_with = "watch")]
    plain: bool,
    /// Go on with a batch on a cluster whose command was killed, from the folder that it had named
    #[arg(long, value_name = "FOLDER", conflicts_with = "run")]
    batch: Option<PathBuf>,
    /// What is printed.
    #[command(flatten)]
    report: ReportArgs,
}

impl Subcommand for AttachArgs {
    fn perform(self) -> Result<Status> {
        let options = self.report.options();
        if let Some(folder) = self.batch {
            return go_on(folder, options);
        }
        let is_plain = self.plain || options.asks_for_words() || !stdout_is_terminal();
        if options.watch || (!is_plain && view::check().is_ok()) { watch(self.run) } else { attach(self.run, &options) }
    }
}

/// Goes on with a batch on a cluster in this terminal.
fn go_on(folder: PathBuf, report: ReportOptions) -> Result<Status> {
    let engine = EngineChoice::Attached { folder: std::path::absolute(&folder).unwrap_or(folder) };
    let batch = engine.batch()?.context("the folder has no batch")?;
    let plan = Plan { job: batch.given_job().clone(), folder: batch.working_dir().to_owned() };
    execute::run(RunRequest { engine, report, ..RunRequest::new(plan) })
}

/// The arguments of `fanlane watch`.
#[derive(Debug, Args)]
pub struct WatchArgs {
    /// The number of a run, or last [default: the only detached run]
    #[arg(value_name = "RUN")]
    run: Option<RunName>,
}

impl Subcommand for WatchArgs {
    fn perform(self) -> Result<Status> {
        watch(self.run)
    }
}

/// What the view of a detached run does with its events: the history keeps what the tasks print.
struct InHistory(Option<i64>);

impl EventSink for InHistory {
    fn take(&mut self, _: Event) -> io::Result<()> {
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn run(&self) -> Option<i64> {
        self.0
    }

    fn suspended(&mut self, _: Duration) {}
}

/// Shows a detached run until its end, or until the view is left, which leaves the run as it is.
pub(super) fn watch(name: Option<RunName>) -> Result<Status> {
    view::check().context("the run cannot be shown here; fanlane attach --plain reports on it")?;
    let watching = find(name)?;
    let batch = watching.batch().cloned().context("the detached run does not tell its tasks")?;
    let ago = Duration::from_nanos(monotonic_ns().saturating_sub(watching.info.epoch_ns));
    let reads_stdin = batch.job().reads_stdin();
    let is_of_script = batch.job().task.obstacle().is_some();
    let from_script = is_of_script.then_some("the calls came from a script: run the script itself again");
    let from_stdin = reads_stdin
        .then_some("the inputs came from standard input: fanlane rerun RUN --failed --background reads them again");
    let situation = Situation { is_detached: true, retry_obstacle: from_script.or(from_stdin) };
    let mut sink = InHistory(watching.info.run);
    let mut view = View::open(&watching.info.name, &*batch, situation)?.resuming(watching.info.earlier).begun(ago);
    let handle = watching.handle();
    handle.command(RunCommand::Watch(OutputLevel::LatestLines));
    let (sender, events) = event_pump::channel();
    let reader = std::thread::Builder::new().name("detached run".to_owned());
    let reader = reader.spawn(move || pass_on(watching, &sender)).context("the run cannot be read")?;
    let detached = AtomicBool::new(false);
    let leave = || {
        detached.store(true, Ordering::Release);
        handle.disconnect();
    };
    let (left, _) = interrupts::during(
        |_| leave(),
        || {
            let controls = Controls { command: &|command| handle.command(command), suspend: &view::stop_alone };
            let left = view.follow(&events, &mut sink, controls);
            if !matches!(left, Ok(Leave::Ended)) {
                leave();
            }
            // The last message follows the summary: whether all is recorded.
            events.iter().for_each(drop);
            left
        },
    )
    .context("signals cannot be caught")?;
    let received = reader.join().map_err(|_| anyhow::anyhow!("the messages of the run cannot be read"))?;
    let lingered = match left {
        Ok(Leave::Ended) => view.linger_unless_interrupted(received.run)?,
        _ => Leave::Ended,
    };
    let progress = view.facts().progress.clone();
    let earlier = view.earlier();
    drop(view);
    if let Err(error) = left {
        remark(&format!("{error}; the run is still running"));
        return Ok(Status::SomeFailed);
    }
    if let Some(summary) = &progress.summary {
        remark(&describe::summary(summary, earlier, Shortfall::default()));
    }
    match received.run.filter(|_| lingered == Leave::Retry) {
        Some(run) => failed_in_background(run),
        None => Ok(conclude(received, &progress, true, detached.load(Ordering::Acquire))),
    }
}

/// Reports on a detached run until its end, or until an interrupt, which leaves the run as it is.
fn attach(name: Option<RunName>, options: &ReportOptions) -> Result<Status> {
    let streams = options.streams()?;
    let watching = find(name)?;
    let batch = watching.batch().cloned().context("the detached run does not tell its tasks")?;
    let ago = Duration::from_nanos(monotonic_ns().saturating_sub(watching.info.epoch_ns));
    let mut report = Report::new(options.style, &*batch, streams).resuming(watching.info.earlier).begun(ago);
    let handle = watching.handle();
    if options.output_level() != OutputLevel::Nothing {
        handle.command(RunCommand::Watch(options.output_level()));
    }
    let (sender, events) = event_pump::channel();
    let reader = std::thread::Builder::new().name("detached run".to_owned());
    let reader = reader.spawn(move || pass_on(watching, &sender)).context("the run cannot be read")?;
    let detached = AtomicBool::new(false);
    let on_interrupt = |_| {
        detached.store(true, Ordering::Release);
        handle.disconnect();
    };
    let (followed, _) = interrupts::during(on_interrupt, || {
        let followed = report.follow(&events);
        if followed.is_err() {
            handle.disconnect();
        }
        // The last message follows the summary: whether all is recorded.
        events.iter().for_each(drop);
        followed
    })
    .context("signals cannot be caught")?;
    let received = reader.join().map_err(|_| anyhow::anyhow!("the messages of the run cannot be read"))?;
    if let Err(error) = followed {
        if error.kind() != io::ErrorKind::BrokenPipe {
            remark(&format!("{error}; the run is still running"));
        }
        return Ok(Status::SomeFailed);
    }
    Ok(conclude(received, report.progress(), report.has_delivered_all(), detached.load(Ordering::Acquire)))
}

/// The status of a run that is no longer watched, after all of what was to be printed was, or not. Where it has not ended, that is
/// said.
fn conclude(received: Received, progress: &Progress, is_delivered: bool, is_left: bool) -> Status {
    let which = received.run.map_or_else(String::new, |run| format!(" {run}"));
    received.messages.iter().for_each(|words| remark(words));
    match received.failure {
        _ if progress.summary.is_some() => Status::of_run(progress, 0, is_delivered),
        _ if is_left => {
            remark(&format!(
                "run{which} is still running; fanlane attach{which} watches it again, fanlane stop{which} stops it"
            ));
            Status::Interrupted
        }
        Some(DetachedError::Refused(words)) => {
            remark(&words);
            Status::SomeFailed
        }
        failure => {
            let why = failure.map_or_else(|| "the run ended without a summary".to_owned(), |error| error.to_string());
            remark(&format!("{why}; fanlane resume{which} runs the remaining tasks"));
            Status::SomeFailed
        }
    }
}

/// What the run sent besides its events.
struct Received {
    messages: Vec<String>,
    run: Option<i64>,
    failure: Option<DetachedError>,
}

fn pass_on(mut watching: DetachedRun, events: &crossbeam_channel::Sender<Event>) -> Received {
    let mut received = Received { messages: Vec::new(), run: watching.info.run, failure: None };
    loop {
        match watching.next_update() {
            Ok(Some(DetachedUpdate::Event(event))) => {
                if events.send(event).is_err() {
                    return received;
                }
            }
            Ok(Some(DetachedUpdate::Message(words))) => received.messages.push(words),
            Ok(Some(DetachedUpdate::Recorded(run))) => received.run = run,
            Ok(None) => return received,
            Err(error) => {
                received.failure = Some(error);
                return received;
            }
        }
    }
}
