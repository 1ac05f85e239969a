//! The flags of `fanlane run` that are about a Python function.

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};

use fanlane_core::job::python::ValueReading;
use fanlane_core::job::{Job, PythonSpec, TaskTemplate};

/// The flags of a Python function.
#[derive(Debug, Default, Args)]
pub struct PythonArgs {
    /// Call a Python function with the values of each input: FILE.py:FUNCTION or MODULE:FUNCTION
    #[arg(long = "python", value_name = "PLACE", conflicts_with_all = ["preset", "no_shell", "quote", "shell", "tty"])]
    pub place: Option<PythonSpec>,
    /// How the text of a value becomes a Python value: auto (JSON numbers, true, false and null; else a str), str, literal
    /// (a Python literal) or json [default: auto]
    #[arg(long = "python-args", value_name = "READING")]
    pub reading: Option<ReadingArg>,
    /// A function of the same file that each interpreter calls once, before its first call
    #[arg(long, value_name = "FUNCTION")]
    pub initializer: Option<String>,
    /// The Python interpreter [default: that of the active environment, of a .venv beside the function or above it, or
    /// python3]
    #[arg(long, value_name = "PATH")]
    pub interpreter: Option<String>,
    /// Replace an interpreter by a new one after this many calls
    #[arg(long, value_name = "N")]
    pub max_calls: Option<u32>,
}

/// How the text of a value becomes a Python value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReadingArg {
    /// Numbers, true, false and null as JSON writes them; else a str.
    Auto,
    /// A str.
    Str,
    /// A Python literal.
    Literal,
    /// JSON.
    Json,
}

impl From<ReadingArg> for ValueReading {
    fn from(reading: ReadingArg) -> Self {
        match reading {
            ReadingArg::Auto => Self::Auto,
            ReadingArg::Str => Self::Str,
            ReadingArg::Literal => Self::Literal,
            ReadingArg::Json => Self::Json,
        }
    }
}

impl PythonArgs {
    /// Merges the flags into the job.
    ///
    /// # Errors
    /// When there are flags for a function, but the job calls none.
    pub fn merge_into(&self, job: &mut Job) -> Result<()> {
        if let Some(place) = &self.place {
            job.task = TaskTemplate::Python(place.clone());
            job.shell = fanlane_core::job::Shell::Sh;
        }
        let given = [
            (self.reading.is_some(), "--python-args"),
            (self.initializer.is_some(), "--initializer"),
            (self.interpreter.is_some(), "--interpreter"),
            (self.max_calls.is_some(), "--max-calls"),
        ];
        let TaskTemplate::Python(spec) = &mut job.task else {
            return match given.into_iter().find_map(|(is_given, flag)| is_given.then_some(flag)) {
                Some(flag) => {
                    bail!("{flag} is about a Python function, and this job calls none; name one with --python")
                }
                None => Ok(()),
            };
        };
        if let Some(reading) = self.reading {
            spec.values = reading.into();
        }
        for (flag, field) in [(&self.initializer, &mut spec.initializer), (&self.interpreter, &mut spec.interpreter)] {
            if flag.is_some() {
                field.clone_from(flag);
            }
        }
        if self.max_calls.is_some() {
            spec.max_calls = self.max_calls;
        }
        Ok(())
    }
}
