//! The words of the command line as types. What they mean together (which words are the command, which are inputs) is
//! worked out in [`super::sources`] and [`super::plan`]; nothing is opened or run here.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use super::again::{RerunArgs, ResumeArgs};
use super::background::{AttachArgs, StopArgs};
use super::control_args::ControlArgs;
use super::export::ExportArgs;
use super::history::{HistoryArgs, ShowArgs};
use super::import::ImportArgs;
use super::keep_args::KeepArgs;
use super::manager::args::ManagerArgs;
use super::race::RaceArgs;
use super::report_args::ReportArgs;
use super::worker_count::{self, WorkerCount};
use crate::job::amount;
use crate::job::duration::{self, Limit};
use crate::job::escapes;
use crate::job::{Mode, Order, Transport};

/// Run a batch of tasks on a pool of worker processes and watch every lane while it runs.
///
/// Without a command, Fanlane opens its window.
#[derive(Debug, Parser)]
#[command(name = "fanlane", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// What to do; `None` opens the window.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Open the window on this job file.
    #[arg(value_name = "JOB.ron")]
    pub job: Option<PathBuf>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a job file or an ad-hoc batch in the terminal.
    Run(Box<RunArgs>),
    /// Watch a run in the background, from its start on; Ctrl-C leaves it as it is.
    Attach(AttachArgs),
    /// Stop a run in the background and wait for its end.
    Stop(StopArgs),
    /// Race a batch: one process, threads and pools of several sizes, in turns.
    Race(Box<RaceArgs>),
    /// List the presets, show one, or say where your own lie.
    Presets(PresetsArgs),
    /// Make a job file of a command line of GNU parallel or xargs, or of a job log.
    Import(ImportArgs),
    /// List the runs that were recorded, or remove some.
    History(HistoryArgs),
    /// Show a run of the history: its job, its machine, how it ended, which of its tasks are flaky.
    Show(ShowArgs),
    /// Go on with a run of the history that was cut off or stopped.
    Resume(ResumeArgs),
    /// Do a run of the history again, or only what failed of it, or some of its tasks.
    Rerun(RerunArgs),
    /// Write a recorded run as a table, as JSON, or as a trace.
    Export(ExportArgs),
    /// Serve objects that tasks share, or use them from a shell script.
    Manager(ManagerArgs),
    /// Say, from within a task, how much of it is done: 0.4 or 40%, and at what it is.
    ///
    /// It is shown in the task's lane and row. Outside of a task nothing happens, and the exit status is 0.
    Progress(ProgressArgs),
    /// List the built-in workloads that a job file can call.
    Workloads,
    /// Inject faults into batches, and say what they came to.
    #[command(hide = true)]
    Chaos(super::chaos::ChaosArgs),
}

impl Command {
    /// The job file, or the command with its inputs, of a command that takes one.
    pub fn words(&mut self) -> Option<&mut Vec<OsString>> {
        match self {
            Self::Run(run) => Some(&mut run.words),
            Self::Race(race) => Some(&mut race.words),
            Self::Presets(_)
            | Self::Import(_)
            | Self::Export(_)
            | Self::Manager(_)
            | Self::Progress(_)
            | Self::Workloads
            | Self::Chaos(_) => None,
            Self::Attach(_) | Self::Stop(_) | Self::History(_) | Self::Show(_) | Self::Resume(_) | Self::Rerun(_) => {
                None
            }
        }
    }
}

