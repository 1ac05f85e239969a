//! A command line of GNU parallel as a job.

use super::input_reading::{InputReading, SharedOptions, delimiter, null, slot_variable, unescaped, until};
use super::options::{Known, Meaning, apply};
use super::words::Word;
use super::{ImportError, Imported, Note, job, note, note_words};
use crate::job::amount::parse_size;
use crate::job::duration::{self, Limit};
use crate::job::order::Order;
use crate::job::quote::kept_word;
use crate::job::template::Shorthands;
use crate::job::{DEFAULT_MAX_CHARS, Input, Job, MAX_WORKERS, RemoteFiles, Shell, Template};

/// A job as the options make it.
struct Draft {
    job: Job,
    /// The inputs that options name.
    inputs: Vec<Input>,
    reading: InputReading,
    /// What stands for replacement strings in the command.
    shorthands: Shorthands,
    markers: Markers,
    /// A task gets as many inputs as fit.
    fills: bool,
    /// The last inputs are shared out among the workers.
    is_shared_out: bool,
    /// A word with a replacement string is written once for each value.
    has_each: bool,
    /// Unless all values stand in its place.
    has_all: bool,
}

impl SharedOptions for Draft {
    fn reading(&mut self) -> &mut InputReading {
        &mut self.reading
    }

    fn job(&mut self) -> &mut Job {
        &mut self.job
    }
}

const RECORDS: &str = "standard input is not parted among the tasks, its lines are inputs; split it into files, or give each task a \
                       text with --stdin-text";
const REMOTE: &str = "hosts are given to fanlane run with -S, which makes one connection to each";

