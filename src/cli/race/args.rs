//! The arguments of `fanlane race`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};

use super::commands::args::CommandRaceArgs;
use crate::cli::choices::ModeArg;
use crate::cli::run::ScopeArgs;
use fanlane_core::job::MAX_WORKERS;
use fanlane_core::job::duration;
use fanlane_core::model::race::pep371::WorkSet;

/// The arguments of `fanlane race`.
#[derive(Debug, Args)]
#[command(
    args_override_self = true,
    override_usage = "fanlane race [OPTIONS] JOB.ron\n       \
                      fanlane race [OPTIONS] COMMAND... ::: VALUE...\n       \
                      fanlane race [OPTIONS] 'COMMAND' 'COMMAND'...\n       \
                      fanlane race [OPTIONS] --pep371[=today|python]\n       \
                      fanlane race [OPTIONS] --show FILE...",
    after_help = "\
Every way of running runs once in each block, in a random order. The first block is a warm-up and does not count. At least
three more follow, and further ones until each mean is precise enough or the time limit is reached. Commands that race
against each other run ten times at least, or three times where the time limit is reached before.

Exit status: 0 every task of every run done   1 some task failed   2 nothing was raced   130 interrupted

Examples:
  fanlane race job.ron
  fanlane race job.ron --modes one,pool --workers 1,2,4,8 --repeat 5
  fanlane race --workers 4 --chunks usual --export chunks.csv job.ron
  fanlane race --save mine.race.json 'gzip -c {} > /dev/null' ::: *.log
  fanlane race --warmup 3 'sort a' 'sort --parallel=4 a'
  fanlane race --show mine.race.json yours.race.json"
)]
pub struct RaceArgs {
    /// Modes that take part
    #[arg(long, value_name = "MODES", value_delimiter = ',', default_value = "one,threads,pool")]
    pub modes: Vec<ModeArg>,
    /// Pool sizes that take part [default: 1, 2, 4 ... up to the cores]
    #[arg(short = 'j', long, value_name = "SIZES", value_delimiter = ',')]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_WORKERS)))]
    pub workers: Vec<u32>,
    /// Also race chunk sizes (tasks per message) in the largest pool: 'usual', or sizes such as 1,8,64
    #[arg(long, value_name = "CHUNKS", value_parser = parse_chunks)]
    pub chunks: Option<ChunkSizes>,
    /// The values and the folder of the job.
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// The interpreter of a Python function [default: the one that 'fanlane run' would use]
    #[arg(long, value_name = "PATH", conflicts_with = "show")]
    pub interpreter: Option<String>,
    /// Run each way exactly N times [default: 3 or more, according to --precision and --time-limit]
    #[arg(short = 'r', long, visible_alias = "runs", value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub repeat: Option<u32>,
    /// Number of runs of each way before those that count
    #[arg(short = 'w', long = "warmup", value_name = "N", default_value_t = 1)]
    pub warm_up: u32,
    /// Precision of each mean that is aimed at, in percent, with 95 % confidence
    #[arg(long, value_name = "PERCENT", default_value_t = 2.0, value_parser = parse_percent)]
    pub precision: f64,
    /// Start no further block after this time, once each way has run three times: 90, 5m, 1h
    #[arg(long, value_name = "TIME", default_value = "60", value_parser = parse_time)]
    pub time_limit: f64,
    /// Seed of the order of the runs, to repeat it
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Race the six workloads of PEP 371, n workers doing n times the work, next to its table of 2008; =today: with more
    /// to do, so that a task takes some tens of milliseconds; =python: as functions of Python
    #[arg(long, value_name = "WORK", num_args = 0..=1, require_equals = true, default_missing_value = "2008")]
    #[arg(conflicts_with_all = ["modes", "workers", "chunks", "wd", "values"])]
    pub pep371: Option<WorkArg>,
    /// Print one JSON object with every single run instead of the report
    #[arg(long)]
    pub json: bool,
    /// Also write the results to this file, in the format of its ending: .csv, .json or .md
    #[arg(long, value_name = "FILE")]
    pub export: Vec<PathBuf>,
    /// Save the race, to open it again here or in the window: name it like mine.race.json
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,
    /// Run nothing; show a saved race, or several side by side
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["pep371", "save", "wd", "values"])]
    pub show: Vec<PathBuf>,
    /// Replace existing files
    #[arg(long)]
    pub force: bool,
    /// Show no progress
    #[arg(long)]
    pub quiet: bool,
    /// What only races of commands have.
    #[command(flatten)]
    pub commands: CommandRaceArgs,
    /// A job file, a command with its inputs, or commands; all words after the command's first belong to it
    #[arg(trailing_var_arg = true, value_name = "JOB.ron | COMMAND", hide = true)]
    pub words: Vec<OsString>,
}

/// Which workloads of PEP 371.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WorkArg {
    /// That of the table.
    #[value(name = "2008")]
    Of2008,
    /// Some tens of milliseconds.
    Today,
    /// That of the table, by functions of Python.
    Python,
}

impl From<WorkArg> for WorkSet {
    fn from(work: WorkArg) -> Self {
        match work {
            WorkArg::Of2008 => Self::Of2008,
            WorkArg::Today => Self::Today,
            WorkArg::Python => Self::Python,
        }
    }
}

/// Which chunk sizes take part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChunkSizes {
    /// Those that are worth trying.
    Usual,
    /// These.
    These(Vec<u32>),
}

/// The formats of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportArg {
    /// A row for each way of running.
    Csv,
    /// Everything.
    Json,
    /// A table for people.
    Markdown,
}

impl ExportArg {
    /// Reads the ending of a file's name.
    ///
    /// # Errors
    /// Which endings there are.
    pub fn of(file: &Path) -> Result<Self> {
        let ending = file.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default();
        Ok(match ending.as_str() {
            "csv" => Self::Csv,
            "json" => Self::Json,
            "md" | "markdown" => Self::Markdown,
            _ => bail!("{} has no known ending; end its name in .csv, .json or .md", file.display()),
        })
    }
}

fn parse_chunks(text: &str) -> Result<ChunkSizes, String> {
    if text == "usual" {
        return Ok(ChunkSizes::Usual);
    }
    let sizes: Option<Vec<u32>> =
        text.split(',').map(|size| size.trim().parse().ok().filter(|size| *size > 0)).collect();
    sizes.map(ChunkSizes::These).ok_or_else(|| "expected 'usual', or sizes from 1 on separated by commas".to_owned())
}

fn parse_percent(text: &str) -> Result<f64, String> {
    let percent = text.trim_end_matches('%').parse::<f64>().ok();
    percent
        .filter(|percent| *percent > 0.0 && *percent <= 100.0)
        .ok_or_else(|| "expected above 0 and up to 100".to_owned())
}

fn parse_time(text: &str) -> Result<f64, String> {
    duration::parse(text).map(|time| time.secs)
}
