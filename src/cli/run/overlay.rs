//! The flags that are laid over a job: how its tasks are run. They become part of the run, so that `fanlane rerun` and
//! `fanlane resume` run with them again, and can lay others over them.

use std::path::PathBuf;

use clap::{ArgAction, Args};

use super::control::ControlArgs;
use crate::cli::choices::{ModeArg, TransportArg};
use crate::cli::worker_count::{self, WorkerCount};
use fanlane_core::job::duration::{self, Limit};
use fanlane_core::job::{Job, Order, amount, field};

/// The values and the folder of a job.
#[derive(Debug, Default, Args)]
pub struct ScopeArgs {
    #[arg(long, visible_alias = "workdir", alias = "work-dir", value_name = "DIR", help = wd_help())]
    pub wd: Option<PathBuf>,
    #[arg(long = "set", alias = "param", value_name = "NAME=VALUE", action = ArgAction::Append)]
    #[arg(value_parser = parse_value, help = set_help())]
    pub values: Vec<(String, String)>,
}

impl ScopeArgs {
    /// Merges the given flags into the job.
    pub fn merge_into(&self, job: &mut Job) {
        if let Some(folder) = &self.wd {
            // As in GNU parallel the tasks run there, whatever folder a job file lies in.
            job.working_dir = Some(std::path::absolute(folder).unwrap_or_else(|_| folder.clone()));
        }
        job.values.extend(self.values.iter().cloned());
    }
}

/// How the tasks of a job are run.
#[derive(Debug, Default, Args)]
pub struct OverlayArgs {
    #[arg(long, visible_alias = "label", value_name = "NAME", value_parser = parse_name, help = name_help())]
    pub name: Option<String>,
    #[arg(short = 'j', long, short_alias = 'P', visible_alias = "jobs", aliases = ["max-procs", "maxprocs"], value_name = "N", allow_hyphen_values = true)]
    #[arg(value_parser = worker_count::parse, help = workers_help())]
    pub workers: Option<WorkerCount>,
    #[arg(long, value_name = "MODE", help = field::MODE.help)]
    pub mode: Option<ModeArg>,
    #[arg(long, value_name = "WAY", help = field::TRANSPORT.help)]
    pub transport: Option<TransportArg>,
    #[arg(long, value_name = "SIZE", value_parser = amount::parse_size, help = field::SHARED_BYTES.help)]
    pub shared_bytes: Option<u64>,
    /// Try a failing task up to N times
    #[arg(long, value_name = "N", value_parser = parse_tries)]
    pub retries: Option<u32>,
    #[arg(long, value_name = "SECS|N%", value_parser = duration::parse_limit, help = timeout_help())]
    pub timeout: Option<Limit>,
    /// The values and the folder of the job.
    #[command(flatten)]
    pub scope: ScopeArgs,
    #[arg(long, value_name = "NAME=VALUE", action = ArgAction::Append, help = field::ENVIRONMENT.help)]
    pub env: Vec<String>,
    #[arg(long, value_name = "TEXT", conflicts_with = "stdin_file", help = field::STDIN.help)]
    pub stdin_text: Option<String>,
    #[arg(long, value_name = "FILE", help = field::STDIN_FILE.help)]
    pub stdin_file: Option<String>,
    /// Start the tasks in a random order; task numbers stay those of the inputs
    #[arg(long, conflicts_with = "order")]
    pub shuf: bool,
    #[arg(long, value_name = "ORDER", help = field::ORDER.help)]
    pub order: Option<Order>,
    /// Seed of --shuf and --sample, to repeat their choice
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// When the run ends early, waits or is limited.
    #[command(flatten)]
    pub control: ControlArgs,
}

impl OverlayArgs {
    /// Merges the given flags into the job. The size of the pool is not among them: it may depend on the number of tasks.
    pub fn merge_into(&self, job: &mut Job) {
        if let Some(name) = &self.name {
            job.name.clone_from(name);
        }
        self.scope.merge_into(job);
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
            job.fix(&field::RETRIES);
        }
        match self.timeout {
            Some(Limit::Time(timeout)) => job.timeout_secs = Some(timeout.secs),
            Some(Limit::PercentOfMedian(percent)) => job.control.timeout_percent = Some(percent),
            None => {}
        }
        self.control.merge_into(&mut job.control);
        if self.control.halt.is_some() {
            job.fix(&field::HALT);
        }
        if self.shuf {
            job.order = Order::Shuffled { seed: self.seed() };
        }
        if let Some(order) = &self.order {
            job.order = order.clone();
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

    /// The seed that was given, or a random one.
    pub fn seed(&self) -> u64 {
        use std::hash::{BuildHasher, RandomState};
        self.seed.unwrap_or_else(|| RandomState::new().hash_one(()))
    }
}

// Flags that say more than their field does.

fn workers_help() -> String {
    let help = field::WORKERS.help;
    format!("{help}. N; +N or -N: the cores plus or minus N; N%: of the cores; 0: one per task")
}

fn name_help() -> String {
    format!("{} [default: that of the job, or the command]", field::NAME.help)
}

fn timeout_help() -> String {
    format!("{}. N%: {}", field::TIMEOUT_SECS.help, field::TIMEOUT_PERCENT.help)
}

fn wd_help() -> String {
    format!("{}; as a flag: paths of inputs and results stay relative to the current folder", field::WORKING_DIR.help)
}

fn set_help() -> String {
    format!("{}. Once for each parameter; fanlane presets show lists those of a preset", field::VALUES.help)
}

fn parse_name(text: &str) -> Result<String, &'static str> {
    match text.trim() {
        "" => Err("a job needs a name; leave --name out to call it by its command"),
        name => Ok(name.to_owned()),
    }
}

fn parse_value(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected the name of a parameter, = and its value")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn parse_tries(text: &str) -> Result<u32, String> {
    match text.parse::<u32>() {
        Ok(tries) if tries >= 1 => Ok(tries),
        _ => Err("expected the number of tries in all, 1 or more".to_owned()),
    }
}