const OPTIONS: &[Known<Draft>] = &[
    Known::valued(&["j", "jobs", "P", "max-procs", "procs"], Meaning::Set(jobs)),
    Known::valued(&["retries"], Meaning::Set(retries)),
    Known::valued(&["timeout"], Meaning::Set(timeout)),
    Known::valued(&["delay"], Meaning::Set(delay)),
    Known::valued(&["halt", "halt-on-error"], Meaning::Set(halt)),
    Known::valued(&["memfree"], Meaning::Set(memfree)),
    Known::valued(&["load"], Meaning::Set(load)),
    Known::valued(&["limit"], Meaning::Set(limit)),
    Known::flag(
        &["noswap"],
        Meaning::Set(|draft, _| {
            draft.job.control.no_swap = true;
            Ok(())
        }),
    ),
    Known::valued(&["nice"], Meaning::Set(nice)),
    Known::valued(&["wd", "workdir"], Meaning::Set(working_dir)),
    Known::valued(
        &["a", "arg-file"],
        Meaning::Set(|draft, file| {
            draft.inputs.push(lines(file));
            Ok(())
        }),
    ),
    Known::flag(
        &["link", "xapply"],
        Meaning::Set(|draft, _| {
            draft.job.linked = true;
            Ok(())
        }),
    ),
    Known::valued(&["I"], Meaning::Set(|draft, value| named(draft, value, "{}"))),
    Known::flag(&["will-cite", "group", "no-notice", "gnu"], Meaning::Same),
    Known::flag(
        &["r", "no-run-if-empty"],
        Meaning::Missing("an empty input makes a task; without inputs there is no task"),
    ),
    Known::flag(&["k", "keep-order", "keeporder"], Meaning::RunFlag("--keep-order")),
    Known::flag(&["dry-run", "dryrun"], Meaning::RunFlag("--dry-run")),
    Known::flag(&["bar"], Meaning::RunFlag("--bar")),
    Known::flag(&["tty"], Meaning::RunFlag("--tty")),
    Known::flag(&["eta"], Meaning::RunFlag("--eta")),
    Known::flag(&["progress"], Meaning::RunFlag("--bar")),
    Known::flag(
        &["tag"],
        Meaning::Set(|draft, _| {
            draft.job.tagstring.get_or_insert_with(|| "{}".to_owned());
            Ok(())
        }),
    ),
    Known::valued(&["tagstring", "tag-string"], Meaning::Set(tagstring)),
    Known::valued(&["joblog"], Meaning::RunFlag("--joblog")),
    Known::valued(&["results", "res"], Meaning::RunFlag("--results")),
    Known::flag(
        &["xargs"],
        Meaning::Set(|draft, _| {
            draft.fills = true;
            draft.has_all = true;
            Ok(())
        }),
    ),
    Known::flag(
        &["m"],
        Meaning::Set(|draft, _| {
            draft.has_all = true;
            share_out(draft)
        }),
    ),
    Known::flag(
        &["X"],
        Meaning::Set(|draft, _| {
            draft.job.repeat_words = true;
            share_out(draft)
        }),
    ),
    Known::valued(&["n", "max-args"], Meaning::Set(max_args)),
    Known::valued(
        &["N", "max-replace-args"],
        Meaning::Set(|draft, value| {
            draft.has_each = true;
            max_args(draft, value)
        }),
    ),
    Known::valued(
        &["L"],
        Meaning::Set(|draft, value| {
            draft.has_each = true;
            max_lines(draft, value)
        }),
    ),
    Known::attached(&["l", "max-lines", "maxlines"], Meaning::Set(max_lines)),
    Known::valued(&["s", "max-chars"], Meaning::Set(max_chars)),
    Known::flag(&["x", "exit"], Meaning::Same),
    Known::flag(&["pipe", "spreadstdin", "pipepart", "round-robin", "roundrobin"], Meaning::Missing(RECORDS)),
    Known::valued(&["block", "recstart", "recend", "cat", "fifo"], Meaning::Missing(RECORDS)),
    Known::valued(&["S", "sshlogin"], Meaning::RunFlag("--sshlogin")),
    Known::valued(&["slf", "sshloginfile"], Meaning::RunFlag("--sshloginfile")),
    Known::valued(&["ssh"], Meaning::RunFlag("--ssh")),
    Known::valued(&["transferfile", "tf"], Meaning::Set(|draft, name| name_file(&mut files(draft).transfer, name))),
    Known::flag(&["transfer"], Meaning::Set(|draft, _| name_file(&mut files(draft).transfer, "{}"))),
    Known::valued(&["return"], Meaning::Set(|draft, name| name_file(&mut files(draft).returned, name))),
    Known::valued(&["basefile", "bf"], Meaning::Set(|draft, name| name_file(&mut files(draft).base, name))),
    Known::flag(&["cleanup"], Meaning::Set(clean_up)),
    Known::valued(
        &["trc"],
        Meaning::Set(|draft, name| {
            name_file(&mut files(draft).transfer, "{}")?;
            name_file(&mut files(draft).returned, name)?;
            clean_up(draft, "")
        }),
    ),
    Known::valued(&["env"], Meaning::Missing(REMOTE)),
    Known::flag(&["controlmaster", "M", "onall", "nonall"], Meaning::Missing(REMOTE)),
    Known::flag(&["0", "null"], Meaning::Set(null)),
    Known::valued(&["d", "delimiter"], Meaning::Set(delimiter)),
    Known::valued(&["E"], Meaning::Set(until)),
    Known::attached(&["e", "eof"], Meaning::Set(until)),
    Known::flag(
        &["skip-first-line", "skipfirstline"],
        Meaning::Set(|draft, _| {
            draft.reading.skip = 1;
            Ok(())
        }),
    ),
    Known::valued(&["process-slot-var", "processslotvar"], Meaning::Set(slot_variable)),
    Known::attached(
        &["i", "replace"],
        Meaning::Set(|draft, text| {
            draft.shorthands.name(text, "{}");
            Ok(())
        }),
    ),
    Known::valued(&["er", "extensionreplace"], Meaning::Set(|draft, text| named(draft, text, "{.}"))),
    Known::valued(&["bnr", "basenamereplace"], Meaning::Set(|draft, text| named(draft, text, "{/}"))),
    Known::valued(&["dnr", "dirnamereplace"], Meaning::Set(|draft, text| named(draft, text, "{//}"))),
    Known::valued(&["bner", "basenameextensionreplace"], Meaning::Set(|draft, text| named(draft, text, "{/.}"))),
    Known::valued(&["seqreplace"], Meaning::Set(|draft, text| named(draft, text, "{#}"))),
    Known::valued(&["slotreplace"], Meaning::Set(|draft, text| named(draft, text, "{%}"))),
    Known::valued(
        &["C", "colsep"],
        Meaning::Set(|draft, value| {
            draft.reading.columns = Some(value.to_owned());
            Ok(())
        }),
    ),
    Known::valued(&["header"], Meaning::Set(header)),
    Known::flag(
        &["shuf"],
        Meaning::Set(|draft, _| {
            draft.job.order = Order::Shuffled { seed: 0 };
            Ok(())
        }),
    ),
    Known::flag(
        &["u", "ungroup", "lb", "line-buffer", "linebuffer"],
        Meaning::Missing("the output of a task is printed as a whole, when it has ended"),
    ),
    Known::flag(&["resume"], Meaning::RunFlag("--resume")),
    Known::flag(&["resume-failed", "resumefailed"], Meaning::RunFlag("--resume-failed")),
    Known::flag(
        &["retry-failed", "retryfailed"],
        Meaning::Missing("the log's commands are not run; fanlane run --resume-failed runs those that failed again"),
    ),
    Known::flag(
        &["q", "quote"],
        Meaning::Set(|draft, _| {
            draft.job.shell = Shell::None;
            Ok(())
        }),
    ),
    Known::valued(
        &["rpl"],
        Meaning::Set(|draft, definition| {
            draft.shorthands.rpl(definition).map_err(|error| format!("it stays a text: {error}"))
        }),
    ),
    Known::valued(
        &["parens"],
        Meaning::Set(|draft, text| {
            draft.shorthands.parens(text).map_err(|error| format!("expressions are in {{==}}: {error}"))
        }),
    ),
    Known::flag(
        &["plus"],
        Meaning::Set(|draft, _| {
            draft.shorthands.plus();
            Ok(())
        }),
    ),
    Known::valued(&["trim"], Meaning::Missing("blanks around an input belong to it")),
    Known::flag(
        &["t", "verbose", "v"],
        Meaning::Missing("command lines are shown in the window and by --dry-run, not while it runs"),
    ),
    Known::flag(
        &["tmux", "fg", "semaphore", "sem", "bg", "wait"],
        Meaning::Missing("tasks have no terminal; fanlane run --tty gives them one"),
    ),
    Known::flag(
        &["compress", "files"],
        Meaning::Missing("outputs are kept as they are; fanlane run --results keeps them in files"),
    ),
    Known::valued(&["tmpdir", "tempdir"], Meaning::Missing("long outputs go to $TMPDIR")),
    Known::valued(&["termseq"], Meaning::Missing("a task that is ended gets SIGTERM, and SIGKILL two seconds later")),
    Known::valued(&["J", "profile"], Meaning::Missing("profiles are not read; write out the options of this one")),
    Known::valued(
        &["arg-sep", "argsep"],
        Meaning::Set(|draft, text| {
            text.clone_into(&mut draft.markers.values);
            Ok(())
        }),
    ),
    Known::valued(
        &["arg-file-sep", "argfilesep"],
        Meaning::Set(|draft, text| {
            text.clone_into(&mut draft.markers.files);
            Ok(())
        }),
    ),
];

