//! `fanlane add`: puts a job into the queue. It takes what `fanlane run` takes.

use std::ffi::OsString;
use std::io::{self, Read};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use super::{JobTime, parse_time, serve};
use crate::cli::detached;
use crate::cli::execute::{self, Placement, RunRequest, breakpoints};
use crate::cli::exit_status::Status;
use crate::cli::run::{RunArgs, no_input_words};
use crate::cli::run_name::RunName;
use crate::cli::subcommand::Subcommand;
use crate::cli::terminal::{print, remark};
use fanlane_core::engine::EngineChoice;
use fanlane_core::job::Batch;
use fanlane_core::job::batch::BatchError;
use fanlane_core::job::inputs::InputError;
use fanlane_core::job::parameter::ParameterError;
use fanlane_core::store::queue::{After, Change, JobQueue, NewJob, own_environment};
use fanlane_os::machine::cores;

/// The arguments of `fanlane add`.
#[derive(Debug, Args)]
pub struct AddArgs {
    /// Start it not before a time: 22:30, '2026-11-23 08:00', +90m
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    at: Option<JobTime>,
    /// Do not start it until fanlane queue release
    #[arg(long)]
    hold: bool,
    /// Start it once all tasks of this job of the queue are done; if some fail, it is held
    #[arg(long, value_name = "ID")]
    after: Vec<u64>,
    /// Start it once this detached run has ended, however it ends: its number, or last
    #[arg(long, value_name = "RUN")]
    after_run: Option<RunName>,
    /// Put it into this group of jobs; fanlane queue group makes one
    // Called --group where help::commands has taken that name from an option of fanlane run that changes nothing.
    #[arg(long = "job-group", value_name = "GROUP")]
    job_group: Option<String>,
    /// Put it in front of jobs that wait with a lower priority; that of most is 0
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true, hide_default_value = true)]
    priority: i32,
    /// Start it now, beside what runs
    #[arg(long, conflicts_with_all = ["hold", "at", "after", "after_run"])]
    immediate: bool,
    /// What is run, and how.
    #[command(flatten)]
    run: RunArgs,
}

impl Subcommand for Box<AddArgs> {
    fn perform(mut self) -> Result<Status> {
        // It runs detached, also where nothing says so.
        self.run.detached |= !self.run.dry_run;
        self.run.parallel.set_temporary_folder()?;
        let request = self.run.request()?;
        if request.placement == Placement::DryRun {
            return execute::run(request);
        }
        self.add(request)
    }

    fn words(&mut self) -> Option<&mut Vec<OsString>> {
        Some(&mut self.run.words)
    }
}

impl AddArgs {
    /// The names of files with options.
    pub fn profiles(&self) -> &[String] {
        self.run.profiles()
    }

    fn add(&self, request: RunRequest) -> Result<Status> {
        let RunRequest { plan, engine, workers, report, keep, resume, break_before, tty, at_end, .. } = request;
        ensure!(
            engine == EngineChoice::Local,
            "a job of the queue runs on this machine: leave --engine and -S out, or run it at once with fanlane run --background"
        );
        ensure!(
            at_end.is_nothing(),
            "--on-end and --notify have no meaning for a job of the queue; put the command at the end of a job that waits for it: fanlane add --after ID"
        );
        execute::check_detached(&report, &keep, "fanlane add")?;
        if resume.is_some() {
            bail!(
                "what is resumed is decided when it starts, so a job of the queue cannot be a resumed run; use fanlane resume"
            );
        }
        ensure!(!tty, "--tty cannot be used with fanlane add: a job of the queue has no terminal");
        let history = keep.history_folder()?;
        let history = history
            .context("FANLANE_NO_HISTORY is set, and only the history keeps the result of a job of the queue")?;
        execute::check_shell(&plan.job.shell)?;
        let mut job = plan.job.clone();
        let stdin = if job.reads_stdin() { Some(read_stdin()?) } else { None };
        let folder = plan.absolute_folder();
        let after = self.after()?;
        // What it waits for may make its inputs.
        let numbers = match Batch::open(&job, &folder, &mut stdin.as_deref().unwrap_or_default()) {
            Ok(batch) => {
                if batch.is_empty() && job.reads_stdin() {
                    bail!("nothing was added: {}", no_input_words(&job));
                }
                execute::find_python(&batch)?;
                let breakpoints = breakpoints::find(&batch, &break_before)?;
                let pool = workers.map(|count| count.resolve(cores(), batch.len()));
                job.workers = pool.or(job.workers);
                batch.in_pool(job.workers).check_pool(job.workers.unwrap_or_else(cores)).map_err(anyhow::Error::msg)?;
                Some(breakpoints.into_iter().map(|task| task.0 + 1).collect())
            }
            Err(error) if !after.is_empty() && may_come(&error) => {
                job.workers = workers.map(|count| count.resolve(cores(), u64::MAX)).or(job.workers);
                None
            }
            Err(error) => {
                let advice = if after.is_empty() && may_come(&error) {
                    "nothing was added; if another job makes its inputs, say so with --after ID"
                } else {
                    "nothing was added"
                };
                return Err(anyhow::Error::new(error).context(advice));
            }
        };
        let is_read = numbers.is_some();
        let break_before = numbers.map_or_else(|| breakpoints::only_numbers(&break_before), Ok)?;
        let new = NewJob {
            job,
            folder,
            environment: own_environment(),
            break_before,
            stdin,
            held: self.hold,
            at_unix_ms: self.at.and_then(|at| at.0),
            after,
            group: self.job_group.clone(),
            priority: self.priority,
        };
        detached::detached_runs().check_folder()?;
        let queue = JobQueue::beside_history(&history);
        let id = queue.add(new)?;
        if self.immediate {
            queue.change(&[id], Change::Start)?;
        }
        if !report.style.quiet {
            let inputs =
                if is_read { "" } else { ", and its inputs, which cannot be read yet, are read when it starts" };
            remark(&format!(
                "job {id} is in the queue{inputs}; fanlane queue lists the jobs, fanlane queue drop {id} takes it out"
            ));
        }
        serve(&queue);
        print(|out| writeln!(out, "{id}"))
    }

    fn after(&self) -> Result<Vec<After>> {
        let jobs = self.after.iter().map(|id| After::Job(*id));
        let run = self.after_run.map(|name| detached::find(Some(name))).transpose()?;
        let run = run.map(|watching| After::Run { run: watching.info.run, lock: watching.lock_file() });
        Ok(jobs.chain(run).collect())
    }
}

/// Whether a job before this one may make what is missing. Other faults of a job do not pass.
fn may_come(error: &BatchError) -> bool {
    match error {
        BatchError::WorkingDir { .. }
        | BatchError::Input { error: InputError::Unreadable { .. } | InputError::NoMatch { .. }, .. } => true,
        BatchError::Parameter(fault) => matches!(*fault.error, ParameterError::NotThere { .. }),
        _ => false,
    }
}

fn read_stdin() -> Result<Vec<u8>> {
    let mut read = Vec::new();
    io::stdin().lock().read_to_end(&mut read).context("standard input cannot be read")?;
    Ok(read)
}
