//! Options of GNU parallel that command lines for it have, and that people need no help for: those that ask for what is the case
//! here, and some that change how the words are read. None of them is a field of a job.

use std::path::PathBuf;

use anyhow::Context;
use clap::{ArgAction, Args};

use crate::cli::plan::sources::Markers;
use fanlane_core::event::StreamName;
use fanlane_core::job::template::{ShorthandError, Shorthands};
use fanlane_os::argument_limit::MAX_WORD_BYTES;
use fanlane_os::machine;

/// Options of GNU parallel, hidden from the help.
#[derive(Debug, Default, Args)]
pub struct ParallelArgs {
    /// Flags that ask for the behaviour here.
    #[arg(long, hide = true, action = ArgAction::Count)]
    #[arg(aliases = ["will-cite", "willcite", "nn", "no-notice", "nonotice", "gnu", "plain", "silent"])]
    pub group: u8,
    /// The number of tasks, which is known anyway.
    #[arg(long, hide = true, aliases = ["totaljobs", "total"], value_name = "N")]
    pub total_jobs: Option<String>,
    /// Leave out blank values.
    #[arg(short = 'r', long, hide = true, alias = "norunifempty")]
    pub no_run_if_empty: bool,
    /// Other texts in place of replacement strings.
    #[command(flatten)]
    pub names: ReplacementNames,
    /// The replacement strings that GNU parallel adds by this name.
    #[arg(long, hide = true)]
    plus: bool,
    /// A text that stands for an expression, which follows it.
    #[arg(long, hide = true, value_name = "TEXT EXPRESSION", action = ArgAction::Append, allow_hyphen_values = true)]
    rpl: Vec<String>,
    /// What opens and closes an expression, in place of `{==}`.
    #[arg(long, hide = true, value_name = "TEXT", allow_hyphen_values = true)]
    parens: Option<String>,
    /// Print each command line quoted, once for each time that it is given, and run nothing.
    #[arg(long, hide = true, aliases = ["shellquote", "shell_quote"], action = ArgAction::Count)]
    pub shell_quote: u8,
    /// The folder for what is too long for memory, and for files that tasks make without a place of their own.
    #[arg(long, hide = true, alias = "tempdir", value_name = "DIR")]
    tmpdir: Option<PathBuf>,
    /// Files with options.
    #[arg(short = 'J', long, hide = true, value_name = "NAME", action = ArgAction::Append)]
    pub(super) profile: Vec<String>,
    /// Another word in place of `:::`.
    #[arg(long, hide = true, alias = "argsep", value_name = "TEXT", allow_hyphen_values = true)]
    pub arg_sep: Option<String>,
    /// Another word in place of `::::`.
    #[arg(long, hide = true, alias = "argfilesep", value_name = "TEXT", allow_hyphen_values = true)]
    pub arg_file_sep: Option<String>,
    /// The variable of each task that holds the number of its lane, from 0.
    #[arg(long, hide = true, alias = "processslotvar", value_name = "NAME")]
    pub process_slot_var: Option<String>,
    /// What is asked of the machine.
    #[command(flatten)]
    pub machine: MachineArgs,
    /// Walk the sources side by side, beginning the shorter ones again.
    #[arg(long, hide = true, alias = "xapply")]
    pub link: bool,
    /// Print each command line before what it prints.
    #[arg(short = 'v', hide = true, action = ArgAction::Count)]
    pub commands_on_stdout: u8,
    /// The same, on standard error.
    #[arg(short = 't', long = "verbose", hide = true)]
    pub commands_on_stderr: bool,
}

/// Texts that stand for replacement strings. As in GNU parallel, one of them makes the braces themselves text.
#[derive(Debug, Default, Args)]
pub struct ReplacementNames {
    #[arg(short = 'I', hide = true, value_name = "TEXT", allow_hyphen_values = true)]
    whole: Option<String>,
    /// The older name of `-I`, whose text may be left out.
    #[arg(short = 'i', long, hide = true, value_name = "TEXT", num_args = 0..=1, default_missing_value = "{}", conflicts_with = "whole")]
    replace: Option<String>,
    #[arg(long, hide = true, alias = "extensionreplace", value_name = "TEXT", allow_hyphen_values = true)]
    er: Option<String>,
    #[arg(long, hide = true, alias = "basenamereplace", value_name = "TEXT", allow_hyphen_values = true)]
    bnr: Option<String>,
    #[arg(long, hide = true, alias = "dirnamereplace", value_name = "TEXT", allow_hyphen_values = true)]
    dnr: Option<String>,
    #[arg(long, hide = true, alias = "basenameextensionreplace", value_name = "TEXT", allow_hyphen_values = true)]
    bner: Option<String>,
    #[arg(long, hide = true, value_name = "TEXT", allow_hyphen_values = true)]
    seqreplace: Option<String>,
    #[arg(long, hide = true, value_name = "TEXT", allow_hyphen_values = true)]
    slotreplace: Option<String>,
}