/// The words after `fanlane run`.
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
    /// How many workers: N, +N or -N (cores plus or minus N), N% of the cores, 0 for one per task [default: the cores]
    #[arg(short = 'j', long, short_alias = 'P', visible_alias = "jobs", value_name = "N", allow_hyphen_values = true)]
    #[arg(value_parser = worker_count::parse)]
    pub workers: Option<WorkerCount>,
    /// Run in one process, in the threads of one process, or in a pool of processes [default: pool]
    #[arg(long, value_name = "MODE")]
    pub mode: Option<ModeArg>,
    /// How large results of calls come from their workers; at the end a measured gain of the other way is said
    /// [default: pipe]
    #[arg(long, value_name = "WAY")]
    pub transport: Option<TransportArg>,
    /// Let the values of the job's shared objects take up to SIZE of memory together, also with a unit (500M, 2G)
    /// [default: 1G]
    #[arg(long, value_name = "SIZE", value_parser = amount::parse_size)]
    pub shared_bytes: Option<u64>,
    /// What it prints.
    #[command(flatten)]
    pub report: ReportArgs,
    /// Run in a process of its own and return at once: fanlane attach watches it, fanlane stop ends it
    #[arg(long)]
    pub background: bool,
    /// Print the command lines and run nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Try a failing task up to N times
    #[arg(long, value_name = "N", value_parser = parse_tries)]
    pub retries: Option<u32>,
    /// End a task that runs longer than this, also with a unit (500ms, 1.5m, 2h); or than N% of the median of those done
    #[arg(long, value_name = "SECS|N%", value_parser = duration::parse_limit)]
    pub timeout: Option<Limit>,
    /// Split the command into words and start the program directly: each input is one argument, nothing is expanded
    #[arg(long)]
    pub no_shell: bool,
    /// Run the tasks in this folder; files of inputs and of results are still looked up in the current one
    #[arg(long, visible_alias = "workdir", value_name = "DIR")]
    pub wd: Option<PathBuf>,
    /// Flags of GNU parallel that ask for what is the case here anyway.
    #[arg(long, hide = true, aliases = ["will-cite", "gnu", "no-notice"])]
    pub group: bool,
    /// Set a variable in each task's environment; VALUE may hold replacement strings
    #[arg(long, value_name = "NAME=VALUE", action = ArgAction::Append)]
    pub env: Vec<String>,
    /// Give each task this text, which may hold replacement strings, as standard input
    #[arg(long, value_name = "TEXT", conflicts_with = "stdin_file")]
    pub stdin_text: Option<String>,
    /// Give each task this file, whose name may hold replacement strings, as standard input
    #[arg(long, value_name = "FILE")]
    pub stdin_file: Option<String>,
    /// Read inputs from the lines of this file (- is standard input); several are combined as with ::::
    #[arg(short = 'a', long, value_name = "FILE", action = ArgAction::Append)]
    pub arg_file: Vec<PathBuf>,
    /// Inputs in files and on standard input end with NUL bytes instead of line ends
    #[arg(short = '0', long)]
    pub null: bool,
    /// Inputs in files and on standard input end with this text instead of line ends; \n \t \0 \xNN are understood
    #[arg(short = 'd', long, value_name = "DELIM", conflicts_with = "null", allow_hyphen_values = true)]
    #[arg(value_parser = escapes::delimiter)]
    pub delimiter: Option<String>,
    /// Cut each input into columns where this regular expression matches: {1} {2} ...
    #[arg(short = 'C', long, value_name = "RE", allow_hyphen_values = true)]
    pub colsep: Option<String>,
    /// Leave out blanks at both ends of inputs, or with --colsep of columns: n no, lr yes [default: lr with --colsep]
    #[arg(long, value_name = "n|lr")]
    pub trim: Option<TrimArg>,
    /// The first input of each source names its columns: {name}
    #[arg(long, value_name = ":", value_parser = [":"])]
    pub header: Option<String>,
    /// Put up to N inputs into one task; 0: none of them
    #[arg(short = 'n', long, short_alias = 'N', alias = "max-replace-args", value_name = "N")]
    pub max_args: Option<u32>,
    /// Begin the tasks in a random order; their numbers stay the inputs'
    #[arg(long, conflicts_with = "order")]
    pub shuf: bool,
    /// Begin the tasks in an order by values: priority:COLUMN, longest-first:COLUMN (seconds; those not known first), or
    /// longest-first-in:JOBLOG of an earlier run, or longest-first-by-history; a COLUMN may be a template
    #[arg(long, value_name = "ORDER")]
    pub order: Option<Order>,
    /// Take only N of the inputs, chosen at random
    #[arg(long, value_name = "N")]
    pub sample: Option<u64>,
    /// Make --shuf and --sample choose the same again
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// What it keeps beside what it prints.
    #[command(flatten)]
    pub keep: KeepArgs,
    /// When the run ends early, waits or holds back.
    #[command(flatten)]
    pub control: ControlArgs,
    /// A job file, or a command with its inputs; all words after the command's first belong to it
    #[arg(trailing_var_arg = true, value_name = "JOB.ron | COMMAND", hide = true)]
    pub words: Vec<OsString>,
}

