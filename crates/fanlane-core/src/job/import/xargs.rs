//! A command line of xargs as a job.

use bstr::BStr;

use super::options::{Known, Meaning, apply};
use super::words::Word;
use super::{ImportError, Imported, job, note, note_words};
use crate::job::quote::quote;
use crate::job::{Input, Job, MAX_WORKERS};

/// A job as the options make it.
struct Draft {
    job: Job,
    input: Input,
    /// What stands for the input in the command.
    replace: Option<String>,
    /// Without `-n`, a command gets as many inputs as it holds.
    packs: bool,
    /// Inputs end with NUL bytes.
    null: bool,
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
    Known::flag(
        &["0", "null"],
        Meaning::Set(|draft, _| {
            draft.null = true;
            Ok(())
        }),
    ),
    Known::valued(&["d", "delimiter", "E"], Meaning::Missing(LINES)),
    Known::attached(&["e", "eof"], Meaning::Missing(LINES)),
    Known::valued(&["L", "s", "max-chars"], Meaning::Missing(PACKING)),
    Known::attached(&["l", "max-lines"], Meaning::Missing(PACKING)),
    Known::flag(&["x", "exit"], Meaning::Missing(PACKING)),
    Known::flag(
        &["t", "verbose"],
        Meaning::Missing("command lines are shown in the window and by --dry-run, not while it runs"),
    ),
    Known::flag(
        &["p", "interactive"],
        Meaning::Missing("tasks begin without confirmation; fanlane run --dry-run shows them all"),
    ),
    Known::flag(&["o", "open-tty"], Meaning::Missing("tasks have no terminal")),
    Known::valued(&["process-slot-var"], Meaning::Missing("the variable is not set")),
];

const PACKING: &str = "each task gets one input; xargs would have given it several";
const LINES: &str = "inputs are lines that end with a newline";

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
    let mut draft = Draft { job: settings, input: Input::Stdin, replace: None, packs: true, null: false };
    let first = apply(&own[..end], OPTIONS, &mut draft, &mut notes)?;
    let Draft { job: settings, mut input, replace, packs, null } = draft;
    if replace.is_none() {
        if packs {
            note(&mut notes, "xargs without -n", PACKING);
        }
        if !null {
            note(
                &mut notes,
                "blanks in the inputs",
                "each line is one input; xargs would have split it at blanks and interpreted its quotes",
            );
        }
    }
    if replace.is_some() && !null {
        let meaning =
            "each line is one input; xargs would have read its quotes and left out blanks in front and empty lines";
        note(&mut notes, "quotes and blanks in the inputs", meaning);
    }
    for word in own[first..end].iter().filter(|word| word.would_be_expanded()) {
        note(&mut notes, &word.text, "a shell would have expanded it; it is taken literally");
    }
    if null {
        let file = if let Input::Lines(file) = input { Some(file) } else { None };
        input = Input::records(file, "\0");
    }
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
    draft.packs = false;
    let count = value.parse::<u32>().map_err(|_| PACKING.to_owned())?;
    if count != 1 {
        draft.job.max_args = Some(count);
    }
    Ok(())
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
