//! A command line of xargs as a job.

use bstr::BStr;

use super::options::{Known, UNKNOWN, ValueRule, parse};
use super::words::Word;
use super::{ImportError, Imported, job, note};
use crate::job::quote::quote;
use crate::job::{Input, Job, MAX_WORKERS};

enum Meaning {
    Procs,
    MaxArgs,
    Replace,
    ArgFile,
    Null,
    Same,
    Missing(&'static str),
}

const OPTIONS: &[Known<Meaning>] = &[
    Known { names: &["P", "max-procs"], value: ValueRule::Required, meaning: Meaning::Procs },
    Known { names: &["n", "max-args"], value: ValueRule::Required, meaning: Meaning::MaxArgs },
    Known { names: &["I"], value: ValueRule::Required, meaning: Meaning::Replace },
    Known { names: &["i", "replace"], value: ValueRule::Attached, meaning: Meaning::Replace },
    Known { names: &["a", "arg-file"], value: ValueRule::Required, meaning: Meaning::ArgFile },
    Known { names: &["r", "no-run-if-empty"], value: ValueRule::None, meaning: Meaning::Same },
    Known { names: &["0", "null"], value: ValueRule::None, meaning: Meaning::Null },
    Known { names: &["d", "delimiter", "E"], value: ValueRule::Required, meaning: Meaning::Missing(LINES) },
    Known { names: &["e", "eof"], value: ValueRule::Attached, meaning: Meaning::Missing(LINES) },
    Known { names: &["L", "s", "max-chars"], value: ValueRule::Required, meaning: Meaning::Missing(PACKING) },
    Known { names: &["l", "max-lines"], value: ValueRule::Attached, meaning: Meaning::Missing(PACKING) },
    Known { names: &["x", "exit"], value: ValueRule::None, meaning: Meaning::Missing(PACKING) },
    Known {
        names: &["t", "verbose"],
        value: ValueRule::None,
        meaning: Meaning::Missing("command lines are shown in the window and by --dry-run, not while it runs"),
    },
    Known {
        names: &["p", "interactive"],
        value: ValueRule::None,
        meaning: Meaning::Missing("nobody is asked before a task; fanlane run --dry-run shows them all"),
    },
    Known {
        names: &["o", "open-tty"],
        value: ValueRule::None,
        meaning: Meaning::Missing("tasks have no terminal here"),
    },
    Known {
        names: &["process-slot-var"],
        value: ValueRule::Required,
        meaning: Meaning::Missing("the variable is not set"),
    },
];

const PACKING: &str = "each task here gets one input; xargs would have given it several";
const LINES: &str = "inputs here are lines that end with a newline";

/// Makes a job of a command line of xargs.
///
/// # Errors
/// When it is no such command line, or the command needs what fanlane has not.
pub fn import_xargs(words: &[Word]) -> Result<Imported, ImportError> {
    let mut notes = Vec::new();
    let first = words.first().ok_or(ImportError::Empty)?;
    let is_xargs = |word: &Word| !word.operator && (word.text == "xargs" || word.text.ends_with("/xargs"));
    let begin = words.iter().position(is_xargs).filter(|at| *at == 0 || words[at - 1].text == "|");
    let begin = begin.ok_or_else(|| ImportError::OtherProgram { program: "xargs", found: first.text.clone() })?;
    if begin > 0 {
        let before: Vec<&str> = words[..begin - 1].iter().map(|word| &*word.text).collect();
        note(&mut notes, before.join(" "), "pipe this into fanlane run: the job reads its inputs from standard input");
    }
    let own = &words[begin + 1..];
    let end = own.iter().position(|word| word.operator).unwrap_or(own.len());
    if end < own.len() {
        let after: Vec<&str> = own[end..].iter().map(|word| &*word.text).collect();
        note(&mut notes, after.join(" "), "what follows xargs is not part of the job; write it behind fanlane run");
    }
    let (found, first) = parse(&own[..end], OPTIONS)?;
    let mut settings = job("true".to_owned(), Vec::new())?;
    settings.workers = Some(1);
    let (mut replace, mut input, mut packs, mut null) = (None, Input::Stdin, true, false);
    for option in found {
        let written = option.written();
        let value = option.value.unwrap_or_default();
        match option.known {
            None => note(&mut notes, written, UNKNOWN),
            Some(Meaning::Missing(meaning)) => note(&mut notes, written, *meaning),
            Some(Meaning::Same) => {}
            Some(Meaning::ArgFile) => input = if value == "-" { Input::Stdin } else { Input::Lines(value.into()) },
            Some(Meaning::Replace) => replace = Some(if value.is_empty() { "{}".to_owned() } else { value }),
            Some(Meaning::Null) => null = true,
            Some(Meaning::MaxArgs) => {
                packs = false;
                match value.parse::<u32>() {
                    Ok(1) => {}
                    Ok(count) => settings.max_args = Some(count),
                    Err(_) => note(&mut notes, written, PACKING),
                }
            }
            Some(Meaning::Procs) => match value.parse::<u32>() {
                Ok(workers @ 1..=MAX_WORKERS) => settings.workers = Some(workers),
                _ => {
                    settings.workers = None;
                    note(&mut notes, written, "the pool has as many workers as there are cores");
                }
            },
        }
    }
    if replace.is_none() {
        if packs {
            note(&mut notes, "xargs without -n", PACKING);
        }
        if !null {
            note(
                &mut notes,
                "blanks in the inputs",
                "each line is one input here; xargs would have parted it at blanks and read its quotes",
            );
        }
    }
    if null {
        let file = if let Input::Lines(file) = input { Some(file) } else { None };
        input = Input::Records { file, separator: "\0".to_owned() };
    }
    let command = command(&own[first..end], replace.as_deref());
    let with_command = job(command, vec![input])?;
    Ok(Imported { job: Job { task: with_command.task, inputs: with_command.inputs, ..settings }, notes })
}

/// xargs uses no shell, so what a shell would read in its words is quoted.
fn command(words: &[Word], replace: Option<&str>) -> String {
    let quoted = |text: &str| if text.is_empty() { String::new() } else { quote(BStr::new(text)).to_string() };
    let word = |word: &Word| match replace {
        Some(replaced) if word.text.contains(replaced) => {
            word.text.split(replaced).map(quoted).collect::<Vec<_>>().join("{}")
        }
        _ => quote(BStr::new(&word.text)).to_string(),
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
