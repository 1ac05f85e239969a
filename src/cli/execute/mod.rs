//! From a plan to an exit status: a dry run, a run in the terminal, or the start of a detached run.

pub mod at_end;
pub mod batch;
pub mod breakpoints;
mod checks;
mod dry_run;
pub mod job_log;
pub mod keep;
mod python_function;
pub mod recorded;
pub mod resume;
mod retry;
mod selection;
mod tty;

use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};

use super::detached;
use super::exit_status::Status;
use super::plan::Plan;
use super::report::Report;
use super::report::args::ReportOptions;
use super::run::no_input_words;
use super::suspension::{Suspender, suspend};
use super::terminal::{print, remark};
use super::watch::{self, Controls, Leave, View};
use super::worker_count::WorkerCount;
use crate::session::end_command::{EndedRun, Printing};
use at_end::AtEnd;
use breakpoints::BreakBefore;
pub use checks::{check_detached, check_shell};
use fanlane_core::engine::{self, EngineChoice, RunCommand, RunOptions, Sweep, event_pump};
use fanlane_core::host::{DetachedOrder, TerminalRun};
use fanlane_core::job::{Batch, MAX_WORKERS};
use fanlane_core::store::history::{HistoryRecorder, RunIdTeller};
use fanlane_core::store::results_folder::ResultsFolder;
use fanlane_os::interrupts::Interrupts;
use fanlane_os::machine::cores;
use fanlane_os::terminal_signals::{self, Suspensions};
use keep::{Keep, SpillFolder};
use resume::{Rest, Resume};
use retry::Retry;

pub use python_function::find as find_python;
pub use selection::Selection;

/// What is to be run, and how.
#[derive(Debug)]
pub struct RunRequest {
    /// The job.
    pub plan: Plan,
    /// What runs its tasks.
    pub engine: EngineChoice,
    /// Where it runs.
    pub placement: Placement,
    /// The size of the pool; `None`: as the job has it, or the cores.
    pub workers: Option<WorkerCount>,
    /// How it is reported.
    pub report: ReportOptions,
    /// What is kept.
    pub keep: Keep,
    /// What is resumed.
    pub resume: Option<Resume>,
    /// Which tasks are run.
    pub selection: Selection,
    /// Before which tasks the run pauses.
    pub break_before: Vec<BreakBefore>,
    /// Whether tasks have the terminal, one at a time.
    pub tty: bool,
    /// How many times a dry run quotes its command lines.
    pub quotes: u8,
    /// What is done when the run is done.
    pub at_end: AtEnd,
}

impl RunRequest {
    /// All tasks of a plan, in the terminal, with the defaults of the command line.
    pub fn new(plan: Plan) -> Self {
        Self {
            plan,
            engine: EngineChoice::Local,
            placement: Placement::Terminal,
            workers: None,
            report: ReportOptions::default(),
            keep: Keep::default(),
            resume: None,
            selection: Selection::All,
            break_before: Vec::new(),
            tty: false,
            quotes: 0,
            at_end: AtEnd::default(),
        }
    }
}

/// Where a run takes place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// Nowhere: its command lines are printed.
    DryRun,
    /// In this process, which reports on it.
    Terminal,
    /// As a detached run, which outlives this process.
    Detached,
}

impl Placement {
    /// Reads the flags.
    ///
    /// # Errors
    /// When they contradict each other.
    pub fn of_flags(dry_run: bool, detached: bool) -> Result<Self> {
        match (dry_run, detached) {
            (true, true) => bail!("--dry-run cannot be used with --background: nothing is run"),
            (true, false) => Ok(Self::DryRun),
            (false, true) => Ok(Self::Detached),
            (false, false) => Ok(Self::Terminal),
        }
    }
}

/// Carries out a request, and what is asked for in the view of the run afterwards.
///
/// # Errors
/// When nothing was run.
pub fn run(request: RunRequest) -> Result<Status> {
    let mut request = request;
    loop {
        match run_once(request)? {
            (status, None) => return Ok(status),
            (_, Some(next)) => request = next,
        }
    }
}

