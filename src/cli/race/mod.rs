//! `fanlane race`: the same batch in several modes and pool sizes, or different commands, in turns, and how they compare.

mod args;
mod commands;
mod report;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Error, Result, bail, ensure};

use super::execute::batch::open_whole;
use super::exit_status::Status;
use super::output_file;
use super::plan::inputs::InputArgs;
use super::plan::{Plan, WordRules};
use super::subcommand::Subcommand;
use super::terminal::{print, remark};
use crate::session::Machine;
use crate::session::race::{Race, RaceEngine, RacePlan};
use fanlane_core::engine::{Sweep, event_pump, own_engine, own_process};
use fanlane_core::job::{Mode, TaskTemplate};
use fanlane_core::model::race::{Contender, RaceEnd, RaceModel, Rules, chunks};
use fanlane_core::store::export::race::{write_csv, write_json, write_markdown};
use fanlane_core::store::output_target;
use fanlane_core::store::race as saved;
use fanlane_os::interrupts;
use fanlane_os::terminal_signals::{self, Suspensions};

pub use args::RaceArgs;
use args::{ChunkSizes, ExportArg, WorkArg};
use commands::args::are_commands;
pub use commands::guard::guard_role;
use report::{Progress, write_beside, write_report};

impl Subcommand for Box<RaceArgs> {
    fn perform(self) -> Result<Status> {
        if self.show.is_empty() { race(&self) } else { show(&self) }
    }

    fn words(&mut self) -> Option<&mut Vec<OsString>> {
        Some(&mut self.words)
    }
}

fn race(args: &RaceArgs) -> Result<Status> {
    let scope = &args.scope;
    let has_batch_flag = args.pep371.is_some()
        || !args.workers.is_empty()
        || args.chunks.is_some()
        || args.interpreter.is_some()
        || scope.wd.is_some()
        || !scope.values.is_empty();
    if are_commands(&args.words, &args.commands, has_batch_flag)? {
        return commands::race(&args.words, args);
    }
    check_outputs(args)?;
    let machine = Machine::this();
    let plan = plan(args, machine)?;
    own_process();
    end_orphans();
    let engine = RaceEngine { engine: own_engine(), machine };
    let (sender, events) = event_pump::channel();
    let suspensions = Suspensions::catch().context("signals cannot be caught")?;
    let race = Race::start(plan, engine, sender).context("the race cannot be started")?;
    let mut model = RaceModel::default();
    let mut progress = Progress::new(args.quiet);
    let (followed, signals) = interrupts::during(
        |_| race.stop(),
        || {
            let suspend = || race.suspend_during(&mut terminal_signals::stop_here);
            suspensions.during(suspend, || {
                for event in &events {
                    model.apply(event);
                    if let (Some(header), Some(current)) = (&model.header, &model.current) {
                        let turn = &current.turn;
                        progress.show(turn, header.rules.warm_up, &header.contenders[turn.contender].name());
                    }
                }
            })
        },
    )
    .context("signals cannot be caught")?;
    followed.context("signals cannot be caught")?;
    race.join();
    progress.end();
    let status = match &model.end {
        Some(RaceEnd::Failed(why)) if model.runs.is_empty() => bail!("nothing was raced: {why}"),
        _ if signals > 0 => Status::Interrupted,
        Some(RaceEnd::Failed(_)) | None => Status::SomeFailed,
        _ if model.runs.iter().any(|run| run.counts.not_done() > 0) => Status::SomeFailed,
        _ => Status::AllDone,
    };
    deliver(args, &model)?;
    Ok(status)
}

/// Ends what killed runs have left, before the race: it would take CPU from the first contender.
fn end_orphans() {
    if let Some(ended) = Sweep::begin(|| ()).finish() {
        remark(&ended);
    }
}

/// Finds out before the race whether its results can be written.
fn check_outputs(args: &RaceArgs) -> Result<()> {
    check_files(args.save.iter().chain(&args.export), args.force)?;
    for file in &args.export {
        ExportArg::of(file)?;
    }
    Ok(())
}

fn check_files<'a>(files: impl IntoIterator<Item = &'a PathBuf>, force: bool) -> Result<()> {
    for file in files {
        if output_target::is_stream(file) {
            continue;
        }
        ensure!(force || !file.exists(), "{} exists already; name another file, or add --force", file.display());
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        ensure!(folder.is_dir(), "{} cannot be written: there is no folder {}", file.display(), folder.display());
    }
    Ok(())
}

