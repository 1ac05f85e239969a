//! The flags about what a run keeps beside what it prints, what it resumes, and how its lines are tagged.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};
use clap::Args;

use crate::cli::execute::job_log::log_path;
use crate::cli::execute::keep::Keep;
use crate::cli::execute::resume::{Resume, ResumeSource};
use crate::cli::run_name::RunName;
use fanlane_core::job::{escapes, field};
use fanlane_core::store::results_table::TableFormat;

/// What a run keeps, and how its lines are tagged.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Keeping results")]
pub struct KeepArgs {
    /// Write a line for each task that ended: its start, its time, how it ended, its command; +FILE appends to the file
    #[arg(long, alias = "jl", value_name = "FILE")]
    joblog: Option<PathBuf>,
    /// Keep the output of each task in files below DIR, or as rows of a file that ends in .csv, .tsv, .json or .jsonl
    #[arg(long, aliases = ["result", "res"], value_name = "DIR")]
    results: Option<PathBuf>,
    /// Leave out the tasks that ended according to the job log, or to the results folder if there is no log
    #[arg(long)]
    resume: bool,
    /// Leave out the tasks that are done according to the job log, and run failed ones again
    #[arg(long, alias = "resumefailed")]
    resume_failed: bool,
    /// Resume by task numbers alone, as GNU parallel does, even if the job log has other commands
    #[arg(long)]
    resume_by_number: bool,
    /// Leave out the tasks that ended in this recorded run: its number, or last; fanlane history lists the runs
    #[arg(long, value_name = "RUN")]
    resume_run: Option<RunName>,
    /// Do not record this run in the history; FANLANE_NO_HISTORY=1 in the environment does the same
    #[arg(long)]
    no_history: bool,
    /// Record all events for fanlane export; the file is overwritten
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Write a report of all tasks in the XML of JUnit, which build servers show; the file is overwritten
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Keep the output of each task in a file, and print its path in place of the output: in the folder of --results, or in a new one of --tmpdir
    #[arg(long, aliases = ["output-as-files", "outputasfiles"], conflicts_with_all = ["json", "line_buffer", "ungroup", "latest_line", "tty"])]
    files: bool,
    /// Begin each line of output with the task's input and a tab
    #[arg(long)]
    tag: bool,
    #[arg(long, alias = "tag-string", value_name = "TEXT", value_parser = escapes::unescape, help = field::TAGSTRING.help)]
    tagstring: Option<String>,
    /// As `--tag --color`.
    #[arg(long, hide = true)]
    ctag: bool,
    /// As `--tagstring TEXT --color`.
    #[arg(long, hide = true, alias = "ctag-string", value_name = "TEXT", value_parser = escapes::unescape)]
    ctagstring: Option<String>,
}

impl KeepArgs {
    /// The template at the beginning of each line of output.
    pub fn tagstring(&self) -> Option<&str> {
        let given = self.tagstring.as_deref().or(self.ctagstring.as_deref());
        given.or_else(|| (self.tag || self.ctag).then_some("{}"))
    }

    /// Whether paths are printed in place of outputs.
    pub const fn as_files(&self) -> bool {
        self.files
    }

    /// Whether lines with tags have colours.
    pub const fn has_coloured_tags(&self) -> bool {
        self.ctag || self.ctagstring.is_some()
    }

    /// What is kept.
    pub fn keep(&self) -> Keep {
        Keep {
            joblog: self.joblog.clone(),
            results: self.results.clone(),
            record: self.record.clone(),
            junit: self.junit.clone(),
            in_temporary_files: self.files,
            history: !self.no_history,
        }
    }

    /// What is resumed, if anything.
    ///
    /// # Errors
    /// When there is nothing to go by, or the flags contradict each other.
    pub fn resume(&self) -> Result<Option<Resume>> {
        let source = if let Some(run) = self.resume_run {
            ensure!(
                !self.resume,
                "--resume goes by a job log or a results folder and --resume-run by the history; leave one of them out"
            );
            ensure!(
                !self.resume_by_number,
                "--resume-by-number is about job logs; the history goes by commands and inputs"
            );
            ResumeSource::History(run)
        } else if !self.resume && !self.resume_failed {
            ensure!(!self.resume_by_number, "--resume-by-number has no meaning without --resume or --resume-failed");
            return Ok(None);
        } else {
            match (&self.joblog, &self.results) {
                (Some(name), _) => {
                    let path = log_path(name);
                    ensure!(path != Path::new("-"), "a job log on standard output cannot be resumed; name a file");
                    ResumeSource::JobLog { path: path.to_owned(), by_number: self.resume_by_number }
                }
                (None, Some(path)) if TableFormat::of_path(path).is_some() => {
                    bail!("--resume goes by a job log or a results folder, not by a table; add --joblog FILE")
                }
                (None, Some(_)) if self.resume_failed => {
                    bail!("a results folder does not say which tasks failed; add --joblog FILE, or use --resume")
                }
                (None, Some(path)) => ResumeSource::Results(path.clone()),
                (None, None) => bail!(
                    "--resume and --resume-failed need --joblog FILE or --results DIR to go by; or use --resume-run RUN, which \
                     goes by the history"
                ),
            }
        };
        Ok(Some(Resume { source, failed_again: self.resume_failed }))
    }
}
