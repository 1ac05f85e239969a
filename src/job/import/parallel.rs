//! A command line of GNU parallel as a job.

use super::options::{Known, UNKNOWN, ValueRule, parse};
use super::reading::{Reading, unescaped};
use super::words::Word;
use super::{ImportError, Imported, Note, job, note};
use crate::job::amount::parse_size;
use crate::job::duration::{self, Limit};
use crate::job::order::Order;
use crate::job::{Input, Job, MAX_WORKERS, Template};

/// What becomes of an option.
enum Meaning {
    Jobs,
    Retries,
    Timeout,
    Delay,
    Halt,
    Memfree,
    Load,
    Nice,
    WorkingDir,
    ArgFile,
    Linked,
    MaxArgs,
    Null,
    Delimiter,
    Colsep,
    Header,
    Shuffle,
    Tag,
    Tagstring,
    ReplacementString,
    /// It is the case here anyway.
    Same,
    /// It is a flag of `fanlane run`.
    RunFlag(&'static str),
    /// There is nothing like it; the text says what it means.
    Missing(&'static str),
}

const fn flag(names: &'static [&'static str], meaning: Meaning) -> Known<Meaning> {
    Known { names, value: ValueRule::None, meaning }
}

const fn valued(names: &'static [&'static str], meaning: Meaning) -> Known<Meaning> {
    Known { names, value: ValueRule::Required, meaning }
}

const PACKING: &str = "each task here gets one input; parallel would have given it several";
const RECORDS: &str = "tasks here read no standard input; parallel would have parted its own among them";
const REMOTE: &str = "all tasks run on this machine";

const OPTIONS: &[Known<Meaning>] = &[
    valued(&["j", "jobs", "P", "max-procs", "procs"], Meaning::Jobs),
    valued(&["retries"], Meaning::Retries),
    valued(&["timeout"], Meaning::Timeout),
    valued(&["delay"], Meaning::Delay),
    valued(&["halt", "halt-on-error"], Meaning::Halt),
    valued(&["memfree"], Meaning::Memfree),
    valued(&["load"], Meaning::Load),
    valued(&["nice"], Meaning::Nice),
    valued(&["wd", "workdir"], Meaning::WorkingDir),
    valued(&["a", "arg-file"], Meaning::ArgFile),
    flag(&["link", "xapply"], Meaning::Linked),
    valued(&["I"], Meaning::ReplacementString),
    flag(&["will-cite", "group", "no-notice", "gnu"], Meaning::Same),
    flag(
        &["r", "no-run-if-empty"],
        Meaning::Missing("an empty input is an input here; no input at all is no task in any case"),
    ),
    flag(&["k", "keep-order", "keeporder"], Meaning::RunFlag("--keep-order")),
    flag(&["dry-run", "dryrun"], Meaning::RunFlag("--dry-run")),
    flag(&["bar"], Meaning::RunFlag("--bar")),
    flag(&["eta"], Meaning::RunFlag("--eta")),
    flag(&["progress"], Meaning::RunFlag("--bar")),
    flag(&["tag"], Meaning::Tag),
    valued(&["tagstring", "tag-string"], Meaning::Tagstring),
    valued(&["joblog"], Meaning::RunFlag("--joblog")),
    valued(&["results", "res"], Meaning::RunFlag("--results")),
    flag(&["X", "m", "xargs"], Meaning::Missing(PACKING)),
    valued(&["n", "max-args", "N", "max-replace-args"], Meaning::MaxArgs),
    valued(&["L", "max-lines", "s", "max-chars"], Meaning::Missing(PACKING)),
    flag(&["pipe", "spreadstdin", "pipepart", "round-robin", "roundrobin"], Meaning::Missing(RECORDS)),
    valued(&["block", "recstart", "recend", "cat", "fifo"], Meaning::Missing(RECORDS)),
    valued(
        &["S", "sshlogin", "slf", "sshloginfile", "env", "return", "transferfile", "tf", "basefile", "bf", "ssh"],
        Meaning::Missing(REMOTE),
    ),
    flag(&["transfer", "cleanup", "controlmaster", "M", "onall", "nonall"], Meaning::Missing(REMOTE)),
    flag(&["0", "null"], Meaning::Null),
    valued(&["d", "delimiter"], Meaning::Delimiter),
    valued(&["E"], Meaning::Missing("inputs are read to their end, whatever they are")),
    valued(&["C", "colsep"], Meaning::Colsep),
    valued(&["header"], Meaning::Header),
    flag(&["shuf"], Meaning::Shuffle),
    flag(
        &["u", "ungroup", "lb", "line-buffer", "linebuffer"],
        Meaning::Missing("what a task prints comes when it has ended, in one piece"),
    ),
    flag(&["resume"], Meaning::RunFlag("--resume")),
    flag(&["resume-failed", "resumefailed"], Meaning::RunFlag("--resume-failed")),
    flag(
        &["retry-failed", "retryfailed"],
        Meaning::Missing("the log's commands are not run; fanlane run --resume-failed runs those that failed again"),
    ),
    flag(&["q", "quote"], Meaning::Missing("the shell reads the command; quote in it what the shell must not read")),
    valued(
        &["rpl", "U", "er", "basenamereplace", "dirnamereplace", "seqreplace", "parens"],
        Meaning::Missing("only the usual replacement strings are known: {} {.} {/} {//} {/.} {#} {%} {1} {name}"),
    ),
    flag(&["plus"], Meaning::Missing("the replacement strings of --plus are not known")),
    valued(&["trim"], Meaning::Missing("blanks around an input belong to it")),
    flag(
        &["t", "verbose", "v"],
        Meaning::Missing("command lines are shown in the window and by --dry-run, not while it runs"),
    ),
    flag(&["tmux", "fg", "semaphore", "sem", "bg", "wait", "tty"], Meaning::Missing("tasks have no terminal here")),
    flag(
        &["compress", "files"],
        Meaning::Missing("outputs are kept as they are; fanlane run --results keeps them in files"),
    ),
    valued(&["tmpdir", "tempdir"], Meaning::Missing("long outputs go to $TMPDIR")),
    valued(&["termseq"], Meaning::Missing("a task that is ended gets SIGTERM, and SIGKILL two seconds later")),
    valued(&["J", "profile"], Meaning::Missing("what the profile says is not known here; write its options out")),
    valued(&["arg-sep", "arg-file-sep"], Meaning::Missing("the inputs stand behind ::: and :::: only")),
];