fn plan(args: &RaceArgs, machine: Machine) -> Result<RacePlan> {
    let defaults = Rules::default();
    let runs = args.repeat;
    let rules = Rules {
        seed: args.seed.unwrap_or_else(|| u64::from(std::process::id())),
        warm_up: args.warm_up,
        least_runs: runs.unwrap_or(defaults.least_runs),
        most_runs: runs.unwrap_or(defaults.most_runs),
        wanted_share: args.precision / 100.0,
        time_limit_secs: args.time_limit,
        ..defaults
    };
    if let Some(work) = args.pep371 {
        ensure!(args.words.is_empty(), "--pep371 has its own six workloads, so it takes no job");
        let interpreter = args.interpreter.as_deref();
        ensure!(
            interpreter.is_none() || work == WorkArg::Python,
            "--interpreter is about functions of Python; race them by --pep371=python"
        );
        return Ok(RacePlan::pep371(work.into(), interpreter, rules, &std::env::temp_dir())?);
    }
    ensure!(
        !args.words.is_empty(),
        "there is nothing to race; give a job file (fanlane race JOB.ron), a command (fanlane race echo {{}} ::: a b), or add --pep371"
    );
    let has_wd = args.scope.wd.is_some();
    let mut plan = Plan::of_words(&args.words, &InputArgs::default(), &WordRules::default(), has_wd)?;
    args.scope.merge_into(&mut plan.job);
    match &mut plan.job.task {
        TaskTemplate::Python(spec) if args.interpreter.is_some() => spec.interpreter.clone_from(&args.interpreter),
        _ => ensure!(
            args.interpreter.is_none(),
            "--interpreter is about a Python function, and this job calls none; leave it out"
        ),
    }
    let plan = plan.check()?;
    let batch = Arc::new(open_whole(&plan)?);
    let modes: Vec<Mode> = args.modes.iter().map(|mode| (*mode).into()).collect();
    let usual = || {
        let mut sizes = Contender::usual_sizes(machine.logical_cores);
        sizes.extend(plan.job.workers);
        sizes.sort_unstable();
        sizes
    };
    let sizes = if args.workers.is_empty() { usual() } else { args.workers.clone() };
    let mut contenders = Contender::sweep(&modes, &sizes);
    if let Some(asked) = &args.chunks {
        let workers = sizes.iter().copied().max().unwrap_or(1);
        let chunks = match asked {
            ChunkSizes::Usual => chunks::usual_sizes(batch.len(), workers),
            ChunkSizes::These(these) => these.clone(),
        };
        let pool = Contender::new(Mode::Pool, workers);
        if !contenders.contains(&pool) {
            contenders.push(pool.clone());
        }
        contenders.extend(chunks.into_iter().map(|chunk| Contender { chunk: Some(chunk), ..pool.clone() }));
    }
    Ok(RacePlan::of_batch(batch, contenders, rules)?)
}

fn show(args: &RaceArgs) -> Result<Status> {
    if let Some(status) = commands::show(&args.show, args)? {
        return Ok(status);
    }
    let races = args.show.iter().map(|file| saved::open(file)).collect::<Result<Vec<_>, _>>()?;
    check_outputs(args)?;
    match races.as_slice() {
        [race] => deliver(args, race),
        _ => {
            ensure!(
                args.export.is_empty() && args.save.is_none(),
                "--export and --save take one race; show the others without them"
            );
            print(|out| {
                if args.json {
                    races.iter().try_for_each(|race| write_json(race, out))
                } else {
                    write_beside(&races, out)
                }
            })
        }
    }
}

/// Prints the report and writes the files. A race takes long: a file that cannot be written costs neither the report nor
/// the other files.
fn deliver(args: &RaceArgs, race: &RaceModel) -> Result<Status> {
    let printed = print(|out| if args.json { write_json(race, out) } else { write_report(race, out) });
    let save = |file: &PathBuf| Ok(saved::save(race, file, output_file::existing(args.force))?);
    let exported = args.export.iter().map(|file| export(file, args.force, race));
    let mut faults: Vec<Error> = args.save.iter().map(save).chain(exported).filter_map(Result::err).collect();
    let last = faults.pop();
    faults.iter().for_each(|fault| remark(&format!("{fault:#}")));
    last.map_or(printed, Err)
}

fn export(file: &Path, force: bool, race: &RaceModel) -> Result<()> {
    let format = ExportArg::of(file)?;
    output_file::write(file, force, |out| match format {
        ExportArg::Csv => write_csv(race, out),
        ExportArg::Json => write_json(race, out),
        ExportArg::Markdown => write_markdown(race, out),
    })
}