/// Carries out a request; returns the status, and what is to be run next.
fn run_once(request: RunRequest) -> Result<(Status, Option<RunRequest>)> {
    let RunRequest {
        mut plan,
        engine: choice,
        placement,
        mut workers,
        mut report,
        keep,
        resume,
        selection,
        break_before,
        tty,
        quotes,
        at_end,
    } = request;
    if placement == Placement::Detached {
        ensure!(
            at_end.is_nothing(),
            "--on-end and --notify cannot be used with --background: this command ends before the run does; write fanlane attach RUN; COMMAND"
        );
        check_detached(&report, &keep, "--background")?;
    }
    let is_watched = report.watch && placement == Placement::Terminal;
    if is_watched {
        watch::check().context("--watch cannot be used here")?;
    }
    let terminal = (tty && placement == Placement::Terminal)
        .then(|| tty::take(&mut plan, &mut workers, &mut report))
        .transpose()?;
    // All tasks have to be known, and a detached run outlives what would feed it. What is typed on a terminal is read before a
    // view takes its keys.
    let is_whole = placement != Placement::Terminal
        || !choice.takes_growing_inputs()
        || resume.is_some()
        || selection != Selection::All
        || !break_before.is_empty()
        || ((is_watched || tty) && io::stdin().is_terminal());
    let (batch, feeding) = match choice.batch()? {
        Some(batch) => (batch, None),
        None if is_whole => (batch::open_whole(&plan)?, None),
        None => batch::open_growing(&plan)?,
    };
    let batch = selection.pick(batch)?;
    let (batch, rest) = match resume {
        Some(resume) => {
            let (batch, rest) = resume.rest(&batch)?;
            (batch, Some(rest))
        }
        None => (batch, None),
    };
    // Elsewhere the interpreter is another one.
    let python = if choice == EngineChoice::Local { python_function::find(&batch)? } else { None };
    if placement == Placement::DryRun {
        python.iter().for_each(|python| remark(&python.facts.words_in(plan.job.mode)));
        let printed = print(|out| dry_run::write_command_lines(&batch, quotes, out))?;
        return Ok((printed, None));
    }
    let pool = pool_size(&choice, workers, &batch, feeding.is_some());
    // What is laid over the job is part of the run, and is kept with it.
    plan.job.workers = workers.map(|_| pool).or(plan.job.workers);
    let is_nothing = rest.is_some() && batch.is_empty() && feeding.is_none();
    if is_nothing {
        remark("nothing is left to run: every task has ended in earlier runs");
    }
    let batch = Arc::new(batch.in_pool(plan.job.workers));
    batch.check_pool(pool).map_err(anyhow::Error::msg)?;
    if placement == Placement::Detached && is_nothing {
        return Ok((Status::AllDone, None));
    }
    check_shell(&batch.job().shell)?;
    let breakpoints = breakpoints::find(&batch, &break_before)?;
    if placement == Placement::Detached {
        let history = keep.history_folder()?;
        let history =
            history.context("FANLANE_NO_HISTORY is set, and only the history keeps the result of a detached run")?;
        rest.iter().for_each(report_on_rest);
        let order = DetachedOrder {
            batch,
            folder: plan.absolute_folder(),
            engine: choice,
            mode: plan.job.mode,
            workers: pool,
            history: Some(history),
            continues: rest.as_ref().and_then(|rest| rest.continues),
            earlier: rest.map_or_else(Default::default, |rest| rest.earlier),
            breakpoints,
            window: false,
            stops_with_starter: false,
        };
        return Ok((detached::start::start(&order, report.style.quiet)?, None));
    }
    let mut keepers = keep.open(&batch, rest.as_ref())?;
    if !is_nothing {
        keepers.history = keep.record_in_history(&plan, &batch, rest.as_ref());
    }
    rest.iter().for_each(report_on_rest);
    let spill = SpillFolder::new(keepers.results.as_ref().map(ResultsFolder::path))?;
    let is_kept = keepers.results.is_some() || keepers.table.is_some();
    let needs_whole = is_kept || report.style.needs_whole_outputs();
    let spill_folder = || needs_whole.then(|| spill.path().to_owned());
    let engine = choice.engine();
    let options = RunOptions::new(plan.job.mode, pool)
        .monitor(keep.record.is_some() || keepers.history.is_some() || is_watched)
        .output(report.output_level())
        .breakpoints(breakpoints)
        .terminal(terminal.is_some())
        .python(python)
        .task_time(batch::known_time(&choice, &batch))
        .spill_folder(spill_folder())
        .gate(keepers.history.as_ref().map(HistoryRecorder::gate));
    let number = keepers.history.as_ref().map(HistoryRecorder::id_teller);
    let number = || number.as_ref().and_then(RunIdTeller::id);
    let streams = report.streams()?;
    let earlier = rest.as_ref().map_or_else(Default::default, |rest| rest.earlier);
    let is_blocked = rest.as_ref().is_some_and(|rest| rest.blocked > 0);
    let retry = Retry { plan: &plan, engine: &choice, workers, report, is_recorded: keepers.history.is_some() };
    let mut view = is_watched
        .then(|| View::open(plan.job.display_name(), &*batch, retry.situation()))
        .transpose()
        .context("--watch cannot be used here")?
        .map(|view| view.resuming(earlier));
    // Before the first task, which a key may interrupt as soon as it is there. A view catches the wish to be suspended itself.
    let interrupts = Interrupts::catch().context("signals cannot be caught")?;
    let suspensions = if is_watched { None } else { Some(Suspensions::catch().context("signals cannot be caught")?) };
    engine::own_process();
    let place = spill.path().parent().map(Path::to_owned);
    let sweep = Sweep::begin(move || place.iter().for_each(|place| keep::remove_abandoned(place)));
    let (sender, events) = event_pump::channel();
    let run = engine.start(Arc::clone(&batch), options, sender).context("the run cannot be started")?;
    if let Some(feeding) = feeding {
        feeding.begin().context("standard input cannot be read: no thread can be started")?;
    }
    let commands = report.commands;
    let (suspender, pauses) = Suspender::new();
    let mut report = Report::new(report.style, &*batch, streams)
        .keeping(keepers, spill_folder())
        .resuming(earlier)
        .printing_commands(commands)
        .pausing(pauses);
    let stop = || match &terminal {
        Some(terminal) => terminal.during(terminal_signals::stop_here),
        None => terminal_signals::stop_here(),
    };

    let ask_to_stop = |signal| run.command(if signal == 1 { RunCommand::Stop } else { RunCommand::StopNow });
    let folder = plan.absolute_folder();
    let reached = TerminalRun { run: &*run, batch: &batch, folder: &folder, number: &number, earlier };
    let follow = || {
        interrupts.during(ask_to_stop, || {
            let followed = match (&mut view, suspensions) {
                (None, Some(suspensions)) => suspensions
                    .during(|| suspender.suspend(&*run, &stop), || report.follow(&events))
                    .and_then(|followed| followed),
                (None, None) => report.follow(&events),
                (Some(view), _) => {
                    let controls =
                        Controls { command: &|command| run.command(command), suspend: &|| suspend(&*run, &stop) };
                    view.follow(&events, &mut report, controls).and_then(|_| report.finish())
                }
            };
            if followed.is_err() {
                run.command(RunCommand::Stop);
                // The run waits for a reader of its events, so they are read to the end.
                events.iter().for_each(|event| report.record_only(&event));
            }
            followed
        })
    };
    let (followed, signals) = reached.reachable_during(follow).context("signals cannot be caught")?;
    run.join();
    drop(terminal);
    let recorded = report.run();
    // A closed standard error can be reported nowhere else.
    let _ = report.close_history();
    let swept = sweep.finish();
    // At once, also where a view stays. What was stopped by hand has come to no end of its own.
    let has_ended = report.progress().summary.as_ref().is_some_and(|summary| !summary.stopped);
    let name = plan.job.display_name().to_owned();
    let ended = EndedRun { name, number: recorded, counts: report.progress().counts };
    let printing = if is_watched { Printing::Nowhere } else { Printing::Here };
    let performed = if has_ended { at_end.perform(&ended, printing) } else { Ok(()) };
    let leave = match &mut view {
        Some(view) if followed.is_ok() => view.linger_unless_interrupted(recorded)?,
        _ => Leave::Ended,
    };
    drop(view);
    let followed = followed.and(report.release());
    if let Some(ended) = swept {
        remark(&ended);
    }
    if batch.is_empty() && batch.job().reads_stdin() && batch.job().pipe.is_none() {
        remark(&no_input_words(batch.job()));
    }
    let next = recorded
        .filter(|_| leave == Leave::Retry)
        .map(|run| RunRequest { at_end: at_end.clone(), ..retry.request(run) });
    let mut status = match followed {
        Ok(()) => Status::of_run(report.progress(), signals, report.has_delivered_all() && !is_blocked),
        Err(error) => unwritable(&mut report, &error, signals),
    };
    if let Err(fault) = performed {
        remark(&fault);
        if status == Status::AllDone {
            status = Status::SomeFailed;
        }
    }
    Ok((status, next))
}