impl ReplacementNames {
    /// Each text with the replacement string that it stands for.
    pub fn pairs(&self) -> Vec<(&str, &'static str)> {
        let names = [
            (&self.whole, "{}"),
            (&self.replace, "{}"),
            (&self.er, "{.}"),
            (&self.bnr, "{/}"),
            (&self.dnr, "{//}"),
            (&self.bner, "{/.}"),
            (&self.seqreplace, "{#}"),
            (&self.slotreplace, "{%}"),
        ];
        names.into_iter().filter_map(|(text, braces)| Some((text.as_deref()?, braces))).collect()
    }
}

/// Options that print a number of the machine and run nothing.
#[derive(Debug, Default, Args)]
pub struct MachineArgs {
    /// Physical cores.
    #[arg(long, hide = true, aliases = ["numberofcores", "number-of-cpus", "numberofcpus"])]
    number_of_cores: bool,
    /// Processors.
    #[arg(long, hide = true, alias = "numberofsockets")]
    number_of_sockets: bool,
    /// Logical cores.
    #[arg(long, hide = true, alias = "numberofthreads")]
    number_of_threads: bool,
    /// Bytes of the longest command line.
    #[arg(long, hide = true, alias = "maxlinelengthallowed")]
    max_line_length_allowed: bool,
}

impl MachineArgs {
    /// The number that is asked for.
    pub fn answer(&self) -> Option<u64> {
        let answers: [(bool, fn() -> u64); 4] = [
            (self.number_of_cores, || machine::physical_cores_and_sockets().0 as u64),
            (self.number_of_sockets, || machine::physical_cores_and_sockets().1 as u64),
            (self.number_of_threads, || u64::from(machine::cores())),
            (self.max_line_length_allowed, || MAX_WORD_BYTES - 1),
        ];
        answers.into_iter().find_map(|(asked, number)| asked.then(number))
    }
}

impl ParallelArgs {
    /// What stands for replacement strings and expressions.
    ///
    /// # Errors
    /// When an expression is not known here.
    pub fn shorthands(&self) -> Result<Shorthands, ShorthandError> {
        let mut shorthands = Shorthands::default();
        if let Some(parens) = &self.parens {
            shorthands.parens(parens)?;
        }
        if self.plus {
            shorthands.plus();
        }
        for (text, braces) in self.names.pairs() {
            shorthands.name(text, braces);
        }
        for definition in &self.rpl {
            shorthands.rpl(definition)?;
        }
        Ok(shorthands)
    }

    /// Makes the folder that was given that of temporary files, also for tasks. It is called before there is a second thread.
    ///
    /// # Errors
    /// When it is no folder in which files can be made.
    pub fn set_temporary_folder(&self) -> anyhow::Result<()> {
        let Some(folder) = &self.tmpdir else { return Ok(()) };
        let shown = folder.display();
        let folder = folder
            .canonicalize()
            .with_context(|| format!("the folder {shown} of --tmpdir is not there; make it first"))?;
        tempfile::tempfile_in(&folder)
            .with_context(|| format!("no file can be made in the folder {shown} of --tmpdir"))?;
        #[expect(unsafe_code, reason = "the environment of a process can be changed before it has a second thread")]
        // SAFETY: a command is carried out before a second thread exists, but for a main thread that only waits for this one.
        unsafe {
            std::env::set_var("TMPDIR", folder);
        }
        Ok(())
    }

    /// The words that begin a source of inputs.
    pub fn markers(&self) -> Markers<'_> {
        let Markers { values, files } = Markers::default();
        Markers {
            values: self.arg_sep.as_deref().unwrap_or(values),
            files: self.arg_file_sep.as_deref().unwrap_or(files),
        }
    }

    /// Where the command line of a task is printed before what it prints.
    pub const fn commands(&self) -> Option<StreamName> {
        match (self.commands_on_stdout, self.commands_on_stderr) {
            (0, false) => None,
            (0, true) => Some(StreamName::Stderr),
            _ => Some(StreamName::Stdout),
        }
    }
}