/// Makes a job of a command line of GNU parallel, whose first word may be `parallel` or its first option.
///
/// # Errors
/// When it is no such command line, or the command needs what fanlane has not.
pub fn import_parallel(words: &[Word]) -> Result<Imported, ImportError> {
    let mut notes = Vec::new();
    let (words, from_pipe) = own_words(words, &mut notes)?;
    let (found, first) = parse(words, OPTIONS)?;
    let (command, markers) = split(&words[first..]);
    let mut text = command.iter().map(|word| &*word.text).collect::<Vec<_>>().join(" ");
    let mut inputs = Vec::new();
    let mut reading = Reading::default();
    let mut settings = job("true".to_owned(), Vec::new())?;
    for option in found {
        let written = option.written();
        let value = option.value.unwrap_or_default();
        match option.known {
            None => note(&mut notes, written, UNKNOWN),
            Some(Meaning::Missing(meaning)) => note(&mut notes, written, *meaning),
            Some(Meaning::RunFlag(flag)) => {
                let value = if value.is_empty() { String::new() } else { format!(" {value}") };
                note(&mut notes, written, format!("a job has no field for it; add {flag}{value} to fanlane run"));
            }
            Some(Meaning::Same) => {}
            Some(Meaning::ArgFile) => inputs.push(lines(&value)),
            Some(Meaning::Linked) => settings.linked = true,
            Some(Meaning::Null) => reading.separator = Some("\0".to_owned()),
            Some(Meaning::Delimiter) => reading.separator = Some(unescaped(&value)),
            Some(Meaning::Colsep) => reading.columns = Some(value),
            Some(Meaning::Header) if value == ":" => reading.header = true,
            Some(Meaning::Header) => note(&mut notes, written, "only --header : is known; no line names columns"),
            Some(Meaning::ReplacementString) => text = text.replace(&value, "{}"),
            Some(meaning) => {
                if let Err(why) = merge_into(meaning, &value, &mut settings) {
                    note(&mut notes, written, why);
                }
            }
        }
    }
    let by_option = settings.linked;
    inputs.extend(inputs_of(&markers, &mut settings.linked, &mut notes));
    if by_option && !are_of_one_length(&inputs) {
        note(
            &mut notes,
            "--link",
            "the inputs end with the shortest; parallel would have begun the shorter ones again",
        );
    }
    if inputs.is_empty() {
        inputs.push(Input::Stdin);
    } else if from_pipe {
        note(&mut notes, "|", "the inputs are named, so what was piped in is not read");
    }
    let inputs = inputs.into_iter().map(|input| reading.of(input)).collect();
    if text.trim().is_empty() {
        // The inputs themselves are the commands: what stands first in a template is not quoted.
        "{}".clone_into(&mut text);
    }
    let expanded = |word: &&Word| word.expanded && !command.iter().any(|own| std::ptr::eq(own, *word));
    for word in words.iter().filter(expanded) {
        note(&mut notes, &word.text, "the shell would have put something in place of it; it is taken as it stands");
    }
    let inputs_and_command = job(text, inputs)?;
    Ok(Imported { job: Job { task: inputs_and_command.task, inputs: inputs_and_command.inputs, ..settings }, notes })
}

