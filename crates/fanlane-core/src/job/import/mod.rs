//! Jobs from the command lines of other programs: GNU parallel's, xargs', and a job log. What has no equivalent is named
//! in a [`Note`], with what that means for the result; nothing is dropped in silence.
//!
//! Nothing is run, expanded or looked up here: a pattern stays a pattern, a file a name.

mod input_reading;
mod joblog;
mod options;
mod parallel;
mod words;
mod xargs;

pub use joblog::import_joblog;
pub use parallel::import_parallel;
pub use words::{Word, shell_words};
pub use xargs::import_xargs;

use super::{Input, Job, TaskTemplate, Template};

/// A job made from the command line or the log of another program.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// The job.
    pub job: Job,
    /// The differences from the original.
    pub notes: Vec<Note>,
}

/// A part of the original that was not carried over, or not exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The option or the piece of text, as written in the original.
    pub what: String,
    /// What it means for the result.
    pub meaning: String,
}

/// A command line that cannot be made into a job.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// A quote that is not closed.
    #[error("the quote that is opened at character {column} is not closed")]
    OpenQuote {
        /// Where, in characters from 1.
        column: usize,
    },
    /// A command line of another program.
    #[error("this is not a command line of {program}: it begins with '{found}'")]
    OtherProgram {
        /// The program that was expected.
        program: &'static str,
        /// The first word.
        found: String,
    },
    /// An empty command line.
    #[error("the command line is empty; write it in quotes, or its words after --")]
    Empty,
    /// An option at the end without its value.
    #[error("{option} lacks its value")]
    NoValue {
        /// The option.
        option: String,
    },
    /// A replacement string that Fanlane does not have.
    #[error("the command '{command}' cannot be taken over: {reason}")]
    Command {
        /// The command.
        command: String,
        /// Why.
        reason: String,
    },
    /// A line of a job log that has another form.
    #[error("line {line} is not a line of a job log: {reason}")]
    LogLine {
        /// The number of the line, from 1.
        line: usize,
        /// Why.
        reason: &'static str,
    },
}

/// A job with a command and inputs, and the default for everything else.
fn job(command: String, inputs: Vec<Input>) -> Result<Job, ImportError> {
    if let Err(error) = Template::parse(&command) {
        return Err(ImportError::Command { command, reason: error.to_string() });
    }
    let blank = Job::parse("Job(version: 1, task: Command(\"true\"), inputs: [])");
    let blank = blank.expect("a job of the shortest form is valid");
    Ok(Job { task: TaskTemplate::Command(command), inputs, ..blank })
}

fn note(notes: &mut Vec<Note>, what: impl Into<String>, meaning: impl Into<String>) {
    notes.push(Note { what: what.into(), meaning: meaning.into() });
}

/// Notes words of a command line that are not part of the job.
fn note_words(notes: &mut Vec<Note>, words: &[Word], meaning: &str) {
    note(notes, words.iter().map(|word| &*word.text).collect::<Vec<_>>().join(" "), meaning);
}

#[cfg(test)]
mod tests;
