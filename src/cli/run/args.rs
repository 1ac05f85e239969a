//! The arguments of `fanlane run`, and what they mean: a plan, and how it is run.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::Result;
use clap::{ArgAction, Args};

use super::control::ControlArgs;
use super::keep::KeepArgs;
use crate::cli::choices::{ModeArg, TransportArg};

use crate::cli::execute::{Placement, RunRequest};
use crate::cli::plan::Plan;
use crate::cli::plan::inputs::InputArgs;
use crate::cli::report::args::ReportArgs;
use crate::cli::worker_count::{self, WorkerCount};
use fanlane_core::job::amount;
use fanlane_core::job::duration::{self, Limit};
use fanlane_core::job::{Job, Order, field};

/// The arguments of `fanlane run`.
#[derive(Debug, Default, Args)]
#[command(
    args_override_self = true,
    override_usage = "fanlane run [OPTIONS] JOB.ron\n       \
                      fanlane run [OPTIONS] COMMAND... ::: VALUE...\n       \
                      some-program | fanlane run [OPTIONS] COMMAND...",
    after_help = "\
Inputs, as many sources as you like (each combination is one task):
  ::: VALUE...      these values              ::::  FILE...   the lines of these files (- is standard input)
  :::+ VALUE...     these, linked to the      ::::+ FILE...   the same, linked to the source before
                    source before