/// The words of parallel itself: without what pipes into it and what follows it. Says whether something pipes.
fn own_words<'a>(words: &'a [Word], notes: &mut Vec<Note>) -> Result<(&'a [Word], bool), ImportError> {
    let is_parallel = |word: &Word| !word.operator && (word.text == "parallel" || word.text.ends_with("/parallel"));
    let first = words.first().ok_or(ImportError::Empty)?;
    let piped_into = words.windows(2).position(|pair| pair[0].operator && pair[0].text == "|" && is_parallel(&pair[1]));
    let (own, from_pipe) = match piped_into {
        _ if is_parallel(first) => (&words[1..], false),
        Some(pipe) => {
            let before: Vec<&str> = words[..pipe].iter().map(|word| &*word.text).collect();
            note(notes, before.join(" "), "pipe this into fanlane run: the job reads its inputs from standard input");
            (&words[pipe + 2..], true)
        }
        None if first.text.starts_with('-') => (words, false),
        None => return Err(ImportError::OtherProgram { program: "parallel", found: first.text.clone() }),
    };
    let end = own.iter().position(|word| word.operator).unwrap_or(own.len());
    if end < own.len() {
        let after: Vec<&str> = own[end..].iter().map(|word| &*word.text).collect();
        note(notes, after.join(" "), "what follows parallel is not part of the job; write it behind fanlane run");
    }
    Ok((&own[..end], from_pipe))
}

const MARKERS: [&str; 4] = [":::", ":::+", "::::", "::::+"];

/// The command, and each marker with its words.
fn split(words: &[Word]) -> (&[Word], Vec<(&str, &[Word])>) {
    let is_marker = |word: &Word| MARKERS.contains(&&*word.text);
    let first = words.iter().position(is_marker).unwrap_or(words.len());
    let (command, mut rest) = words.split_at(first);
    let mut sources = Vec::new();
    while let Some((marker, after)) = rest.split_first() {
        let end = after.iter().position(is_marker).unwrap_or(after.len());
        sources.push((&*marker.text, &after[..end]));
        rest = &after[end..];
    }
    (command, sources)
}

/// Whether all inputs are known to have as many values.
fn are_of_one_length(inputs: &[Input]) -> bool {
    let length = |input: &Input| match input {
        Input::List(values) => i64::try_from(values.len()).ok(),
        Input::Range(first, last) => Some(last - first + 1),
        _ => None,
    };
    let first = inputs.first().and_then(length);
    inputs.len() < 2 || (first.is_some() && inputs.iter().all(|input| length(input) == first))
}

/// The inputs; those that `:::+` links stand together.
fn inputs_of(sources: &[(&str, &[Word])], linked: &mut bool, notes: &mut Vec<Note>) -> Vec<Input> {
    let mut groups: Vec<Vec<Input>> = Vec::new();
    for source in sources {
        let inputs = inputs_of_one(source, notes);
        match groups.last_mut() {
            Some(group) if source.0.ends_with('+') => group.extend(inputs),
            // Several files after one marker combine as if each had its own.
            _ => groups.extend(inputs.into_iter().map(|input| vec![input])),
        }
    }
    match &mut groups[..] {
        [only] if only.len() > 1 => {
            *linked = true;
            std::mem::take(only)
        }
        _ => groups.into_iter().flat_map(linked_if_several).collect(),
    }
}

/// A group of linked sources is one input; the files after one `::::` are not linked.
fn linked_if_several(group: Vec<Input>) -> Vec<Input> {
    if group.len() > 1 { vec![Input::Linked(group)] } else { group }
}

