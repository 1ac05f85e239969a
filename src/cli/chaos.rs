//! `fanlane chaos`, which help does not list: seeded faults against real batches, and one line of JSON with what they came
//! to. Every figure behind the faults has to be 0. The engine that is killed is a process of its own; all other faults
//! happen to runs of this process.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;
use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use rustix::process::{Pid, Signal, kill_process};
use serde::Serialize;

use super::Status;
use crate::engine::{Engine, LocalEngine, RunCommand, RunHandle, RunOptions};
use crate::event::{CallValue, Event, EventKind, Outcome, RunEvent, TaskEvent, TaskId};
use crate::job::workload::random::SplitMix64;
use crate::job::{Batch, Job, Mode};
use crate::mp::process_tree;

mod faults;
mod killed_engine;

use faults::Targets;

/// The words after `fanlane chaos`.
#[derive(Debug, Args)]
pub struct ChaosArgs {
    /// So many faults
    #[arg(long, default_value_t = 200)]
    faults: u64,
    /// What the faults and the batches depend on
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// A run gets so many faults at the most: later ones would meet a pool that has just paused for them.
const FAULTS_OF_RUN: u64 = 25;
/// A run that takes longer is stuck.
const PATIENCE: Duration = Duration::from_secs(120);

/// What it came to.
#[derive(Debug, Default, Serialize)]
struct Figures {
    seed: u64,
    runs: u64,
    tasks: u64,
    injected: u64,
    kinds: BTreeMap<&'static str, u64>,
    /// Tasks that never ended.
    lost: u64,
    /// Tasks that ended more than once.
    duplicated: u64,
    /// Tasks that were done with another result than theirs.
    corrupted: u64,
    /// Processes that outlived their run.
    orphans: u64,
    /// Children that nobody reaped.
    zombies: u64,
    /// Descriptors that are open after all runs and were not before, or the other way round.
    descriptor_change: i64,
}

impl Figures {
    const fn is_clean(&self) -> bool {
        self.lost + self.duplicated + self.corrupted + self.orphans + self.zombies == 0 && self.descriptor_change == 0
    }

