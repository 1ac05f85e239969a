//! A race of commands: different commands against each other, in turns, so that what troubles the machine troubles all of them.

pub mod args;
pub mod guard;
#[cfg(test)]
mod page;
mod plan;
mod report;
mod run_command;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::{Context, Error, Result, bail, ensure};
use rustix::process::Signal;

use self::args::CommandRaceArgs;
use self::plan::Entry;
use self::run_command::Starter;
use super::args::RaceArgs;
use super::report::Progress;
use crate::cli::exit_status::Status;
use crate::cli::output_file;
use crate::cli::terminal::{print, remark};
use fanlane_core::model::command_race::{CommandRace, RacedCommand};
use fanlane_core::model::race::{RaceEnd, Rules, Schedule, Turn};
use fanlane_core::store::export::command_race::{TableForm, TimeUnit, read_json, write_csv, write_json, write_table};
use fanlane_os::interrupts;

/// Number of runs of each command where none is given and there is time for them.
const USUAL_RUNS: u32 = 10;
/// Maximum number of runs of each command where none is given.
const MAX_RUNS: u32 = 1000;

/// Races the commands of the words.
///
/// # Errors
/// When nothing was raced, or a file cannot be written.
pub fn race(words: &[OsString], args: &RaceArgs) -> Result<Status> {
    let own = &args.commands;
    check_outputs(args)?;
    ensure!(
        own.min_runs.zip(own.max_runs).is_none_or(|(least, most)| least <= most),
        "--min-runs is above --max-runs; give a lower one"
    );
    let entries = plan::entries(words, own)?;
    super::end_orphans();
    let starter = Starter::of(own)?.calibrated()?;
    let is_over = AtomicBool::new(false);
    let (raced, signals) = interrupts::during(
        |count| {
            is_over.store(true, Ordering::SeqCst);
            starter.signal(if count == 1 { Signal::TERM } else { Signal::KILL });
        },
        || run_all(&entries, args, &starter, &is_over),
    )
    .context("signals cannot be caught")?;
    let (race, fault) = raced;
    // What an interrupt has ended has not failed.
    if let Some(fault) = fault.filter(|_| signals == 0) {
        ensure!(race.base().is_some(), "nothing was raced: {fault:#}");
        remark(&format!("{fault:#}"));
        deliver(args, &race)?;
        return Ok(Status::SomeFailed);
    }
    let has_failed = race.commands.iter().any(|command| command.not_done() > 0);
    deliver(args, &race)?;
    Ok(match (signals > 0, has_failed) {
        (true, _) => Status::Interrupted,
        (false, true) => Status::SomeFailed,
        (false, false) => Status::AllDone,
    })
}

/// Shows races of commands that were written as JSON.
///
/// # Errors
/// When one cannot be read.
pub fn show(files: &[PathBuf], args: &RaceArgs) -> Result<Option<Status>> {
    let mut races = Vec::new();
    for file in files {
        let Ok(text) = std::fs::read_to_string(file) else { return Ok(None) };
        match read_json(&text) {
            Ok(race) => races.push(race),
            // It may be a saved race of a batch, which is for another reader.
            Err(_) if !text.contains("\"results\"") => return Ok(None),
            Err(why) => bail!("{} cannot be shown: {why}", file.display()),
        }
    }
    check_outputs(args)?;
    let commands = races.into_iter().flat_map(|race| race.commands).collect();
    let race = CommandRace { commands, reference: None, is_paired: false };
    deliver(args, &race).map(Some)
}

fn check_outputs(args: &RaceArgs) -> Result<()> {
    let own = &args.commands;
    ensure!(
        args.export.is_empty() && args.save.is_none(),
        "--export and --save are for races of one batch; a race of commands has --export-json, --export-csv and --export-markdown"
    );
    super::check_files(own.files(), args.force)
}

/// Runs all commands; returns the race, and what ended it early.
fn run_all(
    entries: &[Entry],
    args: &RaceArgs,
    starter: &Starter,
    is_over: &AtomicBool,
) -> (CommandRace, Option<Error>) {
    let own = &args.commands;
    // What is set up for one command may be in the way of another.
    let is_apart = own.setup.is_some() || own.cleanup.is_some();
    let named = |entry: &Entry| RacedCommand {
        name: entry.name.clone(),
        parameters: entry.parameters.clone(),
        runs: Vec::new(),
    };
    let mut race = CommandRace {
        commands: entries.iter().map(named).collect(),
        reference: own.reference.as_ref().map(|_| 0),
        is_paired: !is_apart,
    };
    let groups: Vec<Vec<usize>> = if is_apart {
        (0..entries.len()).map(|place| vec![place]).collect()
    } else {
        vec![(0..entries.len()).collect()]
    };
    let mut runner = Runner { entries, starter, args, progress: Progress::new(args.quiet), is_over };
    let mut fault = None;
    for group in groups {
        if let Err(error) = runner.run_group(&group, &mut race) {
            fault = Some(error);
            break;
        }
        if is_over.load(Ordering::SeqCst) {
            break;
        }
    }
    runner.progress.end();
    (race, fault)
}