fn inputs_of_one((marker, words): &(&str, &[Word]), notes: &mut Vec<Note>) -> Vec<Input> {
    let mut inputs = Vec::new();
    {
        if marker.starts_with("::::") {
            return words.iter().map(|word| lines(&word.text)).collect();
        }
        match *words {
            [word] if word.pattern => inputs.push(Input::Glob(word.text.clone())),
            [word] if range(&word.text).is_some() => inputs.extend(range(&word.text)),
            words => {
                for word in
                    words.iter().filter(|word| word.pattern || (word.text.starts_with('{') && word.text.ends_with('}')))
                {
                    note(
                        notes,
                        &word.text,
                        "the shell would have put several words in place of it; it is taken as it stands",
                    );
                }
                inputs.push(Input::List(words.iter().map(|word| word.text.clone()).collect()));
            }
        }
    }
    inputs
}

/// `{1..10}`, which shells make numbers of.
fn range(text: &str) -> Option<Input> {
    let (first, last) = text.strip_prefix('{')?.strip_suffix('}')?.split_once("..")?;
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last && !text.contains("{0")).then_some(Input::Range(first, last))
}

fn lines(file: &str) -> Input {
    if file == "-" { Input::Stdin } else { Input::Lines(file.into()) }
}

fn merge_into(meaning: &Meaning, value: &str, job: &mut Job) -> Result<(), String> {
    match meaning {
        Meaning::Jobs => match value.parse::<u32>() {
            Ok(workers @ 1..=MAX_WORKERS) => job.workers = Some(workers),
            _ => {
                return Err(format!(
                    "a job has 1 to {MAX_WORKERS} workers or as many as there are cores, which it now has; \
                     fanlane run takes -j {value}"
                ));
            }
        },
        Meaning::Retries => match value.parse::<u32>() {
            Ok(tries) => job.retries = tries.saturating_sub(1),
            Err(_) => return Err("it is no number of tries, so failing tasks are not tried again".to_owned()),
        },
        Meaning::Timeout => match duration::parse_limit(value) {
            Ok(Limit::Time(time)) => job.timeout_secs = Some(time.secs),
            Ok(Limit::PercentOfMedian(percent)) => job.control.timeout_percent = Some(percent),
            Err(expected) => return Err(format!("tasks have no timeout: {expected}")),
        },
        Meaning::Delay => {
            let delay = duration::parse(value).map_err(|expected| format!("there is no delay: {expected}"))?;
            job.control.delay_secs = Some(delay.secs);
        }
        Meaning::Halt if value == "never" => {}
        Meaning::Halt => {
            let halt = value.parse().map_err(|error| format!("the run is never ended early: {error}"))?;
            job.control.halt = Some(halt);
        }
        Meaning::Memfree => {
            let bytes = parse_size(value)
                .map_err(|expected| format!("tasks are started whatever memory is free: {expected}"))?;
            job.control.memfree_bytes = Some(bytes);
        }
        Meaning::Load => match value.parse::<f64>() {
            Ok(load) if load > 0.0 => job.control.load_limit = Some(load),
            _ => return Err(format!("a job has a number there; fanlane run takes --load {value}")),
        },
        Meaning::Nice => match value.parse::<i32>() {
            Ok(nice @ 0..=19) => job.control.nice = Some(nice),
            _ => return Err("only 0 to 19 can be asked for, so tasks run as this program does".to_owned()),
        },
        Meaning::MaxArgs => match value.parse::<u32>() {
            Ok(count) => job.max_args = Some(count),
            Err(_) => return Err("it is no number, so each task gets one input".to_owned()),
        },
        Meaning::Tag if job.tagstring.is_none() => job.tagstring = Some("{}".to_owned()),
        Meaning::Tag => {}
        Meaning::Tagstring => {
            let text = unescaped(value);
            Template::parse_text(&text).map_err(|error| format!("lines of output have no tag: {error}"))?;
            job.tagstring = Some(text);
        }
        Meaning::Shuffle => job.order = Order::Shuffled { seed: 0 },
        Meaning::WorkingDir if value == "..." => {
            return Err("tasks share one working folder here, the job's".to_owned());
        }
        Meaning::WorkingDir => job.working_dir = Some(value.into()),
        Meaning::ArgFile
        | Meaning::Linked
        | Meaning::Null
        | Meaning::Delimiter
        | Meaning::Colsep
        | Meaning::Header
        | Meaning::ReplacementString
        | Meaning::Same
        | Meaning::RunFlag(_)
        | Meaning::Missing(_) => {}
    }
    Ok(())
}
