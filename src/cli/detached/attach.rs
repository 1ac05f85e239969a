//! `fanlane attach`: a report on a detached run, as `fanlane run` prints it.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;

use super::find;
use crate::cli::exit_status::Status;
use crate::cli::report::Report;
use crate::cli::report::args::{ReportArgs, ReportOptions};
use crate::cli::run_name::RunName;
use crate::cli::subcommand::Subcommand;
use crate::cli::terminal::remark;
use fanlane_core::engine::{OutputLevel, RunCommand, event_pump};
use fanlane_core::event::Event;
use fanlane_core::host::{DetachedError, DetachedRun, DetachedUpdate};
use fanlane_os::clock::monotonic_ns;
use fanlane_os::interrupts;

/// The arguments of `fanlane attach`.
#[derive(Debug, Args)]
pub struct AttachArgs {
    /// The number of a run, or last [default: the only detached run]
    #[arg(value_name = "RUN")]
    run: Option<RunName>,
    /// What is printed.
    #[command(flatten)]
    report: ReportArgs,
}

impl Subcommand for AttachArgs {
    fn perform(self) -> Result<Status> {
        attach(self.run, &self.report.options())
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
    let which = received.run.map_or_else(String::new, |run| format!(" {run}"));
    if let Err(error) = followed {
        if error.kind() != io::ErrorKind::BrokenPipe {
            remark(&format!("{error}; the run is still running"));
        }
        return Ok(Status::SomeFailed);
    }
    received.messages.iter().for_each(|words| remark(words));
    match received.failure {
        _ if report.progress().summary.is_some() => {
            Ok(Status::of_run(report.progress(), 0, report.has_delivered_all()))
        }
        _ if detached.load(Ordering::Acquire) => {
            remark(&format!(
                "run{which} is still running; fanlane attach{which} watches it again, fanlane stop{which} stops it"
            ));
            Ok(Status::Interrupted)
        }
        Some(DetachedError::Refused(words)) => {
            remark(&words);
            Ok(Status::SomeFailed)
        }
        failure => {
            let why = failure.map_or_else(|| "the run ended without a summary".to_owned(), |error| error.to_string());
            remark(&format!("{why}; fanlane resume{which} runs the remaining tasks"));
            Ok(Status::SomeFailed)
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
