//! `fanlane run`: from a plan to an exit status.

use std::fs::File;
use std::io::{self, BufReader, BufWriter};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::args::RunArgs;
use super::plan::Plan;
use super::report::Report;
use super::resume::Rest;
use super::worker_count::WorkerCount;
use super::{Status, background, keep_args, resume, tasks};
use crate::engine::{self, Engine, LocalEngine, RunCommand, RunOptions, Sweep, event_pump};
use crate::job::batch::BatchFeed;
use crate::job::{Batch, MAX_WORKERS};
use crate::model::Progress;
use crate::mp::interrupts;
use crate::store::history::{self, Known};
use crate::store::results_folder::ResultsFolder;

/// How much of standard input is read at once, as much as a pipe holds.
const STDIN_BYTES: usize = 1 << 16;

/// Does what `fanlane run` was asked to do.
///
/// # Errors
/// When nothing was run: bad usage, a bad job, inputs that cannot be read.
pub fn run(args: &RunArgs) -> Result<Status> {
    run_plan(Plan::new(args)?, args, Which::All)
}

/// Which tasks of a plan are run, beside what is left out by resuming.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// All.
    All,
    /// Those that a run of the history did not end with success.
    FailedOf(i64),
    /// Those with these numbers.
    Numbers(Vec<u64>),
}

/// Runs a plan as `args` want it reported.
///
/// # Errors
/// When nothing was run.
pub fn run_plan(plan: Plan, args: &RunArgs, which: Which) -> Result<Status> {
    if args.background {
        background::check(args)?;
    }
    let (batch, feeding) = open(&plan, args, &which)?;
    let batch = in_order_of_history(batch)?;
    let batch = resume::pick(batch, &which)?;
    let (batch, rest) = resume::rest(&args.keep, batch)?;
    if args.dry_run {
        return super::print(|| tasks::write_command_lines(&batch, &mut BufWriter::new(io::stdout().lock())));
    }
    let batch = Arc::new(batch);
    let pool = workers(args.workers, &batch, feeding.is_some());
    check_pool(&batch, pool)?;
    if args.background {
        rest.as_ref().inspect(|rest| tell(rest));
        return background::start(&plan, args, batch, pool, rest.as_ref());
    }
    let mut keepers = args.keep.open(&batch, rest.as_ref())?;
    keepers.history = keep_args::history(&args.keep, &plan, &batch, rest.as_ref());
    rest.as_ref().inspect(|rest| tell(rest));
    let spill = spill(args, keepers.results.as_ref().map(ResultsFolder::path));
    let spill_folder = || spill.as_ref().map(|folder| folder.path().to_owned());
    let engine = LocalEngine::new(worker_executable()?);
    let options = RunOptions::new(plan.job.mode, pool)
        .monitor(args.keep.record.is_some() || keepers.history.is_some())
        .spill_folder(spill_folder());
    let streams = args.report.streams()?;
    let is_blocked = rest.as_ref().is_some_and(|rest| rest.blocked > 0);
    engine::own_process();
    let sweep = Sweep::begin(|| ());
    let (events_in, events) = event_pump::channel();
    let run = engine.start(Arc::clone(&batch), options, events_in).context("the run cannot be started")?;
    if let Some(feeding) = feeding {
        feeding.begin().context("standard input cannot be read: no thread can be started")?;
    }
    let mut report = Report::new(args.report.style(), &*batch, streams)
        .keeping(keepers, spill_folder())
        .resuming(rest.as_ref().map_or_else(Default::default, |rest| rest.earlier));

    let ask_to_stop = |signal| run.command(if signal == 1 { RunCommand::Stop } else { RunCommand::StopNow });
    let (followed, signals) = interrupts::during(ask_to_stop, || {
        let followed = report.follow(&events);
        if followed.is_err() {
            run.command(RunCommand::Stop);
            // The run waits for a reader of its events, so they are read to the end.
            events.iter().for_each(|event| report.record_only(&event));
        }
        followed
    })
    .context("signals cannot be caught")?;
    run.join();
    // Whoever closed standard error hears nothing of it.
    let _ = report.close_history();
    if let Some(ended) = sweep.finish() {
        super::remark(&ended);
    }
    Ok(match followed {
        Ok(()) => match status(report.progress(), signals) {
            Status::AllDone if !report.has_kept_all() || is_blocked => Status::SomeFailed,
            status => status,
        },
        Err(error) => unwritable(&mut report, &error, signals),
    })
}

/// Says what is odd about the runs before.
fn tell(rest: &Rest) {
    if rest.log.is_some_and(|log| log.whole_bytes < log.read_bytes) {
        super::remark("the job log's last line was cut off in the midst of writing: it is no task's, and is removed");
    }
    if rest.blocked > 0 {
        let count = rest.blocked;
        super::remark(&format!(
            "tasks left out because others that they wait for failed earlier, which --resume-failed runs again: {count}"
        ));
    }
}