/// Makes a job of a command line of GNU parallel, whose first word may be `parallel` or its first option.
///
/// # Errors
/// When it is not such a command line, or the command needs what Fanlane does not have.
pub fn import_parallel(words: &[Word]) -> Result<Imported, ImportError> {
    let mut notes = Vec::new();
    let (words, from_pipe) = own_words(words, &mut notes)?;
    let job_of_options = job("true".to_owned(), Vec::new())?;
    let mut draft = Draft {
        job: job_of_options,
        inputs: Vec::new(),
        reading: InputReading::default(),
        shorthands: Shorthands::default(),
        markers: Markers { values: ":::".to_owned(), files: "::::".to_owned() },
        fills: false,
        is_shared_out: false,
        has_each: false,
        has_all: false,
    };
    let first = apply(words, OPTIONS, &mut draft, &mut notes)?;
    let Draft {
        job: mut settings,
        mut inputs,
        mut reading,
        shorthands,
        markers,
        fills,
        is_shared_out,
        has_each,
        has_all,
    } = draft;
    settings.repeat_words |= has_each && !has_all;
    if fills {
        settings.max_chars.get_or_insert(DEFAULT_MAX_CHARS);
    } else if settings.max_chars.is_some() {
        // The length alone puts no inputs together.
        settings.max_args.get_or_insert(1);
    }
    if is_shared_out {
        settings.spread = settings.workers;
        if settings.spread.is_none() {
            note(
                &mut notes,
                if settings.repeat_words { "-X" } else { "-m" },
                "the last inputs stay together in one task; name the number of workers with -j to share them out",
            );
        }
    }
    let (command, sources) = split(&words[first..], &markers);
    let mut words_of_command: Vec<String> = Vec::new();
    for word in command {
        match words_of_command.last_mut().filter(|last| shorthands.is_open(last)) {
            Some(last) => *last += &format!(" {}", word.text),
            None => words_of_command.push(word.text.clone()),
        }
    }
    for word in &mut words_of_command {
        match shorthands.applied(word) {
            Ok(text) => *word = text,
            Err(error) => note(&mut notes, word.clone(), format!("it stays a text: {error}")),
        }
    }
    if let Some(tagstring) = &mut settings.tagstring
        && let Ok(text) = shorthands.applied(tagstring)
    {
        *tagstring = text;
    }
    let mut text = if settings.shell.is_used() {
        words_of_command.join(" ")
    } else {
        words_of_command.iter().map(|word| kept_word(word)).collect::<Vec<_>>().join(" ")
    };
    let by_option = settings.linked;
    inputs.extend(inputs_of(&sources, &mut settings.linked, &mut notes));
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
    if reading.leaves_out() && inputs.iter().any(|input| matches!(input, Input::Glob(_))) {
        note(&mut notes, "--skip-first-line, -E", "all files that match a pattern are inputs");
    }
    let inputs = inputs.into_iter().map(|input| reading.of(input)).collect();
    if text.trim().is_empty() {
        // The inputs themselves are the commands: what stands first in a template is not quoted.
        "{}".clone_into(&mut text);
    }
    let expanded = |word: &&Word| word.expanded && !command.iter().any(|own| std::ptr::eq(own, *word));
    for word in words.iter().filter(expanded) {
        note(&mut notes, &word.text, "a shell would have expanded it; it is taken literally");
    }
    for word in command.iter().filter(|word| word.expanded) {
        note(
            &mut notes,
            &word.text,
            "the shell that starts parallel would have expanded it; here the shell of each task does, so its variables must be exported",
        );
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
            note_words(
                notes,
                &words[..pipe],
                "pipe this into fanlane run: the job reads its inputs from standard input",
            );
            (&words[pipe + 2..], true)
        }
        None if first.text.starts_with('-') => (words, false),
        None => return Err(ImportError::OtherProgram { program: "parallel", found: first.text.clone() }),
    };
    let end = own.iter().position(|word| word.operator).unwrap_or(own.len());
    if end < own.len() {
        note_words(notes, &own[end..], "what follows parallel is not part of the job; write it after fanlane run");
    }
    Ok((&own[..end], from_pipe))
}

