//! `fanlane import`: converts a command line of another program to a job file, and reports differences on standard error.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;

use super::exit_status::Status;
use super::output_file;
use super::plan::caller_shell;
use super::report::printable;
use super::subcommand::Subcommand;
use super::terminal::{print, remark};
use fanlane_core::job::Shell;
use fanlane_core::job::import::{
    ImportError, Imported, Word, import_joblog, import_parallel, import_xargs, shell_words,
};

/// The arguments of `fanlane import`.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit status: 0 the job means the same   2 nothing could be imported   3 the job is written, but some options could not be
carried over: standard error lists them with the consequences")]
pub struct ImportArgs {
    /// What is imported.
    #[command(subcommand)]
    from: ImportFrom,
}

#[derive(Debug, clap::Subcommand)]
enum ImportFrom {
    /// A command line of GNU parallel: 'parallel -j4 gzip ::: *.log'
    Parallel(CommandLineArgs),
    /// A command line of xargs: 'xargs -P4 -n1 gzip'
    Xargs(CommandLineArgs),
    /// The commands of a job log, to run them again
    Joblog {
        /// The log
        file: PathBuf,
        /// Where the job goes.
        #[command(flatten)]
        target: Target,
    },
}

/// A command line.
#[derive(Debug, Args)]
struct CommandLineArgs {
    /// Where the job goes.
    #[command(flatten)]
    target: Target,
    /// The command line in quotes, or its words behind --
    #[arg(required = true, trailing_var_arg = true, value_name = "COMMAND LINE")]
    words: Vec<OsString>,
}

/// Where a job goes.
#[derive(Debug, Args)]
struct Target {
    /// Write the job to this file instead of to standard output
    #[arg(short, long, value_name = "JOB.ron")]
    output: Option<PathBuf>,
    /// Replace the file if it is there
    #[arg(long, requires = "output")]
    force: bool,
}

impl Subcommand for ImportArgs {
    fn perform(self) -> Result<Status> {
        match &self.from {
            ImportFrom::Parallel(line) => {
                write(in_own_shell(import_line(&line.words, "parallel", import_parallel)?)?, &line.target)
            }
            ImportFrom::Xargs(line) => write(import_line(&line.words, "xargs", import_xargs)?, &line.target),
            ImportFrom::Joblog { file, target } => {
                let name = file.display();
                let log =
                    std::fs::read_to_string(file).with_context(|| format!("the job log {name} cannot be read"))?;
                let imported = import_joblog(&log).with_context(|| format!("{name} cannot be imported"))?;
                write(in_own_shell(imported)?, target)
            }
        }
    }
}

/// The job with the shell that parallel would have taken, which is that of the caller; so it means the same wherever it is run.
fn in_own_shell(mut imported: Imported) -> Result<Imported> {
    if imported.job.shell == Shell::Sh {
        imported.job.shell = caller_shell::of_caller()?;
    }
    Ok(imported)
}

fn import_line(
    words: &[OsString],
    program: &str,
    import: impl Fn(&[Word]) -> Result<Imported, ImportError>,
) -> Result<Imported> {
    let words: Vec<&str> = words
        .iter()
        .map(|word| word.to_str().with_context(|| format!("'{}' is not valid UTF-8", word.display())))
        .collect::<Result<_>>()?;
    let words = match &*words {
        [line] => shell_words(line)?,
        // The shell has split them already; the program's own name may be left out.
        words => {
            let named = words.first().is_some_and(|first| first.rsplit('/').next() == Some(program));
            let name = (!named).then_some(program);
            name.into_iter().chain(words.iter().copied()).map(Word::literal).collect()
        }
    };
    Ok(import(&words)?)
}

fn write(imported: Imported, target: &Target) -> Result<Status> {
    let text = imported.job.to_ron()?;
    let status = match &target.output {
        None => print(|out| out.write_all(text.as_bytes()))?,
        Some(path) => {
            output_file::write(path, target.force, |file| file.write_all(text.as_bytes()))?;
            Status::AllDone
        }
    };
    for note in &imported.notes {
        remark(&format!("{}: {}", printable(&note.what, 200), note.meaning));
    }
    Ok(if imported.notes.is_empty() { status } else { Status::NotAllImported })
}