/// The words after `fanlane progress`.
#[derive(Debug, Args)]
pub struct ProgressArgs {
    /// How much is done, from 0 to 1 or from 0% to 100%
    pub fraction: String,
    /// At what the task is, in a few words
    pub message: Vec<String>,
}

impl ProgressArgs {
    /// The words of the command line that these came from.
    pub fn words(&self) -> Vec<OsString> {
        let words = ["fanlane", super::progress::PROGRESS_COMMAND, &self.fraction].into_iter();
        words.chain(self.message.iter().map(String::as_str)).map(OsString::from).collect()
    }
}

/// The words after `fanlane presets`.
#[derive(Debug, Args)]
pub struct PresetsArgs {
    /// What to do with them; without it they are listed.
    #[command(subcommand)]
    pub action: Option<PresetsAction>,
}

/// What can be done with presets.
#[derive(Debug, Subcommand)]
pub enum PresetsAction {
    /// One line per preset: its name and what it is for.
    List,
    /// Print a preset as a job file.
    Show {
        /// Its name as the list has it; upper and lower case are the same.
        name: String,
    },
    /// Print the folder that your own presets lie in.
    Path,
}

/// How a batch is run, as a flag has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ModeArg {
    /// One process, one task at a time.
    One,
    /// One process, N threads.
    Threads,
    /// N processes.
    Pool,
}

/// How large results come from their workers, as a flag has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TransportArg {
    /// Through a socket, copied by the system.
    Pipe,
    /// In memory that is shared with the worker.
    SharedMemory,
}

impl TransportArg {
    /// The word after the flag.
    pub const fn flag(self) -> &'static str {
        match self {
            Self::Pipe => "pipe",
            Self::SharedMemory => "shared-memory",
        }
    }
}

impl From<TransportArg> for Transport {
    fn from(way: TransportArg) -> Self {
        match way {
            TransportArg::Pipe => Self::Pipe,
            TransportArg::SharedMemory => Self::SharedMemory,
        }
    }
}

impl From<Transport> for TransportArg {
    fn from(way: Transport) -> Self {
        match way {
            Transport::Pipe => Self::Pipe,
            Transport::SharedMemory => Self::SharedMemory,
        }
    }
}

/// Whether blanks at the ends of inputs are left out, as a flag has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TrimArg {
    /// They stay.
    N,
    /// They are left out.
    #[value(alias = "rl")]
    Lr,
}

impl From<ModeArg> for Mode {
    fn from(mode: ModeArg) -> Self {
        match mode {
            ModeArg::One => Self::One,
            ModeArg::Threads => Self::Threads,
            ModeArg::Pool => Self::Pool,
        }
    }
}

fn parse_tries(text: &str) -> Result<u32, String> {
    match text.parse::<u32>() {
        Ok(tries) if tries >= 1 => Ok(tries),
        _ => Err("expected how often a task is tried in all, 1 or more".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::job::field;

    #[test]
    fn the_flag_of_each_field_of_a_job_is_a_flag_of_run() {
        let mut cli = Cli::command();
        let run = cli.find_subcommand_mut("run").expect("the command");
        for field in field::fields() {
            let Some(flag) = field.flag.strip_prefix("--") else { continue };
            assert!(run.get_arguments().any(|known| known.get_long() == Some(flag)), "{field:?}: --{flag}");
        }
    }
}