/// Runs commands in turns.
struct Runner<'a> {
    entries: &'a [Entry],
    starter: &'a Starter,
    args: &'a RaceArgs,
    progress: Progress,
    is_over: &'a AtomicBool,
}

impl Runner<'_> {
    fn rules(&self) -> Rules {
        let own = &self.args.commands;
        let runs = self.args.repeat;
        let most_runs = runs.or(own.max_runs).unwrap_or(MAX_RUNS);
        Rules {
            seed: self.args.seed.unwrap_or_else(|| u64::from(std::process::id())),
            warm_up: self.args.warm_up,
            least_runs: runs.or(own.min_runs).unwrap_or(3).min(most_runs),
            most_runs,
            wanted_share: self.args.precision / 100.0,
            time_limit_secs: self.args.time_limit,
            ..Rules::default()
        }
    }

    fn run_group(&mut self, group: &[usize], race: &mut CommandRace) -> Result<()> {
        let rules = self.rules();
        let wanted = rules.wanted_share;
        let usual = USUAL_RUNS.min(rules.most_runs) as usize;
        let mut schedule = Schedule::new(rules, group.len());
        for setup in group.iter().filter_map(|place| self.entries[*place].setup.as_ref()) {
            self.starter.run_aside(setup, "setup")?;
        }
        let begun = Instant::now();
        let mut outcome = Ok(());
        while !self.is_over.load(Ordering::SeqCst) {
            let is_precise = || {
                group.iter().all(|place| {
                    let time = race.commands[*place].time();
                    let share = time.and_then(|time| time.relative_half_width());
                    time.is_some_and(|time| time.count >= usual) && share.is_some_and(|share| share <= wanted)
                })
            };
            let turn = match schedule.next(begun.elapsed().as_secs_f64(), is_precise) {
                Ok(turn) => turn,
                Err(
                    RaceEnd::Failed(_) | RaceEnd::Enough | RaceEnd::TimeLimit | RaceEnd::MostRuns | RaceEnd::Stopped,
                ) => break,
            };
            outcome = self.run_turn(&turn, group[turn.contender], race);
            if outcome.is_err() {
                break;
            }
        }
        // A block that was not run to its end has no pairs.
        let least = group.iter().map(|place| race.commands[*place].runs.len()).min().unwrap_or(0);
        if outcome.is_err() || self.is_over.load(Ordering::SeqCst) {
            group.iter().for_each(|place| race.commands[*place].runs.truncate(least.max(1)));
        }
        for cleanup in group.iter().filter_map(|place| self.entries[*place].cleanup.as_ref()) {
            self.starter.run_aside(cleanup, "cleanup")?;
        }
        outcome
    }

    fn run_turn(&mut self, turn: &Turn, place: usize, race: &mut CommandRace) -> Result<()> {
        let entry = &self.entries[place];
        self.progress.show(turn, self.args.warm_up, &entry.name);
        if let Some(prepare) = &entry.prepare {
            self.starter.run_aside(prepare, "prepare")?;
        }
        let run = self.starter.run(&entry.command)?;
        if let Some(conclude) = &entry.conclude {
            self.starter.run_aside(conclude, "conclude")?;
        }
        if self.is_over.load(Ordering::SeqCst) {
            // What an interrupt may have ended is no time.
            return Ok(());
        }
        if !run.is_done() && !self.args.commands.ignore_failure {
            let how = run.exit_code.map_or_else(|| "a signal".to_owned(), |code| format!("exit code {code}"));
            let which = if turn.warm_up {
                "a warm-up run".to_owned()
            } else {
                format!("run {}", race.commands[place].runs.len() + 1)
            };
            bail!(
                "'{}' ended with {how} in {which}; -i goes on and counts failures, --show-output shows what it says",
                entry.command
            );
        }
        if !turn.warm_up {
            race.commands[place].runs.push(run);
        }
        Ok(())
    }
}

/// Prints the report and writes the files. A file that cannot be written costs neither the report nor the other files.
fn deliver(args: &RaceArgs, race: &CommandRace) -> Result<Status> {
    let own: &CommandRaceArgs = &args.commands;
    let printed =
        print(|out| if args.json { write_json(race, out) } else { report::write(race, own.sort == "mean-time", out) });
    let mut faults: Vec<Error> = Vec::new();
    let mut keep = |written: Result<()>| faults.extend(written.err());
    for file in &own.export_json {
        keep(output_file::write(file, args.force, |out| write_json(race, out)));
    }
    for file in &own.export_csv {
        keep(output_file::write(file, args.force, |out| write_csv(race, out)));
    }
    let unit = own.time_unit.as_deref().map(|unit| match unit {
        "microsecond" => TimeUnit::Microsecond,
        "millisecond" => TimeUnit::Millisecond,
        _ => TimeUnit::Second,
    });
    let tables = [
        (&own.export_markdown, TableForm::Markdown),
        (&own.export_asciidoc, TableForm::AsciiDoc),
        (&own.export_orgmode, TableForm::Org),
    ];
    for (files, form) in tables {
        for file in files {
            keep(output_file::write(file, args.force, |out| write_table(race, form, unit, out)));
        }
    }
    let last = faults.pop();
    faults.iter().for_each(|fault| remark(&format!("{fault:#}")));
    last.map_or(printed, Err)
}