/// The words that begin a source of inputs.
struct Markers {
    values: String,
    files: String,
}

/// What a marker says of the words behind it.
#[derive(Clone, Copy)]
struct SourceKind {
    of_files: bool,
    /// Walked side by side with the source before.
    linked: bool,
}

impl Markers {
    fn read(&self, word: &Word) -> Option<SourceKind> {
        let kind = |marker: &str, of_files| match word.text.strip_prefix(marker)? {
            "" => Some(SourceKind { of_files, linked: false }),
            "+" => Some(SourceKind { of_files, linked: true }),
            _ => None,
        };
        kind(&self.files, true).or_else(|| kind(&self.values, false))
    }
}

/// The command, and each source with its words.
fn split<'a>(words: &'a [Word], markers: &Markers) -> (&'a [Word], Vec<(SourceKind, &'a [Word])>) {
    let is_marker = |word: &Word| markers.read(word).is_some();
    let first = words.iter().position(is_marker).unwrap_or(words.len());
    let (command, mut rest) = words.split_at(first);
    let mut sources = Vec::new();
    while let Some((kind, after)) = rest.split_first().and_then(|(word, after)| Some((markers.read(word)?, after))) {
        let end = after.iter().position(is_marker).unwrap_or(after.len());
        sources.push((kind, &after[..end]));
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
fn inputs_of(sources: &[(SourceKind, &[Word])], linked: &mut bool, notes: &mut Vec<Note>) -> Vec<Input> {
    let mut groups: Vec<Vec<Input>> = Vec::new();
    for source in sources {
        let inputs = inputs_of_one(source, notes);
        match groups.last_mut() {
            Some(group) if source.0.linked => group.extend(inputs),
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

fn inputs_of_one((kind, words): &(SourceKind, &[Word]), notes: &mut Vec<Note>) -> Vec<Input> {
    if kind.of_files {
        return words.iter().map(|word| lines(&word.text)).collect();
    }
    match *words {
        [word] if word.pattern && !word.braces && !word.expanded => vec![Input::Glob(word.glob.clone())],
        [word] if range(&word.text).is_some() => range(&word.text).into_iter().collect(),
        words => {
            let is_several = |word: &&Word| word.pattern || word.braces;
            for word in words.iter().filter(is_several) {
                let meaning = "a shell would have expanded it to several words; it is taken literally";
                note(notes, &word.text, meaning);
            }
            vec![Input::List(words.iter().map(|word| word.text.clone()).collect())]
        }
    }
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

fn jobs(draft: &mut Draft, value: &str) -> Result<(), String> {
    match value.parse::<u32>() {
        Ok(workers @ 1..=MAX_WORKERS) => draft.job.workers = Some(workers),
        _ => {
            return Err(format!(
                "a job has 1 to {MAX_WORKERS} workers or as many as there are cores, which it now has; \
                 fanlane run takes -j {value}"
            ));
        }
    }
    Ok(())
}

fn retries(draft: &mut Draft, value: &str) -> Result<(), String> {
    let tries = value.parse::<u32>();
    let tries = tries.map_err(|_| "it is not a number of tries, so failing tasks are not tried again".to_owned())?;
    draft.job.retries = tries.saturating_sub(1);
    Ok(())
}

fn timeout(draft: &mut Draft, value: &str) -> Result<(), String> {
    match duration::parse_limit(value) {
        Ok(Limit::Time(time)) => draft.job.timeout_secs = Some(time.secs),
        Ok(Limit::PercentOfMedian(percent)) => draft.job.control.timeout_percent = Some(percent),
        Err(expected) => return Err(format!("tasks have no timeout: {expected}")),
    }
    Ok(())
}

fn delay(draft: &mut Draft, value: &str) -> Result<(), String> {
    let delay = duration::parse(value).map_err(|expected| format!("there is no delay: {expected}"))?;
    draft.job.control.delay_secs = Some(delay.secs);
    Ok(())
}

fn halt(draft: &mut Draft, value: &str) -> Result<(), String> {
    if value != "never" {
        let halt = value.parse().map_err(|error| format!("the run is never ended early: {error}"))?;
        draft.job.control.halt = Some(halt);
    }
    Ok(())
}

fn memfree(draft: &mut Draft, value: &str) -> Result<(), String> {
    let bytes =
        parse_size(value).map_err(|expected| format!("tasks are started regardless of free memory: {expected}"))?;
    draft.job.control.memfree_bytes = Some(bytes);
    Ok(())
}

fn load(draft: &mut Draft, value: &str) -> Result<(), String> {
    let load = value.parse::<f64>().ok().filter(|load| *load > 0.0);
    let load = load.ok_or_else(|| format!("a job file takes a number; add --load {value} to fanlane run"))?;
    draft.job.control.load_limit = Some(load);
    Ok(())
}

fn limit(draft: &mut Draft, value: &str) -> Result<(), String> {
    match value.split_once(' ') {
        Some(("load", number)) => load(draft, number),
        Some(("mem", size)) => memfree(draft, size),
        Some(("io", _)) => Err("how busy disks are is not measured, so tasks start regardless of it".to_owned()),
        _ => {
            draft.job.control.limit_command = Some(value.to_owned());
            Ok(())
        }
    }
}

fn nice(draft: &mut Draft, value: &str) -> Result<(), String> {
    let nice = value.parse::<i32>().ok().filter(|nice| (0..=19).contains(nice));
    let nice = nice.ok_or("only 0 to 19 is supported, so tasks run with the priority of this program")?;
    draft.job.control.nice = Some(nice);
    Ok(())
}

fn max_args(draft: &mut Draft, value: &str) -> Result<(), String> {
    let count = value.parse().map_err(|_| "it is not a number, so each task gets one input".to_owned())?;
    draft.job.max_args = Some(count);
    Ok(())
}

fn named(draft: &mut Draft, text: &str, braces: &'static str) -> Result<(), String> {
    draft.shorthands.name(text, braces);
    Ok(())
}

fn share_out(draft: &mut Draft) -> Result<(), String> {
    draft.fills = true;
    draft.is_shared_out = true;
    Ok(())
}

fn max_lines(draft: &mut Draft, value: &str) -> Result<(), String> {
    draft.fills = true;
    max_args(draft, if value.is_empty() { "1" } else { value })
}

fn max_chars(draft: &mut Draft, value: &str) -> Result<(), String> {
    let bytes =
        parse_size(value).map_err(|expected| format!("commands are as long as the system allows: {expected}"))?;
    draft.job.max_chars = Some(bytes);
    Ok(())
}

fn tagstring(draft: &mut Draft, value: &str) -> Result<(), String> {
    let text = unescaped(value);
    Template::parse_text(&text).map_err(|error| format!("lines of output have no tag: {error}"))?;
    draft.job.tagstring = Some(text);
    Ok(())
}

fn working_dir(draft: &mut Draft, value: &str) -> Result<(), String> {
    if value == "..." {
        return Err("all tasks run in the working folder of the job".to_owned());
    }
    draft.job.working_dir = Some(value.into());
    Ok(())
}

fn header(draft: &mut Draft, value: &str) -> Result<(), String> {
    if value != ":" {
        return Err("only --header : is supported; no line names the columns".to_owned());
    }
    draft.reading.header = true;
    Ok(())
}

fn files(draft: &mut Draft) -> &mut RemoteFiles {
    &mut draft.job.remote_files
}

#[expect(clippy::unnecessary_wraps, reason = "the table's rows may fail")]
fn name_file(names: &mut Vec<String>, name: &str) -> Result<(), String> {
    names.push(name.to_owned());
    Ok(())
}

#[expect(clippy::unnecessary_wraps, reason = "the table's rows may fail")]
fn clean_up(draft: &mut Draft, _: &str) -> Result<(), String> {
    draft.job.remote_files.cleanup = true;
    Ok(())
}