/// Reports what is unusual about the earlier runs.
fn report_on_rest(rest: &Rest) {
    if rest.log.is_some_and(|log| log.whole_bytes < log.read_bytes) {
        remark("the last line of the job log is incomplete; it is ignored and removed");
    }
    if rest.blocked > 0 {
        let count = rest.blocked;
        let flag = rest.continues.map_or("--resume-failed", |_| "--failed");
        remark(&format!(
            "tasks left out because tasks that they wait for failed earlier ({flag} runs those again, and then these): {count}"
        ));
    }
}

/// Standard output or standard error could not be written. A closed pipe is reported by the exit status alone.
fn unwritable(report: &mut Report<'_>, error: &io::Error, signals: u32) -> Status {
    let line = format!("fanlane: {error}; the run was stopped");
    let closed = error.kind() == io::ErrorKind::BrokenPipe;
    // If standard error cannot be written either, the exit status alone reports it.
    let _ = report.abort((!closed).then_some(&line));
    if signals > 0 { Status::Interrupted } else { Status::SomeFailed }
}

fn pool_size(engine: &EngineChoice, flag: Option<WorkerCount>, batch: &Batch, grows: bool) -> u32 {
    match (flag, batch.job().workers) {
        // The number of tasks of a growing batch is unknown.
        (Some(count), _) => count.resolve(cores(), if grows { u64::MAX } else { batch.len() }),
        (None, Some(count)) => count,
        (None, None) if *engine == EngineChoice::Local => cores().min(MAX_WORKERS),
        // As many as the place has free.
        (None, None) => MAX_WORKERS,
    }
}
