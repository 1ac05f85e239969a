//! Seeded faults against real batches, and one line of JSON with the result:
//! `cargo test --test chaos -- --faults 300 --seed 5`. All figures but those of the faults have to be 0, or the exit status
//! is 1. Killed engines are processes of the built program; all other faults happen to runs of this process, whose workers
//! are this executable, so it has a `main` of its own.

mod faults;
mod killed_engine;

use std::collections::BTreeMap;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use rustix::process::{Pid, Signal, kill_process};
use serde::Serialize;

use fanlane_core::engine::{self, Engine, LocalEngine, RunCommand, RunHandle, RunOptions};
use fanlane_core::event::{CallValue, Event, EventKind, Outcome, RunEvent, TaskEvent, TaskId};
use fanlane_core::job::workload::random::SplitMix64;
use fanlane_core::job::{Batch, Job, Mode};
use fanlane_mp as mp;
use fanlane_os::process_tree;

use faults::Targets;

/// Maximum number of faults in one run: further ones would meet a pool that pauses after the earlier ones.
const MAX_FAULTS_OF_RUN: u64 = 25;
/// Maximum duration of a run; a longer one is stuck.
const RUN_TIMEOUT: Duration = Duration::from_secs(120);

/// The result.
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
    /// Children that were not reaped.
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

fn main() -> Result<ExitCode> {
    mp::init([engine::worker_role()]);
    let words: Vec<String> = std::env::args().skip(1).collect();
    let Some(Wanted { faults, seed }) = Wanted::read(&words)? else { return Ok(ExitCode::SUCCESS) };
    let figures = seeded_faults_lose_nothing_and_leave_nothing(faults, seed)?;
    writeln!(std::io::stdout(), "{}", serde_json::to_string(&figures)?)?;
    Ok(if figures.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Injects faults until there were enough. All but their own figures are 0 if nothing was lost and nothing left behind.
fn seeded_faults_lose_nothing_and_leave_nothing(faults: u64, seed: u64) -> Result<Figures> {
    let mut dice = SplitMix64::new(seed);
    let mut figures = Figures { seed, ..Figures::default() };
    // What is opened once and stays open is opened before the count.
    one_run(&mut dice, &mut figures, 0)?;
    let before = descriptors()?;
    while figures.injected < faults {
        if dice.below(6) == 0 {
            killed_engine::round(&mut dice, &mut figures)?;
        } else {
            let count = MAX_FAULTS_OF_RUN.min(faults - figures.injected);
            one_run(&mut dice, &mut figures, count)?;
        }
    }
    figures.descriptor_change = descriptors()? - before;
    Ok(figures)
}

/// What the command line asks for.
struct Wanted {
    faults: u64,
    seed: u64,
}

impl Wanted {
    /// Reads `--faults N` and `--seed N`. `None`: the words of `cargo test` select other tests, or a list of tests is printed.
    fn read(words: &[String]) -> Result<Option<Self>> {
        const NAME: &str = "seeded_faults_lose_nothing_and_leave_nothing";
        let mut wanted = Self { faults: 200, seed: 7 };
        let mut filters = Vec::new();
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            let number = match word.as_str() {
                "--list" => {
                    writeln!(std::io::stdout(), "{NAME}: test")?;
                    return Ok(None);
                }
                "--faults" => &mut wanted.faults,
                "--seed" => &mut wanted.seed,
                flag if flag.starts_with('-') => continue,
                filter => {
                    filters.push(filter);
                    continue;
                }
            };
            *number = rest.next().with_context(|| format!("{word} needs a number"))?.parse()?;
        }
        Ok((filters.is_empty() || filters.iter().any(|filter| NAME.contains(filter))).then_some(wanted))
    }
}

fn descriptors() -> Result<i64> {
    let open = std::fs::read_dir("/proc/self/fd").context("the open files of this process cannot be listed")?;
    Ok(i64::try_from(open.count())?)
}

/// A random job, whose results follow from the numbers of its tasks.
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

/// One run with this number of faults.
fn one_run(dice: &mut SplitMix64, figures: &mut Figures, faults: u64) -> Result<()> {
    let job = random_job(dice)?;
    let batch = Batch::open(&job, &std::env::current_dir()?, &mut std::io::empty())?;
    let tasks = batch.len();
    let options = RunOptions::new(Mode::ALL[dice.below(3) as usize], 1 + dice.below(5) as u32);
    let (sender, events) = bounded(64);
    let run = LocalEngine::this_program().start(Arc::new(batch), options, sender)?;
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

/// Takes the events of a run to its end and injects faults meanwhile. Returns how often each task ended.
fn disturb(
    run: &dyn RunHandle,
    events: &Receiver<Event>,
    dice: &mut SplitMix64,
    figures: &mut Figures,
    faults: u64,
) -> Result<BTreeMap<TaskId, u64>> {
    let until = Instant::now() + RUN_TIMEOUT;
    let mut ended = BTreeMap::new();
    let mut targets = Targets::default();
    let mut left = faults;
    let mut next_fault = Instant::now();
    loop {
        match events.recv_timeout(Duration::from_millis(5)) {
            Ok(event) => {
                targets.apply(&event.kind);
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
                // A paused or empty pool goes on.
                run.command(RunCommand::Resume);
                run.command(RunCommand::SetWorkers(4));
            }
        }
    }
}

/// Whether the result of a task is right for its number.
fn is_right(record: &fanlane_core::event::AttemptRecord) -> bool {
    let number = record.task.number();
    match (&record.value, &record.output) {
        (Some(CallValue::Int(cube)), _) => i64::try_from(number.pow(3)).is_ok_and(|right| right == *cube),
        (None, Some(output)) => output.stdout.head == format!("{number}\n").as_bytes(),
        _ => false,
    }
}

/// Numbers of processes with this process's marker, and of children that were not reaped.
fn left_behind() -> (u64, u64) {
    let me = std::process::id();
    let zombies = process_tree::children(me).into_iter().filter(|pid| process_tree::has_ended(*pid)).count() as u64;
    let living = process_tree::children(me).len() as u64 - zombies;
    (living + marked(&process_tree::own_mark()), zombies)
}

/// Number of processes with an engine's marker that begins with `mark`; processes that are ending are waited for.
fn marked(mark: &str) -> u64 {
    const MAX_LOOKS: u32 = 1000;
    let mut count = 0;
    for _ in 0..MAX_LOOKS {
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

/// Sends a signal to a process; false if there is none.
fn signal(pid: u32, signal: Signal) -> bool {
    let number = i32::try_from(pid).ok().and_then(Pid::from_raw);
    number.is_some_and(|pid| kill_process(pid, signal).is_ok())
}
