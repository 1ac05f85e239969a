//! A command line of xargs as a job.

use bstr::BStr;

use super::input_reading::{InputReading, SharedOptions, delimiter, null, slot_variable, until};
use super::options::{Known, Meaning, apply};
use super::words::Word;
use super::{ImportError, Imported, job, note, note_words};
use crate::job::quote::quote;
use crate::job::{DEFAULT_MAX_CHARS, Input, Job, MAX_ARGS, MAX_WORKERS, Shell};

/// A job as the options make it.
struct Draft {
    job: Job,
    input: Input,
    /// What stands for the input in the command.
    replace: Option<String>,
    /// A command that does not hold as many inputs as `-n` asks for ends it all.
    exits: bool,
    reading: InputReading,
}

impl SharedOptions for Draft {
    fn reading(&mut self) -> &mut InputReading {
        &mut self.reading
    }

    fn job(&mut self) -> &mut Job {
        &mut self.job
    }
}

const OPTIONS: &[Known<Draft>] = &[
    Known::valued(&["P", "max-procs"], Meaning::Set(procs)),
    Known::valued(&["n", "max-args"], Meaning::Set(max_args)),
    Known::valued(&["I"], Meaning::Set(replace)),
    Known::attached(&["i", "replace"], Meaning::Set(replace)),
    Known::valued(
        &["a", "arg-file"],
        Meaning::Set(|draft, file| {
            draft.input = if file == "-" { Input::Stdin } else { Input::Lines(file.into()) };
            Ok(())
        }),
    ),
    Known::flag(&["r", "no-run-if-empty"], Meaning::Same),
    Known::flag(&["0", "null"], Meaning::Set(null)),
    Known::valued(&["d", "delimiter"], Meaning::Set(delimiter)),
    Known::valued(&["E"], Meaning::Set(until)),
    Known::attached(&["e", "eof"], Meaning::Set(until)),
    Known::valued(&["L"], Meaning::Set(max_args)),
    Known::attached(
        &["l", "max-lines"],
        Meaning::Set(|draft, value| max_args(draft, if value.is_empty() { "1" } else { value })),
    ),
    Known::valued(&["s", "max-chars"], Meaning::Set(max_chars)),
    Known::flag(
        &["x", "exit"],
        Meaning::Set(|draft, _| {
            draft.exits = true;
            Ok(())
        }),
    ),
    Known::flag(
        &["t", "verbose"],
        Meaning::Missing("command lines are shown in the window and by --dry-run, not while it runs"),
    ),
    Known::flag(
        &["p", "interactive"],
        Meaning::Missing("tasks begin without confirmation; fanlane run --dry-run shows them all"),
    ),
    Known::flag(&["o", "open-tty"], Meaning::Missing("tasks have no terminal")),
    Known::valued(&["process-slot-var"], Meaning::Set(slot_variable)),
];