Replacement strings: {} the input   {.} without extension   {/} file name   {//} folder   {/.} file name without
extension   {#} number of the task   {%} its slot, 1 to the number of workers   {1} {2} ... input of the first, second,
... source   {1.} {1/} ...   {#:%04d} {1:%3d} padded numbers
Where there is none, the inputs are added at the end. Inputs are quoted: the shell takes each as one literal word. Only
where the first word of the command holds one, or where there is no command, inputs are commands and are not quoted.

Exit status: 0 every task done   1 some task failed, or the inputs broke off   2 bad usage or a bad job, nothing was run
130 interrupted

Examples:
  fanlane run gzip -k {} ::: *.log
  fanlane run -j 4 'convert {} -resize 256 thumbs/{/}' ::: photos/*.jpg
  find . -name '*.flac' | fanlane run --bar 'lame {} {.}.mp3'
  fanlane run --json cubes.ron > cubes.jsonl"
)]
pub struct RunArgs {
    #[arg(short = 'j', long, short_alias = 'P', visible_alias = "jobs", value_name = "N", allow_hyphen_values = true)]
    #[arg(value_parser = worker_count::parse, help = workers_help())]
    pub workers: Option<WorkerCount>,
    #[arg(long, value_name = "MODE", help = field::MODE.help)]
    pub mode: Option<ModeArg>,
    #[arg(long, value_name = "WAY", help = field::TRANSPORT.help)]
    pub transport: Option<TransportArg>,
    #[arg(long, value_name = "SIZE", value_parser = amount::parse_size, help = field::SHARED_BYTES.help)]
    pub shared_bytes: Option<u64>,
    /// What is printed.
    #[command(flatten)]
    pub report: ReportArgs,
    /// Start a detached run and return at once: fanlane attach watches it, fanlane stop ends it
    #[arg(long = "background")]
    pub detached: bool,
    /// Print the command lines and run nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Try a failing task up to N times
    #[arg(long, value_name = "N", value_parser = parse_tries)]
    pub retries: Option<u32>,
    #[arg(long, value_name = "SECS|N%", value_parser = duration::parse_limit, help = timeout_help())]
    pub timeout: Option<Limit>,
    /// Split the command into words and start the program directly: each input is one argument, nothing is expanded
    #[arg(long)]
    pub no_shell: bool,
    #[arg(long, visible_alias = "workdir", value_name = "DIR", help = wd_help())]
    pub wd: Option<PathBuf>,
    /// Flags of GNU parallel that ask for the behaviour here.
    #[arg(long, hide = true, aliases = ["will-cite", "gnu", "no-notice"])]
    pub group: bool,
    #[arg(long, value_name = "NAME=VALUE", action = ArgAction::Append, help = field::ENVIRONMENT.help)]
    pub env: Vec<String>,
    #[arg(long, value_name = "TEXT", conflicts_with = "stdin_file", help = field::STDIN.help)]
    pub stdin_text: Option<String>,
    #[arg(long, value_name = "FILE", help = field::STDIN_FILE.help)]
    pub stdin_file: Option<String>,
    /// How inputs are read.
    #[command(flatten)]
    pub inputs: InputArgs,
    #[arg(short = 'n', long, short_alias = 'N', alias = "max-replace-args", value_name = "N")]
    #[arg(help = field::MAX_ROWS.help)]
    pub max_args: Option<u32>,
    /// Start the tasks in a random order; task numbers stay those of the inputs
    #[arg(long, conflicts_with = "order")]
    pub shuf: bool,
    #[arg(long, value_name = "ORDER", help = field::ORDER.help)]
    pub order: Option<Order>,
    #[arg(long, value_name = "N", help = field::SAMPLE.help)]
    pub sample: Option<u64>,
    /// Seed of --shuf and --sample, to repeat their choice
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// What is kept beside what is printed.
    #[command(flatten)]
    pub keep: KeepArgs,
    /// When the run ends early, waits or is limited.
    #[command(flatten)]
    pub control: ControlArgs,
    /// A job file, or a command with its inputs; all words after the command's first belong to it
    #[arg(trailing_var_arg = true, value_name = "JOB.ron | COMMAND", hide = true)]
    pub words: Vec<OsString>,
}

impl RunArgs {
    /// What is to be run, and how.
    ///
    /// # Errors
    /// When the words or the flags have no meaning, or the job file cannot be read.
    pub fn request(&self) -> Result<RunRequest> {
        let placement = Placement::of_flags(self.dry_run, self.detached)?;
        let mut plan = Plan::of_words(&self.words, &self.inputs, self.wd.is_some())?;
        self.merge_into(&mut plan.job);
        Ok(RunRequest {
            placement,
            workers: self.workers,
            report: self.report.options(),
            keep: self.keep.keep(),
            resume: self.keep.resume()?,
            ..RunRequest::new(plan.check()?)
        })
    }

    /// Merges the flags that a job has fields for into the job. The size of the pool is not among them: it may depend on the
    /// number of tasks.
    fn merge_into(&self, job: &mut Job) {
        if let Some(mode) = self.mode {
            job.mode = mode.into();
        }
        if self.shared_bytes.is_some() {
            job.shared_bytes = self.shared_bytes;
        }
        if let Some(transport) = self.transport {
            job.transport = transport.into();
        }
        if self.workers.is_some() {
            // The job is checked against the pool of this run later.
            job.workers = None;
        }
        if let Some(tries) = self.retries {
            // As in GNU parallel the flag counts tries; a job counts those after the first.
            job.retries = tries - 1;
        }
        match self.timeout {
            Some(Limit::Time(timeout)) => job.timeout_secs = Some(timeout.secs),
            Some(Limit::PercentOfMedian(percent)) => job.control.timeout_percent = Some(percent),
            None => {}
        }
        self.control.merge_into(&mut job.control);
        if let Some(tagstring) = self.keep.tagstring() {
            job.tagstring = Some(tagstring.to_owned());
        }
        if self.max_args.is_some() {
            job.max_args = self.max_args;
        }
        let seed = self.seed.unwrap_or_else(random_seed);
        if self.shuf {
            job.order = Order::Shuffled { seed };
        }
        if let Some(order) = &self.order {
            job.order = order.clone();
        }
        if self.sample.is_some() {
            job.sample = self.sample;
            job.sample_seed = seed;
        }
        if self.no_shell {
            job.shell = false;
        }
        if let Some(folder) = &self.wd {
            // As in GNU parallel the tasks run there, whatever folder a job file lies in.
            job.working_dir = Some(std::path::absolute(folder).unwrap_or_else(|_| folder.clone()));
        }
        for variable in &self.env {
            // As in GNU parallel a name alone means the variable as it is, which every task has already.
            if let Some((name, value)) = variable.split_once('=') {
                job.environment.insert(name.to_owned(), value.to_owned());
            }
        }
        if self.stdin_text.is_some() || self.stdin_file.is_some() {
            job.stdin.clone_from(&self.stdin_text);
            job.stdin_file.clone_from(&self.stdin_file);
        }
    }
}

// Flags that say more than their field does.

fn workers_help() -> String {
    let help = field::WORKERS.help;
    format!("{help}. N; +N or -N: the cores plus or minus N; N%: of the cores; 0: one per task")
}

fn timeout_help() -> String {
    format!("{}. N%: {}", field::TIMEOUT_SECS.help, field::TIMEOUT_PERCENT.help)
}

fn wd_help() -> String {
    format!("{}; as a flag: paths of inputs and results stay relative to the current folder", field::WORKING_DIR.help)
}

fn random_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(())
}

fn parse_tries(text: &str) -> Result<u32, String> {
    match text.parse::<u32>() {
        Ok(tries) if tries >= 1 => Ok(tries),
        _ => Err("expected the number of tries in all, 1 or more".to_owned()),
    }
}
