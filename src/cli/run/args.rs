//! The arguments of `fanlane run`, and what they mean: a plan, and how it is run.

use std::ffi::OsString;

use anyhow::{Result, bail};
use clap::Args;

use super::keep_args::KeepArgs;
use super::overlay::OverlayArgs;
use super::pack_args::PackArgs;
use super::parallel_args::ParallelArgs;
use super::pipe_args::{self, BlockRules, PipeArgs};
use super::python_args::PythonArgs;
use super::ssh_args::RemoteFileArgs;
use crate::cli::engine_args::EngineArgs;

use crate::cli::execute::at_end::AtEnd;
use crate::cli::execute::breakpoints::BreakBefore;
use crate::cli::execute::{Placement, RunRequest};
use crate::cli::plan::inputs::InputArgs;
use crate::cli::plan::{Plan, WordReading, WordRules};
use crate::cli::report::args::{ReportArgs, ReportOptions};
use crate::cli::report::tag::Colouring;
use fanlane_core::job::{Job, Shell, field};

/// The arguments of `fanlane run`.
#[derive(Debug, Default, Args)]
#[command(
    args_override_self = true,
    override_usage = "fanlane run [OPTIONS] JOB.ron\n       \
                      fanlane run [OPTIONS] --preset NAME\n       \
                      fanlane run [OPTIONS] COMMAND... ::: VALUE...\n       \
                      fanlane run [OPTIONS] --python FILE.py:FUNCTION ::: VALUE...\n       \
                      some-program | fanlane run [OPTIONS] COMMAND..."
)]
pub struct RunArgs {
    /// How the tasks are run.
    #[command(flatten)]
    pub overlay: OverlayArgs,
    /// What runs the tasks.
    #[command(flatten)]
    pub engine: EngineArgs,
    /// Files on other hosts.
    #[command(flatten)]
    pub remote_files: RemoteFileArgs,
    /// What is printed.
    #[command(flatten)]
    pub report: ReportArgs,
    /// Start a detached run and return at once: fanlane attach watches it, fanlane stop ends it
    #[arg(long = "background")]
    pub detached: bool,
    /// Pause before task N begins, or each task with TEXT in its command line, until p in the view or Resume in the window
    /// lets it go on; with --watch or --background
    #[arg(long, value_name = "N|TEXT")]
    pub break_before: Vec<BreakBefore>,
    /// Give the terminal to one task at a time; what it prints is not kept
    #[arg(long, conflicts_with_all = ["detached", "watch", "line_buffer", "latest_line", "results"])]
    pub tty: bool,
    /// Run this command line when the run is done; FANLANE_RUN, FANLANE_RESULT, FANLANE_DONE and FANLANE_NOT_DONE tell it of the run
    #[arg(long, value_name = "COMMAND", conflicts_with = "detached")]
    pub on_end: Option<String>,
    /// Tell when the run is done: by a notification of the desktop (notify-send), or by the bell of the terminal
    #[arg(long, conflicts_with = "detached")]
    pub notify: bool,
    /// Print the command lines and run nothing
    #[arg(long, aliases = ["dryrun", "dr"])]
    pub dry_run: bool,
    /// Run the preset of this name; fanlane presets lists them
    #[arg(long, value_name = "NAME")]
    pub preset: Option<String>,
    /// Split the command into words and start the program directly: each input is one argument, nothing is expanded
    #[arg(long)]
    pub no_shell: bool,
    /// Keep each word of the command as it is, also a single one, as GNU parallel does; no shell is started
    #[arg(short = 'q', long, conflicts_with = "shell")]
    pub quote: bool,
    #[arg(long, value_name = "SHELL", conflicts_with = "no_shell", help = field::SHELL.help)]
    pub shell: Option<Shell>,
    /// How inputs are read.
    #[command(flatten)]
    pub inputs: InputArgs,
    /// How many inputs a task has.
    #[command(flatten)]
    pub pack: PackArgs,
    /// How a stream is cut.
    #[command(flatten)]
    pub pipe: PipeArgs,
    #[arg(long, value_name = "N", help = field::SAMPLE.help)]
    pub sample: Option<u64>,
    /// What is kept beside what is printed.
    #[command(flatten)]
    pub keep: KeepArgs,
    /// A Python function in place of a command.
    #[command(flatten)]
    pub python: PythonArgs,
    /// What command lines for GNU parallel have besides.
    #[command(flatten)]
    pub parallel: ParallelArgs,
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
        let quotes = self.parallel.shell_quote;
        let placement = Placement::of_flags(self.dry_run || quotes > 0, self.detached)?;
        let mut report = ReportOptions { commands: self.parallel.commands(), ..self.report.options() };
        report.style.as_files = self.keep.as_files();
        if self.keep.has_coloured_tags() && report.style.colouring == Colouring::Never {
            report.style.colouring = Colouring::ByTask;
        }
        if !self.break_before.is_empty() && placement == Placement::Terminal && !report.watch {
            bail!("--break-before needs --watch or --background: nothing else could let the run go on");
        }
        if let (Some(place), Some(word)) = (&self.python.place, self.words.first())
            && !self.parallel.markers().has(word)
        {
            let (place, word) = (place.place(), word.display());
            bail!(
                "the values of a Python function stand behind ':::', so '{word}' has no meaning: fanlane run --python {place} ::: {word}"
            );
        }
        pipe_args::check_own_job(&self.pipe, &self.words, self.preset.is_some())?;
        if let Some(flag) = self.pipe.first_without_stream() {
            bail!("{flag} says how a stream is cut into tasks, so it has no meaning without --pipe or --pipe-part");
        }
        if !self.pipe.is_given() {
            self.inputs.check_header()?;
        }
        let mut plan = match &self.preset {
            Some(name) => Plan::of_preset(name, &self.words, &self.inputs, &self.word_rules()?)?,
            None => Plan::of_words(
                &self.words,
                &self.inputs,
                &self.word_rules()?,
                self.overlay.scope.wd.is_some() && !self.engine.has_hosts(),
            )?,
        };
        self.merge_into(&mut plan.job)?;
        self.python.merge_into(&mut plan.job)?;
        Ok(RunRequest {
            engine: self.engine.choice(self.overlay.workers, &self.overlay.env)?,
            placement,
            workers: self.overlay.workers,
            report,
            break_before: self.break_before.clone(),
            keep: self.keep.keep(),
            resume: self.keep.resume()?,
            tty: self.tty,
            quotes,
            at_end: AtEnd { command: self.on_end.clone(), notifies: self.notify },
            ..RunRequest::new(plan.check()?)
        })
    }

    /// The names of files with options.
    pub fn profiles(&self) -> &[String] {
        &self.parallel.profile
    }

    fn word_rules(&self) -> Result<WordRules<'_>> {
        let no_shell = self.no_shell || self.shell == Some(Shell::None);
        let reading = match (self.quote, no_shell) {
            (true, _) => WordReading::Kept,
            (false, true) => WordReading::Program,
            (false, false) => WordReading::Shell,
        };
        Ok(WordRules {
            reading,
            names: self.parallel.names.pairs(),
            shorthands: self.parallel.shorthands()?,
            markers: self.parallel.markers(),
            linked: self.parallel.link,
            skips_blank: self.parallel.no_run_if_empty,
        })
    }

    fn merge_into(&self, job: &mut Job) -> Result<()> {
        let working_dir = job.working_dir.clone();
        self.overlay.merge_into(job);
        let workdir_there = self.overlay.scope.wd.as_deref().filter(|_| self.engine.has_hosts());
        if workdir_there.is_some() {
            // It is a folder there, and none of this machine.
            job.working_dir = working_dir;
        }
        self.remote_files.merge_into(job, workdir_there);
        if let Some(tagstring) = self.keep.tagstring() {
            job.tagstring = Some(self.parallel.shorthands()?.applied(tagstring)?);
        }
        if self.pipe.is_given() {
            let (records, lines) = (self.pack.records(), self.pack.record_lines());
            let rules = BlockRules { records, lines, header: self.inputs.header(), workers: self.overlay.workers };
            self.pipe.merge_into(job, rules)?;
        } else {
            self.pack.merge_into(job, self.overlay.workers);
        }
        if let Some(name) = &self.parallel.process_slot_var {
            job.environment.insert(name.clone(), "{%-1}".to_owned());
        }
        if self.sample.is_some() {
            job.sample = self.sample;
            job.sample_seed = self.overlay.seed();
            job.fix(&field::SAMPLE_SEED);
        }
        if self.no_shell || self.quote {
            job.shell = Shell::None;
        }
        if let Some(shell) = &self.shell {
            job.shell = shell.clone();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use fanlane_core::job::{TaskTemplate, WorkloadSpec};

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        run: RunArgs,
    }

    /// A flag and a value for it where the field's own example is not what the flag takes.
    const VALUES: [(&field::Field, &[&str]); 14] = [
        (&field::PIPE, &["--pipe"]),
        (&field::SPREAD, &["--spread", "3", "--max-chars", "100"]),
        (&field::REPEAT_WORDS, &["--repeat-words"]),
        (&field::VALUES, &["--set", "width=1024"]),
        (&field::SHELL, &["--shell", "tcsh"]),
        (&field::ENVIRONMENT, &["--env", "LEVEL={1}"]),
        (&field::TRANSPORT, &["--transport", "shared-memory"]),
        (&field::RESOURCES, &["--resource", "gpu=2"]),
        (&field::SAMPLE_SEED, &["--seed", "7", "--sample", "1"]),
        (&field::TRANSFER_FILES, &["--transferfile", "{}"]),
        (&field::RETURN_FILES, &["--return", "{}.out"]),
        (&field::CLEANUP, &["--cleanup"]),
        (&field::BASE_FILES, &["--basefile", "model.bin"]),
        (&field::TASK, &[]),
    ];

    /// What the command line lays over a job is in the job that the history keeps, whatever field it is of.
    #[test]
    fn each_flag_of_a_field_is_part_of_the_job_that_is_kept() {
        let job_of = |words: &[&str]| {
            let line = Line::try_parse_from(words).unwrap_or_else(|error| panic!("{words:?}: {error}"));
            // Whether it can be run is not asked here.
            let mut job =
                Plan::of_words(&line.run.words, &line.run.inputs, &line.run.word_rules().expect("rules"), false)
                    .expect("a plan")
                    .job;
            line.run.merge_into(&mut job).expect("merged");
            job
        };
        let plain = job_of(&["run", "echo", "{}", ":::", "a"]);
        for field in field::fields().filter(|field| field.flag.starts_with("--") && *field != &field::WORKERS) {
            let known = VALUES.iter().find(|(known, _)| *known == field).map(|(_, words)| words.to_vec());
            let flag = known.unwrap_or_else(|| vec![field.flag, field.example]);
            let mut words = vec!["run"];
            words.extend(&flag);
            if field == &field::NEEDS {
                words.extend(["--resource", field.example]);
            }
            words.extend(if field == &field::PIPE { &["cat"][..] } else { &["echo", "{}", ":::", "a"] });
            let mut job = job_of(&words);
            if field == &field::VALUES {
                field::PARAMETERS.set(&mut job, field::PARAMETERS.example).expect("they are read");
            }
            if field == &field::TRANSPORT {
                job.task = TaskTemplate::Workload(WorkloadSpec::named("cube"));
            }
            assert_ne!(field.get(&job), field.get(&plain), "{words:?}");
            let kept = Job::parse(&job.to_ron().expect("a text")).expect("a job");
            assert_eq!(kept, job, "{words:?}");
        }
    }
}