/// Makes a job of a command line of xargs.
///
/// # Errors
/// When it is not such a command line, or the command needs what Fanlane does not have.
pub fn import_xargs(words: &[Word]) -> Result<Imported, ImportError> {
    let mut notes = Vec::new();
    let first = words.first().ok_or(ImportError::Empty)?;
    let is_xargs = |word: &Word| !word.operator && (word.text == "xargs" || word.text.ends_with("/xargs"));
    let begin = words.iter().position(is_xargs).filter(|at| *at == 0 || words[at - 1].text == "|");
    let begin = begin.ok_or_else(|| ImportError::OtherProgram { program: "xargs", found: first.text.clone() })?;
    if begin > 0 {
        let meaning = "pipe this into fanlane run: the job reads its inputs from standard input";
        note_words(&mut notes, &words[..begin - 1], meaning);
    }
    let own = &words[begin + 1..];
    let end = own.iter().position(|word| word.operator).unwrap_or(own.len());
    if end < own.len() {
        let meaning = "what follows xargs is not part of the job; write it after fanlane run";
        note_words(&mut notes, &own[end..], meaning);
    }
    let settings = Job { workers: Some(1), ..job("true".to_owned(), Vec::new())? };
    let mut draft =
        Draft { job: settings, input: Input::Stdin, replace: None, exits: false, reading: InputReading::default() };
    let first = apply(&own[..end], OPTIONS, &mut draft, &mut notes)?;
    let Draft { job: mut settings, mut input, replace, exits, mut reading } = draft;
    // As in xargs, only there a quote or a blank is nothing but itself.
    let is_literal = reading.separator.is_some();
    if replace.is_some() || settings.max_args == Some(1) {
        (settings.max_args, settings.max_chars) = (None, None);
    } else {
        settings.max_chars.get_or_insert(DEFAULT_MAX_CHARS);
        if exits && settings.max_args.is_some() {
            note(&mut notes, "-x", "a command that would be too long has fewer inputs; xargs would have ended");
        }
        // Without a shell a command has the length that xargs counts; but braces of its own would mean something there.
        if !own[first..end].iter().any(|word| word.text.contains('{')) {
            settings.shell = Shell::None;
        }
    }
    if replace.is_none() && !is_literal {
        note(
            &mut notes,
            "blanks in the inputs",
            "each line is one input; xargs would have split it at blanks and interpreted its quotes",
        );
    }
    if replace.is_some() && !is_literal {
        let meaning =
            "each line is one input; xargs would have read its quotes and left out blanks in front and empty lines";
        note(&mut notes, "quotes and blanks in the inputs", meaning);
    }
    for word in own[first..end].iter().filter(|word| word.would_be_expanded()) {
        note(&mut notes, &word.text, "a shell would have expanded it; it is taken literally");
    }
    input = reading.of(input);
    let command = command(&own[first..end], replace.as_deref());
    let with_command = job(command, vec![input])?;
    Ok(Imported { job: Job { task: with_command.task, inputs: with_command.inputs, ..settings }, notes })
}

fn procs(draft: &mut Draft, value: &str) -> Result<(), String> {
    draft.job.workers = value.parse::<u32>().ok().filter(|workers| (1..=MAX_WORKERS).contains(workers));
    match draft.job.workers {
        Some(_) => Ok(()),
        None => Err("the pool has as many workers as there are cores".to_owned()),
    }
}

fn max_args(draft: &mut Draft, value: &str) -> Result<(), String> {
    let count = value.parse::<u32>().ok().filter(|count| (1..=MAX_ARGS).contains(count));
    draft.job.max_args = count;
    match count {
        Some(_) => Ok(()),
        None => Err(format!("it is no number from 1 to {MAX_ARGS}; each task gets as many inputs as fit")),
    }
}

fn max_chars(draft: &mut Draft, value: &str) -> Result<(), String> {
    let bytes = value.parse::<u64>().ok().filter(|bytes| *bytes > 0);
    draft.job.max_chars = bytes;
    bytes.map(|_| ()).ok_or_else(|| format!("it is no number of bytes; commands have up to {DEFAULT_MAX_CHARS}"))
}

fn replace(draft: &mut Draft, value: &str) -> Result<(), String> {
    draft.replace = Some(if value.is_empty() { "{}".to_owned() } else { value.to_owned() });
    Ok(())
}

/// xargs uses no shell, so what a shell would read in its words is quoted.
fn command(words: &[Word], replace: Option<&str>) -> String {
    // Braces stand in quotes, and a pair of quotes within them keeps them from being a replacement string.
    let kept = |text: &str| quote(BStr::new(text)).to_string().replace('{', "{''");
    let quoted = |text: &str| if text.is_empty() { String::new() } else { kept(text) };
    let word = |word: &Word| match replace {
        Some(replaced) if word.text.contains(replaced) => {
            word.text.split(replaced).map(quoted).collect::<Vec<_>>().join("{}")
        }
        _ => kept(&word.text),
    };
    let mut command: Vec<String> = words.iter().map(word).collect();
    if command.is_empty() {
        command.push("echo".to_owned());
    }
    if replace.is_none() {
        command.push("{}".to_owned());
    }
    command.join(" ")
}