/// Opens the batch. One that standard input is read for grows while it runs, unless something has to know all of it.
///
/// # Errors
/// When an input or the job cannot be used.
fn open(plan: &Plan, args: &RunArgs, which: &Which) -> Result<(Batch, Option<Feeding>)> {
    let resumes = args.keep.resume || args.keep.resume_failed || args.keep.resume_run.is_some() || *which != Which::All;
    // A run in the background outlives whoever would feed it.
    if args.dry_run || args.background || resumes || Batch::obstacle_to_growth(&plan.job).is_some() {
        return Ok((Batch::open(&plan.job, &plan.folder, &mut io::stdin().lock())?, None));
    }
    let stdin = io::stdin().as_fd().try_clone_to_owned().context("standard input cannot be read")?;
    let mut stdin = BufReader::with_capacity(STDIN_BYTES, File::from(stdin));
    let (batch, feed) = Batch::open_growing(&plan.job, &plan.folder, &mut stdin)?;
    Ok((batch, Some(Feeding { feed, stdin })))
}

/// Puts a batch in order by the history, where its job asks for that, and says how much of it was known. A history that
/// cannot be read costs the order and not the run.
///
/// # Errors
/// When there are too many tasks for such an order.
pub fn in_order_of_history(batch: Batch) -> Result<Batch> {
    let folder = history::default_folder().ok();
    let (batch, known) = history::longest_first(batch, folder.as_deref())?;
    if let Some(Known { tasks, of, fault }) = known {
        super::remark(&match fault {
            Some(fault) => format!("the tasks begin as the inputs have them, not the longest first: {fault}"),
            None => format!("the history knows how long {tasks} of {of} tasks take; the others begin before them"),
        });
    }
    Ok(batch)
}

/// Refuses what could never begin in a pool of this size.
fn check_pool(batch: &Batch, workers: u32) -> Result<()> {
    if let Some(requests) = batch.requests() {
        requests.check_pool(workers, |task| batch.number(task))?;
    }
    if let Some(problem) = batch.job().check_in_pool(workers).first() {
        anyhow::bail!("{problem}");
    }
    Ok(())
}

/// Standard input on its way into a batch.
struct Feeding {
    feed: BatchFeed,
    stdin: BufReader<File>,
}

impl Feeding {
    /// Reads aside until the end. The thread is not waited for: a pipe that is silent would hold up the end of a run
    /// that was interrupted.
    fn begin(mut self) -> io::Result<()> {
        let thread = std::thread::Builder::new().name("standard input".to_owned());
        thread.spawn(move || match self.feed.read_from(&mut self.stdin) {
            Ok(()) => self.feed.close(),
            Err(error) => self.feed.fail(&error),
        })?;
        Ok(())
    }
}

/// How a run ended, as the exit status says it.
pub fn status(progress: &Progress, signals: u32) -> Status {
    match &progress.summary {
        Some(summary) if signals > 0 && summary.stopped => Status::Interrupted,
        Some(summary) if summary.counts.not_done() == 0 && progress.inputs_fault.is_none() => Status::AllDone,
        Some(_) | None => Status::SomeFailed,
    }
}

/// Our own output could not be written. Whoever closed the pipe has seen enough and wants to hear no more of it.
fn unwritable(report: &mut Report<'_>, error: &io::Error, signals: u32) -> Status {
    let line = format!("fanlane: {error}; the run was stopped");
    let closed = error.kind() == io::ErrorKind::BrokenPipe;
    // If standard error cannot be written either, only the exit status is left to say so.
    let _ = report.give_up((!closed).then_some(&line));
    if signals > 0 { Status::Interrupted } else { Status::SomeFailed }
}

/// Where the streams of commands go that are too long for memory, if somebody takes them from there.
fn spill(args: &RunArgs, results: Option<&Path>) -> Option<TempDir> {
    if args.report.json && results.is_none() {
        return None;
    }
    match keep_args::spill_folder(results) {
        Ok(folder) => Some(folder),
        Err(error) => {
            super::remark(&format!(
                "no folder can be made for long outputs, so the middle of those beyond 1 MiB will be left out: {error}"
            ));
            None
        }
    }
}

fn workers(flag: Option<WorkerCount>, batch: &Batch, grows: bool) -> u32 {
    let cores = cores();
    match (flag, batch.job().workers) {
        // As many as can be, where nobody knows how many there will be.
        (Some(count), _) => count.resolve(cores, if grows { u64::MAX } else { batch.len() }),
        (None, Some(count)) => count,
        (None, None) => cores.min(MAX_WORKERS),
    }
}

fn cores() -> u32 {
    std::thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(u32::MAX))
}

/// The executable of workers: this program, by a way that an upgrade of its file does not cut.
///
/// # Errors
/// When the system does not say where this program lies.
pub fn worker_executable() -> Result<PathBuf> {
    if cfg!(target_os = "linux") {
        return Ok("/proc/self/exe".into());
    }
    std::env::current_exe().context("the path of this program cannot be found")
}