    fn count(&mut self, kind: &'static str) {
        self.injected += 1;
        *self.kinds.entry(kind).or_default() += 1;
    }
}

/// Injects faults until there were enough.
///
/// # Errors
/// When a run cannot be started or does not end.
pub fn chaos(args: &ChaosArgs) -> Result<Status> {
    let mut dice = SplitMix64::new(args.seed);
    let mut figures = Figures { seed: args.seed, ..Figures::default() };
    // What is made once and stays is there before the count.
    one_run(&mut dice, &mut figures, 0)?;
    let before = descriptors()?;
    while figures.injected < args.faults {
        if dice.below(6) == 0 {
            killed_engine::round(&mut dice, &mut figures)?;
        } else {
            let most = FAULTS_OF_RUN.min(args.faults - figures.injected);
            one_run(&mut dice, &mut figures, most)?;
        }
    }
    figures.descriptor_change = descriptors()? - before;
    let line = serde_json::to_string(&figures)?;
    super::print(|| writeln!(std::io::stdout(), "{line}"))?;
    Ok(if figures.is_clean() { Status::AllDone } else { Status::SomeFailed })
}

fn descriptors() -> Result<i64> {
    let open = std::fs::read_dir("/proc/self/fd").context("the open files of this process cannot be listed")?;
    Ok(i64::try_from(open.count())?)
}

/// A job of some kind, and what each of its tasks returns or prints.
fn random_job(dice: &mut SplitMix64) -> Result<Job> {
    let rest = "retries: 4, timeout_secs: Some(1.5)";
    let text = match dice.below(4) {
        0 => format!(r#"Job(version: 1, task: Workload(name: "cube"), inputs: [Range(1, 60000)], {rest})"#),
        1 => format!(r#"Job(version: 1, task: Command("echo {{}}; sleep 0.0{{%}}"), inputs: [Range(1, 150)], {rest})"#),
        2 => format!(r#"Job(version: 1, task: Command("/bin/echo {{}}"), inputs: [Range(1, 1500)], {rest})"#),
        _ => format!(
            r#"Job(version: 1, task: Command("echo {{}}; (setsid sleep 1000 >/dev/null 2>&1 &) ; sleep 0.02"),
            inputs: [Range(1, 80)], {rest})"#
        ),
    };
    Ok(Job::parse(&text)?)
}

/// One run with so many faults.
fn one_run(dice: &mut SplitMix64, figures: &mut Figures, faults: u64) -> Result<()> {
    let job = random_job(dice)?;
    let batch = Batch::open(&job, &std::env::current_dir()?, &mut std::io::empty())?;
    let tasks = batch.len();
    let options = RunOptions::new(Mode::ALL[dice.below(3) as usize], 1 + dice.below(5) as u32);
    let (sender, events) = bounded(64);
    let run = LocalEngine::new(super::worker_executable()?).start(Arc::new(batch), options, sender)?;
    let ended = disturb(&*run, &events, dice, figures, faults)?;
    run.join();
    figures.runs += 1;
    figures.tasks += tasks;
    figures.lost += tasks.saturating_sub(ended.len() as u64);
    figures.duplicated += ended.values().filter(|count| **count > 1).count() as u64;
    let (orphans, zombies) = left_behind();
    figures.orphans += orphans;
    figures.zombies += zombies;
    Ok(())
}

/// Takes the events of a run to its end and has faults happen meanwhile. Says how often each task has ended.
fn disturb(
    run: &dyn RunHandle,
    events: &Receiver<Event>,
    dice: &mut SplitMix64,
    figures: &mut Figures,
    faults: u64,
) -> Result<BTreeMap<TaskId, u64>> {
    let until = Instant::now() + PATIENCE;
    let mut ended = BTreeMap::new();
    let mut targets = Targets::default();
    let mut left = faults;
    let mut next_fault = Instant::now();
    loop {
        match events.recv_timeout(Duration::from_millis(5)) {
            Ok(event) => {
                targets.heed(&event.kind);
                match event.kind {
                    EventKind::Task(TaskEvent::Finished(records)) => {
                        for record in records {
                            *ended.entry(record.task).or_default() += 1;
                            figures.corrupted += u64::from(record.outcome == Outcome::Done && !is_right(&record));
                        }
                    }
                    EventKind::Run(RunEvent::Finished(_)) => return Ok(ended),
                    _ => {}
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => bail!("seed {}: a run ended without its summary", figures.seed),
        }
        if Instant::now() > until {
            let counts = format!("{} tasks had ended", ended.len());
            bail!("seed {}: run {} does not end; {counts}", figures.seed, figures.runs + 1);
        }
        if left > 0 && Instant::now() >= next_fault {
            next_fault = Instant::now() + Duration::from_millis(dice.below(25));
            if let Some(kind) = targets.fault(run, dice) {
                figures.count(kind);
                left -= 1;
            }
            if left == 0 {
                targets.go_on();
                // Whatever was asked, the run is let go on now.
                run.command(RunCommand::Resume);
                run.command(RunCommand::SetWorkers(4));
            }
        }
    }
}

/// Whether a task came to what its number says.
fn is_right(record: &crate::event::AttemptRecord) -> bool {
    let number = record.task.number();
    match (&record.value, &record.output) {
        (Some(CallValue::Int(cube)), _) => i64::try_from(number.pow(3)).is_ok_and(|right| right == *cube),
        (None, Some(output)) => output.stdout.head == format!("{number}\n").as_bytes(),
        _ => false,
    }
}

/// Processes that carry this process's marker, and children that nobody reaped.
fn left_behind() -> (u64, u64) {
    let me = std::process::id();
    let zombies = process_tree::children(me).into_iter().filter(|pid| process_tree::has_ended(*pid)).count() as u64;
    let living = process_tree::children(me).len() as u64 - zombies;
    (living + marked(&process_tree::own_mark()), zombies)
}

/// How many processes carry a marker of the engine that begins so; those that are ending right now are given a moment.
fn marked(mark: &str) -> u64 {
    const LOOKS: u32 = 1000;
    let mut count = 0;
    for _ in 0..LOOKS {
        count = process_tree::all()
            .filter(|pid| !process_tree::has_ended(*pid))
            .filter_map(|pid| process_tree::variable(pid, "FANLANE_WORKER"))
            .filter(|marker| marker.starts_with(mark))
            .count();
        if count == 0 {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    count as u64
}

/// Sends a signal to a process that is still below `parent`; says whether it did.
fn signal(pid: u32, signal: Signal) -> bool {
    let number = i32::try_from(pid).ok().and_then(Pid::from_raw);
    number.is_some_and(|pid| kill_process(pid, signal).is_ok())
}
